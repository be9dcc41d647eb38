"""Jobs beside corrections: a rehearsal, tries of what is in quarantine, a check of the ledger, roll-ups made anew."""

import msgspec
from msgspec import Struct

from laurels.awarding import Programs, find_draft, recount_of, rehearse_here, verify_in_depth
from laurels.awarding.causes import cause_of
from laurels.errors import Conflict, InvalidInput, NotFound
from laurels.intake import Intake, retry_quarantined
from laurels.jobs.figures import table_of
from laurels.jobs.steps import Doing, ResultTable
from laurels.ledger import Finding, Ledger
from laurels.ledger.checking import look_further
from laurels.ledger.jobs import JobEnd, JobState
from laurels.program import parse_program
from laurels.rollups import RollingUp, roll_up_findings

REHEARSAL, RETRY, VERIFY, ROLL_UPS = "rehearsal", "retry", "verify", "roll-ups"

MOST_TOLD = 10_000
AT_ONCE = 100

_NAMES = ("gain_most", "lose_most", "changed")
"""What of a rehearsal names customers and orders."""


class RehearsalAbout(Struct, frozen=True):
    """Which draft or version is rehearsed, and the period (instants; None: from ever, until then)."""

    which: str
    begins: int | None = None
    ends: int | None = None


class RetryAbout(Struct, frozen=True):
    """What is tried again: what is in quarantine for this cause (`awarding.causes`); None: all that is there."""

    cause: str | None = None


class Retried(Struct):
    """What came of it: how many documents went back to the inbox, and how many stay where they are."""

    retried: int = 0
    stay: int = 0
    after: int = 0


class Rehearse:
    """Rehearses a program."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    async def __call__(self, doing: Doing) -> JobEnd:
        """Rehearse it, and keep what came of it where it is a draft. Customers and orders are named in the file alone.
        Raises `NotFound`, `Refused`.
        """
        about = msgspec.json.decode(doing.job.about, type=RehearsalAbout)
        text = next((each.text for each in await self._ledger.programs() if str(each.version) == about.which), None)
        if text is None:
            text = find_draft(await self._ledger.drafts(), about.which).text
        ends = doing.job.created_at if about.ends is None else about.ends
        found, kept = await rehearse_here(
            self._ledger, parse_program(text), begins=about.begins, ends=ends, actor=doing.job.actor
        )
        whole = msgspec.to_builtins(found)
        named = {name: whole.pop(name) for name in _NAMES}
        return JobEnd(
            state=JobState.DONE,
            done=found.documents,
            total=found.documents,
            tally=msgspec.json.encode({"kept": kept, "rehearsal": whole}),
            file=msgspec.json.encode(table_of(named)) if any(named.values()) else None,
        )


class Retry:
    """Tries again what is in quarantine. What is there again afterwards was judged anew."""

    def __init__(self, ledger: Ledger, intake: Intake) -> None:
        self._ledger = ledger
        self._intake = intake

    async def __call__(self, doing: Doing) -> JobEnd:
        """Walk the quarantine once, as far as it went when the job was made: what comes back is behind that."""
        about = msgspec.json.decode(doing.job.about, type=RetryAbout)
        tally = msgspec.json.decode(doing.job.tally, type=Retried) if doing.job.tally else Retried()
        done = doing.job.done
        while found := await self._ledger.quarantine(after=tally.after, limit=AT_ONCE):
            for each in found:
                tally.after = each.sequence
                if each.quarantined_at > doing.job.created_at or about.cause not in {None, cause_of(each.reason)}:
                    continue
                done += 1
                try:
                    key = (each.kind, each.source, each.id)
                    await retry_quarantined(self._ledger, self._intake, *key, now=doing.job.created_at)
                    tally.retried += 1
                except (NotFound, InvalidInput, Conflict):
                    tally.stay += 1
            await doing.step.note(done, 0, msgspec.json.encode(tally))
        return JobEnd(state=JobState.DONE, done=done, total=done, tally=msgspec.json.encode(tally))


class Verify:
    """Checks the ledger, and the roll-ups. The board is checked where it lives, by `laurels verify`."""

    def __init__(self, ledger: Ledger, programs: Programs) -> None:
        self._ledger = ledger
        self._programs = programs

    async def __call__(self, doing: Doing) -> JobEnd:
        """Check all of it."""
        findings: list[Finding] = []
        checked = 0
        async for found in self._ledger.verify(recount_of(self._programs)):
            findings.extend(found.findings)
            checked = found.checked
            await doing.step.note(found.checked, found.total)
        await look_further(findings, verify_in_depth(self._ledger, self._programs))
        await look_further(findings, roll_up_findings(self._ledger, self._programs.current.zone))
        told = ResultTable(("where", "what"), [(each.where, each.what) for each in findings[:MOST_TOLD]])
        return JobEnd(
            state=JobState.DONE,
            done=checked,
            total=checked,
            tally=msgspec.json.encode({"checked": checked, "findings": len(findings)}),
            file=msgspec.json.encode(told) if findings else None,
        )


class RollUpsAnew:
    """Throws the roll-ups away and makes them anew, as far as the feed went when the job began."""

    def __init__(self, ledger: Ledger, programs: Programs) -> None:
        self._ledger = ledger
        self._programs = programs

    async def __call__(self, doing: Doing) -> JobEnd:
        """Count as far as the feed went when this was asked for."""
        rolling = RollingUp(self._ledger, self._programs.current.zone)
        if not doing.job.tally:
            await self._ledger.begin_roll_ups("")
            await doing.step.note(0, 0, b"{}")
        total = sum(mark.position for mark in (await self._ledger.heads()).marks.values())
        done = 0
        while done < total:
            if await rolling.step() is False:
                break
            state = await self._ledger.rolled_up()
            done = min(total, sum(mark.position for mark in state.marks.values()))
            await doing.step.note(done, total)
        return JobEnd(state=JobState.DONE, done=total, total=total, tally=msgspec.json.encode({"counted": total}))
