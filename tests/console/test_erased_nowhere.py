"""Who was erased is nowhere: not in a file, a dump, a backup, the log, an export, nor in any answer or page; whatever
came of or about the member, whichever way, and whatever comes later.
"""

import json
import logging
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.console.console_shop import ConsoleShop, open_console_shop
from tests.console.planted import (
    ADDRESS,
    BASKET,
    BOUGHT,
    FILE,
    KEY,
    MEMBER,
    NOTE,
    OTHER,
    OTHER_ADDRESS,
    SEGMENT,
    SOUGHT,
    WHO,
    WORDS,
    found_in,
)
from tests.console.test_exports import exported
from tests.console.test_jobs import run_jobs
from tests.console.test_roles import SHOWN, address
from tests.integration.http_shop import Shop, path_of
from tests.postgres_server import Databases, name_of

from laurels.engines.sqlite.copying import write_copy
from laurels.http.app import ROUTES
from laurels.intake import ReceivedMessage, Taking
from laurels.ledger.jobs import JobState
from laurels.model.people import ROLES

pytestmark = [pytest.mark.anyio, pytest.mark.long]

PROGRAM = """
version = 1
[earn]
points = 1
per = { GBP = "1.00" }
rounding = "carry"
[expiry]
kind = "after-months"
months = 12
[pending]
days = 1
[tiers]
levels = [{ name = "blue", reach = 0 }, { name = "gold", reach = 5000 }]
[[milestones]]
name = "hundred"
above = 100
"""
PAST = "2026-10-01T10:00:00Z"
_PAID = [{"method": "hidden-pay", "amount": "1000.00"}]
PAID = {"tok_ok": "success", "tok_declined": "failure"}
UNTIL = "2100-01-01T00:00:00Z"
CHANGED = BASKET | {"total": "1000.00", "payments": _PAID, "lines": BASKET["lines"][:1]}
OLGA, AOIFE = ("operator",), ("lead", "approver")


@pytest.fixture
async def console(tmp_path: Path, ledger: str | None) -> AsyncIterator[ConsoleShop]:
    rules = tmp_path / "program.toml"
    rules.write_text(PROGRAM)
    state = tmp_path / "state"
    async with open_console_shop(state, program_file=rules, log_level="debug", ledger_url=ledger) as console:
        yield console


async def done(shop: Shop, path: str, body: Any = None, method: str = "POST", **how: Any) -> httpx.Response:
    answer = await shop.ask(method, path, json=body, **how)
    assert answer.is_success, (path, answer.text)
    return answer


async def leave_traces(console: ConsoleShop) -> None:
    """Wherever people and systems leave any, for two ids that become one."""
    shop, mary = console.shop, console.shop.person("lead", sub="mary")
    await done(shop, "/members", [{"member_id": MEMBER, "email": ADDRESS}, {"member_id": OTHER}])
    for of, who in (("S", MEMBER), ("T", OTHER)):
        await bought(shop, of, who)
        await said(shop, of, who)
        await spent(shop, of, who)
        await by_queue(shop, of, who)
        await asked_for(shop, of, who)
        for sought in (who, ADDRESS, f"{of}1", f"{of}V1", SOUGHT):
            await done(shop, "/search", {"q": sought}, token=mary)
    await exported(shop, shop.person("finance", sub="fiona"), "entries")
    await exported(shop, shop.person("auditor", sub="rex"), "log")
    fiona = await console.signed_in(*ROLES, name="fiona")
    for sought in (MEMBER, ADDRESS, SOUGHT):
        await fiona.find(sought)
    assert await shop.services.notifier.drain(), "mails are sent, and lie there as files"
    await done(shop, f"/members/{OTHER}/merge", {"into": MEMBER}, token=mary)
    await done(shop, f"/loyalty/{OTHER}/redeem", {"redemption_id": "V9", "points": 3}, member=OTHER)
    for how in ("hide", "show", "rename"):
        await done(shop, f"/members/{OTHER}/{how}", member=OTHER)
    await shop.order("S9", MEMBER, "1100.00", email=ADDRESS, **_but("total"))  # on its way


def _but(*left_out: str) -> dict[str, Any]:
    return {name: value for name, value in BASKET.items() if name not in left_out}


