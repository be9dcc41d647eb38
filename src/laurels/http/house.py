# ruff: noqa: D102 - each part is described where it lives
"""What the HTTP room needs of the house and of its settings. The house that `wiring` builds fits."""

from pathlib import Path
from typing import Protocol

from laurels.awarding import Awarder
from laurels.clock import Clock
from laurels.dashboard import Dashboards, Live
from laurels.intake import Intake
from laurels.leaderboard import Leaderboard
from laurels.ledger import Ledger
from laurels.members import Members


class HttpSettings(Protocol):
    """The settings that are read here."""

    @property
    def state(self) -> Path: ...
    @property
    def http_host(self) -> str: ...
    @property
    def http_port(self) -> int: ...
    @property
    def auth_mode(self) -> str: ...
    @property
    def auth_issuer(self) -> str | None: ...
    @property
    def auth_audience(self) -> str | None: ...
    @property
    def auth_member_claim(self) -> str: ...


class House(Protocol):
    """The rooms that requests are handed to."""

    @property
    def settings(self) -> HttpSettings: ...
    @property
    def now(self) -> Clock: ...
    @property
    def ledger(self) -> Ledger: ...
    @property
    def leaderboard(self) -> Leaderboard: ...
    @property
    def intake(self) -> Intake: ...
    @property
    def awarder(self) -> Awarder: ...
    @property
    def members(self) -> Members: ...
    @property
    def dashboards(self) -> Dashboards: ...
    @property
    def live(self) -> Live: ...
