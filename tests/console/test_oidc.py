"""Sign-in by OpenID Connect, against an identity provider: who comes in, who does not, and who has to go."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit
from zoneinfo import ZoneInfo

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from tests.console.console_shop import BASE, ConsoleShop, Visitor, open_console_shop
from tests.integration.identity_provider import IdentityProvider, identity_provider, send
from tests.settings import settings_with

from laurels import clock
from laurels.clock import HOUR, MINUTE, SECOND
from laurels.console import Setup, create_console
from laurels.console.entry import CHECKED_FOR
from laurels.console.oidc import PENDING, Oidc
from laurels.errors import SettingsError
from laurels.runtime.console import oidc_client, serve_console

pytestmark = pytest.mark.anyio

NIAMH = {"sub": "u-1", "name": "Niamh Byrne", "groups": ["loyalty-support", "staff"], "realm": {"roles": ["audit"]}}


class Clock:
    """The real time, and so much later."""

    later = 0

    def __call__(self) -> int:
        return clock.now() + self.later


@pytest.fixture(scope="module")
async def console(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ConsoleShop]:
    async with open_console_shop(tmp_path_factory.mktemp("state")) as console:
        yield console


@pytest.fixture
def provider() -> Iterator[IdentityProvider]:
    with identity_provider() as provider:
        provider.person = dict(NIAMH)
        yield provider


@pytest.fixture
def now() -> Clock:
    return Clock()


def settings_of(provider: IdentityProvider, folder: Path, **more: Any) -> Any:
    secret = folder / "secret"
    secret.write_text(f"{provider.client_secret}\n")
    said = {
        "console_issuer": provider.issuer,
        "console_client_id": provider.client_id,
        "console_client_secret_file": secret,
        "console_address": BASE,
        "console_roles": ("support:groups=loyalty-support", "auditor:realm.roles=audit", "lead:groups=loyalty-leads"),
        **more,
    }
    return settings_with(state=folder, **said)


@asynccontextmanager
async def at_console(console: ConsoleShop, provider: IdentityProvider, now: Clock, folder: Path) -> AsyncIterator[Any]:
    """Gives what makes browsers of a console process; each call is another process with the same key."""
    known = oidc_client(settings_of(provider, folder))
    assert known is not None
    async with httpx.AsyncClient() as outside:

        def visitor(cookies: Any = None) -> Visitor:
            app = create_console(
                Setup(
                    http=console.api,
                    sign=lambda who: console.tokens.sign(who.sub, who.name, who.roles),
                    codes=None,
                    secret=console.secret,
                    cookie="laurels-console-8100",
                    zone=ZoneInfo("Europe/London"),
                    oidc=Oidc(known, outside, now),
                    now=now,
                )
            )
            transport = httpx.ASGITransport(app=app)  # type: ignore[arg-type]  # one and the same
            return Visitor(httpx.AsyncClient(transport=transport, base_url=BASE, cookies=cookies), "")

        yield visitor


async def walk(visitor: Visitor, path: str) -> httpx.Response:
    """Open an address and go wherever it leads, by way of the provider too, as a browser does."""
    answer = await visitor.open(path)
    async with httpx.AsyncClient() as outside:
        for _ in range(10):
            if not answer.is_redirect:
                return answer
            to = answer.headers["location"]
            if to.startswith((BASE, "/")):
                answer = await visitor.open(to)
            else:
                answer = await outside.get(to)
    raise AssertionError("it leads round and round")


async def come_back(visitor: Visitor, **changed: str | None) -> httpx.Response:
    """Begin a sign-in, and come back from the provider with an answer that was changed."""
    begun = await visitor.open("/sign-in/begin")
    async with httpx.AsyncClient() as outside:
        back = urlsplit((await outside.get(begun.headers["location"])).headers["location"])
    query = {name: values[0] for name, values in parse_qs(back.query).items()}
    sent = {name: value for name, value in {**query, **changed}.items() if value is not None}
    return await visitor.open(f"{back.path}?{urlencode(sent)}")


async def is_let_in(visitor: Visitor) -> bool:
    return (await visitor.open("/customers")).status_code == 200


async def test_who_signs_in_has_the_roles_of_the_claims(
    console: ConsoleShop, provider: IdentityProvider, now: Clock, tmp_path: Path
) -> None:
    async with at_console(console, provider, now, tmp_path) as visitors:
        visitor = visitors()
        page = await walk(visitor, "/customers")
        assert "/sign-in/begin" in page.text
        page = await walk(visitor, "/sign-in/begin?to=/customers/0")
        assert page.url.path == "/customers/0"
        assert "Niamh Byrne" in page.text
        assert "Support, Auditor" in page.text
        asked = provider.asked[-1]
        assert asked["scope"].split() == ["openid", "profile", "email"]
        assert "prompt" not in asked
        await console.shop.ask("GET", "/audit")
        rows = (await console.shop.ask("GET", "/audit?sub=u-1")).json()["rows"]
        assert rows[0]["roles"] == "support auditor"


async def test_another_process_finishes_what_one_began(
    console: ConsoleShop, provider: IdentityProvider, now: Clock, tmp_path: Path
) -> None:
    async with at_console(console, provider, now, tmp_path) as visitors:
        first = visitors()
        begun = await first.open("/sign-in/begin")
        async with httpx.AsyncClient() as outside:
            back = (await outside.get(begun.headers["location"])).headers["location"]
        other = visitors(first.client.cookies)
        assert (await other.open(back.removeprefix(BASE))).status_code == 303
        assert await is_let_in(other)


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


@pytest.mark.parametrize("kind", ["ed25519", "rsa"])
async def test_keys_are_rotated(
    console: ConsoleShop, provider: IdentityProvider, now: Clock, tmp_path: Path, kind: str
) -> None:
    async with at_console(console, provider, now, tmp_path) as visitors:
        await walk(visitors(), "/sign-in/begin")
        provider.add("second", rsa.generate_private_key(65537, 2048) if kind == "rsa" else None)
        provider.kid = "second"
        fresh = visitors()
        await walk(fresh, "/sign-in/begin")
        assert await is_let_in(fresh)
        forged = IdentityProvider(1)
        forged.add("second")
        provider.keys["third"], provider.kid = forged.keys["second"], "third"
        published = dict(provider.keys)

        def without_third(request: Any) -> None:
            provider.keys = {name: key for name, key in published.items() if name != "third"}
            try:
                provider._publish(request)
            finally:
                provider.keys = published

        provider.answer = lambda request: (without_third if "jwks" in request.path else provider._answer)(request)
        unknown = visitors()
        assert (await walk(unknown, "/sign-in/begin")).status_code in {403, 503}
        assert not await is_let_in(unknown)


async def test_a_provider_that_is_away_is_told(
    console: ConsoleShop, provider: IdentityProvider, now: Clock, tmp_path: Path
) -> None:
    async with at_console(console, provider, now, tmp_path) as visitors:
        visitor = visitors()
        for answer in (lambda request: send(request, b"busy", 503), lambda request: send(request, b"no JSON")):
            provider.answer = answer
            page = await visitor.open("/sign-in/begin")
            assert (page.status_code, "does not answer now" in page.text) == (503, True)
        provider.answer = None
        await walk(visitor, "/sign-in/begin")
        assert await is_let_in(visitor)
        provider.answer = lambda request: send(request, b"busy", 503)
        assert await is_let_in(visitor)
        now.later = CHECKED_FOR
        assert (await walk(visitor, "/customers/0")).status_code in {302, 303, 503}


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


async def test_a_role_taken_away_is_gone_within_fifteen_minutes(
    console: ConsoleShop, provider: IdentityProvider, now: Clock, tmp_path: Path
) -> None:
    async with at_console(console, provider, now, tmp_path) as visitors:
        visitor = visitors()
        await walk(visitor, "/sign-in/begin?to=/customers/0")
        assert (await walk(visitor, "/customers/0/correct")).status_code == 200
        provider.person = {**NIAMH, "groups": []}
        now.later = CHECKED_FOR - MINUTE
        assert (await visitor.open("/customers/0/correct")).status_code == 200
        now.later = CHECKED_FOR
        page = await walk(visitor, "/customers/0/correct")
        assert (page.status_code, provider.asked[-1]["prompt"]) == (403, "none")
        assert (await walk(visitor, "/log")).status_code == 200
        provider.person = {"sub": "u-1"}
        now.later = 2 * CHECKED_FOR
        assert "gives you no role here" in (await walk(visitor, "/log")).text
        assert not await is_let_in(visitor)


async def test_a_form_is_not_taken_before_the_provider_was_asked_again(
    console: ConsoleShop, provider: IdentityProvider, now: Clock, tmp_path: Path
) -> None:
    async with at_console(console, provider, now, tmp_path) as visitors:
        visitor = visitors()
        await walk(visitor, "/sign-in/begin")
        await walk(visitor, "/customers/0/hide")
        provider.person = {**NIAMH, "groups": []}
        now.later = CHECKED_FOR
        page = await visitor.send("/customers/0/hide")
        assert (page.status_code, "Nothing was changed" in page.text) == (403, True)
        assert not (await console.shop.ask("GET", "/members/number/0")).json()["hidden"]


async def test_who_has_signed_out_at_the_provider_signs_in_anew(
    console: ConsoleShop, provider: IdentityProvider, now: Clock, tmp_path: Path
) -> None:
    async with at_console(console, provider, now, tmp_path) as visitors:
        visitor = visitors()
        await walk(visitor, "/sign-in/begin")
        provider.person = None
        now.later = CHECKED_FOR
        page = await walk(visitor, "/customers")
        assert "/sign-in/begin" in page.text
        assert not await is_let_in(visitor)


async def test_being_asked_again_does_not_lengthen_the_day(
    console: ConsoleShop, provider: IdentityProvider, now: Clock, tmp_path: Path
) -> None:
    async with at_console(console, provider, now, tmp_path) as visitors:
        visitor = visitors()
        await walk(visitor, "/sign-in/begin")
        for step in range(1, 8 * 3):
            now.later = step * 20 * MINUTE
            assert (await walk(visitor, "/customers")).url.path == "/customers"
        now.later = 8 * HOUR + MINUTE
        assert (await walk(visitor, "/customers")).url.path == "/sign-in"


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
