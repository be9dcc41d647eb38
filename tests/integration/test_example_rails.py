"""The Rails shop of `examples/` against a running Laurels, over its own ActiveRecord models in a database file.

`rails_shop.rb` is as much of an application as they need; the job, the controller and the initializer are only read.
"""

import os
import shutil
import sqlite3
import subprocess
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from tests.integration.shop_sides import PATIENCE_S, LiveLaurels, Road, points_of, private_pem, until

SHOP = Path(__file__).parent.parent.parent / "examples" / "rails-shop"
COMMANDS = Path(__file__).with_name("rails_shop.rb")
GEMS = "ruby ruby-activerecord ruby-sqlite3 ruby-jwt"
SEED = 20_111_209

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module", autouse=True)
def ruby() -> str:
    """The path of a Ruby that has ActiveRecord."""
    path = shutil.which("ruby")
    needs = ["-ractive_record", "-rsqlite3", "-rjwt", "-e", ""]
    if path is None or subprocess.run([path, *needs], check=False, capture_output=True).returncode:
        pytest.skip(f"no Ruby with ActiveRecord: install it (Debian and Ubuntu: apt-get install {GEMS})")
    return path


class RailsShop:
    """The shop: its commands in processes of their own, and its database as it is on the disk."""

    def __init__(self, database: Path, key: Path, laurels_url: str) -> None:
        self._database = database
        self._environment = {
            **os.environ,
            "SHOP_SQLITE": str(database),
            "LAURELS_SIGNING_KEY_FILE": str(key),
            "LAURELS_URL": laurels_url,
        }

    def start(self, *command: str) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            ["ruby", COMMANDS, *command],
            env=self._environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *command: str) -> tuple[int, str]:
        with self.start(*command) as process:
            said, complaint = process.communicate(timeout=60)
        return process.returncode, said + complaint

    def place_orders(self, orders: int) -> None:
        print(f"LAURELS_TEST_SEED={SEED}")
        assert self.run("place", str(orders), str(SEED))[0] == 0

    def send_all(self) -> None:
        """As the job does every few seconds, until nothing waits."""

        def send() -> bool:
            assert self.run("send")[0] == 0
            return self.outbox()["waiting"] == 0

        until(send)

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(self._database, timeout=20)) as connection, connection:
            return connection.execute(query).fetchall()

    def outbox(self) -> Counter[str]:
        return Counter(dict(self.rows("SELECT state, count(*) FROM loyalty_outbox GROUP BY state")))

    def members(self) -> list[str]:
        return [str(customer) for (customer,) in self.rows("SELECT id FROM customers")]

    def points(self) -> dict[str, int]:
        """What the orders imply that Laurels was told of, or will be."""
        books = self.rows(
            """
            WITH parked AS (SELECT order_id, refund_id FROM loyalty_outbox WHERE state = 'parked')
            SELECT customer_id, total, (
                SELECT coalesce(sum(amount), 0) FROM refunds
                WHERE order_id = orders.id AND NOT EXISTS (SELECT 1 FROM parked WHERE refund_id = refunds.id)
            )
            FROM orders WHERE id NOT IN (SELECT order_id FROM parked WHERE refund_id IS NULL)
            """
        )
        return points_of((str(member), round(total * 100), round(refunded * 100)) for member, total, refunded in books)

    def documents(self) -> Counter[tuple[str, str]]:
        """How many entries of each kind each order should have."""
        return Counter(
            ("earn" if refund is None else "reverse", str(order))
            for order, refund in self.rows("SELECT order_id, refund_id FROM loyalty_outbox WHERE state = 'sent'")
        )


@pytest.fixture
def laurels(tmp_path: Path) -> Iterator[LiveLaurels]:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
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
def shop(laurels: LiveLaurels, road: Road, tmp_path: Path) -> RailsShop:
    shop = RailsShop(tmp_path / "shop.db", tmp_path / "signing.key", road.url)
    assert shop.run("migrate") == (0, "")
    return shop


