"""The console as a browser without scripts sees it: who is let in, what each role may open, what forms do."""

import re
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime, timedelta
from html import unescape
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from tests.console.console_shop import BASE, ConsoleShop, Visitor, open_console_shop
from tests.ports import free_port

from laurels.clock import HOUR, MINUTE, SECOND
from laurels.console import client_of
from laurels.console.app import ALIVE, HEADERS, POLICY
from laurels.console.page import Page
from laurels.console.views import PAGES
from laurels.model import RefusedMessage
from laurels.model.people import ROLES
from laurels.role_status import RoleState

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory, shared_ledger: str | None) -> AsyncIterator[ConsoleShop]:
    async with open_console_shop(tmp_path_factory.mktemp("state"), ledger_url=shared_ledger) as house:
        yield house


@pytest.fixture(scope="module")
async def by_role(house: ConsoleShop) -> dict[str, Visitor]:
    """One who is signed in for each role."""
    return {role: await house.signed_in(role) for role in ROLES}


async def rows(house: ConsoleShop) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await house.shop.ask("GET", "/audit?limit=500")).json()["rows"]
    return found[::-1]


async def test_nobody_is_shown_anything(house: ConsoleShop) -> None:
    visitor = house.visitor("lead")
    for path in ("/", "/customers", "/customers/0", "/log", "/work", "/health"):
        answer = await visitor.open(path)
        assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in")


async def test_an_address_signs_in_once(house: ConsoleShop) -> None:
    visitor = house.visitor("support")
    page = await visitor.open(f"/sign-in?code={visitor.code}")
    assert "Sign in as niamh" in page.text
    assert (await visitor.open("/customers")).status_code == 303, "looking at the address signs nobody in"
    await visitor.open(f"/sign-in?code={visitor.code}")
    assert (await visitor.send("/sign-in")).status_code == 303
    assert (await visitor.follow()).status_code == 200
    other = house.visitor("support")
    await other.open("/sign-in")
    assert (await other.send("/sign-in", {"code": visitor.code})).status_code == 403


async def test_a_used_code_signs_nobody_in_and_the_next_one_is_told(house: ConsoleShop) -> None:
    visitor = house.visitor("support")
    used = visitor.code
    await visitor.open(f"/sign-in?code={used}")
    await visitor.send("/sign-in")
    assert house.codes[-1] != used
    await visitor.open(f"/sign-in?code={house.codes[-1]}")
    assert (await visitor.send("/sign-in", {"code": used})).status_code == 403
    await visitor.open(f"/sign-in?code={house.codes[-1]}")
    assert (await visitor.send("/sign-in")).status_code == 303


def filled(page: Page) -> str:
    parts = {"number": "0", "kind": "order", "source": "shop"}
    path = re.sub(r"{(\w+):str}", lambda found: parts.get(found[1], "1"), page.path)
    query = {"give-back": "?redemption=V1&source=shop", "shop": "?id=USD/1"}.get(path.rpartition("/")[2], "")
    return path + (query if page.method == "GET" else "")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: f"{page.method} {page.path}")
async def test_every_role_may_open_what_its_scopes_allow(by_role: dict[str, Visitor], page: Page) -> None:
    """Forms are sent empty, so that none that is let through changes what others look at."""
    for role, visitor in by_role.items():
        if page.method == "GET":
            answer = await visitor.open(filled(page))
        else:
            await visitor.open("/sign-in")
            token = visitor.client.cookies["laurels-console-8100-csrf"]
            answer = await visitor.client.post(filled(page), data={"_csrf_token": token, "name": "no"})
        may = bool(ROLES[role] & set(page.scopes))
        assert (answer.status_code != 403) is may, (role, answer.status_code)
        if not may:
            assert "Not for your role" in answer.text
            assert "ann" not in answer.text


