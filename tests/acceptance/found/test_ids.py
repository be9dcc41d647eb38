"""Ids as real systems issue them are taken by every way in, and come out as they went in."""

import asyncio
import csv
import json
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import quote

import msgspec
import pytest
from tests.acceptance.command_line import laurels_here as laurels
from tests.integration.http_shop import Shop, check_problem, fields_at_fault, open_shop

from laurels.model import DocumentKind

pytestmark = pytest.mark.anyio

ISSUED = [
    "#1001",
    "Order 00001-001-0001",
    "Shop/0001",
    "gid://shopify/Order/1",
    "auth0|5f7c8ec7c33c6c004bbafe82",
    "YWJj/ZGVm+w==",
    "o'brien@example.ie",
    "_sue@example.com",
    "-JhLeOlGIEjaIOFHR0xd",
    "_V1StGXR8_Z5jdHi6B-myT",
    "SO/2024/001",
    "SO/2024/001/refund",
    "m1/live",
    "x|y",
    "73928e03",
    "4e872096",
    "007",
    "7",
    "100%",
    "%2F",
    "a?b=c&d#e",
    "a,b",
    'say "no"',
    "<b>&amp;</b>",
    "back\\slash",
    "semi;colon",
    "../../etc/passwd",
    "...",
    "-",
    "{{7*7}}",
    "Zoë Müller",
    "Zoe\u0308",
    "注文-1",
    "😀",
    "\u00e9" * 127,
    "日" * 85,
    "z" * 128,
    "=1+1",
]
REFUSED = [
    " 1", "1 ", "\u00a01", "1\u3000", ".", "..", "a\u0000b", "a\tb", "a\nb", "a\rb", "a\x1b[31mb", "a\x7f", "a\x85b",
    "a\x9b31mb", "a\u200bb", "\ufeffa", "a\u202eb", "a\u2028b", "a\u2029b", "a\u00adb", "a\U000e0041b", "z" * 129,
    "日" * 86, "😀" * 64,
]  # fmt: skip
NO_TEXT = ["%FF", "%C3", "%ED%A0%80", "%C0%AF", "a%", "a%2", "a%zz"]
"""What stands in a path and is no UTF-8, or no percent-encoding."""


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    async with open_shop(tmp_path / "state", http_rate_limit_per_minute=60_000) as shop:
        yield shop


def encoded(text: str) -> str:
    return quote(text, safe="")


@pytest.mark.parametrize("id_", ISSUED)
async def test_an_id_is_one_id_through_every_call(shop: Shop, id_: str) -> None:
    order, member = f"/order/{encoded(id_)}", f"/loyalty/{encoded(id_)}"
    content = {"member_id": id_, "currency": "GBP", "total": "250.00"}
    placed = await shop.ask("POST", order, json=content)
    assert (placed.status_code, placed.json()["order_id"]) == (202, id_)
    assert (await shop.ask("POST", order, json=content)).status_code == 200
    bulk = await shop.ask("POST", "/orders", json=[{"order_id": id_, **content}])
    assert bulk.json() == [{"order_id": id_, "status": "accepted", "http": 200}], "the way in does not matter"
    refund = {"refund_id": id_, "member_id": id_, "currency": "GBP", "amount": "50.00"}
    assert (await shop.ask("POST", f"{order}/refund", json=refund)).json() == {"refund_id": id_, "status": "accepted"}
    await shop.settle()
    shown = (await shop.ask("GET", order, member=id_)).json()
    assert (shown["order_id"], shown["status"]) == (id_, "awarded")
    dashboard = await shop.ask("GET", member, member=id_)
    assert dashboard.json()["me"]["points"] == 20
    of_service = (await shop.ask("GET", member)).json()
    assert of_service | {"as_of": dashboard.json()["as_of"]} == dashboard.json(), "a member's token is sealed"
    key = {"Idempotency-Key": id_.encode()}
    for status in (201, 200):
        adjusted = await shop.ask("POST", member, json={"loyalty-points": 5}, headers=key)  # type: ignore[arg-type]
        assert adjusted.status_code == status
    for status in (201, 200):
        redeemed = await shop.ask("POST", f"{member}/redeem", member=id_, json={"redemption_id": id_, "points": 1})
        assert redeemed.status_code == status, redeemed.text
    assert (await shop.ask("GET", f"{member}/balance", member=id_)).json()["balance"] == 24
    entries = (await shop.ask("GET", f"{member}/entries", member=id_)).json()["entries"]
    assert {entry["order_id"] for entry in entries if "order_id" in entry} == {id_}
    for what in ("hide", "show", "rename"):
        assert (await shop.ask("POST", f"/members/{encoded(id_)}/{what}", member=id_)).status_code == 200
    assert (await shop.ask("POST", "/members", json=[{"member_id": id_}])).json()[0]["status"] == "known"
    assert (await shop.ask("DELETE", f"/members/{encoded(id_)}")).status_code == 200
    await shop.settle()
    assert (await shop.ask("GET", member)).status_code == 404


