"""What the groups of settings share: how a setting is described, and how a group is shown without its passwords."""

import re
from typing import Annotated, Any

from msgspec import Meta, Struct

Count = Annotated[int, Meta(ge=1)]
Port = Annotated[int, Meta(ge=0, le=65535)]

_PASSWORD = re.compile(r"://.*@", re.DOTALL)
_IN_QUERY = re.compile(r"([?&][^=&#]*(?:pass|pwd|secret|token|key)[^=&#]*=)[^&#]*", re.IGNORECASE)


def about(purpose: str) -> Meta:
    """What a setting is for, as the table of settings says it."""
    return Meta(description=purpose)


class Group(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Settings that belong together. Shown without the passwords in URLs: this ends up in logs and tracebacks."""

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        """Every field, with passwords replaced."""
        return [(field, _shown(field, getattr(self, field))) for field in self.__struct_fields__]

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in self.__rich_repr__())})"


def _shown(field: str, value: Any) -> Any:
    """A value without its secrets: those of a URL, also in its query, and all of a password."""
    if not isinstance(value, str):
        return value
    return "***" if field.endswith("password") else _IN_QUERY.sub(r"\1***", _PASSWORD.sub("://***@", value))
