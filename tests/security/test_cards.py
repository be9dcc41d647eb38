"""Refused: card numbers in payment and free-text fields. Tried with planted test numbers, and by a search of database,
logs and all other files afterwards. Article numbers and order ids pass.
"""

import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from tests.ending import end
from tests.settings import settings_with
from tests.unit.test_model_cards import CARDS

from laurels.http.admission.tokens import sign_token
from laurels.settings import Settings

MEMBER = "17850"
SCOPES = "points:adjust points:redeem orders:write members:write"

Headers = dict[str, str]


def written(card: str) -> list[str]:
    """A number as people write it."""
    groups = [card[n : n + 4] for n in range(0, len(card), 4)]
    return [card, " ".join(groups), "-".join(groups), f"{card[:4]} {card[4:10]} {card[10:]}", f"card {card}, exp 12/28"]


def digits_of(content: bytes) -> Iterator[str]:
    """All runs of digits in a file, whatever parts them within a number."""
    for run in re.finditer(rb"\d(?:[ \-]?\d)+", content):
        yield re.sub(rb"\D", b"", run.group()).decode()


def found_in(path: Path) -> set[str]:
    """Which of the planted numbers stand in a file."""
    digits = "\n".join(digits_of(path.read_bytes()))
    return {card for card in CARDS if card in digits}


@contextmanager
def serving(state: Path, log: Path) -> Iterator[httpx.Client]:
    """`laurels serve` with its log in a file, and a client."""
    with log.open("wb") as stderr:
        command = [sys.executable, "-m", "laurels", "serve", "--port", "0", "--state", str(state)]
        server = subprocess.Popen(command, stderr=stderr)
    try:
        while (address := re.search(r"answers at (http://\S+)/", log.read_text())) is None:
            assert server.poll() is None, log.read_text()
        with httpx.Client(base_url=address[1], timeout=60) as client:
            yield client
    finally:
        end(server)


@pytest.mark.slow
def test_no_planted_card_number_is_kept_anywhere(tmp_path: Path) -> None:
    state, log = tmp_path / "state", tmp_path / "log"
    with serving(state, log) as client:
        settings = settings_with(state=state, http_rate_limit_per_minute=60_000_000)
        service = {"Authorization": "Bearer " + sign_token(settings, subject="till", scope=SCOPES, ttl_s=600)}
        members = [f"{MEMBER}-{n}" for n in range(len(CARDS))]
        for member, card in zip(members, CARDS, strict=True):
            own = {"Authorization": "Bearer " + sign_token(settings, subject=member, scope=None, ttl_s=600)}
            credit = {"loyalty-points": 100, "reason": "goodwill"}
            assert client.post(f"/loyalty/{member}", headers=service, json=credit).status_code == 201
            for n, text in enumerate(written(card)):
                plant_in_payment(client, own, f"{member}-{n}", text)
                plant_in_free_text(client, service, member, f"{member}-{n}", text)
                plant_around(client, service, text)
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert {path.name for path in files} >= {"laurels.db", "log"}
    assert {path.name: found_in(path) for path in files if found_in(path)} == {}


def plant_in_payment(client: httpx.Client, own: Headers, order_id: str, text: str) -> None:
    paying = {"method": "card", "token": "tok_ok"}
    wrong: list[Any] = [{**paying, "token": text}, {**paying, "method": text}, {**paying, "number": text}, text]
    for details in wrong:
        body = {"itemIds": ["85123A"], "paymentDetails": details}
        assert client.post(f"/order/{order_id}", headers=own, json=body).status_code == 422


def plant_in_free_text(client: httpx.Client, service: Headers, member: str, an_id: str, text: str) -> None:
    """Also where no text is wanted, and before a second field of the same name."""
    order = {"member_id": member, "currency": "GBP", "total": "25.00"}
    wrong: list[tuple[str, dict[str, Any]]] = [
        (f"/loyalty/{member}", {"loyalty-points": 1, "reason": text}),
        (f"/loyalty/{member}/redeem", {"redemption_id": an_id, "points": 1, "reason": text}),
        (f"/order/{an_id}", {**order, "note": text}),
        (f"/order/{an_id}", {**order, "total": text}),
        (f"/order/{an_id}", {**order, "occurred_at": text}),
    ]
    for path, body in wrong:
        assert client.post(path, headers=service, json=body).status_code == 422
    # Typed into the wrong field at a till, it costs nobody the points: it is left out, and kept nowhere.
    lines = [{"sku": f"{text}\0", "quantity": 1, "unit_price": "25.00"}]
    misplaced = {
        **order,
        "email": text,
        "lines": lines,
        "currency": "JPY",
        "total": "25",
    }  # it is quarantined, with its bytes
    answer = client.post(f"/order/{an_id}", headers=service, json=misplaced)
    assert [warning["field"] for warning in answer.json()["warnings"]] == ["email", "lines[0].sku"]
    [result] = client.post("/orders", headers=service, json=[{"order_id": f"{an_id}-bulk", **misplaced}]).json()
    assert (result["http"], len(result["warnings"])) == (202, 2)
    for path, body in wrong[:2]:
        hidden = msgspec.json.encode(body)[:-1] + b',"reason":"goodwill"}'
        assert client.post(path, headers=service, content=hidden).status_code == 422


def plant_around(client: httpx.Client, service: Headers, text: str) -> None:
    """In addresses and headers."""
    said = {"User-Agent": text, "Referer": f"https://shop.example/{text}"}
    for path in ("/nothing/" + text, f"/leaderboard/{text}", f"/leaderboard/all-time?top={text}", f"/?card={text}"):
        assert client.get(path, headers={**service, **said}).status_code in {200, 404, 422}


def test_article_numbers_and_order_ids_pass(tmp_path: Path) -> None:
    """They only look like card numbers: an issuer's prefix and a right check digit are no reason to lose an order."""
    state = tmp_path / "state"
    with serving(state, tmp_path / "log") as client:
        token = sign_token(Settings(state=state), subject="till", scope=SCOPES, ttl_s=600)
        for n, number in enumerate(["4006381333931", "5901234123457", "36", CARDS[0]]):
            lines = [{"sku": number, "quantity": 1, "unit_price": "12.00"}]
            body = {"member_id": MEMBER, "currency": "GBP", "lines": lines}
            answer = client.post(f"/order/{n}{number}", headers={"Authorization": f"Bearer {token}"}, json=body)
            assert answer.status_code == 202
