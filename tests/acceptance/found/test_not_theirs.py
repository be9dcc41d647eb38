"""What callers are not shown though they may ask: members who their shop's people are, people addresses that are not
theirs to see.
"""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import quote

import pytest
from tests.integration.http_shop import Shop, open_shop

from laurels.model import RefusedMessage
from laurels.model.people import ROLES

pytestmark = pytest.mark.anyio

ADDRESS = "Ann.O'Neill+points@mail.example"
NIAMH = "niamh.byrne@shop.example"


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    async with open_shop(tmp_path / "state") as opened:
        yield opened


async def test_a_members_export_does_not_say_who_of_the_shop_did_what(shop: Shop) -> None:
    """Neither as the actor nor as the source of what a person did, whatever kind it is."""
    lead = shop.person("lead", sub=NIAMH, name="Niamh Byrne")
    for path, body in (
        ("/loyalty/ann", {"loyalty-points": 100, "reason": "seems honest", "note": "With thanks"}),
        ("/loyalty/ann/redeem", {"redemption_id": "R1", "points": 30}),
        ("/loyalty/ann/redeem/R1/cancel", {}),
        ("/loyalty/ann/hold", {"hold_id": "H1", "points": 10}),
        ("/loyalty/ann/transfer", {"transfer_id": "T1", "to": "bob", "points": 5}),
    ):
        answer = await shop.ask("POST", path, json=body, token=lead)
        assert answer.status_code in {200, 201, 403, 404, 422}, answer.text
    own = await shop.ask("GET", "/members/ann/export", member="ann")
    assert own.status_code == 200
    assert len(own.json()["entries"]) > 1
    assert "With thanks" in own.text
    for hidden in (NIAMH, "Niamh", "person:", "seems honest"):
        assert hidden not in own.text, own.text
    assert NIAMH in (await shop.ask("GET", "/members/ann/export")).text, "colleagues are told"


@pytest.mark.parametrize("role", sorted(role for role, scopes in ROLES.items() if "quarantine:write" in scopes))
@pytest.mark.parametrize("at", ["@", "\\u0040"])
async def test_whoever_may_see_no_address_sees_none_on_the_work_list(shop: Shop, role: str, at: str) -> None:
    order = {"member_id": "ann", "currency": "JPY", "total": "2500", "email": ADDRESS}
    body = json.dumps(order).replace("@", at)
    assert (await shop.ask("POST", "/order/Q1", content=body)).status_code == 202
    await shop.settle()
    path = "/quarantine/order/shop/Q1"
    shown = await shop.ask("GET", path, token=shop.person(role, sub="o"))
    received = json.loads(shown.json()["received"])
    assert received == order | ({} if "members:contact" in ROLES[role] else {"email": "…@…"})
    assert json.loads((await shop.ask("GET", path)).json()["received"]) == order, "a service's scope says that it may"
    rows = (await shop.ask("GET", "/audit?limit=500")).json()["rows"]
    looks = [row["member"] for row in rows if row["action"] == "show_quarantined"]
    assert looks == [0], "whom it is about"


@pytest.mark.parametrize("at", ["@", "\\u0040", "\\\\u0040", "%40"])
async def test_an_address_is_hidden_in_what_could_not_be_read_too(shop: Shop, at: str) -> None:
    body = f"{{ann <{ADDRESS}>, no JSON".replace("@", at).encode()
    await shop.services.ledger.set_aside([RefusedMessage(origin="queue:orders", body=body, reason="it is no JSON")])
    [waiting] = (await shop.ask("GET", "/quarantine")).json()["documents"]
    path = f"/quarantine/message/{quote(waiting['source'], safe='')}/{quote(waiting['id'], safe='')}"
    shown = await shop.ask("GET", path, token=shop.person("operator", sub="o"))
    assert shown.json()["received"] == "{ann <…@…>, no JSON"
    assert ADDRESS.replace("@", at) in (await shop.ask("GET", path)).json()["received"]
