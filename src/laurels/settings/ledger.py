"""Settings of the ledger."""

from typing import Annotated

from laurels.settings.group import Group, about


class LedgerSettings(Group, frozen=True):
    """Where the ledger is."""

    url: Annotated[str, about("`sqlite` (a file under `state`), or postgresql://user@host/database")] = "sqlite"
