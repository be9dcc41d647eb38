"""The one function that builds the services. Tests swap parts by argument."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial

from laurels import clock
from laurels.awarding import Awarder, Programs, publish
from laurels.checkout import Checkout, Payments, read_catalogue
from laurels.clock import Clock
from laurels.dashboard import Dashboards, Live, ProxyNames, Seal, Versions
from laurels.errors import SettingsError
from laurels.intake import Intake
from laurels.keyfile import check_folder
from laurels.leaderboard import Boards, Leaderboard, Projector, Together
from laurels.ledger import Feed, Ledger
from laurels.members import Members
from laurels.notify import MessageChannel, Notifier
from laurels.points import Points
from laurels.program import DEFAULT_PROGRAM, Program, parse_program
from laurels.role_status import RoleBoard
from laurels.settings import Settings
from laurels.wiring.boards import open_leaderboard
from laurels.wiring.channels import check_sender, open_channel, open_composer
from laurels.wiring.ledgers import LedgerBundle, check_there, is_writable, open_feed_copy, open_ledger, read_ledger
from laurels.wiring.naming import open_names, open_names_key
from laurels.wiring.owner import check_owner
from laurels.wiring.payments import open_payments


@dataclass(frozen=True)
class Services:
    """Every package, built and connected."""

    settings: Settings
    now: Clock
    ledger: Ledger
    leaderboard: Leaderboard
    programs: Programs
    boards: Boards
    intake: Intake
    checkout: Checkout
    awarder: Awarder
    points: Points
    members: Members
    projector: Projector
    notifier: Notifier
    dashboards: Dashboards
    live: Live
    roles: RoleBoard


@asynccontextmanager
async def build(
    settings: Settings,
    *,
    now: Clock = clock.now,
    bundle: LedgerBundle | None = None,
    leaderboard: Leaderboard | None = None,
    payments: Payments | None = None,
    must_exist: bool = False,
    to_rebuild: bool = False,
    needs_board: bool = True,
) -> AsyncIterator[Services]:
    """Build the services that the settings describe; everything that was opened here is closed on the way out, in
    reverse order. What is handed in (a ledger with all that belongs to it, a leaderboard, payments) is its owner's.
    With `must_exist` no ledger is made where there is none, and one that cannot be written is read. `to_rebuild`: the
    leaderboard will be built anew, whosever its files were. Who `needs_board` not goes on where its server refuses.

    Raises `SettingsError`, `ProgramError`, `SchemaTooOld` and the like, each with what to do about it.
    """
    check_owner(settings.state)
    check_folder(settings.state)
    check_sender(settings)
    async with AsyncExitStack() as stack:
        channel = open_channel(settings)
        stack.push_async_callback(channel.close)
        if must_exist:
            await check_there(settings)
        names = await open_names(settings)
        read_only = must_exist and bundle is None and not is_writable(settings)
        if bundle is None:
            bundle = await (read_ledger if read_only else open_ledger)(settings, now, names.numbers)
            stack.push_async_callback(bundle.close)
        ledger = bundle.ledger
        if (copy := await open_feed_copy(settings, ledger)) is not None:
            stack.push_async_callback(copy.close)
        if leaderboard is None:
            leaderboard = await open_leaderboard(
                settings, names, ledger, read_only=read_only, to_rebuild=to_rebuild, may_refuse=not needs_board
            )
            stack.push_async_callback(leaderboard.close)
        roles = RoleBoard(settings.state / "run", now)
        stack.callback(roles.close)
        programs = await _publish(settings, ledger)
        intake = Intake(ledger)
        checkout = _open_checkout(stack, settings, now, bundle, intake=intake, payments=payments)
        yield _connect(
            settings,
            now,
            ledger=ledger,
            copy=copy,
            leaderboard=leaderboard,
            programs=programs,
            intake=intake,
            checkout=checkout,
            channel=channel,
            names=names,
            seal=Seal(await open_names_key(settings)),
            roles=roles,
        )


def _open_checkout(
    stack: AsyncExitStack,
    settings: Settings,
    now: Clock,
    bundle: LedgerBundle,
    *,
    intake: Intake,
    payments: Payments | None,
) -> Checkout:
    """The checkout, with payments of its own where none are handed in: the stack closes those."""
    # The sandbox takes no money: where customers are real, nobody may earn points through it.
    is_open = payments is not None or settings.auth.mode == "dev"
    if payments is None:
        payments = open_payments(settings)
        stack.push_async_callback(payments.close)
    catalogue = read_catalogue(settings.catalogue.file)
    return Checkout(catalogue, payments, bundle.intents, intake, now, is_open=is_open)


async def _publish(settings: Settings, ledger: Ledger) -> Programs:
    """The published programs; the configured one is looked at. Raises `ProgramError`, `SettingsError`."""
    if settings.approval.required and settings.program.publish_at_start:
        raise SettingsError("program.publish_at_start puts a program in force alone: not with approval.required.")
    configured = None if settings.program.file is None else read_program(settings)
    return await publish(ledger, configured, at_start=settings.program.publish_at_start)


def _connect(
    settings: Settings,
    now: Clock,
    *,
    ledger: Ledger,
    copy: Feed | None,
    leaderboard: Leaderboard,
    programs: Programs,
    intake: Intake,
    checkout: Checkout,
    channel: MessageChannel,
    names: ProxyNames,
    seal: Seal,
    roles: RoleBoard,
) -> Services:
    """The services over what was opened. Opens nothing, so there is nothing to close."""
    stale_after_ms = settings.leaderboard.stale_after_ms
    boards = Boards(programs.current.zone, settings.boards.keep_months)
    awarder = Awarder(ledger, programs, now)
    versions = Versions(seal, ledger, held_back=settings.boards.together > 1)
    together = Together(settings.boards.together, settings.boards.within_s)
    return Services(
        settings=settings,
        now=now,
        ledger=ledger,
        leaderboard=leaderboard,
        programs=programs,
        boards=boards,
        intake=intake,
        checkout=checkout,
        awarder=awarder,
        points=Points(awarder, ledger),
        members=Members(ledger, awarder, channel.forget, partial(_forget_words, ledger)),
        projector=Projector(ledger, leaderboard, boards, programs.current.time_zone, now, together=together, copy=copy),
        notifier=Notifier(ledger, channel, open_composer(settings, programs), now),
        dashboards=Dashboards(
            leaderboard,
            boards,
            names,
            versions,
            stale_after_ms,
            now=now,
            smallest=settings.boards.smallest,
        ),
        roles=roles,
        live=Live(leaderboard, stale_after_ms, now, boards.next_turn),
    )


def read_program(settings: Settings) -> Program:
    """The configured program. Raises `ProgramError`, `SettingsError`."""
    if settings.program.file is None:
        return parse_program(DEFAULT_PROGRAM)
    try:
        return parse_program(settings.program.file.read_text("utf-8-sig"))
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"program.file cannot be read: {error}") from error


async def _forget_words(ledger: Ledger, members: Sequence[int]) -> None:
    from laurels.jobs import forget_words  # noqa: PLC0415 - most processes erase nobody

    await forget_words(ledger, members)
