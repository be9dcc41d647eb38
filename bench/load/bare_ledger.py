"""The bare statements of accepting an order: the two rows that the ledger writes of it, by the driver alone, and a
durable commit for so many orders; no server, no look-up, no fingerprint.

    python bench/load/bare_ledger.py --state DIR [--orders 20000] [--together 64]

Prints one line of JSON: orders a second, and microseconds of processor time for each.
"""

import argparse
import asyncio
import json
import os
from pathlib import Path
from time import perf_counter, process_time

from laurels import clock
from laurels.engines.sqlite.connection import Database
from laurels.intake import OrderForm
from laurels.model import Document, Order, Status
from laurels.settings import Settings
from laurels.wiring import build

MEMBERS = 1_000
FINGERPRINT = bytes(range(16))
SHARD = 0


def order(name: str, member: int) -> Order:
    """One of 25.00, as `prepare.order_request` has it."""
    form = OrderForm(member_id=f"customer-{member}", currency="GBP", total="25.00")
    return form.order(name, clock.now())


async def with_members(settings: Settings) -> None:
    """A ledger with members, each with an order in the inbox."""
    async with build(settings) as services:
        await services.intake.accept_all([(order(f"A{n}", n), b"") for n in range(MEMBERS)])


def measure(path: Path, orders: int, together: int) -> dict[str, float]:
    """Write the rows of so many new orders, so many to a commit."""
    db, now = Database(path), clock.now()
    sequence = db.value("last_sequence")
    name, kind = f"B{os.getpid()}-{sequence}", "order"
    made = [order(f"{name}-{n}", n % MEMBERS).document(b'{"total":"25.00"}' * 5) for n in range(orders)]
    began, cpu = perf_counter(), process_time()
    for start in range(0, orders, together):
        chunk: list[tuple[int, Document]] = list(enumerate(made[start : start + together], sequence + start + 1))
        db.execute("BEGIN IMMEDIATE")
        db.run_many(
            "insert_accepted",
            [
                (n, kind, each.source, each.id, n % MEMBERS, FINGERPRINT, Status.ACCEPTED.value, None, now)
                for n, each in chunk
            ],
        )
        db.run_many(
            "insert_inbox",
            [
                (
                    *(n, "ready", kind, each.source, each.id, None, each.order_id, now),
                    *(each.content, each.raw, SHARD, each.source, "till"),
                )
                for n, each in chunk
            ],
        )
        db.execute("COMMIT")
    result = {"per_s": orders / (perf_counter() - began), "cpu_us": (process_time() - cpu) / orders * 1e6}
    db.close()
    return result


def main() -> None:
    """Measure once."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--state", type=Path, required=True, help="where its ledger is, or is made")
    parser.add_argument("--orders", type=int, default=20_000)
    parser.add_argument("--together", type=int, default=64, help="orders that share a commit")
    arguments = parser.parse_args()
    settings = Settings(state=arguments.state)
    path = arguments.state / "laurels.db"
    if not path.exists():
        asyncio.run(with_members(settings))
    print(json.dumps(measure(path, arguments.orders, arguments.together)))


if __name__ == "__main__":
    main()
