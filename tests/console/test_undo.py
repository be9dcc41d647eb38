"""Corrections that are undone, or sent again: once, whoever does it, and the check says so beforehand."""

import re
from collections.abc import AsyncIterator
from urllib.parse import urlencode

import pytest
from tests.console.console_shop import ConsoleShop, open_console_shop

from laurels.jobs import JobRunner

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory, shared_ledger: str | None) -> AsyncIterator[ConsoleShop]:
    async with open_console_shop(tmp_path_factory.mktemp("state"), ledger_url=shared_ledger) as house:
        yield house


@pytest.mark.parametrize("words", ["", "I saw it, too"])
async def test_a_correction_is_undone_once_whoever_does(house: ConsoleShop, words: str) -> None:
    """By two who had both opened the page before, in the same words or in others; and it is offered no more."""
    given = await house.shop.ask("POST", "/loyalty/bob", json={"loyalty-points": 50, "reason": "ticket 7"})
    entry = given.json()["loyaltyId"]
    balance = (await house.shop.ask("GET", "/loyalty/bob/balance")).json()["balance"]
    colleagues = [await house.signed_in("support", name=name) for name in ("niamh", "rory")]
    for visitor in colleagues:
        page = await visitor.open(f"/customers/1?entry={entry}")
        links = re.findall(r'href="([^"]*)">Undo this correction', page.text)
        [link] = [each for each in links if each.endswith(f"undoes={entry}")]
        await visitor.open(link.replace("&amp;", "&"))
    first, second = colleagues
    await first.send("/customers/1/correct", {"step": "check"})
    await second.send("/customers/1/correct", {"step": "check", **({"reason": words} if words else {})})
    assert (await first.send("/customers/1/correct", {"step": "do"})).status_code == 303
    page = await second.send("/customers/1/correct", {"step": "do"})
    assert page.status_code == (409 if words else 303)
    assert not words or "This correction was undone before, by a colleague or by you. Nothing was changed." in page.text
    assert (await house.shop.ask("GET", "/loyalty/bob/balance")).json()["balance"] == balance - 50
    support = house.tokens.sign("niamh", "niamh", ("support",))
    rows = (await house.shop.ask("GET", "/members/number/1/timeline", token=support)).json()["entries"]
    assert [(row["points"], row.get("undo")) for row in rows[:2]] == [
        (-50, {"action": "adjust", "points": 50}),
        (50, None),
    ]


@pytest.mark.parametrize("words", ["", "I saw it, too"])
@pytest.mark.parametrize("points", [50, 6000], ids=["alone", "with approval"])
async def test_the_check_of_an_undo_says_that_it_was_undone_meanwhile(
    house: ConsoleShop, words: str, points: int
) -> None:
    given = await house.shop.ask("POST", "/loyalty/bob", json={"loyalty-points": points, "reason": "ticket 7"})
    visitor = await house.signed_in("support")
    form = {"points": str(-points), "reason": "slip", "undoes": given.json()["loyaltyId"]}
    await visitor.open(f"/customers/1/correct?{urlencode(form)}")
    seen = await visitor.send("/customers/1/correct", {"step": "check"})
    assert f"{'take' if points > 500 else 'Take'} {points:,} points from bob" in seen.text
    colleague = {"loyalty-points": -points, "reason": words or "slip", "source": "console"}
    undone = await house.shop.ask(
        "POST", "/loyalty/bob", json=colleague, headers={"Idempotency-Key": f"undo:{form['undoes']}"}
    )
    assert undone.status_code == 201
    page = await visitor.send("/customers/1/correct", {"step": "check"})
    assert page.status_code == 409
    assert "This correction was undone before, by a colleague or by you. Nothing was changed." in page.text
    assert "points from bob" not in page.text, "there is no button that would do it"


