"""The loops that run behind the doors: award what was accepted, project what was awarded."""

from laurels.workers.loops import award_forever, project_forever

__all__ = ["award_forever", "project_forever"]