async def test_what_a_role_may_not_do_is_not_offered(house: ConsoleShop) -> None:
    visitor = await house.signed_in("viewer")
    text = (await visitor.open("/customers/0")).text
    assert "Correct points" not in text
    assert "Undo" not in text
    assert "Log" not in text
    visitor = await house.signed_in("auditor")
    assert "Who looked" in (await visitor.open("/customers/0")).text


@pytest.mark.parametrize(
    "path", ["/customers", "/customers/0", "/nothing", "/static/console.css", "/sign-in", "/", ALIVE]
)
async def test_every_answer_has_the_policy(house: ConsoleShop, path: str) -> None:
    visitor = await house.signed_in("support")
    answer = await visitor.open(path)
    assert answer.headers["content-security-policy"] == POLICY
    for name, value in HEADERS.items():
        if name != "Cache-Control":
            assert answer.headers[name] == value
    assert "unsafe" not in POLICY
    assert not re.search(r"\son\w+=|style=|javascript:|https?://", answer.text.replace("http://www.w3.org", ""))


async def test_a_proxy_learns_that_it_answers_and_nothing_else(house: ConsoleShop) -> None:
    """Whoever asks: no cookie comes with it, and nothing is asked of the API, which may be away."""
    async with client_of(f"http://127.0.0.1:{free_port()}") as away:
        answer = await replace(house, api=away).visitor("support").client.get(ALIVE)
    assert (answer.status_code, answer.json()) == (200, {"alive": True})
    assert "set-cookie" not in answer.headers


async def test_a_form_of_another_site_changes_nothing(house: ConsoleShop) -> None:
    visitor = await house.signed_in("support")
    await visitor.open("/customers/1/hide")
    for headers in ({"origin": "https://evil.example"}, {"sec-fetch-site": "cross-site"}, {"origin": "null"}):
        answer = await visitor.client.post(
            "/customers/1/hide", data=visitor.fields("/customers/1/hide"), headers=headers
        )
        assert answer.status_code == 403
    without = {name: value for name, value in visitor.fields("/customers/1/hide").items() if name != "_csrf_token"}
    for token in ({}, {"_csrf_token": "0" * 128}):
        assert (await visitor.client.post("/customers/1/hide", data={**without, **token})).status_code == 403
    assert not (await house.shop.ask("GET", "/members/number/1")).json()["hidden"]


async def test_another_console_with_the_key_reads_the_cookie_and_one_without_does_not(house: ConsoleShop) -> None:
    visitor = await house.signed_in("support")
    other, stranger = house.visitor("viewer"), house.visitor("viewer", secret=b"x" * 32)
    for one in (other, stranger):
        one.client.cookies = visitor.client.cookies
    assert (await other.open("/customers/0")).status_code == 200
    assert (await stranger.open("/customers/0")).headers["location"] == "/sign-in"


async def test_who_does_nothing_for_half_an_hour_or_stays_all_day_signs_in_anew(tmp_path: Any) -> None:
    async with open_console_shop(tmp_path) as house:
        clock = [house.shop.services.now()]
        house.shop.services.__dict__["now"] = lambda: clock[0]
        visitor = await house.signed_in("operator")
        for _ in range(19):
            clock[0] += 25 * MINUTE
            house.tokens._now = house.shop.services.now
            assert (await visitor.open("/sign-in")).status_code == 200
            assert (await visitor.open("/")).headers["location"] == "/work"
        clock[0] += HOUR
        assert (await visitor.open("/")).headers["location"] == "/sign-in"


async def test_a_customer_is_found_by_an_order_and_the_reason_is_told(house: ConsoleShop) -> None:
    visitor = await house.signed_in("support")
    assert (await visitor.find("A1")).status_code == 303
    page = await visitor.follow()
    assert str(page.request.url).startswith(f"{BASE}/customers/0?entry=")
    assert re.search(r'<details class="entry" id="[\d-]+" open>', page.text)
    assert "990.00 GBP / 10.00 = 99 → 99" in page.text
    assert "a•••••@example.com" in page.text
    assert "ann@example.com" not in page.text
    await visitor.open("/customers/0")
    contact = await visitor.send("/customers/0/contact")
    assert "ann@example.com" in contact.text
    assert "ann" not in str(visitor.client.cookies)


