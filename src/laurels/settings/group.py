"""What the groups of settings share: how a setting is described, and how a group is shown without its passwords."""

import re
from typing import Annotated, Any

from msgspec import Meta, Struct

Count = Annotated[int, Meta(ge=1)]
Port = Annotated[int, Meta(ge=0, le=65535)]

_PASSWORD = re.compile(r"://.*@", re.DOTALL)


def about(purpose: str) -> Meta:
    """What a setting is for, as the table of settings says it."""
    return Meta(description=purpose)


class Group(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Settings that belong together. Shown without the passwords in URLs: this ends up in logs and tracebacks."""

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        """Every field, with passwords replaced."""
        values = ((field, getattr(self, field)) for field in self.__struct_fields__)
        return [
            (field, _PASSWORD.sub("://***@", value) if isinstance(value, str) else value) for field, value in values
        ]

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in self.__rich_repr__())})"
