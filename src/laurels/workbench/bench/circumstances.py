"""What a figure is worth little without: the machine, the versions, the commit, the date."""

import os
import platform
import subprocess
from importlib.metadata import version
from pathlib import Path

from msgspec import Struct

from laurels import __version__, clock
from laurels.model.times import format_instant

PROCESSORS = Path("/proc/cpuinfo")


class Circumstances(Struct, frozen=True, kw_only=True):
    """Under which a figure was measured. `memory_bytes`, `load` (1, 5, 15 minutes, before) and `commit` are None where
    they cannot be known. `apsw` is numbered like the SQLite that it holds.
    """

    date: str
    cpu: str
    cores: int
    memory_bytes: int | None
    kernel: str
    load: tuple[float, float, float] | None
    python: str
    laurels: str
    apsw: str
    commit: str | None


def circumstances() -> Circumstances:
    """Those of now and here."""
    return Circumstances(
        date=format_instant(clock.now() // clock.SECOND * clock.SECOND),
        cpu=_cpu(),
        cores=os.cpu_count() or 1,
        memory_bytes=_memory(),
        kernel=f"{platform.system()} {platform.release()}",
        load=os.getloadavg() if hasattr(os, "getloadavg") else None,
        python=platform.python_version(),
        laurels=__version__,
        apsw=version("apsw"),
        commit=_commit(),
    )


def _cpu() -> str:
    """The processor's name as Linux tells it, or as far as Python knows it."""
    if PROCESSORS.exists():
        for line in PROCESSORS.read_text("utf-8").splitlines():
            name, _, value = line.partition(":")
            if name.strip() == "model name":
                return value.strip()
    return platform.processor() or platform.machine()


def _memory() -> int | None:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):  # not a Unix, or one that does not tell
        return None


def _commit() -> str | None:
    """The commit that this code is of, with `-dirty` where it was changed since; None where it is no checkout.

    A virtual environment may lie inside somebody else's checkout: only a repository that knows this file counts.
    """
    here = Path(__file__)
    if _git(here.parent, "ls-files", "--error-unmatch", here.name) is None:
        return None
    return _git(here.parent, "describe", "--always", "--dirty", "--exclude=*")


def _git(folder: Path, *arguments: str) -> str | None:
    """What git says; None where there is no git, or it does not want to."""
    try:
        done = subprocess.run(  # noqa: S603 - fixed arguments
            ["git", "-C", str(folder), *arguments],  # noqa: S607 - whichever git the developer uses
            capture_output=True,
            text=True,
            timeout=10,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None
