"""What a page declares, and what its function is given."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from datetime import UTC, date, datetime
from typing import Any, Literal
from zoneinfo import ZoneInfo

from msgspec import Struct

from laurels.clock import SECOND
from laurels.console.charts import Charts
from laurels.console.client import Asking
from laurels.console.sealing import SessionSeal
from laurels.console.sign_in import Person
from laurels.model.times import by_the_clock


class Upload(Struct, frozen=True):
    """A file that a form carried."""

    name: str
    content: bytes


class Ask(Struct, frozen=True, kw_only=True):
    """One request of a person who is signed in and may see the page. `zone` is the shop's, in which times are shown and
    days are meant; UTC on a page that only shows something, where Laurels does not say which it is. `seal` closes what
    must not be read in an address.
    """

    person: Person
    api: Asking
    charts: Charts
    path: Mapping[str, str]
    query: Mapping[str, str]
    form: Mapping[str, str]
    file: Upload | None = None
    seal: SessionSeal
    now: int
    zone: ZoneInfo

    @property
    def today(self) -> date:
        """The day that it is in the shop."""
        return by_the_clock(datetime.fromtimestamp(self.now // SECOND, UTC), self.zone).date()


class Shown(Struct, frozen=True, kw_only=True):
    """A page to show: a template and what it says."""

    template: str
    says: Mapping[str, Any]
    status: int = 200


class Elsewhere(Struct, frozen=True):
    """Go on at another address, by GET."""

    to: str


class Download(Struct, frozen=True):
    """A file to keep, under this name; a long one comes piece by piece."""

    name: str
    content: bytes | AsyncIterator[bytes]
    media_type: str


Handler = Callable[[Ask], Awaitable[Shown | Elsewhere | Download]]


class Page(Struct, frozen=True, kw_only=True):
    """One page: who may see it (a person with one of these scopes), and what it does. With `takes_file` its form may
    carry a file of some megabytes.
    """

    method: Literal["GET", "POST"]
    path: str
    scopes: tuple[str, ...]
    handle: Handler
    takes_file: bool = False


def page(
    method: Literal["GET", "POST"], path: str, *scopes: str, takes_file: bool = False
) -> Callable[[Handler], Page]:
    """Declare a page over its function. A GET changes nothing."""
    return lambda handle: Page(method=method, path=path, scopes=scopes, handle=handle, takes_file=takes_file)
