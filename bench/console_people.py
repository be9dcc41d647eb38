"""What people at the console do all day: look somebody up, look at the customer, at the work list, at reports."""

import argparse
import asyncio
import random
import time

from bench.console_processes import cpu_us
from tests.console.console_shop import Visitor

Took = dict[str, list[float]]
"""How long each page took, in milliseconds."""

Asked = tuple[str, str, dict[str, str] | None]
"""A page: what it is called, its path, and the form that is sent there."""


async def work(visitor: Visitor, rng: random.Random, options: argparse.Namespace, took: Took) -> None:
    """One person's rounds over members that `fill` has made."""
    for n in range(options.pages):
        await round_of(visitor, rng, options, took, is_first=n == 0)


async def round_of(
    visitor: Visitor, rng: random.Random, options: argparse.Namespace, took: Took, *, is_first: bool = False
) -> None:
    """Every page once, with a look of `--looks` seconds on average before each."""
    for name, path, form in pages(rng, options):
        await asyncio.sleep(rng.expovariate(1 / options.looks))
        began = time.perf_counter()
        await ask(visitor, path, form)
        is_overview = name == "overview"
        called = f"{name}, {'cold' if is_first else 'warm'}" if is_overview else name
        took.setdefault(called, []).append(1000 * (time.perf_counter() - began))


async def alone(visitor: Visitor, rng: random.Random, options: argparse.Namespace, pids: list[int]) -> list[str]:
    """Each page so many times by one person; a line for each, with the processor's milliseconds in each process."""
    rounds = [pages(rng, options) for _ in range(options.alone)]
    lines = []
    for of_name in zip(*rounds, strict=True):
        before = [cpu_us(pid) for pid in pids]
        for _, path, form in of_name:
            await ask(visitor, path, form)
        each = [(cpu_us(pid) - was) / 1000 / len(of_name) for pid, was in zip(pids, before, strict=True)]
        lines.append(f"{of_name[0][0]:24} {' and '.join(f'{one:.1f}' for one in each)} ms of the processor")
    return lines


def pages(rng: random.Random, options: argparse.Namespace) -> list[Asked]:
    """Every page once, of members at random."""
    some = options.members // options.copies
    copy, member = rng.randrange(options.copies), rng.randrange(some)
    order = f"c{copy:04}GBP{member}" if copy else f"GBP{member}"
    number, last = copy * (some + 1) + member, copy * (some + 1) + some
    return [
        ("search", "/customers", {"q": order}),
        ("customer", f"/customers/{number}", None),
        ("2,500 entries filtered", f"/customers/{last}?show=spent", None),
        ("work list", "/work", None),
        ("overview", "/overview", None),
        ("finance", "/finance", None),
    ]


async def ask(visitor: Visitor, path: str, form: dict[str, str] | None) -> None:
    """Open a page, or send a form."""
    if form is None:
        answer = await visitor.client.get(path)
    else:
        answer = await visitor.client.post(path, data={**visitor.fields("/sign-out"), **form})
        answer = await visitor.client.get(answer.headers["location"])
    wanted = 200 if form is None else 303
    assert answer.status_code == wanted, (path, form, answer.status_code, answer.text)
