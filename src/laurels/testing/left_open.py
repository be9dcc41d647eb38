"""What a process holds open: a contract's tests end by asserting that nothing is left."""

import asyncio
import threading
from collections.abc import Coroutine
from pathlib import Path
from typing import Any


def what_is_open() -> set[str]:
    """Name the tasks, threads and files of this process, without those that pytest, anyio and asyncio keep."""
    tasks = {f"task {task.get_coro()}" for task in asyncio.all_tasks() if not _is_anyios(task)}
    threads = {f"thread {each.name}" for each in threading.enumerate() if not each.name.startswith("asyncio_")}
    return tasks | threads | _open_files()


def _is_anyios(task: "asyncio.Task[Any]") -> bool:
    """Whether a task is the one in which anyio runs fixtures and tests."""
    coroutine = task.get_coro()
    return isinstance(coroutine, Coroutine) and getattr(coroutine, "__qualname__", "").startswith("TestRunner.")


def _open_files() -> set[str]:
    names = set()
    folder = Path("/proc/self/fd")
    for each in folder.iterdir() if folder.exists() else ():
        try:
            names.add(f"file {each.name}: {each.readlink()}")
        except FileNotFoundError:  # the folder's own handle, closed by now
            continue
    return names
