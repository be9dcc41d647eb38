"""Finance beside the statement: what was outstanding over time, the triangle, journals that tile, the Monday report."""

import asyncio
import re
from collections.abc import AsyncIterator
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.console.console_shop import ConsoleShop, Visitor, open_console, open_console_shop
from tests.console.test_jobs import run_jobs
from tests.integration.http_shop import check_problem, fields_at_fault, open_shop

from laurels.console import formats, words
from laurels.console.views import worked_out
from laurels.console.views.outstanding import month_ends
from laurels.console.views.periods import FIRST_DAY, LAST_DAY, as_instant
from laurels.console.views.week import late
from laurels.model.times import from_datetime, parse_instant
from laurels.rollups import RollingUp

pytestmark = pytest.mark.anyio

MARKETS = ("GBP", "EUR", "")
MONTHS = [f"{year}-{month:02}" for year in (2025, 2026) for month in range(1, 13)]


@pytest.fixture
async def house(tmp_path: Path, ledger: str | None) -> AsyncIterator[ConsoleShop]:
    async with open_console_shop(tmp_path, ledger_url=ledger) as house:
        await counted(house)
        yield house


async def counted(house: ConsoleShop) -> None:
    services = house.shop.services
    await RollingUp(services.ledger, services.programs.current.zone).reach()


def today_there() -> str:
    """The day as a person writes it in the shop, whose evenings are Greenwich's for half of the year alone."""
    return f"{datetime.now(ZoneInfo('Europe/London')):%Y-%m-%d}"


async def cells(visitor: Visitor, label: str) -> list[str]:
    """The figures of the rows with this header, in the page that is open."""
    assert visitor.page is not None
    rows = re.findall(r"<tr[^>]*>(.*?)</tr>", visitor.page.text, re.DOTALL)
    return re.findall(r'<td class="figure">([^<]*)</td>', next(row for row in rows if f">{label}</th>" in row))


@given(
    st.dictionaries(st.sampled_from(MARKETS), st.integers(-50, 50)),
    st.lists(st.tuples(st.sampled_from(MONTHS), st.sampled_from(MARKETS), st.integers(-50, 50))),
    st.integers(1, 400),
    st.booleans(),
)
def test_a_month_ends_with_what_opened_it_and_what_moved_up_to_then(
    opening: dict[str, int], moved: list[tuple[str, str, int]], days: int, is_over: bool
) -> None:
    found = {
        "opening": [{"market": market, "points": points} for market, points in opening.items()],
        "lines": [{"period": month, "market": market, "points": points} for month, market, points in moved],
    }
    until = date(2025, 1, 1) + timedelta(days=days)
    today = until if is_over else until - timedelta(days=1)
    ends = [*month_ends(found, date(2025, 1, 1), until, today)]
    assert [each.month for each in ends] == [month for month in MONTHS if date.fromisoformat(f"{month}-01") < until]
    for each in ends:
        so_far = [points for month, _, points in moved if month <= each.month]
        assert each.total == sum(opening.values()) + sum(so_far)
        for market, points in each.points.items():
            mine = [points for month, of, points in moved if month <= each.month and of == market]
            assert points == opening.get(market, 0) + sum(mine)
    assert [each.is_over for each in ends] == [True] * (len(ends) - 1) + [is_over]
    whole = until.day == 1 and is_over
    assert ends[-1].end == formats.period(ends[-1].month if whole else (until - timedelta(days=1)).isoformat())


async def test_what_was_outstanding_ends_with_the_statement(house: ConsoleShop) -> None:
    visitor = await house.signed_in("finance")
    page = await visitor.open("/finance?from=2020-01-01&to=2030-01-01")
    today = formats.period(today_there())
    assert "Outstanding over time" in page.text
    assert f"119 points so far, on {today}, 119 more than at the end of " in page.text
    assert (await cells(visitor, f"{today}, so far"))[-1] == "119"
    assert re.search(r'<div class="chart" aria-hidden="true"><div class="wide-picture"><svg', page.text)


async def test_a_new_shop_has_no_past(tmp_path: Path, ledger: str | None) -> None:
    async with open_console_shop(tmp_path, ledger_url=ledger) as house:  # nothing is counted yet
        page = await (await house.signed_in("finance")).open("/finance")
        assert (page.status_code, "Outstanding over time" in page.text) == (200, False)