def arrive(shop: RailsShop, laurels: LiveLaurels) -> None:
    """Everything that was sent is awarded, exactly once."""
    until(lambda: laurels.points(shop.members()) == shop.points())
    until(lambda: laurels.entries(shop.members()) == shop.documents())


def test_an_order_and_its_news_are_there_together_or_not_at_all(shop: RailsShop) -> None:
    shop.rows(
        "CREATE TRIGGER no_news BEFORE INSERT ON loyalty_outbox BEGIN SELECT raise(ABORT, 'the disk is full'); END"
    )
    code, said = shop.run("place", "1", str(SEED))
    assert (code, "the disk is full" in said) == (1, True)
    assert shop.rows("SELECT * FROM orders") == shop.rows("SELECT * FROM order_lines") == []


@pytest.mark.long
def test_whoever_dies_every_order_arrives_exactly_once(shop: RailsShop, laurels: LiveLaurels, road: Road) -> None:
    shop.place_orders(16)
    code, said = shop.run("send")
    assert (code, "does not answer" in said) == (1, True)

    laurels.start()
    with shop.start("send") as killed:

        def kill_the_sender(path: str, status: int) -> None:
            killed.kill()
            killed.wait()

        road.before_answer = kill_the_sender
        assert killed.wait(PATIENCE_S) == -9
    assert shop.outbox()["sent"] == 0
    assert road.answers, "it was killed before Laurels answered"

    road.before_answer = lambda path, status: laurels.kill() if len(road.answers) == 4 else None
    until(lambda: shop.run("send")[0] == 1 and laurels.address is None)
    laurels.start()
    shop.send_all()
    assert shop.outbox() == {"sent": len(shop.rows("SELECT 1 FROM loyalty_outbox"))}
    arrive(shop, laurels)


def test_a_refused_row_is_parked_and_a_refund_may_overtake_its_order(
    shop: RailsShop, laurels: LiveLaurels, road: Road
) -> None:
    laurels.start()
    shop.place_orders(9)
    shop.rows("UPDATE loyalty_outbox SET due_at = '2100-01-01 00:00:00' WHERE order_id = 1 AND refund_id IS NULL")
    broken = "UPDATE loyalty_outbox SET content = json_set(content, '$.{}', '{}') WHERE order_id = {} AND refund_id {}"
    shop.rows(broken.format("total", "-1.00", 3, "IS NULL"))
    shop.rows(broken.format("amount", "1.234", 5, "IS NOT NULL"))
    taken = {"member_id": "somebody", "currency": "GBP", "total": "1.00"}
    assert laurels.ask("POST", "/order/7", taken)[0] == 202
    assert shop.run("send") == (0, "")
    assert laurels.ask("GET", "/order/1")[0] == 404
    assert "/order/1/refund" in {path for path, _ in road.answers}

    shop.rows("UPDATE loyalty_outbox SET due_at = '2000-01-01 00:00:00' WHERE state = 'waiting'")
    shop.send_all()
    arrive(shop, laurels)
    parked = shop.rows("SELECT order_id, refund_id, problem FROM loyalty_outbox WHERE state = 'parked'")
    reasons = {
        (order, "order" if refund is None else "refund", problem.split(":")[0]) for order, refund, problem in parked
    }
    assert reasons == {(3, "order", "422 total"), (5, "refund", "422 amount"), (7, "order", "409 lines")}


def test_a_customers_token_opens_their_own_points_alone(shop: RailsShop, laurels: LiveLaurels) -> None:
    laurels.start()
    code, token = shop.run("token", "17850")
    assert code == 0
    status, own = laurels.ask("GET", "/loyalty/17850", token=token)
    assert (status, own["me"]["points"]) == (200, 0)
    assert laurels.ask("GET", "/loyalty/17851", token=token)[0] == 404


def test_every_file_is_ruby(ruby: str) -> None:
    files = sorted(SHOP.rglob("*.rb"))
    assert files
    for file in files:
        checked = subprocess.run([ruby, "-wc", file], capture_output=True, text=True, check=False)
        assert (checked.stdout, checked.stderr) == ("Syntax OK\n", "")
