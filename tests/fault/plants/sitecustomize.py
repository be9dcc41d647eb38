"""Loaded by Python at the start of every process that has this folder in PYTHONPATH: each loop of Laurels fails as
long as a file with its role's name stands in the folder that the environment names.
"""

import os
from collections.abc import Awaitable, Callable
from functools import wraps
from pathlib import Path
from typing import Any

import uvicorn

from laurels.awarding import Awarder
from laurels.checkout import Checkout
from laurels.jobs import JobRunner
from laurels.leaderboard import Projector
from laurels.notify import Notifier
from laurels.rollups import RollingUp
from laurels.workers import loops

PLANTED = Path(os.environ["LAURELS_TEST_PLANTED"])
SECRET = "ann@example.com"


def plant(where: type, name: str, role: str, *, once: bool = False) -> None:
    """Let a method fail while it is to. `once`: it fails a single time."""
    original: Callable[..., Awaitable[Any]] = getattr(where, name)

    @wraps(original)
    async def planted(*arguments: Any, **named: Any) -> Any:
        if (PLANTED / role).exists():
            if once:
                (PLANTED / role).unlink()
            raise RuntimeError(SECRET)
        return await original(*arguments, **named)

    setattr(where, name, planted)


def plant_all() -> None:
    """Plant a fault in each loop; the one that looks but once a minute looks as often as others here."""
    loops.SWEEP_EVERY_S = loops.RECOVER_EVERY_S
    plant(Awarder, "step", "award")
    plant(Checkout, "recover", "recover")
    plant(Awarder, "sweep", "sweep")
    plant(RollingUp, "step", "report")
    plant(JobRunner, "step", "jobs")
    plant(Projector, "catch_up", "project")
    plant(Notifier, "step", "notify")
    plant(uvicorn.Server, "on_tick", "http", once=True)


plant_all()
