"""Admission: who sent a request, and whether they ask too often. Every request that needs a token is admitted here."""

from collections.abc import Sequence

from laurels.errors import NotSignedIn, TooManyRequests
from laurels.http.admission.auth import Auth
from laurels.http.admission.callers import Caller
from laurels.http.admission.limits import Allowance, Limits
from laurels.http.asgi import Scope


class Admission:
    """Admits requests. One for each process."""

    def __init__(self, auth: Auth, limits: Limits) -> None:
        self.limits = limits
        self._auth = auth
        self.table = auth.table

    def remembered(self, authorization: bytes) -> Caller | None:
        """Who sent this header, where that is known without a check. Counts nothing."""
        return self._auth.remembered(authorization)

    async def caller(self, scope: Scope) -> Caller:
        """Who sent this request. Leaves the header `RateLimit` in the request's state, for `Middleware` to send.

        Raises `NotSignedIn`, `TooManyRequests`, `IssuerUnavailable`.
        """
        sent = [value for name, value in scope["headers"] if name == b"authorization"]
        caller = self._auth.remembered(sent[0]) if len(sent) == 1 else None
        if caller is None:
            caller = await self._checked(scope, sent)
        if caller.member_id is not None:
            _pass(scope, self.limits.member(caller.member_id))
        return caller

    async def _checked(self, scope: Scope, sent: Sequence[bytes]) -> Caller:
        """The same for a token that has to be checked. It is counted before it costs anything, and a valid one then
        does not count: behind a proxy everybody has the same address.
        """
        client = scope.get("client")
        address = client[0] if client else ""
        left = self.limits.check(address)
        if left.wait:
            _pass(scope, left)
        try:
            caller = await self._auth.caller(sent)
        except NotSignedIn:
            _pass(scope, self.limits.failure(address))
            raise
        self.limits.checked(address)
        return caller


def _pass(scope: Scope, left: Allowance) -> None:
    """Raise `TooManyRequests` where nothing was left."""
    if header := left.header:
        scope["state"]["rate_limit"] = header
    if left.wait:
        raise TooManyRequests(left.retry_after_s)