async def test_two_who_ask_for_approval_to_undo_the_same_undo_it_once(house: ConsoleShop) -> None:
    given = await house.shop.ask("POST", "/loyalty/bob", json={"loyalty-points": 6000, "reason": "ticket 7"})
    balance = (await house.shop.ask("GET", "/loyalty/bob/balance")).json()["balance"]
    jobs = []
    for name in ("niamh", "rory"):
        visitor = await house.signed_in("support", name=name)
        form = {"points": "-6000", "reason": f"slip, says {name}", "undoes": given.json()["loyaltyId"]}
        await visitor.open(f"/customers/1/correct?{urlencode(form)}")
        await visitor.send("/customers/1/correct", {"step": "check"})
        page = await visitor.send("/customers/1/correct", {"step": "ask"})
        jobs.append(page.headers["location"].rpartition("/")[2])
    assert jobs[0] != jobs[1]
    lead = await house.signed_in("lead", name="aoife")
    for job, status in zip(jobs, (303, 409), strict=True):
        await lead.open(f"/proposals/{job}")
        page = await lead.send(f"/proposals/{job}", {"step": "approve"})
        assert page.status_code == status
        assert status == 303 or "Nothing of this can be done any more" in page.text
        services = house.shop.services
        runner = JobRunner(services.ledger, services.points, services.members, services.intake, services.programs)
        while await runner.step():
            pass
    assert (await house.shop.ask("GET", "/loyalty/bob/balance")).json()["balance"] == balance - 6000


async def test_a_form_that_was_sent_says_so_when_it_is_checked_again(house: ConsoleShop) -> None:
    """The way back leads to what the browser kept of the form."""
    visitor = await house.signed_in("support")
    await visitor.open("/customers/1/correct")
    await visitor.send("/customers/1/correct", {"points": "50", "reason": "ticket 7", "step": "check"})
    form = visitor.fields("/customers/1/correct")
    assert (await visitor.client.post("/customers/1/correct", data={**form, "step": "do"})).status_code == 303
    for more in ({}, {"points": "60"}):
        page = await visitor.client.post("/customers/1/correct", data={**form, **more, "step": "check"})
        assert page.status_code == 409
        assert "This form was sent before, and counted then." in page.text


@pytest.mark.parametrize(
    ("points", "status", "said"),
    [
        ("abc", 422, "Write a whole number, such as 50."),
        ("2.5", 422, "Write a whole number, such as 50."),
        ("-1", 422, "Write a whole number, such as 50."),
        ("0", 422, "Write a whole number, such as 50."),
        ("40", 409, "Of this redemption 10 points can come back."),
        ("1,000", 409, "Of this redemption 10 points can come back."),
    ],
)
async def test_points_that_cannot_come_back_are_said_beside_the_form(
    house: ConsoleShop, points: str, status: int, said: str
) -> None:
    """What could not be read was taken for all that is left."""
    visitor = await house.signed_in("support")
    await visitor.open("/customers/0/give-back?redemption=V1&source=shop")
    for step in ("check", "do"):
        page = await visitor.send("/customers/0/give-back", {"points": points, "step": step})
        assert page.status_code == status
        assert f'role="alert">{said} Nothing was changed.</p>' in page.text
        assert "Give 10 points back to ann" in page.text, "what can be stands there"


async def test_one_who_was_quicker_left_less_to_give_back(house: ConsoleShop) -> None:
    first, second = [await house.signed_in("support", name=name) for name in ("niamh", "rory")]
    for visitor in (first, second):
        await visitor.open("/customers/0/give-back?redemption=V1&source=shop")
    form = first.fields("/customers/0/give-back")
    await first.send("/customers/0/give-back", {"points": "6", "step": "check"})
    assert (await first.send("/customers/0/give-back", {"step": "do"})).status_code == 303
    page = await second.send("/customers/0/give-back", {"step": "do"})
    assert (page.status_code, "Of this redemption 4 points can come back." in page.text) == (409, True)
    assert (await second.send("/customers/0/give-back", {"step": "do"})).status_code == 303, "the form goes on"
    page = await first.client.post("/customers/0/give-back", data={**form, "points": "6"})
    assert (page.status_code, "Give 0 points" in page.text) == (409, False)
