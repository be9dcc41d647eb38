"""The door: who sent a request, and whether they ask too often. Every request that needs a token comes through here."""

from litestar.types import Scope

from laurels.errors import NotSignedIn, TooManyRequests
from laurels.http.auth import Auth, Caller
from laurels.http.limits import Left, Limits


class Door:
    """Lets requests in. One for each process."""

    def __init__(self, auth: Auth, limits: Limits) -> None:
        self.limits = limits
        self._auth = auth

    def remembered(self, authorization: bytes) -> Caller | None:
        """Who sent this header, where that is known without a check. Counts nothing."""
        return self._auth.remembered(authorization)

    async def caller(self, scope: Scope) -> Caller:
        """Who sent this request. Leaves the header `RateLimit` in the request's state, for `Envelope` to send.

        Raises `NotSignedIn`, `TooManyRequests`, `IssuerUnavailable`.
        """
        try:
            caller = await self._auth.caller([value for name, value in scope["headers"] if name == b"authorization"])
        except NotSignedIn:
            _pass(scope, self.limits.failure(scope["client"][0] if scope["client"] else ""))
            raise
        if caller.member_id is not None:
            _pass(scope, self.limits.member(caller.member_id))
        return caller


def _pass(scope: Scope, left: Left) -> None:
    """Raise `TooManyRequests` where nothing was left."""
    scope["state"]["rate_limit"] = left.header
    if left.wait:
        raise TooManyRequests(left.retry_after_s)
