"""What no browser sends, to who may not even be signed in: cookies that are none, forms that are none, tokens that are
none. Each is refused as what it is, nothing of it is an error of ours, and nothing of it is kept.
"""

from base64 import b64decode, b64encode
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st
from litestar import _parsers as parsers
from structlog.testing import capture_logs
from tests.console.console_shop import BASE, ConsoleShop, Visitor, open_console_shop

from laurels.console.requests import MOST_FIELDS, MOST_OF_A_STRANGER
from laurels.console.session_cookies import SessionCookies

pytestmark = pytest.mark.anyio

COOKIE, TOKEN = "laurels-console-8100", "laurels-console-8100-csrf"
FORM = "application/x-www-form-urlencoded"
NO_ORIGINS = ("http://[", "http://[::1", "http://a]b", "null", "http://\u2100.example", "https://elsewhere.example")
AAD = b"additional_authenticated_data="


@pytest.fixture(scope="module")
async def console(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ConsoleShop]:
    async with open_console_shop(tmp_path_factory.mktemp("state")) as console:
        yield console


@pytest.mark.parametrize("origin", NO_ORIGINS)
async def test_another_origin_is_another_whatever_it_is(console: ConsoleShop, origin: str) -> None:
    visitor = await console.signed_in("lead")
    await visitor.open("/customers")
    form = {**visitor.fields("/customers"), "q": "ann"}
    for name, status in (("origin", 403), ("referer", 303)):
        answer = await visitor.client.post("/customers", data=form, headers={name.encode(): origin.encode()})
        assert answer.status_code == status, (name, origin)


def part(head: str, content: bytes = b"x") -> bytes:
    return b"--x\r\n" + head.encode("latin-1") + b"\r\n\r\n" + content + b"\r\n--x--\r\n"


NO_FORMS: dict[str, tuple[str, bytes]] = {
    "a charset that there is not": (
        "multipart/form-data; boundary=x",
        part('Content-Disposition: form-data; name="q"\r\nContent-Type: text/plain; charset=nonsense'),
    ),
    "a charset that is no text": (
        "multipart/form-data; boundary=x",
        part('Content-Disposition: form-data; name="q"\r\nContent-Type: text/plain; charset=hex'),
    ),
    "bytes that are no text": (
        "multipart/form-data; boundary=x",
        part('Content-Disposition: form-data; name="q"', b"\xff\xed\xa0\x80"),
    ),
    "a part without a name": ("multipart/form-data; boundary=x", part("Content-Type: text/plain")),
    "a head that is none": ("multipart/form-data; boundary=x", part("nothing")),
    "a boundary in letters": ("multipart/form-data; boundary=\xff", part("nothing")),
    "too many fields": (FORM, b"&".join(b"%x=" % number for number in range(MOST_FIELDS + 1))),
}


@pytest.mark.parametrize("what", NO_FORMS)
async def test_what_is_no_form_is_told_so(console: ConsoleShop, what: str) -> None:
    kind, content = NO_FORMS[what]
    visitors = console.visitor("lead"), await console.signed_in("lead")
    with capture_logs() as logs:
        for visitor in visitors:
            await visitor.open("/sign-in")
            token = visitor.client.cookies[TOKEN]
            for path in ("/customers", "/corrections", "/sign-in"):
                for more in ({}, {b"x-csrftoken": token.encode()}):
                    headers = {b"content-type": kind.encode("latin-1"), **more}
                    answer = await visitor.client.post(path, content=content, headers=headers)
                    assert answer.status_code == 400, (path, more)
                    assert "Nothing was changed" in answer.text
    assert not logs