async def test_a_search_with_several_hits_lists_them_and_one_without_says_what_was_tried(house: ConsoleShop) -> None:
    visitor = await house.signed_in("support")
    assert "Nothing found for “&lt;b&gt;nobody”" in (await visitor.find("<b>nobody")).text
    await house.shop.order("A50", "anna", "10.00")
    await house.shop.settle()
    found = await visitor.find("ann")
    assert "2 found for “ann”" in found.text


async def test_a_correction_is_checked_done_once_and_undone(house: ConsoleShop) -> None:
    visitor = await house.signed_in("support", name="niamh")
    before = (await house.shop.ask("GET", "/loyalty/bob/balance")).json()["balance"]
    await visitor.open("/customers/1/correct")
    checked = await visitor.send(
        "/customers/1/correct", {"points": "50", "reason": "ticket 7", "note": "Sorry", "step": "check"}
    )
    assert "Give 50 points to bob" in checked.text
    assert f"To spend: {before} → {before + 50} points." in checked.text
    form = visitor.fields("/customers/1/correct")
    changed = await visitor.client.post("/customers/1/correct", data={**form, "points": "60", "step": "do"})
    assert "Give 60 points to bob" in changed.text, "what was changed after the check is checked anew"
    done = await visitor.client.post("/customers/1/correct", data={**form, "step": "do"})
    for _ in range(2):  # a double click, the way back, a retry
        again = await visitor.client.post("/customers/1/correct", data={**form, "step": "do"})
        assert (again.status_code, again.headers["location"]) == (303, done.headers["location"])
    assert (await house.shop.ask("GET", "/loyalty/bob/balance")).json()["balance"] == before + 50
    page = await visitor.open(done.headers["location"])
    assert "Correction: +50." in page.text
    assert "by you" in page.text
    [undo] = re.findall(r'role="status"[^>]*><span>[^<]*</span><a href="([^"]*)">Undo this correction', page.text)
    await visitor.open(undo.replace("&amp;", "&"))
    await visitor.send("/customers/1/correct", {"step": "check"})
    await visitor.send("/customers/1/correct", {"step": "do"})
    assert (await house.shop.ask("GET", "/loyalty/bob/balance")).json()["balance"] == before
    entries = (await house.shop.ask("GET", "/members/number/1/timeline")).json()["entries"]
    assert entries[0]["reason"].startswith("undoes entry ")
    assert [entry["actor"] for entry in entries[:2]] == ["person:niamh"] * 2


@pytest.mark.parametrize(
    ("points", "reason", "said"),
    [
        ("", "x", "Write a whole number"),
        ("1.5", "x", "Write a whole number"),
        ("--5", "x", "Write a whole number"),
        ("\u0665", "x", "Write a whole number"),
        ("5" * 5000, "x", "Write a whole number"),
        ("5", " ", "Say why, for colleagues"),
        ("5", "4111 1111 1111 1111", "card number"),
    ],
)
async def test_a_form_with_a_fault_says_what_to_do(house: ConsoleShop, points: str, reason: str, said: str) -> None:
    visitor = await house.signed_in("support")
    await visitor.open("/customers/1/correct")
    for step in ("check", "do"):
        page = await visitor.send("/customers/1/correct", {"points": points, "reason": reason, "step": step})
        assert page.status_code in {403, 422}
        assert said in page.text
        assert "Nothing was changed" in page.text or 'aria-invalid="true"' in page.text


async def test_above_a_roles_limit_the_page_says_who_decides(house: ConsoleShop) -> None:
    visitor = await house.signed_in("support")
    await visitor.open("/customers/1/correct")
    page = await visitor.send("/customers/1/correct", {"points": "501", "reason": "x", "step": "check"})
    assert (page.status_code, "Your role corrects up to 500 points at once" in page.text) == (200, True)


