"""A path has one spelling: whatever else a proxy, a browser or a stranger makes of it leads nowhere."""

import re
from random import Random

import pytest
from tests.integration.http_lines import NO_EDGE, Connect, connect, request
from tests.integration.http_shop import Shop
from tests.integration.test_http_edge import Seen, seen, shop

from laurels.http.api import service
from laurels.http.app import ROUTES

__all__ = ["connect", "seen", "shop"]

pytestmark = pytest.mark.anyio
pytest.importorskip("laurels_core", reason="the edge is part of the native core, which is built where there is a cargo")

KNOWN = [
    "/loyalty/m1",
    "/leaderboard/all-time",
    "/loyalty/m1/live",
    "/order/A1",
    "/orders",
    "/metrics",
    "/healthz",
    "/",
]
PIECES = [
    "/",
    "//",
    "/.",
    "/./",
    "/..",
    "/../",
    "%2F",
    "%2f",
    "%2e",
    "%2E%2E",
    "%5C",
    ";",
    ";a=b",
    ".",
    "%00",
    "%",
    "%20",
]
TRIES = 300

SPELLED_OUT = [route.path for route in (*ROUTES, *service.ROUTES)]


def odd(rng: Random) -> str:
    """A known path with something put in, or one of its characters by its percent sign."""
    path = rng.choice(KNOWN)
    for _ in range(rng.randint(1, 2)):
        place = rng.randint(1, len(path))
        if rng.random() < 0.2 and place < len(path) and path[place].isalpha():
            path = f"{path[:place]}%{ord(path[place]):02X}{path[place + 1 :]}"
        else:
            path = path[:place] + rng.choice(PIECES) + path[place:]
    return path


def is_spelled_out(path: str) -> bool:
    """Whether a route's own spelling fits, part by part: an id is any part that is not empty."""
    fits = ("[^/]+".join(re.escape(each) for each in re.split(r"{\w+}", route)) for route in SPELLED_OUT)
    return path == "/" or any(re.fullmatch(pattern, path) for pattern in fits)


async def test_what_is_not_spelled_out_is_not_there(shop: Shop, connect: Connect, seen: Seen, rng: Random) -> None:
    python = await connect(shop)
    answers, handed = {}, 0
    for path in dict.fromkeys([*KNOWN, *(odd(rng) for _ in range(TRIES))]):
        before = seen.handed
        by_edge = await (await connect(shop)).ask(request(shop, path))
        handed += seen.handed - before
        answers[path] = by_edge[9:12]
        if not path.endswith(("/live", "/metrics")):  # one does not end, the other is never twice the same
            assert by_edge == await python.ask(request(shop, path, **NO_EDGE)), path
        if not is_spelled_out(path):
            assert answers[path] == b"404", path
    assert {b"404", b"200"} <= {*answers.values()}
    assert 0 < handed < len(answers), "both roads were taken"
