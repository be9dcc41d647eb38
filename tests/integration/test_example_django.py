"""The Django shop of `examples/` against a running Laurels: whatever dies, the points follow from the shop's books."""

import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from tests.integration.shop_sides import PATIENCE_S, LiveLaurels, Road, points_of, private_pem, until
from tests.ports import free_port

SHOP = Path(__file__).parent.parent.parent / "examples" / "django-shop"
LEASE_S = 1
SEED = 20_111_209

pytestmark = pytest.mark.slow


class DjangoShop:
    """The shop: its commands in processes of their own, and its database as it is on the disk."""

    def __init__(self, database: Path, key: Path, laurels_url: str) -> None:
        self.database = database
        self._running: list[subprocess.Popen[str]] = []
        self.environment = {
            **os.environ,
            "SHOP_SQLITE": str(database),
            "LAURELS_SIGNING_KEY_FILE": str(key),
            "LAURELS_URL": laurels_url,
            "LAURELS_LEASE_S": str(LEASE_S),
        }

    def start(self, *command: str, **environment: str) -> "subprocess.Popen[str]":
        process = subprocess.Popen(
            [sys.executable, "manage.py", *command],
            cwd=SHOP,
            env={**self.environment, **environment},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL if command[-1] != "--once" else subprocess.PIPE,
            text=True,
        )
        self._running.append(process)
        return process

    def manage(self, *command: str, **environment: str) -> str:
        done = subprocess.run(
            [sys.executable, "manage.py", *command],
            cwd=SHOP,
            env={**self.environment, **environment},
            check=False,
            capture_output=True,
            text=True,
            timeout=200,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def place_orders(self, orders: int) -> None:
        said = self.manage("place_demo_orders", "--orders", str(orders), "--seed", str(SEED))
        print(said)

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(self.database, timeout=20)) as connection, connection:
            return connection.execute(query).fetchall()

    def outbox(self) -> Counter[str]:
        return Counter(dict(self.rows("SELECT state, count(*) FROM shop_loyaltyoutbox GROUP BY state")))

    def members(self) -> list[str]:
        return [str(pk) for (pk,) in self.rows("SELECT id FROM auth_user")]

    def points(self) -> dict[str, int]:
        """What the orders imply that Laurels was told of, or will be."""
        books = self.rows(
            """
            WITH parked AS (SELECT order_id, refund_id FROM shop_loyaltyoutbox WHERE state = 'parked')
            SELECT customer_id, total, (
                SELECT coalesce(sum(amount), 0) FROM shop_refund AS refund
                WHERE refund.order_id = shop_order.id AND NOT EXISTS (SELECT 1 FROM parked WHERE refund_id = refund.id)
            )
            FROM shop_order WHERE id NOT IN (SELECT order_id FROM parked WHERE refund_id IS NULL)
            """
        )
        return points_of((str(member), round(total * 100), round(refunded * 100)) for member, total, refunded in books)

    def documents(self) -> Counter[tuple[str, str]]:
        """How many entries of each kind each order should have."""
        return Counter(
            ("earn" if refund is None else "reverse", str(order))
            for order, refund in self.rows("SELECT order_id, refund_id FROM shop_loyaltyoutbox WHERE state = 'sent'")
        )

    def close(self) -> None:
        for process in self._running:
            process.kill()
            process.communicate()


@pytest.fixture(scope="module")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    database = tmp_path_factory.mktemp("django") / "shop.db"
    DjangoShop(database, Path(), "").manage("migrate")
    return database


@pytest.fixture
def laurels(tmp_path: Path) -> Iterator[LiveLaurels]:
    key = Ed25519PrivateKey.generate()
    (tmp_path / "signing.key").write_text(private_pem(key))
    laurels = LiveLaurels(tmp_path, key)
    yield laurels
    laurels.kill()


@pytest.fixture
def road(laurels: LiveLaurels) -> Iterator[Road]:
    road = Road(laurels)
    yield road
    road.close()


@pytest.fixture
def shop(laurels: LiveLaurels, road: Road, empty_database: Path, tmp_path: Path) -> Iterator[DjangoShop]:
    shutil.copy(empty_database, tmp_path / "shop.db")
    shop = DjangoShop(tmp_path / "shop.db", tmp_path / "signing.key", road.url)
    yield shop
    shop.close()


