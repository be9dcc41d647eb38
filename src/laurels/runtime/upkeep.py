"""What commands do with services that no other process may be running: bring the board up to date, finish what waits,
look at everything.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from msgspec import Struct

from laurels.awarding import recount_of, verify_again, verify_in_depth
from laurels.leaderboard import compare
from laurels.ledger import Finding, Progress
from laurels.ledger.checking import look_further
from laurels.rollups import roll_up_findings
from laurels.runtime.telling import ShowProgress
from laurels.settings import Settings
from laurels.wiring import Services, build


class Verified(Struct, frozen=True):
    """What is not as it should be, in so many entries as of a version."""

    findings: list[Finding]
    checked: int
    version: str


@asynccontextmanager
async def projected_services(
    settings: Settings, progress: ShowProgress, *, must_exist: bool = True
) -> AsyncIterator[Services]:
    """The services with their leaderboard at the head of the feed, showing progress where that takes a while. Where
    another process keeps the leaderboard up to date, it is left to that one. `must_exist`: makes no ledger.
    """
    async with build(settings, must_exist=must_exist) as services:
        with progress("projecting", "entries") as report:
            await services.projector.reach(report)
        yield services


async def award_and_project(services: Services, progress: ShowProgress) -> None:
    """Award until nothing is left in the inbox, then bring the board to the head of the feed."""
    while await services.ledger.inbox_depth():
        await services.awarder.drain()
    with progress("projecting", "entries") as report:
        await services.projector.reach(report)


async def verify_services(services: Services, progress: ShowProgress, *, replay: bool = False) -> Verified:
    """Check the ledger and the board, which is at the head of the feed. With `replay` all documents are judged once
    more, too: raises `Conflict` where something is written meanwhile.
    """
    findings: list[Finding] = []
    checked = 0
    heads = await services.ledger.heads()
    with progress("verifying", "entries") as report:
        async for step in services.ledger.verify(recount_of(services.programs)):
            findings.extend(step.findings)
            checked = step.checked
            report(step.checked, step.total)
    await look_further(findings, verify_in_depth(services.ledger, services.programs))
    with progress("comparing", "entries") as report:
        await look_further(findings, _compare(services, report))
    await look_further(findings, roll_up_findings(services.ledger, services.programs.current.zone))
    if replay:
        await look_further(findings, verify_again(services.ledger, services.programs, services.now()))
    return Verified(findings, checked, str(heads.version))


async def _compare(services: Services, progress: Progress) -> AsyncIterator[Finding]:
    since = services.boards.since(services.now())
    for finding in await compare(services.ledger, services.leaderboard, services.boards, progress, since=since):
        yield finding
