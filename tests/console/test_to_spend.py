"""What a customer can spend is one figure: the member's own call, the customer's page, and what a change says before it
is made all tell the same, also where points wait, are held, are owed, or have lapsed and no sweep has been there.
"""

import re
from collections.abc import AsyncIterator
from pathlib import Path
from random import Random
from typing import Any

import pytest
from tests.clocks import RunningClock
from tests.console.console_shop import Visitor, open_console, open_console_shop
from tests.integration.http_shop import Shop, open_shop

from laurels.clock import DAY
from laurels.console import formats
from laurels.console.formats import MINUS
from laurels.errors import InsufficientPoints
from laurels.http.admission.person_tokens import PersonTokens, console_key
from laurels.model import Adjustment, Order, Redemption
from laurels.model.spending import Hold

pytestmark = pytest.mark.anyio

PROGRAM = """
version = 1
value = { GBP = "0.10", EUR = "0.125" }
[earn]
points = 1
per = { GBP = "1.00" }
rounding = "floor"
[pending]
days = 14
[expiry]
kind = "after-months"
months = 2
"""
STEPS = 10


@pytest.fixture(autouse=True)
def long_tokens(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tokens are checked by the real time, and let go of by the turned one: these are good by both."""
    monkeypatch.setattr("laurels.http.admission.person_tokens.LIFETIME_S", 10 * 365 * 86_400)


@pytest.fixture
async def shop(tmp_path: Path, ledger: str | None) -> AsyncIterator[Shop]:
    (tmp_path / "program.toml").write_text(PROGRAM)
    settings: dict[str, Any] = {"ledger_url": ledger} if ledger else {}
    async with open_shop(
        tmp_path / "state", now=RunningClock(), program_file=tmp_path / "program.toml", **settings
    ) as shop:
        await shop.services.ledger.enrol([("ann", None)], actor="test")
        yield shop


class Customer:
    """Ann, to whom things happen."""

    def __init__(self, shop: Shop, seed: int) -> None:
        self.shop, self.rng, self.count = shop, Random(seed), 0

    async def step(self) -> None:
        """Something that moves points, or time that passes without anybody noticing."""
        self.count += 1
        await self.rng.choice([self.order, self.order, self.wait, self.wait, self.spend, self.hold, self.correct])()

    async def order(self) -> None:
        of = Order(source="shop", order_id=f"A{self.count}", member_id="ann", currency="GBP", total=self.some() * 100)
        await self.shop.services.ledger.accept([of.document()])
        await self.shop.services.awarder.drain()

    async def wait(self) -> None:
        now = self.shop.services.now
        assert isinstance(now, RunningClock)
        now.later += self.rng.randint(5, 40) * DAY

    async def spend(self) -> None:
        spent = Redemption(source="till", redemption_id=f"V{self.count}", points=self.some(), member_id="ann")
        await self.tried(self.shop.services.points.redeem(spent, "till"))

    async def hold(self) -> None:
        held = Hold(source="till", hold_id=f"H{self.count}", points=self.some(), minutes=10_080, member_id="ann")
        await self.tried(self.shop.services.points.hold(held, "till"))

    async def correct(self) -> None:
        points = self.rng.choice([-1, 1]) * self.some()
        await self.shop.services.points.adjust(
            Adjustment(id=f"k{self.count}", points=points, actor="test", member_id="ann", reason="a test")
        )

    async def tried(self, spending: Any) -> None:
        try:
            await spending
        except InsufficientPoints:
            return

    def some(self) -> int:
        return self.rng.randint(5, 60)


def person(shop: Shop, *roles: str) -> str:
    """A token of now: tokens are told the time by nobody."""
    return PersonTokens(console_key(shop.services.settings)).sign("niamh", "Niamh Byrne", roles)


async def own(shop: Shop) -> dict[str, Any]:
    """What the member's own call says."""
    found: dict[str, Any] = (await shop.ask("GET", "/loyalty/ann/balance", token=person(shop, "support"))).json()
    return found


def worth(points: int) -> dict[str, str]:
    """What points are worth by `PROGRAM`: a tenth of a pound each, an eighth of a euro, halves of a cent up."""
    if points <= 0:
        return {}
    cents = (points * 25 + 1) // 2
    return {"GBP": f"{points // 10}.{points % 10}0", "EUR": f"{cents // 100}.{cents % 100:02}"}


async def shown(visitor: Visitor) -> str:
    """The customer's page."""
    return (await visitor.open("/customers/0")).text


def to_spend(page: str) -> int:
    """What the customer's page says that there is to spend."""
    found = re.search(rf"<dt>To spend</dt><dd>([{MINUS}\d,]+)<", page)
    assert found, page
    return int(found[1].replace(MINUS, "-").replace(",", ""))


@pytest.mark.parametrize("seed", range(3))
async def test_one_figure_is_told_everywhere(shop: Shop, seed: int) -> None:
    customer, token = Customer(shop, seed), person(shop, "lead")
    seen: set[str] = set()
    async with open_console(shop) as console:
        console.tokens = PersonTokens(console_key(shop.services.settings))
        for _ in range(STEPS):
            await customer.step()
            visitor = await console.signed_in("support", "lead")
            told = await own(shop)
            at = (await shop.ask("GET", "/members/number/0", token=person(shop, "support"))).json()
            assert (at["balance"], at["available"]) == (told["balance"], told["available"])
            page = await shown(visitor)
            assert to_spend(page) == told["available"]
            assert at["worth"] == worth(told["available"])
            said = " or ".join(formats.money(amount, currency) for currency, amount in at["worth"].items())
            assert (f'<span class="meta">worth {said}</span>' in page) == (told["available"] > 0)
            seen |= {"pending"} if told["pending"] else set()
            seen |= {"held"} if told["held"] else set()
            kept = await shop.services.ledger.balance("ann")
            assert kept is not None
            seen |= {"lapsed"} if kept[0].balance != told["balance"] else set()
            points = customer.rng.choice([-7, 7])
            token = person(shop, "lead")
            body = {"loyalty-points": points, "reason": "a test"}
            effect = (await shop.ask("POST", "/loyalty/ann?check=1", token=token, json=body)).json()["effect"]
            assert (effect["balance"], effect["available"]) == (told["balance"], told["available"])
            done = await shop.ask("POST", "/loyalty/ann", token=token, json=body)
            assert done.status_code == 201, done.text
            after = await own(shop)
            assert (effect["balance_after"], effect["available_after"]) == (after["balance"], after["available"])
    assert seen, "nothing happened that the sum of the entries does not say"


async def test_where_the_rules_say_no_worth_none_is_told(tmp_path: Path) -> None:
    async with open_console_shop(tmp_path) as console:
        found = (await console.shop.ask("GET", "/members/number/0")).json()
        assert (found["available"] > 0, found["worth"]) == (True, {})
        page = (await (await console.signed_in("viewer")).open("/customers/0")).text
        assert '<span class="meta">points</span>' in page
        assert "worth" not in page


async def test_giving_back_says_what_can_be_spent_then(shop: Shop) -> None:
    customer = Customer(shop, 1)
    await customer.order()
    await shop.services.points.adjust(Adjustment(id="k", points=100, actor="test", member_id="ann", reason="a test"))
    spent = Redemption(source="till", redemption_id="V", points=30, member_id="ann")
    await shop.services.points.redeem(spent, "till")
    path, token = "/loyalty/ann/redeem/V/cancel", person(shop, "support")
    effect = (await shop.ask("POST", f"{path}?check=1", token=token, json={"source": "till"})).json()["effect"]
    told = await own(shop)
    assert told["pending"], "so that the balance is more than can be spent"
    assert (effect["balance"], effect["available"]) == (told["balance"], told["available"])
    assert effect["available"] == 70
    assert (await shop.ask("POST", path, token=token, json={"source": "till"})).status_code == 201
    after = await own(shop)
    assert (effect["balance_after"], effect["available_after"]) == (after["balance"], after["available"])
    async with open_console(shop) as console:
        console.tokens = PersonTokens(console_key(shop.services.settings))
        page = await (await console.signed_in("lead")).open("/customers/0/correct")
        assert "100 to spend now" in page.text
