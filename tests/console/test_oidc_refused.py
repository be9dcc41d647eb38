"""Sign-in by OpenID Connect: what lets nobody in, and what is refused before anybody comes."""

from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
from tests.console.console_shop import BASE, ConsoleShop
from tests.console.oidc_visitors import (  # noqa: F401 - fixtures
    Clock,
    at_console,
    come_back,
    console_with_a_shop,
    is_let_in,
    niamhs_provider,
    settable_now,
    settings_of,
    walk,
)
from tests.integration.identity_provider import IdentityProvider
from tests.settings import settings_with

from laurels import clock
from laurels.clock import SECOND
from laurels.console.oidc import PENDING
from laurels.errors import SettingsError
from laurels.runtime.console import oidc_client, serve_console

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
    console: ConsoleShop, provider: IdentityProvider, now: Clock, tmp_path: Path, changed: dict[str, str | None]
) -> None:
    async with at_console(console, provider, now, tmp_path) as visitors:
        visitor = visitors()
        answer = await come_back(visitor, **changed)
        assert (answer.status_code, await is_let_in(visitor)) == (403, False)


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
    console: ConsoleShop, provider: IdentityProvider, now: Clock, tmp_path: Path, claims: dict[str, Any]
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

    async with at_console(console, provider, Clock(), tmp_path) as visitors:
        provider.rewrite = lambda *texts: texts
        known = visitors()
        await walk(known, "/sign-in/begin")
        assert await is_let_in(known), "nothing twice"
        provider.rewrite = rewrite
        visitor = visitors()
        answer = await walk(visitor, "/sign-in/begin")
        assert (answer.status_code, await is_let_in(visitor)) == (403, False)


async def test_who_is_known_and_has_no_role_is_told_so(
    console: ConsoleShop, provider: IdentityProvider, now: Clock, tmp_path: Path
) -> None:
    provider.person = {"sub": "u-2", "groups": "loyalty-support-not", "realm": "audit"}
    async with at_console(console, provider, now, tmp_path) as visitors:
        visitor = visitors()
        answer = await walk(visitor, "/sign-in/begin")
        assert (answer.status_code, "gives you no role here" in answer.text) == (403, True)
        assert not await is_let_in(visitor)


async def test_an_answer_counts_once_and_for_ten_minutes(
    console: ConsoleShop, provider: IdentityProvider, now: Clock, tmp_path: Path
) -> None:
    async with at_console(console, provider, now, tmp_path) as visitors:
        visitor = visitors()
        assert (await come_back(visitor)).status_code == 303
        assert visitor.page is not None
        again = str(visitor.page.url).removeprefix(BASE)
        assert (await visitor.open(again)).status_code == 403
        visitor = visitors()
        begun = await visitor.open("/sign-in/begin")
        async with httpx.AsyncClient() as outside:
            back = (await outside.get(begun.headers["location"])).headers["location"]
        now.later = PENDING
        assert (await visitor.open(back.removeprefix(BASE))).status_code == 403


async def test_without_the_cookie_an_answer_lets_nobody_in(
    console: ConsoleShop, provider: IdentityProvider, now: Clock, tmp_path: Path
) -> None:
    """A stolen or planted address of the way back is of no use in another browser."""
    async with at_console(console, provider, now, tmp_path) as visitors:
        begun = await visitors().open("/sign-in/begin")
        async with httpx.AsyncClient() as outside:
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
    console: ConsoleShop, provider: IdentityProvider, now: Clock, tmp_path: Path, configured: dict[str, str]
) -> None:
    provider.configured = configured
    async with at_console(console, provider, now, tmp_path) as visitors:
        assert (await visitors().open("/sign-in/begin")).status_code == 403


@pytest.mark.parametrize("to", ["https://evil.example.com", "//evil.example.com", "/\\evil.example.com", "x", ""])
async def test_it_leads_nowhere_else(
    console: ConsoleShop, provider: IdentityProvider, now: Clock, tmp_path: Path, to: str
) -> None:
    async with at_console(console, provider, now, tmp_path) as visitors:
        visitor = visitors()
        await visitor.open(f"/sign-in/begin?{urlencode({'to': to})}")
        back = await come_back(visitor)
        assert back.headers["location"] == "/"


async def test_codes_of_a_terminal_are_none_there(
    console: ConsoleShop, provider: IdentityProvider, now: Clock, tmp_path: Path
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


async def test_without_a_provider_the_console_is_the_machines_own(tmp_path: Path) -> None:
    settings = settings_with(state=tmp_path, console_host="0.0.0.0")
    with pytest.raises(SettingsError, match=r"console\.issuer"):
        await serve_console(settings, None, None, person=None, tell=print)  # type: ignore[arg-type]  # refused before
