"""What was erased is nowhere in the files: not in a free page, not in the log."""

import asyncio
import random
from contextlib import closing
from pathlib import Path
from typing import Any

import apsw
import pytest

from laurels.awarding import Awarder, Programs
from laurels.engines.sqlite import SqliteLedger
from laurels.model import DocumentKind, Line, MemberEvent, Order, Refund
from laurels.program import DEFAULT_PROGRAM, parse_program

pytestmark = pytest.mark.anyio

MEMBER = "secret-member-4711"
ADDRESS = "secret.address@example.com"
PLANTED = (MEMBER.encode(), ADDRESS.encode(), b"secret raw bytes")


@pytest.mark.parametrize("others", [3, 3000])
async def test_nothing_of_an_erased_member_is_left_in_the_files(tmp_path: Path, others: int) -> None:
    """Alone on a page, and among many, where the pages that hold it were split while it was there."""
    ledger = SqliteLedger.open(tmp_path / "laurels.db")
    awarder = await _awarder(ledger)
    names = [f"{random.Random(n).getrandbits(40):010x}-member" for n in range(others)]
    await ledger.enrol([(each, f"{each}@example.com") for each in names[: others // 2]], actor="clerk")
    await _leave_traces(ledger, awarder)
    await ledger.enrol([(each, f"{each}@example.com") for each in names[others // 2 :]], actor="clerk")
    assert all(planted in _bytes_of(tmp_path) for planted in PLANTED)
    await ledger.change_member(MEMBER, MemberEvent.ERASE, actor=MEMBER)
    assert [planted for planted in PLANTED if planted in _bytes_of(tmp_path)] == []
    assert (await ledger.quarantine())[0].raw == b""
    await ledger.close()
    assert [planted for planted in PLANTED if planted in _bytes_of(tmp_path)] == []


async def test_what_an_erased_members_documents_say_goes_when_they_are_awarded_or_dropped(tmp_path: Path) -> None:
    """From the file and its log, at once: not when the log is next written into the file, which may take days."""
    ledger = SqliteLedger.open(tmp_path / "laurels.db")
    awarder = await _awarder(ledger)
    for currency, sku in (("JPY", "secret in quarantine"), ("GBP", "secret on its way")):
        await awarder.drain()
        lines = (Line(sku=sku, quantity=1_000_000, unit_price=10_000_000),)
        order = Order(source="shop", order_id=sku[-5:], member_id=MEMBER, currency=currency, total=1000, lines=lines)
        await ledger.accept([order.document()])
    await ledger.change_member(MEMBER, MemberEvent.ERASE, actor="clerk")
    assert b"secret in quarantine" in _bytes_of(tmp_path), "it waits, and says nothing of who"
    await awarder.drain()
    await ledger.drop(DocumentKind.ORDER, "shop", "ntine", actor="clerk")
    await ledger.enrol([("dee", None)], actor="clerk")  # its answer tells that the log was emptied behind those before
    assert [each for each in (b"secret in quarantine", b"secret on its way") if each in _bytes_of(tmp_path)] == []
    await ledger.close()


async def test_a_reader_that_holds_the_log_puts_it_off_and_keeps_nobody_waiting(tmp_path: Path) -> None:
    """The log cannot be emptied while another process reads from it; it is, at a commit after that."""
    ledger = SqliteLedger.open(tmp_path / "laurels.db")
    await _leave_traces(ledger, await _awarder(ledger))
    with closing(apsw.Connection(str(tmp_path / "laurels.db"), flags=apsw.SQLITE_OPEN_READONLY)) as other:
        other.execute("BEGIN")
        other.execute("SELECT count(*) FROM member").fetchall()
        await asyncio.wait_for(ledger.change_member(MEMBER, MemberEvent.ERASE, actor="clerk"), 60)
        await asyncio.wait_for(ledger.enrol([("bob", None)], actor="clerk"), 60)
        other.execute("COMMIT")
    await ledger.enrol([("cy", None)], actor="clerk")
    await ledger.enrol([("dee", None)], actor="clerk")  # its answer tells that the try after the commit before was made
    assert [planted for planted in PLANTED if planted in _bytes_of(tmp_path)] == []
    await ledger.close()


async def _awarder(ledger: SqliteLedger) -> Awarder:
    program = parse_program(DEFAULT_PROGRAM)
    await ledger.publish(program.version, program.text, None, actor="test")
    return Awarder(ledger, Programs.of(program))


async def _leave_traces(ledger: SqliteLedger, awarder: Awarder) -> None:
    """Wherever a member leaves any: awarded, waiting, in quarantine, in the inbox, enrolled by itself."""
    raw = b'{"member_id": "' + MEMBER.encode() + b'", "note": "secret raw bytes"}'
    money: Any = {"member_id": MEMBER, "currency": "GBP"}
    await ledger.accept([Refund(source="shop", refund_id="R1", order_id="A9", amount=1, **money).document(raw)])
    await awarder.drain()
    await ledger.enrol([(MEMBER, None)], actor=MEMBER)
    await ledger.change_member(MEMBER, MemberEvent.HIDE, actor=MEMBER)
    orders = [Order(source="shop", order_id=f"A{n}", total=5000, email=ADDRESS, **money) for n in range(4)]
    yen = Order(source="shop", order_id="Y", member_id=MEMBER, currency="JPY", total=5, email=ADDRESS)
    await ledger.accept([order.document(raw) for order in (*orders, yen)])
    await awarder.drain()
    await ledger.accept([Order(source="shop", order_id="A5", total=5000, email=ADDRESS, **money).document(raw)])


def _bytes_of(folder: Path) -> bytes:
    files = sorted(folder.glob("laurels.db*"))
    assert len(files) >= 1
    return b"".join(each.read_bytes() for each in files)
