"""Refused: a customer's token with a service's scope; a service bound to sources that writes under another one.

Tried with every scope x every route, and with the claims that identity providers write.
"""

import time
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import jwt
import pytest
from tests.integration.http_shop import ALL_SCOPES, Shop, check_problem, open_shop, path_of
from tests.settings import settings_with

from laurels.errors import SettingsError
from laurels.http import open_auth
from laurels.http.admission.callers import Caller
from laurels.http.admission.tokens import development_key, sign_token
from laurels.http.app import ROUTES
from laurels.settings import Settings

pytestmark = pytest.mark.anyio

MEMBER, OTHER = "17850", "12346"
SERVICES_ONLY = [one for one in ROUTES if one.access and one.access.members == "none" and one.for_members is None]
SCOPES = [*ALL_SCOPES.split(), ALL_SCOPES, f"openid profile {ALL_SCOPES}", "laurels=service", "service", "*", ""]


@pytest.fixture(scope="module")
async def shop(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Shop]:
    async with open_shop(tmp_path_factory.mktemp("state"), http_rate_limit_per_minute=60_000_000) as shop:
        await shop.order("A1", MEMBER, "2500.00")
        await shop.settle()
        yield shop


def token(settings: Settings, **claims: Any) -> str:
    return jwt.encode({"exp": int(time.time()) + 600, **claims}, development_key(settings.state), "EdDSA")


async def caller(settings: Settings, **claims: Any) -> Caller:
    return await open_auth(settings).caller([f"Bearer {token(settings, **claims)}".encode()])


@pytest.mark.parametrize("scope", SCOPES)
async def test_a_customer_is_no_service_whatever_the_scopes(shop: Shop, scope: str) -> None:
    before = await shop.services.ledger.heads()
    customer = token(shop.services.settings, sub=MEMBER, scope=scope, scp=scope.split(), roles=scope.split())
    assert (await shop.ask("GET", f"/loyalty/{MEMBER}", token=customer)).status_code == 200
    check_problem(await shop.ask("GET", f"/loyalty/{OTHER}", token=customer), 404, "not-found")
    for one in SERVICES_ONLY:
        path = path_of(one, member_id=MEMBER)
        check_problem(await shop.ask(one.method, path, token=customer, json={}), 403, "not-allowed")
    assert await shop.services.ledger.heads() == before


@pytest.mark.parametrize(
    "claims",
    [
        {"laurels": "Service"},
        {"laurels": "service "},
        {"laurels": {"service": True}},
        {"laurels": [["service"]]},
        {"laurels": True},
        {"laurels": None},
        {"Laurels": "service"},
        {"laurels=service": True},
    ],
    ids=str,
)
async def test_a_claim_that_looks_alike_makes_no_service(tmp_path: Path, claims: Mapping[str, Any]) -> None:
    assert (await caller(settings_with(state=tmp_path), sub=MEMBER, scope=ALL_SCOPES, **claims)).member_id == MEMBER


