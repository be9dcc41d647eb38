"""The loops that run behind the doors: award what was accepted, project what was awarded, send what is due,
recover purchases that broke off.
"""

from laurels.workers.loops import award_forever, notify_forever, project_forever, recover_forever, unless_stopped

__all__ = ["award_forever", "notify_forever", "project_forever", "recover_forever", "unless_stopped"]
