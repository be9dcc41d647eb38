"""The way in: by an address from the terminal, or by an identity provider, which is asked again every 15 minutes."""

from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

import msgspec
from litestar import Request

from laurels.clock import MINUTE, Clock
from laurels.console.oidc import Oidc, Pending, ProviderAway, SignInRefused, SilentRefused
from laurels.console.page import Elsewhere, Shown
from laurels.console.sign_in import OneTimeCodes, Person, person_of, session_of
from laurels.metrics import SIGN_INS_REFUSED

SIGN_IN = "/sign-in"
CHECKED_FOR = 15 * MINUTE
"""How long a person's roles count before the provider is asked again: one that is taken away is gone by then."""

_MOST_PATH = 1_000
_NO_ROLE = "The identity provider knows you, and gives you no role here. Ask whoever keeps the roles."


class Authenticator:
    """Signs people in, and tells who is."""

    def __init__(self, codes: OneTimeCodes | None, oidc: Oidc | None, now: Clock) -> None:
        """People come by `codes` from the terminal, or by `oidc`: not by both."""
        self._codes = codes
        self._oidc = oidc
        self._now = now

    def who(self, request: Request[Any, Any, Any]) -> Person | None:
        """Who asks; None where nobody is signed in, or not any more."""
        now = self._now()
        person = person_of(request.session, now)
        if person is None:
            if "pending" not in request.session:
                request.clear_session()
        else:
            request.session["seen"] = now
        return person

    def is_to_check(self, request: Request[Any, Any, Any]) -> bool:
        """Whether the provider has to be asked again before anything is shown to who is signed in."""
        if self._oidc is None:
            return False
        checked = request.session.get("checked")
        return not isinstance(checked, int) or not 0 <= self._now() - checked < CHECKED_FOR

    def sign_in_for(self, path: str) -> Elsewhere:
        """Where to sign in before a page is shown. By a provider people come back to that page."""
        is_kept = self._oidc is not None and path != "/" and len(path) <= _MOST_PATH
        return Elsewhere(f"{SIGN_IN}?{urlencode({'to': path})}" if is_kept else SIGN_IN)

    async def ask_who(self, request: Request[Any, Any, Any]) -> Shown:
        """The page that signs in."""
        code = request.query_params.get("code", "")
        who = self._codes.whose(code) if self._codes is not None and code else None
        if code and who is None:
            SIGN_INS_REFUSED.labels("address").inc()
        return self._shown(code=code, who=who, to=_local(request.query_params.get("to", "/")))

    async def use_code(self, request: Request[Any, Any, Any], code: str) -> Person | Shown:
        """Sign a person in, once for each code."""
        person = None if self._codes is None else self._codes.use(code)
        if person is None:
            SIGN_INS_REFUSED.labels("address").inc()
            return self._shown(code="used", status=HTTPStatus.FORBIDDEN)
        request.clear_session()
        request.set_session(session_of(person, self._now()))
        return person

    async def begin(self, request: Request[Any, Any, Any]) -> Elsewhere | Shown:
        """Go to the provider; `to` is where the person goes on, `silent` that nobody is asked anything."""
        if self._oidc is None:
            return Elsewhere(SIGN_IN)
        query = request.query_params
        try:
            address, pending = await self._oidc.begin(_local(query.get("to", "/")), silent=query.get("silent") == "1")
        except (ProviderAway, SignInRefused) as error:
            return self._refused(error)
        request.set_session({**request.session, "pending": msgspec.to_builtins(pending)})
        return Elsewhere(address)

    async def finish(self, request: Request[Any, Any, Any]) -> Elsewhere | Shown:
        """Take in who comes back from the provider. Whatever is not as it has to be signs nobody in; one whose roles
        are all gone is signed out.
        """
        if self._oidc is None:
            return Elsewhere(SIGN_IN)
        session = dict(request.session)
        pending = _pending(session.pop("pending", None))
        request.set_session(session)
        try:
            person = await self._oidc.finish(pending, dict(request.query_params.items()))
        except ProviderAway as error:
            return self._refused(error)
        except SilentRefused:
            request.clear_session()
            return Elsewhere(SIGN_IN)
        except SignInRefused as error:
            return self._refused(error)
        if not person.roles:
            request.clear_session()
            SIGN_INS_REFUSED.labels("no-role").inc()
            return self._shown(refused=_NO_ROLE, status=HTTPStatus.FORBIDDEN)
        self._let_in(request, session, person)
        assert pending is not None, "finish has looked at it"
        return Elsewhere(pending.to)

    def _let_in(self, request: Request[Any, Any, Any], session: dict[str, Any], person: Person) -> None:
        """A new session; the same person's, who was asked again, ends when it would have ended."""
        now = self._now()
        was = person_of(session, now)
        begun = session["since"] if was is not None and was.sub == person.sub else now
        request.clear_session()
        request.set_session({**session_of(person, now), "since": begun, "checked": now})

    def _refused(self, error: ProviderAway | SignInRefused) -> Shown:
        away = isinstance(error, ProviderAway)
        SIGN_INS_REFUSED.labels("provider-away" if away else "provider").inc()
        status = HTTPStatus.SERVICE_UNAVAILABLE if away else HTTPStatus.FORBIDDEN
        return self._shown(refused=error.message, status=status)

    def _shown(
        self,
        *,
        code: str = "",
        who: Person | None = None,
        refused: str = "",
        to: str = "/",
        status: int = HTTPStatus.OK,
    ) -> Shown:
        begin = f"{SIGN_IN}/begin?{urlencode({'to': to})}"
        says = {"code": code, "who": who, "refused": refused, "by_provider": self._oidc is not None, "begin": begin}
        return Shown(template="sign_in.html", says=says, status=status)


def check_again(path: str) -> Elsewhere:
    """Where the provider is asked again, before the page at `path` is shown."""
    path = path if len(path) <= _MOST_PATH else "/"
    return Elsewhere(f"{SIGN_IN}/begin?{urlencode({'silent': '1', 'to': path})}")


def _pending(kept: object) -> Pending | None:
    try:
        return msgspec.convert(kept, Pending)
    except msgspec.ValidationError:
        return None


def _local(to: str) -> str:
    """An address of this console; what is none leads home. Browsers take a backslash for `/`: neither may be second.
    One that is too long for a cookie leads home too: cookies that no server takes any more would keep a person out.
    """
    return to if len(to) <= _MOST_PATH and to[:1] == "/" and to[1:2] not in {"/", "\\"} and to.isprintable() else "/"
