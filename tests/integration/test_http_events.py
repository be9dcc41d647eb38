"""`GET /events`: every point entry, in order for each member, behind a cursor."""

from collections.abc import AsyncIterator
from itertools import product
from pathlib import Path

import pytest
from tests.integration.http_shop import Shop, check_problem, open_shop

from laurels.events import Cursor
from laurels.model import Mark, MemberEvent

pytestmark = pytest.mark.anyio

READ = "events:read"


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    async with open_shop(tmp_path / "state") as shop:
        yield shop


async def test_a_reader_gets_each_entry_once_whatever_the_pages(shop: Shop) -> None:
    for n in range(9):
        await shop.order(f"E{n}", f"reader-{n % 3}", "25.00")
    await shop.settle()
    await shop.services.ledger.change_member("reader-0", MemberEvent.HIDE, actor="test")
    whole = (await shop.ask("GET", "/events?limit=1000", scope=READ)).json()
    assert whole["more"] is False
    for limit in (1, 2, 5):
        pages, after = [], ""
        while True:
            page = (await shop.ask("GET", f"/events?limit={limit}{after}", scope=READ)).json()
            pages += page["events"]
            after = f"&after={page['next']}"
            if not page["more"]:
                break
        assert pages == whole["events"]
    events = [event for event in whole["events"] if event["member_id"].startswith("reader-")]
    assert [event["order_id"] for event in events] == [f"E{n}" for n in range(9)]
    assert {event["points"] for event in events} == {3}
    assert "reason" not in events[0]


async def test_a_milestone_is_told_behind_the_entry_that_passed_it(shop: Shop) -> None:
    """Once: neither an order behind it nor a refund and an order that pass it again are."""
    for n, total in enumerate(("1000.00", "20.00", "50.00")):
        await shop.order(f"E{n}", "climber", total)
    await shop.settle()
    refund = {"refund_id": "R1", "member_id": "climber", "currency": "GBP", "amount": "1000.00"}
    assert (await shop.ask("POST", "/order/E0/refund", json=refund)).status_code == 202
    await shop.settle()
    await shop.order("E3", "climber", "2000.00")
    await shop.settle()
    for limit in (1, 2, 1000):
        page = (await shop.ask("GET", f"/events?limit={limit}", scope=READ)).json()
        events = page["events"]
        while page["more"]:
            page = (await shop.ask("GET", f"/events?limit={limit}&after={page['next']}", scope=READ)).json()
            events += page["events"]
        of_member = [event for event in events if event["member_id"] == "climber"]
        assert [(event["kind"], event["points"]) for event in of_member] == [
            ("earn", 100),
            ("earn", 2),
            ("milestone", 0),
            ("earn", 5),
            ("reverse", -100),
            ("earn", 200),
        ]
        crossing, milestone = of_member[1:3]
        assert milestone["id"] == f"{crossing['id']}-1"
        assert (milestone["milestone"], milestone["score"], milestone["epoch"]) == ("100-points", 102, 1)
        assert "quiet" not in milestone


async def test_who_is_at_the_end_stays_there_until_something_comes(shop: Shop) -> None:
    end = (await shop.ask("GET", "/events?limit=1000", scope=READ)).json()["next"]
    assert (await shop.ask("GET", f"/events?after={end}", scope=READ)).json() == {
        "events": [],
        "next": end,
        "more": False,
    }
    await shop.order("E100", "reader", "25.00")
    await shop.settle()
    assert [
        event["order_id"] for event in (await shop.ask("GET", f"/events?after={end}", scope=READ)).json()["events"]
    ] == ["E100"]


async def test_a_cursor_of_another_history_is_a_conflict(shop: Shop) -> None:
    await shop.order("E200", "reader", "25.00")
    await shop.settle()
    cursor = Cursor.at({0: Mark(1, b"another history!")})
    check_problem(await shop.ask("GET", f"/events?after={cursor}", scope=READ), 409, "events-moved")


async def test_no_cursor_that_somebody_made_up_is_a_fault_of_ours(shop: Shop) -> None:
    """It is of another history, or no cursor, or says nothing of this ledger's shards."""
    positions = [-(2**63), -1, 0, 1, 10**9, 2**40 - 1, 2**40, 2**40 + 1, 2**62, 2**63 - 1, 2**63, 2**64 - 1]
    for shard, position in product([-1, 0, 1, 2**40, 2**63, 2**64 - 1], positions):
        for digest in (b"", bytes(32)):
            answer = await shop.ask("GET", f"/events?after={Cursor({shard: (position, digest)})}", scope=READ)
            allowed = {409, 422} if shard == 0 and position else {200, 422}
            assert answer.status_code in allowed, (shard, position)


async def test_a_limit_that_is_none_is_refused(shop: Shop) -> None:
    for limit in ("0", "1001", "-1", "x", "1.5", ""):
        check_problem(await shop.ask("GET", f"/events?limit={limit}", scope=READ), 422, "invalid-input")


@pytest.mark.parametrize("after", ["", "x", "kYEAkgLE", "☘", "gICA", "AAAA" * 100])
async def test_what_is_no_cursor_is_refused(shop: Shop, after: str) -> None:
    check_problem(await shop.ask("GET", f"/events?after={after}", scope=READ), 422, "invalid-input")


async def test_the_scope_is_asked_for(shop: Shop) -> None:
    for scope in ("orders:write members:read", "points:adjust"):
        check_problem(await shop.ask("GET", "/events", scope=scope), 403, "not-allowed")
    assert (await shop.ask("GET", "/events", member="17850")).status_code == 403
