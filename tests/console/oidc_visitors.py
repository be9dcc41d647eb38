"""Browsers that sign in to the console by an identity provider."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import pytest
from tests.clocks import RunningClock
from tests.console.console_shop import BASE, ConsoleShop, Visitor, open_console_shop
from tests.integration.identity_provider import IdentityProvider, identity_provider
from tests.settings import settings_with

from laurels.console import Setup, create_console
from laurels.console.oidc import Oidc
from laurels.runtime.console import oidc_client

NIAMH = {"sub": "u-1", "name": "Niamh Byrne", "groups": ["loyalty-support", "staff"], "realm": {"roles": ["audit"]}}


@pytest.fixture(name="console", scope="module")
async def console_with_a_shop(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ConsoleShop]:
    async with open_console_shop(tmp_path_factory.mktemp("state")) as console:
        yield console


@pytest.fixture(name="provider")
def niamhs_provider() -> Iterator[IdentityProvider]:
    with identity_provider() as provider:
        provider.person = dict(NIAMH)
        yield provider


@pytest.fixture(name="now")
def settable_now() -> RunningClock:
    return RunningClock()


def settings_of(provider: IdentityProvider, folder: Path, **more: Any) -> Any:
    secret = folder / "secret"
    secret.touch(0o600)
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
async def at_console(
    console: ConsoleShop, provider: IdentityProvider, now: RunningClock, folder: Path
) -> AsyncIterator[Any]:
    """Gives what makes browsers of a console process; each call is another process with the same key."""
    known = oidc_client(settings_of(provider, folder))
    assert known is not None
    async with httpx.AsyncClient(timeout=60) as outside:

        def visitor(cookies: Any = None) -> Visitor:
            app = create_console(
                Setup(
                    http=console.api,
                    sign=lambda who: console.tokens.sign(who.sub, who.name, who.roles),
                    codes=None,
                    secret=console.secret,
                    cookie="laurels-console-8100",
                    charts=console.charts,
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
    async with httpx.AsyncClient(timeout=60) as outside:
        for _ in range(10):
            if not answer.is_redirect:
                return answer
            to = answer.headers["location"]
            if to.startswith((str(visitor.client.base_url), "/")):
                answer = await visitor.open(to)
            else:
                answer = await outside.get(to)
    raise AssertionError("it leads round and round")


async def come_back(visitor: Visitor, **changed: str | None) -> httpx.Response:
    """Begin a sign-in, and come back from the provider with an answer that was changed."""
    begun = await visitor.open("/sign-in/begin")
    async with httpx.AsyncClient(timeout=60) as outside:
        back = urlsplit((await outside.get(begun.headers["location"])).headers["location"])
    query = {name: values[0] for name, values in parse_qs(back.query).items()}
    sent = {name: value for name, value in {**query, **changed}.items() if value is not None}
    return await visitor.open(f"{back.path}?{urlencode(sent)}")


async def is_let_in(visitor: Visitor) -> bool:
    return (await visitor.open("/customers")).status_code == 200
