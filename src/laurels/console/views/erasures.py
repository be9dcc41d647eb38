"""Erase many customers from a file: chosen, checked, and asked for by the button that says what the check said."""

from typing import Any

from laurels.console.page import Ask, Elsewhere, Shown, page
from laurels.console.views.bulk import check_or_do, file_shown


@page("GET", "/erasures", "points:approve")
async def choose_file(_: Ask) -> Shown:
    """The form."""
    return _shown()


@page("POST", "/erasures", "points:approve", takes_file=True)
async def erase_many(ask: Ask) -> Shown | Elsewhere:
    """Say whom the file erases; or ask for it, where it is the one that was checked."""
    return await check_or_do(ask, "/erasures", _shown)


def _shown(*, seen: dict[str, Any] | None = None, **more: str) -> Shown:
    return file_shown("erasures.html", seen, does_something=bool(seen and seen["checked"]["customers"]), **more)


PAGES = (choose_file, erase_many)
