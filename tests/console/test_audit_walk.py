"""A walk through the console beside its log: a row for each look and for each change, and nothing besides. Where the
ledger is away nothing personal is shown; one byte that was changed in the log is found.
"""

from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, closing
from pathlib import Path
from random import Random
from typing import Any

import apsw
import pytest
from tests.console.console_shop import ConsoleShop, Visitor, open_console_shop
from tests.console.test_roles import SENT, SHOWN, address
from tests.postgres_server import binaries, running

from laurels.engines.postgres import PostgresLedger
from laurels.model.people import ROLES

pytestmark = [pytest.mark.anyio, pytest.mark.long]

STEPS = 200
PERSONAL = ("ann", "bob", "a•••••@example.com", "A1", "A2", "R1", "USD/1", "990")
"""What is known of customers of `console_shop`: ids, addresses, documents, sums."""

LOOKS: dict[str, list[str]] = {
    "/customers": [],
    "/customers/0": ["show_customer"],
    "/customers/1?show=orders": ["show_customer"],
    "/customers/0?entry=0-1": ["show_customer"],
    "/customers/0/correct?points=5": ["show_customer"],
    "/customers/0/hide": ["show_customer"],
    "/customers/1/merge?into=0": ["show_customer", "show_customer"],
    "/customers/1/erase": ["show_customer"],
    "/customers/4711": ["show_customer"],
    "/work": ["list_quarantine"],
    "/work/order?source=shop&id=USD%2F1": ["show_quarantined"],
    "/jobs": [],
    "/boards": [],
    "/health": [],
    "/static/console.css": [],
    "/healthz": [],
    "/nothing": [],
}
"""Pages, and the rows that one look at each writes."""


@pytest.fixture
async def console(tmp_path: Path, ledger: str | None) -> AsyncIterator[ConsoleShop]:
    async with open_console_shop(tmp_path, **({"ledger_url": ledger} if ledger else {})) as console:
        yield console


async def rows(console: ConsoleShop) -> list[dict[str, Any]]:
    """The whole log, oldest first."""
    found: list[dict[str, Any]] = []
    before = ""
    while True:
        page = (await console.shop.ask("GET", f"/audit?limit=500{before}")).json()
        found += page["rows"]
        if page["next"] is None:
            return found[::-1]
        before = f"&before={page['next']}"


async def findings(console: ConsoleShop) -> list[str]:
    """What `verify` names."""
    return [found.where async for step in console.shop.services.ledger.verify() for found in step.findings]


class Walk:
    """One person who looks and changes at random. `wanted` are the rows that must be there, as (action, outcome)."""

    def __init__(self, visitor: Visitor, rng: Random) -> None:
        self.visitor = visitor
        self.rng = rng
        self.wanted: list[tuple[str, str]] = []
        self.hidden: set[int] = set()

    async def step(self) -> None:
        await self.rng.choice(
            [self.look, self.look, self.look, self.search, self.correct, self.turn, self.rename, self.contact]
        )()

    async def look(self) -> None:
        path = self.rng.choice([*LOOKS])
        answer = await self.visitor.open(path)
        is_there = answer.status_code == 200
        assert is_there or answer.status_code == 404, path
        self.wanted += [(action, "done" if is_there else "refused: not-found") for action in LOOKS[path]]

    async def search(self) -> None:
        await self.visitor.find(self.rng.choice(["A1", "ann", "nobody", "ann@example.com"]))
        self.wanted.append(("find_customers", ""))  # its outcome is what kind of thing was found

    async def correct(self) -> None:
        path = f"/customers/{self.rng.randrange(2)}/correct"
        await self.visitor.open(path)
        await self.visitor.send(path, {"points": "5", "reason": "ticket 7"})
        form = {**self.visitor.fields(path), "step": "do"}
        self.wanted += [("show_customer", "done"), ("show_customer", "done"), ("adjust", "checked")]
        for outcome in ("done", "repeated"):
            answer = await self.visitor.client.post(path, data=form)
            assert answer.status_code == 303, answer.text
            self.wanted += [("show_customer", "done"), ("adjust", outcome)]

    async def turn(self) -> None:
        """Hide or show a customer, who may be hidden or shown already: a row too, that says so."""
        event, number = self.rng.choice(["hide", "show"]), self.rng.randrange(2)
        path = f"/customers/{number}/{event}"
        await self.visitor.open(path)
        assert (await self.visitor.send(path)).status_code == 303
        outcome = "repeated" if (event == "hide") == (number in self.hidden) else "done"
        self.hidden = self.hidden | {number} if event == "hide" else self.hidden - {number}
        self.wanted += [("show_customer", "done"), ("show_customer", "done"), (event, outcome)]

    async def rename(self) -> None:
        path = "/customers/1/rename"
        await self.visitor.open(path)
        form = self.visitor.fields(path)
        self.wanted.append(("show_customer", "done"))
        for outcome in ("done", "repeated"):
            assert (await self.visitor.client.post(path, data=form)).status_code == 303
            self.wanted += [("show_customer", "done"), ("rename", outcome)]

    async def contact(self) -> None:
        await self.visitor.open("/customers/0")
        await self.visitor.send("/customers/0/contact")
        self.wanted += [("show_customer", "done"), ("show_customer", "done"), ("show_contact", "done")]


