"""What stands in a document steers no terminal: controls of both rows, carriage returns, formats are spelt out."""

import asyncio
import json
from pathlib import Path

import pytest
from tests.acceptance.command_line import laurels_here as laurels

from laurels.model import Order
from laurels.runtime.visible import visible
from laurels.settings import Settings
from laurels.wiring import build

STEERING = [
    "\x1b[2J",
    "\x9b2J",
    "\x9d0;title\x9c",
    "\r",
    "\x07",
    "\x08",
    "\x7f",
    "\u202e",
    "\u2066",
    "\ufeff",
    "\u2028",
]


@pytest.mark.parametrize("text", STEERING)
def test_a_quarantined_document_is_shown_harmlessly(tmp_path: Path, text: str) -> None:
    raw = f'{{"note": "before{text}after",\n\t"amount": "5.00"}}'
    asyncio.run(_quarantine(tmp_path, raw.encode()))
    shown = laurels("quarantine", "show", "1", "--state", tmp_path)
    assert shown.returncode == 0, shown.stderr
    assert text not in shown.stdout
    assert visible(text) in shown.stdout
    assert '\n        "amount"' in shown.stdout, "line ends and tabs stay"
    as_json = laurels("quarantine", "show", "1", "--json", "--state", tmp_path).stdout
    assert text not in as_json
    assert json.loads(as_json)["raw"] == raw, "JSON says the same by other means"
    assert all(char == "\n" or char.isprintable() for char in as_json)


async def _quarantine(state: Path, raw: bytes) -> None:
    """Quarantine an order in a currency that the program does not name, received as `raw`."""
    async with build(Settings(state=state)) as services:
        await services.intake.accept(Order(source="shop", order_id="A1", member_id="m", currency="JPY", total=500), raw)
        await services.awarder.drain()


@pytest.mark.parametrize("text", [*STEERING, "\udc9b", "\n\r", "a\x1b]8;;http://x\x1b\\b"])
def test_arguments_come_back_harmlessly(tmp_path: Path, text: str) -> None:
    refused = laurels("explain", "A1", "--source", f"a{text}b", "--state", tmp_path)
    assert refused.returncode == 2
    said = laurels("members", "enrol", f'"a"{text}b', "--state", tmp_path)
    assert said.returncode == 2
    for stream in (refused.stderr, said.stderr):
        assert all(char == "\n" or char.isprintable() for char in stream), stream


def test_what_a_person_writes_is_left_alone() -> None:
    for text in ("Zoë Müller", "注文 #1", "gid://shopify/Order/1", "a\nb\tc", "😀", ""):
        assert visible(text) == text
    assert visible("a\x9bb\rc\u202ed") == r"a\x9bb\rc\u202ed"
