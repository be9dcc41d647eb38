"""Points that are given until a day lapse then, whatever the program says, through every door."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from tests.acceptance.command_line import laurels_here as laurels
from tests.console.console_shop import open_console_shop
from tests.console.test_jobs import run_jobs
from tests.integration.http_shop import Shop, check_problem, open_shop

from laurels import clock
from laurels.clock import DAY, MINUTE, SECOND
from laurels.errors import FileRefused
from laurels.exchange import OptionList, read_adjustments
from laurels.http.admission.person_tokens import PersonTokens, console_key
from laurels.model.times import format_instant, parse_instant

pytestmark = pytest.mark.anyio

UNTIL = "2099-03-31T23:00:00Z"
TILL_MARCH = {"loyalty-points": 500, "expires_at": UNTIL}


async def once(shop: Shop, member: str, body: dict[str, Any]) -> int:
    return (await shop.ask("POST", f"/loyalty/{member}", json=body)).status_code


async def in_bulk(shop: Shop, member: str, body: dict[str, Any]) -> int:
    sent = [{"adjustment_id": f"bulk-{member}", "member_id": member, **body}]
    status: int = (await shop.ask("POST", "/adjustments", json=sent)).json()[0]["http"]
    return status


async def proposed(shop: Shop, member: str, body: dict[str, Any]) -> int:
    """Asked for by one person, approved by another, made by a job."""
    token = shop.person("lead", sub="mary")
    asked = {"proposal_id": f"P-{member}", "member_id": member, "reason": "goodwill", **body}
    answer = await shop.ask("POST", "/proposals", token=token, json=asked)
    if answer.status_code != 201:
        return answer.status_code
    number = answer.json()["job"]["number"]
    seen = (await shop.ask("GET", f"/proposals/{number}", token=shop.person("lead"))).json()
    assert [each["effect"]["expires_at"] for each in seen["effects"]] == [body["expires_at"]]
    said = {"digest": seen["job"]["digest"], "preview": seen["preview"]}
    await shop.ask("POST", f"/proposals/{number}/approve", token=shop.person("lead"), json=said)
    await run_jobs(shop)
    return 201


async def from_a_file(shop: Shop, member: str, body: dict[str, Any]) -> int:
    text = f"member_id,points,reason,expires_at\n{member},{body['loyalty-points']},goodwill,{body['expires_at']}\n"
    answer = await shop.ask("POST", "/corrections", json={"name": "a.csv", "csv": text})
    if answer.status_code == 201:
        await run_jobs(shop)
    return answer.status_code


RULES = 'version = 1\nearn = { points = 1, per = { GBP = "10.00" } }\n'

DOORS = [once, in_bulk, proposed, from_a_file]
Door = Callable[[Shop, str, dict[str, Any]], Awaitable[int]]


async def test_every_door_takes_when_points_lapse(tmp_path: Path) -> None:
    async with open_shop(tmp_path) as shop:
        for number, door in enumerate(DOORS):
            member = f"m{number}"
            await shop.order(f"A{number}", member, "100.00")
            await shop.settle()
            plain = (await shop.ask("GET", f"/loyalty/{member}/balance")).json()
            assert plain.keys() == {"balance", "earned", "as_of"}
            assert await door(shop, member, TILL_MARCH) == 201, door
            shown = (await shop.ask("GET", f"/loyalty/{member}/balance", member=member)).json()
            assert (shown["balance"], shown["available"]) == (510, 510)
            assert shown["expiring"] == [{"points": 500, "at": UNTIL}]
            timeline = (await shop.ask("GET", f"/members/{member}/timeline")).json()["entries"]
            assert [row.get("expires_at") for row in timeline if row["kind"] != "enrol"] == [UNTIL, None]


async def test_a_correction_whose_points_have_lapsed_is_not_offered_to_be_undone(tmp_path: Path) -> None:
    """The points went with their day: the opposite would take others, or leave them owed."""
    at = [clock.now()]
    async with open_shop(tmp_path, now=lambda: at[0]) as shop:
        await once(shop, "ann", {"loyalty-points": 50, "expires_at": format_instant(at[0] + 2 * MINUTE)})
        await once(shop, "ann", {"loyalty-points": 7})
        for minutes, offered in ((0, [-7, -50]), (2, [-7, None])):
            at[0] += minutes * MINUTE
            rows = (await shop.ask("GET", "/members/ann/timeline", params={"kinds": "adjust"})).json()["entries"]
            assert [row.get("undo", {}).get("points") for row in rows] == offered


@pytest.mark.parametrize("lapses", ["at its day", "by the rules"])
async def test_an_undo_that_was_offered_before_the_points_lapsed_is_refused(lapses: str, tmp_path: Path) -> None:
    """By its check as by itself; one that was done before is answered as it was."""
    at, rules = [parse_instant("2026-06-10T12:00:00Z", "now")], tmp_path / "rules.toml"
    body: dict[str, Any] = {"loyalty-points": 50}
    if lapses == "at its day":
        rules.write_text(RULES, "utf-8")
        body |= {"expires_at": "2026-06-12T00:00:00Z"}
    else:
        rules.write_text(RULES + 'expiry = { kind = "fixed-date", date = "06-11" }\n', "utf-8")
    async with open_shop(tmp_path, now=lambda: at[0], program_file=rules) as shop:
        first, second = [(await shop.ask("POST", "/loyalty/ann", json=body)).json()["loyaltyId"] for _ in range(2)]
        opposite = {"loyalty-points": -50, "source": "console"}

        async def undo(entry: str, **check: int) -> Any:
            named = {"Idempotency-Key": f"undo:{entry}"}
            return await shop.ask("POST", "/loyalty/ann", json=opposite, headers=named, params=check)

        assert (await undo(first, check=1)).json()["effect"]["points"] == -50
        done = await undo(first)
        at[0] += 3 * DAY
        rows = (await shop.ask("GET", "/members/ann/timeline", params={"kinds": "adjust"})).json()["entries"]
        assert not [row for row in rows if row["points"] > 0 and "undo" in row]
        for check in ({"check": 1}, {}):
            problem = check_problem(await undo(second, **check), 422, "invalid-input")
            assert problem["errors"] == [
                {"field": "loyalty-points", "message": "have lapsed: the opposite would take others"}
            ]
        in_bulk = [{"adjustment_id": f"undo:{second}", "member_id": "ann", **opposite}]
        assert (await shop.ask("POST", "/adjustments", json=in_bulk)).json()[0]["http"] == 422
        proposed = {"proposal_id": f"undo:{second}", "member_id": "ann", "reason": "slip", **opposite}
        check_problem(await shop.ask("POST", "/proposals", json=proposed), 422, "invalid-input")
        assert (await undo(first)).json() == done.json()
        assert (await shop.ask("GET", "/loyalty/ann/balance")).json()["balance"] == 0


async def test_an_undo_is_not_approved_once_its_points_have_lapsed(tmp_path: Path) -> None:
    at = [parse_instant("2026-06-10T12:00:00Z", "now")]
    async with open_shop(tmp_path, now=lambda: at[0]) as shop:
        given = {"loyalty-points": 5000, "expires_at": "2026-06-12T00:00:00Z"}
        entry = (await shop.ask("POST", "/loyalty/ann", json=given)).json()["loyaltyId"]
        named = {"proposal_id": f"undo:{entry}", "source": "console", "member_id": "ann", "reason": "slip"}
        body = {**named, "loyalty-points": -5000}
        people = PersonTokens(console_key(shop.services.settings))
        mary, aoife = people.sign("mary", "Mary", ["support"]), people.sign("aoife", "Aoife", ["lead", "approver"])
        asked = await shop.ask("POST", "/proposals", json=body, token=mary)
        assert asked.status_code == 201, asked.text
        path = f"/proposals/{asked.json()['job']['number']}"
        at[0] += 3 * DAY
        shown = (await shop.ask("GET", path, token=aoife)).json()
        assert "have lapsed" in shown["effects"][0]["refused"]
        seen = {"digest": shown["job"]["digest"], "preview": shown["preview"]}
        problem = check_problem(await shop.ask("POST", f"{path}/approve", json=seen, token=aoife), 409, "conflict")
        assert "have lapsed" in problem["detail"]
        rejected = await shop.ask("POST", f"{path}/reject", json={"digest": seen["digest"]}, token=aoife)
        assert rejected.status_code == 200, rejected.text


async def test_every_door_refuses_what_cannot_lapse_so(tmp_path: Path) -> None:
    async with open_shop(tmp_path) as shop:
        await shop.order("A1", "ann", "100.00")
        await shop.settle()
        for points, until in (
            (-5, UNTIL),
            (0, UNTIL),
            (5, "next March"),
            (5, "2099-02-30T00:00:00Z"),
            (5, "2099-03-31T23:00:00"),
            (5, "1066-10-14T09:00:00Z"),
        ):
            for door in DOORS:
                assert await door(shop, "ann", {"loyalty-points": points, "expires_at": until}) == 422, (door, until)
        assert (await shop.ask("GET", "/loyalty/ann/balance")).json()["balance"] == 10


async def test_a_time_that_is_over_is_refused_with_its_field_and_a_repeat_is_not(tmp_path: Path) -> None:
    async with open_shop(tmp_path) as shop:
        soon = shop.services.now() + 2 * SECOND
        body = {"loyalty-points": 5, "expires_at": format_instant(soon)}
        first = await shop.ask("POST", "/loyalty/ann", json=body, headers={"Idempotency-Key": "J1"})
        assert first.status_code == 201
        await asyncio.sleep((soon + SECOND - shop.services.now()) / SECOND)  # until the instant is over
        again = await shop.ask("POST", "/loyalty/ann", json=body, headers={"Idempotency-Key": "J1"})
        assert (again.status_code, again.json()) == (200, first.json())
        for path in ("/loyalty/ann", "/loyalty/ann?check=1"):
            problem = check_problem(await shop.ask("POST", path, json=body), 422, "invalid-input")
            assert [each["field"] for each in problem["errors"]] == ["expires_at"]
            assert "must lie ahead" in problem["errors"][0]["message"]
        shown = (await shop.ask("GET", "/loyalty/ann/balance")).json()
        assert (shown["balance"], shown["expiring"]) == (0, [])


def test_a_file_and_the_command_line_take_it_too(tmp_path: Path) -> None:
    state, file = tmp_path / "state", tmp_path / "a.csv"
    (tmp_path / "orders.csv").write_text("order_id,member_id,total,currency\nA1,ann,1000.00,GBP\n")
    assert laurels("import", tmp_path / "orders.csv", "--state", state).returncode == 0
    file.write_text("member_id,points,expires_at\nann,50,2099-04-01\nbob,20,\n")
    done = laurels("import", file, "--kind", "adjustments", "--time-zone", "Europe/London", "--state", state)
    assert (done.returncode, "2 awarded" in done.stdout) == (0, True), done.stderr
    done = laurels("import", file, "--kind", "adjustments", "--time-zone", "Europe/London", "--state", state)
    assert (done.returncode, "0 new, 2 here before" in done.stdout) == (0, True), done.stderr
    done = laurels("adjust", "ann", "5", "--expires-at", UNTIL, "--state", state)
    assert (done.returncode, "the balance is 155" in done.stdout) == (0, True), done.stderr
    for refused, said in (
        (["5", "--expires-at", "2001-01-01T00:00:00Z"], "must lie ahead"),
        (["-5", "--expires-at", UNTIL], "no effect"),
        (["5", "--expires-at", "tomorrow"], "must be a time"),
    ):
        done = laurels("adjust", "ann", *refused, "--state", state)
        assert (done.returncode, said in done.stderr) == (2, True), done.stderr
    file.write_text("member_id,points,expires_at\nann,50,2001-04-01T00:00:00Z\nann,7,2099-04-01T00:00:00Z\n")
    done = laurels("import", file, "--kind", "adjustments", "--json", "--state", state)
    told = json.loads(done.stdout)
    assert (done.returncode, told["awarded"]) == (1, 1)
    assert told["refused"] == {"expires_at: must lie ahead: points that have lapsed cannot be given": 1}
    assert laurels("verify", "--state", state).returncode == 0
    due = json.loads(laurels("liability", "--at", "2099-12-31T00:00:00Z", "--json", "--state", state).stdout)
    assert due["total"] == 100 + 20


READINGS: list[tuple[Any, dict[str, Any], str | None]] = [
    ("2099-04-01T00:00:00+01:00", {}, UNTIL),
    ("2099-03-31 23:00 UTC", {}, UNTIL),
    ("2099-04-01", {"time_zone": "Europe/London"}, UNTIL),
    ("01/04/2099", {"time_zone": "Europe/London", "time_format": "%d/%m/%Y"}, UNTIL),
    ("4078681200", {"time_format": "epoch"}, UNTIL),
    (pl.Series(["2099-04-01"]).str.to_date()[0], {"time_zone": "Europe/London"}, UNTIL),
    ("", {}, None),
    (None, {}, None),
]


@pytest.mark.parametrize(("cell", "options", "at"), READINGS)
def test_a_column_of_lapses_is_read_as_times_are(
    tmp_path: Path, cell: object, options: dict[str, Any], at: str | None
) -> None:
    pl.DataFrame({"member_id": ["ann"], "points": [5], "expires_at": [cell]}).write_parquet(tmp_path / "a.parquet")
    [read] = read_adjustments(tmp_path / "a.parquet", OptionList(**options), quiet=True)
    assert (None if read.expires_at is None else format_instant(read.expires_at)) == at


def test_one_lapse_for_a_whole_file_and_the_same_row_id_without_any(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("member_id,points\nann,5\n")
    [plain] = read_adjustments(path, OptionList(), quiet=True)
    assert plain.id == "row:8cfa62d4a8f8c03deb91cb00:1"
    [read] = read_adjustments(path, OptionList(set={"expires_at": UNTIL}), quiet=True)
    assert (format_instant(read.expires_at or 0), read.id != plain.id) == (UNTIL, True)
    with pytest.raises(FileRefused, match="expires_at"):
        read_adjustments(path, OptionList(set={"expires_at": "next March"}), quiet=True)
    path.write_text("member_id,points,expires_at\nann,-5,2099-04-01T00:00:00Z\nbob,5,2099-04-31T00:00:00Z\n")
    with pytest.raises(FileRefused, match="1 more fault"):
        read_adjustments(path, OptionList(), quiet=True)


async def test_the_console_gives_points_until_a_day(tmp_path: Path) -> None:
    async with open_console_shop(tmp_path) as house:
        niamh = await house.signed_in("support")
        await niamh.open("/customers/0/correct")
        said = {"points": "50", "reason": "ticket 7", "until": "2099-03-31"}
        page = await niamh.send("/customers/0/correct", said | {"until": "31 March"})
        assert (page.status_code, "Write a day, such as" in page.text) == (422, True)
        page = await niamh.send("/customers/0/correct", said | {"points": "-50"})
        assert (page.status_code, "it is for points that are given" in page.text) == (422, True)
        page = await niamh.send("/customers/0/correct", said | {"until": "2001-03-31"})
        assert (page.status_code, "must lie ahead" in page.text) == (422, True)
        page = await niamh.send("/customers/0/correct", said)
        assert "They lapse 1 Apr 2099, 00:00." in page.text.replace("\N{NO-BREAK SPACE}", " ")
        assert (await niamh.send("/customers/0/correct", {"step": "do"})).status_code == 303
        page = await niamh.follow()
        assert "1 Apr 2099, 00:00" in page.text.replace("\N{NO-BREAK SPACE}", " ")
        shown = (await house.shop.ask("GET", "/loyalty/ann/balance")).json()
        assert shown["expiring"] == [{"points": 50, "at": UNTIL}]


async def test_a_file_says_how_many_rows_would_have_lapsed(tmp_path: Path) -> None:
    async with open_shop(tmp_path) as shop:
        await shop.order("A1", "ann", "100.00")
        await shop.settle()
        text = "member_id,points,reason,expires_at\n" + "".join(
            f"ann,{points},x,{format_instant(shop.services.now() + ahead)}\n" for points, ahead in ((5, -DAY), (7, DAY))
        )
        body = {"name": "a.csv", "csv": text}
        checked = (await shop.ask("POST", "/corrections?check=1", json=body)).json()["checked"]
        assert (checked["rows"], checked["given"], checked["lapsed"]) == (2, 7, 1)
