"""Sign-in by OpenID Connect, against an identity provider: who comes in, who is asked again, and who has to go."""

from pathlib import Path
from random import Random
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from tests.clocks import RunningClock
from tests.console.console_shop import BASE, ConsoleShop
from tests.console.oidc_visitors import (  # noqa: F401 - fixtures
    NIAMH,
    at_console,
    console_with_a_shop,
    is_let_in,
    niamhs_provider,
    settable_now,
    walk,
)
from tests.console.test_restart import Walk
from tests.integration.identity_provider import IdentityProvider, send

from laurels.clock import HOUR, MINUTE
from laurels.console.entry import CHECKED_FOR

pytestmark = pytest.mark.anyio


async def test_who_signs_in_has_the_roles_of_the_claims(
    console: ConsoleShop, provider: IdentityProvider, now: RunningClock, tmp_path: Path
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


async def test_a_walk_goes_on_where_roles_are_asked_for_anew(
    console: ConsoleShop, provider: IdentityProvider, now: RunningClock, tmp_path: Path
) -> None:
    """As long a one as `test_restart` takes: before a page, and between a form and its sending."""
    async with at_console(console, provider, now, tmp_path) as visitors:
        person = Walk(visitors(), Random(1))
        await person.open("/sign-in/begin?to=/customers")
        now.later += CHECKED_FOR
        assert (await person.open("/customers")).url.path == "/customers"
        assert provider.asked[-1]["prompt"] == "none"
        now.later += CHECKED_FOR
        assert (await person.send("/customers", {"q": "A1"})).status_code == 303
        assert person.did == {"checked anew": 1}


async def test_another_process_finishes_what_one_began(
    console: ConsoleShop, provider: IdentityProvider, now: RunningClock, tmp_path: Path
) -> None:
    async with at_console(console, provider, now, tmp_path) as visitors:
        first = visitors()
        begun = await first.open("/sign-in/begin")
        async with httpx.AsyncClient(timeout=60) as outside:
            back = (await outside.get(begun.headers["location"])).headers["location"]
        other = visitors(first.client.cookies)
        assert (await other.open(back.removeprefix(BASE))).status_code == 303
        assert await is_let_in(other)


@pytest.mark.parametrize("kind", ["ed25519", "rsa"])
async def test_keys_are_rotated(
    console: ConsoleShop, provider: IdentityProvider, now: RunningClock, tmp_path: Path, kind: str
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
    console: ConsoleShop, provider: IdentityProvider, now: RunningClock, tmp_path: Path
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


async def test_a_role_taken_away_is_gone_within_fifteen_minutes(
    console: ConsoleShop, provider: IdentityProvider, now: RunningClock, tmp_path: Path
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
    console: ConsoleShop, provider: IdentityProvider, now: RunningClock, tmp_path: Path
) -> None:
    async with at_console(console, provider, now, tmp_path) as visitors:
        visitor = visitors()
        await walk(visitor, "/sign-in/begin")
        await walk(visitor, "/customers/0/hide")
        provider.person = {**NIAMH, "groups": []}
        now.later = CHECKED_FOR
        form = visitor.fields("/customers/0/hide")
        page = await visitor.send("/customers/0/hide", referer=f"{BASE}/customers/0/hide?a=1")
        assert (page.status_code, "Nothing was changed" in page.text) == (403, True)
        assert "/sign-in/begin?silent=1&amp;to=%2Fcustomers%2F0%2Fhide%3Fa%3D1" in page.text, "back to the form"
        for elsewhere in ("https://elsewhere.example/x", "http://[", ""):
            page = await visitor.client.post("/customers/0/hide", data=form, headers={"referer": elsewhere})
            assert 'href="/sign-in/begin?silent=1&amp;to=%2F"' in page.text, "nowhere else"
        assert not (await console.shop.ask("GET", "/members/number/0")).json()["hidden"]


async def test_who_has_signed_out_at_the_provider_signs_in_anew(
    console: ConsoleShop, provider: IdentityProvider, now: RunningClock, tmp_path: Path
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
    console: ConsoleShop, provider: IdentityProvider, now: RunningClock, tmp_path: Path
) -> None:
    async with at_console(console, provider, now, tmp_path) as visitors:
        visitor = visitors()
        await walk(visitor, "/sign-in/begin")
        for step in range(1, 8 * 3):
            now.later = step * 20 * MINUTE
            assert (await walk(visitor, "/customers")).url.path == "/customers"
        now.later = 8 * HOUR + MINUTE
        assert (await walk(visitor, "/customers")).url.path == "/sign-in"
