"""Moving the ledger from a file to a server."""

from collections.abc import Iterator
from contextlib import closing, contextmanager

from msgspec import structs

from laurels.clock import Clock
from laurels.dashboard.names import load_key
from laurels.engines.sqlite.moving_out import MovingOut
from laurels.errors import LedgerUnavailable, SettingsError
from laurels.ledger import NameNumbers, Progress
from laurels.settings import Settings
from laurels.wiring.ledgers import check_there, is_on_server, ledger_path, open_ledger
from laurels.wiring.owner import check_owner


async def move(settings: Settings, url: str, now: Clock, progress: Progress) -> int:
    """Copy the ledger in a file to a database that has none, and check all of it there; gives how many entries there
    are. Broken off, it goes on where it stopped when it is called again. Stop Laurels first: what is written to the
    file afterwards is not there. The file stays as it is.

    Raises `SettingsError`, `LedgerMissing`, `FileRefused`, and what opening either ledger raises.
    """
    check_owner(settings.state)
    there = structs.replace(settings, ledger=structs.replace(settings.ledger, url=url))
    if is_on_server(settings):
        raise SettingsError(
            "A ledger moves from a file to a server, and ledger.url names a server. Leave it out until it has moved."
        )
    if not is_on_server(there):
        raise SettingsError("A ledger moves from a file to a server: give --to postgresql://user@host/database.")
    from laurels.engines.postgres import PostgresLedger  # noqa: PLC0415 - an extra that may not be there

    await check_there(settings)
    names = NameNumbers(load_key(settings.names_key_path))
    with closing(MovingOut(ledger_path(settings))) as leaving, _telling_of_option():
        entries = await PostgresLedger.move_in(url, leaving, now, progress)
    bundle = await open_ledger(there, now, names, must_exist=True)
    try:
        async for step in bundle.ledger.verify():
            for finding in step.findings:
                raise LedgerUnavailable(
                    f"What was moved is not as a ledger has to be ({finding.where}: {finding.what}). "
                    "`laurels verify` names all of it, in the file too."
                )
    finally:
        await bundle.close()
    return entries


@contextmanager
def _telling_of_option() -> Iterator[None]:
    """What is wrong with a server's address is told of the setting where it usually stands."""
    try:
        yield
    except (SettingsError, LedgerUnavailable) as error:
        raise type(error)(error.message.replace("ledger.url", "--to", 1)) from error
