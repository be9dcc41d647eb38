"""The console in hurried hands and in hostile ones: what is pasted, typed into addresses, sent twice or by halves, and
what stands between it and Laurels. Nothing of it breaks a page, changes anything, or says what is not so.
"""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from litestar.types import Receive, Scope, Send
from structlog.testing import capture_logs
from tests.console.console_shop import BASE, ConsoleShop, Visitor, open_console_shop

from laurels.clock import MINUTE
from laurels.console import client_of, words
from laurels.console.transports import Answer, Pairs, Transport, _Closing
from laurels.console.views.texts import one_line, unseen_removed

pytestmark = pytest.mark.anyio

NUMBERS = ("-1", "007", "1e3", "2147483647", "2147483648", "9223372036854775808", "9" * 60, "9" * 70, "%00", "0%00")
ODD = ("%D9%A3", "%2e%2e", "..%2f..%2faudit", "%F0%9F%8E%81", "%E2%80%AE0", "0%20", "%20", "-", "%2525")


@pytest.fixture(scope="module")
async def console(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ConsoleShop]:
    async with open_console_shop(tmp_path_factory.mktemp("state")) as console:
        yield console


@pytest.mark.parametrize("number", [*NUMBERS, *ODD])
async def test_a_number_that_is_nobodys_is_not_found(console: ConsoleShop, number: str) -> None:
    await check_not_found(console, number)


@pytest.mark.long
async def test_nor_on_a_server(tmp_path: Path, ledger: str | None) -> None:
    if ledger is None:
        return
    async with open_console_shop(tmp_path, ledger_url=ledger) as console:
        for number in NUMBERS:
            await check_not_found(console, number)


async def check_not_found(console: ConsoleShop, number: str) -> None:
    visitor = await console.signed_in("lead", "operator")
    for path in ("/customers/{}", "/customers/{}/correct", "/customers/{}/merge", "/jobs/{}", "/proposals/{}"):
        answer = await visitor.open(path.format(number))
        assert answer.status_code == 404 or number == "007", (path, answer.status_code)
    token = {"_csrf_token": await token_of(visitor)}
    answer = await visitor.client.post(f"/customers/{number}/hide", data=token)
    assert answer.status_code == 404 or number == "007"


async def token_of(visitor: Visitor) -> str:
    await visitor.open("/customers")
    return visitor.fields("/sign-out")["_csrf_token"]


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/customers/0?before=x", 422),
        ("/customers/0?show=nothing&entry=%00&done=%F0%9F%8E%81", 200),
        ("/log?member=99999999999", 422),
        ("/log?since=yesterday", 422),
        ("/log?since=0001-01-01&until=9999-12-31", 422),
        ("/work?after=%00", 422),
        ("/work?reason=%22%3E%3Cscript%3E", 200),
        ("/jobs?before=-1", 422),
        ("/finance?from=0001-01-01&to=9999-12-31", 200),
        ("/finance?from=2026-W01-1&to=99", 200),
        ("/campaigns?month=0000-00", 200),
        ("/campaigns?month=2099-12", 200),
        ("/boards?board=..", 404),
        ("/boards?board=" + "x" * 3000, 414),
        ("/messages?state=%00", 200),
        ("/overview?period=9999999m&basis=%00", 200),
        ("/finance/liability?at=2026-02-30", 422),
        ("/people?after=%F0%9F%8E%81", 200),
        ("/people?after=1&after=2", 422),
        ("/customers/0/give-back?redemption=%00&source=%2F&points=-1", 422),
        ("/customers/0/correct?points=%F0%9F%8E%81&reason=%E2%80%AE&until=x", 200),
    ],
)
async def test_an_address_with_nonsense_is_answered(console: ConsoleShop, path: str, status: int) -> None:
    visitor = await console.signed_in("lead", "operator", "auditor", "finance", "program")
    answer = await visitor.open(path)
    assert answer.status_code == status, answer.text
    assert "<script>" not in answer.text
    assert "Something went wrong" not in answer.text
    assert "Not done" not in answer.text.partition("<main")[2]  # nothing was to be done
    assert "regex" not in answer.text


