"""Erasing many members from a file: checked first, done by a job, and approved by a second person."""

from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from laurels.errors import Conflict, LedgerUnavailable
from laurels.http.admission.rights import check_lead
from laurels.http.api.jobs import JobShown, show
from laurels.http.api.points import CheckQuery
from laurels.http.api.proposals import Hex
from laurels.http.routes import Access, Request, Response, route
from laurels.jobs import ERASURES, ErasuresChecked, nameless_digest, read_erasures
from laurels.ledger.jobs import NewJob
from laurels.model.ids import ONE_LINE

WRITE = Access(("members:write",))
MOST_BYTES = 2 * 1024 * 1024


class ErasuresForm(Struct, forbid_unknown_fields=True, kw_only=True):
    """A CSV file with the column `member_id` alone. `digest`: the check that this was seen to be."""

    name: Annotated[str, Meta(max_length=255, pattern=ONE_LINE, description="the file's name")]
    csv: Annotated[str, Meta(max_length=MOST_BYTES, description="its text")]
    digest: Hex | None = None


class ErasuresSeen(Struct, frozen=True, kw_only=True):
    """What a file would do, by `check=1`: nothing is changed. `needs_approval`: another person decides."""

    checked: ErasuresChecked
    digest: str
    needs_approval: bool


@route(
    "POST",
    "/erasures",
    access=WRITE,
    answers={201: JobShown, 200: ErasuresSeen},
    problems=(Conflict, LedgerUnavailable),
    most_bytes=MOST_BYTES,
)
async def erase_many(request: Request, form: ErasuresForm, query: CheckQuery) -> Response:
    """Erase many members from a file, by a job. With `check=1`: tell what it would do, and change nothing.

    It cannot be undone. People need the role lead, and a second person for more than one member.
    """
    check_lead(request.caller)
    services, actor = request.services, request.caller.actor
    found, checked = await read_erasures(services.ledger, form.name, form.csv)
    content = msgspec.json.encode(found)
    digest = nameless_digest(actor, found)
    two = request.caller.person is not None and len(found.members) > 1
    if query.check:
        return Response(200, ErasuresSeen(checked=checked, digest=digest, needs_approval=two), outcome="checked")
    if form.digest not in {None, digest}:
        raise Conflict("This is another file than the one that was checked. Nothing was changed: check it again.")
    job = NewJob(
        kind=ERASURES,
        actor=actor,
        digest=digest,
        about=msgspec.json.encode(msgspec.structs.replace(checked, title="")),
        total=len(found.members),
        content=content,
        proposed=two,
    )
    return Response(201, show(await services.ledger.add_job(job)))


ROUTES = (erase_many,)
