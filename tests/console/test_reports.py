"""Overview and Finance: figures that add up on the page, from the same calls that others have."""

import csv
import io
import re
from collections.abc import AsyncIterator
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from tests.console.console_shop import ConsoleShop, open_console_shop
from tests.console.test_jobs import run_jobs

from laurels.console import formats
from laurels.console.views.finance import _statement
from laurels.http.api.csv_files import csv_of
from laurels.rollups import RollingUp

pytestmark = pytest.mark.anyio

PARQUET_FILE = "/reports/movement.parquet"
EVER = "from=2020-01-01&to=2030-01-01"


@pytest.fixture(scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory, shared_ledger: str | None) -> AsyncIterator[ConsoleShop]:
    async with open_console_shop(tmp_path_factory.mktemp("state"), ledger_url=shared_ledger) as house:
        services = house.shop.services
        await RollingUp(services.ledger, services.programs.current.zone).reach()
        yield house


async def movement(house: ConsoleShop, query: str) -> dict[str, Any]:
    answer = await house.shop.ask("GET", f"/reports/movement?{query}", token=house.shop.person("finance"))
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def test_a_statement_adds_up_and_is_what_customers_have(house: ConsoleShop) -> None:
    found = await movement(house, EVER)
    opening = sum(each["points"] for each in found["opening"])
    closing = sum(each["points"] for each in found["closing"])
    assert opening + sum(line["points"] for line in found["lines"]) == closing
    ledger = house.shop.services.ledger
    [(ann, _), (bob, _)] = [kept for who in ("ann", "bob") if (kept := await ledger.balance(who))]
    assert closing == ann.balance + bob.balance == 119
    assert found["counted"] == {"behind": 0, "time_zone": "Europe/London"}


async def test_the_page_shows_the_statement_of_the_call(house: ConsoleShop) -> None:
    visitor = await house.signed_in("finance")
    page = await visitor.open(f"/finance?{EVER}")
    assert page.status_code == 200
    cells = re.findall(r'<th scope="row">([^<]+)</th><td class="figure">([^<]+)</td>', page.text)
    said = {label: int(text.replace(",", "").replace("\u2212", "-")) for label, text in cells if text != "not said"}
    moved = [said[label] for label in ("Earned", "Taken back", "Spent")]
    assert said["Opening"] + sum(moved) == said["Closing"] == 119


async def test_a_period_that_ends_before_it_begins_is_told(house: ConsoleShop) -> None:
    visitor = await house.signed_in("finance")
    page = await visitor.open("/finance?from=2026-11-02&to=2026-11-01")
    assert page.status_code == 422
    assert "has to come after" in page.text
    answer = await house.shop.ask("GET", "/reports/movement?from=2026-11-02&to=2026-11-01")
    assert answer.json()["errors"] == [{"field": "to", "message": "must not come before `from`"}]


async def test_a_statement_is_fetched_as_a_file_and_that_is_recorded(house: ConsoleShop) -> None:
    visitor = await house.signed_in("finance", name="fiona")
    file = await visitor.open(f"/finance.csv?{EVER}")
    assert file.headers["content-disposition"] == 'attachment; filename="movement-2020-01-01-2030-01-01.csv"'
    rows = [*csv.DictReader(io.StringIO(file.text))]
    assert sum(int(row["points"]) for row in rows) == 119
    assert {row["source"] for row in rows if row["kind"] == "earn"} == {"shop"}
    log = (await house.shop.ask("GET", "/audit?sub=fiona&action=export_movement")).json()["rows"]
    assert len(log) == 1


async def test_a_statement_as_parquet_says_what_the_csv_says(house: ConsoleShop) -> None:
    visitor = await house.signed_in("finance", name="fergus")
    as_csv = [*csv.DictReader(io.StringIO((await visitor.open(f"/finance.csv?{EVER}")).text))]
    file = await visitor.open(f"/finance.parquet?{EVER}")
    assert file.headers["content-disposition"] == 'attachment; filename="movement-2020-01-01-2030-01-01.parquet"'
    rows = pl.read_parquet(io.BytesIO(file.content)).to_dicts()
    assert [{name: "" if cell is None else str(cell) for name, cell in row.items()} for row in rows] == as_csv
    assert all(isinstance(row["points"], int) for row in rows)
    log = (await house.shop.ask("GET", "/audit?sub=fergus")).json()["rows"]
    assert [row["action"] for row in log] == ["export_movement_as_parquet", "export_movement"]


async def test_the_overview_has_its_figures_and_a_chart_without_style_or_script(house: ConsoleShop) -> None:
    visitor = await house.signed_in("program")
    page = await visitor.open("/overview?period=36m&basis=occurred")
    assert page.status_code == 200
    assert "119" in page.text
    [picture, _] = re.findall(r'<svg xmlns[^>]*class="marks".*?</svg>', page.text, re.DOTALL)
    assert "var(--c1)" in picture
    assert not re.search(r"<script|<style|style=", picture)


async def test_who_may_not_see_reports_is_refused_by_the_api_too(house: ConsoleShop) -> None:
    for path in (
        "/reports/movement",
        "/reports/movement.csv",
        "/reports/due",
        "/reports/tiers",
        "/reports/members",
        "/reports/orders",
        PARQUET_FILE,
    ):
        for role, status in (("support", 403), ("operator", 403), ("finance", 200), ("auditor", 200)):
            assert (await house.shop.ask("GET", path, token=house.shop.person(role))).status_code == status, path


