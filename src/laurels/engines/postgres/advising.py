"""What of a server's settings costs more than it has to: it works all the same, so that nobody is refused for it.

A page that is changed for the first time after a checkpoint is written whole into the server's log. With millions of
members that is most of the log, unless checkpoints are far apart and those pages are compressed. And rows that are
gone, as each of the inbox soon is, stay where they were until somebody vacuums.
"""

from laurels.engines.postgres.statements import Statements

CHECKPOINT_TIMEOUT_S = 30 * 60
"""The least time between two checkpoints."""

MAX_WAL_SIZE_MB = 4096
"""The least room for the log between two checkpoints: 1,157 transactions a second write as much in half an hour."""


async def advice_of(db: Statements) -> list[str]:
    """What to set on the server, a phrase a setting; empty where all is as it is advised."""
    server = await db.only("advised_settings")
    advice = []
    if server["checkpoint_timeout_s"] < CHECKPOINT_TIMEOUT_S:
        advice.append(f"checkpoint_timeout = 30min or more (it is {server['checkpoint_timeout']})")
    if server["max_wal_size_mb"] < MAX_WAL_SIZE_MB:
        advice.append(f"max_wal_size = 4GB or more (it is {server['max_wal_size']})")
    if server["wal_compression"] == "off":
        advice.append("wal_compression = lz4, or on where the server has no lz4 (it is off)")
    if server["autovacuum"] == "off":
        advice.append("autovacuum = on (it is off, and dead rows stay)")
    return advice
