"""Who a token speaks for: a member, a service with its scopes and the sources that it may write under, or a person who
signed in to the console.

Only `auth.services` makes a token a service's: what its claims say besides, scopes above all, is never enough. Identity
providers write scopes that a customer may ask for into the customer's token, so a scope tells nothing of who it is.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

from laurels.errors import InvalidInput, NotAllowed, NotSignedIn, SettingsError
from laurels.model.ids import check_id
from laurels.model.people import PERSON, scopes_of

MAX_SUBJECT = 255
MEMBER = "member"
"""The actor of what a member does to itself. No service may bear this name."""

KIND = "laurels"
"""The claim that says what a token of ours is."""

OF_PERSON = "person"
"""Its value in a token of the console. Only the console's own keys make a token a person's."""

_IN_EVERY_TOKEN = frozenset({"iss", "aud"})


class PersonClaims(Struct, frozen=True):
    """A person who signed in to the console. `look` is the same for all that one page of it asks."""

    sub: str
    name: str
    roles: tuple[str, ...]
    look: str


class Caller(Struct, frozen=True):
    """Who is asking. `member_id` is None for a service and a person; a member has no scopes. The token holds until
    `expires`. `sources`: the only ones that a service may write under; None: any.
    """

    subject: str
    member_id: str | None = None
    scopes: frozenset[str] = frozenset()
    expires: int = 0
    sources: frozenset[str] | None = None
    person: PersonClaims | None = None

    @property
    def actor(self) -> str:
        """What is kept with what the caller does, for ever: a service's name, `person:` and the person's `sub`, and of
        a member only that it was one.
        """
        return self.subject if self.member_id is None else MEMBER

    @property
    def may_see_contact(self) -> bool:
        """Whether addresses are shown to the caller. A service's scope for a call says so already; of a person it is a
        right of its own.
        """
        return self.person is None or "members:contact" in self.scopes

    def may_write(self, source: str) -> bool:
        """Whether the caller may write under this source."""
        return self.sources is None or source in self.sources

    def check_source(self, source: str) -> None:
        """Raise `NotAllowed` where the caller may not write under this source."""
        if not self.may_write(source):
            raise NotAllowed("This token is bound to other sources. Write under those: the field `source`.")


class Callers(Struct, frozen=True):
    """Reads who it is from a token's claims. `services` are pairs of claim and value."""

    services: tuple[tuple[str, str], ...]
    sources: Mapping[str, frozenset[str]]
    member_claim: str = "sub"
    scope_claim: str = "scope"
    scope_prefix: str = ""

    def caller(self, claims: Mapping[str, Any], expires: int) -> Caller:
        """The caller whom checked claims name. Raises `NotSignedIn` where they name nobody as they should."""
        subject = claims.get("sub")
        if not isinstance(subject, str) or not 0 < len(subject) <= MAX_SUBJECT or not subject.isprintable():
            raise NotSignedIn(f"The token is not valid: `sub` has to be a text of 1 to {MAX_SUBJECT} characters.")
        if OF_PERSON in _texts(claims.get(KIND)):
            raise NotSignedIn("The token is not valid: only the console signs a person's token (`auth.console_keys`).")
        if not self._is_service(claims):
            return Caller(subject, member_id=self._member(claims), expires=expires)
        if subject == MEMBER or subject.startswith(PERSON):
            raise NotSignedIn(f"The token is not valid: no service can be called {subject}.")
        return Caller(subject, scopes=self._scopes(claims), expires=expires, sources=self._sources(subject, claims))

    def _is_service(self, claims: Mapping[str, Any]) -> bool:
        return any(claim in claims and value in _texts(claims[claim]) for claim, value in self.services)

    def _scopes(self, claims: Mapping[str, Any]) -> frozenset[str]:
        written = _listed(claims, self.scope_claim)
        return frozenset(
            scope.removeprefix(self.scope_prefix) for scope in written if scope.startswith(self.scope_prefix)
        )

    def _sources(self, subject: str, claims: Mapping[str, Any]) -> frozenset[str] | None:
        """Those of the settings and those of the token; where both bind, those that are in both."""
        bound = self.sources.get(subject)
        if "sources" not in claims:
            return bound
        written = frozenset(_listed(claims, "sources"))
        return written if bound is None else written & bound

    def _member(self, claims: Mapping[str, Any]) -> str:
        member_id = claims.get(self.member_claim)
        try:
            return check_id(member_id if isinstance(member_id, str) else "", self.member_claim)
        except InvalidInput as error:
            raise NotSignedIn(f"The token is not valid: {error.message}.") from error


def person_of(claims: Mapping[str, Any], expires: int) -> Caller:
    """The person whom the claims of a token of the console name. What it may do is what its roles may do, and no more
    than its scope says. Raises `NotSignedIn`.
    """
    sub, name, look = (claims.get(claim) for claim in ("sub", "name", "jti"))
    for text in (sub, name, look):
        if not isinstance(text, str) or not 0 < len(text) <= MAX_SUBJECT - len(PERSON) or not text.isprintable():
            raise NotSignedIn("The token is not valid: `sub`, `name` and `jti` have to be texts.")
    if _texts(claims.get(KIND)) != [OF_PERSON]:
        raise NotSignedIn("The token is not valid: the console's keys sign for people alone.")
    roles = tuple(_listed(claims, "roles"))
    person = PersonClaims(str(sub), str(name), roles, str(look))
    scopes = scopes_of(roles) & frozenset(_listed(claims, "scope"))
    return Caller(f"{PERSON}{sub}", scopes=scopes, expires=expires, person=person)


def read_services(services: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """The pairs that `auth.services` names. Raises `SettingsError` for what is none, or stands in every token."""
    pairs = []
    for service in services:
        claim, _, value = service.partition("=")
        if not claim or not value:
            raise SettingsError(f"auth.services has {service!r}: name a claim and its value, as laurels=service.")
        if claim in _IN_EVERY_TOKEN:
            raise SettingsError(
                f"auth.services has {service!r}, and customers' tokens carry {claim} too: each of them would be a "
                "service's. Name a claim that only services' tokens have."
            )
        pairs.append((claim, value))
    return tuple(pairs)


def read_sources(sources: Sequence[str]) -> dict[str, frozenset[str]]:
    """The sources that `auth.sources` allows to each service it names. Raises `SettingsError`."""
    allowed: dict[str, frozenset[str]] = {}
    for each in sources:
        subject, _, source = each.rpartition("=")
        try:
            check_id(source, "source")
        except InvalidInput:
            source = ""
        if not subject or not source:
            raise SettingsError(f"auth.sources has {each!r}: name a service's `sub` and a source, as till-7=till-7.")
        allowed[subject] = allowed.get(subject, frozenset()) | {source}
    return allowed


def _listed(claims: Mapping[str, Any], claim: str) -> list[str]:
    """A claim that is a list of texts, or one text with blanks between; nothing where it is not there."""
    written = claims.get(claim, "")
    if isinstance(written, str):
        return written.split()
    if isinstance(written, list) and all(isinstance(each, str) for each in written):
        return written
    raise NotSignedIn(f"The token is not valid: `{claim}` has to be a text with blanks between, or a list of texts.")


def _texts(value: Any) -> list[str]:
    """A claim's value, or those in its list, as a setting would spell them."""
    values = value if isinstance(value, list) else [value]
    spelled = []
    for each in values:
        if isinstance(each, str):
            spelled.append(each)
        elif isinstance(each, bool):
            spelled.append("true" if each else "false")
        elif isinstance(each, int):
            spelled.append(str(each))
    return spelled