def test_each_market_has_a_column_that_adds_up() -> None:
    found = {
        "opening": [{"market": "GBP", "points": 5, "worth": None}],
        "lines": [{"kind": "earn", "market": "EUR", "points": 7}, {"kind": "redeem", "market": "GBP", "points": -2}],
        "closing": [
            {"market": "EUR", "points": 7, "worth": "0.07"},
            {"market": "GBP", "points": 3, "worth": None},
        ],
    }
    statement = _statement(found)
    assert statement["markets"] == ["EUR", "GBP"]
    columns = zip(statement["opening"], *(points for _, points in statement["rows"]), strict=True)
    assert [sum(column) for column in columns] == statement["closing"] == [7, 3]


@pytest.mark.parametrize("cell", ["=1+1", "+cmd", "-x", "@SUM(A1)", "\t=1", "\r=1", "-1+cmd|' /C calc'!A0"])
def test_no_cell_is_a_formula(cell: str) -> None:
    [[read]] = csv.reader(io.StringIO(csv_of(["x"], [[cell]]).decode().split("\n", 1)[1]))
    assert read == f"'{cell}".replace("\r", " ")


@pytest.mark.parametrize("cell", [-5, "-5.00", "plain", "+3", None])
def test_numbers_and_words_stay(cell: object) -> None:
    assert csv_of(["x", "y"], [[cell, 1]]).decode() == f"x,y\n{'' if cell is None else cell},1\n"


async def test_what_is_owed_is_shown_as_the_call_says(house: ConsoleShop) -> None:
    visitor = await house.signed_in("finance")
    assert "/finance/liability" in (await visitor.open("/finance")).text
    found = (await house.shop.ask("GET", "/liability")).json()
    page = await visitor.open("/finance/liability")
    assert (page.status_code, found["total"]) == (200, 119)
    assert f'<td class="figure">{found["total"]}</td>' in page.text
    assert "Your setting, not measured" in page.text
    for day, is_ahead in (("2020-01-01", False), ("2099-01-01", True)):
        page = await visitor.open(f"/finance/liability?at={day}")
        assert (page.status_code, "That is still to come" in page.text) == (200, is_ahead)
    for wrong in ("yesterday", "2026-13-01"):
        refused = await visitor.open(f"/finance/liability?at={wrong}")
        assert (refused.status_code, 'role="alert"' in refused.text) == (422, True), wrong


async def test_in_a_large_shop_what_is_owed_is_worked_out_as_a_job(
    house: ConsoleShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("laurels.console.views.worked_out.AT_ONCE", 0)
    visitor = await house.signed_in("finance", name="fionn")
    assert "It was not worked out yet" in (await visitor.open("/finance/liability")).text
    for wrong in ("yesterday", "2026-13-01"):
        refused = await visitor.send("/finance/liability", {"at": wrong})
        assert (refused.status_code, 'role="alert"' in refused.text) == (422, True), wrong
    owed, expected = [(await house.shop.ask("GET", path)).json() for path in ("/liability", "/breakage")]
    for day in ("", "2020-01-01"):
        await visitor.open("/finance/liability")
        await visitor.send("/finance/liability", {"at": day})
        job = (await visitor.follow()).url.path
        await run_jobs(house.shop)
        [to] = re.findall(r'href="(/finance/liability\?job=\d+)"', (await visitor.open(job)).text)
        page = await visitor.open(to)
        assert page.status_code == 200
        total = 0 if day else owed["total"]
        assert f'<th scope="row">In all</th><td class="figure">{total}</td>' in page.text
        assert f"of every 100 points {formats.of_hundred(expected['redeemed_share'])} are redeemed" in page.text
    assert "What is owed in points" in (await visitor.open("/jobs")).text
    newest = await visitor.open("/finance/liability")
    assert formats.day("2020-01-01T00:00:00Z", ZoneInfo("Europe/London")) in newest.text
    for number in ("0", "x", "4711"):
        assert (await visitor.open(f"/finance/liability?job={number}")).status_code == 404
    support = house.shop.person("support")
    refused = await house.shop.ask("POST", "/jobs", json={"kind": "liability"}, token=support)
    assert refused.status_code == 403


async def test_what_waits_is_told_to_who_can_act(house: ConsoleShop) -> None:
    """Not one's own proposal, nor what is for another role."""
    body = {"proposal_id": "p1", "member_id": "ann", "loyalty-points": 600, "reason": "ticket 7"}
    await house.shop.ask("POST", "/proposals", json=body, token=house.shop.person("lead", sub="niamh"))
    said = {}
    for name, roles in {
        "niamh": ("lead", "finance"),
        "aoife": ("lead", "finance"),
        "fin": ("finance",),
        "oisin": ("operator", "finance"),
    }.items():
        page = await (await house.signed_in(*roles, name=name)).open("/overview")
        said[name] = [what for what in ("1 proposal waits", "1 document waits") if what in page.text]
    assert said == {"niamh": [], "aoife": ["1 proposal waits"], "fin": [], "oisin": ["1 document waits"]}
