"""Every program of the how-to for program managers, played on a ledger: orders earn what the page says."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from tests.conformance.ledger_book import LedgerBook
from tests.conformance.ledgers import ENGINES, Fresh

pytestmark = pytest.mark.anyio

PAGE = (Path(__file__).parents[2] / "docs/how-to/run-campaigns.md").read_text("utf-8")
EXAMPLES = re.findall(r"^## ([^\n]+)\n\n```toml\n(.*?)```\n\n```text\n(.*?)```", PAGE, re.DOTALL | re.MULTILINE)
_ORDER = re.compile(r"on (\S+): (.+?)(?:, ([0-9.]+) by (\w+))? = (\d+) points")
_SPEND = re.compile(r"on (\S+): (\d+) can be spent")


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(("name", "program", "lines"), EXAMPLES, ids=[name for name, _, _ in EXAMPLES])
async def test_orders_earn_what_the_page_says(
    name: str, program: str, lines: str, fresh: Fresh, tmp_path: Path
) -> None:
    book = LedgerBook(fresh(), tmp_path)
    await book.begin([tomllib.loads(program)])
    for number, line in enumerate(lines.splitlines()):
        if line.startswith("birthday "):
            await book.step({"do": "attributes", "set": {"birthday": line.split()[1]}})
        elif spend := _SPEND.fullmatch(line):
            got = await book.step({"do": "balance", "at": f"{spend[1]}T12:00:00Z"})
            assert got["available"] == int(spend[2]), (name, line)
        else:
            step, points = _step(line, number)
            assert (await book.step(step)).get("points") == points, (name, line)
    assert await book.findings() == []
    await book.close()


def _step(line: str, number: int) -> tuple[dict[str, Any], int]:
    match = _ORDER.fullmatch(line)
    assert match is not None, f"not an example: {line}"
    day, goods, paid, method, points = match.groups()
    lines = [
        {"sku": "x", "unit_price": price, "category": category}
        for price, category in (part.split(" ") for part in goods.split(" + "))
    ]
    step: dict[str, Any] = {"do": "order", "order": f"o{number}", "at": f"{day}T12:00:00Z", "lines": lines}
    if paid is not None:
        rest = sum(round(float(each["unit_price"]) * 100) for each in lines) - round(float(paid) * 100)
        step["payments"] = [
            {"method": method, "amount": paid},
            {"method": "card", "amount": f"{rest // 100}.{rest % 100:02d}"},
        ]
    return step, int(points)


def test_the_page_has_them_all() -> None:
    assert len(EXAMPLES) == 7
