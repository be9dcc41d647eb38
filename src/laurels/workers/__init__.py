"""The loops that run behind HTTP: award what was accepted, project what was awarded, send what is due, recover
purchases that broke off.
"""

from laurels.workers.loops import (
    UNWATCHED,
    Watch,
    award_forever,
    notify_forever,
    project_forever,
    recover_forever,
    sleep,
    unless_stopped,
)

__all__ = [
    "UNWATCHED",
    "Watch",
    "award_forever",
    "notify_forever",
    "project_forever",
    "recover_forever",
    "sleep",
    "unless_stopped",
]
