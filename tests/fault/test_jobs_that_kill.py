"""A job that ends every process that takes it: those behind it are done all the same."""

import pytest

from laurels.clock import SECOND
from laurels.intake import Intake
from laurels.jobs import JobRunner
from laurels.jobs.kinds import VERIFY
from laurels.jobs.owing import LIABILITY
from laurels.jobs.runner import BROKE_OFF, TAKEN_AT_MOST
from laurels.ledger.jobs import LEASE, JobState, NewJob
from laurels.members import Members
from laurels.points import Points
from laurels.testing.ledger_contract.base import Shop

pytestmark = pytest.mark.anyio


async def test_it_is_given_up_and_those_behind_it_are_done(shop: Shop) -> None:
    """What a process leaves behind that is killed for want of memory is a lease."""
    jobs = [
        await shop.ledger.add_job(NewJob(kind=kind, actor="niamh", digest=kind, about=b"{}", total=0, content=b"{}"))
        for kind in (LIABILITY, VERIFY)
    ]
    for _ in range(TAKEN_AT_MOST):
        taken = await shop.ledger.take_job("killed")
        assert taken is not None
        assert taken.number == jobs[0].number
        shop.now.at += LEASE + SECOND
    points, members = Points(shop.awarder, shop.ledger), Members(shop.ledger, shop.awarder, _forget, _forget)
    runner = JobRunner(shop.ledger, points, members, Intake(shop.ledger), shop.programs)
    while await runner.step():
        pass
    ended = [await shop.ledger.job(each.number) for each in jobs]
    assert [(each.state, each.error) for each in ended if each] == [(JobState.FAILED, BROKE_OFF), (JobState.DONE, "")]


async def _forget(mails: object) -> None:
    assert not mails
