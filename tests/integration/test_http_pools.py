"""Points that a household spends together, over HTTP: what lapses first, all or none, whoever calls again."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from tests.integration.http_shop import Shop, check_problem, open_shop

from laurels.awarding import recount_of, verify_in_depth
from laurels.awarding.replaying import Replay
from laurels.errors import LedgerUnavailable, LedgerUncertain
from laurels.ledger import Receipt
from laurels.model import Document
from laurels.model.spending import Void
from laurels.points import PoolRedemption, Pools
from laurels.points.points import Points

pytestmark = pytest.mark.anyio

PROGRAM = """
version = 1
[earn]
points = 1
per = { GBP = "1.00" }
rounding = "floor"
[expiry]
kind = "after-months"
months = 12
round = "end-of-month"
"""
FAMILY = ["ann", "bob", "eve"]


@pytest.fixture
async def shop(ledger: str | None, tmp_path: Path) -> AsyncIterator[Shop]:
    """Ann's points lapse after Bob's, and Eve's last; she has most."""
    (tmp_path / "program.toml").write_text(PROGRAM)
    async with open_shop(tmp_path / "state", program_file=tmp_path / "program.toml", ledger_url=ledger) as shop:
        for member, total, months in (("ann", "30.00", "05"), ("bob", "20.00", "04"), ("eve", "50.00", "06")):
            at = f"2026-{months}-10T12:00:00Z"
            assert (await shop.order(f"of-{member}", member, total, occurred_at=at)).status_code == 202
        await shop.settle()
        yield shop
        services = shop.services
        steps = services.ledger.verify(recount_of(services.programs))
        assert [finding async for step in steps for finding in step.findings] == []
        assert [finding async for finding in verify_in_depth(services.ledger, services.programs)] == []


class Breaking(Points):
    """Points whose ledger is away after so many writes."""

    def __init__(self, shop: Shop, writes: int) -> None:
        super().__init__(shop.services.awarder, shop.services.ledger)
        self._left = writes

    async def _settle(self, document: Document) -> Receipt:
        if not self._left:
            raise LedgerUnavailable
        self._left -= 1
        return await super()._settle(document)


def breaking(shop: Shop, writes: int) -> Pools:
    return Pools(Breaking(shop, writes), shop.services.ledger, shop.services.programs, shop.services.now)


async def ask(shop: Shop, **body: Any) -> Any:
    return await shop.ask("POST", "/pools/redeem", json={"redemption_id": "P1", "members": FAMILY, **body})


async def left(shop: Shop) -> list[int]:
    balances = [(await shop.ask("GET", f"/loyalty/{member}/balance")).json() for member in FAMILY]
    assert all(balance["held"] == 0 for balance in balances)
    return [balance["available"] for balance in balances]


def shares(answer: Any) -> list[int]:
    return [share["points"] for share in answer.json()["shares"]]


async def test_what_lapses_first_goes_first_whoever_has_it(shop: Shop) -> None:
    answer = await ask(shop, points=60)
    assert (answer.status_code, shares(answer)) == (201, [30, 20, 10])
    assert await left(shop) == [0, 0, 40]
    again = await ask(shop, points=60)
    assert (again.status_code, again.json()) == (200, answer.json())
    assert await left(shop) == [0, 0, 40]
    check_problem(await ask(shop, points=50), 409, "conflict")
    back = await shop.ask("POST", "/loyalty/eve/redeem/hold:pool:P1:2/cancel", json={"points": 4})
    assert (back.status_code, back.json()["balance"]) == (201, 44)


async def test_who_has_nothing_to_give_is_left_alone(shop: Shop) -> None:
    assert shares(await ask(shop, points=15)) == [0, 15, 0]
    assert shares(await ask(shop, points=15)) == [0, 15, 0]
    assert await left(shop) == [30, 5, 50]


async def test_all_or_none(shop: Shop) -> None:
    check_problem(await ask(shop, points=101), 409, "insufficient-points")
    assert await left(shop) == [30, 20, 50]
    assert shares(await ask(shop, points=100)) == [30, 20, 50]
    check_problem(await ask(shop, redemption_id="P2", points=1), 409, "insufficient-points")


@pytest.mark.parametrize("writes", range(8))
async def test_one_that_broke_off_is_finished_by_who_calls_again(shop: Shop, writes: int) -> None:
    """After so many of its seven writes; what they have otherwise by then changes nothing. From the first on it is not
    said that nothing was done.
    """
    raised = None
    try:
        await breaking(shop, writes).redeem(
            PoolRedemption(source="shop", redemption_id="P1", members=tuple(FAMILY), points=60), "till"
        )
    except LedgerUnavailable as error:
        raised = type(error)
    assert raised is {0: LedgerUnavailable, 7: None}.get(writes, LedgerUncertain)
    assert (await shop.ask("POST", "/loyalty/eve", json={"loyalty-points": 7})).status_code == 201
    answer = await ask(shop, points=60)
    assert (answer.status_code, shares(answer)) == (201 if writes < 7 else 200, [30, 20, 10])
    assert await left(shop) == [0, 0, 47]


