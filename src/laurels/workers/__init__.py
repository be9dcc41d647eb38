"""The loops that run behind HTTP: award what was accepted, project what was awarded, send what is due, recover
purchases that broke off, take orders from a queue, publish events, keep what reports are read from.
"""

from laurels.workers.consume import Consumer, consume_all, consume_forever, share_interpreter
from laurels.workers.jobs import jobs_forever
from laurels.workers.loops import (
    UNWATCHED,
    Watch,
    award_forever,
    notify_forever,
    project_forever,
    recover_forever,
    sleep,
    sweep_forever,
    unless_stopped,
)
from laurels.workers.publish import publish_forever
from laurels.workers.report import report_forever

__all__ = [
    "UNWATCHED",
    "Consumer",
    "Watch",
    "award_forever",
    "consume_all",
    "consume_forever",
    "jobs_forever",
    "notify_forever",
    "project_forever",
    "publish_forever",
    "recover_forever",
    "report_forever",
    "share_interpreter",
    "sleep",
    "sweep_forever",
    "unless_stopped",
]
