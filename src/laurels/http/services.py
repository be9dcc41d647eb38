# ruff: noqa: D102 - each part is described where it lives
"""What `http` needs of the services. Those that `wiring` builds fit."""

from typing import Protocol

from laurels.awarding import Awarder, Programs
from laurels.checkout import Checkout
from laurels.clock import Clock
from laurels.dashboard import Dashboards, Live
from laurels.intake import Intake
from laurels.leaderboard import Leaderboard
from laurels.ledger import Ledger
from laurels.members import Members
from laurels.points import Points
from laurels.role_status import RoleBoard
from laurels.settings import Settings


class HttpServices(Protocol):
    """The packages that requests are handed to."""

    @property
    def settings(self) -> Settings: ...
    @property
    def now(self) -> Clock: ...
    @property
    def ledger(self) -> Ledger: ...
    @property
    def leaderboard(self) -> Leaderboard: ...
    @property
    def programs(self) -> Programs: ...
    @property
    def intake(self) -> Intake: ...
    @property
    def checkout(self) -> Checkout: ...
    @property
    def awarder(self) -> Awarder: ...
    @property
    def points(self) -> Points: ...
    @property
    def members(self) -> Members: ...
    @property
    def dashboards(self) -> Dashboards: ...
    @property
    def live(self) -> Live: ...
    @property
    def roles(self) -> RoleBoard: ...