async def test_spent_points_are_given_back_in_part_and_once(house: ConsoleShop) -> None:
    visitor = await house.signed_in("support")
    page = await visitor.open("/customers/0?show=spent")
    [link] = re.findall(r'href="(/customers/0/give-back[^"]*)"', page.text)
    path = link.replace("&amp;", "&")
    page = await visitor.open(path)
    assert "Give 10 points back to ann" in page.text
    page = await visitor.send("/customers/0/give-back", {"points": "4", "step": "do"})
    assert "Give 4 points back to ann" in page.text, "said anew first"
    form = visitor.fields("/customers/0/give-back")
    before = (await house.shop.ask("GET", "/loyalty/ann/balance")).json()["balance"]
    for _ in range(2):
        assert (await visitor.client.post("/customers/0/give-back", data={**form, "step": "do"})).status_code == 303
    assert (await house.shop.ask("GET", "/loyalty/ann/balance")).json()["balance"] == before + 4
    assert "Give 6 points back to ann" in (await visitor.open(path.replace("points=10", "points=6"))).text
    assert (await visitor.open(path)).status_code == 409


async def test_a_refund_is_cancelled(house: ConsoleShop) -> None:
    visitor = await house.signed_in("support")
    page = await visitor.open("/customers/0?show=orders")
    [link] = re.findall(r'href="(/customers/0/cancel-refund[^"]*)"', page.text)
    assert "Cancel refund R1" in (await visitor.open(link.replace("&amp;", "&"))).text
    assert (await visitor.send("/customers/0/cancel-refund")).status_code == 303
    assert "The refund is cancelled" in (await visitor.follow()).text
    await house.shop.settle()
    assert (await house.shop.ask("GET", "/order/A1")).json()["points"] == 99


async def test_what_was_looked_for_is_in_its_address_for_who_looked_alone(house: ConsoleShop) -> None:
    niamh, oisin = await house.signed_in("support"), await house.signed_in("support", name="oisin")
    nothing = (await niamh.find("zzz")).text
    assert "Tried: the id of a customer, the number of an order, a refund, a redemption or a correction" in nothing
    found = await niamh.find("an")
    assert "found for “an”" in found.text
    address = str(found.url).removeprefix(BASE)
    assert re.fullmatch(r"/customers\?sought=[\w-]{30,}", address)
    assert "found for “an”" in (await niamh.open(address)).text, "so the way back leads there"
    for visitor, to in ((oisin, address), (niamh, address[:-2]), (niamh, "/customers?sought=%F0%9F%8E%81")):
        page = await visitor.open(to)
        assert (page.status_code, "You looked at last" in page.text) == (200, True)


@pytest.mark.parametrize(
    "path",
    [
        "/customers/0/cancel-refund?refund=R9&order=A1",
        "/customers/0/cancel-refund?refund=R1&order=A2",
        "/customers/0/cancel-refund",
        "/customers/0/give-back?redemption=V9",
        "/campaigns/stop?campaign=no%20such",
    ],
)
async def test_no_page_says_what_it_does_with_what_is_not_there(house: ConsoleShop, path: str) -> None:
    page = await (await house.signed_in("support", "program")).open(path)
    assert page.status_code == 404
    assert 'class="effect"' not in page.text


async def test_a_customer_is_hidden_shown_and_renamed(house: ConsoleShop) -> None:
    visitor = await house.signed_in("support")
    for event, said in (("hide", "Hidden from boards."), ("show", "Shown on boards.")):
        await visitor.open(f"/customers/1/{event}")
        await visitor.send(f"/customers/1/{event}")
        assert said in (await visitor.follow()).text
    old = (await house.shop.ask("GET", "/members/number/1")).json()["name"]
    await visitor.open("/customers/1/rename")
    form = visitor.fields("/customers/1/rename")
    names = [old]
    for _ in range(2):
        await visitor.client.post("/customers/1/rename", data=form)
        names.append((await house.shop.ask("GET", "/members/number/1")).json()["name"])
    assert names[1] != old
    assert names[2] == names[1], "the same page sent twice renames once"


