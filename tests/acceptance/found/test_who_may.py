"""Who may do what, who is told what, and what an operator holds the ledger against.

In full: `tests/security` (`test_services.py`: the claims of five identity providers; `test_tokens.py`;
`test_onlooker.py` and `onlooker.py`: how often a buyer is named; `test_versions_unread.py`; `test_start_up.py`),
`tests/integration/test_http_jwks.py`, `tests/fault/test_anchors.py`, `tests/unit/test_settings_secrets.py`.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs
from tests.acceptance.command_line import laurels_here
from tests.integration.http_shop import ALL_SCOPES, Shop, check_problem, open_shop
from tests.integration.identity_provider import IdentityProvider, identity_provider, send
from tests.settings import settings_with

from laurels.clock import HOUR
from laurels.engines.valkey import ValkeyLeaderboard
from laurels.errors import IssuerUnavailable
from laurels.http import open_auth
from laurels.http.admission import jwks
from laurels.http.admission.tokens import sign_token
from laurels.settings import load

pytestmark = pytest.mark.anyio


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    async with open_shop(tmp_path / "state", boards_smallest=200) as opened:
        yield opened


@pytest.fixture
def provider() -> Iterator[IdentityProvider]:
    with identity_provider() as provider:
        yield provider


async def test_whoever_moves_points_is_kept_and_shown_to_the_shop_alone(shop: Shop) -> None:
    """And what colleagues write of it: `reason` is theirs, `note` the customer's."""
    await shop.order("A1", "ann", "25.00")
    await shop.settle()
    clerk = sign_token(shop.services.settings, subject="clerk-7", scope="points:adjust members:read", ttl_s=600)
    said = {"loyalty-points": 5, "reason": "parcel came four days late; ticket 48213", "note": "With our apologies"}
    assert (await shop.ask("POST", "/loyalty/ann", token=clerk, json=said)).status_code == 201
    await shop.settle()
    assert [entry.actor for entry in await shop.services.ledger.entries("ann")] == ["clerk-7", "till"]
    for path in ("/loyalty/ann/entries", "/members/ann/timeline"):
        assert "ticket 48213" in (await shop.ask("GET", path)).text, path
    assert "clerk-7" in (await shop.ask("GET", "/members/ann/timeline")).text
    hers = await shop.ask("GET", "/loyalty/ann/entries", member="ann")
    assert "With our apologies" in hers.text
    for word in ("48213", "clerk-7", "till", "actor"):
        assert word not in hers.text


async def test_a_service_writes_under_its_own_sources(shop: Shop) -> None:
    bound = sign_token(shop.services.settings, subject="t7", scope=ALL_SCOPES, ttl_s=600, sources=["till-7"])
    order = {"member_id": "ann", "currency": "GBP", "total": "25.00"}
    for source, status in (("till-7", 202), ("till-8", 403), ("shop", 403)):
        answer = await shop.ask("POST", f"/order/{source}", token=bound, json={**order, "source": source})
        assert answer.status_code == status, answer.text


async def test_an_address_is_changed_by_who_may_write_members_alone(shop: Shop) -> None:
    """What an order says is taken where there is none."""

    async def address() -> str | None:
        await shop.settle()
        email: str | None = (await shop.ask("GET", "/members/ann/export")).json()["email"]
        return email

    for n, (email, kept) in enumerate((("a@example.com", "a@example.com"), ("evil@example.com", "a@example.com"))):
        await shop.order(f"A{n}", "ann", "25.00", email=email)
        assert await address() == kept
    change: dict[str, Any] = {"json": {"email": "b@example.com"}}
    till = await shop.ask("PUT", "/members/ann/contact", scope="orders:write points:adjust", **change)
    check_problem(till, 403, "not-allowed")
    assert (await shop.ask("PUT", "/members/ann/contact", scope="members:write", **change)).status_code == 200
    assert await address() == "b@example.com"


async def test_a_customers_token_with_a_services_scopes_is_a_customers(provider: IdentityProvider) -> None:
    """From the trusted issuer, signed well, with the scopes that gave 100,000 points."""
    auth = open_auth(settings_with(auth_mode="jwks", auth_jwks_url=provider.url))
    claims: dict[str, Any] = {"scope": "openid profile points:adjust", "azp": "web", "gty": "password"}
    token = provider.token("first", sub="ann", **claims)
    caller = await auth.caller([f"Bearer {token}".encode()])
    assert (caller.member_id, caller.scopes) == ("ann", frozenset())


