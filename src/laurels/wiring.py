"""The one function that builds the house, and the only file that names engines. Tests swap parts by argument."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from operator import attrgetter
from pathlib import Path

from laurels import clock
from laurels.awarding import Awarder, Programs, publish
from laurels.checkout import Checkout, IntentStore, Payments, read_catalogue
from laurels.clock import Clock
from laurels.dashboard import Dashboards, Live, ProxyNames
from laurels.dashboard.names import load_key, new_key_file
from laurels.engines.channels import FileChannel, SmtpChannel
from laurels.engines.memory import MemoryLeaderboard
from laurels.engines.payments import SandboxPayments
from laurels.engines.sqlite import SqliteLedger
from laurels.errors import SettingsError
from laurels.intake import Intake
from laurels.keyfile import check_folder
from laurels.leaderboard import Boards, Leaderboard, Projector
from laurels.ledger import Ledger
from laurels.members import Members
from laurels.notify import Channel, Composer, Notifier
from laurels.program import DEFAULT_PROGRAM, Program, parse_program
from laurels.settings import Settings

NOBODY = "loyalty@localhost"
"""The sender of mails that are only written to files."""


@dataclass(frozen=True)
class House:
    """Every room, built and connected."""

    settings: Settings
    now: Clock
    ledger: Ledger
    leaderboard: Leaderboard
    programs: Programs
    boards: Boards
    intake: Intake
    checkout: Checkout
    awarder: Awarder
    members: Members
    projector: Projector
    notifier: Notifier
    dashboards: Dashboards
    live: Live


@asynccontextmanager
async def build(
    settings: Settings,
    *,
    now: Clock = clock.now,
    ledger: Ledger | None = None,
    leaderboard: Leaderboard | None = None,
    intents: IntentStore | None = None,
    payments: Payments | None = None,
) -> AsyncIterator[House]:
    """Build the house that the settings describe; everything is closed on the way out, in reverse order.

    Raises `SettingsError`, `ProgramError`, `SchemaTooOld` and the like, each with what to do about it.
    """
    check_folder(settings.state)
    async with AsyncExitStack() as stack:
        if ledger is None:
            ledger = open_ledger(settings, now)
            stack.push_async_callback(ledger.close)
        names = open_names(settings)
        if leaderboard is None:
            leaderboard = await open_leaderboard(settings, names)
            stack.push_async_callback(leaderboard.close)
        # The sandbox takes no money: where customers are real, nobody may earn points through it.
        is_open = payments is not None or settings.auth_mode == "dev"
        if payments is None:
            payments = open_payments(settings)
            stack.push_async_callback(payments.close)
        channel = open_channel(settings)
        stack.push_async_callback(channel.close)
        programs = await publish(ledger, read_program(settings))
        boards = Boards(programs.current.zone)
        intake = Intake(ledger)
        yield House(
            settings=settings,
            now=now,
            ledger=ledger,
            leaderboard=leaderboard,
            programs=programs,
            boards=boards,
            intake=intake,
            checkout=Checkout(
                read_catalogue(settings.catalogue_file),
                payments,
                intents or intents_of(ledger),
                intake,
                now,
                is_open=is_open,
            ),
            awarder=Awarder(ledger, programs, now),
            members=Members(ledger),
            projector=Projector(ledger, leaderboard, boards, programs.current.time_zone, now),
            notifier=Notifier(ledger, channel, open_composer(settings, programs), now),
            dashboards=Dashboards(
                leaderboard,
                boards,
                names,
                settings.leaderboard_stale_after_ms,
                now,
                smallest=settings.boards_smallest,
            ),
            live=Live(leaderboard, settings.leaderboard_stale_after_ms, now),
        )


def ledger_path(settings: Settings) -> Path:
    """The embedded ledger's file. Raises `SettingsError` for a ledger that is not embedded."""
    if settings.ledger_url != "sqlite":
        kind = settings.ledger_url.partition(":")[0]
        raise SettingsError(
            f"ledger.url is {kind if kind.isalnum() else 'something else'}: this version has `sqlite` alone."
        )
    return settings.state / "laurels.db"


