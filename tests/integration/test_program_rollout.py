"""A new program goes round process by process; what the first one awards, the last one must be able to refund."""

from pathlib import Path

import pytest

from laurels.model import Order, Refund
from laurels.settings import load
from laurels.wiring import build

pytestmark = pytest.mark.anyio

NEWER = 'version = 2\n[earn]\npoints = 3\nper = { GBP = "10.00" }\n'


async def test_a_process_with_the_old_program_refunds_by_the_new_one(tmp_path: Path) -> None:
    (tmp_path / "newer.toml").write_text(NEWER)
    old = load({"state": tmp_path / "state"}, environment={})
    configured = {"program.file": tmp_path / "newer.toml", "program.publish_at_start": True}
    new = load({"state": tmp_path / "state", **configured}, environment={})
    async with build(old) as slow, build(new) as quick:
        order = Order(source="shop", order_id="A1", member_id="ann", currency="GBP", total=2000)
        refund = Refund(source="shop", refund_id="R1", order_id="A1", member_id="ann", currency="GBP", amount=1000)
        await quick.intake.accept(order)
        await quick.awarder.drain()
        await slow.intake.accept(refund)
        await slow.awarder.drain()
        entries = await slow.ledger.order_entries("shop", "A1")
        assert [(entry.points, entry.program_version) for entry in entries] == [(6, 2), (-3, 2)]