async def test_a_key_that_was_taken_back_counts_no_more(
    provider: IdentityProvider, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With an empty set at the next refresh; without any answer after the greatest age, and then it is a 503."""
    monkeypatch.setattr(jwks, "AGAIN_AFTER", 0)
    monkeypatch.setattr(jwks, "OLD_AFTER", 0)
    async with open_shop(tmp_path, auth_mode="jwks", auth_jwks_url=provider.url, auth_keys_max_age_h=1) as shop:
        tokens = [provider.token("first", sub="ann", jti=str(n)) for n in range(9)]
        for ahead, status in ((20, 200), (60, 401)):
            later = {name: int(time.time()) + ahead for name in ("iat", "nbf")}
            token = provider.token("first", sub="ann", **later)
            assert (await shop.ask("GET", "/loyalty/ann", token=token)).status_code == status
        provider.answer = lambda request: send(request, b'{"keys": []}')
        until = asyncio.get_running_loop().time() + 30
        while (await shop.ask("GET", "/loyalty/ann", token=tokens.pop())).status_code != 401:
            assert tokens, "the next refresh ends it, in the background of a check"
            assert asyncio.get_running_loop().time() < until
        check_problem(await shop.ask("GET", "/loyalty/ann", token=tokens.pop()), 401, "not-signed-in")


async def test_keys_that_nobody_confirms_have_a_greatest_age(provider: IdentityProvider) -> None:
    at = time.time_ns() // 1000
    auth = open_auth(settings_with(auth_mode="jwks", auth_jwks_url=provider.url, auth_keys_max_age_h=2), lambda: at)
    token = provider.token("first", sub="ann", exp=int(time.time()) + 6 * 3600).encode()
    assert (await auth.caller([b"Bearer " + token])).member_id == "ann"
    provider.answer = lambda request: send(request, b"", 404)
    at += 2 * HOUR
    with pytest.raises(IssuerUnavailable):
        await auth.caller([b"Bearer " + token])


# That a fetch ends after 3 s however the provider drips: test_http_jwks.py::test_nobody_waits_for_a_slow_provider_…


async def test_figures_have_one_address_and_a_request_names_one_host(shop: Shop) -> None:
    """A port of their own: `test_http_reads.py::test_metrics_may_have_a_port_of_their_own`."""
    assert (await shop.client.get("/metrics")).status_code == 200
    for target in ("/metrics/", "//metrics", "/%6detrics", "/metrics%2F", "/./metrics", "/x/../metrics", "/metrics;a"):
        assert (await raw(shop, target, "Host: a")).startswith(b"HTTP/1.1 404"), target
    for hosts in ([], ["Host: a", "Host: b"], ["Host: a", "host: a"], ["Host: a b"]):
        assert (await raw(shop, "/healthz", *hosts)).startswith(b"HTTP/1.1 400"), hosts


async def raw(shop: Shop, target: str, *headers: str) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", shop.port)
    writer.write("\r\n".join([f"GET {target} HTTP/1.1", *headers, "Connection: close", "", ""]).encode())
    try:
        return await reader.read()
    finally:
        writer.close()


async def test_the_ledger_is_held_against_a_head_that_was_kept_elsewhere(tmp_path: Path) -> None:
    """From `verify`, and from `/readyz` for a service; signed heads in a file: `tests/fault/test_anchors.py`."""
    async with open_shop(tmp_path / "laurels-data") as shop:
        await shop.order("A1", "ann", "25.00")
        await shop.settle()
        assert "heads" not in (await shop.client.get("/readyz")).json()
        [told] = (await shop.ask("GET", "/readyz")).json()["heads"]
    said = (await asyncio.to_thread(laurels_here, "verify", cwd=tmp_path)).stdout
    [line] = [line for line in said.splitlines() if line.startswith("head ")]
    head = line.removeprefix("head ")
    assert told["hash"] in head
    for against, code in ((head, 0), (head.replace(told["hash"], told["hash"][::-1]), 1)):
        ran = await asyncio.to_thread(laurels_here, "verify", "--against", against, cwd=tmp_path)
        assert (ran.returncode, "does not hold the head" in ran.stderr) == (code, code == 1)


async def test_a_young_month_shows_no_neighbours_and_no_member_reads_how_much_was_sold(shop: Shop) -> None:
    """The rates at which a buyer is named for k members together: `tests/security/test_onlooker.py`, and the docs."""
    for n in range(5):
        await shop.order(f"A{n}", f"m{n}", f"{100 + n}.00")
    await shop.settle()
    month = (await shop.ask("GET", "/loyalty/m1?board=month&around=2", member="m1")).json()
    ever = (await shop.ask("GET", "/loyalty/m1?board=all-time&around=2", member="m1")).json()
    assert (month["around"], len(ever["around"])) == ([], 4)
    assert month["as_of"].startswith("s")
    assert (await shop.ask("GET", "/loyalty/m1")).json()["as_of"].startswith("1.")


def test_files_are_for_their_owner_and_a_folder_that_others_write_is_refused(tmp_path: Path) -> None:
    """Terminals: `test_terminal.py`."""
    (tmp_path / "orders.csv").write_text("order_id,member_id,currency,total\na1,ann,GBP,25.00\n")
    assert laurels_here("import", "orders.csv", cwd=tmp_path).returncode == 0
    assert laurels_here("top", cwd=tmp_path).returncode == 0
    state = tmp_path / "laurels-data"
    files = [path for path in state.rglob("*") if path.is_file()]
    assert files
    assert {path.stat().st_mode & 0o077 for path in files} == {0}
    state.chmod(0o777)
    ran = laurels_here("top", cwd=tmp_path)
    assert (ran.returncode, len(ran.stderr.splitlines()), "others" in ran.stderr) == (2, 1, True), ran.stderr


async def test_a_valkey_without_a_password_is_warned_of_and_no_address_tells_one(tmp_path: Path) -> None:
    """Every setting that is a URL: `test_settings_secrets.py`."""
    with capture_logs() as logs:
        await (await ValkeyLeaderboard.open("valkey://board.invalid:6379")).close()
        await (await ValkeyLeaderboard.open("valkey://:hunter2@board.invalid:6379")).close()
    assert [line["event"] for line in logs].count("leaderboard.no_password") == 1
    assert "hunter2" not in str(logs)
    settings = load({"leaderboard.url": "valkey://:hunter2@board.invalid:6379", "state": tmp_path}, environment={})
    assert "hunter2" not in repr(settings)