async def bought(shop: Shop, of: str, who: str) -> None:
    """Orders, what became of them, what was given back, and what lies in quarantine or was given up."""
    named = {"member_id": who, "currency": "GBP"}
    for order in ("1", "2", "3"):
        await done(shop, f"/order/{of}{order}", {**named, **BASKET, "email": OTHER_ADDRESS, "occurred_at": PAST})
    for order in ("U", "D"):
        await done(shop, f"/order/{of}{order}", {**named, **BASKET, "currency": "USD"})
    await done(shop, "/orders", [{"order_id": f"{of}B", **named, **BASKET, "email": OTHER_ADDRESS}])
    await shop.settle()
    lines = [{"line": 1, "quantity": 1}]
    await done(shop, f"/order/{of}1/refund", {"refund_id": f"{of}R1", **named, "amount": "500.00", "lines": lines})
    await done(shop, f"/order/{of}2/amend", {"revision": 1, **named, **CHANGED})
    await done(shop, f"/loyalty/{who}/refund", {"refund_id": f"{of}R2", "currency": "GBP", "amount": "5.00"})
    await done(shop, f"/order/{of}never/refund", {"refund_id": f"{of}R3", **named, "amount": "5.00"})
    await shop.settle()
    await done(shop, f"/order/{of}1/refund/{of}R1/cancel")
    operator = shop.person(*OLGA, sub="olga")
    await done(shop, f"/quarantine/order/shop/{of}D/drop", {"reason": f"{WORDS}: dropped"}, token=operator)
    for token in PAID:
        form = {"itemIds": ["85123A"], "paymentDetails": {"method": "card", "token": token}}
        await shop.ask("POST", f"/order/{of}{token}", json=form, member=who)
    await shop.settle()


async def said(shop: Shop, of: str, who: str) -> None:
    """People's words, and what the shop says of a member."""
    body = {"loyalty-points": 500, "reason": WORDS, "note": NOTE}
    keyed = {"Idempotency-Key": f"{KEY}-{who}"}
    await done(shop, f"/loyalty/{who}", body, token=shop.person("lead", sub="mary"), headers=keyed)
    await done(shop, "/adjustments", [{"adjustment_id": f"{KEY}-{of}", "member_id": who, **body}])
    await done(shop, f"/members/{who}/attributes", {"birthday": "02-29", "segments": [SEGMENT]}, "PUT")
    await done(shop, f"/members/{who}/contact", {"email": ADDRESS if who == MEMBER else OTHER_ADDRESS}, "PUT")
    tier = {"grant_id": f"{of}G1", "tier": "gold", "until": UNTIL, "reason": WORDS}
    await done(shop, f"/members/{who}/tier", tier)


async def spent(shop: Shop, of: str, who: str) -> None:
    """By the member and for it: redeemed, held, given away, given, and spent together with others."""
    own, points = f"/loyalty/{who}", {"points": 3}
    for how in ({}, {"member": who}):
        await done(shop, f"{own}/redeem", {"redemption_id": f"{of}V1", "reason": WORDS, **points}, **how)
        await done(shop, f"{own}/hold", {"hold_id": f"{of}H1", **points}, **how)
    await done(shop, f"{own}/redeem/{of}V1/cancel")
    await done(shop, f"{own}/hold/{of}H1/capture", {"points": 2})
    await done(shop, f"{own}/hold/{of}H1/void", member=who)
    await done(shop, "/loyalty/ann", {"loyalty-points": 100})
    await done(shop, f"{own}/transfer", {"transfer_id": f"{of}X1", "to": "ann", "points": 200})
    await done(shop, "/loyalty/ann/transfer", {"transfer_id": f"{of}X2", "to": who, "points": 1})
    await done(shop, "/pools/redeem", {"redemption_id": f"{of}P1", "members": ["ann", who], "points": 250})


async def by_queue(shop: Shop, of: str, who: str) -> None:
    """One that is taken, and some that are not: what is wrong in them is quoted, one names two, one is in conflict."""
    order = {"kind": "order", "member_id": who, "currency": "GBP", "total": "9.00", "email": ADDRESS}
    wrong: list[dict[str, Any]] = [{"channel": WORDS}, {WORDS: 1}, {NOTE: {"member_id": "ann"}}]
    messages = [
        {**order, "order_id": f"{of}Q"},
        *({**order, "order_id": f"{of}W", **more} for more in wrong),
        {**order, "order_id": f"{of}1"},
    ]
    assert await taken(shop, messages) == [1, 4]
    await shop.settle()


async def taken(shop: Shop, messages: list[dict[str, Any]]) -> list[int]:
    """How many of a queue's messages were accepted, and how many refused."""
    taking = Taking(shop.services.intake, shop.services.ledger, shop.services.now, "orders")
    batch = taking.read([ReceivedMessage(json.dumps(each).encode()) for each in messages])
    became = await taking.keep(batch)
    return [became.accepted, became.refused]


