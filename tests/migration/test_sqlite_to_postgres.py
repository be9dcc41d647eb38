"""A ledger in a file goes over to a server: it says the same there, of the past and from then on."""

import asyncio
import tarfile
from contextlib import closing, suppress
from pathlib import Path
from random import Random
from typing import Any

import apsw
import msgspec
import pytest
from msgspec.structs import replace
from tests.acceptance.command_line import laurels_here
from tests.conformance.ledger_book import LedgerBook
from tests.conformance.ledgers import LEDGERS
from tests.ledger_account import IDS, MEMBERS
from tests.postgres_server import Databases

from laurels import clock
from laurels.awarding import Awarder, Programs, verify_in_depth
from laurels.checkout import Declined, Paid
from laurels.engines.postgres import PostgresLedger, moving_in
from laurels.engines.sqlite import SqliteLedger
from laurels.engines.sqlite.moving_out import MovingOut
from laurels.errors import FileRefused, LaurelsError, SettingsError
from laurels.ledger import Act, NameNumbers
from laurels.ledger.moving import without_was
from laurels.model import Cancellation, DocumentKind, Entry, EntryKind, Mark, MemberEvent, Restoration
from laurels.program import DEFAULT_PROGRAM, parse_program
from laurels.testing.intents_contract import bought, intent_for
from laurels.testing.ledger_contract.base import Shop, TurnedClock, adjustment, order, redemption, refund
from laurels.testing.verifying import findings_of
from laurels.wiring.ledgers import old_rules

pytestmark = pytest.mark.anyio

NAMES = NameNumbers(b"the same on both")
SOURCES = ("shop", "till")
DOCUMENTS = {
    DocumentKind.ORDER: (*IDS, *(f"P{n}" for n in range(120))),
    DocumentKind.REFUND: [f"R{n}" for n in range(120)],
    DocumentKind.CANCELLATION: [f"R{n}" for n in range(120)],
    DocumentKind.ADJUSTMENT: [f"J{n}" for n in range(120)],
    DocumentKind.REDEMPTION: [f"S{n}" for n in range(120)],
}
NOT_MOVED = {"ledger", "shard", "epoch", "lease", "awarder", "follower_lease", "sqlite_sequence", "award"} | {
    "redemption", "audit_head", "rollup", "rollup_mark", "rollup_cell", "rollup_member", "rollup_due",
    "job", "job_content", "job_part",
}  # fmt: skip
"""What a ledger has of its own on each engine, what goes along with documents, or what is made anew from entries."""

MOVED = {"program", "draft", "member", "former_name", "contact", "attribute", "balance", "closed_month", "accepted"} | {
    "inbox", "entry", "remark", "content", "milestone", "message", "due", "budget", "intent", "follower", "audit",
    "program_event",
}  # fmt: skip


