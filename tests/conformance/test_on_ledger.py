"""The worked cases of the program in depth, played on real ledgers: the numbers are the same on every engine."""

from pathlib import Path
from typing import Any

import pytest
from tests.conformance import oracle
from tests.conformance.comparing import check_step
from tests.conformance.ledger_book import LedgerBook
from tests.conformance.ledgers import LEDGERS

pytestmark = pytest.mark.anyio

TABLE = oracle.cases()
LATER = ("ifrs", "breakage")
CASES = [case for case in TABLE["case"] if not any(step["do"] in LATER for step in case["steps"])]


@pytest.mark.skipif(not oracle.present(), reason=oracle.MISSING)
@pytest.mark.parametrize("engine", LEDGERS)
@pytest.mark.parametrize("case", CASES, ids=[case["id"] for case in CASES])
async def test_a_worked_case_on_a_real_ledger(case: dict[str, Any], engine: str, tmp_path: Path) -> None:
    book = LedgerBook(LEDGERS[engine], tmp_path)
    await book.begin(TABLE["programs"][case["program"]])
    for number, step in enumerate(case["steps"], 1):
        got = await book.step(step)
        check_step(case, number, step, got, plain=book.programs.version(1).plain)
    assert await book.findings() == []
    await book.close()
