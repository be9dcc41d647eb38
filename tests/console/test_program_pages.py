"""Rules, campaigns, boards, messages, and what cannot be undone, on the pages: without a script."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.console.console_shop import ConsoleShop, open_console_shop
from tests.console.test_jobs import balance, run_jobs

from laurels.clock import SECOND
from laurels.program import DEFAULT_PROGRAM

pytestmark = pytest.mark.anyio

CAMPAIGN = '\n[[campaigns]]\nname = "double dairy"\nmultiply = "2"\nbudget = 1000\n'


@pytest.fixture
async def console(tmp_path: Path, ledger: str | None) -> AsyncIterator[ConsoleShop]:
    async with open_console_shop(tmp_path, ledger_url=ledger, approval_required=True) as console:
        yield console


def later(console: ConsoleShop, hours: int = 1) -> str:
    at = datetime.fromtimestamp(console.shop.services.now() // SECOND, UTC) + timedelta(hours=hours)
    return f"{at:%Y-%m-%dT%H:%M:%SZ}"


def rules(console: ConsoleShop, version: int = 2, more: str = CAMPAIGN) -> str:
    numbered = DEFAULT_PROGRAM.replace("version = 1", f'version = {version}\nfrom = "{later(console)}"')
    return numbered.replace('rounding = "half-up"', 'rounding = "floor"') + more


async def test_rules_are_submitted_rehearsed_and_approved_by_another(console: ConsoleShop) -> None:
    niamh, aoife = await console.signed_in("program"), await console.signed_in("approver", name="aoife")
    await niamh.open("/program")
    await niamh.send("/program", {"text": rules(console)})
    page = await niamh.follow()
    digest = page.url.path.rpartition("/")[2]
    assert "Nothing is changed by it yet." in page.text
    assert "earn.rounding" in page.text
    await niamh.send(f"/program/{digest}/rehearse")
    await run_jobs(console.shop)
    job = await niamh.follow()
    number = job.url.path.rpartition("/")[2]
    seen = await niamh.open(f"/program/rehearsals/{number}")
    assert "No point moved." in seen.text
    assert "Approve on this rehearsal" not in seen.text
    assert (await niamh.open(f"/program/{digest}/approve?job={number}")).status_code == 403
    assert "Approve on this rehearsal" in (await aoife.open(f"/program/rehearsals/{number}")).text
    path = f"/program/{digest}/approve"
    await aoife.open(f"{path}?job={number}")
    wrong = await aoife.send(path, {"version": "3"})
    assert (wrong.status_code, "Type the number" in wrong.text) == (422, True)
    await aoife.send(path, {"version": "2"})
    assert "In force from" in (await aoife.follow()).text
    assert "Approved version 2" in (await niamh.open("/program")).text
    assert "double dairy" in (await niamh.open("/campaigns")).text


async def test_who_submitted_rules_does_not_approve_them(console: ConsoleShop) -> None:
    both = await console.signed_in("program", "approver", name="both")
    await both.open("/program")
    await both.send("/program", {"text": rules(console)})
    digest = (await both.follow()).url.path.rpartition("/")[2]
    await both.send(f"/program/{digest}/rehearse")
    await run_jobs(console.shop)
    number = (await both.follow()).url.path.rpartition("/")[2]
    path = f"/program/{digest}/approve"
    assert "You submitted it yourself." in (await both.open(f"{path}?job={number}")).text
    refused = await both.send(path, {"version": "2"})
    assert (refused.status_code, "another one has to approve it" in refused.text) == (403, True)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("version =\nname = 1\n", "column 10): version ="),
        ("version = 2\nearn = 7\n", "earn"),
        ("", "Nothing was changed"),
    ],
)
async def test_rules_that_cannot_be_are_refused_with_their_line(console: ConsoleShop, text: str, said: str) -> None:
    niamh = await console.signed_in("program")
    await niamh.open("/program")
    page = await niamh.send("/program", {"text": text})
    assert (page.status_code, said in page.text) == (422, True)
    assert "Nothing was changed." in page.text


async def test_a_campaign_is_shown_and_ended(console: ConsoleShop) -> None:
    shop = console.shop
    niamh = await console.signed_in("program")
    assert "There is no campaign." in (await niamh.open("/campaigns")).text
    text = DEFAULT_PROGRAM.replace("version = 1", "version = 2") + CAMPAIGN
    await shop.services.ledger.publish(2, text, None, actor="test")
    page = await niamh.open("/campaigns")
    assert "0 of 1,000 points of its budget used" in page.text
    await niamh.open("/campaigns/stop?campaign=double+dairy")
    assert (await niamh.send("/campaigns/stop")).status_code == 422
    await niamh.send("/campaigns/stop", {"why": "a wrong price"})
    assert (await niamh.follow()).status_code == 200
    assert "version 3" in (await niamh.open("/campaigns")).text


async def test_the_top_is_shown_by_names_and_leads_to_customers(console: ConsoleShop) -> None:
    niamh = await console.signed_in("support")
    page = await niamh.open("/boards")
    assert "The first 2 of 2" in page.text
    assert "ann" not in page.text.replace("another", "").replace("cannot", "")
    await niamh.send("/customers")
    missing = await niamh.open("/boards?board=month:1999-99")
    assert (missing.status_code, "No such board" in missing.text) == (404, True)


async def test_messages_are_shown_and_tried_again(console: ConsoleShop) -> None:
    shop = console.shop
    await shop.ask("POST", "/loyalty/ann", json={"loyalty-points": 200})
    oisin = await console.signed_in("operator", name="oisin")
    assert "There is none." in (await oisin.open("/messages")).text
    [message] = await shop.services.ledger.claim_messages(1, lease_s=60)
    await shop.services.ledger.message_undeliverable(message.id, note="550 no such mailbox")
    assert "550 no such mailbox" in (await oisin.open("/messages")).text
    await oisin.send(f"/messages/{message.id}/retry")
    assert message.milestone in (await oisin.follow()).text
    await shop.services.ledger.message_sent(message.id)
    await oisin.open("/messages?state=sent")
    refused = await oisin.client.post(f"/messages/{message.id}/retry", data=oisin.fields("/sign-out"))
    assert refused.status_code == 409


async def test_two_customers_become_one(console: ConsoleShop) -> None:
    mary = await console.signed_in("lead", name="mary")
    sums = await balance(console.shop, "ann") + await balance(console.shop, "bob")
    page = await mary.open("/customers/1/merge")
    assert "This cannot be undone." in page.text
    for wrong in ("1", "99", "x", "-1"):
        assert (await mary.open(f"/customers/1/merge?into={wrong}")).status_code == 422
    page = await mary.open("/customers/1/merge?into=0")
    assert "Join bob with ann" in page.text
    assert f"{sums:,}" in page.text
    await mary.send("/customers/1/merge", {"step": "do"})
    assert (await mary.follow()).url.path == "/customers/0"
    assert await balance(console.shop, "ann") == sums
    assert "became another customer" in (await mary.open("/customers/1")).text


async def test_a_customer_is_erased_by_who_types_the_id(console: ConsoleShop) -> None:
    mary = await console.signed_in("lead", name="mary")
    await mary.open("/customers/0/erase")
    assert (await mary.send("/customers/0/erase", {"typed": "bob"})).status_code == 422
    await mary.send("/customers/0/erase", {"typed": "ann"})
    page = await mary.follow()
    assert "erased" in page.text
    assert "ann@example.com" not in page.text
    rows = (await console.shop.ask("GET", "/audit?action=erase")).json()["rows"]
    assert [(row["member"], row["sub"]) for row in rows] == [(0, "mary")]


@pytest.mark.parametrize("path", ["/customers/0/merge", "/customers/0/erase"])
async def test_what_cannot_be_undone_is_for_leads(console: ConsoleShop, path: str) -> None:
    niamh = await console.signed_in("support")
    page = await niamh.open(path)
    assert (page.status_code, "Support lead" in page.text) == (403, True)
    assert path not in (await niamh.open("/customers/0")).text


async def test_all_of_a_cause_are_tried_again(console: ConsoleShop) -> None:
    oisin = await console.signed_in("operator", name="oisin")
    await oisin.open("/work")
    await oisin.send("/work/retry-all", {"cause": "currency"})
    await run_jobs(console.shop)
    assert "1 document goes the usual way again." in (await oisin.follow()).text
