"""Who is at the console: signed in by an address that works once, and remembered in a cookie that only we can read."""

import secrets
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

import msgspec
from msgspec import Struct

from laurels.clock import HOUR, MINUTE
from laurels.model.people import scopes_of

STAYS = 8 * HOUR
IDLE = 30 * MINUTE
"""A person who asks for nothing for so long signs in anew."""


class Person(Struct, frozen=True):
    """A person and the roles that the sign-in gave."""

    sub: str
    name: str
    roles: tuple[str, ...]

    @property
    def scopes(self) -> frozenset[str]:
        """What the person may do."""
        return _scopes_of(self.roles)

    @property
    def initials(self) -> str:
        """At most two letters."""
        words = self.name.split()
        return "".join(word[0] for word in (words[:1] + words[1:][-1:])).upper()


@lru_cache(maxsize=1024)  # asked for each line of the navigation
def _scopes_of(roles: tuple[str, ...]) -> frozenset[str]:
    return scopes_of(roles)


class OneTimeCodes:
    """Codes that each sign one person in once: for the machine's own user, who saw the address on the terminal."""

    def __init__(self, person: Person, tell: Callable[[str], None]) -> None:
        """`tell` is given each new code: the first one now, the next one when that is used."""
        self._person = person
        self._tell = tell
        self._code = ""
        self.renew()

    def renew(self) -> None:
        """Make another code, which takes the place of the one before."""
        self._code = secrets.token_urlsafe(24)
        self._tell(self._code)

    def whose(self, code: str) -> Person | None:
        """Whom a code would sign in; None for one that is used or none."""
        return self._person if secrets.compare_digest(code.encode(), self._code.encode()) else None

    def use(self, code: str) -> Person | None:
        """Sign a person in; the code is used then."""
        person = self.whose(code)
        if person is not None:
            self.renew()
        return person


def session_of(person: Person, now: int) -> dict[str, Any]:
    """What the cookie holds of a person who signs in now."""
    return {"person": msgspec.to_builtins(person), "since": now, "seen": now}


def person_of(session: Mapping[str, Any], now: int) -> Person | None:
    """Who the cookie says it is; None where nobody is, or not any more."""
    try:
        since, seen = int(session["since"]), int(session["seen"])
        person = msgspec.convert(session["person"], Person)
    except (KeyError, TypeError, ValueError, msgspec.ValidationError):
        return None
    return person if now - since < STAYS and now - seen < IDLE else None
