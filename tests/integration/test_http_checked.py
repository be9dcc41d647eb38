"""`?check=1` says what the call itself does if it follows at once: the same refusal, or the same effect. Random
histories over every ledger: points wait, lapse, are held, owed, given away and undone; members merge and are erased.
"""

import os
from collections.abc import AsyncIterator
from pathlib import Path
from random import Random, SystemRandom
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from tests.integration.http_shop import ALL_SCOPES, Shop, open_shop

from laurels import clock
from laurels.clock import DAY
from laurels.http.admission.tokens import sign_token

pytestmark = pytest.mark.anyio

SIMPLE = """
version = 1
[earn]
points = 1
per = { GBP = "1.00" }
[[milestones]]
name = "first"
above = 100
[[milestones]]
name = "second"
above = 400
"""
IN_DEPTH = f"""{SIMPLE}
[pending]
days = 7
[expiry]
kind = "after-months"
months = 2
"""
STEPS = 120
MEMBERS = ("ann", "bob", "cy", "never seen")
TOO_MANY = 2**31 - 1


class Turned:
    """The clock, and how far it was turned on."""

    def __init__(self) -> None:
        self.by = 0

    def __call__(self) -> int:
        return clock.now() + self.by


@pytest.fixture(params=[SIMPLE, IN_DEPTH], ids=["simple", "in depth"])
async def shop(tmp_path: Path, ledger: str | None, request: pytest.FixtureRequest) -> AsyncIterator[Shop]:
    (tmp_path / "program.toml").write_text(request.param)
    settings: dict[str, Any] = {"ledger_url": ledger} if ledger else {}
    async with open_shop(tmp_path / "state", now=Turned(), program_file=tmp_path / "program.toml", **settings) as shop:
        yield shop


class History:
    """What is done to some members, at random."""

    def __init__(self, shop: Shop, rng: Random) -> None:
        self.shop, self.rng, self.count = shop, rng, 0
        self.token = sign_token(shop.services.settings, subject="till", scope=ALL_SCOPES, ttl_s=10 * 365 * 86_400)
        self.spent = ["R", "hold:H", "hold:pool:P:0"]
        """Ids of what can be given back, some of which name nothing."""
        self.orders, self.holds = ["none"], ["none"]
        self.compared = {"done": 0, "refused": 0}

    async def ask(self, method: str, path: str, **more: Any) -> httpx.Response:
        """As a till; by a token that is good whatever the clock says."""
        return await self.shop.ask(method, path, token=self.token, **more)

    async def step(self) -> None:
        """Something happens: or it is asked what would, and done then."""
        self.count += 1
        doing = [self.order, self.redeem, self.hold, self.capture, self.void, self.transfer, self.pool, self.refund]
        doing += [self.wait, self.merge, self.erase][: self.rng.randrange(4)]
        asking = [self.correct, self.give_back, self.give_back, self.propose]
        await self.rng.choice(doing * 2 + asking * 4)()

    def member(self) -> str:
        return self.rng.choice(MEMBERS)

    def points(self) -> int:
        return self.rng.choice([self.rng.randint(1, 40), self.rng.randint(40, 400), TOO_MANY])

    async def do(self, path: str, *, method: str = "POST", **body: Any) -> bool:
        answer = await self.ask(method, path, json=body or None)
        assert answer.status_code < 500, answer.text
        await self.shop.services.awarder.drain()
        return answer.status_code < 300

    async def order(self) -> None:
        id = f"A{self.count}"
        total = f"{self.rng.randint(1, 300)}.00"
        if await self.do(f"/order/{id}", member_id=self.member(), currency="GBP", total=total):
            self.orders.append(id)

    async def refund(self) -> None:
        order, amount = self.rng.choice(self.orders), f"{self.rng.randint(1, 300)}.00"
        said = {"refund_id": f"F{self.count}", "currency": "GBP", "amount": amount}
        await self.do(f"/order/{order}/refund", member_id=self.member(), **said)

    async def redeem(self) -> None:
        if await self.do(f"{self.path()}/redeem", redemption_id=f"R{self.count}", points=self.points()):
            self.spent.append(f"R{self.count}")

    async def hold(self) -> None:
        if await self.do(f"{self.path()}/hold", hold_id=f"H{self.count}", points=self.points(), minutes=10_080):
            self.holds.append(f"H{self.count}")

    async def capture(self) -> None:
        held = self.rng.choice(self.holds)
        if await self.do(f"{self.path()}/hold/{held}/capture", points=self.points()):
            self.spent.append(f"hold:{held}")

    async def void(self) -> None:
        await self.do(f"{self.path()}/hold/{self.rng.choice(self.holds)}/void", source="shop")

    async def transfer(self) -> None:
        await self.do(f"{self.path()}/transfer", transfer_id=f"T{self.count}", to=self.member(), points=self.points())

    async def pool(self) -> None:
        members = self.rng.sample(MEMBERS[:3], 2)
        if await self.do("/pools/redeem", redemption_id=f"P{self.count}", members=members, points=self.points()):
            self.spent += [f"hold:pool:P{self.count}:{place}" for place in range(2)]

    async def wait(self) -> None:
        now = self.shop.services.now
        assert isinstance(now, Turned)
        now.by += self.rng.randint(1, 40) * DAY

    async def merge(self) -> None:
        await self.do(f"/members/{quote(self.member())}/merge", into=self.member())

    async def erase(self) -> None:
        await self.do(f"/members/{quote(self.member())}", method="DELETE")

    def path(self, member: str = "") -> str:
        return f"/loyalty/{quote(member or self.member())}"

    async def correct(self) -> None:
        points = self.rng.choice([-1, 1]) * self.points()
        body: dict[str, Any] = {"loyalty-points": points, "board": self.rng.random() < 0.7, "reason": "a test"}
        if self.rng.random() < 0.3:
            body["quiet"] = True
        if self.rng.random() < 0.3:
            body["expires_at"] = "2030-01-01T00:00:00Z"
        member = self.member()
        headers = {"Idempotency-Key": f"k{self.rng.randrange(6)}"} if self.rng.random() < 0.5 else {}
        await self.compare(member, self.path(member), body, headers)

    async def give_back(self) -> None:
        member, spent = self.member(), quote(self.rng.choice(self.spent), safe="")
        body: dict[str, Any] = {"source": "shop"}
        if self.rng.random() < 0.5:
            body["cancel_id"] = f"c{self.rng.randrange(3)}"
        if self.rng.random() < 0.5:
            body["points"] = self.rng.randint(1, 30)
        await self.compare(member, f"{self.path(member)}/redeem/{spent}/cancel", body, {})

    async def propose(self) -> None:
        """What is asked of somebody else has the effect of the correction that it asks for."""
        body: dict[str, Any] = {"proposal_id": f"p{self.count}", "member_id": self.member(), "reason": "a test"}
        body |= {"loyalty-points": self.rng.choice([-1, 1]) * self.points()}
        checked = await self.ask("POST", "/proposals?check=1", json=body)
        asked = await self.ask("POST", "/proposals", json=body)
        if asked.status_code >= 300:
            assert (checked.status_code, checked.json()) == (asked.status_code, asked.json() | same(checked))
            return
        number = asked.json()["job"]["number"]
        seen = (await self.ask("GET", f"/proposals/{number}")).json()
        assert [each["effect"] for each in seen["effects"]] == [checked.json()["effect"]]

    async def compare(self, member: str, path: str, body: dict[str, Any], headers: dict[str, str]) -> None:
        before = await self.purse(member)
        checked = await self.ask("POST", f"{path}?check=1", json=body, headers=headers)
        assert await self.purse(member) == before, "a check changes nothing"
        done = await self.ask("POST", path, json=body, headers=headers)
        told = (path, body, headers, checked.text, done.text)
        if done.status_code >= 300:
            self.compared["refused"] += 1
            assert checked.status_code == done.status_code, told
            assert checked.json() == done.json() | same(checked), told
            return
        self.compared["done"] += 1
        assert checked.status_code == 200, told
        effect, after = checked.json()["effect"], await self.purse(member)
        assert (effect["balance"], effect["available"], effect["score"]) == before[:3], told
        assert (effect["balance_after"], effect["available_after"], effect["score_after"]) == after[:3], told
        assert effect.get("message") in (after[3] - before[3] or {None}), told
        assert (effect["points"] == 0) == (done.status_code == 200), told

    async def purse(self, member: str) -> tuple[int, int, int, frozenset[str]]:
        """What a member has: the balance, what of it can be spent, the score, and the mails to it."""
        ledger = self.shop.services.ledger
        found = await ledger.balance(member)
        if found is None:
            return 0, 0, 0, frozenset()
        told = (await self.ask("GET", f"{self.path(member)}/balance")).json()
        sent = frozenset(each.milestone for each in await ledger.messages(member))
        return told["balance"], told.get("available", told["balance"]), found[0].score, sent


