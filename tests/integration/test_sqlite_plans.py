"""What a statement reads may not grow with all that ever came, but where it says so."""

import re
from contextlib import closing
from pathlib import Path

import pytest
from tests.ledgers import open_ledger

from laurels.engines.sqlite.connection import _SQL, Database

pytestmark = pytest.mark.anyio

GROWING = {"accepted", "audit", "award", "balance", "contact", "content", "entry", "member", "message", "remark"}
"""Tables that have a row for each document, entry, member or look."""

WALKS = {
    "accounts": "the balances of everybody, in parts",
    "all_messages": "which says so",
    "counts": "messages that are not sent, by an index of those alone",
    "awarded": "all documents, in parts",
    "cut_audit": "the oldest rows, up to one",
    "last_audit_before": "the oldest rows, as many as are asked for",
    "persons": "all members, in parts",
    "write_names_key": "whether there is a member: the first one",
}
"""Statements that are made for walking."""


async def test_no_statement_walks_through_what_grows(tmp_path: Path) -> None:
    await (await open_ledger(tmp_path / "laurels.db")).close()
    with closing(Database(tmp_path / "laurels.db")) as db:
        found = {name: walked for name in _SQL if (walked := _walked(db, name))}
    assert set(found) <= set(WALKS) | {name for name in _SQL if name.startswith("verify_")}, found


async def test_a_document_is_found_by_its_id_and_not_among_all_of_its_source(tmp_path: Path) -> None:
    await (await open_ledger(tmp_path / "laurels.db")).close()
    with closing(Database(tmp_path / "laurels.db")) as db:
        found = {name for name in _SQL for step in _plan(db, name) if "accepted_document (source=?)" in step}
    assert not found


def _walked(db: Database, name: str) -> list[str]:
    """The tables that a statement reads whole."""
    names = _names(_SQL[name])
    steps = (re.match(r"SCAN (\w+)(?! VIRTUAL)", step) for step in _plan(db, name))
    tables = (names.get(step[1], step[1]) for step in steps if step is not None)
    return [table for table in tables if table in GROWING]


def _names(statement: str) -> dict[str, str]:
    """Tables by the short names that a statement gives them."""
    return {short: table for table, short in re.findall(r"(?:FROM|JOIN)\s+(\w+)\s+(?:AS\s+)?(\w+)", statement)}


def _plan(db: Database, name: str) -> list[str]:
    statement = _SQL[name]
    numbered = [int(each) for each in re.findall(r"\?(\d+)", statement)]
    bindings = (None,) * max([*numbered, len(re.findall(r"\?(?!\d)", statement))])
    return [str(row[3]) for row in db.execute(f"EXPLAIN QUERY PLAN {statement}", bindings)]
