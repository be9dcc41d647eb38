"""Refused: an adjustment without the scope; who did it is always kept. Tried with a member's token and with tokens of
other scopes.
"""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.integration.http_shop import ALL_SCOPES, Shop, check_problem, fields_at_fault, open_shop

from laurels.http.admission.tokens import sign_token
from laurels.model import EntryKind
from laurels.model.version import Mark

pytestmark = pytest.mark.anyio

MEMBER, OTHER = "17850", "12346"
GOODWILL = {"loyalty-points": 25, "reason": "goodwill"}
OTHER_SCOPES = sorted(set(ALL_SCOPES.split()) - {"points:adjust"})
LOOK_ALIKES = ["POINTS:ADJUST", "points:adjust,orders:write", "points:adjusts", "points", "points:*", "*", "admin", ""]


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    async with open_shop(tmp_path) as shop:
        await shop.order("A1", MEMBER, "25.00")
        await shop.settle()
        yield shop


@pytest.mark.parametrize("scope", [*OTHER_SCOPES, " ".join(OTHER_SCOPES), *LOOK_ALIKES])
async def test_another_scope_is_not_enough(shop: Shop, scope: str) -> None:
    before = await shop.services.ledger.heads()
    answer = await shop.ask("POST", f"/loyalty/{MEMBER}", scope=scope, json=GOODWILL)
    check_problem(answer, 403, "not-allowed")
    assert 'scope="points:adjust"' in answer.headers["www-authenticate"]
    assert await shop.services.ledger.heads() == before


@pytest.mark.parametrize("whose", [MEMBER, OTHER, "nobody"])
async def test_a_member_adjusts_nobody(shop: Shop, whose: str) -> None:
    before = await shop.services.ledger.heads()
    check_problem(await shop.ask("POST", f"/loyalty/{whose}", member=MEMBER, json=GOODWILL), 403, "not-allowed")
    assert await shop.services.ledger.heads() == before
    assert await shop.services.ledger.member("nobody") is None


@pytest.mark.parametrize("actor", ["till", "ann@shop.example", "Áine Ní Bhriain", "x" * 255])
async def test_who_did_it_is_kept(shop: Shop, actor: str) -> None:
    token = sign_token(shop.services.settings, subject=actor, scope="points:adjust", ttl_s=60)
    for points in (25, -30, 0):
        answer = await shop.ask("POST", f"/loyalty/{MEMBER}", token=token, json={"loyalty-points": points})
        assert answer.status_code == 201
        [entry, *_] = await shop.services.ledger.entries(MEMBER)
        assert (entry.points, entry.actor) == (points, actor)


async def test_who_did_it_stays_after_the_member_was_erased(shop: Shop) -> None:
    await shop.ask("POST", f"/loyalty/{MEMBER}", json=GOODWILL)
    await shop.ask("DELETE", f"/members/{MEMBER}")
    feed = await shop.services.ledger.feed(0, Mark(), 100)
    assert [(entry.points, entry.actor) for entry in feed if entry.kind is EntryKind.ADJUST] == [(25, "till")]


async def test_nobody_says_who_did_it(shop: Shop) -> None:
    for field in ("actor", "by", "sub"):
        assert fields_at_fault(await shop.ask("POST", f"/loyalty/{MEMBER}", json={**GOODWILL, field: "boss"})) == [
            field
        ]


async def test_two_who_use_one_key_do_not_see_each_other(shop: Shop) -> None:
    headers = {"Idempotency-Key": "k1"}
    for subject, points in (("ann", 5), ("bob", 7)):
        token = sign_token(shop.services.settings, subject=subject, scope="points:adjust", ttl_s=60)
        body = {"loyalty-points": points}
        answer = await shop.ask("POST", f"/loyalty/{MEMBER}", token=token, headers=headers, json=body)
        assert answer.status_code == 201
    entries = await shop.services.ledger.entries(MEMBER)
    actors = {entry.actor: entry.points for entry in entries if entry.kind == "adjust"}
    assert actors == {"ann": 5, "bob": 7}
