"""The leaderboard that the settings name."""

from importlib.util import find_spec
from pathlib import Path

from laurels.dashboard import ProxyNames
from laurels.errors import SettingsError
from laurels.leaderboard import Leaderboard
from laurels.ledger import Ledger
from laurels.settings import LeaderboardSettings, Settings

_OF_SERVER = ("url", "ca_file", "cert_file", "key_file", "sentinel_password")


def leaderboard_engine(settings: Settings) -> str:
    """The engine that the settings name; where they name none, `native` if it is installed, else `memory`."""
    return settings.leaderboard.engine or ("native" if has_native() else "memory")


def has_native() -> bool:
    """Whether laurels-core is installed."""
    return find_spec("laurels_core") is not None


def is_board_shared(settings: Settings) -> bool:
    """Whether several processes see the same board."""
    return leaderboard_engine(settings) != "memory"


async def open_leaderboard(
    settings: Settings,
    names: ProxyNames,
    ledger: Ledger | None = None,
    *,
    read_only: bool = False,
    to_rebuild: bool = False,
    may_refuse: bool = False,
) -> Leaderboard:
    """The leaderboard that the settings name; never another one in its place. It has to be that of `ledger`, but for
    one in files that is about to be built anew (`to_rebuild`). `read_only`: the state folder cannot be written, so that
    what would lie there is in memory. Raises `SettingsError`.
    """
    engine = leaderboard_engine(settings)
    if read_only and engine == "native":
        engine = "memory"
    of_server = next((name for name in _OF_SERVER if getattr(settings.leaderboard, name) is not None), None)
    if of_server is not None and engine != "valkey":
        raise SettingsError(
            f"leaderboard.{of_server} is set, and leaderboard.engine is {engine}: set leaderboard.engine = valkey."
        )
    match engine:
        case "native":
            return open_native(settings.state / "board", names, None if to_rebuild else await _identity(ledger))
        case "valkey":
            return await open_valkey(settings.leaderboard, await _identity(ledger), may_refuse=may_refuse)
        case _:
            from laurels.engines.memory import MemoryLeaderboard  # noqa: PLC0415 - the other engines do without

            return MemoryLeaderboard()


async def _identity(ledger: Ledger | None) -> str | None:
    return None if ledger is None else (await ledger.heads()).identity


def open_native(directory: Path, names: ProxyNames, identity: str | None = None) -> Leaderboard:
    """The leaderboard in memory-mapped files, which has to be that of the ledger with this identity. Raises
    `SettingsError`.
    """
    if not has_native():
        raise SettingsError(
            "leaderboard.engine is native, and laurels-core is not installed: install its wheel (`make wheels` builds "
            "it), or choose `memory`."
        )
    from laurels.engines.native import NativeLeaderboard  # noqa: PLC0415 - may not be there

    board = NativeLeaderboard(directory, names)
    if identity is not None:
        board.check_ledger(identity)
    return board


async def clear_board(settings: LeaderboardSettings) -> None:
    """Delete the board on the server that the settings name, whosever it is."""
    from laurels.engines.valkey import ValkeyLeaderboard  # noqa: PLC0415 - an extra that may not be there

    board = await open_valkey(settings, None)
    assert isinstance(board, ValkeyLeaderboard)
    try:
        await board.clear()
    finally:
        await board.close()


async def open_valkey(settings: LeaderboardSettings, identity: str | None, *, may_refuse: bool = False) -> Leaderboard:
    """The leaderboard on a server, which has to be that of the ledger with this identity; one that `may_refuse` is told
    of in the log. Raises `SettingsError`.
    """
    if settings.url is None:
        raise SettingsError("leaderboard.url is not set: say where the server is, as valkey://host:port")
    try:
        from laurels.engines.valkey import Tls, ValkeyLeaderboard  # noqa: PLC0415 - an extra that may not be there
    except ModuleNotFoundError as error:
        raise SettingsError(
            "leaderboard.engine is valkey, and the client for it is not installed: pip install laurels[valkey]"
        ) from error
    return await ValkeyLeaderboard.open(
        settings.url,
        settings.prefix,
        identity=identity,
        tls=Tls(ca_file=settings.ca_file, cert_file=settings.cert_file, key_file=settings.key_file),
        sentinel_password=settings.sentinel_password,
        may_refuse=may_refuse,
    )
