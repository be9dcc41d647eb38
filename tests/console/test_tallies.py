"""What came of a job is kept for ever and seen by looks that are not recorded: so it names nobody, whatever the job."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.console.console_shop import open_console_shop
from tests.console.test_jobs import HEADER, corrected, run_jobs
from tests.integration.http_shop import Shop, open_shop

from laurels.awarding.causes import OTHER
from laurels.clock import DAY
from laurels.console import words
from laurels.model.times import format_instant
from laurels.program import DEFAULT_PROGRAM

pytestmark = pytest.mark.anyio

IDS = ("ann-of-cork", "no-such-customer", "order-of-ann", "strange-order")
NAMES_ONE = frozenset({"member", "member_id", "order_id", "entry", "id"})
STRANGE = 30
"""Documents in quarantine, each with a reason of its own."""


async def fill(shop: Shop) -> None:
    await shop.order(IDS[2], IDS[0], "25.00")
    for n in range(STRANGE):
        await shop.order(f"{IDS[3]}-{n}", IDS[0], "1.00", currency="USD")
    await shop.settle()


async def start_all(shop: Shop) -> None:
    """A job of every kind that there is."""
    await corrected(shop, HEADER + f"{IDS[0]},50,late,Sorry,k1\n{IDS[1]},3,late,,k2\n")
    rules = DEFAULT_PROGRAM.replace("version = 1", "version = 2").replace('"half-up"', '"floor"')
    draft = (await shop.ask("POST", "/programs", json={"text": rules})).json()["digest"]
    for form in (
        *({"kind": kind} for kind in ("week", "verify", "roll-ups", "liability", "journal")),
        {"kind": "rehearsal", "program": draft},
        {"kind": "retry"},
        {"kind": "export", "what": "entries"},
        {"kind": "export", "what": "log"},
    ):
        answer = await shop.ask("POST", "/jobs", json=form)
        assert answer.status_code == 201, answer.text
    body = {"name": "gone.csv", "csv": f"member_id\n{IDS[0]}\n"}
    answer = await shop.ask("POST", "/erasures", json=body, token=shop.person("lead", sub="mary"))
    assert answer.is_success, answer.text


def names_in(value: Any) -> Iterator[str]:
    match value:
        case dict():
            yield from value
            for each in value.values():
                yield from names_in(each)
        case list():
            for each in value:
                yield from names_in(each)


async def test_no_tally_names_anybody(tmp_path: Path, ledger: str | None) -> None:
    async with open_shop(tmp_path, ledger_url=ledger) as shop:
        await fill(shop)
        await start_all(shop)
        await run_jobs(shop)
        jobs = await shop.services.ledger.jobs(limit=100)
        assert {job.kind for job in jobs} >= {"corrections", "erasures", "export", "rehearsal", *words.JOBS}
        for job in jobs:
            assert job.state == "done", (job.kind, job.error)
            assert not [each for each in IDS if each.encode() in job.tally + job.about], job.kind
            tally = msgspec.json.decode(job.tally)
            assert NAMES_ONE.isdisjoint(names_in(tally)), job.kind
            assert len(job.tally) < 5_000, (job.kind, "however much there is of it")
        [week] = [job for job in jobs if job.kind == "week"]
        causes = msgspec.json.decode(week.tally)["quarantined"]
        assert sum(causes.values()) == STRANGE
        assert set(causes) <= set(words.CAUSES)
        assert OTHER not in causes


async def test_who_a_report_names_is_shown_by_a_look_that_is_recorded(tmp_path: Path, ledger: str | None) -> None:
    async with open_console_shop(tmp_path, ledger_url=ledger) as house:
        form = {"kind": "week", "at": format_instant(house.shop.services.now())}
        number = (await house.shop.ask("POST", "/jobs", json=form)).json()["number"]
        await run_jobs(house.shop)
        visitor = await house.signed_in("finance", "viewer")
        assert "The largest moves" in (await visitor.open(f"/overview/week?job={number}")).text
        rows = (await house.shop.ask("GET", "/audit?sub=niamh&action=show_job_file")).json()["rows"]
        assert len(rows) == 1
        await house.shop.services.ledger.forget_jobs(before=house.shop.services.now() + DAY)
        page = await visitor.open(f"/overview/week?job={number}")
        assert (page.status_code, "The largest moves" in page.text) == (200, False)
