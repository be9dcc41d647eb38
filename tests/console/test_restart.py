"""Two consoles behind a proxy that knows no sessions, killed in turn while a person works: no error, nothing lost,
nothing twice.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from random import Random
from urllib.parse import quote

import httpx
import pytest
from tests.console.console_shop import Visitor
from tests.console.oidc_visitors import walk as go_to
from tests.console.two_consoles import ROLES, Consoles, two_consoles
from tests.integration.identity_provider import IdentityProvider, identity_provider
from tests.settings import settings_with

from laurels.model import EntryKind, Order, Redemption
from laurels.wiring import Services, build

pytestmark = pytest.mark.anyio

MEMBERS = 12
SPENT = 200
CHECKED_ANEW = "looked at again"
"""What a page says that refuses a form since roles have to be asked for anew."""


@pytest.fixture
def provider() -> Iterator[IdentityProvider]:
    with identity_provider() as provider:
        provider.add("first")
        provider.person = {"sub": "u-1", "name": "Niamh Byrne", "groups": [*ROLES]}
        yield provider


@pytest.mark.long
@pytest.mark.timeout(600)
async def test_killed_in_turn_they_lose_nothing_and_count_nothing_twice(
    tmp_path: Path, provider: IdentityProvider, ledger: str | None, rng: Random
) -> None:
    await worked_while_killed(tmp_path, provider, ledger, rng, steps=120, kills=4)


@pytest.mark.soak
@pytest.mark.timeout(1800)
async def test_the_same_for_five_hundred_steps(
    tmp_path: Path, provider: IdentityProvider, ledger: str | None, rng: Random
) -> None:
    await worked_while_killed(tmp_path, provider, ledger, rng, steps=500, kills=40)


async def worked_while_killed(
    folder: Path, provider: IdentityProvider, ledger: str | None, rng: Random, *, steps: int, kills: int
) -> None:
    """Work for so many steps and until so many kills, then look at all that the ledger has."""
    more = {} if ledger is None else {"ledger_url": ledger}
    async with build(settings_with(state=folder / "state", leaderboard_engine="memory", **more)) as services:
        await fill(services)
        async with (
            two_consoles(folder, provider, ledger=ledger) as consoles,
            httpx.AsyncClient(base_url=consoles.address, timeout=60) as client,
        ):
            walk = Walk(Visitor(client, ""), rng)
            await walk.sign_in()
            killing = asyncio.create_task(kill_in_turn(consoles, walk, rng))
            try:
                while walk.steps < steps or consoles.kills < kills:
                    if killing.done():  # a console did not come back: its error, and no walk without an end
                        killing.result()
                    await walk.do()
            finally:
                killing.cancel()
                await asyncio.gather(killing, return_exceptions=True)
            print(f"{walk.steps} steps, {consoles.kills} kills, {dict(walk.did)}")
        await check(services, walk)


async def kill_in_turn(consoles: Consoles, walk: "Walk", rng: Random) -> None:
    """Kill one after the other, each at another moment of the work, once the one before answers again and what was
    asked meanwhile is answered: a busy machine takes longer for that than for a start, and then nobody is left to ask.
    """
    while True:
        for which in (0, 1):
            await asyncio.sleep(rng.random() / 2)
            await consoles.kill(which)
            done = walk.steps
            while walk.steps < done + 2:  # noqa: ASYNC110 - the one under way, and one that was begun since
                await asyncio.sleep(0.01)


async def fill(services: Services) -> None:
    """Customers with an order each, of which they spent points; and a document in quarantine."""
    orders = [_order(f"A{n}", n, "GBP") for n in range(MEMBERS)] + [_order("USD/1", 0, "USD")]
    await services.ledger.accept([each.document() for each in orders])
    await services.awarder.drain()
    for n in range(MEMBERS):
        spent = Redemption(source="shop", redemption_id=f"V{n}", points=SPENT, member_id=f"m{n}")
        await services.points.redeem(spent, "till")
    await services.projector.catch_up()


def _order(order_id: str, member: int, currency: str) -> Order:
    return Order(source="shop", order_id=order_id, member_id=f"m{member}", currency=currency, total=1_000_000)


class Walk:
    """A person who does things at random, and keeps account of what must have come of them."""

    def __init__(self, visitor: Visitor, rng: Random) -> None:
        self.visitor = visitor
        self.rng = rng
        self.steps = 0
        self.did: Counter[str] = Counter()
        self.given: Counter[int] = Counter()
        self.corrected: Counter[int] = Counter()
        self.restored: Counter[int] = Counter()
        self.renamed: Counter[int] = Counter()
        self.appeared: Counter[int] = Counter()
        self.hidden: set[int] = set()
        self.numbers: dict[int, int] = {}

    async def sign_in(self) -> None:
        """By way of the provider, as a browser."""
        assert (await self.open("/sign-in/begin?to=/customers")).url.path == "/customers"
        for member in range(MEMBERS):
            await self.look_up(member)

    async def do(self) -> None:
        """One of the things that people do."""
        ways: dict[str, Callable[[int], Awaitable[None]]] = {
            "looked up": self.look_up,
            "corrected": self.correct,
            "given back": self.give_back,
            "hidden or shown": self.turn,
            "renamed": self.rename,
            "read": self.read,
        }
        name = self.rng.choice([*ways])
        await ways[name](self.rng.randrange(MEMBERS))
        self.did[name] += 1

    async def look_up(self, member: int) -> None:
        await self.open("/customers")
        found = await self.send("/customers", {"q": f"A{member}"})
        assert found.status_code == 303, "one alone is found"
        page = await self.open(found.headers["location"])
        self.numbers[member] = int(page.url.path.rpartition("/")[2])

    async def correct(self, member: int) -> None:
        path = f"/customers/{self.numbers[member]}/correct"
        points = self.rng.choice([-3, 5, 40])
        await self.open(path)
        await self.send(path, {"points": str(points), "reason": "ticket 7"})
        done = await self.send_again_perhaps(path, {"step": "do"})
        assert f"To spend: {SPENT}" not in (await self.open(done)).text
        self.given[member] += points
        self.corrected[member] += 1

    async def give_back(self, member: int) -> None:
        path = f"/customers/{self.numbers[member]}/give-back"
        await self.open(f"{path}?redemption=V{member}&source=shop&points=1")
        await self.open(await self.send_again_perhaps(path, {"step": "do"}))
        self.given[member] += 1
        self.restored[member] += 1

    async def turn(self, member: int) -> None:
        path = f"/customers/{self.numbers[member]}/{'show' if member in self.hidden else 'hide'}"
        await self.open(path)
        said = await self.open(await self.send_again_perhaps(path, {}))
        assert ("Shown on boards." if member in self.hidden else "Hidden from boards.") in said.text
        self.hidden ^= {member}
        self.appeared[member] += 1

    async def rename(self, member: int) -> None:
        path = f"/customers/{self.numbers[member]}/rename"
        await self.open(path)
        await self.open(await self.send_again_perhaps(path, {}))
        self.renamed[member] += 1

    async def read(self, member: int) -> None:
        paths = ["/work", f"/work/order?source=shop&id={quote('USD/1', safe='')}", "/health", "/log", "/jobs"]
        await self.open(
            self.rng.choice([*paths, f"/customers/{self.numbers[member]}?show=spent", "/static/console.css"])
        )

    async def open(self, path: str) -> httpx.Response:
        """Open a page, which must be one, wherever that leads: every fifteen minutes to the provider and back. Where
        the process dies in the moment that it writes its answer, that is cut off, and whoever looks loads it again;
        what changes something is answered by a head alone, which cannot be.
        """
        try:
            answer = await go_to(self.visitor, path)
        except httpx.RemoteProtocolError as error:
            if "without sending complete message body" not in str(error):
                raise
            self.did["cut off"] += 1
            answer = await go_to(self.visitor, path)
        self.steps += 1
        assert answer.status_code == 200, (path, answer.status_code, answer.headers.get("location"), answer.text)
        return answer

    async def send(self, path: str, more: dict[str, str]) -> httpx.Response:
        """Send the page's form."""
        [answer] = await self._post(path, {**self.visitor.fields(path), **more})
        self.visitor.page = answer
        assert answer.status_code in {200, 303}, (path, answer.status_code, answer.text)
        return answer

    async def send_again_perhaps(self, path: str, more: dict[str, str]) -> str:
        """The same of what changes something; some of the time as a double click. Gives where it leads."""
        form = {**self.visitor.fields(path), **more}
        answers = await self._post(path, form, times=self.rng.choice([1, 1, 1, 2]))
        assert {each.status_code for each in answers} == {303}, (path, [each.text for each in answers])
        assert len({each.headers["location"] for each in answers}) == 1, path
        to: str = answers[0].headers["location"]
        return to

    async def _post(self, path: str, form: dict[str, str], times: int = 1) -> list[httpx.Response]:
        """Send a form so many times at once. Where the person's roles were to be looked at again in that moment, it is
        refused, and what was written is sent once more when they were.
        """
        answers = await self._posted(path, form, times)
        if any(each.status_code == 403 and CHECKED_ANEW in each.text for each in answers):
            self.did["checked anew"] += 1
            await self.open("/customers")
            answers = await self._posted(path, form, times)
        self.steps += 1
        return answers

    async def _posted(self, path: str, form: dict[str, str], times: int) -> list[httpx.Response]:
        return await asyncio.gather(*[self.visitor.client.post(path, data=form) for _ in range(times)])


async def check(services: Services, walk: Walk) -> None:
    """All that was done is in the ledger, once."""
    ledger = services.ledger
    for member in range(MEMBERS):
        kept = await ledger.kept(f"m{member}")
        assert kept is not None
        kinds = Counter(each.entry.kind for each in kept.entries)
        assert kinds[EntryKind.ADJUST] == walk.corrected[member], member
        assert kinds[EntryKind.RESTORE] == walk.restored[member], member
        assert kinds[EntryKind.RENAME] == walk.renamed[member], member
        assert kinds[EntryKind.HIDE] + kinds[EntryKind.SHOW] == walk.appeared[member], member
        assert kept.balance.balance == 1000 - SPENT + walk.given[member], member
        assert kept.member.hidden == (member in walk.hidden), member
    rows = []
    before = None
    while page := await ledger.audit(before=before, limit=500):
        rows += page
        before = page[-1].position
    done = Counter(row.act.action for row in rows if row.act.outcome == "done")
    wanted = {"adjust": walk.corrected, "cancel_redemption": walk.restored}
    assert {name: done[name] for name in wanted} == {name: each.total() for name, each in wanted.items()}
