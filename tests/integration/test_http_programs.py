"""Two people put a program in force over HTTP, on a rehearsal that both can see; one ends a campaign."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from tests.integration.http_shop import Shop, check_problem, open_shop

from laurels.clock import SECOND
from laurels.program import DEFAULT_PROGRAM
from laurels.rollups import RollingUp

pytestmark = pytest.mark.anyio

DOUBLE = DEFAULT_PROGRAM.replace("version = 1", "version = 2") + '[[campaigns]]\nname = "double"\nmultiply = "2"\n'


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    async with open_shop(tmp_path, approval_required=True) as shop:
        await shop.order("A1", "ann", "25.00")
        await shop.order("A2", "bob", "4.99")
        await shop.settle()
        yield shop


async def test_two_people_and_a_rehearsal(shop: Shop) -> None:
    maker, other = shop.person("program", sub="niamh"), shop.person("program", "approver", sub="aoife")
    both = shop.person("program", "approver", sub="niamh")
    draft = await shop.ask("POST", "/programs", token=maker, json={"text": DOUBLE})
    assert (draft.status_code, draft.json()["submitted_by"]) == (201, "person:niamh")
    path = f"/programs/{draft.json()['digest']}"
    said = (await shop.ask("POST", f"{path}/rehearsal", token=maker, json={})).json()
    assert (said["kept"], said["rehearsal"]["points"], said["rehearsal"]["would_be"]) == (True, 3, 6)
    assert said["rehearsal"]["gain_most"] == [{"member": 0, "before": 3, "after": 6}]
    assert (said["rehearsal"]["reasons"], said["rehearsal"]["changed_orders"]) == ({"double": 1}, 1)
    approval = {"rehearsal": said["rehearsal"]["digest"]}
    check_problem(await shop.ask("POST", f"{path}/approve", token=maker, json=approval), 403, "not-allowed")
    check_problem(await shop.ask("POST", f"{path}/approve", token=both, json=approval), 403, "not-allowed")
    check_problem(await shop.ask("POST", f"{path}/approve", token=other, json={}), 403, "not-allowed")
    wrong = {"rehearsal": "00" * 32}
    check_problem(await shop.ask("POST", f"{path}/approve", token=other, json=wrong), 404, "not-found")
    answer = await shop.ask("POST", f"{path}/approve", token=other, json=approval)
    assert (answer.status_code, answer.json()["actor"]) == (200, "person:aoife")
    await shop.order("A3", "ann", "25.00")
    await shop.settle()
    assert (await shop.ask("GET", "/order/A3")).json()["points"] == 6
    listed = (await shop.ask("GET", "/programs")).json()
    assert [each["act"] for each in listed["events"]] == ["publish", "submit", "rehearse", "approve"]
    assert listed["drafts"] == []
    differ = (await shop.ask("GET", "/programs/1/diff")).json()
    assert {each["path"] for each in differ} >= {"version", "campaigns[double].multiply"}


async def test_one_person_ends_a_campaign(shop: Shop) -> None:
    await shop.services.ledger.publish(2, DOUBLE, None, actor="test")
    maker = shop.person("program")
    stop = {"campaign": "double", "why": "the price was wrong"}
    answer = await shop.ask("POST", "/programs/stop", token=maker, json=stop)
    assert (answer.status_code, answer.json()["version"]) == (200, 3)
    text = (await shop.ask("GET", "/programs/3")).json()["text"]
    assert text.count("until = ") == 1
    check_problem(await shop.ask("POST", "/programs/stop", token=maker, json=stop), 409, "conflict")
    check_problem(await shop.ask("POST", "/programs/stop", token=shop.person("support"), json=stop), 403, "not-allowed")


def _day(shop: Shop, days: int) -> str:
    return f"{datetime.fromtimestamp(shop.services.now() // SECOND, UTC) + timedelta(days=days):%Y-%m-%d}"


async def test_two_people_let_points_live_longer(shop: Shop) -> None:
    maker, other = shop.person("program", sub="niamh"), shop.person("program", "approver", sub="aoife")
    lapse = f"{_day(shop, 30)}T12:00:00Z"
    correction = {"loyalty-points": 50, "expires_at": lapse, "reason": "a late parcel"}
    assert (await shop.ask("POST", "/loyalty/ann", json=correction)).status_code == 201
    await shop.settle()
    form = {"expiring": [_day(shop, 30), _day(shop, 31)], "until": _day(shop, 90)}
    told = await shop.ask("POST", "/programs/extend?check=1", token=maker, json=form)
    assert (told.status_code, told.json()["digest"], told.json()["version"]) == (200, None, 2)
    assert (await shop.ask("GET", "/programs")).json()["drafts"] == [], "it was only asked"
    draft = await shop.ask("POST", "/programs/extend", token=maker, json=form)
    again = await shop.ask("POST", "/programs/extend", token=maker, json=form)
    assert (draft.status_code, draft.json()) == (201, again.json()), "the same again is one draft"
    path = f"/programs/{draft.json()['digest']}"
    said = (await shop.ask("POST", f"{path}/rehearsal", token=maker, json={})).json()
    assert (said["kept"], said["rehearsal"]["points"], said["rehearsal"]["would_be"]) == (True, 53, 53)
    approval = {"rehearsal": said["rehearsal"]["digest"]}
    check_problem(await shop.ask("POST", f"{path}/approve", token=maker, json=approval), 403, "not-allowed")
    answer = await shop.ask("POST", f"{path}/approve", token=other, json=approval)
    assert (answer.status_code, answer.json()["from"]) == (200, draft.json()["from"])
    without = DEFAULT_PROGRAM.replace("version = 1", f'version = 3\nfrom = "{_day(shop, 40)}T00:00:00Z"')
    refused = check_problem(
        await shop.ask("POST", "/programs", token=maker, json={"text": without}), 422, "invalid-input"
    )
    assert "has to say again" in refused["errors"][0]["message"]


async def test_an_extension_that_could_not_be_exact_is_refused_at_its_field(shop: Shop) -> None:
    maker = shop.person("program")
    for form, field in (
        ({"expiring": [_day(shop, 31), _day(shop, 30)], "until": _day(shop, 90)}, "expiring"),
        ({"expiring": [_day(shop, -3), _day(shop, 30)], "until": _day(shop, 90)}, "expiring"),
        ({"expiring": [_day(shop, 30), _day(shop, 31)], "until": _day(shop, 30)}, "until"),
        ({"expiring": [_day(shop, 30), _day(shop, 31)], "until": "soon"}, "until"),
        (
            {
                "expiring": [_day(shop, 5), _day(shop, 31)],
                "until": _day(shop, 40),
                "from": f"{_day(shop, 9)}T00:00:00Z",
            },
            "expiring",
        ),
    ):
        answer = await shop.ask("POST", "/programs/extend", token=maker, json=form)
        assert check_problem(answer, 422, "invalid-input")["errors"][0]["field"] == field
    form = {"expiring": [_day(shop, 30), _day(shop, 31)], "until": _day(shop, 90)}
    check_problem(
        await shop.ask("POST", "/programs/extend", token=shop.person("support"), json=form), 403, "not-allowed"
    )


async def test_a_campaign_says_its_points_and_its_orders(shop: Shop) -> None:
    """A bonus as well as a multiplier; an order that gets nothing of it is none of its."""
    bonus = '[[campaigns]]\nname = "spend 20"\nspend_min = { GBP = "20.00" }\npoints = 890\n'
    await shop.services.ledger.publish(2, DOUBLE + bonus, None, actor="test")
    await shop.order("A3", "ann", "25.00")
    await shop.order("A4", "bob", "10.00")
    await shop.settle()
    await RollingUp(shop.services.ledger, ZoneInfo("Europe/London")).reach()
    shown = (await shop.ask("GET", "/campaigns", token=shop.person("program"))).json()["campaigns"]
    assert [(each["name"], each["points"], each["orders"]) for each in shown] == [
        ("double", 4, 2),
        ("spend 20", 890, 1),
    ]


@pytest.mark.parametrize("text", ["", "version = 'x'", DOUBLE.replace("Europe/London", "Europe/Dublin")])
async def test_a_program_that_could_never_hold_is_refused_at_its_text(shop: Shop, text: str) -> None:
    answer = await shop.ask("POST", "/programs", json={"text": text})
    assert check_problem(answer, 422, "invalid-input")["errors"][0]["field"] == "text"


async def test_what_is_not_there_is_404(shop: Shop) -> None:
    for path in ("/programs/9", "/programs/abcdef", "/programs/9/diff"):
        check_problem(await shop.ask("GET", path), 404, "not-found")
