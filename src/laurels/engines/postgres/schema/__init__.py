"""How the ledger's tables are made and brought up to date: numbered steps, each in one transaction, remembered in the
ledger's row. There is one road: a fresh ledger is made by the same steps that bring an old one up to date.
"""

import secrets
import uuid
from importlib.resources import files

from laurels.clock import Clock
from laurels.engines.postgres.statements import NO_LIMIT_S, Statements
from laurels.errors import SchemaTooNew

_STEPS = sorted(
    (step.name, step.read_text("utf-8")) for step in files(__name__).iterdir() if step.name.endswith(".sql")
)
LATEST = len(_STEPS)

LOCK = 0x4C61_7572_656C_73
"""Who makes or changes tables holds this advisory lock of the database."""

BRIEFLY = "SET LOCAL lock_timeout = '5s'; SET LOCAL statement_timeout = 0"
"""A step may take as long as an index of years takes. Behind one that waits for a table, everybody else waits: it does
not wait long, and is tried again.
"""

SECRET_BYTES = 16


async def version_of(db: Statements) -> int:
    """The schema of a ledger that is there. Raises `SchemaTooNew`, and `LedgerUnavailable` where half of it is."""
    version = int((await db.only("schema_version"))[0])
    if version > LATEST:
        raise SchemaTooNew(
            f"The ledger has schema {version}, this Laurels knows {LATEST}. Run a newer Laurels, or restore a backup."
        )
    return version


async def migrate(db: Statements, now: Clock) -> tuple[int, int]:
    """Bring a database to the latest schema, making a ledger where there is none. Returns the versions before and
    after. Another process doing the same is waited for, however long that takes.
    """
    connection = db.connection
    async with connection.transaction(isolation="read_committed"):
        await connection.execute("SET LOCAL lock_timeout = 0")
        await connection.execute("SELECT pg_advisory_xact_lock($1)", LOCK, timeout=NO_LIMIT_S)
        await connection.execute(BRIEFLY)
        before = await version_of(db) if (await db.only("server"))["made"] else 0
        for step in range(before, LATEST):
            await connection.execute(_STEPS[step][1], timeout=NO_LIMIT_S)
            if step == 0:
                await _make(db, now)
        await connection.execute("UPDATE ledger SET schema_version = $1 WHERE schema_version <> $1", LATEST)
    return before, LATEST


async def _make(db: Statements, now: Clock) -> None:
    system_identifier, timeline, _ = await db.only("timeline")
    await db.connection.execute(
        "INSERT INTO ledger (identity, created_at, secret, system_identifier, timeline, home, schema_version) "
        "VALUES ($1, $2, $3, $4, $5, 'ledger'::regclass, 0)",
        uuid.uuid4().hex,
        now(),
        secrets.token_bytes(SECRET_BYTES),
        system_identifier,
        timeline,
    )