@pytest.mark.parametrize("id_", ISSUED)
async def test_a_member_checks_out_and_is_told_apart(shop: Shop, id_: str) -> None:
    basket = {"itemIds": ["85123A"], "paymentDetails": {"method": "card", "token": "tok_ok"}}
    for _ in range(2):
        bought = await shop.ask("POST", f"/order/{encoded(id_)}", member=id_, json=basket)
        assert (bought.status_code, bought.json()["order_id"]) == (201, id_)
    await shop.settle()
    shown = await shop.ask("GET", f"/order/{encoded(id_)}?source=checkout", member=id_)
    assert shown.json()["status"] == "awarded"
    for path in ("", "/entries", "/balance", "/live"):
        foreign = await shop.ask("GET", f"/loyalty/{encoded(id_)}{path}", member="another")
        assert check_problem(foreign, 404, "not-found")["instance"] == f"/loyalty/-{path}", "nor does a problem name it"


async def test_ids_that_differ_in_a_byte_are_two(shop: Shop) -> None:
    """Compared as sent: neither case, nor normal form, nor zeros in front are looked through."""
    alike = ["7", "007", "7.0", "Zoë", "Zoe\u0308", "zoë", "a/b", "a%2Fb", "A", "a", "\uff21", "x y", "x  y"]
    for n, member in enumerate(alike):
        assert (await shop.order(f"A{n}", member, f"{n + 1}0.00")).status_code == 202
    await shop.settle()
    for n, member in enumerate(alike):
        answer = await shop.ask("GET", f"/loyalty/{encoded(member)}", member=member)
        assert answer.json()["me"]["points"] == n + 1, member


@pytest.mark.parametrize("id_", REFUSED)
async def test_what_is_no_id_is_refused_by_every_call(shop: Shop, id_: str) -> None:
    good = {"member_id": "m", "currency": "GBP", "total": "1.00"}
    part = encoded(id_).replace(".", "%2E")
    assert fields_at_fault(await shop.ask("POST", f"/order/{part}", json=good)) == ["order_id"]
    assert fields_at_fault(await shop.ask("GET", f"/loyalty/{part}")) == ["member_id"]
    assert fields_at_fault(await shop.ask("POST", "/order/A1", json={**good, "member_id": id_})) == ["member_id"]
    refund = {"refund_id": id_, "member_id": id_, "currency": "GBP", "amount": "1.00"}
    assert fields_at_fault(await shop.ask("POST", "/order/A1/refund", json=refund)) == ["refund_id", "member_id"]
    spent = {"redemption_id": id_, "points": 1}
    assert fields_at_fault(await shop.ask("POST", "/loyalty/m/redeem", json=spent)) == ["redemption_id"]
    for path, name in (("/orders", "order_id"), ("/members", "member_id")):
        [result] = (await shop.ask("POST", path, json=[{**(good if name == "order_id" else {}), name: id_}])).json()
        assert (result["http"], result["errors"][0]["field"]) == (422, name)
    check_problem(await shop.ask("GET", "/loyalty/m", token=shop.token(member=id_)), 401, "not-signed-in")
    assert await shop.services.ledger.inbox_depth() == 0


@pytest.mark.parametrize("part", NO_TEXT)
async def test_what_is_no_text_is_refused_in_a_path(shop: Shop, part: str) -> None:
    order = {"member_id": "m", "currency": "GBP", "total": "1.00"}
    assert fields_at_fault(await shop.ask("POST", f"/order/{part}", json=order)) == ["order_id"]
    check_problem(await shop.ask("GET", f"/loyalty/{part}", member="m"), 404, "not-found")