async def test_what_is_no_form_changes_nothing(console: ConsoleShop) -> None:
    visitor = await console.signed_in("lead")
    token = await token_of(visitor)
    header = {"x-csrftoken": token}
    for path in ("/customers/0/correct", "/customers/0/erase", "/corrections", "/customers"):
        for content, kind in (
            (b"", None),
            (b"", "application/x-www-form-urlencoded"),
            (b'{"step": "do", "points": 5}', "application/json"),
            (b"\xff\xfe\x00", "application/x-www-form-urlencoded; charset=utf-16"),
            (b"--x\r\n", "multipart/form-data; boundary=x"),
            (b"no boundary at all", "multipart/form-data"),
            (b"%", "application/x-www-form-urlencoded"),
            (b"step=do&" * 2000, "application/x-www-form-urlencoded"),
        ):
            headers = {**header, **({"content-type": kind} if kind else {})}
            answer = await visitor.client.post(path, content=content, headers=headers)
            assert answer.status_code in {303, 400, 403, 422}, (path, content, kind, answer.status_code)
            without = await visitor.client.post(path, content=content, headers={"content-type": kind} if kind else {})
            assert without.status_code in {400, 403}, (path, content, kind)
    customer = (await console.shop.ask("GET", "/members/number/0")).json()
    assert (customer["state"], customer["balance"]) == ("enrolled", 79)


async def test_other_methods_are_told_which_there_are(console: ConsoleShop) -> None:
    visitor = await console.signed_in("lead")
    for method in ("HEAD", "PUT", "DELETE", "PATCH", "TRACE"):
        answer = await visitor.client.request(method, "/customers")
        assert answer.status_code == 405, method
        assert {"GET", "POST"} <= {each.strip() for each in answer.headers["allow"].split(",")}
    stranger = console.visitor("lead")
    asked = await stranger.client.request("OPTIONS", "/customers/0")
    assert (asked.status_code, "ann" in asked.text) == (204, False)


async def test_more_than_a_page_takes_is_refused(console: ConsoleShop) -> None:
    visitor = await console.signed_in("lead")
    form = {"_csrf_token": await token_of(visitor), "points": "5", "reason": "x" * 100_000}
    answer = await visitor.client.post("/customers/0/correct", data=form)
    assert (answer.status_code, "larger than this page takes" in answer.text) == (413, True)


@pytest.mark.parametrize("reason", ["ticket 7\r\nsecond line\ttab", "parcel 🎁 late", "\u202eevil\u202c", "a\u200bb"])
async def test_a_reason_is_kept_as_it_was_written(console: ConsoleShop, reason: str) -> None:
    visitor = await console.signed_in("lead")
    path = "/customers/1/correct"
    await visitor.open(path)
    page = await visitor.send(path, {"points": "1", "reason": reason, "note": reason})
    assert page.status_code == 200, page.text
    assert visitor.fields(path)["reason"] == one_line(reason)
    assert (await visitor.send(path, {"step": "do"})).status_code == 303
    assert one_line(reason) in (await visitor.follow()).text
    newest = (await console.shop.ask("GET", "/members/number/1/timeline?limit=1")).json()["entries"][0]
    assert (newest["reason"], newest["note"]) == (one_line(reason), one_line(reason))


@pytest.mark.parametrize("reason", ["x" * 501, "4111 1111 1111 1111", "\x00"])
async def test_a_reason_that_is_not_kept_is_said_beside_its_field(console: ConsoleShop, reason: str) -> None:
    visitor = await console.signed_in("lead")
    await visitor.open("/customers/1/correct")
    page = await visitor.send("/customers/1/correct", {"points": "1", "reason": reason})
    assert (page.status_code, 'id="reason-fault"' in page.text) == (422, True)


@pytest.mark.parametrize(
    "pasted", [" A1 ", "\u00a0A1\u00a0", "\u200bA1", "\ufeffA1\u200e", "\u2068A1\u2069", "A1\r\n", "\tann\u2060"]
)
async def test_what_is_pasted_is_found(console: ConsoleShop, pasted: str) -> None:
    visitor = await console.signed_in("support")
    answer = await visitor.find(pasted)
    assert (answer.status_code, answer.headers["location"].partition("?")[0]) == (303, "/customers/0")


