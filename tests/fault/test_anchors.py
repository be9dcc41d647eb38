"""NEVER changes an entry without that showing: somebody who has the file rewrites history and every hash after it."""

import json
from contextlib import closing
from pathlib import Path
from typing import Any

import apsw
import pytest
from tests.acceptance.command_line import laurels_here
from tests.ledgers import open_ledger

from laurels.clock import MINUTE
from laurels.engines.sqlite import SqliteLedger
from laurels.engines.sqlite.places import position_at
from laurels.ledger.chain import chained_hash
from laurels.program import DEFAULT_PROGRAM
from laurels.runtime.anchoring import Anchors, differing, public_key
from laurels.testing.ledger_contract.base import Shop, TurnedClock, adjustment, order
from laurels.testing.verifying import findings_of

pytestmark = pytest.mark.anyio

COLUMNS = (
    "kind, member, points, currency, amount, source, order_id, refund_id, reason, program_version, name_number, actor, "
    "occurred_at, board_at, recorded_at"
)


def rewrite(path: Path, points: int) -> None:
    """Give the first adjustment other points, and every entry from there on the hash that follows."""
    with closing(apsw.Connection(str(path))) as db:
        triggers: list[Any] = db.execute("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'").fetchall()
        for name, _ in triggers:
            db.execute(f"DROP TRIGGER {name}")
        adjusted: Any = db.execute(
            "SELECT place, member, points FROM entry WHERE kind = 'adjust' ORDER BY place LIMIT 1"
        ).fetchone()
        place, member, had = adjusted
        db.execute("UPDATE entry SET points = ? WHERE place = ?", (points, place))
        db.execute(
            "UPDATE balance SET balance = balance + ?1, score = score + ?1, "
            "month_score = month_score + ?1 WHERE member = ?2",
            (points - had, member),
        )
        previous = b""
        rows: list[Any] = db.execute(f"SELECT place, details, format, {COLUMNS} FROM entry ORDER BY place").fetchall()  # noqa: S608
        for place, details, written_as, *columns in rows:
            previous = chained_hash(
                previous, tuple(columns), details, written_as=written_as, shard=0, position=position_at(place)
            )
            db.execute("UPDATE entry SET hash = ? WHERE place = ?", (previous, place))
        db.execute("UPDATE shard SET hash = ?", (previous,))
        for _, sql in triggers:
            db.execute(sql)


@pytest.fixture
async def shop(tmp_path: Path) -> Path:
    """A state folder with a ledger, anchored twice."""
    now = TurnedClock()
    shop = Shop(await open_ledger(tmp_path / "laurels.db", now), now)
    await shop.adopt(DEFAULT_PROGRAM)
    anchors = Anchors(tmp_path / "anchors.ndjson", tmp_path, 10, now)
    await shop.accept(adjustment("G1", "ann", 5))
    await shop.awarder.drain()
    assert await anchors.step(shop.ledger)
    await shop.sell(order("A1", "ann", "25.00"))
    assert not await anchors.step(shop.ledger)
    now.at += 10 * MINUTE
    assert await anchors.step(shop.ledger)
    now.at += 10 * MINUTE
    assert not await anchors.step(shop.ledger), "nothing moved"
    await shop.ledger.close()
    return tmp_path


async def test_never_changes_an_entry_that_an_anchor_covers_without_a_word(shop: Path) -> None:
    held = SqliteLedger.read(shop / "laurels.db")
    anchors = str(shop / "anchors.ndjson")
    key = public_key(shop)
    assert await differing(held, [anchors], lambda: key) == ([], 2)
    head = json.loads((shop / "anchors.ndjson").read_text().splitlines()[0])["anchor"]["heads"][0]
    assert await differing(held, [head], lambda: key) == ([], 1)
    await held.close()

    rewrite(shop / "laurels.db", 5_000)
    rewritten = SqliteLedger.read(shop / "laurels.db")
    alone = await findings_of(rewritten)
    assert alone == [], "who recomputes every hash is not found by the ledger alone"
    for against in (anchors, head):
        findings, _ = await differing(rewritten, [against], lambda: key)
        assert findings
        assert all("were changed" in finding.what for finding in findings)
    await rewritten.close()


async def test_an_anchor_that_was_forged_is_named(shop: Path) -> None:
    """Its text was changed, its signature was, another key made it, or it is no anchor."""
    path = shop / "anchors.ndjson"
    first, second = path.read_text().splitlines()
    another = shop / "another"
    other = Anchors(shop / "other.ndjson", another, 1, TurnedClock())
    ledger = SqliteLedger.read(shop / "laurels.db")
    await other.step(ledger)
    forged = [
        first.replace('"epoch":1', '"epoch":2'),
        first.replace('"signature":"', '"signature":"00'),
        json.dumps(json.loads(first) | {"signature": json.loads(second)["signature"]}),
        (shop / "other.ndjson").read_text().strip(),
        "nonsense",
    ]
    path.write_text("\n".join([*forged, second]) + "\n")
    findings, looked = await differing(ledger, [str(path)], lambda: public_key(shop))
    assert [finding.where for finding in findings] == [f"{path}, line {n}" for n in range(1, len(forged) + 1)]
    assert looked == 1
    await ledger.close()


def test_verify_prints_the_head_and_holds_the_ledger_against_it(tmp_path: Path) -> None:
    (tmp_path / "orders.csv").write_text("order_id,member_id,currency,total\na1,ann,GBP,25.00\n")
    assert laurels_here("import", "orders.csv", cwd=tmp_path).returncode == 0
    said = laurels_here("verify", cwd=tmp_path).stdout
    [head] = [line.removeprefix("head ") for line in said.splitlines() if line.startswith("head ")]
    ran = laurels_here("verify", "--against", head, cwd=tmp_path)
    assert (ran.returncode, "1 heads that it had are in it" in ran.stdout) == (0, True)
    wrong = head[:-4] + ("0000" if not head.endswith("0000") else "1111")
    ran = laurels_here("verify", "--against", wrong, cwd=tmp_path)
    assert (ran.returncode, "does not hold the head" in ran.stderr) == (1, True)
    assert laurels_here("verify", "--against", "anything", cwd=tmp_path).returncode == 2
    assert laurels_here("verify", "--key", "00", cwd=tmp_path).returncode == 2
