"""What is logged, and how: events with fields, on standard error.

Nothing that is logged may hold a member's id, an address or a token. The text of an error that nobody foresaw, and the
values around it, may; so of such an error only its kind is told, and where it arose.
"""

import asyncio
import logging
import sys
import time
import traceback
from collections import OrderedDict
from collections.abc import Callable, MutableMapping
from pathlib import PurePath
from typing import Any

import structlog

MINUTE_S = 60.0
LINES_PER_MINUTE = 30
"""Lines of one kind that are written in a minute. A client that causes a line with each request writes no more than
these: some 10 MB a day.
"""

KINDS_REMEMBERED = 1000

FRAMES = 12
"""Frames that are told of each error, the innermost ones."""

log = structlog.get_logger(__name__)


def log_to_stderr(level: str = "info", format: str = "auto") -> None:  # noqa: A002 - as the setting is called
    """Log to standard error from a level on (`debug`, `info`, `warning`, `error`), and what the libraries log from
    `warning` on, or from that level where it is higher. The format is `text`, lines for people, or `json`; `auto` is
    text on a terminal and JSON elsewhere.

    To be called by the process, not by a library: it changes what holds for all of it.
    """
    is_text = format == "text" or (format == "auto" and sys.stderr.isatty())
    number = logging.getLevelNamesMapping()[level.upper()]
    structlog.configure(
        processors=[
            Bounded(),
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.dev.ConsoleRenderer(colors=False) if is_text else structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
    logging.basicConfig(level=max(number, logging.WARNING), handlers=[Libraries()], force=True)


def log_faults(loop: asyncio.AbstractEventLoop) -> None:
    """Log what nobody awaited on a loop, by kind and place."""
    loop.set_exception_handler(_log_unawaited)


def describe(error: BaseException) -> dict[str, Any]:
    """Fields for a log event: the error's type, the places it came through (the innermost is last), and its cause."""
    fields: dict[str, Any] = {"error": type(error).__qualname__, "at": _places(error)}
    cause = error.__cause__ or error.__context__
    if isinstance(error, BaseExceptionGroup):
        fields["errors"] = [describe(each) for each in error.exceptions]
    elif cause is not None:
        fields["cause"] = describe(cause)
    return fields


class Bounded:
    """Leaves lines out, as a step of structlog, where there are too many alike: the same event, of the same route or
    library, for the same kind of error. How many were left out since stands on the next line of that kind as
    `left_out`, and each is told to `left_out`.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        """`now` is in seconds."""
        self._now = now
        self._kinds: OrderedDict[tuple[str, ...], _LineQuota] = OrderedDict()

    def __call__(self, _: object, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        """Pass a line on. Raises `structlog.DropEvent` for one too many."""
        key = tuple(str(event.get(name, "")) for name in ("event", "library", "message", "error", "route", "status"))
        kind = self._kinds.pop(key, None) or _LineQuota(self._now())
        self._kinds[key] = kind
        if len(self._kinds) > KINDS_REMEMBERED:
            self._kinds.popitem(last=False)
        if self._now() - kind.since >= MINUTE_S:
            kind.since, kind.written = self._now(), 0
        if kind.written >= LINES_PER_MINUTE:
            kind.left_out += 1
            left_out()
            raise structlog.DropEvent
        kind.written += 1
        if kind.left_out:
            event["left_out"] = kind.left_out
            kind.left_out = 0
        return event


class _LineQuota:
    """What was written of one kind of line in this minute, and left out since."""

    __slots__ = ("left_out", "since", "written")

    def __init__(self, since: float) -> None:
        self.since = since
        self.written = 0
        self.left_out = 0


def _nobody() -> None:
    """Count nothing."""


left_out: Callable[[], object] = _nobody
"""Told of each line that is left out. Whoever counts figures puts its counter here."""


class Libraries(logging.Handler):
    """Carries what libraries log (uvicorn, asyncio) over: who, and the message as it stands in their code, without the
    values that would go into it, which may be anything.
    """

    def emit(self, record: logging.LogRecord) -> None:
        """Log one record."""
        error = record.exc_info[1] if record.exc_info else None
        fields = {} if error is None else describe(error)
        log.log(record.levelno, "library.logged", library=record.name, message=str(record.msg).strip(), **fields)


def _log_unawaited(_: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    error = context.get("exception")
    fields = {} if error is None else describe(error)
    message = "in a callback" if "handle" in context else context["message"]  # which would show what it was called with
    log.error("asyncio.fault", message=message, **fields)


def _places(error: BaseException) -> list[str]:
    frames = traceback.extract_tb(error.__traceback__)[-FRAMES:]
    return [f"{'/'.join(PurePath(each.filename).parts[-3:])}:{each.lineno} {each.name}" for each in frames]