@pytest.mark.parametrize("sought", ["\u202e", "' OR 1=1 --", "%", "_nn", "*", "\x00", "🎁", "x" * 5000, "<b>"])
async def test_a_search_for_nonsense_finds_nothing(console: ConsoleShop, sought: str) -> None:
    visitor = await console.signed_in("support")
    answer = await visitor.find(sought)
    assert (answer.status_code, "<b>" in answer.text) == (200, False)
    assert "Nothing found" in answer.text or str(answer.url) == f"{BASE}/customers", "nothing was left of it"


def test_unseen_characters_go_and_seen_ones_stay() -> None:
    assert unseen_removed("\u2066 o'brien@example.ie\u2069\u200b") == "o'brien@example.ie"
    assert unseen_removed("Order 00001-001") == "Order 00001-001"
    assert one_line("a\r\n\tb\u00a0 c\x7f") == "a b c"


HEADER = b"member_id,points,reason\n"
FILES = {
    "a workbook": b"PK\x03\x04" + bytes(200),
    "an old workbook": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(512),
    "nothing": b"\n",
    "a header alone": HEADER,
    "a zero byte": HEADER + b"ann,5,a\x00b\n",
    "zero bytes": bytes(1000),
    "half of UTF-16": b"\xff\xfea\x00b",
    "UTF-16 without a mark": "member_id,points,reason\nann,5,x\n".encode("utf-16-le"),
    "a long cell": HEADER + b"ann,5," + b"x" * 200_000 + b"\n",
    "a long id": b"member_id\n" + b"x" * 200_000 + b"\n",
    "many columns": b"," * 100_000 + b"\n" + b"," * 100_000 + b"\n",
    "an open quote": HEADER + b'ann,5,"never closed\n',
    "a column twice": b"member_id,points,points,reason\nann,5,6,x\n",
    "a formula as id": HEADER + b"=1+1,5,x\n",
    "a picture": b"\x89PNG\r\n\x1a\n" + bytes(range(256)),
    "HTML": b"<html><body><table><tr><td>member_id</td></tr></table>",
    "JSON": b'[{"member_id": "ann", "points": 5}]',
}


@pytest.mark.parametrize("to", ["/corrections", "/erasures"])
@pytest.mark.parametrize("what", FILES)
async def test_a_file_that_is_none_is_told_in_a_line(console: ConsoleShop, to: str, what: str) -> None:
    visitor = await console.signed_in("lead")
    await visitor.open(to)
    fields = {"_csrf_token": visitor.fields(to)["_csrf_token"]}
    files = {"file": ("rows.csv", FILES[what], "text/csv")}
    answer = await visitor.client.post(to, data=fields, files=files)
    assert answer.status_code in {200, 422}, answer.text
    if answer.status_code == 422:
        assert "Nothing was changed." in answer.text
        told = answer.text.partition('role="alert">')[2].partition("</p>")[0]
        assert 0 < len(told) < 600, told
        assert "Traceback" not in told
    assert (await console.shop.ask("GET", "/members/number/0")).json()["state"] == "enrolled"


def test_whatever_is_written_into_a_form_is_shown_to_who_was_signed_out() -> None:
    confirmed = {"typed", "version"}  # what a page shows, typed once more
    chosen = {"file", "board", "quiet"}
    fields: set[str] = set()
    for template in files("laurels.console").joinpath("templates").iterdir():
        for form in re.findall(r'<form[^>]*method="post".*?</form>', template.read_text("utf-8"), re.DOTALL):
            written = re.findall(r'<(?:input|textarea)(?![^>]*\bhidden\b)[^>]* name="(\w+)"', form)
            written += re.findall(r'{{ day\("(\w+)"', form)
            assert {*written} <= {*words.WRITTEN} | confirmed | chosen, template
            fields |= {*written}
    assert fields >= {*words.WRITTEN}, "and each is written into some form"