async def a_life(shop: Shop, rng: Random) -> None:
    """All that a ledger may have seen, in no special order, with the inbox empty at the end."""
    ledger = shop.ledger
    for n in range(120):
        with suppress(LaurelsError):  # it does not go now
            await _happen(shop, rng, n)
        shop.now.at += rng.choice((1, clock.DAY, 20 * clock.DAY))
        if n % 7 == 0:
            await shop.award()
    await shop.award()
    draft = await ledger.submit(7, "name = 'not yet'", actor="clerk")
    await ledger.keep_rehearsal(draft.digest, "0f" * 32, "{}", actor="clerk")
    for number in range(9):
        await ledger.record(Act(sub="niamh", name="Niamh", roles="support", action="look", member=number))
        shop.now.at += 1
    await ledger.cut_audit(before=shop.now.at - 5, limit=9)
    heads = await ledger.heads()
    await ledger.follow("bus", "me", lease_s=60)
    await ledger.followed("bus", "me", {shard: Mark(mark.position // 2, b"h") for shard, mark in heads.marks.items()})


async def _happen(shop: Shop, rng: Random, n: int) -> None:
    member, other, id = rng.choice(MEMBERS), rng.choice(MEMBERS), rng.choice(IDS)
    amount, email = rng.choice(("0.00", "4.99", "25.00", "1010.00")), rng.choice((None, "a@b.c"))
    back = Restoration(source="shop", cancel_id=f"C{n}", redemption_id=f"S{n - 1}", member_id=member)
    cancelled = Cancellation(source="shop", refund_id=f"R{n - 2}", order_id=id)
    accepted = [
        *[order(id, member, amount, source=rng.choice(SOURCES), email=email).document()] * 4,
        *[refund(f"R{n}", member, amount, id).document()] * 2,
        cancelled.document(),
        order(f"P{n}", member, "2500", currency="JPY").document(),
    ]
    settled = [adjustment(f"J{n}", member, rng.randint(1, 150)), redemption(f"S{n}", member, 1), back.document()]
    match rng.choice(("accept",) * 8 + ("settle",) * 3 + ("merge", "change", "contact", "drop")):
        case "accept":
            await shop.accept(rng.choice(accepted))
        case "settle":
            await shop.awarder.settle(rng.choice(settled))
        case "merge":
            await shop.awarder.merge(member, other, actor="clerk")
        case "change":
            await shop.ledger.change_member(member, rng.choice([*MemberEvent]), actor="clerk")
        case "contact":
            await shop.ledger.set_contact(member, f"{other}@example.com", actor="clerk")
        case _:
            for each in (await shop.ledger.quarantine())[:1]:
                await shop.ledger.drop(each.kind, each.source, each.id, actor="clerk")


async def said_by(shop: Shop) -> dict[str, Any]:
    """All that a ledger says, without where its entries are."""
    ledger = shop.ledger
    said: dict[str, Any] = {"feed": sorted((_entry(entry) for entry in await shop.feed()), key=repr)}
    for member_id in MEMBERS:
        kept = await ledger.kept(member_id)
        said[f"kept of {member_id}"] = kept and (
            kept.member, sorted(kept.other_ids), kept.email, kept.balance, kept.documents,
            sorted(((_entry(each.entry), each.content) for each in kept.entries), key=repr),
        )  # fmt: skip
        said[f"entries of {member_id}"] = sorted(map(_entry, await ledger.entries(member_id, limit=999)), key=repr)
        found = await ledger.account(member_id)
        # Without what is drawn by a member's number: who comes after the move may have another one.
        said[f"account of {member_id}"] = found and msgspec.structs.replace(found[0], draw=b"")
        said[f"messages of {member_id}"] = await ledger.messages(member_id)
    for kind, ids in DOCUMENTS.items():
        for source in SOURCES:
            for id in ids:
                state = await ledger.document(kind, source, id)
                said[f"{kind} {source}/{id}"] = state and (
                    state.member_id, state.status, state.reason, state.content, state.actor, state.accepted_at,
                    state.entry and _entry(state.entry),
                )  # fmt: skip
    for id in IDS:
        said[f"award of {id}"] = await ledger.order_award("shop", id)
        said[f"entries of {id}"] = list(map(_entry, await ledger.order_entries("shop", id)))
    said |= {"found": await ledger.find_members(limit=99), "mails": await ledger.all_messages(limit=99)}
    said |= {
        "counts": await ledger.counts(),
        "programs": await ledger.programs(),
        "drafts": await ledger.drafts(),
    }
    said["done with programs"] = await ledger.program_events()
    said |= {"grown": await ledger.recorded_at(), "quarantine": await ledger.quarantine(limit=99)}
    said["audit"] = await ledger.audit()
    for number in range(len(MEMBERS)):
        lines = (await ledger.timeline(number, kinds=(), before=None, balance=None, limit=999)).entries
        said[f"redemptions of {number}"] = sorted((each.redemption_id or "", each.restored) for each in lines)
    totals: list[Any] = []
    async for part in (await ledger.checkpoint()).parts:
        totals += zip(part.numbers, part.ids, part.name_numbers, part.hidden, part.scores, strict=True)
        totals += [("merged", *each) for each in part.merged]
        for month, (members, scores) in part.months.items():
            totals += [(month, *each) for each in zip(members, scores, strict=True)]
    return said | {"totals": sorted(totals, key=repr)}


def _entry(entry: Entry) -> tuple[Any, ...]:
    details = entry.details
    if details is not None and b'"was"' in details:
        details = without_was(details)[0]
    who = entry.kind, entry.member, entry.member_id, entry.name_number, entry.actor
    what = (
        entry.points,
        entry.currency,
        entry.amount,
        entry.source,
        entry.order_id,
        entry.refund_id,
        entry.program_version,
    )
    return *who, *what, entry.occurred_at, entry.board_at, entry.recorded_at, entry.reason, entry.note, details


async def moved(path: Path, url: str, now: TurnedClock) -> PostgresLedger:
    with closing(MovingOut(path)) as leaving:
        await PostgresLedger.move_in(url, leaving, now, lambda *_: None)
    return await PostgresLedger.open(url, now, NAMES, must_exist=True)


@pytest.mark.parametrize("shards", [1, 3])
@pytest.mark.long
async def test_it_says_the_same_of_the_past(tmp_path: Path, database: str, rng: Random, shards: int) -> None:
    now = TurnedClock()
    shop = Shop(SqliteLedger.open(tmp_path / "laurels.db", now, shards, NAMES), now)
    await shop.adopt(DEFAULT_PROGRAM)
    await a_life(shop, rng)
    before, heads, followed = await said_by(shop), await shop.ledger.heads(), await shop.ledger.feed(0, Mark(), 999)
    assert await shop.findings() == []
    await shop.ledger.close()
    ledger = await moved(tmp_path / "laurels.db", database, now)
    there = Shop(ledger, now)
    there.programs, there.awarder = shop.programs, shop.awarder
    after = await said_by(there)
    different = {key: (before[key], after.get(key)) for key in before if before[key] != after.get(key)}
    assert not different, different
    assert await findings_of(ledger) == []
    new = await ledger.heads()
    assert new.identity != heads.identity
    began = {epoch: {shard: mark.position for shard, mark in marks.items()} for epoch, marks in new.began.items()}
    assert not new.version.includes(heads.version, began), "tokens of the old ledger are of a lost history"
    if shards == 1:  # what was sent to the target is not sent again, and nothing is left out
        marks = await ledger.follow("bus", "me", lease_s=60)
        assert marks is not None
        assert sum(mark.position for mark in marks.values()) == len(followed) // 2
    await ledger.close()


@pytest.mark.long
async def test_it_goes_on_as_it_would_have(tmp_path: Path, postgres: Databases, database: str, rng: Random) -> None:
    """Whatever comes is answered as by the ledger in the file: repeats, conflicts, refunds, what waited."""
    now = TurnedClock()
    shop = Shop(SqliteLedger.open(tmp_path / "laurels.db", now, names=NAMES), now)
    await shop.adopt(DEFAULT_PROGRAM)
    await a_life(shop, rng)
    for n, member in enumerate(("new", "newer")):  # of somebody unknown, whose order comes after the move
        await shop.accept(refund(f"W{n}", member, "5.00", f"X{n}"))
    await shop.award()
    there = Shop(await moved(tmp_path / "laurels.db", database, now), TurnedClock())
    there.now.at = now.at
    await there.adopt(DEFAULT_PROGRAM.replace("version = 1", "version = 2"))
    await shop.adopt(DEFAULT_PROGRAM.replace("version = 1", "version = 2"))
    for n in range(60):
        member, id = rng.choice(MEMBERS), rng.choice(IDS)
        document = rng.choice(
            [
                order(id, member, rng.choice(("0.00", "4.99", "25.00", "1010.00"))).document(),
                refund(f"R{rng.randrange(120)}", member, "4.99", id).document(),
                refund(f"T{n}", member, "4.99", id).document(),
            ]
        )
        answers = []
        for each in (shop, there):
            [answer] = await each.accept(document)
            answers.append((answer.status, answer.repeated, answer.conflict))
        assert answers[0] == answers[1], document
        for each in (shop, there):
            await each.award()
    for n, member in enumerate(("new", "newer")):
        for each in (shop, there):
            await each.sell(order(f"X{n}", member, "50.00"))
            assert (await each.state(refund(f"W{n}", member, "5.00", f"X{n}"))).member_id == member
    one, other = await said_by(shop), await said_by(there)
    assert {key for key in one if key.startswith("account") and one[key] != other[key]} == set()
    assert await findings_of(there.ledger) == []
    for each in (shop, there):
        await each.ledger.close()


@pytest.mark.long
async def test_what_broke_off_goes_on(
    tmp_path: Path, postgres: Databases, rng: Random, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After any of its transactions: in the end all is as if it had not."""
    now = TurnedClock()
    shop = Shop(SqliteLedger.open(tmp_path / "laurels.db", now, 2, NAMES), now)
    await shop.adopt(DEFAULT_PROGRAM)
    await a_life(shop, rng)
    await shop.ledger.close()
    with postgres.new() as url:
        whole = await moved(tmp_path / "laurels.db", url, now)
        expected = (await whole.heads()).marks
        await whole.close()
    monkeypatch.setattr(moving_in, "CHUNK", 7)
    write = moving_in._write
    tries = 0

    async def breaking(db: Any, steps: Any, so_far: str) -> None:
        nonlocal tries
        await write(db, steps, so_far)
        tries += 1
        if tries % 5 == 0:
            raise ConnectionResetError("broken off by the test")

    monkeypatch.setattr(moving_in, "_write", breaking)
    with postgres.new() as url:
        ledger = None
        while ledger is None:
            try:
                ledger = await moved(tmp_path / "laurels.db", url, now)
            except LaurelsError:
                with pytest.raises(SettingsError, match="being moved"):
                    await PostgresLedger.open(url, now, NAMES)
        assert tries > 20
        assert (await ledger.heads()).marks == expected
        assert await findings_of(ledger) == []
        await ledger.close()


async def test_where_it_may_not_go(tmp_path: Path, database: str, postgres: Databases) -> None:
    now = TurnedClock()
    path = tmp_path / "laurels.db"
    shop = Shop(SqliteLedger.open(path, now, names=NAMES), now)
    await shop.adopt(DEFAULT_PROGRAM)
    await shop.accept(order("A1", "ann", "25.00"))
    with pytest.raises(FileRefused, match="1 accepted documents are not awarded"):
        await moved(path, database, now)
    await shop.award()
    ledger = await moved(path, database, now)
    await ledger.close()
    with pytest.raises(FileRefused, match="a ledger in this database already"):
        await moved(path, database, now)
    name = database.split("@/")[1].split("?", maxsplit=1)[0]
    with postgres.new() as url:
        with closing(MovingOut(path)) as leaving:
            await PostgresLedger.move_in(url, leaving, now, lambda *_: None)
        another = url.split("@/")[1].split("?", maxsplit=1)[0]
        postgres.server.sql("UPDATE ledger SET moving_from = 'another', moved = 'entries 1'", another)
        with pytest.raises(FileRefused, match="another ledger, or this one before"):
            await moved(path, url, now)
    postgres.server.sql("ALTER TABLE entry DISABLE TRIGGER USER", name)
    postgres.server.sql(
        "UPDATE entry SET details = replace(convert_from(details, 'UTF8'), 'was\":[0,2', 'was\":[0,9')::bytea", name
    )
    again = await PostgresLedger.open(database, now, NAMES)
    assert any("is not the entry that it was" in finding.what for finding in await findings_of(again))
    await again.close()
    await shop.ledger.close()


async def test_a_ledger_of_version_0_1_goes_over(tmp_path: Path, database: str) -> None:
    """Its entries are of the first format, with the reason under the hash, and its names are numbered in order."""
    path = tmp_path / "old.db"
    with closing(apsw.Connection(str(path))) as connection:
        connection.execute(Path(__file__).with_name("ledger_of_schema_1.sql").read_text("utf-8"))
    SqliteLedger.migrate(path, upgrade=old_rules)
    old = SqliteLedger.open(path)
    awarder_now = TurnedClock()
    shop = Shop(old, awarder_now)
    shop.programs = Programs.of(parse_program(DEFAULT_PROGRAM))
    await shop.programs.load(old)
    shop.awarder = Awarder(old, shop.programs, awarder_now)
    await shop.award()
    [said] = [each for each in await shop.feed() if each.kind is EntryKind.ADJUST]
    assert (said.reason, said.member_id) == ("goodwill", None)
    words_go = {said.cursor: replace(said, reason="")}  # they stay under the old hash, and are told to nobody
    before = sorted((_entry(words_go.get(each.cursor, each)) for each in await shop.feed()), key=repr)
    await old.close()
    ledger = await moved(path, database, awarder_now)
    assert sorted(map(_entry, await Shop(ledger, awarder_now).feed()), key=repr) == before
    assert await findings_of(ledger) == []
    await ledger.close()


def test_a_state_of_version_0_1_goes_over_to_the_same_standings(tmp_path: Path, database: str) -> None:
    kept = Path(__file__).with_name("of_0_1")
    with tarfile.open(kept / "state.tar.gz") as archive:
        archive.extractall(tmp_path / "laurels-data", filter="data")
    (tmp_path / "laurels-data").chmod(0o700)
    for command in ("migrate", f"migrate --to {database}"):
        done = laurels_here(*command.split(), cwd=tmp_path)
        assert done.returncode == 0, done.stderr
    (tmp_path / "laurels.toml").write_text(f"[ledger]\nurl = '{database}'\n")
    assert laurels_here("verify", cwd=tmp_path).returncode == 0
    for board, name in (("all-time", "all-time.csv"), ("month:2026-11", "month-2026-11.csv")):
        assert laurels_here("export", "standings", "--board", board, "--to", name, cwd=tmp_path).returncode == 0
        assert (tmp_path / name).read_bytes() == (kept / name).read_bytes()


async def test_a_program_in_depth_goes_over(tmp_path: Path, database: str) -> None:
    """With states, frames, what is set aside, and what a till took of it."""
    book = LedgerBook(LEDGERS["sqlite, 16 shards"], tmp_path)
    expiry = {"kind": "after-months", "months": 12}
    rates = [{"name": "all", "points": 1, "per": {"GBP": "1.00"}}]
    await book.begin([{"version": 1, "rates": rates, "expiry": expiry}])
    lines = [{"sku": "milk", "unit_price": "70.00"}, {"sku": "bread", "unit_price": "30.00"}]
    await book.ledger.enrol([("w", None)], actor="clerk")
    for step in (
        {"do": "order", "order": "a", "lines": lines},
        {"do": "refund", "order": "a", "lines": [{"line": 1, "amount": "2.00"}]},
        {"do": "hold", "id": "h1", "points": 20},
        {"do": "capture", "id": "h1", "points": 15},
        {"do": "hold", "id": "h2", "points": 9},
        {"do": "transfer", "to": "w", "points": 8},
        {"do": "attributes", "set": {"birthday": "1990-05-17"}},
    ):
        assert "refused" not in await book.step(step), step
    before = [await book.ledger.account(member) for member in ("m", "w")]
    await book.close()
    now = TurnedClock()
    now.at = book.now
    ledger = await moved(tmp_path / "laurels.db", database, now)
    after = [await ledger.account(member) for member in ("m", "w")]
    assert [each and each[0] for each in after] == [each and each[0] for each in before]
    assert await findings_of(ledger) == []
    assert [finding async for finding in verify_in_depth(ledger, book.programs)] == []
    back = Restoration(source="till", cancel_id="c1", redemption_id="hold:h1", member_id="m", points=5)
    shop = Shop(ledger, now)
    receipt = await Awarder(ledger, book.programs, now).settle(back.document())
    assert receipt.entry is not None
    assert receipt.entry.points == 5
    assert await shop.findings() == []
    await ledger.close()


async def test_purchases_go_over(tmp_path: Path, database: str) -> None:
    now = TurnedClock()
    old = SqliteLedger.open(tmp_path / "laurels.db", now, names=NAMES)
    circle = await old.intents.new_circle("ann")
    orders = [bought("A1"), bought("A1", source=circle), bought("A2", source=circle), bought("A3", source=circle)]
    for each in orders:
        await old.intents.begin(intent_for(each))
    await old.intents.settle("A1", Paid("pay-1"), circle)
    await old.intents.settle("A2", Declined("declined"), circle)
    before = [await old.intents.find(each.order_id, each.source) for each in orders]
    await old.close()
    ledger = await moved(tmp_path / "laurels.db", database, now)
    assert [await ledger.intents.find(each.order_id, each.source) for each in orders] == before
    assert await ledger.intents.circle("ann") == circle
    [receipt] = await ledger.accept([orders[1].document()])
    assert not receipt.conflict
    await ledger.close()


def test_every_table_is_moved_or_named(tmp_path: Path) -> None:
    asyncio.run(SqliteLedger.open(tmp_path / "laurels.db").close())
    with closing(apsw.Connection(str(tmp_path / "laurels.db"))) as connection:
        tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
    assert tables == MOVED | NOT_MOVED


@pytest.mark.long
def test_the_command_moves_and_verifies(tmp_path: Path, database: str) -> None:
    (tmp_path / "orders.csv").write_text("order_id,member_id,currency,total\nA1,ann,GBP,25.00\nA2,bob,GBP,35.00\n")
    assert laurels_here("import", "orders.csv", cwd=tmp_path).returncode == 0
    moved_there = laurels_here("migrate", "--to", database, cwd=tmp_path)
    assert moved_there.stdout.startswith("4 entries moved and verified."), moved_there.stderr
    before = laurels_here("top", cwd=tmp_path).stdout
    refused = laurels_here("top", cwd=tmp_path, LAURELS_LEDGER_URL=database)
    assert (refused.returncode, "laurels rebuild" in refused.stderr) == (2, True), "the board is the old ledger's"
    assert laurels_here("rebuild", cwd=tmp_path, LAURELS_LEDGER_URL=database).returncode == 0
    after = laurels_here("top", cwd=tmp_path, LAURELS_LEDGER_URL=database).stdout
    assert "ann" not in before
    assert before.splitlines()[1:] == after.splitlines()[1:]
    nowhere = database.replace("@/", "@/no_")
    for url, code, said in (
        (database, 1, ""),
        ("mysql://db/x", 2, ""),
        ("sqlite", 2, "give --to"),
        (nowhere, 2, "--to: database"),
        ("postgresql://127.0.0.1:1/x", 1, "(--to) cannot be reached"),
    ):
        refused = laurels_here("migrate", "--to", url, cwd=tmp_path)
        assert (refused.returncode, len(refused.stderr.splitlines())) == (code, 1)
        assert said in refused.stderr
    refused = laurels_here("migrate", "--to", nowhere, cwd=tmp_path, LAURELS_LEDGER_URL=database)
    assert "ledger.url names a server" in refused.stderr
