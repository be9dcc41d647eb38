"""Sign-in by OpenID Connect: what lets nobody in, and what is refused before anybody comes."""

import re
from contextlib import suppress
from html import unescape
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
from tests.clocks import RunningClock
from tests.console.console_shop import BASE, ConsoleShop
from tests.console.oidc_visitors import (  # noqa: F401 - fixtures
    at_console,
    come_back,
    console_with_a_shop,
    is_let_in,
    niamhs_provider,
    settable_now,
    settings_of,
    walk,
)
from tests.integration.identity_provider import IdentityProvider, send
from tests.settings import settings_with

from laurels import clock
from laurels.clock import SECOND
from laurels.console.entry import CHECKED_FOR
from laurels.console.oidc import PENDING
from laurels.errors import SettingsError
from laurels.runtime.console import check_addresses, oidc_client, serve_console

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    "changed",
    [
        {"state": "another"},
        {"state": None},
        {"code": "another"},
        {"code": None},
        {"iss": "https://another.example.com"},
        {"error": "access_denied"},
    ],
    ids=str,
)
async def test_an_answer_that_is_not_as_it_has_to_be_lets_nobody_in(
    console: ConsoleShop, provider: IdentityProvider, now: RunningClock, tmp_path: Path, changed: dict[str, str | None]
) -> None:
    async with at_console(console, provider, now, tmp_path) as visitors:
        visitor = visitors()
        answer = await come_back(visitor, **changed)
        assert (answer.status_code, await is_let_in(visitor)) == (403, False)


async def test_a_provider_that_says_who_it_is_always_does(
    console: ConsoleShop, provider: IdentityProvider, now: RunningClock, tmp_path: Path
) -> None:
    """What another provider sent bears no name, or another one (RFC 9207)."""
    provider.configured = {"authorization_response_iss_parameter_supported": True}
    async with at_console(console, provider, now, tmp_path) as visitors:
        assert (await come_back(visitors())).status_code == 303
        assert (await come_back(visitors(), iss=None)).status_code == 403
        assert (await come_back(visitors(), iss="")).status_code == 403