async def test_a_form_that_is_too_old_is_not_lost(console: ConsoleShop) -> None:
    visitor = await console.signed_in("support")
    await visitor.open("/customers/0/correct")
    form = visitor.fields("/customers/0/correct") | {"points": "5", "reason": "a <long> story"}
    for origin, is_shown in ((BASE, True), ("https://elsewhere.example", False)):
        visitor.client.cookies.delete("laurels-console-8100-csrf")
        answer = await visitor.client.post("/customers/0/correct", data=form, headers={"origin": origin})
        assert (answer.status_code, "too old" in answer.text) == (403, True)
        assert ("a &lt;long&gt; story" in answer.text) is is_shown, "no words of another site's"
        await visitor.open("/customers")


async def test_a_form_of_who_was_signed_out_is_not_lost(tmp_path: Path) -> None:
    async with open_console_shop(tmp_path) as console:
        at = [console.shop.services.now()]
        console.shop.services.__dict__["now"] = lambda: at[0]
        console.tokens._now = console.shop.services.now
        visitor = await console.signed_in("lead")
        await visitor.open("/customers/0/hide")
        form = visitor.fields("/customers/0/hide")
        at[0] += 31 * MINUTE
        answer = await visitor.client.post("/customers/0/hide", data=form)
        assert (answer.status_code, "You are signed out" in answer.text) == (403, True)
        assert "Nothing was changed" in answer.text
        written = {"points": "50", "reason": "a <long> story", "note": "Sorry"}
        token = {name: form[name] for name in ("_csrf_token",)}
        answer = await visitor.client.post("/customers/0/correct", data={**token, **written})
        assert answer.status_code == 403
        assert "a &lt;long&gt; story" in answer.text, "to be copied"
        assert "ann" not in answer.text
        assert not (await console.shop.ask("GET", "/members/number/0")).json()["hidden"]


class ZoneTold(_Closing):
    """A road on which the shop's zone was told, so that forms are taken."""

    def __init__(self, road: Transport) -> None:
        self._road = road

    async def ask(self, method: str, path: str, query: str, headers: Pairs, body: bytes) -> Answer:
        if path == "/time-zone":
            return Answer(200, "application/json", "r1", b'{"time_zone": "Europe/London"}')
        return await self._road.ask(method, path, query, headers, body)

    async def aclose(self) -> None:
        await self._road.aclose()


@asynccontextmanager
async def before_a(console: ConsoleShop, api: Any) -> AsyncIterator[Visitor]:
    """Somebody at a console that asks its API there."""
    kept, console.api = console.api, ZoneTold(client_of(api))
    try:
        visitor = await console.signed_in("lead", "operator", "finance")
        yield visitor
    finally:
        await console.api.aclose()
        console.api = kept


def gateway(status: int, kind: bytes, body: bytes) -> Any:
    """What some proxies answer in place of what is behind them."""

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": status, "headers": [(b"content-type", kind)]})
        await send({"type": "http.response.body", "body": body, "more_body": False})

    return answer


@pytest.mark.parametrize(
    ("status", "kind", "body"),
    [
        (502, b"text/html", b"<h1>Bad Gateway</h1>"),
        (520, b"text/html", b""),
        (504, b"application/json", b"[1, 2]"),
        (302, b"text/html", b""),
        (429, b"text/html", b"slow down"),
        (403, b"application/json", b'"no"'),
        (413, b"text/html", b""),
        (503, b"application/problem+json", b"[" * 20_000),
    ],
)
async def test_what_stands_before_laurels_breaks_no_page(
    console: ConsoleShop, status: int, kind: bytes, body: bytes
) -> None:
    async with before_a(console, gateway(status, kind, body)) as visitor:
        page = await visitor.open("/customers/0")
        assert page.status_code >= 400
        assert "Something went wrong" not in page.text
        assert "<h1>Bad" not in page.text
        token = {"_csrf_token": await after_health(visitor)}
        sent = await visitor.client.post("/work/retry-all", data=token)
        if status in {502, 520, 504, 302}:
            assert (sent.status_code, "may be done or not" in sent.text) == (503, True)
            assert "Nothing was changed" not in sent.text


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        (b"text/html", b"<h1>Sign in at the office</h1>"),
        (b"application/json", b"<h1>"),
        (b"text/plain", b"{}"),
        (b"", b""),
    ],
)
async def test_a_page_in_place_of_laurels_is_no_answer(console: ConsoleShop, kind: bytes, body: bytes) -> None:
    """What stands before Laurels answers as if all were well."""
    async with before_a(console, gateway(200, kind, body)) as visitor:
        for path in ("/customers/0", "/work", "/finance", "/finance.csv"):
            page = await visitor.open(path)
            assert (page.status_code, "Sign in at" in page.text) == (503, False), path
        token = {"_csrf_token": await after_health(visitor)}
        sent = await visitor.client.post("/work/retry-all", data=token)
        assert (sent.status_code, "may be done or not" in sent.text) == (503, True)


