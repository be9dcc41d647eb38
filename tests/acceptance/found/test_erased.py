"""What is erased stays erased: in every file, whatever comes later, and whoever guesses."""

import hashlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.acceptance.command_line import laurels_here
from tests.integration.http_shop import Shop, open_shop

from laurels.intake import ReceivedMessage, Taking
from laurels.model import Order

pytestmark = pytest.mark.anyio

WHO = "yan-88"
TRACES = (b"yan-88", b"yan.eighty@example.com", b"late parcel of Yan", b"sorry, Yan")


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    async with open_shop(tmp_path / "state") as opened:
        yield opened


def found_in(folder: Path) -> list[bytes]:
    """Traces of the member that lie in any file below."""
    kept = b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())
    return [trace for trace in TRACES if trace in kept]


async def leave_traces(shop: Shop) -> None:
    """Everywhere: an order, a mail in the outbox, a refund that waits, one in quarantine, words of people, a key."""
    address = "yan.eighty@example.com"
    assert (await shop.order("A1", WHO, "2500.00", email=address)).status_code == 202
    await shop.order("Y1", WHO, "2500", currency="JPY", email=address)
    refund = {"refund_id": "R9", "member_id": WHO, "currency": "GBP", "amount": "5.00"}
    await shop.ask("POST", "/order/unknown/refund", json=refund)
    await shop.settle()
    goodwill = {"loyalty-points": 5, "reason": "late parcel of Yan", "note": "sorry, Yan"}
    headers = {"Idempotency-Key": f"goodwill-{WHO}"}
    assert (await shop.ask("POST", f"/loyalty/{WHO}", json=goodwill, headers=headers)).status_code == 201
    spent = {"redemption_id": "V1", "points": 1, "reason": "late parcel of Yan"}
    assert (await shop.ask("POST", f"/loyalty/{WHO}/redeem", json=spent)).status_code == 201
    assert (await shop.ask("POST", f"/members/{WHO}/hide", member=WHO)).status_code == 200
    assert await shop.services.notifier.drain() == 1
    await shop.settle()


async def test_nothing_is_left_in_any_file(shop: Shop, tmp_path: Path) -> None:
    await leave_traces(shop)
    assert found_in(tmp_path / "state") == list(TRACES)
    assert (await shop.ask("DELETE", f"/members/{WHO}")).status_code == 200
    await shop.settle()
    assert found_in(tmp_path / "state") == []


async def test_what_comes_later_keeps_no_id(shop: Shop, tmp_path: Path) -> None:
    """The refund of an erased member's order, its cancellation, an amendment, and the same again."""
    await leave_traces(shop)
    await shop.ask("DELETE", f"/members/{WHO}")
    refund: dict[str, Any] = {"refund_id": "R1", "member_id": WHO, "currency": "GBP", "amount": "250.00"}
    assert (await shop.ask("POST", "/order/A1/refund", json=refund)).status_code == 202
    await shop.settle()
    assert (await shop.ask("POST", "/order/A1/refund", json=refund)).status_code == 200
    order: dict[str, Any] = {"revision": 2, "member_id": WHO, "currency": "GBP", "total": "1000.00"}
    assert (await shop.ask("POST", "/order/A1/amend", json=order)).status_code == 202
    await shop.settle()
    state = (await shop.ask("GET", "/order/A1/refund/R1")).json()
    assert (state["status"], state["points"]) == ("awarded", -25)
    assert [each["points"] for each in state["entries"]] == [-25, -25], "carried over by the amendment"
    assert (await shop.ask("GET", "/order/A1")).json()["points"] == 75
    headers = {"Idempotency-Key": f"goodwill-{WHO}"}
    again = await shop.ask("POST", f"/loyalty/{WHO}", json={"loyalty-points": 900}, headers=headers)
    assert again.status_code == 200, "after erasing, the key alone decides"
    assert found_in(tmp_path / "state") == []
    assert (await shop.ask("GET", f"/loyalty/{WHO}")).status_code == 404


async def test_what_cannot_be_placed_is_found_by_erasing(shop: Shop, tmp_path: Path) -> None:
    """A refund of nobody's order, for an id that is nobody's: erasing finds it all the same."""
    for refund_id, order in (("R1", "unknown"), ("R2", "unknown-too")):
        refund = {"refund_id": refund_id, "member_id": WHO, "currency": "GBP", "amount": "5.00"}
        assert (await shop.ask("POST", f"/order/{order}/refund", json=refund)).status_code == 202
    await shop.settle()
    assert found_in(tmp_path / "state") == [b"yan-88"]
    assert (await shop.ask("DELETE", f"/members/{WHO}")).status_code == 200
    assert found_in(tmp_path / "state") == []
    assert (await shop.ask("DELETE", f"/members/{WHO}")).status_code == 404


