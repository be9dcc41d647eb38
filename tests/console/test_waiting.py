"""How much waits, in the navigation of every page: bounded, for who can act on it, and no look that is recorded."""

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from tests.console.console_shop import ConsoleShop, open_console_shop
from tests.integration.http_shop import check_problem

from laurels.console import transports
from laurels.console.transports import Answer
from laurels.console.views import waiting
from laurels.jobs import CORRECTIONS
from laurels.ledger.jobs import NewJob
from laurels.model.people import ROLES

pytestmark = pytest.mark.anyio

UNTOLD = "What else waits for you cannot be told just now."
SEES = {"/proposals": {"lead"}, "/work": {"operator"}}
_LINK = re.compile(r'<li><a href="([^"]+)"[^>]*>(.*?)</a></li>', re.DOTALL)
_COUNT = re.compile(r'<span class="count">([^<]+)<span class="unseen"> waiting</span></span>')


@pytest.fixture(scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory, shared_ledger: str | None) -> AsyncIterator[ConsoleShop]:
    async with open_console_shop(tmp_path_factory.mktemp("state"), ledger_url=shared_ledger) as house:
        body = {"proposal_id": "p1", "member_id": "ann", "loyalty-points": 600, "reason": "ticket 7"}
        await house.shop.ask("POST", "/proposals", json=body, token=house.shop.person("lead", sub="mary"))
        yield house


def counts(page: httpx.Response) -> dict[str, str]:
    """What the navigation says waits, by address."""
    sidebar = page.text.partition('<nav class="sidebar"')[2].partition("</nav>")[0]
    return {to: found[1] for to, inside in _LINK.findall(sidebar) if (found := _COUNT.search(inside))}


@pytest.mark.parametrize("role", ROLES)
async def test_a_role_is_told_of_what_it_can_act_on(house: ConsoleShop, role: str) -> None:
    visitor = await house.signed_in(role, name=f"{role}-counts")
    await visitor.open("/")
    page = await visitor.follow()
    assert page.status_code == 200
    assert counts(page) == {path: "1" for path, roles in SEES.items() if role in roles}


async def test_ones_own_proposals_do_not_wait_for_oneself(house: ConsoleShop) -> None:
    mary = await house.signed_in("lead", "operator", name="mary")
    for path in ("/proposals", "/customers", "/work", "/jobs"):
        assert counts(await mary.open(path)) == {"/work": "1"}, path


async def test_a_count_is_no_look(house: ConsoleShop) -> None:
    visitor = await house.signed_in("lead", "operator", "approver", name="uncounted")
    for path in ("/jobs", "/health", "/boards", "/overview"):
        assert (await visitor.open(path)).status_code == 200
    rows = (await house.shop.ask("GET", "/audit?sub=uncounted")).json()["rows"]
    assert [row["action"] for row in rows] == ["list_programs"], "the overview's, and nothing for its work list"


@pytest.mark.parametrize(("count", "said"), [(1, "1"), (99, "99"), (100, "99+"), (5_000, "99+")])
def test_a_count_is_bounded(count: int, said: str) -> None:
    assert waiting.shown(count) == said
    [(what, _, _)] = waiting.sentences({"/work": count})
    assert what == f"{said} {'document waits' if count == 1 else 'documents wait'} for a decision"


async def test_no_more_documents_are_looked_at_than_are_counted(house: ConsoleShop) -> None:
    for n in range(4):
        await house.shop.order(f"Q{n}", "bob", "25.00", currency="USD")
    await house.shop.settle()
    for most, all_ in ((1, False), (3, False), (5, False), (6, True), (5_000, True)):
        found = (await house.shop.ask("GET", f"/quarantine/reasons?most={most}")).json()
        assert (sum(each["documents"] for each in found["causes"]), found["all"]) == (min(most, 5), all_), most
    for wrong in ("0", "5001", "-1", "x", ""):
        check_problem(await house.shop.ask("GET", f"/quarantine/reasons?most={wrong}"), 422, "invalid-input")


async def test_a_page_does_not_wait_for_its_counts(house: ConsoleShop, monkeypatch: pytest.MonkeyPatch) -> None:
    """Boards are shown while the ledger is away; nor does a refused count refuse a page."""
    asked, never = transports.HttpTransport.ask, asyncio.Event()

    async def slow(self: transports.HttpTransport, method: str, path: str, *rest: object) -> Answer:
        if path == "/quarantine/reasons":
            await never.wait()
        return await asked(self, method, path, *rest)  # type: ignore[arg-type]  # as it was called

    visitor = await house.signed_in("operator", name="impatient")
    monkeypatch.setattr(transports.HttpTransport, "ask", slow)
    monkeypatch.setattr(waiting, "WITHIN_S", 0.01)
    page = await visitor.open("/messages?state=sent")
    assert (page.status_code, counts(page)) == (200, {})
    reader = await house.signed_in("operator", "finance", name="reader")
    assert UNTOLD in (await reader.open("/overview")).text
    monkeypatch.undo()
    assert set(counts(await visitor.open("/messages?state=sent"))) == {"/work"}, "a failure is not remembered"
    assert UNTOLD not in (await reader.open("/overview")).text


async def test_a_count_that_was_begun_before_a_change_is_not_remembered(
    house: ConsoleShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, began, go_on = transports.HttpTransport.ask, asyncio.Event(), asyncio.Event()

    async def held(self: transports.HttpTransport, method: str, path: str, *rest: object) -> Answer:
        answer = await asked(self, method, path, *rest)  # type: ignore[arg-type]  # as it was called
        if path == "/quarantine/reasons" and not began.is_set():
            began.set()
            await go_on.wait()
        return answer

    visitor = await house.signed_in("operator", name="quick")
    await visitor.open("/jobs")
    form = visitor.fields("/jobs")
    assert (await visitor.client.post("/jobs", data={**form, "kind": "verify"})).status_code == 303
    monkeypatch.setattr(waiting, "WITHIN_S", 60.0)
    monkeypatch.setattr(transports.HttpTransport, "ask", held)
    looking = asyncio.create_task(visitor.client.get("/jobs"))
    await began.wait()
    await house.shop.order("Q-late", "bob", "25.00", currency="USD")
    await house.shop.settle()
    await visitor.client.post("/jobs", data={**form, "kind": "roll-ups"})
    go_on.set()
    before = int(counts(await looking)["/work"])
    assert counts(await visitor.open("/jobs")) == {"/work": str(before + 1)}


async def test_those_of_others_are_counted_however_many_are_ones_own(tmp_path: Path, ledger: str | None) -> None:
    async with open_console_shop(tmp_path, ledger_url=ledger) as house:
        mary = await house.signed_in("lead", name="mary")
        add_job = house.shop.services.ledger.add_job

        async def propose(sub: str, n: int) -> None:
            actor, digest = f"person:{sub}", f"{sub}-{n}"
            await add_job(NewJob(kind=CORRECTIONS, actor=actor, digest=digest, about=b"{}", proposed=True))

        await propose("joan", 0)
        for n in range(waiting.MOST + 1):
            await propose("mary", n)
        assert counts(await mary.open("/customers")) == {"/proposals": "1"}