async def test_a_console_whose_key_is_not_known_says_whose_setting_that_is(console: ConsoleShop) -> None:
    problem = b'{"type": "/problems/not-signed-in", "detail": "This token is of nobody."}'
    async with before_a(console, gateway(401, b"application/problem+json", problem)) as visitor:
        assert "auth.console_keys" in (await visitor.open("/customers/0")).text


async def test_what_nobody_foresaw_is_logged(console: ConsoleShop) -> None:
    with capture_logs() as logs:
        async with before_a(console, gateway(200, b"application/json", b'{"secret": "ann"}')) as visitor:
            page = await visitor.open("/work")
    assert (page.status_code, "was logged" in page.text) == (500, True)
    [line] = [line for line in logs if line["event"] == "console.failed"]
    assert line["route"] == "/work"
    assert "ann" not in str(line)


async def after_health(visitor: Visitor) -> str:
    await visitor.open("/health")
    return visitor.fields("/sign-out")["_csrf_token"]


async def test_a_change_whose_answer_never_came_is_not_said_to_be_undone(console: ConsoleShop) -> None:
    """The API is cut off behind the request; and it is not there at all."""

    async def cut(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(cut, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server, before_a(console, f"http://127.0.0.1:{port}") as visitor:
        token = {"_csrf_token": await after_health(visitor)}
        looked = await visitor.open("/customers/0")
        assert (looked.status_code, "Nothing was changed" in looked.text) == (503, True)
        sent = await visitor.client.post("/work/retry-all", data=token)
        assert (sent.status_code, "may be done or not" in sent.text) == (503, True)
        assert "Nothing was changed" not in sent.text
    async with before_a(console, f"http://127.0.0.1:{port}") as visitor:
        token = {"_csrf_token": await after_health(visitor)}
        sent = await visitor.client.post("/work/retry-all", data=token)
        assert (sent.status_code, "Nothing was changed" in sent.text) == (503, True)


async def test_a_call_that_hangs_holds_nobody_for_ever(console: ConsoleShop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("laurels.console.client.LOOK_WITHIN_S", 0.05)
    monkeypatch.setattr("laurels.console.client.CHANGE_WITHIN_S", 0.05)

    async def hang(scope: Scope, receive: Receive, send: Send) -> None:
        await asyncio.Event().wait()

    async with before_a(console, hang) as visitor:
        looked = await asyncio.gather(*(visitor.client.get("/customers/0") for _ in range(20)))
        assert {answer.status_code for answer in looked} == {503}
        token = {"_csrf_token": await after_health(visitor)}
        sent = await visitor.client.post("/work/retry-all", data=token)
        assert (sent.status_code, "may be done or not" in sent.text) == (503, True)


async def test_two_tabs_with_one_form_are_two_corrections_and_one_tab_twice_is_one(console: ConsoleShop) -> None:
    visitor, path = await console.signed_in("lead"), "/customers/1/correct"
    forms = []
    for _ in range(2):
        await visitor.open(path)
        await visitor.send(path, {"points": "3", "reason": "ticket 7"})
        forms.append({**visitor.fields(path), "step": "do"})
    before = (await console.shop.ask("GET", "/members/number/1")).json()["balance"]
    answers = await asyncio.gather(*(visitor.client.post(path, data=form) for form in forms * 3))
    assert {answer.status_code for answer in answers} == {303}
    assert (await console.shop.ask("GET", "/members/number/1")).json()["balance"] == before + 6


async def test_a_long_address_is_answered(console: ConsoleShop) -> None:
    visitor = await console.signed_in("lead")
    assert (await visitor.open("/" + "x" * 8000)).status_code == 404
    assert (await visitor.open(f"/customers?{quote('x' * 8000)}=1")).status_code == 200
