"""What is logged, and how: events with fields, on standard error.

Nothing that is logged may hold a member's id, an address or a token. The text of an error that nobody foresaw, and the
values around it, may; so of such an error only its kind is told, and where it arose.
"""

import asyncio
import logging
import sys
import traceback
from pathlib import PurePath
from typing import Any

import structlog

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