def arrive(shop: DjangoShop, laurels: LiveLaurels) -> None:
    """Everything that the shop sold and took back is awarded, exactly once."""
    until(lambda: shop.outbox()["waiting"] == 0)
    until(lambda: laurels.points(shop.members()) == shop.points())
    until(lambda: laurels.entries(shop.members()) == shop.documents())


SEND_AN_ORDER = """
from types import SimpleNamespace
from django.conf import settings
from shop.loyalty.client import Laurels
from shop.loyalty.sender import _path
from shop.loyalty.tokens import sender_token
row = SimpleNamespace(order_id="gid://shop/SO 2024/#1", refund_id=None)
content = {"member_id": "auth0|1", "currency": "GBP", "total": "25.00"}
print(Laurels(settings.LAURELS_URL, sender_token).send(_path(row), content).status)
"""


def test_an_id_with_slashes_passes_the_proxy_between(shop: DjangoShop, laurels: LiveLaurels) -> None:
    """For shops whose orders have such ids: the example encodes them, and what is on the way passes them on."""
    laurels.start()
    assert [shop.manage("shell", "-c", SEND_AN_ORDER).split()[-1] for _ in range(2)] == ["202", "200"]
    until(lambda: laurels.points(["auth0|1"]) == {"auth0|1": 3})


@pytest.mark.long
def test_orders_placed_while_laurels_is_away_arrive_later_exactly_once(
    shop: DjangoShop, laurels: LiveLaurels, road: Road
) -> None:
    shop.place_orders(40)
    alone = shop.start("send_loyalty_outbox", "--once")
    _, said = alone.communicate(timeout=60)
    assert alone.returncode == 1
    assert "does not answer" in said
    waiting = shop.outbox()["waiting"]
    assert waiting > 40
    senders = [shop.start("send_loyalty_outbox") for _ in range(2)]
    laurels.start()
    arrive(shop, laurels)
    shop.place_orders(10)
    arrive(shop, laurels)
    assert {status for _, status in road.answers} <= {200, 202}
    assert shop.outbox()["sent"] > waiting + 10
    for sender in senders:
        sender.terminate()
        assert sender.wait(PATIENCE_S) == 0


def test_an_order_and_its_news_are_there_together_or_not_at_all(shop: DjangoShop) -> None:
    shop.rows(
        "CREATE TRIGGER no_news BEFORE INSERT ON shop_loyaltyoutbox BEGIN SELECT raise(ABORT, 'the disk is full'); END"
    )
    with pytest.raises(AssertionError, match="the disk is full"):
        shop.place_orders(1)
    assert shop.rows("SELECT * FROM shop_order") == shop.rows("SELECT * FROM shop_orderline") == []


def test_a_sender_killed_between_the_answer_and_its_mark_sends_again_and_counts_once(
    shop: DjangoShop, laurels: LiveLaurels, road: Road
) -> None:
    laurels.start()
    shop.place_orders(8)
    for answer in (1, 2):
        killed = shop.start("send_loyalty_outbox")
        still = len(road.answers) + answer

        def kill(path: str, status: int, killed: Any = killed, still: int = still) -> None:
            if len(road.answers) == still:
                killed.kill()
                killed.wait()

        road.before_answer = kill
        assert killed.wait(PATIENCE_S) == -9
        assert shop.outbox()["waiting"] > 0
    shop.start("send_loyalty_outbox")
    arrive(shop, laurels)
    sent_again = [path for path, count in Counter(path for path, _ in road.answers).items() if count > 1]
    assert sent_again, "no answer was lost"


@pytest.mark.long
def test_laurels_killed_before_its_answer_arrives_is_told_again_when_it_is_back(
    shop: DjangoShop, laurels: LiveLaurels, road: Road
) -> None:
    laurels.start()
    shop.place_orders(12)
    road.before_answer = lambda path, status: laurels.kill() if len(road.answers) == 3 else None
    shop.start("send_loyalty_outbox")
    until(lambda: laurels.address is None)
    assert shop.outbox()["waiting"] > 0
    laurels.start()
    arrive(shop, laurels)
    path = road.answers[2][0]
    assert [one for one, _ in road.answers].count(path) > 1, "it was not told again"


