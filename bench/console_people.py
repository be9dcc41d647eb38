"""What people at the console do all day: look somebody up, look at the customer, at the work list, at reports."""

import argparse
import asyncio
import random
import time

from tests.console.console_shop import Visitor

Took = dict[str, list[float]]
"""How long each page took, in milliseconds."""


async def work(visitor: Visitor, rng: random.Random, options: argparse.Namespace, took: Took) -> None:
    """One person's rounds over members that `filled` has made."""
    for n in range(options.pages):
        await round_of(visitor, rng, options, took, is_first=n == 0)


async def round_of(
    visitor: Visitor, rng: random.Random, options: argparse.Namespace, took: Took, *, is_first: bool = False
) -> None:
    """Every page once, with a look of `--looks` seconds on average before each."""
    some = options.members // options.copies
    copy, member = rng.randrange(options.copies), rng.randrange(some)
    order = f"c{copy:04}GBP{member}" if copy else f"GBP{member}"
    number, last = copy * (some + 1) + member, copy * (some + 1) + some
    asked: list[tuple[str, str, dict[str, str] | None]] = [
        ("search", "/customers", {"q": order}),
        ("customer", f"/customers/{number}", None),
        ("2,500 entries filtered", f"/customers/{last}?show=spent", None),
        ("work list", "/work", None),
        ("overview, cold" if is_first else "overview, warm", "/overview", None),
        ("finance", "/finance", None),
    ]
    for name, path, form in asked:
        await asyncio.sleep(rng.expovariate(1 / options.looks))
        began = time.perf_counter()
        if form is None:
            answer = await visitor.client.get(path)
        else:
            answer = await visitor.client.post(path, data={**visitor.fields("/sign-out"), **form})
        took.setdefault(name, []).append(1000 * (time.perf_counter() - began))
        wanted = 303 if name == "search" else 200
        assert answer.status_code == wanted, (path, form, answer.status_code, answer.text)