async def asked_for(shop: Shop, of: str, who: str) -> None:
    """Files of corrections and of erasures; proposals that wait, and one that is rejected."""
    mary, csv = shop.person("lead", sub="mary"), f"member_id,points,reason,note\n{who},7,{WORDS},{NOTE}\nbob,1,late,\n"
    await done(shop, "/corrections?check=1", {"name": f"{FILE}.csv", "csv": csv}, token=mary)
    await done(shop, "/corrections", {"name": f"{FILE}.csv", "csv": csv}, token=mary)
    await run_jobs(shop)
    asked = {"proposal_id": f"{KEY}-{of}", "member_id": who, "loyalty-points": 6000, "reason": WORDS, "note": NOTE}
    await done(shop, "/proposals", asked, token=mary)
    job = (await done(shop, "/proposals", asked | {"proposal_id": f"{KEY}-{of}2"}, token=mary)).json()["job"]
    aoife = shop.person(*AOIFE, sub="aoife")
    await done(shop, f"/proposals/{job['number']}/reject", {"digest": job["digest"]}, token=aoife)
    names = f"member_id\n{who}\nnobody-{of}\nbob\n"
    await done(shop, "/erasures", {"name": f"{FILE}-{who}.csv", "csv": names}, token=mary)


async def come_late(shop: Shop) -> None:
    """What is sent for an erased member's orders, by each way; what is sent again; and what waited for a decision."""
    for of, who in (("S", MEMBER), ("T", OTHER)):
        named = {"member_id": who, "currency": "GBP"}
        lines = [{"line": 1, "quantity": 1}]
        for path, body in (
            (f"/order/{of}1/refund", {"refund_id": f"{of}L1", **named, "amount": "500.00", "lines": lines}),
            (f"/order/{of}3/refund", {"refund_id": f"{of}L2", **named, "amount": "5.00"}),
            (f"/order/{of}3/refund/{of}L2/cancel", None),
            (f"/order/{of}2/amend", {"revision": 2, **named, **BASKET, "email": ADDRESS}),
            (f"/order/{of}U/refund", {"refund_id": f"{of}L3", **named, "amount": "5.00"}),
            (f"/order/{of}D/refund", {"refund_id": f"{of}L4", **named, "amount": "5.00"}),
            (f"/order/{of}1", {**named, **BASKET, "email": ADDRESS, "occurred_at": PAST}),
            (f"/order/{of}1", {**named, "total": "7.00", "email": ADDRESS}),
            ("/orders", [{"order_id": f"{of}1", **named, "total": "7.00", "email": ADDRESS}]),
            ("/adjustments", [{"adjustment_id": f"{KEY}-{of}", **_correction(who)}]),
        ):
            await done(shop, path, body)
        headers, mary = {"Idempotency-Key": f"{KEY}-{who}"}, shop.person("lead", sub="mary")
        await done(shop, f"/loyalty/{who}", {"loyalty-points": 1, "reason": WORDS}, headers=headers, token=mary)
        order = {"kind": "order", **named, "total": "9.00", "email": ADDRESS}
        refund = {"kind": "refund", **named, "amount": "1.00", "order_id": f"{of}Q"}
        assert await taken(shop, [{**order, "order_id": f"{of}Q"}, {**order, "order_id": f"{of}1"}]) == [0, 0]
        assert await taken(shop, [{**refund, "refund_id": f"{of}L5"}, {**refund, "refund_id": f"{of}R2"}]) == [1, 0]
        await unknown(shop, of, who)
    await shop.settle()
    for job in await shop.services.ledger.jobs(states=[JobState.PROPOSED]):
        aoife = shop.person(*AOIFE, sub="aoife")
        seen = (await done(shop, f"/proposals/{job.number}", method="GET", token=aoife)).json()
        decided = {"digest": seen["job"]["digest"], "preview": seen["preview"]}
        await done(shop, f"/proposals/{job.number}/approve", decided, token=aoife)
    await run_jobs(shop)
    await shop.settle()
    assert (await done(shop, "/members?id_prefix=secret", method="GET")).json()["members"] == []


def _correction(who: str) -> dict[str, Any]:
    return {"member_id": who, "loyalty-points": 5, "reason": WORDS, "note": NOTE}


async def unknown(shop: Shop, of: str, who: str) -> None:
    """What needs a member finds none, and keeps nothing."""
    points = {"points": 1}
    for method, path, body in (
        ("POST", f"/loyalty/{who}/hold", {"hold_id": f"{of}H9", **points}),
        ("POST", f"/loyalty/{who}/transfer", {"transfer_id": f"{of}X9", "to": "ann", **points}),
        ("POST", "/loyalty/ann/transfer", {"transfer_id": f"{of}X9", "to": who, **points}),
        ("POST", "/pools/redeem", {"redemption_id": f"{of}P9", "members": ["ann", who], **points}),
        ("PUT", f"/members/{who}/attributes", {"segments": [SEGMENT]}),
        ("PUT", f"/members/{who}/contact", {"email": ADDRESS}),
        ("POST", f"/members/{who}/tier", {"grant_id": f"{of}G9", "tier": "gold", "until": UNTIL, "reason": WORDS}),
        ("POST", f"/members/{who}/merge", {"into": "ann"}),
        ("POST", "/members/ann/merge", {"into": who}),
    ):
        assert (await shop.ask(method, path, json=body)).status_code == 404, path


