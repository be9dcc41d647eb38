"""What the groups of settings share: how a setting is described, and how a group is shown without its passwords."""

import re
from typing import Annotated, Any

from msgspec import Meta, Struct

MOST = 10**9
"""The largest whole number that a setting may be: of minutes or hours, in microseconds, it has room in 64 bits."""

MOST_DAYS = 36_500

Count = Annotated[int, Meta(ge=1, le=MOST)]
NotNegative = Annotated[int, Meta(ge=0, le=MOST)]
Port = Annotated[int, Meta(ge=0, le=65535)]

_URL = re.compile(r"\b([a-z][a-z0-9+.-]*)://(.*)", re.IGNORECASE | re.DOTALL)
_HOST = re.compile(r"(?:.*@)?([^/?#@]*)(/[^?#@]*)?", re.DOTALL)
_WEB = frozenset({"http", "https"})


def about(purpose: str) -> Meta:
    """What a setting is for, as the table of settings says it."""
    return Meta(description=purpose)


class SettingsGroup(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Settings that belong together. Shown without the secrets in URLs: this ends up in logs and tracebacks."""

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        """Every field, without the secrets in URLs."""
        return [(field, _shown(field, getattr(self, field))) for field in self.__struct_fields__]

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in self.__rich_repr__())})"


def without_secrets(url: str) -> str:
    """A URL without what in it may be secret: users, passwords, keys in a query, and on the web the path too."""
    return _URL.sub(_harmless, url)


def _harmless(url: re.Match[str]) -> str:
    found = _HOST.match(url[2])
    assert found, "it matches anything"
    host, path = found.groups("")
    return f"{url[1]}://{'***@' if '@' in url[2] else ''}{host}{'' if url[1].lower() in _WEB else path}"


def _shown(field: str, value: Any) -> Any:
    """A setting as it may be seen. What should be a URL and is none may still be a secret."""
    if not isinstance(value, str):
        return value
    if field.endswith("password"):
        return "***"
    if field.endswith("url") and not value.isalnum() and not _URL.fullmatch(value):
        return "***"
    return without_secrets(value)