async def test_the_triangle_is_that_of_the_call(house: ConsoleShop) -> None:
    visitor = await house.signed_in("finance")
    found = (await house.shop.ask("GET", "/breakage")).json()
    page = await visitor.open("/finance/breakage")
    assert "Your setting, not measured" in page.text
    [cohort] = found["cohorts"]
    month = f"{formats.period(cohort['month'])}, so far"
    figures = await cells(visitor, month)
    assert [int(each.replace(",", "")) for each in figures] == [
        cohort["earned"],
        *cohort["redeemed"],
        int(cohort["expected"]),
    ]
    assert "/finance/breakage" in (await visitor.open("/finance")).text
    assert "/finance/breakage" in (await visitor.open("/finance/liability")).text


async def test_in_a_large_shop_the_triangle_is_that_of_the_job(
    house: ConsoleShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worked_out, "AT_ONCE", 0)
    visitor = await house.signed_in("finance")
    assert "It was not worked out yet" in (await visitor.open("/finance/breakage")).text
    await visitor.open("/finance/liability")
    await visitor.send("/finance/liability", {"at": ""})
    number = visitor.page.headers["location"].rpartition("/")[2]  # type: ignore[union-attr]  # it was sent just now
    await run_jobs(house.shop)
    for path in ("/finance/breakage", f"/finance/breakage?job={number}"):
        page = await visitor.open(path)
        assert (page.status_code, "Your setting, not measured" in page.text) == (200, True), path
    assert f"/finance/breakage?job={number}" in (await visitor.open("/finance/liability")).text
    for wrong in ("0", "x", "4711"):
        assert (await visitor.open(f"/finance/breakage?job={wrong}")).status_code == 404


async def journals(house: ConsoleShop) -> list[dict[str, Any]]:
    """Those that were drawn up, oldest first."""
    found = (await house.shop.ask("GET", "/jobs?kind=journal&state=done")).json()["jobs"]
    return [job["tally"] for job in found[::-1]]


async def test_journals_tile_and_add_up(house: ConsoleShop) -> None:
    """Each is the call's between its marks, and together they are all that is outstanding."""
    visitor = await house.signed_in("finance")
    assert "No journal yet." in (await visitor.open("/finance/journals")).text
    for number in range(3):
        await visitor.open("/finance/journals")
        await visitor.send("/finance/journals")
        assert (await visitor.follow()).status_code == 200
        await run_jobs(house.shop)
        await house.shop.order(f"J{number}", "bob", "100.00")
        await house.shop.settle()
    drawn = await journals(house)
    assert [each["after"] for each in drawn[1:]] == [each["to"] for each in drawn[:-1]]
    assert sum(each["points"] for each in drawn) == sum(drawn[-1]["outstanding"].values()) == 139
    for each in drawn:
        assert sum(each["kinds"].values()) == each["points"]
        said = (await house.shop.ask("GET", f"/journal?after={each['after']}&to={each['to']}")).json()
        assert {name: said[name] for name in ("points", "hashes", "outstanding")} == {
            name: each[name] for name in ("points", "hashes", "outstanding")
        }
    page = await visitor.open("/finance/journals")
    assert all(each["to"] in page.text and digest in page.text for each in drawn for digest in each["hashes"].values())
    [file, *_] = re.findall(r'href="(/jobs/\d+/file)"', page.text)
    assert (await visitor.open(file)).text.startswith("day,market,kind,entries,points,value\n")


async def test_no_entry_is_in_two_journals(house: ConsoleShop) -> None:
    """Whoever sends a form that is older than the newest journal, or while one is drawn up, draws none up."""
    first, other = await house.signed_in("finance"), await house.signed_in("finance", name="fionn")
    for visitor in (first, other):
        await visitor.open("/finance/journals")
    form = other.fields("/finance/journals")
    await first.send("/finance/journals")
    while_it_is_drawn_up = await other.send("/finance/journals")
    assert while_it_is_drawn_up.headers["location"] == first.page.headers["location"]  # type: ignore[union-attr]
    assert "One is being drawn up." in (await other.open("/finance/journals")).text
    await run_jobs(house.shop)
    late = await other.client.post("/finance/journals", data=form)
    assert (late.status_code, 'role="alert"' in late.text) == (409, True)
    assert len(await journals(house)) == 1


async def test_a_journal_that_begins_at_an_old_mark_is_none_that_others_follow(house: ConsoleShop) -> None:
    visitor = await house.signed_in("finance")
    for number in range(2):
        await visitor.open("/finance/journals")
        await visitor.send("/finance/journals")
        await run_jobs(house.shop)
        await house.shop.order(f"J{number}", "bob", "100.00")
        await house.shop.settle()
    first, second = await journals(house)
    await house.shop.ask("POST", "/jobs", json={"kind": "journal", "after": first["to"]})
    await run_jobs(house.shop)
    page = await visitor.open("/finance/journals")
    assert visitor.fields("/finance/journals")["after"] == second["to"]
    assert page.text.count("It does not go on where one before it ended") == 1
    await visitor.send("/finance/journals")
    await run_jobs(house.shop)
    *_, last = await journals(house)
    assert (last["after"], first["points"] + second["points"] + last["points"]) == (second["to"], 139)


