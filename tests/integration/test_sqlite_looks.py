"""Looks of people are written, and wake nobody who waits for orders or entries."""

from pathlib import Path

import pytest
from tests.ledgers import open_ledger

from laurels.engines.sqlite.change_notice import GIVE_EVERY_S
from laurels.ledger import Act
from laurels.testing.ledger_contract.base import order

pytestmark = pytest.mark.anyio

LOOK = Act(sub="niamh", name="Niamh", roles="support", action="show_customer", member=0, object="", request_id="r1")


async def test_a_look_gives_no_notice_to_other_processes(tmp_path: Path) -> None:
    notice = tmp_path / "laurels.db-notice"
    ledger = await open_ledger(tmp_path / "laurels.db")
    try:
        await ledger.accept([order("A1", "ann", "25.00").document()])
        assert notice.exists(), "an order gives one"
        given = notice.stat().st_mtime_ns
        for _ in range(3):
            await ledger.record(LOOK)
        assert len(await ledger.audit()) == 3
        assert notice.stat().st_mtime_ns == given
    finally:
        await ledger.close()
    assert notice.stat().st_mtime_ns == given, f"nor one that was put off for {GIVE_EVERY_S} s"
