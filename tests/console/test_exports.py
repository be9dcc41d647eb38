"""Exports: whole, in pieces, for who asked for them, exact wherever the process that writes them is killed."""

import csv
import io
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from tests.console.console_shop import ConsoleShop, open_console_shop
from tests.console.test_jobs import run_jobs
from tests.integration.http_shop import Shop, check_problem

from laurels.clock import DAY, SECOND
from laurels.http.api import jobs as jobs_api
from laurels.jobs import JobRunner, exports
from laurels.jobs.steps import LostJob
from laurels.ledger.jobs import LEASE, OPEN_DAYS

pytestmark = pytest.mark.anyio


@pytest.fixture
async def console(tmp_path: Path, ledger: str | None) -> AsyncIterator[ConsoleShop]:
    async with open_console_shop(tmp_path, **({"ledger_url": ledger} if ledger else {})) as console:
        yield console


async def exported(shop: Shop, token: str, what: str, **more: str) -> Any:
    """A job that has written such a file."""
    started = await shop.ask("POST", "/jobs", json={"kind": "export", "what": what, **more}, token=token)
    assert started.status_code == 201, started.text
    await run_jobs(shop)
    job = (await shop.ask("GET", f"/jobs/{started.json()['number']}", token=token)).json()
    assert (job["state"], job["file"]) == ("done", True)
    return job


