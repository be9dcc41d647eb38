"""Jobs: taken under a lease, fenced, stopped, decided by two."""

import asyncio

import pytest

from laurels.clock import DAY, SECOND
from laurels.errors import Conflict, NotAllowed, NotFound, UnknownMember
from laurels.ledger.jobs import LEASE, OPEN_DAYS, Job, JobEnd, JobState, NewJob
from laurels.model import DocumentKind, MemberEvent
from laurels.testing.ledger_contract.base import LedgerSuite, OpenLedger, Shop, adjustment, opened_again, order

_DONE = JobEnd(state=JobState.DONE, done=3, total=3, tally=b'{"made":3}', file=b"rows")


def _new(digest: str = "d1", *, proposed: bool = False) -> NewJob:
    return NewJob(
        kind="corrections", actor="niamh", digest=digest, about=b"{}", total=3, content=b"content", proposed=proposed
    )


async def _taken(shop: Shop, owner: str = "me") -> Job:
    job = await shop.ledger.take_job(owner)
    assert job is not None
    return job


class JobsTests(LedgerSuite):
    """What takes long, and what a second person decides."""

    async def test_a_job_goes_its_way(self, shop: Shop) -> None:
        """A job is kept, taken, noted and ended, and its content is let go of then."""
        ledger = shop.ledger
        kept = await ledger.add_job(_new())
        assert (kept.state, kept.done, kept.total, kept.has_file) == (JobState.READY, 0, 3, False)
        assert await ledger.job_content(kept.number) == b"content"
        taken = await _taken(shop)
        assert (taken.number, taken.state, taken.fence) == (kept.number, JobState.RUNNING, 1)
        assert await ledger.take_job("other") is None
        assert await ledger.note_job(taken.number, 1, done=2, total=3, tally=b"{}") is True
        assert await ledger.end_job(taken.number, 1, _DONE)
        ended = await ledger.job(taken.number)
        assert ended is not None
        assert (ended.state, ended.done, ended.tally, ended.has_file) == (JobState.DONE, 3, b'{"made":3}', True)
        assert await ledger.job_content(taken.number) is None
        assert await ledger.job_file(taken.number) == b"rows"
        assert await ledger.jobs() == [ended]
        assert await ledger.jobs(states=[JobState.READY]) == []
        assert await ledger.jobs(kind=ended.kind) == [ended]
        assert await ledger.jobs(kind="another") == []
        assert await ledger.jobs(before=ended.number) == []

    async def test_what_a_job_gives_is_kept_piece_by_piece_with_how_far_it_is(self, shop: Shop) -> None:
        """A piece is there once what was noted with it is; there is a file when the job is done, for seven days."""
        ledger = shop.ledger
        await ledger.add_job(_new())
        taken = await _taken(shop)
        number = taken.number
        for n, part in enumerate((b"one", None, b"two"), 1):
            assert await ledger.note_job(number, taken.fence, done=n, total=3, tally=b"{}", part=part) is True
        assert await ledger.note_job(number, taken.fence + 1, done=4, total=4, tally=b"{}", part=b"lost") is None
        unfinished = await ledger.job(number)
        assert unfinished is not None
        assert not unfinished.has_file
        assert await ledger.end_job(number, taken.fence, JobEnd(state=JobState.DONE, done=3, total=3, tally=b"{}"))
        ended = await ledger.job(number)
        assert ended is not None
        assert ended.has_file
        assert [await ledger.job_part(number, part) for part in (1, 2, 3)] == [b"one", b"two", None]
        shop.now.at += OPEN_DAYS * DAY + SECOND
        assert await ledger.forget_jobs(before=shop.now.at - OPEN_DAYS * DAY) == 1
        assert await ledger.job_part(number, 1) is None
        forgotten = await ledger.job(number)
        assert forgotten is not None
        assert not forgotten.has_file

    @pytest.mark.parametrize("file", [None, b"whole"])
    async def test_pieces_go_where_a_job_was_stopped_or_gives_a_file(self, shop: Shop, file: bytes | None) -> None:
        """What is not whole is nobody's, and what is there as a file is not there twice."""
        await shop.ledger.add_job(_new())
        taken = await _taken(shop)
        await shop.ledger.note_job(taken.number, taken.fence, done=1, total=3, tally=b"{}", part=b"one")
        state = JobState.STOPPED if file is None else JobState.DONE
        end = JobEnd(state=state, done=1, total=3, tally=b"{}", file=file)
        assert await shop.ledger.end_job(taken.number, taken.fence, end)
        assert await shop.ledger.job_part(taken.number, 1) is None
        assert await shop.ledger.job_file(taken.number) == file

    async def test_the_same_is_kept_once_while_it_has_not_ended(self, shop: Shop) -> None:
        """Two who ask for the same at once get one job."""
        first, *others = await asyncio.gather(*(shop.ledger.add_job(_new()) for _ in range(5)))
        assert {each.number for each in others} == {first.number}
        taken = await _taken(shop)
        assert (await shop.ledger.add_job(_new())).number == first.number
        await shop.ledger.end_job(taken.number, taken.fence, _DONE)
        assert (await shop.ledger.add_job(_new())).number > first.number

    async def test_jobs_are_taken_in_order_each_by_one(self, shop: Shop, open_ledger: OpenLedger) -> None:
        """Whoever asks next gets the next."""
        numbers = [(await shop.ledger.add_job(_new(f"d{n}"))).number for n in range(4)]
        async with opened_again(open_ledger, shop) as other:
            asked = [each.ledger.take_job(name) for each in (shop, other) for name in ("a", "b", "c")]
            taken = [each.number for each in await asyncio.gather(*asked) if each is not None]
        assert sorted(taken) == numbers

    async def test_who_slept_is_told_that_it_is_anothers(self, shop: Shop) -> None:
        """Each change of hands raises the fence, and no write under the old one counts."""
        number = (await shop.ledger.add_job(_new())).number
        slept = await _taken(shop, "slept")
        await self.let_leases_end(shop)
        other = await _taken(shop, "other")
        assert (other.number, other.fence) == (number, slept.fence + 1)
        assert await shop.ledger.note_job(number, slept.fence, done=1, total=3, tally=b"mine") is None
        assert not await shop.ledger.end_job(number, slept.fence, _DONE)
        assert await shop.ledger.note_job(number, other.fence, done=1, total=3, tally=None) is True
        job = await shop.ledger.job(number)
        assert job is not None
        assert (job.state, job.done, job.tally) == (JobState.RUNNING, 1, b"")

    async def let_leases_end(self, shop: Shop) -> None:
        """Let the time pass after which a job is free. To be overridden where the engine has a clock of its own."""
        shop.now.at += LEASE + SECOND

    async def test_a_stop_is_heard_by_who_works_on_it(self, shop: Shop) -> None:
        """One that nobody works on is stopped at once."""
        number = (await shop.ledger.add_job(_new())).number
        taken = await _taken(shop)
        stopping = await shop.ledger.stop_job(number)
        assert (stopping.state, stopping.stopping) == (JobState.RUNNING, True)
        assert await shop.ledger.note_job(number, taken.fence, done=1, total=3, tally=None) is False
        assert await shop.ledger.end_job(
            number, taken.fence, JobEnd(state=JobState.STOPPED, done=1, total=3, tally=b"")
        )
        idle = await shop.ledger.add_job(_new("d2"))
        assert (await shop.ledger.stop_job(idle.number)).state is JobState.STOPPED
        assert await shop.ledger.job_content(idle.number) is None
        assert await shop.ledger.take_job("me") is None
        assert (await shop.ledger.stop_job(number)).state is JobState.STOPPED
        with pytest.raises(NotFound):
            await shop.ledger.stop_job(10_000)

    async def test_two_people_decide(self, shop: Shop) -> None:
        """Nobody takes a proposal before another person has approved exactly it."""
        ledger = shop.ledger
        number = (await ledger.add_job(_new(proposed=True))).number
        assert await ledger.take_job("me") is None
        with pytest.raises(NotAllowed):
            await ledger.decide_job(number, "d1", actor="niamh", approve=True)
        with pytest.raises(Conflict):
            await ledger.decide_job(number, "d2", actor="aoife", approve=True)
        approved = await ledger.decide_job(number, "d1", actor="aoife", approve=True)
        assert (approved.state, approved.approver, approved.decided_at) == (JobState.READY, "aoife", shop.now.at)
        assert await ledger.decide_job(number, "d1", actor="aoife", approve=True) == approved
        with pytest.raises(Conflict):
            await ledger.decide_job(number, "d1", actor="conor", approve=True)
        with pytest.raises(Conflict):
            await ledger.decide_job(number, "d1", actor="aoife", approve=False)
        assert (await _taken(shop)).number == number
        with pytest.raises(NotFound):
            await ledger.decide_job(10_000, "d1", actor="aoife", approve=True)

    @pytest.mark.parametrize("actor", ["niamh", "aoife"])
    async def test_what_was_rejected_is_let_go_of(self, shop: Shop, actor: str) -> None:
        """By another person, or by who made it: nothing of what people said in it outlives the decision."""
        number = (await shop.ledger.add_job(_new(proposed=True))).number
        rejected = await shop.ledger.decide_job(number, "d1", actor=actor, approve=False)
        assert (rejected.state, rejected.approver) == (JobState.REJECTED, actor)
        assert await shop.ledger.job_content(number) is None
        assert await shop.ledger.decide_job(number, "d1", actor=actor, approve=False) == rejected

    async def test_approved_by_many_at_once_it_is_approved_by_one(self, shop: Shop) -> None:
        """Whoever comes first decides."""
        number = (await shop.ledger.add_job(_new(proposed=True))).number
        deciding = [shop.ledger.decide_job(number, "d1", actor=f"p{n}", approve=n % 2 == 0) for n in range(6)]
        answers = await asyncio.gather(*deciding, return_exceptions=True)
        assert sum(isinstance(each, Job) for each in answers) == 1
        assert all(isinstance(each, Job | Conflict) for each in answers)

    async def test_a_proposal_is_open_for_a_week(self, shop: Shop) -> None:
        """Then it is over, and what it would have worked on is let go of."""
        number = (await shop.ledger.add_job(_new(proposed=True))).number
        shop.now.at += OPEN_DAYS * DAY + SECOND
        with pytest.raises(Conflict):
            await shop.ledger.decide_job(number, "d1", actor="aoife", approve=True)
        assert await shop.ledger.forget_jobs(before=shop.now.at - OPEN_DAYS * DAY) == 1
        job = await shop.ledger.job(number)
        assert job is not None
        assert job.state is JobState.REJECTED
        assert await shop.ledger.job_content(number) is None

    async def test_what_a_job_gave_is_kept_for_a_while(self, shop: Shop) -> None:
        """The job itself stays."""
        number = (await shop.ledger.add_job(_new())).number
        taken = await _taken(shop)
        await shop.ledger.end_job(number, taken.fence, _DONE)
        assert await shop.ledger.forget_jobs(before=shop.now.at) == 0
        shop.now.at += DAY
        assert await shop.ledger.forget_jobs(before=shop.now.at) == 1
        job = await shop.ledger.job(number)
        assert job is not None
        assert (job.state, job.has_file) == (JobState.DONE, False)

    async def test_what_a_job_works_on_is_replaced_as_it_was_read(self, shop: Shop) -> None:
        """Whoever read it before another wrote has to read it again."""
        number = (await shop.ledger.add_job(_new(proposed=True))).number
        assert await shop.ledger.replace_job_content(number, b"content", b"other")
        assert not await shop.ledger.replace_job_content(number, b"content", b"late")
        assert await shop.ledger.job_content(number) == b"other"
        assert not await shop.ledger.replace_job_content(number + 1, b"content", b"other")

    async def test_what_is_a_members_by_number_enrols_nobody(self, shop: Shop) -> None:
        """An id that is nobody's by now, or another member's, is refused; neighbours and who became another go in."""
        await shop.sell(*(order(f"A{n}", each, "10.00") for n, each in enumerate(("ann", "bob", "cid", "dee"))))
        numbers = await shop.ledger.numbers_called(["ann", "bob", "cid", "dee"])
        for member_id in ("ann", "bob"):
            await shop.ledger.change_member(member_id, MemberEvent.ERASE, actor="clerk")
        await shop.sell(order("A9", "bob", "20.00"))
        await shop.awarder.merge("dee", "cid", actor="clerk")
        documents = [adjustment(f"k{each}", each, 5) for each in numbers]
        members = [numbers["cid"] if each == "dee" else number for each, number in numbers.items()]
        answers = await shop.awarder.settle_all(documents, members)
        refused = [each for each, answer in zip(numbers, answers, strict=True) if isinstance(answer, UnknownMember)]
        assert refused == ["ann", "bob"]
        assert await shop.ledger.member("ann") is None
        assert (await shop.balance("bob")).balance == 2
        assert (await shop.balance("cid")).balance == 12

    async def test_many_are_found_at_once(self, shop: Shop) -> None:
        """Members by id and by number, and documents by their ids."""
        await shop.sell(order("A1", "ann", "10.00"), order("A2", "o'brien", "10.00"))
        await shop.awarder.settle_all([adjustment("k1", "ann", 5)])
        numbers = await shop.ledger.numbers_called(["ann", "o'brien", 'nobody "x"'])
        assert numbers == {"ann": await shop.number("ann"), "o'brien": await shop.number("o'brien")}
        assert await shop.ledger.ids_of([*numbers.values(), 999]) == {number: id for id, number in numbers.items()}
        assert await shop.ledger.ids_of([]) == {}
        ann, o_brien = numbers["ann"], numbers["o'brien"]
        await shop.awarder.merge("ann", "o'brien", actor="clerk")
        assert await shop.ledger.known_as([ann, o_brien]) == {ann: ("ann", o_brien), o_brien: ("o'brien", o_brien)}
        source = adjustment("k1", "ann", 5).source
        assert await shop.ledger.known_documents(DocumentKind.ADJUSTMENT, source, ["k1", "k2"]) == {"k1"}
        assert await shop.ledger.known_documents(DocumentKind.REDEMPTION, source, ["k1"]) == set()