def same(answer: Any) -> dict[str, Any]:
    """The part of a problem that names the call and not what is wrong."""
    return {name: text for name, text in answer.json().items() if name in {"instance", "request_id"}}


@pytest.mark.parametrize("run", range(2))
async def test_a_check_says_what_the_call_does(shop: Shop, run: int) -> None:
    seed = int(os.environ.get("LAURELS_TEST_SEED") or SystemRandom().getrandbits(32)) + run
    print(f"LAURELS_TEST_SEED={seed - run} repeats this")
    history = History(shop, Random(seed))
    await shop.services.ledger.enrol([(member, f"{member}@example.ie") for member in MEMBERS[:3]], actor="test")
    while history.count < STEPS or not all(history.compared.values()):
        await history.step()


async def test_a_milestone_that_was_crossed_quietly_sends_no_mail_later(shop: Shop) -> None:
    assert (await shop.ask("POST", "/loyalty/ann", json={"loyalty-points": 200, "quiet": True})).status_code == 201
    assert (await shop.ask("POST", "/loyalty/ann", json={"loyalty-points": -150})).status_code == 201
    checked = await shop.ask("POST", "/loyalty/ann?check=1", json={"loyalty-points": 300})
    assert "message" not in checked.json()["effect"], checked.text
    checked = await shop.ask("POST", "/loyalty/ann?check=1", json={"loyalty-points": 500})
    assert checked.json()["effect"]["message"] == "second", checked.text


async def test_what_was_taken_of_a_hold_is_checked_like_any_redemption(shop: Shop) -> None:
    assert (await shop.ask("POST", "/loyalty/ann", json={"loyalty-points": 100})).status_code == 201
    assert (await shop.ask("POST", "/loyalty/ann/hold", json={"hold_id": "H", "points": 50})).status_code == 201
    assert (await shop.ask("POST", "/loyalty/ann/hold/H/capture", json={"points": 50})).status_code == 201
    path = "/loyalty/ann/redeem/hold:H/cancel"
    assert (await shop.ask("POST", path, json={"cancel_id": "a", "points": 20})).status_code == 201
    checked = await shop.ask("POST", f"{path}?check=1", json={"cancel_id": "b"})
    assert (checked.status_code, checked.json()["effect"]["points"]) == (200, 30), checked.text
