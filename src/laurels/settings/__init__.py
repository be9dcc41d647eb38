"""Every setting: one struct for each group, in a file of its own, and one table made from them.

`group.py` is what the groups share, `settings.py` puts them together, `table.py` lists them with their names in the
environment, `loading.py` reads them from flags, environment and file.
"""

from laurels.settings.auth import AuthSettings
from laurels.settings.catalogue import CatalogueSettings
from laurels.settings.http import HttpSettings
from laurels.settings.leaderboard import LeaderboardSettings
from laurels.settings.ledger import LedgerSettings
from laurels.settings.loading import CONFIG_FILE, load
from laurels.settings.logging import LogSettings
from laurels.settings.names import NamesSettings
from laurels.settings.notify import NotifySettings
from laurels.settings.program import ProgramSettings
from laurels.settings.settings import Settings
from laurels.settings.table import Setting, table

__all__ = [
    "CONFIG_FILE",
    "AuthSettings",
    "CatalogueSettings",
    "HttpSettings",
    "LeaderboardSettings",
    "LedgerSettings",
    "LogSettings",
    "NamesSettings",
    "NotifySettings",
    "ProgramSettings",
    "Setting",
    "Settings",
    "load",
    "table",
]
