"""What every process of Laurels does at its start: settings, logs, the event loop."""

import asyncio
import gc
import inspect
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, TypeVar

import structlog

from laurels.logs import describe, log_faults, log_to_stderr
from laurels.runtime.telling import complain, is_unread
from laurels.settings import Settings, load

T = TypeVar("T")

YOUNG_OBJECTS = 20_000
"""Containers made and not freed before Python looks for reference cycles: some megabytes at most."""

INTERRUPTED = 130
"""The exit code after Ctrl-C, as shells have it."""


def settings_of(state: Path | None, config: Path | None, **flags: Any) -> Settings:
    """Settings from flags, environment and file; what is logged from here on follows them. Flags are named like
    settings with `_` for `.`'s place: http_port.
    """
    named = {name.replace("_", ".", 1): value for name, value in flags.items()}
    settings = load({"state": state, **named}, config=config)
    log_to_stderr(settings.log.level, settings.log.format)
    return settings


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run a command's asynchronous part. Ctrl-C leaves it, and says so. Raises `BrokenPipeError` where nobody reads
    results any more, which needs no word; what else breaks is a fault as any other.
    """
    if not structlog.is_configured():
        log_to_stderr()
    _collect_cycles_rarely()
    runner = asyncio.Runner(loop_factory=_loop_factory())
    try:
        log_faults(runner.get_loop())
        return runner.run(work)
    except KeyboardInterrupt:
        complain("Interrupted. What was acknowledged is kept; run the command again to go on.")
        sys.exit(INTERRUPTED)
    except BrokenPipeError as error:
        if is_unread():
            raise
        raise RuntimeError("a connection broke off") from error
    finally:
        if inspect.getcoroutinestate(work) == inspect.CORO_CREATED:  # there came no loop of it
            work.close()  # else Python would say that nobody awaited it
        _close(runner)


def _close(runner: asyncio.Runner) -> None:
    """End the event loop. A connection that is still saying goodbye keeps uvloop from it: it goes with the process, and
    what the work itself came to is what has to be told.
    """
    try:
        runner.close()
    except (OSError, RuntimeError) as error:
        structlog.get_logger(__name__).debug("The event loop did not end.", **describe(error))


def _collect_cycles_rarely() -> None:
    """Keep Python's garbage collector off the requests.

    It runs whenever 700 more containers were made than freed, as happens while 64 requests wait for one commit, and
    every so often it goes through all that lives: 8 % of the processor's time of accepting orders. What is loaded by
    now stays anyway, so it is left out.
    """
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS)


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """The fast event loop where the system has it; None: Python's own."""
    try:
        import uvloop  # noqa: PLC0415 - not made for Windows
    except ImportError:
        return None
    return uvloop.new_event_loop
