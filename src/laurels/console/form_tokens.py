"""The token that each form carries and the browser has in a cookie: another site's page knows neither."""

from typing import Any

from litestar.middleware.csrf import CSRFMiddleware
from litestar.types import Receive, Scope, Send
from litestar.utils.scope.state import ScopeState


class FormTokens(CSRFMiddleware):
    """The framework's check, but that what is no token is none, whatever else it is: it fails at letters beyond ASCII
    and at a file, and keeps a cookie that can never count, such as one from before the console had another key.
    """

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        cookies: Any = ScopeState.from_scope(scope).cookies
        if self._decode_csrf_token(cookies.get(self.config.cookie_name)) is None:
            cookies.pop(self.config.cookie_name, None)
        await super().__call__(scope, receive, send)

    def _decode_csrf_token(self, token: object) -> str | None:
        return super()._decode_csrf_token(token) if isinstance(token, str) and token.isascii() else None