async def test_a_lone_surrogate_is_refused(shop: Shop) -> None:
    body = rb'{"member_id": "a\ud800b", "currency": "GBP", "total": "1.00"}'
    answer = await shop.ask("POST", "/order/A1", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 422


async def test_an_address_has_one_spelling(shop: Shop) -> None:
    assert (await shop.ask("GET", "/%6Doyalty/m")).status_code == 404
    assert (await shop.ask("GET", "/loyalty%2Fm", member="m")).status_code == 404
    assert (await shop.ask("GET", "/%6detrics")).status_code == 404
    assert (await shop.ask("GET", "/leaderboard/month%3A2026-10")).status_code == 200


async def answered(shop: Shop, method: str, target: str, body: bytes = b"") -> int:
    """The status of a request whose target goes over the wire as it is: clients mend it."""
    reader, writer = await asyncio.open_connection("127.0.0.1", shop.port)
    head = f"{method} {target} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {shop.token()}\r\nConnection: close\r\n"
    writer.write(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
    line = await reader.readline()
    writer.close()
    return int(line.split()[1])


async def test_there_is_one_spelling_of_the_figures_address(shop: Shop) -> None:
    assert await answered(shop, "GET", "/metrics") == 200
    for target in ("//metrics", "/metrics/", "/%6detrics", "/./metrics", "/x/../metrics", "/METRICS", "/metrics%20"):
        assert await answered(shop, "GET", target) == 404, target
    for target in ("/metrics#", "/metrics#x", "/metrics?#x", "\\metrics"):
        assert await answered(shop, "GET", target) == 400, target


async def test_an_id_that_was_not_encoded_is_never_cut_short(shop: Shop) -> None:
    """What stands behind `#` was dropped, so that all orders of a shop would be one."""
    body = b'{"member_id": "ann", "currency": "GBP", "total": "25.00"}'
    for target in (
        "/order/Web#1001",
        "/order/#1001",
        "/order/Web?#1001",
        "/order/Web%231001#2",
        "http://a/order/Web#1",
    ):
        assert await answered(shop, "POST", target, body) == 400, target
    for target in ("/loyalty/ann#1", "/loyalty/ann?top=1#1", "/leaderboard/all-time#x"):
        assert await answered(shop, "GET", target) == 400, target
    assert await shop.services.ledger.document(DocumentKind.ORDER, "shop", "Web") is None
    assert await answered(shop, "POST", "/order/Web%231001", body) == 202


@pytest.mark.parametrize("source", ["laurels", "checkout", "member", "member:", "member:1", "a/b", "a b", "", "é"])
async def test_a_source_that_is_ours_or_none_is_refused(shop: Shop, source: str) -> None:
    order = {"member_id": "m", "currency": "GBP", "total": "1.00", "source": source}
    assert fields_at_fault(await shop.ask("POST", "/order/A1", json=order)) == ["source"]
    [result] = (await shop.ask("POST", "/orders", json=[{"order_id": "A1", **order}])).json()
    assert (result["http"], result["errors"][0]["field"]) == (422, "source")
    refund = {"refund_id": "R1", "currency": "GBP", "amount": "1.00", "source": source}
    assert fields_at_fault(await shop.ask("POST", "/loyalty/m/refund", json=refund)) == ["source"]
    asked = await shop.ask("GET", "/order/A1", params={"source": source})
    assert asked.status_code == (404 if source else 422), "who reads may name any, as version 0.1 took any id"


@pytest.mark.long
def test_the_command_line_takes_and_gives_them_back(tmp_path: Path) -> None:
    state = "--state", str(tmp_path / "state")
    rows = [{"order_id": id_, "member_id": id_, "currency": "GBP", "total": "250.00"} for id_ in ISSUED]
    with (tmp_path / "orders.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0], lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    (tmp_path / "orders.ndjson").write_bytes(b"\n".join(map(msgspec.json.encode, rows)))
    imported = laurels("import", tmp_path / "orders.csv", *state)
    assert imported.returncode == 0, imported.stderr
    again = laurels("import", tmp_path / "orders.ndjson", *state)
    assert again.returncode == 0, again.stderr
    for id_ in ISSUED:
        said = laurels("dashboard", "--json", *state, "--", id_)
        assert json.loads(said.stdout)["me"]["points"] == 25, (id_, said.stderr)
        assert json.loads(laurels("explain", "--json", *state, "--", id_).stdout)["order_id"] == id_
        assert laurels("members", "hide", *state, "--", id_).returncode == 0
        assert laurels("members", "show", *state, "--", id_).returncode == 0
        assert laurels("token", "--member", id_, *state).returncode == 0
    entries = tmp_path / "entries.csv"
    assert laurels("export", "entries", "--to", entries, *state).returncode == 0
    with entries.open(encoding="utf-8", newline="") as file:
        earned = [row for row in csv.DictReader(file) if row["kind"] == "earn"]
    assert sorted((row["member_id"], row["order_id"]) for row in earned) == sorted((id_, id_) for id_ in ISSUED)
    standings = tmp_path / "standings.csv"
    assert laurels("export", "standings", "--to", standings, *state).returncode == 0
    with standings.open(encoding="utf-8", newline="") as file:
        assert sorted(row["member_id"] for row in csv.DictReader(file)) == sorted(ISSUED)
    assert laurels("verify", *state).returncode == 0


@pytest.mark.parametrize("id_", [id_ for id_ in REFUSED if "\0" not in id_])
def test_the_command_line_refuses_what_is_none(tmp_path: Path, id_: str) -> None:
    state = "--state", str(tmp_path / "state")
    laurels("migrate", *state)
    (tmp_path / "orders.ndjson").write_bytes(
        msgspec.json.encode({"order_id": id_, "member_id": "m", "currency": "GBP", "total": "1.00"})
    )
    for arguments in (
        ("token", "--member", id_),
        ("dashboard", "--", id_),
        ("explain", "--", id_),
        ("members", "hide", "--", id_),
    ):
        refused = (
            laurels(*arguments, *state) if "--" not in arguments else laurels(arguments[0], *state, *arguments[1:])
        )
        if arguments[0] == "members":
            refused = laurels("members", "hide", *state, "--", id_)
        assert refused.returncode == 2, (arguments, refused.stderr)
        assert refused.stderr.startswith("laurels: ")
        assert refused.stdout == ""
    assert laurels("import", tmp_path / "orders.ndjson", *state).returncode == 1


def test_bytes_of_no_text_are_refused_by_the_command_line(tmp_path: Path) -> None:
    refused = laurels("dashboard", "a\udcffb", "--state", tmp_path)
    assert (refused.returncode, refused.stdout) == (2, "")
    assert "member: must be 1 to 128 printable characters" in refused.stderr


async def test_a_token_for_a_member_with_a_bar_is_accepted(shop: Shop) -> None:
    asked = "token", "--member", "x|y", "--state", shop.services.settings.state
    token = (await asyncio.to_thread(laurels, *asked)).stdout.strip()
    assert (await shop.ask("GET", "/loyalty/x%7Cy", token=token)).status_code == 200


def test_several_members_are_enrolled_from_rows(tmp_path: Path) -> None:
    """An id with a comma in it stands in quotes; a byte order mark and Windows' line ends do no harm."""
    rows = '\ufeffauth0|1, ann@example.com \r\n"Shop, 2",\r\n#3,not an address\r\n\r\n4\r\n'
    (tmp_path / "members.txt").write_bytes(rows.encode())
    state = "--state", str(tmp_path / "state")
    laurels("migrate", *state)
    done = laurels("members", "enrol", "--file", tmp_path / "members.txt", *state)
    assert (done.returncode, done.stdout) == (0, "4 enrolled, 0 were members before\n")
    assert "#3: email is left out: it must be an e-mail address" in done.stderr
    again = laurels("members", "enrol", "auth0|1", '"Shop, 2"', "#3", "4", *state)
    assert again.stdout == "0 enrolled, 4 were members before\n"
    refused = laurels("members", "enrol", "Shop, 2,x", *state)
    assert refused.returncode == 2
    assert "an id with a comma needs quotes" in refused.stderr
