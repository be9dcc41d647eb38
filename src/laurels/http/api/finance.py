"""What finance asks over HTTP: what the shop owes in points, journals that tile, and expected redemption."""

from typing import Annotated

from msgspec import Meta, Struct
from msgspec.structs import asdict

from laurels.awarding import Breakage, Journal, breakage, journal, liability
from laurels.errors import Conflict, LedgerUnavailable, Refused
from laurels.http.routes import Access, Request, Response, route
from laurels.model import Version
from laurels.model.times import format_instant, parse_instant

READ = Access(("reports:read",))


class LiabilityQuery(Struct, forbid_unknown_fields=True):
    """As of when: left out, now."""

    at: Annotated[str, Meta(max_length=40, description="RFC 3339")] | None = None


class JournalQuery(Struct, forbid_unknown_fields=True):
    """The versions that it lies between: from the beginning, up to the end, where they are left out."""

    after: Annotated[str, Meta(max_length=4000, description="`to` of the journal before")] | None = None
    to: Annotated[str, Meta(max_length=4000, description="a version, as answers call it `as_of`")] | None = None


class LiabilityShown(Struct, frozen=True, kw_only=True):
    """Points `pending`, `active` (`held` is a part of it), and apart what members owe: pending + active - owed is
    `total`. `value` is what pending and active points are worth, `expected` the part of it that the program expects to
    be redeemed, by currency, side by side and never converted.
    """

    at: str
    pending: int
    active: int
    held: int
    owed: int
    total: int
    members: int
    value: dict[str, str]
    expected: dict[str, str]


@route(
    "GET",
    "/liability",
    access=READ,
    answers={200: LiabilityShown},
    problems=(Conflict, LedgerUnavailable),
    audited=False,
)
async def show_liability(request: Request, query: LiabilityQuery) -> Response:
    """Say what the shop owes in points at an instant. Costs by members; of the past by documents, which are judged once
    more, and 409 where their content is not kept any more.
    """
    now = request.services.now()
    at = now if query.at is None else parse_instant(query.at, "at")
    await request.services.programs.load(request.services.ledger)
    try:
        found = await liability(request.services.ledger, request.services.programs, at, now)
    except Refused as error:
        raise Conflict(error.message) from error
    return Response(200, LiabilityShown(**asdict(found) | {"at": format_instant(found.at)}))


@route("GET", "/journal", access=READ, answers={200: Journal}, problems=(LedgerUnavailable,), audited=False)
async def show_journal(request: Request, query: JournalQuery) -> Response:
    """Draw up the journal between two versions. `to` of one is `after` of the next: so they tile. Costs by entries."""
    services = request.services
    await services.programs.load(services.ledger)
    after, to = (
        None if token is None else Version.parse(token, name)
        for name, token in (("after", query.after), ("to", query.to))
    )
    return Response(200, await journal(services.ledger, services.programs, after, to))


@route("GET", "/breakage", access=READ, answers={200: Breakage}, problems=(LedgerUnavailable,), audited=False)
async def show_breakage(request: Request) -> Response:
    """Give the triangle of redemption by month of earning, its factors, and what is expected. Costs by entries."""
    services = request.services
    await services.programs.load(services.ledger)
    return Response(200, await breakage(services.ledger, services.programs, services.now()))


ROUTES = (show_liability, show_journal, show_breakage)
