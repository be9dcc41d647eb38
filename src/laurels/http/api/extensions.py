"""Points that are to live longer: a version of the program that says so, handed in like any other."""

from typing import Annotated

from msgspec import Meta, Struct, field

from laurels.awarding import extend, submit
from laurels.errors import InvalidInput, LedgerUnavailable, ProgramError
from laurels.http.api.points import CheckQuery
from laurels.http.api.reports import Day
from laurels.http.routes import Access, Request, Response, route
from laurels.model.times import format_instant, parse_instant
from laurels.program import Program
from laurels.rollups import parse_day

WRITE = Access(("program:write",))
LAPSE = "lapse"


class ExtensionForm(Struct, forbid_unknown_fields=True):
    """Points that would lapse on days from the first of `expiring` up to and without the second lapse when the day
    `until` begins. The version holds `from`; left out: in a week, or when the first of the days begins.
    """

    expiring: tuple[Day, Day]
    until: Day
    starts: Annotated[str, Meta(max_length=40, description="RFC 3339")] | None = field(default=None, name="from")


class ExtensionShown(Struct, frozen=True, kw_only=True, rename={"starts": "from"}):
    """The version that extends, from when it holds, and when the points lapse then. `points` are those that would lapse
    on the days, in so many `lots` (what lapses for one member on one day), as of `looked_at`; null where nothing looks
    (`laurels serve` with the role report does). `digest` is the draft's; null where it was only asked.
    """

    version: int
    starts: str
    until: str
    points: int | None
    lots: int | None
    looked_at: str | None
    digest: str | None


@route(
    "POST",
    "/programs/extend",
    access=WRITE,
    answers={201: ExtensionShown, 200: ExtensionShown},
    problems=(LedgerUnavailable,),
)
async def extend_points(request: Request, form: ExtensionForm, query: CheckQuery) -> Response:
    """Hand in a version that extends points that are about to lapse, and does nothing else. It holds when somebody
    has approved it, like every version: with `approval.required` another one, on a rehearsal. With `check=1`: tell what
    it would do. The same again is one draft.
    """
    ledger, now = request.services.ledger, request.services.now()
    from_at = None if form.starts is None else parse_instant(form.starts, "from")
    for text in (*form.expiring, form.until):
        parse_day(text, "until" if text == form.until else "expiring")
    try:
        program = await extend(ledger, form.expiring, form.until, from_at, now=now)
        if query.check:
            return Response(200, await _shown(request, form, program, None))
        draft = await submit(ledger, program, actor=request.caller.actor)
    except ProgramError as error:
        raise InvalidInput.of(*_said(error)) from error
    return Response(201, await _shown(request, form, program, draft.digest))


async def _shown(request: Request, form: ExtensionForm, program: Program, digest: str | None) -> ExtensionShown:
    first, end = (parse_day(text, "expiring") for text in form.expiring)
    at, rows = await request.services.ledger.due(first, end)
    lapsing = [row for row in rows if row.what == LAPSE]
    return ExtensionShown(
        version=program.version,
        starts=format_instant(program.from_at or 0),
        until=format_instant(program.extensions[-1].until),
        points=sum(row.points for row in lapsing) if at else None,
        lots=sum(row.members for row in lapsing) if at else None,
        looked_at=format_instant(at) if at else None,
        digest=digest,
    )


def _said(error: ProgramError) -> tuple[str, str]:
    """The field that a mistake is about, and the mistake."""
    path, colon, text = error.message.partition(": ")
    field = "from" if path == "from" else "until" if path.endswith(".until") else "expiring"
    return field, text if colon and path.startswith(("from", "extensions")) else error.message


ROUTES = (extend_points,)
"""What is declared here."""
