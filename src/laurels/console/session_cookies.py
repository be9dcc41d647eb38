"""Sessions in cookies that only we can read: the framework's, but that what is none is nobody's session.

It means to take a cookie that is not whole for none, and fails at most of them: whoever had one in the browser would
meet an error on each page until it lapsed.
"""

import re
from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import InvalidTag
from litestar.exceptions import SerializationException
from litestar.middleware.session.client_side import ClientSideSessionBackend, CookieBackendConfig

_NO_SESSION = (InvalidTag, SerializationException, ValueError, TypeError, KeyError, RecursionError)


class _Backend(ClientSideSessionBackend):
    def __init__(self, config: CookieBackendConfig) -> None:
        """Pieces of a long session have one digit behind the name. More of them are a port: that is the cookie of
        another console at this host.
        """
        super().__init__(config)
        self.cookie_re = re.compile(rf"{re.escape(config.key)}(?:-\d)?", re.ASCII)

    def load_data(self, data: list[bytes]) -> dict[str, Any]:
        """What the cookies hold; nothing where they are not ours, or not whole."""
        try:
            return super().load_data(data)
        except _NO_SESSION:
            return {}


@dataclass
class SessionCookies(CookieBackendConfig):
    """How sessions are kept."""

    _backend_class = _Backend
