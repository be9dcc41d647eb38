"""How the roles of a running Laurels get on, told by each process to all that share its state directory.

A process writes what it runs into a file of its own under `state`/run, which it keeps locked. The system takes the lock
away when the process ends, however it ends: so nobody believes the file of one that was killed, and whoever finds it
removes it. Writing it down happens when a role's state changes, not when it works.
"""

import os
from collections.abc import Iterable
from contextlib import suppress
from enum import StrEnum
from pathlib import Path
from uuid import uuid4

import msgspec
import structlog
from msgspec import Struct
from msgspec.structs import replace

from laurels import clock
from laurels.clock import Clock

_PAGE = 4096
"""A file is written in one call and padded to this many bytes, so that a reader sees all of it or what was before."""

log = structlog.get_logger(__name__)


class RoleState(StrEnum):
    """From best to worst."""

    RUNNING = "running"
    WAITING = "waiting"
    """The ledger or the leaderboard is away; it goes on as soon as it is back."""
    FAILING = "failing"
    """Its last step failed in a way that nobody foresaw; it is tried again."""
    DOWN = "down"
    """Its process ended, and is started again."""


_BADNESS = {state: badness for badness, state in enumerate(RoleState)}


class RoleStatus(Struct, frozen=True, kw_only=True):
    """One role: its state since an instant, how often it failed or its process was started again, and the kind of the
    last error.
    """

    role: str
    state: RoleState
    since: int
    restarts: int = 0
    error: str | None = None

    @classmethod
    def of(cls, role: str, now: int) -> "RoleStatus":
        """One that has just begun."""
        return cls(role=role, state=RoleState.RUNNING, since=now)


class RoleBoard:
    """What this process tells of its roles, and what every process tells."""

    def __init__(self, folder: Path, now: Clock = clock.now) -> None:
        """`folder` is made when the first role tells something."""
        self._folder = folder
        self._now = now
        self._mine: dict[str, RoleStatus] = {}
        self._file: _LockedFile | None = None
        self._is_closed = False

    def tell(self, role: str, state: RoleState, *, error: str | None = None, restarted: bool = False) -> None:
        """Note a role's state. Costs a dictionary's look-up where nothing changes, else a write to one small file."""
        before = self._mine.get(role)
        if before is not None and before.state is state and not restarted:
            return
        status = before or RoleStatus.of(role, self._now())
        self._mine[role] = replace(
            status,
            state=state,
            since=status.since if status.state is state else self._now(),
            restarts=status.restarts + restarted,
            error=error or status.error,
        )
        self._write()

    def all(self) -> list[RoleStatus]:
        """Every role that some process of this state directory runs, by name: the worst state that one tells, since
        when the last of them is in it, the restarts of all, and the last error. Reads a small file a process.
        """
        merged: dict[str, RoleStatus] = {}
        for status in self._told():
            before = merged.get(status.role)
            merged[status.role] = status if before is None else _merged(before, status)
        return [merged[role] for role in sorted(merged)]

    def close(self) -> None:
        """Take back what this process told."""
        self._is_closed = True
        if self._file is not None:
            self._file.remove()
            self._file = None

    def _write(self) -> None:
        if self._is_closed:
            return
        try:
            if self._file is None:
                self._file = _LockedFile(self._folder)
            self._file.write(msgspec.json.encode(list(self._mine.values())))
        except OSError as error:
            # Its own roles this process knows anyway; that others do not learn of them ends no work.
            log.warning("roles.not_told", error=error.strerror)

    def _told(self) -> Iterable[RoleStatus]:
        yield from self._mine.values()
        own = None if self._file is None else self._file.path
        with suppress(OSError):
            for path in self._folder.glob("*.json"):
                if path != own:
                    yield from _read(path)


def _merged(one: RoleStatus, other: RoleStatus) -> RoleStatus:
    """The worse of two; of two that are alike, the one that is so since later. Its last error, or else the other's."""
    better, worst = sorted((one, other), key=lambda status: (_BADNESS[status.state], status.since))
    return replace(worst, restarts=one.restarts + other.restarts, error=worst.error or better.error)


class _LockedFile:
    """A file that is believed for as long as this process holds its lock."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        _remove_left_behind(folder)
        self.path = folder / f"{uuid4().hex}.json"
        fresh = self.path.with_suffix(".new")
        self._descriptor = os.open(fresh, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        import fcntl  # noqa: PLC0415 - not made for Windows

        fcntl.flock(self._descriptor, fcntl.LOCK_EX)
        fresh.rename(self.path)  # under its name it is locked from the beginning

    def write(self, text: bytes) -> None:
        os.pwrite(self._descriptor, text.ljust(_PAGE), 0)

    def remove(self) -> None:
        self.path.unlink(missing_ok=True)
        os.close(self._descriptor)


def _read(path: Path) -> list[RoleStatus]:
    """What a process tells; nothing where it is gone, and its file with it."""
    try:
        with path.open("rb") as file:
            if _is_left_behind(file.fileno()):
                path.unlink(missing_ok=True)
                return []
            return msgspec.json.decode(file.read(), type=list[RoleStatus])
    except (OSError, msgspec.MsgspecError):  # gone meanwhile, or of another version
        return []


def _remove_left_behind(folder: Path) -> None:
    for path in folder.glob("*.json"):
        _read(path)


def _is_left_behind(descriptor: int) -> bool:
    import fcntl  # noqa: PLC0415 - not made for Windows

    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
