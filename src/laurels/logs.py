"""What may be logged of an error that nobody foresaw: what it is and where it arose, never what it says.

The text of such an error, and the values around it, may hold a member's id, an address or a token.
"""

import traceback
from pathlib import PurePath

FRAMES = 12
"""Frames that are told of each error, the innermost ones."""


def describe(error: BaseException) -> dict[str, object]:
    """Fields for a log event: the error's type, the places it came through (the innermost is last), and its cause."""
    fields: dict[str, object] = {"error": type(error).__qualname__, "at": _places(error)}
    cause = error.__cause__ or error.__context__
    if isinstance(error, BaseExceptionGroup):
        fields["errors"] = [describe(each) for each in error.exceptions]
    elif cause is not None:
        fields["cause"] = describe(cause)
    return fields


def _places(error: BaseException) -> list[str]:
    frames = traceback.extract_tb(error.__traceback__)[-FRAMES:]
    return [f"{'/'.join(PurePath(each.filename).parts[-3:])}:{each.lineno} {each.name}" for each in frames]
