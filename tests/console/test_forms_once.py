"""Every form of the console counts once, and is answered alike, however often it is sent: by a double click, by the way
back, or by a proxy that asks the next process where the first one has died before its answer came.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from tests.console.console_shop import ConsoleShop, Visitor, open_console_shop
from tests.console.test_jobs import run_jobs

from laurels.clock import SECOND
from laurels.console.views import PAGES
from laurels.model.people import ROLES
from laurels.program import DEFAULT_PROGRAM

pytestmark = [pytest.mark.anyio, pytest.mark.long]

Sent = tuple[str, dict[str, str]]
"""A form that is ready to be sent: where to, and what it says."""

CSV = b"member_id,points,reason\nann,50,late\nbob,-3,twice\n"
CAMPAIGN = '\n[[campaigns]]\nname = "double dairy"\nmultiply = "2"\n'


@pytest.fixture
async def console(tmp_path: Path) -> AsyncIterator[ConsoleShop]:
    async with open_console_shop(tmp_path) as console:
        yield console


async def of(visitor: Visitor, page: str, to: str, **said: str) -> Sent:
    """The form on a page that goes there, filled in."""
    answer = await visitor.open(page)
    assert answer.status_code == 200, answer.text
    return to, {**visitor.fields(to), **said}


async def correct(_: ConsoleShop, visitor: Visitor) -> Sent:
    path = "/customers/0/correct"
    await visitor.open(path)
    await visitor.send(path, {"points": "5", "reason": "ticket 7"})
    return path, {**visitor.fields(path), "step": "do"}


async def ask_for_approval(_: ConsoleShop, visitor: Visitor) -> Sent:
    path = "/customers/0/correct"
    await visitor.open(path)
    await visitor.send(path, {"points": "6000", "reason": "ticket 7"})
    return path, {**visitor.fields(path), "step": "ask"}


async def give_back(_: ConsoleShop, visitor: Visitor) -> Sent:
    path = "/customers/0/give-back"
    return await of(visitor, f"{path}?redemption=V1&source=shop&points=4", path, step="do")


async def cancel_refund(_: ConsoleShop, visitor: Visitor) -> Sent:
    path = "/customers/0/cancel-refund"
    return await of(visitor, f"{path}?refund=R1&order=A1&source=shop", path)


async def hide(_: ConsoleShop, visitor: Visitor) -> Sent:
    return await of(visitor, "/customers/0/hide", "/customers/0/hide")


async def show(console: ConsoleShop, visitor: Visitor) -> Sent:
    await console.shop.ask("POST", "/members/ann/hide")
    return await of(visitor, "/customers/0/show", "/customers/0/show")


async def rename(_: ConsoleShop, visitor: Visitor) -> Sent:
    return await of(visitor, "/customers/0/rename", "/customers/0/rename")


async def merge(_: ConsoleShop, visitor: Visitor) -> Sent:
    return await of(visitor, "/customers/1/merge?into=0", "/customers/1/merge", step="do")


async def erase(_: ConsoleShop, visitor: Visitor) -> Sent:
    return await of(visitor, "/customers/1/erase", "/customers/1/erase", typed="bob")


async def correct_many(_: ConsoleShop, visitor: Visitor) -> Sent:
    await visitor.open("/corrections")
    fields = {"_csrf_token": visitor.fields("/corrections")["_csrf_token"]}
    visitor.page = await visitor.client.post("/corrections", data=fields, files={"file": ("f.csv", CSV, "text/csv")})
    return "/corrections", {**visitor.fields("/corrections"), "step": "do"}


async def erase_many(_: ConsoleShop, visitor: Visitor) -> Sent:
    await visitor.open("/erasures")
    fields, csv = {"_csrf_token": visitor.fields("/erasures")["_csrf_token"]}, b"member_id\nann\nbob\n"
    visitor.page = await visitor.client.post("/erasures", data=fields, files={"file": ("f.csv", csv, "text/csv")})
    return "/erasures", {**visitor.fields("/erasures"), "step": "do"}


async def export(_: ConsoleShop, visitor: Visitor) -> Sent:
    return await of(visitor, "/finance?from=2020-01-01&to=2030-01-01", "/exports", format="csv")


async def approve_proposal(console: ConsoleShop, visitor: Visitor) -> Sent:
    return await decided(console, visitor, "approve")


async def reject_proposal(console: ConsoleShop, visitor: Visitor) -> Sent:
    return await decided(console, visitor, "reject")


async def decided(console: ConsoleShop, visitor: Visitor, step: str) -> Sent:
    other = await console.signed_in("lead", name="aoife")
    path, form = await ask_for_approval(console, other)
    answer = await other.client.post(path, data=form)
    number = answer.headers["location"].rpartition("/")[2]
    return await of(visitor, f"/proposals/{number}", f"/proposals/{number}", step=step)


async def retry_document(_: ConsoleShop, visitor: Visitor) -> Sent:
    return await of(visitor, f"/work/order?source=shop&id={quote('USD/1', safe='')}", "/work/order", step="retry")


async def drop_document(_: ConsoleShop, visitor: Visitor) -> Sent:
    path, form = await retry_document(_, visitor)
    return path, {**form, "step": "drop", "reason": "came twice"}


async def retry_all(_: ConsoleShop, visitor: Visitor) -> Sent:
    return await of(visitor, "/work", "/work/retry-all", cause="currency")


async def start_job(_: ConsoleShop, visitor: Visitor) -> Sent:
    return await of(visitor, "/jobs", "/jobs", kind="verify")


async def work_out_liability(_: ConsoleShop, visitor: Visitor) -> Sent:
    await visitor.open("/finance")
    return "/finance/liability", {"_csrf_token": visitor.fields("/sign-out")["_csrf_token"]}


async def stop_job(_: ConsoleShop, visitor: Visitor) -> Sent:
    path, form = await start_job(_, visitor)
    job = (await visitor.client.post(path, data=form)).headers["location"]
    return await of(visitor, job, f"{job}/stop")


async def submit(console: ConsoleShop, visitor: Visitor) -> Sent:
    return await of(visitor, "/program", "/program", text=rules(console))


async def rehearse(console: ConsoleShop, visitor: Visitor) -> Sent:
    path, form = await submit(console, visitor)
    draft = (await visitor.client.post(path, data=form)).headers["location"]
    return await of(visitor, draft, f"{draft}/rehearse")


async def approve(console: ConsoleShop, visitor: Visitor) -> Sent:
    path, form = await rehearse(console, visitor)
    job = (await visitor.client.post(path, data=form)).headers["location"]
    await run_jobs(console.shop)
    path = f"{path.removesuffix('/rehearse')}/approve"
    return await of(visitor, f"{path}?job={job.rpartition('/')[2]}", path, version="2")


async def stop_campaign(console: ConsoleShop, visitor: Visitor) -> Sent:
    await console.shop.services.ledger.publish(2, _version_2(CAMPAIGN), None, actor="test")
    path = "/campaigns/stop"
    return await of(visitor, f"{path}?campaign=double+dairy", path, why="a wrong price")


async def retry_message(console: ConsoleShop, visitor: Visitor) -> Sent:
    await console.shop.ask("POST", "/loyalty/ann", json={"loyalty-points": 200})
    [message] = await console.shop.services.ledger.claim_messages(1, lease_s=60)
    await console.shop.services.ledger.message_undeliverable(message.id, note="550 no such mailbox")
    return await of(visitor, "/messages", f"/messages/{message.id}/retry")


def rules(console: ConsoleShop) -> str:
    at = datetime.fromtimestamp(console.shop.services.now() // SECOND, UTC) + timedelta(hours=1)
    return _version_2().replace("version = 2", f'version = 2\nfrom = "{at:%Y-%m-%dT%H:%M:%SZ}"')


def _version_2(more: str = "") -> str:
    return DEFAULT_PROGRAM.replace("version = 1", "version = 2") + more


FORMS: dict[str, Callable[[ConsoleShop, Visitor], Awaitable[Sent]]] = {
    each.__name__: each
    for each in (
        correct,
        ask_for_approval,
        give_back,
        cancel_refund,
        hide,
        show,
        rename,
        merge,
        erase,
        correct_many,
        erase_many,
        export,
        approve_proposal,
        reject_proposal,
        retry_document,
        drop_document,
        retry_all,
        start_job,
        work_out_liability,
        stop_job,
        submit,
        rehearse,
        approve,
        stop_campaign,
        retry_message,
    )
}
LOOKS = {"/customers", "/customers/{number:str}/contact"}
"""Forms that change nothing."""


async def what_there_is(console: ConsoleShop) -> list[Any]:
    """All that forms change."""
    shop, ledger = console.shop, console.shop.services.ledger
    await shop.settle()
    await run_jobs(shop)
    await shop.settle()
    jobs = [(job.number, job.kind, job.state, job.approver) for job in await ledger.jobs(limit=50)]
    messages = [(each.id, each.state) for each in await ledger.all_messages()]
    waiting = [(each.kind, each.id) for each in await ledger.quarantine(after=0)]
    programs = [(each.act, each.version) for each in await ledger.program_events()]
    rows = (await shop.ask("GET", "/audit?limit=500")).json()["rows"]
    done = [row["action"] for row in rows if row["outcome"] == "done" and row["action"] in CHANGES]
    return [(await ledger.heads()).marks, jobs, messages, waiting, programs, done]


CHANGES = {
    "adjust",
    "approve_program",
    "approve_proposal",
    "cancel_redemption",
    "cancel_refund",
    "drop_quarantined",
    "erase",
    "erase_many",
    "hide",
    "merge",
    "propose_correction",
    "reject_proposal",
    "rename",
    "show",
    "stop_campaign",
    "submit_program",
}
"""Of which the log has one row that says `done`, however often they are sent."""


STARTED_ANEW = {
    "start_job",
    "work_out_liability",
    "export",
    "retry_all",
    "rehearse",
    "correct_many",
    "stop_job",
    "retry_document",
}
"""Of what is done by now, the same again is another doing."""


@pytest.mark.parametrize("name", FORMS)
async def test_a_form_that_is_sent_again_is_answered_alike_and_counts_once(console: ConsoleShop, name: str) -> None:
    visitor = await console.signed_in(*ROLES, name="niamh")
    path, form = await FORMS[name](console, visitor)
    first = await visitor.client.post(path, data=form)
    assert first.status_code == 303, first.text
    again = await visitor.client.post(path, data=form)
    assert again.status_code == 303, again.text
    if not path.startswith("/work/order"):
        assert again.headers["location"] == first.headers["location"]
    there = await what_there_is(console)
    await visitor.open(first.headers["location"])
    assert visitor.page is not None
    assert visitor.page.status_code == 200
    third = await visitor.client.post(path, data=form)
    assert third.status_code in {200, 303}, third.text
    if name not in STARTED_ANEW:
        assert await what_there_is(console) == there


async def test_every_form_is_tried() -> None:
    sent = {page.path for page in PAGES if page.method == "POST"} - LOOKS
    assert len(FORMS) >= len(sent)
