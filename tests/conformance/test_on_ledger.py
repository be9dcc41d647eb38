"""The worked cases of the program in depth, played on real ledgers: the numbers are the same on every engine."""

from pathlib import Path
from typing import Any

import pytest
from tests.conformance import oracle
from tests.conformance.comparing import check_step
from tests.conformance.ledger_book import LedgerBook
from tests.conformance.ledgers import LEDGERS, Open
from tests.conformance.ledgers import postgres as on_server
from tests.postgres_server import Databases

pytestmark = pytest.mark.anyio

TABLE = oracle.cases()
LATER = ("ifrs", "breakage")
CASES = [case for case in TABLE["case"] if not any(step["do"] in LATER for step in case["steps"])]
SAMPLED = [
    pytest.param(case, id=case["id"], marks=[pytest.mark.long] if number % 20 else [])
    for number, case in enumerate(CASES)
]
"""All of them with --all, else one in twenty."""


@pytest.mark.parametrize("engine", LEDGERS)
@pytest.mark.parametrize("case", CASES, ids=[case["id"] for case in CASES])
async def test_a_worked_case_on_a_real_ledger(case: dict[str, Any], engine: str, tmp_path: Path) -> None:
    await play(case, LEDGERS[engine], tmp_path)


@pytest.mark.parametrize("case", SAMPLED)
async def test_a_worked_case_on_a_server(case: dict[str, Any], postgres: Databases, tmp_path: Path) -> None:
    with postgres.new() as url:
        await play(case, on_server(url), tmp_path)


async def play(case: dict[str, Any], opened: Open, directory: Path) -> None:
    """Take the case's steps, compare what each gives, and verify the ledger."""
    book = LedgerBook(opened, directory)
    await book.begin(TABLE["programs"][case["program"]])
    for number, step in enumerate(case["steps"], 1):
        got = await book.step(step)
        check_step(case, number, step, got, plain=book.programs.version(1).plain)
    assert await book.findings() == []
    await book.close()