async def test_one_that_was_given_up_takes_nothing_any_more_and_what_was_taken_is_back(shop: Shop) -> None:
    asked = PoolRedemption(source="shop", redemption_id="P1", members=tuple(FAMILY), points=25)
    with pytest.raises(LedgerUnavailable):
        await breaking(shop, 4).redeem(asked, "till")
    assert [await shop.balance(member) for member in FAMILY] == [25, 20, 50]
    await shop.services.points.void(Void(source="shop", hold_id="pool:P1:1", member_id="bob"), "till")
    for _ in range(2):
        check_problem(await ask(shop, points=25), 409, "conflict")
        assert await left(shop) == [30, 20, 50]


async def test_other_content_under_a_used_id_changes_nothing(shop: Shop) -> None:
    """Whatever is other: points, members, their order; whoever of them has enough."""
    first = await ask(shop, points=25)
    assert (first.status_code, shares(first)) == (201, [5, 20, 0])
    for members, points in (
        (FAMILY, 60),
        (FAMILY, 24),
        (FAMILY, 500),
        (["ann"], 60),
        (["ann"], 500),
        (["ann"], 5),
        (["ann", "bob"], 25),
        (["ann", "bob", "eve", "zoe"], 25),
        (["bob", "ann", "eve"], 25),
        (["eve"], 10),
    ):
        answer = await ask(shop, members=members, points=points)
        assert answer.status_code == (404 if "zoe" in members else 409), answer.text
        assert await left(shop) == [25, 0, 50]
    assert ((again := await ask(shop, points=25)).status_code, again.json()) == (200, first.json())


async def test_an_id_that_a_till_used_for_a_hold_is_a_conflict(shop: Shop) -> None:
    for hold_id in ("pool:P1:shares", "pool:P1:1"):
        hold = {"hold_id": hold_id, "points": 1, "minutes": 1, "source": hold_id.replace(":", ".")}
        assert (await shop.ask("POST", "/loyalty/bob/hold", json=hold)).status_code == 201
        check_problem(await ask(shop, points=25, source=hold["source"]), 409, "conflict")
    assert [await shop.balance(member) for member in FAMILY] == [30, 20, 50]


@pytest.mark.parametrize("ids", [("P1", "P1:0"), ("P1:0", "P1"), ("P1", "P1:shares"), ("P1:shares", "P1")])
async def test_ids_that_go_on_where_another_ends_are_two(shop: Shop, ids: tuple[str, str]) -> None:
    for n, id in enumerate((*ids, *ids)):
        assert (await ask(shop, redemption_id=id, points=2)).status_code == (201 if n < len(ids) else 200)
    assert sum(await left(shop)) == 100 - 2 * len(ids)


async def test_a_repeat_is_answered_whoever_became_whom_since(shop: Shop) -> None:
    first = await ask(shop, points=60)
    assert (await shop.ask("POST", "/members/bob/merge", json={"into": "ann"})).status_code == 200
    again = await ask(shop, points=60)
    assert (again.status_code, again.json()) == (200, first.json())
    check_problem(await ask(shop, points=61), 409, "conflict")
    problem = check_problem(await ask(shop, redemption_id="P2", points=1), 422, "invalid-input")
    assert [error["field"] for error in problem["errors"]] == ["members"], "two of them are one"
    assert [await shop.balance(member) for member in FAMILY] == [0, 0, 40]


async def test_nobody_pays_for_one_who_was_erased(shop: Shop) -> None:
    """The id may be another person's by then."""
    assert shares(await ask(shop, points=60)) == [30, 20, 10]
    await shop.ask("DELETE", "/members/ann")
    check_problem(await ask(shop, points=60), 404, "not-found")
    assert (await shop.ask("POST", "/loyalty/ann", json={"loyalty-points": 30})).status_code == 201
    check_problem(await ask(shop, points=60), 409, "conflict")
    assert [await shop.balance(member) for member in FAMILY] == [30, 0, 40]


async def test_of_many_at_once_one_is_taken(shop: Shop) -> None:
    """The same and others under one id: what was answered is what was taken."""
    answers = await asyncio.gather(*(ask(shop, points=25 + n % 3) for n in range(12)))
    taken = {sum(shares(answer)) for answer in answers if answer.status_code in {200, 201}}
    assert {answer.status_code for answer in answers} <= {200, 201, 409}
    assert len(taken) == 1
    assert sum(await left(shop)) == 100 - taken.pop()


async def test_it_is_replayed_as_it_was(shop: Shop) -> None:
    """Also where nothing is kept of what was said but the entries."""
    assert (await ask(shop, points=60)).status_code == 201
    replay = Replay(shop.services.programs)
    async for chunk in shop.services.ledger.awarded():
        for document in chunk:
            [first, *_] = replay.take_as_it_was(document)[0].postings
            assert (first.points, first.details) == (document.entry.points, document.entry.details)
    assert sorted(member.totals.balance for member in replay.members.values()) == [0, 0, 40]


async def test_a_household_of_nobody_of_one_twice_and_of_too_many(shop: Shop) -> None:
    check_problem(await ask(shop, points=5, members=["ann", "ann"]), 422, "invalid-input")
    check_problem(await ask(shop, points=5, members=[]), 422, "invalid-input")
    check_problem(await ask(shop, points=5, members=[f"m{n}" for n in range(9)]), 422, "invalid-input")
    check_problem(await ask(shop, points=5, members=["ann", "nobody"]), 404, "not-found")
    check_problem(await shop.ask("POST", "/pools/redeem", json={}, member="ann"), 403, "not-allowed")
    assert await left(shop) == [30, 20, 50]