PROVIDERS: dict[str, tuple[dict[str, Any], dict[str, Any], dict[str, Any]]] = {
    # settings, what the provider writes for client credentials, what it writes for a customer of the same shop
    "Auth0": (
        {"auth_services": ("gty=client-credentials",)},
        {"sub": "tIll@clients", "azp": "tIll", "gty": "client-credentials", "scope": "orders:write members:read"},
        {"sub": "auth0|5f7c", "azp": "web", "scope": "openid profile orders:write"},
    ),
    "Keycloak, by a hard-coded claim": (
        {},
        {"sub": "9c2f", "azp": "till", "laurels": "service", "scope": "orders:write members:read"},
        {"sub": "17850", "azp": "web", "scope": "openid orders:write"},
    ),
    "Entra": (
        {"auth_services": ("idtyp=app",), "auth_scope_claim": "roles"},
        {"sub": "0e1f", "azp": "till", "idtyp": "app", "roles": ["orders:write", "members:read"]},
        {"sub": "17850", "azp": "web", "scp": "orders:write", "roles": ["orders:write"]},
    ),
    "Cognito": (
        {"auth_services": ("client_id=4tills",), "auth_scope_prefix": "laurels/"},
        {"sub": "4tills", "client_id": "4tills", "scope": "laurels/orders:write laurels/members:read b/points:adjust"},
        {"sub": "17850", "client_id": "5web", "username": "ann", "scope": "openid laurels/orders:write"},
    ),
    "numbers and truth": (
        {"auth_services": ("machine=true", "kind=7")},
        {"sub": "till", "machine": True, "scope": ["orders:write", "members:read"]},
        {"sub": "17850", "machine": False, "kind": 8, "scope": "orders:write"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", PROVIDERS)
async def test_what_identity_providers_write(tmp_path: Path, name: str) -> None:
    settings, service, customer = PROVIDERS[name]
    chosen = settings_with(state=tmp_path, **settings)
    till = await caller(chosen, **service)
    assert (till.member_id, till.scopes) == (None, frozenset({"orders:write", "members:read"}))
    assert till.actor == service["sub"]
    if "|" not in customer["sub"]:
        ann = await caller(chosen, **customer)
        assert (ann.member_id, ann.scopes, ann.actor) == (customer["sub"], frozenset(), "member")


@pytest.mark.parametrize("setting", ["", "laurels", "=service", "laurels=", "iss=https://id.example", "aud=laurels"])
async def test_settings_that_name_nobody_or_everybody_are_refused(tmp_path: Path, setting: str) -> None:
    with pytest.raises(SettingsError, match=r"auth\.services"):
        open_auth(settings_with(state=tmp_path, auth_services=("laurels=service", setting)))


@pytest.mark.parametrize("setting", ["", "till", "till=", "=shop", "till=a\x00"])
async def test_sources_that_bind_nobody_are_refused(tmp_path: Path, setting: str) -> None:
    with pytest.raises(SettingsError, match=r"auth\.sources"):
        open_auth(settings_with(state=tmp_path, auth_sources=(setting,)))


async def test_our_own_tokens_are_what_the_settings_ask_for(tmp_path: Path) -> None:
    for services in (("laurels=service",), ("gty=client-credentials",), ("a=b", "laurels=service")):
        settings = settings_with(
            state=tmp_path, auth_services=services, auth_scope_prefix="laurels/", auth_scope_claim="scp"
        )
        signed = sign_token(settings, subject="till", scope="orders:write", ttl_s=60, sources=["till-7"])
        till = await open_auth(settings).caller([f"Bearer {signed}".encode()])
        assert (till.member_id, till.scopes, till.sources) == (None, frozenset({"orders:write"}), frozenset({"till-7"}))
    with pytest.raises(SettingsError, match="no token is a service"):
        sign_token(settings_with(state=tmp_path, auth_services=()), subject="till", scope="orders:write", ttl_s=60)


ORDER = {"member_id": MEMBER, "currency": "GBP", "total": "10.00"}
REFUND = {"currency": "GBP", "amount": "1.00"}
WRITES: dict[str, tuple[str, dict[str, Any]]] = {
    "order": ("/order/{n}", ORDER),
    "refund": ("/order/A1/refund", {"refund_id": "{n}", "member_id": MEMBER, **REFUND}),
    "unlinked refund": (f"/loyalty/{MEMBER}/refund", {"refund_id": "{n}", **REFUND}),
}


@pytest.mark.parametrize("name", WRITES)
async def test_a_bound_service_writes_under_its_sources_alone(shop: Shop, name: str) -> None:
    path, body = WRITES[name]
    bound = sign_token(
        shop.services.settings, subject="till", scope=ALL_SCOPES, ttl_s=600, sources=["till-7", "till-8"]
    )
    for n, (source, status) in enumerate({"till-7": 202, "till-8": 202, "till-70": 403, "shop": 403}.items()):
        id_ = f"{name.replace(' ', '-')}-{n}"
        sent = {key: value.replace("{n}", id_) for key, value in body.items()}
        answer = await shop.ask("POST", path.format(n=id_), token=bound, json={**sent, "source": source})
        assert answer.status_code == status, answer.text
    left_out = await shop.ask(
        "POST", path.format(n="x"), token=bound, json={k: v.replace("{n}", "x") for k, v in body.items()}
    )
    check_problem(left_out, 403, "not-allowed")
    depth = await shop.services.ledger.inbox_depth()
    assert depth > 0
    await shop.settle()


async def test_in_bulk_each_order_is_held_to_it(shop: Shop) -> None:
    bound = sign_token(shop.services.settings, subject="till", scope=ALL_SCOPES, ttl_s=600, sources=["till-7"])
    orders = [{**ORDER, "order_id": f"bulk-{source}", "source": source} for source in ("till-7", "shop", "till-7")]
    answer = await shop.ask("POST", "/orders", token=bound, json=orders)
    assert [(one["status"], one["http"]) for one in answer.json()] == [
        ("accepted", 202),
        ("not-allowed", 403),
        ("accepted", 200),
    ]


async def test_points_are_under_a_source_too(shop: Shop) -> None:
    """An adjustment's is the caller's own name, a redemption's `shop`."""
    path, redeem = f"/loyalty/{MEMBER}", {"redemption_id": "r1", "points": 1}
    for source, adjusted, redeemed in (("till", 201, 403), ("shop", 403, 201), ("web", 403, 403)):
        bound = sign_token(shop.services.settings, subject="till", scope=ALL_SCOPES, ttl_s=600, sources=[source])
        assert (await shop.ask("POST", path, token=bound, json={"loyalty-points": 1})).status_code == adjusted
        assert (await shop.ask("POST", f"{path}/redeem", token=bound, json=redeem)).status_code == redeemed


async def test_settings_and_token_bind_together(tmp_path: Path) -> None:
    settings = settings_with(state=tmp_path, auth_sources=("till=a", "till=b", "x=y=c"))
    service = {"laurels": "service", "scope": ""}
    assert (await caller(settings, sub="till", **service)).sources == frozenset("ab")
    assert (await caller(settings, sub="till", sources=["b", "c"], **service)).sources == frozenset("b")
    assert (await caller(settings, sub="till", sources="c", **service)).sources == frozenset()
    assert (await caller(settings, sub="x=y", **service)).sources == frozenset("c")
    assert (await caller(settings, sub="other", **service)).sources is None
    assert not (await caller(settings, sub="other", sources=[], **service)).may_write("shop")