@pytest.mark.parametrize(
    "body",
    [
        b'{"kind": "order", "order_id": "A1", "member_id": "%s", "member_id": "%s", "currency": "GBP", "total": "5"}',
        b'{"kind": "order", "order_id": "A1", "member_id": "%s", "currency": "GBP", "was": {"member_id": "%s"}}',
        b'[{"member_id": "%s"}, {"member_id": "%s"}]',
        b'{"member_id": "%s", "was": {"member_id": "%s"',
        b'{"kind": "order", "orderId": "A1", "memberId": "%s", "total": "5", "was": {"memberId": "%s"}}',
        b'{"kind": "order", "order_id": "A1", "member_id": " %s", "currency": "GBP", "total": "5", "member-id": "%s "}',
        b'{"Type": "x", "TopicArn": "t", "Message": "{\\"member_id\\": \\"%s\\", \\"member_id\\": \\"%s\\"}"}',
        b'{"before": 0, "after": {"payload": "[{\\"member_id\\": \\"%s\\"}, {\\"member_id\\": \\"%s\\"}]"}, "op": "c"}',
        b'"[{\\"member_id\\": \\"%s\\"}, {\\"member_id\\": \\"%s\\"}]"',
    ],
)
@pytest.mark.parametrize("pair", [(WHO, "bob"), ("bob", WHO)])
@pytest.mark.parametrize("known", [True, False])
async def test_a_message_of_a_queue_that_names_two_goes_with_either(
    shop: Shop, tmp_path: Path, body: bytes, pair: tuple[str, str], known: bool
) -> None:
    services = shop.services
    if known:
        await services.ledger.enrol([(WHO, None), ("bob", None)], actor="test")
    taking = Taking(services.intake, services.ledger, services.now, "orders")
    taken = await taking.keep(taking.read([ReceivedMessage(body % tuple(each.encode() for each in pair))]))
    assert taken.refused == 1
    assert found_in(tmp_path / "state") == [b"yan-88"]
    assert (await shop.ask("DELETE", f"/members/{WHO}")).status_code == 200
    assert found_in(tmp_path / "state") == []


async def test_fingerprints_are_not_read_back_by_guessing(shop: Shop, tmp_path: Path) -> None:
    """Every hash that is stored is attacked with a dictionary of ids, as the one of version 0.1 fell in 0.1 s."""
    await shop.order("A1", "17850", "25.00", occurred_at="2026-11-01T10:00:00Z")
    await shop.settle()
    await shop.ask("DELETE", "/members/17850")
    await shop.settle()
    kept = b"".join(path.read_bytes() for path in (tmp_path / "state").glob("laurels.db*"))
    at = 1_793_527_200_000_000
    for guess in ("17850", "17851", "ann"):
        order = Order(source="shop", order_id="A1", member_id=guess, currency="GBP", total=2500, occurred_at=at)
        fingerprint = order.document().fingerprint
        spellings = {
            guess.encode(),
            fingerprint,
            hashlib.sha256(guess.encode()).digest(),
            hashlib.blake2b(guess.encode(), digest_size=16).digest(),
        }
        assert not [each for each in spellings if len(each) > 5 and each in kept]


@pytest.mark.parametrize("token", ["tok_ok", "tok_declined"])
async def test_what_was_bought_here_does_not_give_the_buyer_back(shop: Shop, tmp_path: Path, token: str) -> None:
    """An intent is kept for ever, also where nothing was bought. Its hash is attacked by who knows the catalogue."""
    for who in ("17850", "17851"):
        form = {"itemIds": ["85123A"], "paymentDetails": {"method": "card", "token": token}}
        assert (await shop.ask("POST", "/order/o-1", member=who, json=form)).status_code in {200, 201, 202, 402}
        await shop.settle()
        await shop.ask("DELETE", f"/members/{who}")
    await shop.settle()
    kept = b"".join(path.read_bytes() for path in (tmp_path / "state").glob("laurels.db*"))
    for guess in ("17850", "17851"):
        for said in ([guess, ["85123A"], "card"], ["o-1", guess, ["85123A"], "card"], [guess, "o-1"], [guess]):
            assert hashlib.blake2b(msgspec.json.encode(said), digest_size=16).digest() not in kept


def test_help_says_what_stays() -> None:
    said = " ".join(laurels_here("members", "erase", "--help").stdout.split())
    for words in (
        "What stays",
        "ids of orders, refunds, redemptions",
        "proxy name",
        "backups from before",
        "WAL",
        "mails that a server",
    ):
        assert words in said.replace("│ ", ""), said