def test_a_refund_that_overtakes_its_order_takes_back_what_the_order_earns_later(
    shop: DjangoShop, laurels: LiveLaurels, road: Road
) -> None:
    laurels.start()
    shop.place_orders(1)  # the first order is one that is refunded
    shop.rows("UPDATE shop_loyaltyoutbox SET due_at = '2100-01-01 00:00:00' WHERE refund_id IS NULL")
    shop.manage("send_loyalty_outbox", "--once")
    assert road.answers
    assert all(path == "/order/1/refund" for path, _ in road.answers)
    assert laurels.ask("GET", "/order/1")[0] == 404
    shop.rows("UPDATE shop_loyaltyoutbox SET due_at = '2000-01-01 00:00:00'")
    shop.manage("send_loyalty_outbox", "--once")
    arrive(shop, laurels)


@pytest.mark.long
def test_a_row_that_laurels_refuses_is_parked_with_the_reason_and_stops_no_other(
    shop: DjangoShop, laurels: LiveLaurels, road: Road
) -> None:
    laurels.start()
    shop.place_orders(9)
    broken = (
        "UPDATE shop_loyaltyoutbox SET content = json_set(content, '$.{}', '{}') WHERE order_id = {} AND refund_id {}"
    )
    shop.rows(broken.format("total", "-1.00", 3, "IS NULL"))
    shop.rows(broken.format("amount", "1.234", 5, "IS NOT NULL"))
    taken = {"member_id": "somebody", "currency": "GBP", "total": "1.00"}
    assert laurels.ask("POST", "/order/7", taken)[0] == 202
    shop.manage("send_loyalty_outbox", "--once")
    arrive(shop, laurels)
    parked = shop.rows("SELECT order_id, refund_id, problem FROM shop_loyaltyoutbox WHERE state = 'parked'")
    reasons = {
        (order, "order" if refund is None else "refund", problem.split(":")[0]) for order, refund, problem in parked
    }
    assert reasons == {(3, "order", "422 total"), (5, "refund", "422 amount"), (7, "order", "409 channel")}


@pytest.mark.long
def test_a_customer_sees_their_own_points_and_the_office_sends_a_parked_row_again(
    shop: DjangoShop, laurels: LiveLaurels, road: Road
) -> None:
    laurels.start()
    shop.manage(
        *("createsuperuser", "--noinput", "--username", "ann", "--email", "ann@example.com"),
        DJANGO_SUPERUSER_PASSWORD="a long one",
    )
    address = f"127.0.0.1:{free_port()}"
    shop.start("runserver", "--noreload", address)
    with httpx.Client(base_url=f"http://{address}", follow_redirects=True, timeout=60) as browser:
        until(lambda: _answers(browser))
        assert browser.get("/points/token/").status_code == 401
        sign_in = {"username": "ann", "password": "a long one"}
        page = _submit(browser, "/login/", sign_in)
        assert '<laurels-dashboard src="/laurels" member="1">' in page.text
        _submit(browser, "/buy/", {}, form_on="/")

        content = shop.rows("SELECT content FROM shop_loyaltyoutbox")[0][0]
        shop.rows("UPDATE shop_loyaltyoutbox SET content = '{}'")
        shop.manage("send_loyalty_outbox", "--once")
        assert shop.outbox() == {"parked": 1}
        office = "/admin/shop/loyaltyoutbox/1/change/"
        _submit(browser, office, {"content": content})
        action = {"action": "send_again", "_selected_action": "1"}
        _submit(browser, "/admin/shop/loyaltyoutbox/", action)
        shop.manage("send_loyalty_outbox", "--once")
        arrive(shop, laurels)

        answer = browser.get("/points/token/")
        assert answer.headers["Cache-Control"].count("no-store") == 1
        token = answer.json()["token"]
    status, own = laurels.ask("GET", "/loyalty/1", token=token)
    assert (status, own["me"]["points"]) == (200, 3)
    assert laurels.ask("GET", "/loyalty/2", token=token)[0] == 404
    assert laurels.ask("POST", "/order/2", json.loads(content), token=token)[0] in {403, 422}


def _answers(browser: httpx.Client) -> bool:
    try:
        return browser.get("/login/").is_success
    except httpx.HTTPError:
        return False


def _submit(browser: httpx.Client, path: str, fields: dict[str, str], form_on: str | None = None) -> httpx.Response:
    """Fill in a form as a browser does, its hidden token with it."""
    page = browser.get(form_on or path)
    hidden = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page.text)
    assert hidden is not None, page.text[:300]
    answer = browser.post(path, data={**fields, "csrfmiddlewaretoken": hidden[1]}, headers={"Referer": str(page.url)})
    assert answer.is_success, answer.text
    return answer
