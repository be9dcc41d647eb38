"""Why a broker was not reached, in words that lead somewhere: its client's error names its own class."""

import os
import ssl
from collections.abc import Iterator


def reason_of(error: BaseException) -> str:
    """The system's word for an error, or for what it came from; the error's class where there is none."""
    for each in _came_from(error):
        if isinstance(each, ssl.SSLError):  # its number is none of the system's
            return "it broke off while the encrypted connection was made"
        if isinstance(each, OSError) and each.errno:
            return (each.strerror if each.errno < 0 else os.strerror(each.errno)) or type(each).__name__
        if isinstance(each, TimeoutError):
            return "no answer in time"
    return type(error).__name__


def _came_from(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