@pytest.mark.parametrize(
    "claims",
    [
        {"nonce": "another"},
        {"nonce": None},
        {"iss": "https://another.example.com"},
        {"aud": "another"},
        {"aud": ["console", "another"], "azp": "another"},
        {"aud": ["console", "another"]},
        {"exp": 1},
        {"exp": None},
        pytest.param({"iat": clock.now() // SECOND + 3600}, id="iat in an hour"),
        {"sub": None},
        {"sub": "a\nb"},
        {"sub": "x" * 300},
    ],
    ids=str,
)
async def test_a_token_that_is_not_as_it_has_to_be_lets_nobody_in(
    console: ConsoleShop, provider: IdentityProvider, now: RunningClock, tmp_path: Path, claims: dict[str, Any]
) -> None:
    provider.claims = claims
    async with at_console(console, provider, now, tmp_path) as visitors:
        visitor = visitors()
        answer = await walk(visitor, "/sign-in/begin")
        assert (answer.status_code, await is_let_in(visitor)) == (403, False)


@pytest.mark.parametrize(
    ("part", "again"),
    [
        (0, '"kid": "first"'),
        (0, '"alg": "EdDSA"'),
        (1, '"sub": "u-1"'),
        (1, '"groups": ["loyalty-leads"]'),
        (1, '"gr\\u006fups": ["loyalty-leads"]'),
        (1, '"more": {"a": 1, "a": 2}'),
    ],
    ids=str,
)
async def test_a_token_with_a_key_twice_lets_nobody_in(
    console: ConsoleShop, provider: IdentityProvider, tmp_path: Path, part: int, again: str
) -> None:
    """Two readers would see two people, or one with other roles, in what the provider signed."""

    def rewrite(*texts: str) -> tuple[str, str]:
        header, claims = (f"{text[:-1]}, {again}}}" if at == part else text for at, text in enumerate(texts))
        return header, claims

    async with at_console(console, provider, RunningClock(), tmp_path) as visitors:
        provider.rewrite = lambda *texts: texts
        known = visitors()
        await walk(known, "/sign-in/begin")
        assert await is_let_in(known), "nothing twice"
        provider.rewrite = rewrite
        visitor = visitors()
        answer = await walk(visitor, "/sign-in/begin")
        assert (answer.status_code, await is_let_in(visitor)) == (403, False)


async def test_who_is_known_and_has_no_role_is_told_so(
    console: ConsoleShop, provider: IdentityProvider, now: RunningClock, tmp_path: Path
) -> None:
    provider.person = {"sub": "u-2", "groups": "loyalty-support-not", "realm": "audit"}
    async with at_console(console, provider, now, tmp_path) as visitors:
        visitor = visitors()
        answer = await walk(visitor, "/sign-in/begin")
        assert (answer.status_code, "gives you no role here" in answer.text) == (403, True)
        assert not await is_let_in(visitor)


async def test_an_answer_counts_once_and_for_ten_minutes(
    console: ConsoleShop, provider: IdentityProvider, now: RunningClock, tmp_path: Path
) -> None:
    async with at_console(console, provider, now, tmp_path) as visitors:
        visitor = visitors()
        assert (await come_back(visitor)).status_code == 303
        assert visitor.page is not None
        again = str(visitor.page.url).removeprefix(BASE)
        assert (await visitor.open(again)).status_code == 403
        visitor = visitors()
        begun = await visitor.open("/sign-in/begin")
        async with httpx.AsyncClient(timeout=60) as outside:
            back = (await outside.get(begun.headers["location"])).headers["location"]
        now.later = PENDING
        assert (await visitor.open(back.removeprefix(BASE))).status_code == 403


async def test_without_the_cookie_an_answer_lets_nobody_in(
    console: ConsoleShop, provider: IdentityProvider, now: RunningClock, tmp_path: Path
) -> None:
    """A stolen or planted address of the way back is of no use in another browser."""
    async with at_console(console, provider, now, tmp_path) as visitors:
        begun = await visitors().open("/sign-in/begin")
        async with httpx.AsyncClient(timeout=60) as outside:
            back = (await outside.get(begun.headers["location"])).headers["location"]
        victim = visitors()
        assert (await victim.open(back.removeprefix(BASE))).status_code == 403
        assert not await is_let_in(victim)


@pytest.mark.parametrize(
    "configured",
    [
        {"issuer": "https://another.example.com"},
        {"token_endpoint": "http://provider.example.com/token"},
        {"jwks_uri": "ftp://127.0.0.1/keys"},
        {"authorization_endpoint": "javascript:alert(1)"},
    ],
    ids=str,
)
async def test_a_configuration_that_cannot_be_trusted_is_refused(
    console: ConsoleShop, provider: IdentityProvider, now: RunningClock, tmp_path: Path, configured: dict[str, str]
) -> None:
    provider.configured = configured
    async with at_console(console, provider, now, tmp_path) as visitors:
        assert (await visitors().open("/sign-in/begin")).status_code == 403


@pytest.mark.parametrize(
    ("name", "address"),
    [
        (name, address)
        for name in ("authorization_endpoint", "token_endpoint", "jwks_uri")
        for address in ("https://[", "https://exa mple.com/\n", "https://:x/", "", "https://")
    ],
)
async def test_an_address_that_is_none_breaks_no_page(
    console: ConsoleShop, provider: IdentityProvider, tmp_path: Path, name: str, address: str
) -> None:
    provider.configured = {name: address}
    async with at_console(console, provider, RunningClock(), tmp_path) as visitors:
        visitor = visitors()
        answer = await visitor.open("/sign-in/begin")
        if answer.status_code == 303 and name != "authorization_endpoint":
            answer = await come_back(visitor)
        assert answer.status_code in {303, 403, 503}, answer.text
        assert not await is_let_in(visitor)


@pytest.mark.parametrize(
    "body",
    [
        b"x" * 300_000,
        b"[" * 100_000,
        b'{"issuer": ' * 20_000,
        b"\xff\xfe",
        b"{}",
        b"null",
        b"<html>",
    ],
    ids=lambda body: str(body[:12]),
)
async def test_an_answer_of_the_provider_that_is_none_breaks_no_page(
    console: ConsoleShop, provider: IdentityProvider, now: RunningClock, tmp_path: Path, body: bytes
) -> None:
    """In place of its configuration, and in place of a token."""
    async with at_console(console, provider, now, tmp_path) as visitors:
        known, visitor = visitors(), visitors()
        begun = await known.open("/sign-in/begin")
        async with httpx.AsyncClient(timeout=60) as outside:
            back = (await outside.get(begun.headers["location"])).headers["location"]
        provider.answer = lambda request: send(request, body)
        assert (await visitor.open("/sign-in/begin")).status_code == 503
        answer = await known.open(back.removeprefix(BASE))
        assert answer.status_code in {403, 503}, answer.text
        assert not await is_let_in(known)


async def test_an_endless_answer_of_the_provider_is_cut_off(
    console: ConsoleShop, provider: IdentityProvider, now: RunningClock, tmp_path: Path
) -> None:
    sent: list[int] = []

    def endless(request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.end_headers()
        with suppress(OSError):
            while len(sent) < 10_000:  # a gigabyte
                request.wfile.write(b"x" * 100_000)
                sent.append(1)

    provider.answer = endless
    async with at_console(console, provider, now, tmp_path) as visitors:
        assert (await visitors().open("/sign-in/begin")).status_code == 503
    assert len(sent) < 10_000, "it is read no further than is taken"


async def test_half_a_character_is_no_nonce(
    console: ConsoleShop, provider: IdentityProvider, now: RunningClock, tmp_path: Path
) -> None:
    provider.claims = {"nonce": "\ud800"}
    async with at_console(console, provider, now, tmp_path) as visitors:
        visitor = visitors()
        answer = await walk(visitor, "/sign-in/begin")
        assert (answer.status_code, await is_let_in(visitor)) == (403, False)


async def test_a_nonce_that_was_used_lets_nobody_in(
    console: ConsoleShop, provider: IdentityProvider, now: RunningClock, tmp_path: Path
) -> None:
    """A token that was seen in one sign-in is of no use in the next one."""
    async with at_console(console, provider, now, tmp_path) as visitors:
        first = visitors()
        await walk(first, "/sign-in/begin")
        assert await is_let_in(first)
        provider.claims = {"nonce": provider.asked[0]["nonce"]}
        second = visitors()
        answer = await walk(second, "/sign-in/begin")
        assert (answer.status_code, await is_let_in(second)) == (403, False)


async def test_people_come_to_the_page_that_they_asked_for(
    console: ConsoleShop, provider: IdentityProvider, now: RunningClock, tmp_path: Path
) -> None:
    """An address that a colleague passed on; one too long for a cookie leads home, and keeps nobody out."""
    async with at_console(console, provider, now, tmp_path) as visitors:
        visitor = visitors()
        page = await walk(visitor, "/customers/0?show=orders")
        [to] = re.findall(r'href="(/sign-in/begin[^"]*)"', page.text)
        assert (await walk(visitor, unescape(to))).url.raw_path == b"/customers/0?show=orders"
        for path in (f"/customers?x={'y' * 9000}", f"/sign-in/begin?to=/{'y' * 9000}"):
            visitor = visitors()
            page = await walk(visitor, path)
            if page.url.path == "/sign-in":
                page = await walk(visitor, "/sign-in/begin")
            assert page.status_code == 200
            assert sum(len(each.value or "") for each in visitor.client.cookies.jar) < 4096


@pytest.mark.parametrize(
    "at", ["/customers?x=%E2%98%83", "/customers/0?x=%E2%98%83%20%0A", "/boards?board=50%25", "/customers/0?x%3Fx=%3F"]
)
async def test_in_whatever_letters_the_page_is_asked_for(
    console: ConsoleShop, provider: IdentityProvider, now: RunningClock, tmp_path: Path, at: str
) -> None:
    async with at_console(console, provider, now, tmp_path) as visitors:
        visitor = visitors()
        page = await walk(visitor, at)
        [to] = re.findall(r'href="(/sign-in/begin[^"]*)"', page.text)
        assert (await walk(visitor, unescape(to))).url.raw_path.decode() == at
        now.later += CHECKED_FOR
        assert (await walk(visitor, at)).url.raw_path.decode() == at, "also when it is asked again"


@pytest.mark.parametrize("at", ["/customers/%E2%98%83", "/customers/0%3Fx?y=%3F", "/customers/%EF%BC%90"])
async def test_a_path_with_encoded_letters_is_no_page_before_the_sign_in_and_after(
    console: ConsoleShop, provider: IdentityProvider, now: RunningClock, tmp_path: Path, at: str
) -> None:
    """No page has any in its path, so that nobody is sent to sign in for one."""
    async with at_console(console, provider, now, tmp_path) as visitors:
        visitor = visitors()
        assert (await walk(visitor, at)).status_code == 404
        await walk(visitor, "/sign-in/begin")
        assert (await walk(visitor, at)).status_code == 404


async def test_an_address_in_letters_beyond_ascii_is_one(
    console: ConsoleShop, provider: IdentityProvider, now: RunningClock, tmp_path: Path
) -> None:
    async with at_console(console, provider, now, tmp_path) as visitors:
        page = await walk(visitors(), "/sign-in/begin?to=/customers/0?x=%E2%98%83")
        assert (page.status_code, page.url.raw_path) == (200, b"/customers/0?x=%E2%98%83")


@pytest.mark.parametrize("to", ["https://evil.example.com", "//evil.example.com", "/\\evil.example.com", "x", ""])
async def test_it_leads_nowhere_else(
    console: ConsoleShop, provider: IdentityProvider, now: RunningClock, tmp_path: Path, to: str
) -> None:
    async with at_console(console, provider, now, tmp_path) as visitors:
        visitor = visitors()
        await visitor.open(f"/sign-in/begin?{urlencode({'to': to})}")
        back = await come_back(visitor)
        assert back.headers["location"] == "/"


async def test_codes_of_a_terminal_are_none_there(
    console: ConsoleShop, provider: IdentityProvider, now: RunningClock, tmp_path: Path
) -> None:
    async with at_console(console, provider, now, tmp_path) as visitors:
        visitor = visitors()
        await visitor.open("/sign-in?code=x")
        refused = await visitor.client.post("/sign-in", data={"code": "x"})
        assert refused.status_code == 403
        assert not await is_let_in(visitor)


@pytest.mark.parametrize(
    ("said", "named"),
    [
        ({"console_client_id": None}, "console.client_id"),
        ({"console_address": None}, "console.address"),
        ({"console_roles": ()}, "console.roles"),
        ({"console_roles": ("support",)}, "support"),
        ({"console_roles": ("admin:groups=x",)}, "admin"),
        ({"console_roles": ("support:groups",)}, "groups"),
        ({"console_address": "http://console.example.com"}, "console.address"),
        ({"console_issuer": "http://id.example.com"}, "console.issuer"),
        ({"console_client_secret_file": Path("/nowhere")}, "client_secret_file"),
    ],
    ids=str,
)
def test_settings_that_cannot_be_are_refused(
    provider: IdentityProvider, tmp_path: Path, said: dict[str, Any], named: str
) -> None:
    with pytest.raises(SettingsError, match=named):
        oidc_client(settings_of(provider, tmp_path, **said))


@pytest.mark.parametrize(
    ("content", "mode", "told"),
    [
        (b"s3cret", 0o640, "chmod 600"),
        (b"s3cret", 0o604, "chmod 600"),
        (b" \n", 0o600, "empty"),
        (b"\xff", 0o600, "text"),
    ],
)
def test_a_secret_that_others_read_or_that_is_none_is_refused(
    provider: IdentityProvider, tmp_path: Path, content: bytes, mode: int, told: str
) -> None:
    settings = settings_of(provider, tmp_path)
    settings.console.client_secret_file.write_bytes(content)
    settings.console.client_secret_file.chmod(mode)
    with pytest.raises(SettingsError, match=f"client_secret_file.*{told}") as refused:
        oidc_client(settings)
    assert "s3cret" not in str(refused.value)


async def test_without_a_provider_the_console_is_the_machines_own(tmp_path: Path) -> None:
    settings = settings_with(state=tmp_path, console_host="0.0.0.0")
    with pytest.raises(SettingsError, match=r"console\.issuer"):
        await serve_console(settings, None, None, person=None, tell=print)  # type: ignore[arg-type]  # refused before


@pytest.mark.parametrize("setting", ["api", "address", "issuer"])
@pytest.mark.parametrize(
    "address",
    [
        *("x", "ftp://a.example", "https://", "https://a.example:99999", "https://a.example:0", "https://[a"),
        *("https://a:hunter2@a.example", "https://a.example/?key=hunter2", "https://a.example/#hunter2"),
    ],
)
def test_an_address_that_is_none_is_named_and_not_shown(setting: str, address: str) -> None:
    with pytest.raises(SettingsError, match=rf"console\.{setting} has to be an address") as refused:
        check_addresses(settings_with(**{f"console_{setting}": address}))
    assert "hunter2" not in refused.value.message