def migrate(settings: Settings) -> tuple[int, int]:
    """Bring the ledger's schema up to date; gives the versions before and after."""
    return SqliteLedger.migrate(ledger_path(settings))


def open_ledger(settings: Settings, now: Clock) -> Ledger:
    """The ledger that the settings name."""
    return SqliteLedger.open(ledger_path(settings), now)


def intents_of(ledger: Ledger) -> IntentStore:
    """The checkout's intents, which live in the ledger's own transactions."""
    assert isinstance(ledger, SqliteLedger), "another ledger is handed in together with its intents"
    return ledger.intents


def leaderboard_engine(settings: Settings) -> str:
    """The engine that the settings name; where they name none, `native` if it is installed, else `memory`."""
    return settings.leaderboard_engine or ("native" if has_native() else "memory")


def has_native() -> bool:
    """Whether laurels-core is installed."""
    return find_spec("laurels_core") is not None


def is_board_shared(settings: Settings) -> bool:
    """Whether several processes see the same board."""
    return leaderboard_engine(settings) != "memory"


async def open_leaderboard(settings: Settings, names: ProxyNames) -> Leaderboard:
    """The leaderboard that the settings name; never another one in its place."""
    engine = leaderboard_engine(settings)
    if settings.leaderboard_url is not None and engine != "valkey":
        raise SettingsError(
            f"leaderboard.url is set, and leaderboard.engine is {engine}: set leaderboard.engine = valkey."
        )
    match engine:
        case "native":
            return open_native(settings.state / "board", names)
        case "valkey":
            return await open_valkey(settings.leaderboard_url)
        case _:
            return MemoryLeaderboard()


def open_native(directory: Path, names: ProxyNames) -> Leaderboard:
    """The leaderboard in memory-mapped files."""
    if not has_native():
        raise SettingsError(
            "leaderboard.engine is native, and laurels-core is not installed: install its wheel (`make wheels` builds "
            "it), or choose `memory`."
        )
    from laurels.engines.native import NativeLeaderboard  # noqa: PLC0415 - may not be there

    return NativeLeaderboard(directory, names)


async def open_valkey(url: str | None) -> Leaderboard:
    """The leaderboard on a server."""
    if url is None:
        raise SettingsError("leaderboard.url is not set: say where the server is, as valkey://host:port")
    try:
        from laurels.engines.valkey import ValkeyLeaderboard  # noqa: PLC0415 - an extra that may not be there
    except ModuleNotFoundError as error:
        raise SettingsError(
            "leaderboard.engine is valkey, and the client for it is not installed: pip install laurels[valkey]"
        ) from error
    return await ValkeyLeaderboard.open(url)


def open_payments(settings: Settings) -> Payments:
    """The payment provider: for now the sandbox alone, which takes no money."""
    return SandboxPayments(settings.state / "payments")


def open_channel(settings: Settings) -> Channel:
    """The channel that mails go through: the mail server that is set, or files under `state`."""
    if settings.notify_smtp_url is None:
        return FileChannel(settings.state / "outbox")
    return SmtpChannel(settings.notify_smtp_url)


def open_composer(settings: Settings, programs: Programs) -> Composer:
    """What writes the mails, from the sender that is set. Raises `SettingsError` where a mail server is set and no
    sender.
    """
    sender = settings.notify_from
    if sender is None and settings.notify_smtp_url is not None:
        raise SettingsError("notify.from is not set: say who the mails are from, as Corner Shop <points@shop.example>")
    earlier = sorted(programs.published.values(), key=attrgetter("version"), reverse=True)
    return Composer(sender or NOBODY, [programs.current, *earlier])


def open_names(settings: Settings) -> ProxyNames:
    """Proxy names under the configured key; the first start makes a key under `state`."""
    path = settings.names_key_path
    if settings.names_key_file is None and not path.exists():
        new_key_file(path)
    return ProxyNames(load_key(path))


def read_program(settings: Settings) -> Program:
    """The configured program. Raises `ProgramError`, `SettingsError`."""
    if settings.program_file is None:
        return parse_program(DEFAULT_PROGRAM)
    try:
        return parse_program(settings.program_file.read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"program.file cannot be read: {error}") from error
