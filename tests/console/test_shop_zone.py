"""The shop's zone is the one in which the console shows times and takes days, by whichever road it asks Laurels."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec
import pytest
from tests.clocks import RunningClock
from tests.console.console_shop import ConsoleShop, open_console
from tests.integration.http_shop import Shop, open_shop

from laurels import clock
from laurels.clock import MINUTE, SECOND
from laurels.console import client_of, formats
from laurels.console.transports import Answer, NotAsked, Pairs, Transport
from laurels.console.views import worked_out
from laurels.http import create_app, open_auth
from laurels.http.admission.person_tokens import PersonTokens, console_key
from laurels.ledger.jobs import Job
from laurels.model import Order
from laurels.model.times import from_datetime, to_datetime
from laurels.program import DEFAULT_PROGRAM

pytestmark = pytest.mark.anyio

AUCKLAND = ZoneInfo("Pacific/Auckland")
UNKNOWN = "Times are those of UTC, since Laurels does not say just now which the shop&#39;s are."


class Silent:
    """A road on which nobody says the zone while it is `silent`."""

    def __init__(self, road: Transport) -> None:
        self._road = road
        self.silent = True

    async def ask(self, method: str, path: str, query: str, headers: Pairs, body: bytes) -> Answer:
        if self.silent and path == "/time-zone":
            raise NotAsked
        return await self._road.ask(method, path, query, headers, body)


@pytest.fixture(autouse=True)
def long_tokens(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tokens are checked by the real time, and signed by the turned one."""
    monkeypatch.setattr("laurels.http.admission.person_tokens.LIFETIME_S", 10 * 365 * 86_400)


@pytest.fixture
def now() -> RunningClock:
    return RunningClock()


@pytest.fixture
async def shop(tmp_path: Path, ledger: str | None, now: RunningClock) -> AsyncIterator[Shop]:
    rules = tmp_path / "rules.toml"
    rules.write_text(DEFAULT_PROGRAM.replace("Europe/London", AUCKLAND.key))
    async with open_shop(tmp_path / "state", now=now, program_file=rules, ledger_url=ledger) as shop:
        yield shop


@asynccontextmanager
async def console_by(road: str, shop: Shop) -> AsyncIterator[ConsoleShop]:
    async with open_console(shop) as console:
        console.tokens = PersonTokens(console_key(shop.services.settings))
        if road == "address":
            yield console
            return
        services = shop.services
        app = create_app(services, open_auth(services.settings, services.now, console_key(services.settings)))
        async with client_of(app) as console.api:
            yield console


def asked_at(job: Job) -> datetime:
    return to_datetime(msgspec.json.decode(job.about)["at"])


@pytest.mark.parametrize("road", ["address", "here"])
@pytest.mark.parametrize("minutes", [-20, 20])
async def test_around_midnight_it_is_the_shops_day(
    shop: Shop, now: RunningClock, monkeypatch: pytest.MonkeyPatch, road: str, minutes: int
) -> None:
    """Which is the first of a month there, while it is noon of another day in Greenwich."""
    there = datetime.now(AUCKLAND)
    first = datetime(there.year + there.month // 12, there.month % 12 + 1, 1, tzinfo=AUCKLAND)
    at = first.astimezone(UTC) + timedelta(minutes=minutes)
    now.later = from_datetime(at) - clock.now()
    today = at.astimezone(AUCKLAND).date()
    assert at.date() != today if minutes > 0 else at.date() == today
    order = Order(source="shop", order_id="A1", member_id="ann", currency="GBP", total=99_000)
    await shop.services.ledger.accept([order.document()])
    await shop.settle()
    monkeypatch.setattr(worked_out, "AT_ONCE", 0)
    async with console_by(road, shop) as console:
        visitor = await console.signed_in("finance", "support")
        page = await visitor.open("/customers/0")
        assert f"Times are those of {AUCKLAND.key}." in page.text
        assert formats.when(at.isoformat(), AUCKLAND).partition(",")[0] in page.text
        page = await visitor.open("/overview")
        assert f"to={today + timedelta(days=1)}" in page.text
        page = await visitor.open("/finance")
        ends = today.replace(day=1)
        begins = (ends - timedelta(days=1)).replace(day=1)
        for name, day in (("from", begins), ("to", ends)):
            assert re.search(f'<input [^>]*name="{name}"[^>]* value="{day}"', page.text)
        await visitor.open("/finance/liability")
        await visitor.send("/finance/liability", {"at": begins.isoformat()})
        [job] = await shop.services.ledger.jobs(kind="liability")
        assert asked_at(job) == datetime(begins.year, begins.month, begins.day, tzinfo=AUCKLAND)


async def test_what_is_not_known_is_said_and_no_day_is_taken(shop: Shop, now: RunningClock) -> None:
    """Once known it is remembered, and asked for again after a minute."""
    async with console_by("address", shop) as console:
        road = Silent(console.api)
        console.api = road  # type: ignore[assignment]  # it is closed where it was opened
        visitor = await console.signed_in("finance")
        assert UNKNOWN in (await visitor.open("/overview/week")).text
        answer = await visitor.send("/overview/week", {"of": "2026-10-26"})
        assert answer.status_code == 503
        assert "Nothing was changed" in answer.text
        assert await shop.services.ledger.jobs(kind="week") == []
        road.silent = False
        told = f"Times are those of {AUCKLAND.key}."
        assert told in (await visitor.open("/overview/week")).text
        road.silent = True
        now.later += MINUTE + SECOND
        assert told in (await visitor.open("/overview/week")).text
        await visitor.send("/overview/week", {"of": "2026-10-26"})
        [job] = await shop.services.ledger.jobs(kind="week")
        assert asked_at(job) == datetime(2026, 10, 26, tzinfo=AUCKLAND)
