"""Who was erased is nowhere: not in a file, a dump, a backup, the log, an export, nor in any answer or page."""

import logging
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from tests.console.console_shop import ConsoleShop, open_console_shop
from tests.console.test_exports import exported
from tests.console.test_jobs import run_jobs
from tests.console.test_roles import SHOWN, address
from tests.integration.http_shop import path_of
from tests.postgres_server import Databases, name_of

from laurels.engines.sqlite.copying import write_copy
from laurels.http.app import ROUTES
from laurels.model.people import ROLES

pytestmark = [pytest.mark.anyio, pytest.mark.long]

MEMBER, ADDRESS = "secret-member-4711", "secret.address@example.com"
PLANTED = (MEMBER, ADDRESS, "secret words", "secret.address", quote(ADDRESS, safe=""), "secret basket")


@pytest.fixture
async def console(tmp_path: Path, ledger: str | None) -> AsyncIterator[ConsoleShop]:
    async with open_console_shop(tmp_path / "state", **({"ledger_url": ledger} if ledger else {})) as console:
        yield console


async def leave_traces(console: ConsoleShop) -> int:
    """Wherever people and systems leave any; gives the member's number."""
    shop = console.shop
    mary = shop.person("lead", sub="mary")
    await shop.order("S1", MEMBER, "2500.00", email=ADDRESS)
    await shop.order("S2", MEMBER, "25.00", currency="USD")
    await shop.order("S3", MEMBER, "25.00", currency="USD", coupons=["secret basket"])
    await shop.settle()
    operator, why = shop.person("operator", sub="olga"), {"reason": "secret words"}
    assert (await shop.ask("POST", "/quarantine/order/shop/S3/drop", json=why, token=operator)).is_success
    body: Any = {"loyalty-points": 5, "reason": "secret words", "note": "secret words too"}
    assert (await shop.ask("POST", f"/loyalty/{MEMBER}", json=body, token=mary)).is_success
    assert (await shop.ask("POST", f"/loyalty/{MEMBER}/redeem", json={"redemption_id": "V9", "points": 3})).is_success
    for query in (MEMBER, ADDRESS, "S1"):
        assert (await shop.ask("POST", "/search", json={"q": query}, token=mary)).is_success
    csv = f"member_id,points,reason,note\n{MEMBER},7,secret words,\nbob,1,late,\n"
    assert (await shop.ask("POST", "/corrections", json={"name": "f.csv", "csv": csv}, token=mary)).is_success
    await run_jobs(shop)
    asked = {"proposal_id": "p1", "member_id": MEMBER, "loyalty-points": 6000, "reason": "secret words"}
    assert (await shop.ask("POST", "/proposals", json=asked, token=mary)).is_success
    erasures = {"name": f"{MEMBER}.csv", "csv": f"member_id\n{MEMBER}\nbob\n"}
    assert (await shop.ask("POST", "/erasures", json=erasures, token=mary)).is_success
    await exported(shop, shop.person("finance", sub="fiona"), "entries")
    await exported(shop, shop.person("auditor", sub="rex"), "log")
    assert await shop.services.notifier.step(), "a mail is sent, and lies there as a file"
    number: int = (await shop.ask("GET", f"/members/{MEMBER}")).json()["number"]
    return number


@contextmanager
def log_lines() -> Iterator[list[str]]:
    """All that is logged meanwhile."""
    lines: list[str] = []

    class Keep(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(record.getMessage())

    handler = Keep(level=logging.DEBUG)
    logging.getLogger().addHandler(handler)
    try:
        yield lines
    finally:
        logging.getLogger().removeHandler(handler)


def found_in(text: str | bytes) -> list[str]:
    """What of the member stands there, as text or as a server's dump writes bytes."""
    raw = text.encode() if isinstance(text, str) else text
    return [each for each in PLANTED if each.encode() in raw or each.encode().hex().encode() in raw]


async def test_nothing_of_an_erased_member_is_anywhere(
    console: ConsoleShop, tmp_path: Path, capfd: pytest.CaptureFixture[str], request: pytest.FixtureRequest
) -> None:
    shop = console.shop
    with log_lines() as lines:
        number = await leave_traces(console)
        assert found_in((await shop.ask("GET", f"/members/{MEMBER}/export")).text), "it was there"
        assert (await shop.ask("DELETE", f"/members/{MEMBER}", token=shop.person("lead", sub="mary"))).is_success
        await run_jobs(shop)
        await shop.settle()
        await answers(console, number)
    files(console, tmp_path, request)
    assert found_in("\n".join(lines)) == []
    told = capfd.readouterr()
    assert found_in(told.out + told.err) == []


async def answers(console: ConsoleShop, number: int) -> None:
    """Every route that is read, and every page, of every job and customer that is there."""
    shop = console.shop
    jobs = [job.number for job in await shop.services.ledger.jobs(limit=20)]
    assert len(jobs) == 5
    parts = [{"number": str(number)}, *({"job": str(job)} for job in jobs)]
    for route in ROUTES:
        if route.method != "GET" or "live" in route.path or route.path.endswith("/events"):
            continue
        for part in parts if "{number}" in route.path or "{job}" in route.path else [{}]:
            for token in (None, shop.person(*ROLES, sub="fiona"), shop.person(*ROLES, sub="rex")):
                answer = await shop.ask("GET", path_of(route, **part), token=token)
                assert found_in(answer.content) == [], route.path
    visitor = await console.signed_in(*ROLES, name="fiona")
    for page in SHOWN:
        names = set(re.findall(r"{(\w+):str}", page.path))
        for part in [each for each in parts if names & each.keys()] or [{}]:
            answer = await visitor.open(address(page, **part))
            assert found_in(answer.content) == [], page.path


def files(console: ConsoleShop, folder: Path, request: pytest.FixtureRequest) -> None:
    """All that lies on the disk, and what copies the ledger makes."""
    settings = console.shop.services.settings
    if settings.ledger.url.startswith("postgresql"):
        databases: Databases = request.getfixturevalue("postgres")
        assert found_in(databases.server.dump(name_of(settings.ledger.url))) == []
    else:
        copy = folder / "copy.db"
        write_copy(settings.state / "laurels.db", copy)
        assert found_in(copy.read_bytes()) == []
    kept = [path for path in folder.rglob("*") if path.is_file()]
    assert len(kept) > 3
    for path in kept:
        assert found_in(path.read_bytes()) == [], path