async def test_a_journal_is_drawn_up_once_whoever_asks_in_the_same_instant(house: ConsoleShop) -> None:
    """Each page had looked before the other's was begun."""
    asked = [
        house.shop.ask("POST", "/jobs", json={"kind": "journal"}, token=house.shop.person("finance", sub=sub))
        for sub in ("joan", "mary")
    ]
    first, second = [answer.json() for answer in await asyncio.gather(*asked)]
    assert first["number"] == second["number"]
    await run_jobs(house.shop)
    assert len(await journals(house)) == 1


async def test_a_mark_that_is_none_is_refused(house: ConsoleShop) -> None:
    for wrong in ("x", "1.0-", "é", "1.0-1\n"):
        answer = await house.shop.ask("POST", "/jobs", json={"kind": "journal", "after": wrong})
        assert fields_at_fault(answer) == ["after"], wrong
    answer = await house.shop.ask("POST", "/jobs", json={"kind": "week", "after": "1.0-1"})
    assert fields_at_fault(answer) == ["after"]
    number = (await house.shop.ask("POST", "/jobs", json={"kind": "journal", "after": "1.0-999999"})).json()["number"]
    await run_jobs(house.shop)
    job = (await house.shop.ask("GET", f"/jobs/{number}")).json()
    assert (job["state"], job["error"]) == ("failed", "after: is no place in this ledger's feed")


async def test_the_monday_report_is_that_of_the_command(house: ConsoleShop) -> None:
    visitor = await house.signed_in("finance", "viewer")
    page = await visitor.open("/overview/week")
    assert "None was made yet." in page.text
    today = today_there()
    await visitor.send("/overview/week", {"of": today})
    job = (await visitor.follow()).url.path
    await run_jobs(house.shop)
    [to] = re.findall(r'href="(/overview/week\?job=\d+)"', (await visitor.open(job)).text)
    page = await visitor.open(to)
    assert page.status_code == 200
    monday = date.fromisoformat(today) - timedelta(days=date.fromisoformat(today).weekday())
    assert f"<h1>Week of {formats.period(monday.isoformat()).replace(' ', formats.NO_BREAK)}</h1>" in page.text
    assert re.search(r"<dt>Active customers</dt><dd>2<", page.text)
    assert re.search(r"<span>Earned</span><span>139 points</span>", page.text)
    assert re.search(r'<a href="/customers/0\?entry=\d+-', page.text)
    assert (
        "/customers/" not in (await (await house.signed_in("finance", name="fi")).open(to)).text.partition("<main")[2]
    )
    file = await visitor.open(f"{job}/file")
    assert "\npoints,earn,139\n" in file.text
    assert to.rpartition("=")[2] in (await visitor.open("/overview/week")).text
    for wrong in ("0", "x", "4711"):
        assert (await visitor.open(f"/overview/week?job={wrong}")).status_code == 404


@pytest.mark.parametrize("wrong", ["yesterday", "2026-13-01", "1066-10-14", "9999-12-31"])
async def test_a_week_of_no_day_is_refused_in_the_form(house: ConsoleShop, wrong: str) -> None:
    visitor = await house.signed_in("finance")
    await visitor.open("/overview/week")
    page = await visitor.send("/overview/week", {"of": wrong})
    assert (page.status_code, 'role="alert"' in page.text, f'value="{wrong}"' in page.text) == (422, True, True)


def test_what_was_recorded_late_is_told_in_few_steps_in_their_order() -> None:
    orders = {str(days): 1 for days in (10, 2, 100, 1, 7, 8, 30, 31)}
    assert late(orders) == [("1 day", 1), ("2 to 7 days", 2), ("8 to 30 days", 3), ("more than 30 days", 2)]
    assert late({}) == []


def test_what_was_done_with_rules_is_in_words() -> None:
    for text, said in (
        ("approve version 2 by person:fi approved by person:niamh", "Approved version 2, by fi, approved by you"),
        ("publish version 1 by laurels", "Published version 1, by laurels"),
        ("stop version 12 by person:fi", "Ended a campaign by version 12, by fi"),
    ):
        assert words.rules_done(text, "niamh") == said


