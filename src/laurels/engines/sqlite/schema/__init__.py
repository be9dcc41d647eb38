"""How the file is made and brought up to date: numbered steps, each in one transaction (a fresh file's all in
one), remembered in `user_version`.

There is one road: a fresh file is made by the same steps that bring an old one up to date.
"""

import uuid
from importlib.resources import files
from typing import Any

import apsw

from laurels import clock
from laurels.engines.sqlite import upgrading
from laurels.errors import ForeignFile, SchemaTooNew
from laurels.ledger import Upgrade
from laurels.model.documents import keyed

APPLICATION_ID = 0x4C61_7572
"""`Laur`, in the file's header: tells a ledger from any other SQLite file."""

_STEPS = sorted(
    (step.name, step.read_text("utf-8")) for step in files(__name__).iterdir() if step.name.endswith(".sql")
)
LATEST = len(_STEPS)

SHARDED = 4
"""The step that brings shards, and all that is added up from older entries."""


def version_of(connection: apsw.Connection) -> int:
    """The schema that a file has; 0 for an empty one. Raises `ForeignFile` and `SchemaTooNew`."""
    # In this order: while another process makes the file, an empty one turns into a whole ledger between two looks.
    empty = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone() == (0,)
    if not empty and connection.pragma("application_id") != APPLICATION_ID:
        raise ForeignFile
    version = int(connection.pragma("user_version"))
    if version > LATEST:
        raise SchemaTooNew(
            f"The ledger has schema {version}, this Laurels knows {LATEST}. Run a newer Laurels, or restore a backup."
        )
    return version


def migrate(connection: apsw.Connection, shards: int = 1, upgrade: Upgrade | None = None) -> tuple[int, int]:
    """Bring a file to the latest schema; a fresh one gets so many shards. Returns the versions before and after.
    Another process doing the same is waited for. `upgrade` says what the rules know of what an older Laurels wrote.
    """
    connection.create_scalar_function("keyed", _keyed, 2, deterministic=True)
    before = version_of(connection)
    while version_of(connection) < LATEST:
        connection.execute("BEGIN IMMEDIATE")
        try:
            version = version_of(connection)
            if version == 0:
                _make(connection, shards)
            elif version < LATEST:
                _take_step(connection, version, upgrade)
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:  # a full disk has rolled back already
                connection.execute("ROLLBACK")
            raise
    return before, LATEST


def _make(connection: apsw.Connection, shards: int) -> None:
    """All steps at once: another process that opens the file finds an empty one or a whole ledger."""
    for version in range(LATEST):
        _take_step(connection, version, None)
    _make_shards(connection, shards)


def _keyed(*values: Any) -> bytes:
    secret, fingerprint = values
    return keyed(secret, fingerprint)


def _take_step(connection: apsw.Connection, version: int, upgrade: Upgrade | None) -> None:
    connection.execute(_STEPS[version][1])
    if version == 0:
        connection.pragma("application_id", APPLICATION_ID)
        connection.execute("INSERT INTO ledger VALUES (1, ?, 1, ?, 0, x'', 0, 0, 0)", (uuid.uuid4().hex, clock.now()))
    if version + 1 == SHARDED:
        upgrading.fill(connection, upgrade)
    connection.pragma("user_version", version + 1)


def _make_shards(connection: apsw.Connection, shards: int) -> None:
    connection.execute("UPDATE ledger SET shards = ?", (shards,))
    connection.execute("DELETE FROM shard")
    for shard in range(shards):
        connection.execute("INSERT INTO shard VALUES (?, 0, x'', 0)", (shard,))
