"""The groups put together: `settings.http.port` is the setting `http.port`."""

from pathlib import Path
from typing import Annotated

from laurels.settings.approval import ApprovalSettings
from laurels.settings.auth import AuthSettings
from laurels.settings.boards import BoardsSettings
from laurels.settings.catalogue import CatalogueSettings
from laurels.settings.console import AuditSettings, ConsoleSettings
from laurels.settings.consume import ConsumeSettings
from laurels.settings.events import EventsSettings
from laurels.settings.group import SettingsGroup, about
from laurels.settings.http import HttpSettings
from laurels.settings.leaderboard import LeaderboardSettings
from laurels.settings.ledger import LedgerSettings
from laurels.settings.logging import LogSettings
from laurels.settings.names import NamesSettings
from laurels.settings.notify import NotifySettings
from laurels.settings.program import ProgramSettings


class Settings(SettingsGroup, frozen=True):
    """The settings of one process, checked."""

    state: Annotated[Path, about("where the embedded engines and the keys made by Laurels live")] = Path("laurels-data")
    ledger: LedgerSettings = LedgerSettings()
    leaderboard: LeaderboardSettings = LeaderboardSettings()
    boards: BoardsSettings = BoardsSettings()
    http: HttpSettings = HttpSettings()
    auth: AuthSettings = AuthSettings()
    names: NamesSettings = NamesSettings()
    notify: NotifySettings = NotifySettings()
    program: ProgramSettings = ProgramSettings()
    approval: ApprovalSettings = ApprovalSettings()
    catalogue: CatalogueSettings = CatalogueSettings()
    console: ConsoleSettings = ConsoleSettings()
    audit: AuditSettings = AuditSettings()
    consume: ConsumeSettings = ConsumeSettings()
    events: EventsSettings = EventsSettings()
    log: LogSettings = LogSettings()

    @property
    def events_key_path(self) -> Path:
        """Where the secret behind webhooks' secrets is."""
        return self.events.key_file or self.state / "events.key"

    @property
    def names_key_path(self) -> Path:
        """Where the secret behind proxy names is."""
        return self.names.key_file or self.state / "names.key"

    @property
    def console_key_path(self) -> Path:
        """Where the key is that the console signs people's tokens with."""
        return self.console.key_file or self.state / "console.key"