async def test_a_customers_page_says_by_what_the_last_orders_came(house: ConsoleShop) -> None:
    await house.shop.order("S1", "bob", "30.00", channel="store")
    await house.shop.order("S2", "bob", "20.00", channel="mobile")
    await house.shop.settle()
    number = (await house.shop.ask("GET", "/members/bob")).json()["number"]
    visitor = await house.signed_in("support")
    for show in ("all", "spent"):
        assert "<li>Orders by app, store, web</li>" in (await visitor.open(f"/customers/{number}?show={show}")).text
    page = await visitor.open(f"/customers/{number}")
    assert re.findall(r"<dt>Ordered by</dt><dd>(\w+)</dd>", page.text) == ["app", "store", "web"]


async def test_what_cannot_be_awarded_is_corrected_by_hand_from_its_page(house: ConsoleShop) -> None:
    visitor = await house.signed_in("operator", "support")
    page = await visitor.open("/work/order?source=shop&id=USD%2F1")
    [link] = map(unescape, re.findall(r'href="(/customers/\d+/correct\?[^"]*)"', page.text))
    page = await visitor.open(link)
    assert "for order USD/1 of shop, which could not be awarded</textarea>" in page.text
    alone = await house.signed_in("operator", name="oisin")
    assert "/correct?" not in (await alone.open("/work/order?source=shop&id=USD%2F1")).text


async def test_a_document_is_tried_again_and_given_up(house: ConsoleShop) -> None:
    visitor = await house.signed_in("operator")
    page = await visitor.open("/work")
    [link] = map(unescape, re.findall(r'href="(/work/order\?[^"]*)"', page.text))
    page = await visitor.open(link)
    assert "25.00 USD" in page.text
    await visitor.send("/work/order", {"step": "retry"})
    assert "It is being tried again." in (await visitor.follow()).text
    assert (await visitor.open(link)).status_code == 404
    await house.shop.settle()
    await visitor.open(link)
    assert "Say why it is given up." in (await visitor.send("/work/order", {"step": "drop"})).text
    await visitor.open(link)
    await visitor.send("/work/order", {"step": "drop", "reason": "came twice"})
    assert "Nothing waits" in (await visitor.follow()).text
    mine = [(row["action"], row["object"]) for row in await rows(house) if row["roles"] == "operator"]
    assert mine[-2:] == [("drop_quarantined", "kind=order source=shop id=USD/1"), ("list_quarantine", "")]
    page = await visitor.open(link)
    assert (page.status_code, "It does not wait here" in page.text) == (404, True), "as from a chat"


async def test_a_message_of_a_queue_is_read_anew(house: ConsoleShop) -> None:
    """It leaves when it is taken, and stays with its reason where nothing was fixed."""
    order = b'{"kind": "order", "order_id": "Q1", "member_id": "ann", "currency": "GBP", "total": "25.00"}'
    refused = [RefusedMessage(origin="queue:till/2", body=body, reason="cut short") for body in (order, b"{")]
    await house.shop.services.ledger.set_aside(refused)
    visitor = await house.signed_in("operator")
    page = await visitor.open("/work")
    sound, broken = map(unescape, re.findall(r'href="(/work/message\?[^"]*)"', page.text))
    await visitor.open(broken)
    page = await visitor.send("/work/message", {"step": "retry"})
    assert (page.status_code, "It stays here." in page.text) == (422, True)
    assert "cut short" in (await visitor.open(broken)).text, "the reason, too"
    assert "Q1" in (await visitor.open(sound)).text
    await visitor.send("/work/message", {"step": "retry"})
    assert "It is being tried again." in (await visitor.follow()).text
    await house.shop.settle()
    assert (await house.shop.ask("GET", "/order/Q1")).json()["status"] == "awarded"
    assert [each.source for each in await house.shop.services.ledger.quarantine(after=0) if each.kind == "message"] == [
        "queue:till/2"
    ]
    tries = [row["outcome"] for row in await rows(house) if row["action"] == "retry_quarantined"]
    assert tries[-2:] == ["refused: invalid-input", "done"]