async def test_a_week_counts_one_of_a_thing(tmp_path: Path, ledger: str | None) -> None:
    async with open_shop(tmp_path, ledger_url=ledger) as shop, open_console(shop) as house:
        await shop.order("A1", "ann", "10.00")
        await shop.settle()
        visitor = await house.signed_in("finance")
        await visitor.open("/overview/week")
        await visitor.send("/overview/week", {"of": today_there()})
        await run_jobs(shop)
        page = (await visitor.open("/overview/week")).text
        assert re.search(r"<span>Earned</span><span>1 point</span>", page)
        assert re.search(r"<span>base</span><span>1 point</span>", page)
        assert "Published version 1, by laurels" in page


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"kind": "week", "at": "1066-10-14T00:00:00Z"}, "at"),
        ({"kind": "liability", "at": "1969-12-31T23:59:59Z"}, "at"),
        ({"kind": "rehearsal", "program": "1", "from": "1066-10-14T00:00:00Z"}, "from"),
        ({"kind": "export", "what": "log", "to": "1066-10-14T00:00:00Z"}, "to"),
    ],
)
async def test_a_job_of_before_1970_is_refused(house: ConsoleShop, body: dict[str, str], field: str) -> None:
    problem = check_problem(await house.shop.ask("POST", "/jobs", json=body), 422, "invalid-input")
    assert problem["errors"] == [{"field": field, "message": "must lie in 1970 or later"}]


@given(st.dates(), st.sampled_from(["Europe/London", "Europe/Dublin", "Asia/Kolkata", "Pacific/Apia", "UTC"]))
def test_a_day_of_any_year_is_an_instant_that_the_api_reads(day: date, name: str) -> None:
    """London was a minute and 15 seconds behind until 1847."""
    zone = ZoneInfo(name)
    said = as_instant(day.isoformat(), zone)
    if said is None:
        assert not FIRST_DAY <= day <= LAST_DAY
    else:
        at = parse_instant(said, "at")
        assert at == from_datetime(datetime(day.year, day.month, day.day, tzinfo=zone))


async def test_a_week_of_long_ago_is_refused_in_plain_words(house: ConsoleShop) -> None:
    visitor = await house.signed_in("finance")
    await visitor.open("/overview/week")
    page = await visitor.send("/overview/week", {"of": "1066-10-14"})
    assert "Give a day such as 23 Nov 2026, of 1970 or later." in page.text


async def test_an_empty_week_has_all_its_parts(tmp_path: Path, ledger: str | None) -> None:
    """A shop where nothing ever happened, and a week before anything did."""
    async with open_console_shop(tmp_path, ledger_url=ledger) as house:
        visitor = await house.signed_in("finance")
        await visitor.open("/overview/week")
        await visitor.send("/overview/week", {"of": "2020-02-05"})
        await run_jobs(house.shop)
        page = await visitor.open("/overview/week")
        assert page.status_code == 200
        for said in ("No order was recorded in this week.", "No point moved.", "Waiting on the work list, by why"):
            assert said in page.text
    async with open_shop(tmp_path / "new") as shop:
        token = shop.person("finance")
        await shop.ask("POST", "/jobs", json={"kind": "week"}, token=token)
        await run_jobs(shop)
        [job] = (await shop.ask("GET", "/jobs?kind=week", token=token)).json()["jobs"]
        assert (job["state"], job["tally"]["members"]) == ("done", {"active": 0})


async def test_reports_that_are_jobs_are_for_who_may_see_reports(house: ConsoleShop) -> None:
    for kind in ("journal", "week"):
        for role in ("support", "operator"):
            answer = await house.shop.ask("POST", "/jobs", json={"kind": kind}, token=house.shop.person(role))
            check_problem(answer, 403, "not-allowed")
        number = (await house.shop.ask("POST", "/jobs", json={"kind": kind})).json()["number"]
        for role, status in (("support", 404), ("finance", 200)):
            answer = await house.shop.ask("GET", f"/jobs/{number}", token=house.shop.person(role))
            assert answer.status_code == status, (kind, role)


async def test_every_large_figure_has_its_commas(tmp_path: Path) -> None:
    program = tmp_path / "program.toml"
    program.write_text('version = 1\nvalue = { GBP = "0.10" }\n[earn]\npoints = 1\nper = { GBP = "1.00" }\n', "utf-8")
    async with open_console_shop(tmp_path / "state", program_file=program) as console:
        await console.shop.order("A9", "ann", "1234567.89")
        await console.shop.settle()
        await counted(console)
        visitor = await console.signed_in("finance")
        span = f"from={FIRST_DAY}&to={LAST_DAY}"
        for path in (f"/finance?{span}", "/overview", "/finance/liability", "/finance/breakage"):
            page = await visitor.open(path)
            assert page.status_code == 200
            figures = re.findall(r"<(?:td|dd)[^>]*>([^<]*\d[^<]*)<", page.text)
            assert any("," in figure for figure in figures), path
            assert not [figure for figure in figures if re.search(r"(?<![\d:-])\d{4,}", figure)], path
