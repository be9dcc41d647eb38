"""A version by which points lapse by inactivity comes into force among members of whom nothing happens any more: what
lapsed is written down by whoever sweeps, also where no process has the role `report`, and a version that another
process published is found.
"""

import asyncio
from pathlib import Path

import pytest
from tests.integration.http_shop import Shop, open_shop

from laurels import clock
from laurels.clock import DAY
from laurels.model.times import format_instant
from laurels.program import DEFAULT_PROGRAM
from laurels.runtime.role import Running, run_roles
from laurels.runtime.roles import roles_of
from laurels.testing.ledger_contract.base import soon
from laurels.workers import loops

pytestmark = pytest.mark.anyio


class Turned:
    """The clock, and how far it was turned on."""

    def __init__(self) -> None:
        self.by = 0

    def __call__(self) -> int:
        return clock.now() + self.by


async def publish_elsewhere(shop: Shop, turned: Turned) -> None:
    """A version that this process is not told of comes into force, and all that ann has lapses by it."""
    begins = turned() + DAY
    text = DEFAULT_PROGRAM.replace("version = 1", f'version = 2\nfrom = "{format_instant(begins)}"', 1)
    text += '\n[expiry]\nkind = "inactivity"\nmonths = 1\n'
    await shop.services.ledger.publish(2, text, begins, actor="test")
    turned.by += 100 * DAY


@pytest.mark.parametrize("roles", ["sweep", "work"])
async def test_who_sweeps_is_told_of_the_silent(
    ledger: str | None, tmp_path: Path, roles: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loops, "SWEEP_EVERY_S", 0.1)  # one sweep may be over when the other role tells
    turned, stop = Turned(), asyncio.Event()
    async with open_shop(tmp_path, now=turned, ledger_url=ledger) as shop:
        assert (await shop.order("A1", "ann", "100.00")).status_code == 202
        await shop.settle()
        await publish_elsewhere(shop, turned)
        running = asyncio.create_task(run_roles(roles_of(roles), Running(shop.services, stop)))
        try:
            await soon(lapsed(shop))
        finally:
            stop.set()
            await soon(running)


async def lapsed(shop: Shop) -> None:
    """Wait until the books say that nothing is left."""
    ledger = shop.services.ledger
    while (found := await ledger.balance("ann")) is None or found[0].balance:
        await ledger.wait_for_entries(await ledger.heads(), 0.1)