def rows_of(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


async def test_every_entry_is_in_the_file_and_no_member_by_name(
    console: ConsoleShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In pieces of two, and joined; as Parquet the same."""
    monkeypatch.setattr(exports, "AT_ONCE", 2)
    shop = console.shop
    fiona = shop.person("finance", sub="fiona")
    total = sum(mark.position for mark in (await shop.services.ledger.heads()).marks.values())
    job = await exported(shop, fiona, "entries")
    assert (job["total"], job["tally"]["rows"]) == (total, total)
    whole = await shop.ask("GET", f"/jobs/{job['number']}/file", token=fiona)
    assert whole.headers["content-type"].startswith("text/csv")
    found = rows_of(whole.text)
    assert len(found) == total
    earned = {(row["order_id"], row["points"]) for row in found if row["kind"] == "earn"}
    assert earned == {("A1", "99"), ("A2", "40")}
    assert "ann" not in whole.text
    pieces = [
        (await shop.ask("GET", f"/jobs/{job['number']}/file?part={part}", token=fiona)).text
        for part in range(1, job["tally"]["parts"] + 1)
    ]
    assert "".join(pieces) == whole.text
    parquet = await exported(shop, fiona, "entries", format="parquet")
    file = await shop.ask("GET", f"/jobs/{parquet['number']}/file", token=fiona)
    frame = pl.read_parquet(io.BytesIO(file.content))
    assert frame["points"].to_list() == [int(row["points"]) for row in found]
    assert frame["member"].dtype == pl.Int64


async def test_the_log_is_exported_with_its_chain(console: ConsoleShop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exports, "AT_ONCE", 3)
    shop = console.shop
    for n in range(7):
        await shop.ask("GET", "/members/number/0", token=shop.person("viewer", sub=f"v{n}", name="=1+1"))
    rex = shop.person("auditor", sub="rex", name="Rex")
    job = await exported(shop, rex, "log")
    file = await shop.ask("GET", f"/jobs/{job['number']}/file", token=rex)
    found = rows_of(file.text)
    log = (await shop.ask("GET", "/audit?limit=500")).json()["rows"]
    assert [row["hash"] for row in found] == [
        row["hash"] for row in log if row["position"] <= int(found[0]["position"])
    ]
    assert len(found) > 7
    assert {row["name"] for row in found} >= {"'=1+1"}, "no spreadsheet calculates it"


async def test_a_period_is_by_when_it_was_recorded(console: ConsoleShop) -> None:
    fiona = console.shop.person("finance", sub="fiona")
    job = await exported(console.shop, fiona, "entries", to="2001-01-01T00:00:00Z")
    assert (job["tally"]["rows"], job["file"]) == (0, True)
    file = await console.shop.ask("GET", f"/jobs/{job['number']}/file", token=fiona)
    assert file.text == ",".join(exports.ENTRIES) + "\n"


async def test_an_export_is_for_who_asked_for_it_and_may_see_it(console: ConsoleShop) -> None:
    shop = console.shop
    fiona, other = shop.person("finance", sub="fiona"), shop.person("finance", sub="fred")
    job = await exported(shop, fiona, "entries")
    path = f"/jobs/{job['number']}/file"
    check_problem(await shop.ask("GET", path, token=other), 404, "not-found")
    check_problem(await shop.ask("GET", path, token=shop.person("operator", sub="oisin")), 403, "not-allowed")
    check_problem(await shop.ask("GET", path, token=shop.person("auditor", sub="rex")), 403, "not-allowed")
    check_problem(await shop.ask("GET", path, token=shop.person("operator", sub="fiona")), 403, "not-allowed")
    for role, what in (("finance", "log"), ("operator", "entries"), ("support", "log")):
        body = {"kind": "export", "what": what}
        check_problem(await shop.ask("POST", "/jobs", json=body, token=shop.person(role)), 403, "not-allowed")
    rows = (await shop.ask("GET", "/audit?action=show_job_file")).json()["rows"]
    assert [(row["sub"], row["outcome"]) for row in rows][-1] == ("fred", "refused: not-found")


async def test_a_long_file_is_fetched_part_by_part(console: ConsoleShop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exports, "AT_ONCE", 1)
    monkeypatch.setattr(jobs_api, "MOST_PARTS", 2)
    fiona = console.shop.person("finance", sub="fiona")
    job = await exported(console.shop, fiona, "entries")
    path, parts = f"/jobs/{job['number']}/file", job["tally"]["parts"]
    check_problem(await console.shop.ask("GET", path, token=fiona), 422, "invalid-input")
    assert (await console.shop.ask("GET", f"{path}?part={parts}", token=fiona)).status_code == 200
    check_problem(await console.shop.ask("GET", f"{path}?part={parts + 1}", token=fiona), 404, "not-found")


@pytest.mark.parametrize("after", [1, 2, 4])
async def test_killed_between_two_pieces_it_goes_on_behind_the_last(
    console: ConsoleShop, monkeypatch: pytest.MonkeyPatch, after: int
) -> None:
    """The one that took it is gone without a word; another takes it when the lease has ended."""
    monkeypatch.setattr(exports, "AT_ONCE", 1)
    shop = console.shop
    services, ledger = shop.services, shop.services.ledger
    fiona = shop.person("finance", sub="fiona")
    started = (await shop.ask("POST", "/jobs", json={"kind": "export", "what": "entries"}, token=fiona)).json()
    noted, count = ledger.note_job, 0

    async def dies(*args: Any, **named: Any) -> bool | None:
        nonlocal count
        answer = await noted(*args, **named)
        count += 1
        if count == after:
            raise LostJob
        return answer

    with monkeypatch.context() as here:
        here.setattr(ledger, "note_job", dies)
        runner = JobRunner(ledger, services.points, services.members, services.intake, services.programs)
        assert await runner.step()
    assert (await ledger.job(started["number"])).state == "running"  # type: ignore[union-attr]
    await lease_ends(console, monkeypatch)
    await run_jobs(shop)
    whole = await shop.ask("GET", f"/jobs/{started['number']}/file", token=fiona)
    total = sum(mark.position for mark in (await ledger.heads()).marks.values())
    places = [(row["shard"], row["position"]) for row in rows_of(whole.text)]
    assert len(places) == len(set(places)) == total


async def lease_ends(console: ConsoleShop, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the ledger's own clock: a server's is its own, so there the lease is ended in its row."""
    ledger = console.shop.services.ledger
    url = console.shop.services.settings.ledger.url
    if url.startswith("postgresql"):
        import asyncpg  # noqa: PLC0415 - for this engine alone

        db = await asyncpg.connect(url)
        await db.execute("UPDATE job SET until = '-infinity'")
        await db.close()
    else:
        was = ledger._now  # type: ignore[attr-defined]  # its clock
        monkeypatch.setattr(ledger, "_now", lambda: was() + LEASE + SECOND)


async def test_after_seven_days_there_is_no_file(console: ConsoleShop) -> None:
    shop = console.shop
    fiona = shop.person("finance", sub="fiona")
    job = await exported(shop, fiona, "entries")
    await shop.services.ledger.forget_jobs(before=shop.services.now() + OPEN_DAYS * DAY)
    check_problem(await shop.ask("GET", f"/jobs/{job['number']}/file", token=fiona), 404, "not-found")


async def test_the_pages_have_them_written_and_give_them(console: ConsoleShop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exports, "AT_ONCE", 2)
    fiona = await console.signed_in("finance", name="fiona")
    await fiona.open("/finance?from=2020-01-01&to=2030-01-01")
    await fiona.send("/exports", {"format": "csv"})
    page = await fiona.follow()
    assert '<noscript><meta http-equiv="refresh" content="5">' in page.text
    path = page.url.path
    await run_jobs(console.shop)
    page = await fiona.open(path)
    assert "The file" in page.text
    assert "http-equiv" not in page.text
    file = await fiona.open(f"{path}/file")
    assert file.headers["content-disposition"].startswith('attachment; filename="entries-')
    assert {row["kind"] for row in rows_of(file.text)} >= {"enrol", "earn", "reverse", "redeem"}
    rex = await console.signed_in("auditor", name="rex")
    await rex.open("/log")
    await rex.send("/exports", {"format": "parquet"})
    await run_jobs(console.shop)
    page = await rex.follow()
    file = await rex.open(f"{page.url.path}/file")
    assert file.content[:4] == b"PAR1"


async def test_a_job_is_followed_as_events_until_it_ends(console: ConsoleShop) -> None:
    shop = console.shop
    fiona = shop.person("finance", sub="fiona")
    body = {"kind": "export", "what": "entries"}
    number = (await shop.ask("POST", "/jobs", json=body, token=fiona)).json()["number"]
    headers = {"Authorization": f"Bearer {fiona}"}
    states = []
    async with shop.client.stream("GET", f"/jobs/{number}/events", headers=headers) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        async for line in answer.aiter_lines():
            if line.startswith("data: "):
                states.append(json.loads(line.removeprefix("data: "))["state"])
                if len(states) == 1:
                    await run_jobs(shop)
    assert (states[0], states[-1]) == ("ready", "done")
    check_problem(await shop.ask("GET", "/jobs/99/events", token=fiona), 404, "not-found")
