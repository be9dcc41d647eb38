"""What a page declares, and what its function is given."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Literal

from msgspec import Struct

from laurels.console.client import Asking
from laurels.console.sign_in import Person


class Ask(Struct, frozen=True, kw_only=True):
    """One request of a person who is signed in and may see the page."""

    person: Person
    api: Asking
    path: Mapping[str, str]
    query: Mapping[str, str]
    form: Mapping[str, str]
    now: int


class Shown(Struct, frozen=True, kw_only=True):
    """A page to show: a template and what it says."""

    template: str
    says: Mapping[str, Any]
    status: int = 200


class Elsewhere(Struct, frozen=True):
    """Go on at another address, by GET."""

    to: str


class Download(Struct, frozen=True):
    """A file to keep, under this name."""

    name: str
    content: bytes
    media_type: str


Handler = Callable[[Ask], Awaitable[Shown | Elsewhere | Download]]


class Page(Struct, frozen=True, kw_only=True):
    """One page: who may see it (a person with one of these scopes), and what it does."""

    method: Literal["GET", "POST"]
    path: str
    scopes: tuple[str, ...]
    handle: Handler


def page(method: Literal["GET", "POST"], path: str, *scopes: str) -> Callable[[Handler], Page]:
    """Declare a page over its function. A GET changes nothing."""
    return lambda handle: Page(method=method, path=path, scopes=scopes, handle=handle)