async def test_of_a_stranger_no_more_is_read_than_what_can_be_written_by_hand(console: ConsoleShop) -> None:
    """A file is taken of who signed in; of whom else, its first bytes alone are more than anybody looks at."""
    stranger, visitor = console.visitor("lead"), await console.signed_in("lead")
    await stranger.open("/sign-in")
    for who, is_read in ((stranger, False), (visitor, True)):
        token = {"_csrf_token": who.client.cookies[TOKEN]}
        for size in (MOST_OF_A_STRANGER // 2, MOST_OF_A_STRANGER * 2):
            asked: list[int] = []

            async def pieces(size: int = size, asked: list[int] = asked) -> AsyncIterator[bytes]:
                asked.append(size)
                yield b"x" * size

            files = {"file": ("a.csv", b"x" * size, "text/csv")}
            form = who.client.build_request("POST", "/corrections", data=token, files=files)
            headers = {"content-type": form.headers["content-type"]}
            length = {"content-length": form.headers["content-length"]}
            for more in (length, {"transfer-encoding": "chunked"}):
                answer = await who.client.post("/corrections", content=pieces(), headers={**headers, **more})
                assert answer.status_code in {400, 403}
            assert len(asked) == 2 * is_read + (size < MOST_OF_A_STRANGER and not is_read)


TOKENS = ("\u00e9" * 200, "0" * 128, "", "x", "\ud7ff" * 70)


@pytest.mark.parametrize("token", TOKENS)
async def test_what_is_no_token_is_none_wherever_it_stands(console: ConsoleShop, token: str) -> None:
    visitor = await console.signed_in("lead")
    good = visitor.client.cookies[TOKEN]
    session = visitor.client.cookies[COOKIE]
    for sent, header, cookie in ((token, None, good), (None, token, good), (good, None, token)):
        form = {"q": "ann", **({} if sent is None else {"_csrf_token": sent})}
        headers = {b"content-type": FORM.encode(), b"cookie": f"{COOKIE}={session}; {TOKEN}={cookie}".encode()}
        if header is not None:
            headers[b"x-csrftoken"] = header.encode()
        answer = await visitor.client.post("/customers", content=urlencode(form), headers=headers)
        assert (answer.status_code, "too old" in answer.text) == (403, True)
    files = {"_csrf_token": ("a.csv", b"x", "text/csv")}
    answer = await visitor.client.post("/customers", files=files)
    assert (answer.status_code, "too old" in answer.text) == (403, True)


async def test_a_token_that_can_never_count_is_replaced(console: ConsoleShop) -> None:
    """As after the console was given another key: who loads the page anew can send its form."""
    visitor = await console.signed_in("lead")
    visitor.client.cookies.set(TOKEN, "0" * 128, domain="127.0.0.1", path="/")
    await visitor.open("/customers")
    answer = await visitor.send("/customers", {"q": "ann"})
    assert answer.status_code == 303


def sealed(text: bytes) -> str:
    return b64encode(bytes(12) + b"x" * 20 + AAD + text).decode()


NO_SESSIONS = (
    "garbage",
    "",
    "A",
    b64encode(AAD).decode(),
    b64encode(AAD + b'{"expires_at":9999999999}').decode(),
    b64encode(b"abc" + AAD + b'{"expires_at":9999999999}').decode(),
    *map(
        sealed, (b"", b"{}", b"[]", b"null", b"{", b'{"expires_at":"x"}', b'{"expires_at":null}', b"[" * 5000, b"\xff")
    ),
    sealed(b'{"expires_at":9999999999}'),
)


async def is_signed_in(visitor: Visitor, cookies: str) -> bool:
    answer = await visitor.client.get("/customers", headers={b"cookie": cookies.encode()})
    assert answer.status_code in {200, 303}, cookies
    return answer.status_code == 200


@pytest.mark.parametrize("cookie", NO_SESSIONS)
async def test_a_cookie_that_is_none_is_nobody(console: ConsoleShop, cookie: str) -> None:
    visitor = console.visitor("lead")
    with capture_logs() as logs:
        assert not await is_signed_in(visitor, f"{COOKIE}={cookie}")
        assert not await is_signed_in(visitor, f"{COOKIE}-0={cookie}; {COOKIE}-1={cookie}")
    assert not logs


async def test_a_piece_of_a_cookie_is_nobody(console: ConsoleShop) -> None:
    visitor = await console.signed_in("lead")
    whole = visitor.client.cookies[COOKIE].strip('"')
    assert await is_signed_in(visitor, f"{COOKIE}={whole}")
    assert await is_signed_in(visitor, f"{COOKIE}-0={whole[:80]}; {COOKIE}-1={whole[80:]}")
    for end in range(1, len(whole)):
        assert not await is_signed_in(visitor, f"{COOKIE}={whole[:-end]}")
        assert not await is_signed_in(visitor, f"{COOKIE}={whole[end:]}")


async def test_another_consoles_cookie_at_this_host_signs_nobody_out(console: ConsoleShop) -> None:
    """Cookies know no ports, and a console at the usual one bears no port in its cookie's name."""
    visitor = await console.signed_in("lead")
    cookies = f"{COOKIE}={visitor.client.cookies[COOKIE]}; {COOKIE}-8443={visitor.client.cookies[COOKIE]}"
    assert await is_signed_in(visitor, cookies)


@given(st.binary(max_size=200), st.booleans())
def test_whatever_a_cookie_holds_it_is_read_or_none(held: bytes, is_like_ours: bool) -> None:
    config = SessionCookies(secret=bytes(32), key="k")
    backend = config._backend_class(config)
    assert backend.load_data([b64encode(held + (AAD + held if is_like_ours else b""))]) == {}
    assert backend.load_data([held]) == {}


@given(st.dictionaries(st.text(max_size=9), st.text(max_size=99), max_size=5), st.data())
def test_what_was_put_in_comes_out_and_nothing_of_it_when_it_was_changed(said: dict[str, Any], data: Any) -> None:
    config = SessionCookies(secret=bytes(32), key="k")
    backend = config._backend_class(config)
    [whole] = backend.dump_data(said)
    assert backend.load_data([whole]) == said
    raw = bytearray(b64decode(whole))
    place = data.draw(st.integers(0, len(raw) - 1))
    raw[place] ^= data.draw(st.integers(1, 255))
    assert backend.load_data([b64encode(raw)]) == {}


async def test_nothing_that_is_sent_is_kept(tmp_path: Path) -> None:
    """The framework would keep the last thousand of each, of whatever size, and of whoever was erased since."""
    kept = (parsers.parse_cookie_string, parsers.parse_query_string, parsers.parse_url_encoded_form_data)
    async with open_console_shop(tmp_path) as console:
        before = [each.cache_info().currsize for each in kept]
        visitor = await console.signed_in("lead")
        await visitor.find("ann")
        await visitor.open("/customers?show=x&from=y")
        stranger = console.visitor("lead")
        await stranger.open("/nothing?a=b", cookie="a=b")
        await stranger.client.post("/customers?a=b", data={"q": "x"}, headers={"origin": BASE})
        assert [each.cache_info().currsize for each in kept] == before


@pytest.mark.parametrize(
    "path", ["//log", "/log/", "//", "/%6cog", "/customers//0", "/customers/0/", "/static//console.css"]
)
async def test_a_path_has_one_spelling(console: ConsoleShop, path: str) -> None:
    """A rule of a proxy in front is no rule where Laurels takes another spelling for the same page."""
    for visitor in (console.visitor("lead"), await console.signed_in("lead", "auditor")):
        answer = await visitor.client.send(visitor.client.build_request("GET", BASE + path))
        assert (answer.status_code, "Not found" in answer.text) == (404, True)


async def test_two_hosts_are_none(console: ConsoleShop) -> None:
    visitor = await console.signed_in("lead")
    headers = [("Host", "127.0.0.1"), ("Host", "elsewhere.example")]
    for path in ("/customers", "/sign-in", "/healthz", "/static/console.css"):
        assert (await visitor.client.get(path, headers=headers)).status_code == 400, path
    assert (await visitor.client.get("/customers")).status_code == 200
