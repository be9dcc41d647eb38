"""What a session's settings have to be, whoever set them otherwise: for the role, the database or the whole server.

Some would lose what was acknowledged, some would end long reads, and one hides what a commit is warned of. Where a
connection is one's own they are set, and a change of the server's file does not reach them. Behind a pooler a session
is others' too: nothing is set, and those that lose something are refused.
"""

from contextlib import suppress

import asyncpg

from laurels.engines.postgres.statements import Statements
from laurels.errors import SettingsError

PINNED = {
    "client_min_messages": "notice",
    "default_transaction_deferrable": "off",
    "default_transaction_isolation": "read committed",
    "exit_on_error": "off",
    "idle_in_transaction_session_timeout": "5min",
    "idle_session_timeout": "0",
    "lock_timeout": "5s",
    "standard_conforming_strings": "on",
    "statement_timeout": "0",
    "synchronous_commit": "on",
    "transaction_timeout": "0",
}
"""What is set; `synchronous_commit` only where it was `off`, or this. Calls have time limits of their own, and so has
each transaction; the server's would end the reads of a rebuild, again and again, and connections just as they are
taken from among the idle ones: who writes on such a one cannot know what became of it. What waits behind
somebody's lock of a table ends on the server before the call does: it would not hear that the caller has gone, and what
is sent again would queue up behind it. Those that it does not know are left out.
"""

LOOKED_AFTER = "2s"
"""How often the server looks, while it works on a statement, whether the caller is still there: what was given up is
worked on no longer than that.
"""

REFUSED = {
    ("client_min_messages", "error"): "a commit that reached no standby looks like one that did",
    ("session_replication_role", "replica"): "nothing keeps entries from being changed",
    ("synchronous_commit", "off"): "a crash of the server loses what was acknowledged",
}
"""Settings that a ledger is not opened under, and why."""

READ_ONLY = {("default_transaction_read_only", "on"): "nothing can be written"}
"""The same at the start alone: a server may be kept from writing for a while, and is read meanwhile."""


async def pin_settings(db: Statements) -> None:
    """Set what the settings of a session of one's own have to be; and its schema, where that has a ledger."""
    await db.run("pin_settings", [*PINNED], [*PINNED.values()])
    await db.run("pin_schema")
    with suppress(asyncpg.InvalidParameterValueError):  # a server on Windows cannot look
        await db.run("look_after_client", LOOKED_AFTER)


async def settle_session(db: Statements, *, pooled: bool, at_start: bool = False) -> None:
    """See that a session has the settings that a ledger needs. Raises `SettingsError`."""
    if not pooled:
        await pin_settings(db)
    refused = {**REFUSED, **READ_ONLY} if at_start else REFUSED
    names, settings = zip(*refused, strict=True)
    for name, setting in await db.all("settings_that_are", [*names], [*settings]):
        raise SettingsError(
            f"ledger.url: {name} is {setting} here: {refused[name, setting]}. Take it back where it was set, by ALTER "
            "ROLE, by ALTER DATABASE or in the server's file."
        )
