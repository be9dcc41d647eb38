"""The shop that is measured: made for the bench on the disk of the configured one, and thrown away after it."""

import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random

import msgspec

from laurels.errors import SettingsError
from laurels.model import Order
from laurels.runtime.telling import ShowProgress
from laurels.runtime.upkeep import award_and_project
from laurels.settings import CatalogueSettings, NamesSettings, NotifySettings, ProgramSettings, Settings
from laurels.wiring import Services, build, clear_board
from laurels.workbench.customers import basket, customer, earlier_order, member_id

SOURCE = "bench"
CURRENCY = "GBP"

PORTION = 1_000
"""Customers a commit."""


class Scratch:
    """A shop whose members have points, and its own count of the orders that it took."""

    def __init__(self, services: Services, state: Path, members: int, seed: int, progress: ShowProgress) -> None:
        self.services = services
        self.state = state
        self.members = members
        self._progress = progress
        self.chance = Random(seed)  # noqa: S311 - made-up orders, not secrets
        self.accepted = 0
        self._made = 0

    def order(self) -> Order:
        """A new order of one of the members."""
        self._made += 1
        return Order(
            source=SOURCE,
            order_id=f"B{self._made}",
            member_id=member_id(customer(self.chance, self.members)),
            currency=CURRENCY,
            total=basket(self.chance),
        )

    def some_member(self) -> str:
        """A member, each as likely as any other."""
        return member_id(self.chance.randrange(self.members))

    async def accept(self, order: Order) -> None:
        """Take one order."""
        await self.services.intake.accept(order)
        self.accepted += 1

    async def accept_all(self, orders: list[Order]) -> None:
        """Take orders in one commit."""
        await self.services.intake.accept_all([(order, b"") for order in orders])
        self.accepted += len(orders)

    async def fill(self) -> None:
        """Let every member have spent something, and put all of them on the board."""
        now = self.services.now()
        with self._progress("making up members", "members") as report:
            for start in range(0, self.members, PORTION):
                numbers = range(start, min(start + PORTION, self.members))
                await self.accept_all([earlier_order(number, self.members, now) for number in numbers])
                await self.services.awarder.drain()
                report(numbers.stop, self.members)
        await self.services.projector.catch_up()

    async def difference(self) -> str | None:
        """What the ledger lacks, or has too much, once all is awarded; None: every order is there once."""
        await award_and_project(self.services, self._progress)
        entries = sum(mark.position for mark in (await self.services.ledger.heads()).marks.values())
        if entries == self.members + self.accepted:  # an enrolment for each member, an entry for each order
            return None
        return f"{self.members:,} members and {self.accepted:,} orders made {entries:,} entries"


@asynccontextmanager
async def open_scratch(
    settings: Settings, members: int, seed: int, progress: ShowProgress, *, overwrite_board: bool
) -> AsyncIterator[Scratch]:
    """A filled scratch shop with the configured engines, on the disk of the configured state, under the default
    program; it sends no mail.

    Raises `SettingsError` where it would not be the only one to use what the settings name.
    """
    if settings.ledger.url != "sqlite":
        raise SettingsError("The bench makes a ledger of its own, which is a file: leave ledger.url at `sqlite`.")
    if settings.leaderboard.url is not None and not overwrite_board:
        raise SettingsError(
            "leaderboard.url names a board that the bench would overwrite. Name a server of its own, and say "
            "--overwrite-board."
        )
    async with _own_board(settings):
        with tempfile.TemporaryDirectory(prefix=".laurels-bench-", dir=_disk_of(settings.state)) as folder:
            state = Path(folder)
            own = msgspec.structs.replace(
                settings,
                state=state,
                names=NamesSettings(),
                program=ProgramSettings(),
                catalogue=CatalogueSettings(),
                notify=NotifySettings(),
            )
            async with build(own) as services:
                scratch = Scratch(services, state, members, seed, progress)
                await scratch.fill()
                yield scratch


@asynccontextmanager
async def _own_board(settings: Settings) -> AsyncIterator[None]:
    """A board on a server is nobody's before the bench, and after it."""
    if settings.leaderboard.url is None:
        yield
        return
    await clear_board(settings.leaderboard)
    try:
        yield
    finally:
        await clear_board(settings.leaderboard)


def _disk_of(state: Path) -> Path:
    """The nearest folder above a state directory that is there."""
    return next(folder for folder in state.absolute().parents if folder.is_dir())
