"""Fill a ledger for the console's browser tests: python -m tests.console.fill STATE."""

import asyncio
import sys
from pathlib import Path

import msgspec
from tests.console.one_customer import TOTALS, WHO, after_orders, enrol, order

from laurels.jobs import JOURNAL, WEEK, JobRunner, WeekAbout
from laurels.ledger.jobs import NewJob
from laurels.rollups import RollingUp
from laurels.settings import load
from laurels.wiring import Services, build


async def fill(state: Path) -> None:
    """One customer with all kinds of entries, forty others, three orders in a currency without a rule."""
    async with build(load({"state": state}, environment={})) as services:
        await enrol(services)
        orders = [order(f"69287{number}", WHO, total) for number, total in enumerate(TOTALS)]
        orders += [order(f"7{number:05}", f"{12000 + number}", f"{50 * number + 10}.00") for number in range(40)]
        await services.ledger.accept([each.document() for each in orders])
        await services.awarder.drain()
        await after_orders(services)
        await services.projector.catch_up()
        await RollingUp(services.ledger, services.programs.current.zone).reach()
        await report(services)


async def report(services: Services) -> None:
    """A journal, and the report of this week, as their jobs make them."""
    week = msgspec.json.encode(WeekAbout(services.now()))
    for kind, about in ((JOURNAL, b"{}"), (WEEK, week)):
        await services.ledger.add_job(NewJob(kind=kind, actor="person:niamh", digest=kind, about=about))
    runner = JobRunner(services.ledger, services.points, services.members, services.intake, services.programs)
    while await runner.step():
        pass


if __name__ == "__main__":
    asyncio.run(fill(Path(sys.argv[1])))
