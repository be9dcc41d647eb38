"""What jobs keep in people's words: what they said of a correction, the id that they gave it, and the name of a file,
which may be a customer's.

All lie in what a job works on, alone. They go with that when the job ends, and before that with a member whom they
may be about.
"""

import re
from collections.abc import Collection

import msgspec
from msgspec.structs import replace

from laurels.jobs.corrections import KIND, Correction, Corrections, content_digest, rows_of
from laurels.jobs.erasures import ERASURES, Erasures
from laurels.ledger import Ledger
from laurels.ledger.jobs import OPEN, Job, NewJob

_PAGE = 200


def nameless_digest(actor: str, asked: Corrections | Erasures) -> str:
    """By what a job of a file is known, whatever that is called: digests stay for ever, and names can be guessed."""
    return content_digest(actor, msgspec.json.encode(replace(asked, title="")))


async def add_corrections(ledger: Ledger, new: NewJob) -> Job:
    """Keep a job of corrections. Words about a member who was erased since the file was read are taken out again."""
    assert new.content is not None, "corrections are what such a job works on"
    job = await ledger.add_job(new)
    members = {row.member for row in rows_of(new.content).rows if row.member is not None}
    if gone := members - (await ledger.ids_of(members)).keys():
        await _forget(ledger, job, gone)
    return job


async def forget_words(ledger: Ledger, members: Collection[int]) -> None:
    """Take people's words about members out of the corrections and erasures that wait: they are erased with those.
    Costs a look at the content of each such job.
    """
    for job in await _open_jobs(ledger) if members else []:
        await _forget(ledger, job, members)


async def _open_jobs(ledger: Ledger) -> list[Job]:
    found: list[Job] = []
    before = None
    while page := await ledger.jobs(before=before, states=OPEN, limit=_PAGE):
        found += [job for job in page if job.kind in {KIND, ERASURES}]
        before = page[-1].number
    return found


async def _forget(ledger: Ledger, job: Job, members: Collection[int]) -> None:
    """Whoever else takes words out of the same job meanwhile writes first, or reads again."""
    there = await ledger.ids_of(members)
    written = False
    while not written:
        content = await ledger.job_content(job.number)
        other = None if content is None else _without_words(job.kind, content, members, there)
        if content is None or other is None:
            return
        written = await ledger.replace_job_content(job.number, content, other)


def _without_words(kind: str, content: bytes, members: Collection[int], there: Collection[int]) -> bytes | None:
    """What is kept of a job's content; None where it says nothing about these members. By its id a correction of one
    who is still `there` counts once; that of one who is gone is not made.
    """
    if kind == ERASURES:
        asked = msgspec.json.decode(content, type=Erasures)
        is_about = asked.title and not set(members).isdisjoint(asked.members)
        return msgspec.json.encode(replace(asked, title="")) if is_about else None
    if re.search(rb"\[\d+,(?:%s)," % b"|".join(b"%d" % member for member in members), content) is None:
        return None
    rows = [_without_its_words(row, there) if row.member in members else row for row in rows_of(content).rows]
    return msgspec.json.encode(Corrections("", rows))


def _without_its_words(row: Correction, there: Collection[int]) -> Correction:
    return replace(row, reason="", note="", id=row.id if row.member in there else "")
