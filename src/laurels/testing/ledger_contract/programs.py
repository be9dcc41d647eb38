"""Programs are put in force by people: what each did is kept, and an approval rests on what it names."""

import pytest

from laurels.clock import DAY
from laurels.errors import NotAllowed, NotFound, ProgramError
from laurels.ledger.program_log import breaks, digest_of
from laurels.program import DEFAULT_PROGRAM
from laurels.testing.ledger_contract.base import LedgerSuite, Shop

SECOND, THIRD = (DEFAULT_PROGRAM.replace("version = 1", f"version = {version}") for version in (2, 3))
REHEARSED = "0f" * 32


class ApprovingTests(LedgerSuite):
    """What two people decide, and the record of it."""

    async def test_an_approval_rests_on_a_rehearsal_of_these_bytes_by_another(self, shop: Shop) -> None:
        """Each other way is refused, and puts nothing in force."""
        ledger = shop.ledger
        draft = await ledger.submit(2, SECOND, actor="ann")
        other = await ledger.submit(3, THIRD, actor="ann")
        await ledger.keep_rehearsal(other.digest, "aa" * 32, "{}", actor="ann")
        kept = await ledger.keep_rehearsal(draft.digest, REHEARSED, '{"gain": 1}', actor="ann")
        assert (kept.act, kept.rehearsal, kept.content) == ("rehearse", REHEARSED, '{"gain": 1}')
        for actor, rehearsal, error in (
            ("ann", REHEARSED, NotAllowed),
            ("bob", None, NotAllowed),
            ("bob", "aa" * 32, NotFound),
        ):
            with pytest.raises(error):
                await ledger.approve(draft.digest, None, actor=actor, by_another=True, rehearsal=rehearsal)
        assert [each.version for each in await ledger.programs()] == [1]
        shop.now.at += 1
        published = await ledger.approve(draft.digest, None, actor="bob", by_another=True, rehearsal=REHEARSED)
        assert [(each.version, each.actor) for each in published][1:] == [(2, "bob")]
        last = (await ledger.program_events())[-1]
        assert (last.act, last.actor, last.digest, last.rehearsal) == ("approve", "bob", draft.digest, REHEARSED)

    async def test_a_rehearsal_counts_for_a_week_and_until_another_version_comes(self, shop: Shop) -> None:
        """What it ran on is what stands when it is approved."""
        ledger = shop.ledger
        old = await ledger.submit(2, SECOND, actor="ann")
        await ledger.keep_rehearsal(old.digest, REHEARSED, "{}", actor="ann")
        shop.now.at += 7 * DAY + 1
        with pytest.raises(NotAllowed, match="older than 7 days"):
            await ledger.approve(old.digest, None, actor="bob", by_another=False, rehearsal=REHEARSED)
        await ledger.keep_rehearsal(old.digest, REHEARSED, "{}", actor="ann")
        late = await ledger.submit(3, THIRD, actor="ann")
        await ledger.keep_rehearsal(late.digest, "bb" * 32, "{}", actor="ann")
        await ledger.approve(old.digest, None, actor="bob", by_another=False, rehearsal=REHEARSED)
        shop.now.at += 1
        with pytest.raises(NotAllowed, match="Another version was published"):
            await ledger.approve(late.digest, None, actor="bob", by_another=False, rehearsal="bb" * 32)
        with pytest.raises(NotFound):
            await ledger.keep_rehearsal("cc" * 32, REHEARSED, "{}", actor="ann")

    async def test_what_was_done_with_programs_is_kept_in_a_chain(self, shop: Shop) -> None:
        """Every act is a row, once; what was refused is none."""
        ledger = shop.ledger
        draft = await ledger.submit(2, SECOND, actor="ann")
        assert await ledger.submit(2, SECOND, actor="bob") == draft
        shop.now.at += 1
        for _ in range(2):
            await ledger.approve(draft.digest, None, actor="ann", by_another=False)
        shop.now.at += 1
        await ledger.stop(3, THIRD, actor="bob", why="the price was wrong")
        with pytest.raises(ProgramError):
            await ledger.stop(3, THIRD + "# other bytes\n", actor="bob", why="again")
        events = await ledger.program_events()
        assert [(each.act, each.version, each.actor) for each in events] == [
            ("publish", 1, "test"),
            ("submit", 2, "ann"),
            ("approve", 2, "ann"),
            ("stop", 3, "bob"),
        ]
        assert events[-1].content == "the price was wrong"
        texts = DEFAULT_PROGRAM, SECOND, SECOND, THIRD
        assert [each.digest for each in events] == [digest_of(text) for text in texts]
        assert breaks(events) == []
        assert [each.where for each in breaks([events[0], *events[2:]])] == ["program event 2", "program event 3"]