async def test_health_says_what_is_not_well(house: ConsoleShop) -> None:
    visitor = await house.signed_in("operator")
    is_alone = house.shop.services.ledger.name == "sqlite"
    page = await visitor.open("/health")
    assert ("Nothing awards points here" in page.text) == is_alone, "roles on other hosts are not known"
    house.shop.services.roles.tell("award", RoleState.RUNNING)
    page = await visitor.open("/health")
    assert "All well" in page.text
    assert f"ledger {house.shop.services.ledger.name}" in page.text


async def test_health_says_that_what_came_in_waits(house: ConsoleShop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("laurels.console.views.health.LONG_WAITED", -1)  # as after minutes
    visitor = await house.signed_in("operator")
    assert "What came in has waited" not in (await visitor.open("/health")).text
    await house.shop.order("WAITS", "bob", "1.00")
    assert "What came in has waited since" in (await visitor.open("/health")).text
    await house.shop.settle()


async def test_one_page_is_one_row_in_the_log(house: ConsoleShop) -> None:
    visitor = await house.signed_in("support", name="counter")
    walk = [
        ("/customers/0", 1),
        ("/customers/1", 1),
        ("/customers/0?show=spent", 1),
        ("/customers", 0),
        ("/customers/9", 1),
    ]
    for path, count in walk * 5:
        before = len(await rows(house))
        await visitor.open(path)
        assert len(await rows(house)) - before == count, path
    visitor = await house.signed_in("auditor", name="rex")
    page = await visitor.open("/log?sub=counter")
    assert page.text.count("<td>counter") == 20
    today = datetime.fromtimestamp(house.shop.services.now() // SECOND, ZoneInfo("Europe/London")).date()
    for days, count in ((f"since={today}", 20), (f"until={today}", 0), (f"until={today + timedelta(days=1)}", 20)):
        assert (await visitor.open(f"/log?sub=counter&{days}")).text.count("<td>counter") == count, days
    assert (await rows(house))[-1]["sub"] == "rex"


async def test_with_the_ledger_away_no_customer_is_shown(tmp_path: Any) -> None:
    async with open_console_shop(tmp_path) as house:
        visitor = await house.signed_in("support", "operator")
        assert "ann" in (await visitor.open("/customers/0")).text
        await house.shop.services.ledger.close()
        page = await visitor.open("/customers/0")
        assert page.status_code == 503
        assert "The ledger is away" in page.text
        assert not re.search(r"\b(ann|A1|990)\b", page.text)
        page = await visitor.open("/health")
        assert (page.status_code, "The ledger does not answer" in page.text) == (200, True)


async def test_what_is_not_there_is_said_and_an_erased_customer_is_a_number(house: ConsoleShop) -> None:
    visitor = await house.signed_in("lead")
    for path in ("/customers/4711", "/customers/x", "/customers/-1", "/customers/99999999999999999999", "/nothing"):
        assert (await visitor.open(path)).status_code == 404, path
    await house.shop.order("A90", "zed@example.org", "30.00")
    await house.shop.settle()
    number = (await house.shop.ask("GET", "/members/zed@example.org")).json()["number"]
    await house.shop.ask("DELETE", "/members/zed@example.org")
    page = await visitor.open(f"/customers/{number}")
    assert "Erased customer" in page.text
    assert "zed" not in page.text
    assert (await visitor.open(f"/customers/{number}/correct")).status_code == 409