@contextmanager
def log_lines() -> Iterator[list[str]]:
    """All that is logged meanwhile."""
    lines: list[str] = []

    class Keep(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(record.getMessage())

    handler = Keep(level=logging.DEBUG)
    logging.getLogger().addHandler(handler)
    try:
        yield lines
    finally:
        logging.getLogger().removeHandler(handler)


async def test_nothing_of_an_erased_member_is_anywhere(
    console: ConsoleShop, tmp_path: Path, capfd: pytest.CaptureFixture[str], request: pytest.FixtureRequest
) -> None:
    """What a document in quarantine says stays until somebody decides: it says nothing of who."""
    shop = console.shop
    with log_lines() as lines:
        await leave_traces(console)
        exported_whole = await done(shop, f"/members/{MEMBER}/export", method="GET")
        tried = [(each["order_id"], each["status"]) for each in exported_whole.json()["purchases"]]
        assert tried == [(f"{of}{token}", end) for of in "ST" for token, end in PAID.items()]
        kept = found_in(exported_whole.text)
        assert kept == {*WHO, *BOUGHT} - {OTHER_ADDRESS, KEY, FILE, SOUGHT}, "it was there"
        mary = shop.person("lead", sub="mary")
        await done(shop, f"/members/{MEMBER}", method="DELETE", token=mary)
        await shop.settle()
        files(console, tmp_path, request, waiting=True)
        for of in ("S", "T"):
            drop = {"reason": "nobody needs it"}
            await done(shop, f"/quarantine/order/shop/{of}U/drop", drop, token=shop.person(*OLGA, sub="olga"))
        await done(shop, "/members", [{"member_id": "dee"}])  # its answer tells that the file is written behind those
        files(console, tmp_path, request)
        await answers(console)
        await come_late(shop)
        await done(shop, "/members", [{"member_id": "fee"}])
        files(console, tmp_path, request)
        await answers(console)
    assert found_in("\n".join(lines)) == set()
    told = capfd.readouterr()
    assert found_in(told.out + told.err) == set()


async def answers(console: ConsoleShop) -> None:
    """Every route that is read, and every page, of every job and customer that is there."""
    shop = console.shop
    jobs = [job.number for job in await shop.services.ledger.jobs()]
    assert len(jobs) == 10
    parts = [*({"number": str(number)} for number in range(6)), *({"job": str(job)} for job in jobs)]
    for route in ROUTES:
        if route.method != "GET" or "live" in route.path or route.path.endswith("/events"):
            continue
        for part in parts if "{number}" in route.path or "{job}" in route.path else [{}]:
            for who in ("fiona", "rex", "mary"):
                answer = await shop.ask("GET", path_of(route, **part), token=shop.person(*ROLES, sub=who))
                assert found_in(answer.content) == set(), route.path
            answer = await shop.ask("GET", path_of(route, **part))
            assert found_in(answer.content) == set(), route.path
    for read in ("/metrics", "/events?limit=1000"):
        assert found_in((await done(shop, read, method="GET")).content) == set()
    visitor = await console.signed_in(*ROLES, name="fiona")
    for page in SHOWN:
        names = set(re.findall(r"{(\w+):str}", page.path))
        for part in [each for each in parts if names & each.keys()] or [{}]:
            answer = await visitor.open(address(page, **part))
            assert found_in(answer.content) == set(), page.path


def files(console: ConsoleShop, folder: Path, request: pytest.FixtureRequest, *, waiting: bool = False) -> None:
    """All that lies on the disk, and what copies the ledger makes; `waiting`: but for what waits says of a basket."""
    settings, may_be = console.shop.services.settings, set(BOUGHT) if waiting else set()
    if settings.ledger.url.startswith("postgresql"):
        databases: Databases = request.getfixturevalue("postgres")
        assert found_in(databases.server.dump(name_of(settings.ledger.url))) == may_be
    else:
        copy = folder / "copy.db"
        copy.unlink(missing_ok=True)
        write_copy(settings.state / "laurels.db", copy)
        assert found_in(copy.read_bytes()) == may_be
    kept = [path for path in folder.rglob("*") if path.is_file()]
    assert len(kept) > 3
    for path in kept:
        assert found_in(path.read_bytes()) <= may_be, path
