"""What is asked of `laurels serve` while people are at the console, from a process of its own: orders until they are
awarded, or members' looks at their own places. `console_pairs.py` runs it; one line of JSON tells what it came to.
"""

import argparse
import asyncio
import json
import os
import random
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

sys.path.insert(0, str(Path(__file__).parent.parent))

import httpx
import uvloop
from bench.console_processes import cpu_us
from bench.load.load import HOST, closed_loop
from tests.settings import settings_with

from laurels.http.admission.tokens import sign_token

AT_ONCE = 500
"""Orders in one call."""

READERS = 8
MEMBERS = 5_000
"""Who look at their own places at most, each with a quota of its own."""

WARM_S, WARM_AT_MOST_S = 1.0, 60.0


class Measured(NamedTuple):
    """A second's worth, and the processor's microseconds of `laurels serve` for each."""

    rate: float
    cpu_us: float


async def awards(options: argparse.Namespace) -> Measured:
    """Orders in bulk calls, until all of them are awarded."""
    token = sign_token(
        settings_with(state=options.state), subject="bench", scope="orders:write status:read", ttl_s=36_000
    )
    headers, rng = {"Authorization": f"Bearer {token}"}, random.Random(options.seed)
    async with httpx.AsyncClient(base_url=f"http://{HOST}:{options.port}", headers=headers, timeout=60) as client:
        await _ordered(client, rng, options, WARM_S)
        cpu, began = cpu_us(options.serve), time.perf_counter()
        sent = await _ordered(client, rng, options, options.span)
        took = time.perf_counter() - began
        return Measured(sent / took, (cpu_us(options.serve) - cpu) / sent)


async def _ordered(client: httpx.AsyncClient, rng: random.Random, options: argparse.Namespace, span_s: float) -> int:
    """Order for so long, wait until all is awarded, and tell how many orders that were."""
    before, ends, sent = await _head(client), time.perf_counter() + span_s, 0
    while time.perf_counter() < ends:
        answer = await client.post("/orders", json=[_order(rng, options.members) for _ in range(AT_ONCE)])
        assert answer.is_success, answer.text
        sent += AT_ONCE
    while await _head(client) < before + sent:  # noqa: ASYNC110 - another process awards them
        await asyncio.sleep(0.02)
    return sent


async def _head(client: httpx.AsyncClient) -> int:
    return sum(each["position"] for each in (await client.get("/status")).json()["heads"])


def _order(rng: random.Random, members: int) -> dict[str, Any]:
    return {
        "order_id": f"beside{os.getpid()}-{rng.getrandbits(64):x}",
        "member_id": f"m{rng.randrange(members)}",
        "currency": "GBP",
        "total": f"{5 + rng.randrange(200)}.00",
    }


async def reads(options: argparse.Namespace) -> Measured:
    """Members' own looks at their place and neighbours."""
    settings = settings_with(state=options.state)
    ids = [f"m{n}" for n in range(0, options.members, max(1, options.members // MEMBERS))]
    head = f" HTTP/1.1\r\nHost: {HOST}\r\nAuthorization: Bearer"
    looks = [
        f"GET /loyalty/{id}{head} {sign_token(settings, subject=id, scope=None, ttl_s=36_000)}\r\n\r\n".encode()
        for id in ids
    ]
    await closed_loop(options.port, iter(looks), connections=READERS, seconds=WARM_AT_MOST_S)  # tokens are known then
    cpu = cpu_us(options.serve)
    outcome = await closed_loop(options.port, _any_of(looks, options.seed), connections=READERS, seconds=options.span)
    assert set(outcome.statuses) == {200}, outcome.statuses
    return Measured(outcome.answers / outcome.seconds, (cpu_us(options.serve) - cpu) / outcome.answers)


def _any_of(looks: list[bytes], seed: int) -> Iterator[bytes]:
    rng = random.Random(seed)
    while True:
        yield looks[rng.randrange(len(looks))]


if __name__ == "__main__":
    assert __doc__
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["awards", "reads"])
    parser.add_argument("--state", type=Path, required=True, help="where the keys are that tokens are signed with")
    parser.add_argument("--port", type=int, required=True, help="where `laurels serve` answers")
    parser.add_argument("--serve", type=int, required=True, help="the number of its process")
    parser.add_argument("--members", type=int, required=True, help="of whom orders and looks are: m0, m1 …")
    parser.add_argument("--span", type=float, required=True, help="seconds")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    print(json.dumps(uvloop.run({"awards": awards, "reads": reads}[options.what](options))))
