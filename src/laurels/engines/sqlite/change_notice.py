"""Hears of other processes' commits at once, and costs nothing while there are none.

After a commit a process writes a byte to a file beside the ledger, and Linux tells every process that watches the file
(inotify). The byte comes after the commit, so whoever looks then sees it; a watch on SQLite's own files would tell of
the writing, and the look would come too early. Nothing depends on a notice: one that is lost, because a process died
between the two or the system has no such thing, is made up for by looking from time to time.
"""

import asyncio
import ctypes
import os
import sys
from collections.abc import Callable
from pathlib import Path

GIVE_EVERY_S = 0.02
"""At most one notice in so many seconds: commits in between share the next one."""

LOOK_AGAIN_S = 1.0
"""How often it is looked all the same where notices are heard."""

POLL_S, IDLE_POLL_S = 0.02, 0.25
"""How often it is looked where none are: while there are changes, and when there have been none for a while."""

_SLOWING = 8
"""Without notices, the next look comes after an eighth of the time that nothing has changed."""

_IN_MODIFY, _IN_DELETE_SELF = 0x2, 0x400
_READ_BYTES = 4096


class ChangeNotice:
    """Gives notice of this process's commits and hears that of others. For one event loop."""

    def __init__(self, path: Path, heard: Callable[[], None]) -> None:
        """`path` is the file, which need not be there; `heard` is called on the event loop, for our own notices too."""
        self._path = path
        self._heard = heard
        self._watch: int | None = None
        self._is_deaf = False
        self._given_at = float("-inf")
        self._changed_at = float("-inf")
        self._later: asyncio.TimerHandle | None = None

    def give(self) -> None:
        """Tell the others that something was committed. Takes some 10 us, at most 50 times a second."""
        loop = asyncio.get_running_loop()
        now = self._changed_at = loop.time()
        if self._later is not None:
            return
        wait_s = self._given_at + GIVE_EVERY_S - now
        if wait_s > 0:
            self._later = loop.call_later(wait_s, self._give_now)
        else:
            self._give_now()

    def listen(self) -> None:
        """Hear notices from now on. Where the system has none, or no more of them, that is all right."""
        if self._watch is not None or self._is_deaf:
            return
        try:
            watch = _inotify(self._path)
        except OSError:
            self._is_deaf = True
            return
        try:
            asyncio.get_running_loop().add_reader(watch, self._on_notice)
        except NotImplementedError:
            os.close(watch)
            self._is_deaf = True
            return
        self._watch = watch

    def pause_s(self) -> float:
        """How long to wait for a notice before looking all the same."""
        if self._watch is not None:
            return LOOK_AGAIN_S
        quiet_s = asyncio.get_running_loop().time() - self._changed_at
        return min(max(quiet_s / _SLOWING, POLL_S), IDLE_POLL_S)

    def found(self) -> None:
        """A look found a change."""
        self._changed_at = asyncio.get_running_loop().time()

    def close(self) -> None:
        """Give what was to be given, and hear nothing more."""
        if self._later is not None:
            self._later.cancel()
            self._give_now()
        self._is_deaf = True
        self._stop_listening()

    def _give_now(self) -> None:
        self._later = None
        self._given_at = asyncio.get_running_loop().time()
        try:
            file = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError:  # then the others look by themselves
            return
        try:
            os.pwrite(file, b"\n", 0)
        except OSError:
            return
        finally:
            os.close(file)

    def _on_notice(self) -> None:
        assert self._watch is not None, "the reader is removed with it"
        events = os.read(self._watch, _READ_BYTES)
        # Each begins with the watch's number and what happened; the file's name is not told where a file is watched.
        kinds = (int.from_bytes(events[at + 4 : at + 8], sys.byteorder) for at in range(0, len(events), 16))
        if any(not kind & _IN_MODIFY for kind in kinds):  # the file is gone: watch the one that takes its place
            self._stop_listening()
            self.listen()
        self._heard()

    def _stop_listening(self) -> None:
        if self._watch is not None:
            asyncio.get_running_loop().remove_reader(self._watch)
            os.close(self._watch)
            self._watch = None


def _inotify(path: Path) -> int:
    """A descriptor that can be read when the file was written to. Makes the file. Raises `OSError`."""
    if sys.platform != "linux":
        raise OSError("only Linux has it")
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600))
    libc = ctypes.CDLL(None, use_errno=True)
    watch: int = libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
    if watch < 0:
        raise OSError(ctypes.get_errno(), "inotify_init1")
    if libc.inotify_add_watch(watch, os.fsencode(path), _IN_MODIFY | _IN_DELETE_SELF) < 0:
        error = ctypes.get_errno()
        os.close(watch)
        raise OSError(error, "inotify_add_watch")
    return watch
