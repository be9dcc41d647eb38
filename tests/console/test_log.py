"""The log without looks: what is left are changes, whole and in their order, however few there are among the rows."""

from collections.abc import AsyncIterator
from random import Random
from typing import Any
from urllib.parse import urlencode

import pytest
from tests.console.console_shop import ConsoleShop, open_console_shop
from tests.integration.http_shop import check_problem

from laurels.http.api import audit_log
from laurels.http.app import ROUTES
from laurels.ledger import Act

pytestmark = pytest.mark.anyio

LOOKS_BY_POST = {"find_customers", "find_members", "quote_order"}
"""What people send and that changes nothing."""

CHANGES = ("adjust", "merge", "hide")
LOOKS = ("show_customer", "find_customers", "list_quarantine")


@pytest.fixture(scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory, shared_ledger: str | None) -> AsyncIterator[ConsoleShop]:
    async with open_console_shop(tmp_path_factory.mktemp("state"), ledger_url=shared_ledger) as house:
        yield house


def act(action: str, outcome: str = "done", *, sub: str = "niamh", member: int | None = None) -> Act:
    return Act(sub=sub, name=sub, roles="lead", action=action, outcome=outcome, member=member)


async def pages(house: ConsoleShop, query: str) -> list[dict[str, Any]]:
    """All pages of a walk through the log."""
    found: list[dict[str, Any]] = []
    before = ""
    while True:
        answer = await house.shop.ask("GET", f"/audit?{query}{before}")
        assert answer.status_code == 200, answer.text
        found.append(answer.json())
        if found[-1]["next"] is None:
            return found
        before = f"&before={found[-1]['next']}"


def test_every_operation_is_a_look_or_a_change() -> None:
    """By its name, as a row has it: the rule holds for operations that are not written yet."""
    recorded = [route for route in ROUTES if route.access is not None and route.audited]
    looks = {name for route in recorded if audit_log.is_look(act(name := route.handle.__name__))}
    assert looks == {route.handle.__name__ for route in recorded if route.method == "GET"} | LOOKS_BY_POST
    assert audit_log.is_look(act("adjust", "checked"))
    assert not audit_log.is_look(act("adjust", "refused: conflict"))


@pytest.mark.parametrize("at_once", [1, 3, 500])
async def test_changes_alone_are_those_of_the_whole_log(
    house: ConsoleShop, rng: Random, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    """Page by page, whatever a page's size is and however many rows one call looks through."""
    for _ in range(60):
        action = rng.choice(CHANGES if rng.random() < 0.3 else LOOKS)
        outcome = rng.choice(["done", "done", "checked", "refused: conflict"])
        asked = act(action, outcome, sub=rng.choice(["niamh", "aoife"]), member=rng.choice([None, 0, 1]))
        await house.shop.services.ledger.record(asked)
    monkeypatch.setattr(audit_log, "AT_ONCE", at_once)
    monkeypatch.setattr(audit_log, "MOST_LOOKED_AT", at_once * rng.choice([1, 4, 20]))
    for of in ("", "sub=aoife&", "member=0&", "sub=niamh&member=1&", "action=adjust&"):
        whole = [row for page in await pages(house, f"{of}limit=500") for row in page["rows"]]
        for limit in (1, 7, 500):
            found = await pages(house, f"{of}only=changes&limit={limit}")
            assert [row for page in found for row in page["rows"]] == [
                row for row in whole if row["action"] in CHANGES and row["outcome"] != "checked"
            ]
            short = [page for page in found[:-1] if len(page["rows"]) < limit]
            assert all("searched_to" in page for page in short), "a page that is short says how far was looked"


@pytest.mark.parametrize("at_once", [1, 3, 500])
async def test_what_no_index_finds_is_looked_for_in_so_many_rows_a_call(
    house: ConsoleShop, rng: Random, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    for _ in range(40):
        action = rng.choice((*CHANGES, *LOOKS))
        await house.shop.services.ledger.record(
            act(action, sub=rng.choice(["orla", "padraig"]), member=rng.choice([None, 0, 1]))
        )
    whole = await house.shop.services.ledger.audit(limit=5_000)
    monkeypatch.setattr(audit_log, "AT_ONCE", at_once)
    monkeypatch.setattr(audit_log, "MOST_LOOKED_AT", at_once * 4)
    for asked in ({"action": "hide"}, {"action": "hide", "sub": "orla"}, {"sub": "orla", "member": 1}):
        for limit in (1, 7):
            found = await pages(house, f"{urlencode(asked)}&limit={limit}")
            assert [row["position"] for page in found for row in page["rows"]] == [
                row.position for row in whole if all(getattr(row.act, name) == said for name, said in asked.items())
            ]
            short = [page for page in found[:-1] if len(page["rows"]) < limit]
            assert all("searched_to" in page for page in short)
    one = (await house.shop.ask("GET", "/audit?action=never_done")).json()
    assert (one["rows"], "searched_to" in one) == ([], at_once * 4 < len(whole))


async def test_a_filter_that_there_is_not_is_refused(house: ConsoleShop) -> None:
    for wrong in ("looks", "", "Changes", "changes,looks"):
        answer = await house.shop.ask("GET", f"/audit?only={wrong}")
        assert check_problem(answer, 422, "invalid-input")["errors"][0]["field"] == "only"


async def test_the_page_hides_looks_and_keeps_that_in_its_address(
    house: ConsoleShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    auditor = await house.signed_in("auditor", name="rex")
    await house.shop.services.ledger.record(act("adjust", sub="mary", member=0))
    for _ in range(60):
        await house.shop.services.ledger.record(act("show_customer", sub="mary", member=0))
    page = await auditor.open("/log?sub=mary&only=changes")
    assert "corrected points" in page.text.partition("<tbody>")[2]
    assert "looked at the customer" not in page.text.partition("<tbody>")[2]
    assert 'name="only" value="changes" checked' in page.text
    assert (await auditor.open("/log?only=nonsense")).status_code == 200
    monkeypatch.setattr(audit_log, "AT_ONCE", 10)
    monkeypatch.setattr(audit_log, "MOST_LOOKED_AT", 20)
    page = await auditor.open("/log?sub=mary&only=changes")
    assert "No changes in the rows searched." in page.text
    assert "/log?sub=mary&amp;only=changes&amp;before=" in page.text
    assert "Nothing of this is in the log." in (await auditor.open("/log?sub=nobody&only=changes")).text


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("member=A1&sub=niamh", "Customer number</a>: must be a whole number"),
        ("since=yesterday", "From</a>: must be a time"),
        ("sub=%00", "Person</a>: must be"),
        ("before=x", "This address is not one that this page made."),
    ],
)
async def test_what_the_log_cannot_look_for_is_said_in_its_form(house: ConsoleShop, query: str, said: str) -> None:
    page = await (await house.signed_in("auditor")).open(f"/log?{query}")
    assert page.status_code == 422
    assert said in page.text
    assert ('value="niamh"' in page.text) == ("niamh" in query)
