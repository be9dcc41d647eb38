"""What a route declares, and what its function is given.

A route is a function with a form for its body, a form for its query, or neither. Admission, validation, the answer to
errors and the API's documentation all follow from its declaration, so none of them can be forgotten or differ.
"""

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, Literal, get_type_hints

import msgspec
from msgspec import Struct

from laurels.dashboard import Live
from laurels.errors import LaurelsError, NotAllowed, UnknownMember
from laurels.http.admission.callers import Caller
from laurels.http.admission.limits import Limits
from laurels.http.services import HttpServices
from laurels.model import Version

MEGABYTE = 1 << 20
SINGLE_BYTES = MEGABYTE
BULK_BYTES = 16 * MEGABYTE
BULK_DOCUMENTS = 10_000

MemberAccess = Literal["own", "any", "none"]


class Access(Struct, frozen=True):
    """Who may call a route: services with any of these scopes (with none named: every service), and members: each for
    its own id, each for any path, or none.
    """

    scopes: tuple[str, ...] = ()
    members: MemberAccess = "none"

    def admit(self, caller: Caller, member_id: str | None) -> None:
        """Let the caller pass. Nothing is looked up: a foreign member and an unknown one are the same here.

        Raises `NotAllowed`; `UnknownMember` for a member who asks for another one.
        """
        if caller.member_id is None:
            if self.scopes and caller.scopes.isdisjoint(self.scopes):
                raise NotAllowed(f"This needs a token with the scope {' or '.join(self.scopes)}.", self.scopes)
        elif self.members == "none":
            scope = f" with the scope {' or '.join(self.scopes)}" if self.scopes else ""
            raise NotAllowed(f"This needs a service's token{scope}.", self.scopes)
        elif self.members == "own" and caller.member_id != member_id:
            raise UnknownMember


class Headers:
    """A request's headers as received: pairs of bytes, the names in small letters."""

    __slots__ = ("_first", "pairs")

    def __init__(self, pairs: Sequence[tuple[bytes, bytes]]) -> None:
        self.pairs = pairs
        self._first = dict(reversed(pairs))

    def all(self, name: bytes) -> list[bytes]:
        """Every value of a header, in order."""
        return [value for key, value in self.pairs if key == name]

    def get(self, name: bytes) -> str | None:
        """The first value of a header; None where it was not sent."""
        value = self._first.get(name)
        return None if value is None else value.decode("latin-1")


class Request(Struct, frozen=True, kw_only=True):
    """One request, admitted. `ids` are the path's; `raw` is the body as received."""

    services: HttpServices
    limits: Limits
    caller: Caller
    ids: Mapping[str, str]
    headers: Headers
    raw: bytes = b""

    def token(self, version: Version) -> str:
        """The version's token as the caller may see it: to a member it tells nothing."""
        return str(version) if self.caller.member_id is None else self.services.dashboards.versions.seal.token(version)


class Response(Struct, frozen=True):
    """What goes back. `body` is a struct or a list of them, bytes that are encoded already, or events as they come.
    `outcome` is what the audit log says of a look.
    """

    status: int
    body: Any
    headers: dict[str, str] = {}
    media_type: str = "application/json"
    outcome: str = "done"

    @property
    def encoded(self) -> bytes:
        """The body as it goes over the wire. Not for events."""
        return self.body if isinstance(self.body, bytes) else msgspec.json.encode(self.body)


class Events(Struct, frozen=True):
    """A body of server-sent events, sent as they come until the caller's token expires (at the instant `until`), the
    client goes away or `live` is closed. `counted` is entered for as long.
    """

    frames: AsyncGenerator[bytes, None]
    live: Live
    until: int
    counted: AbstractContextManager[None]


Handler = Callable[..., Awaitable[Response]]


class Route(Struct, frozen=True, kw_only=True):
    """One route. `access` None: open to all. `answers` are the bodies by status, `media_type` what they are sent as;
    `problems` the errors that do not follow from the rest; `form` and `query` are what its function takes under these
    names; `headers` are those it reads; `for_members` takes its place where a member asks; `asks_who`: it is open to
    all, and tells more to who is known; `audited`: what a person asks is recorded,
    with `own_look` in a row of its own; `most_bytes` is the largest body that it takes.
    """

    method: Literal["GET", "POST", "PUT", "DELETE"]
    path: str
    handle: Handler
    access: Access | None
    answers: Mapping[int, Any]
    media_type: str
    problems: tuple[type[LaurelsError], ...]
    form: Any
    bulk_of: Any
    query: type[Struct] | None
    headers: Mapping[str, str]
    for_members: "Route | None"
    asks_who: bool
    audited: bool
    own_look: bool
    most_bytes: int

    @property
    def takes_body(self) -> bool:
        """Whether a body is read."""
        return self.form is not None or self.bulk_of is not None

    @property
    def changes(self) -> bool:
        """Whether it changes anything."""
        return self.method != "GET"

    @property
    def needs_body(self) -> bool:
        """Whether a request without a body lacks something: not where every field may be left out, unless what is not
        said is forgotten then, as by PUT.
        """
        if self.bulk_of is not None or self.method == "PUT" or not issubclass(self.form, Struct):
            return True
        return any(field.required for field in msgspec.structs.fields(self.form))


def route(
    method: Literal["GET", "POST", "PUT", "DELETE"],
    path: str,
    *,
    access: Access | None,
    answers: Mapping[int, Any],
    media_type: str = "application/json",
    problems: tuple[type[LaurelsError], ...] = (),
    bulk_of: Any = None,
    headers: Mapping[str, str] | None = None,
    for_members: Route | None = None,
    asks_who: bool = False,
    audited: bool = True,
    own_look: bool = False,
    most_bytes: int | None = None,
) -> Callable[[Handler], Route]:
    """Declare a route over its function. What the function calls `form` is read from the body, `query` from the query
    string. `bulk_of` names the documents of a bulk route, which reads its body itself. `for_members` is the route of
    the same method and path for members, where they mean something else by it. `asks_who`: a route that is open to all
    is given the caller where a valid token comes with the request. `audited`: what a person asks here is recorded;
    turned off for what says nothing of anyone. `own_look`: it has a row of its own, whatever else its page shows.
    `most_bytes`: the largest body; left out, 1 MB, and 16 MB in bulk.
    """

    def declare(handle: Handler) -> Route:
        hints = get_type_hints(handle)
        return Route(
            method=method,
            path=path,
            handle=handle,
            access=access,
            answers=answers,
            media_type=media_type,
            problems=problems,
            form=hints.get("form"),
            bulk_of=bulk_of,
            query=hints.get("query"),
            headers=headers or {},
            for_members=for_members,
            asks_who=asks_who,
            audited=audited,
            own_look=own_look,
            most_bytes=most_bytes or (SINGLE_BYTES if bulk_of is None else BULK_BYTES),
        )

    return declare
