"""What people do is recorded in the ledger before they are answered; a change in its own transaction.

A page asks for several things about one customer. All that it asks carries one token, so it is one look: one row.
"""

from collections import OrderedDict
from collections.abc import Mapping

from msgspec.structs import replace

from laurels.errors import LaurelsError
from laurels.http.admission.callers import PersonClaims
from laurels.http.api.customers import number_of
from laurels.http.problems import kind_of
from laurels.http.routes import Request, Response, Route
from laurels.ledger import Act, Recording, recording

REMEMBERED = 10_000
"""Looks that are remembered as recorded: those of the last minutes."""

_Look = tuple[str, int | None, str]


class Auditor:
    """Answers people, and records what they do. One for each process."""

    def __init__(self) -> None:
        self._looks: OrderedDict[_Look, None] = OrderedDict()

    async def answer(self, route: Route, request: Request, inputs: Mapping[str, object], request_id: str) -> Response:
        """Run a route for a person. Raises what it raises; `LedgerUnavailable` where it cannot be recorded: then
        nothing was changed, and nothing is told.
        """
        act = await self._act(route, request, request_id)
        look = _person(request).look, act.member, _what(route, act)
        is_look = route.method == "GET"
        if is_look and look in self._looks:
            return await route.handle(request, **inputs)
        doing = Recording(act)
        token = recording.set(doing)
        try:
            answer = await route.handle(request, **inputs)
        except LaurelsError as error:
            recording.reset(token)
            await self._record(request, doing, _outcome(error))
            raise
        recording.reset(token)
        await self._record(request, doing, answer.outcome)
        if is_look:
            self._remember(look)
        return answer

    async def _record(self, request: Request, doing: Recording, outcome: str) -> None:
        if not doing.row_is_written:
            await request.services.ledger.record(replace(doing.act, outcome=outcome))

    async def _act(self, route: Route, request: Request, request_id: str) -> Act:
        person = _person(request)
        return Act(
            sub=person.sub,
            name=person.name,
            roles=" ".join(person.roles),
            action=route.handle.__name__,
            member=await _member(request),
            object=" ".join(
                f"{name}={part}" for name, part in request.ids.items() if name not in {"member_id", "number"}
            ),
            request_id=request_id,
        )

    def _remember(self, look: _Look) -> None:
        self._looks[look] = None
        if len(self._looks) > REMEMBERED:
            self._looks.popitem(last=False)


async def _member(request: Request) -> int | None:
    """The number of the member whom the call is about: the log holds no ids."""
    if "number" in request.ids:
        return number_of(request.ids["number"])
    member_id = request.ids.get("member_id")
    member = None if member_id is None else await request.services.ledger.member(member_id)
    return None if member is None else member.number


def _what(route: Route, act: Act) -> str:
    """What tells one look from another, beside the member."""
    if act.member is None:
        return f"{act.action} {act.object}"
    return act.action if route.own_look else ""


def _person(request: Request) -> PersonClaims:
    assert request.caller.person is not None, "only people are recorded"
    return request.caller.person


def _outcome(error: LaurelsError) -> str:
    kind = kind_of(type(error))
    return "refused" if kind is None else f"refused: {kind.type.rpartition('/')[2]}"
