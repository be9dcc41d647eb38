"""Looking something up by its key reads its rows, however many a file holds: no statement walks through all members,
entries or documents, or through all documents of one source, but those few that are about all of them.

Laurels keeps no statistics for SQLite's planner, so a plan is the same for ten rows and for fifty million: what an
empty file plans is what a full one does.
"""

import re
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from tests.ledgers import open_ledger

from laurels.engines.sqlite.connection import _SQL, Database

pytestmark = pytest.mark.anyio

LARGE = (
    "accepted",
    "entry",
    "member",
    "balance",
    "award",
    "redemption",
    "contact",
    "content",
    "remark",
    "milestone",
    "due",
    "message",
)
"""Tables that have a row for each member, entry, document or message."""
SOURCED = ("accepted", "award", "redemption")
"""Their keys begin with a source, of which a shop has a few."""

ABOUT_ALL = {
    "accounts",
    "awarded",
    "mergers",
    "forget_due",
    "persons",
    "redeemed",
    "states",
    "verify_messages",
    "verify_redemptions",
    "write_names_key",
}
"""These are about all members, or about all documents; or ask whether there is one."""
COUNTING = {"counts"}
"""These count what waits."""
BY_SOURCE = {"next_source"}
"""These ask for a source itself."""


async def plans(path: Path) -> dict[str, list[tuple[str, str]]]:
    """Of each statement the steps of its plan, each with the table that it reads."""
    await (await open_ledger(path)).close()
    found = {}
    with closing(Database(path)) as db:
        db.run("make_arriving")  # as the connection has it that writes
        for name, sql in _SQL.items():
            numbered = [int(each) for each in re.findall(r"\?(\d+)", sql)]
            bindings = (None,) * (max(numbered) if numbered else sql.count("?"))
            if not re.match(r"\s*(--.*\n\s*)*(SELECT|WITH|UPDATE|DELETE|INSERT)\b", sql, re.IGNORECASE):
                continue
            rows = db.connection.execute(f"EXPLAIN QUERY PLAN {sql}", bindings, can_cache=False)
            found[name] = list(_steps(sql, [row[3] for row in rows]))
    return found


def _steps(sql: str, plan: list[str]) -> Iterator[tuple[str, str]]:
    """A step names a table by what the statement calls it."""
    called = {
        short: table for table, short in re.findall(r"(?:FROM|JOIN|,|UPDATE|INTO)\s+(\w+)(?:\s+AS)?\s+(\w+)", sql)
    }
    for step in plan:
        match = re.match(r"(?:SCAN|SEARCH) (\w+)", step)
        if match:
            name = str(match[1])
            yield step, name if name in LARGE else called.get(name, name)


async def test_no_look_up_walks_through_a_large_table(tmp_path: Path) -> None:
    found = await plans(tmp_path / "laurels.db")
    assert len(found) > 200
    walked = {
        name: [step for step, table in steps if step.startswith("SCAN") and table in LARGE]
        for name, steps in found.items()
    }
    assert {name: steps for name, steps in walked.items() if steps and name not in ABOUT_ALL} == {}


async def test_no_look_up_walks_through_the_documents_of_a_source(tmp_path: Path) -> None:
    found = await plans(tmp_path / "laurels.db")
    coarse = re.compile(r"\((?:source(?:[=<>]\?)?(?: AND source[<>]\?)?|kind=\?|shard=\?|status=\?)\)")
    walked = {
        name: [step for step, table in steps if table in SOURCED and coarse.search(step)]
        for name, steps in found.items()
    }
    assert {name: steps for name, steps in walked.items() if steps and name not in BY_SOURCE} == {}


async def test_a_members_messages_are_looked_up_by_the_member(tmp_path: Path) -> None:
    found = await plans(tmp_path / "laurels.db")
    steps = [step for step, _ in found["messages_of_member"]]
    assert [each for each in steps if "SEARCH m " in each and "member_id=?" in each]
    assert [each for each in steps if "SEARCH s " in each and "(member=?)" in each]


async def test_a_page_of_messages_begins_at_its_cursor_and_is_not_sorted(tmp_path: Path) -> None:
    found = await plans(tmp_path / "laurels.db")
    first = {name: found[name][0][0] for name in ("all_messages", "messages_in_state")}
    assert first == {
        "all_messages": "SEARCH s USING INDEX message_created ((created_at,id)>(?,?))",
        "messages_in_state": "SEARCH s USING INDEX message_state (state=? AND (created_at,id)>(?,?))",
    }
    assert not [step for name in first for step, _ in found[name] if "TEMP B-TREE" in step]


async def test_no_look_up_walks_through_the_messages_of_a_state(tmp_path: Path) -> None:
    """What is due, and what is held for a member, is found without the others: there may be one for each member."""
    found = await plans(tmp_path / "laurels.db")
    walked = {
        name: [step for step, table in steps if table == "message" and step.endswith("(state=?)")]
        for name, steps in found.items()
    }
    assert {name: steps for name, steps in walked.items() if steps and name not in COUNTING} == {}
