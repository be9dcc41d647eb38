"""What counts in the navigation cost a page, and what a log without looks costs a call, in processor time.

    python bench/micro/console_counts.py [--pages 400]

Pages with and without their counts take turns, in one process with the API, over SQLite where TMPDIR is: 150 documents
on the work list, 20 proposals of somebody else. Then one call for changes that looks through 10,000 looks. Medians.
"""

import argparse
import asyncio
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from contextlib import redirect_stdout
from functools import partial
from http import HTTPStatus
from pathlib import Path
from statistics import median
from typing import Any
from unittest.mock import patch

sys.path.insert(0, str(Path(__file__).parents[2]))
from tests.console.console_shop import ConsoleShop, open_console_shop

from laurels.console import client_of
from laurels.http import create_app, open_auth
from laurels.http.admission.person_tokens import console_key
from laurels.ledger import Act
from laurels.runtime.process import run

DOCUMENTS, PROPOSALS, LOOKS, CALLS = 150, 20, 10_000, 40
ROLES = (("support",), ("lead",), ("operator",), ("lead", "operator"))
LOOK = Act(sub="mary", name="Mary", roles="support", action="show_customer")


async def fill(house: ConsoleShop) -> None:
    """What waits, and looks."""
    shop = house.shop
    for n in range(DOCUMENTS):
        await shop.order(f"Q{n}", "bob", "25.00", currency="USD")
    await shop.settle()
    mary = shop.person("lead", sub="mary")
    for n in range(PROPOSALS):
        body = {"proposal_id": f"p{n}", "member_id": "ann", "loyalty-points": 600, "reason": "a bench"}
        await shop.ask("POST", "/proposals", json=body, token=mary)
    await asyncio.gather(*[shop.services.ledger.record(LOOK) for _ in range(LOOKS)])


async def no_counts(_: Any) -> dict[str, int]:
    """A page without them."""
    return {}


async def timed(ask: Callable[[], Awaitable[Any]]) -> float:
    """Milliseconds of the processor."""
    began = time.process_time()
    assert (await ask()).status_code == HTTPStatus.OK
    return (time.process_time() - began) * 1000


async def measure(pages: int) -> list[str]:
    """A line for each figure."""
    told = []
    with tempfile.TemporaryDirectory() as folder:
        async with open_console_shop(Path(folder)) as house:
            await fill(house)
            services = house.shop.services
            api = create_app(services, open_auth(services.settings, services.now, console_key(services.settings)))
            async with client_of(api) as house.api:
                for roles in ROLES:
                    visitor = await house.signed_in(*roles, name="-".join(roles))
                    path = "/customers" if roles == ("support",) else "/jobs"
                    ask, without, with_them = partial(visitor.open, path), [], []
                    for _ in range(pages):
                        with patch("laurels.console.app.counts_for", no_counts):
                            without.append(await timed(ask))
                        with_them.append(await timed(ask))
                    told.append(f"{' '.join(roles)} {path}: {median(without):.2f} -> {median(with_them):.2f} ms")
                changes = partial(house.shop.ask, "GET", "/audit?only=changes")
                calls = [await timed(changes) for _ in range(CALLS)]
                told.append(f"changes behind {LOOKS:,} looks: {median(calls):.1f} ms")
    return told


def main() -> None:
    """Measure, and tell."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pages", type=int, default=400)
    with redirect_stdout(None):
        told = run(measure(parser.parse_args().pages))
    print(*told, sep="\n")


if __name__ == "__main__":
    main()