async def test_each_look_and_each_change_is_a_row(console: ConsoleShop, rng: Random) -> None:
    walk = Walk(await console.signed_in("lead", "operator"), rng)
    for _ in range(STEPS):
        await walk.step()
    found = [
        (row["action"], row["outcome"] if row["action"] != "find_customers" else "") for row in await rows(console)
    ]
    assert found == walk.wanted
    assert len(found) > STEPS
    assert all(row["sub"] == "niamh" for row in await rows(console))
    assert all(word not in str(row) for row in await rows(console) for word in ("ann@", "'ann'", "nobody"))
    assert await findings(console) == []


@asynccontextmanager
async def ledger_gone(engine: str, folder: Path) -> AsyncIterator[ConsoleShop]:
    """A console that served pages until its ledger went away."""
    async with AsyncExitStack() as stack:
        settings: dict[str, Any] = {}
        server = None
        if engine == "postgres":
            server = stack.enter_context(running(binaries()))
            await PostgresLedger.migrate(server.url("postgres"))
            settings["ledger_url"] = server.url("postgres")
        console = await stack.enter_async_context(open_console_shop(folder, **settings))
        visitor = await console.signed_in(*ROLES)
        assert "ann" in (await visitor.open("/customers/0")).text
        if server is None:
            await console.shop.services.ledger.close()
        else:
            server.stop()
        yield console


@pytest.mark.parametrize("engine", ["sqlite", "postgres"])
async def test_with_the_ledger_away_no_page_shows_anything_personal(engine: str, tmp_path: Path) -> None:
    async with ledger_gone(engine, tmp_path) as console:
        visitor = await console.signed_in(*ROLES)
        await visitor.open("/health")
        token = {"_csrf_token": visitor.fields("/sign-out")["_csrf_token"]}
        for page in [*SHOWN, *SENT]:
            path = address(page)
            if page.method == "GET":
                answer = await visitor.open(path)
            else:
                answer = await visitor.client.post(path, data={**token, "q": "A1", "step": "do"})
            assert not [*said(answer.text)], (page.method, path)
            if answer.status_code == 503:
                assert "The ledger is away" in answer.text
        for path, status in (("/health", 200), ("/customers/0", 503), ("/work", 503), ("/log", 503)):
            assert (await visitor.open(path)).status_code == status, path


def said(text: str) -> Iterator[str]:
    """What of a customer stands in a page, as a word."""
    words = text.replace("<", " ").replace(">", " ").replace('"', " ").replace("/", " ").split()
    for each in PERSONAL:
        if each in words or (len(each) > 8 and each in text):
            yield each


async def test_one_byte_flipped_in_a_long_log_is_named(tmp_path: Path, rng: Random) -> None:
    async with open_console_shop(tmp_path) as console:
        walk = Walk(await console.signed_in("lead", "operator"), rng)
        for _ in range(STEPS // 4):
            await walk.step()
        at = rng.randrange(1, len(await rows(console)) + 1)
        with closing(apsw.Connection(str(tmp_path / "laurels.db"))) as db:
            trigger = db.execute("SELECT sql FROM sqlite_schema WHERE name = 'audit_is_never_changed'").get
            db.execute("DROP TRIGGER audit_is_never_changed")
            [was] = db.execute("SELECT request_id FROM audit WHERE position = ?", (at,)).fetchall()[0]
            flipped = bytearray(str(was).encode())
            flipped[rng.randrange(len(flipped))] ^= 1
            db.execute("UPDATE audit SET request_id = ? WHERE position = ?", (flipped.decode(), at))
            db.execute(trigger)
        assert await findings(console) == [f"audit {at}"]
