"""The same value in another spelling is the same value: on the wire, in files, in a program, and to a fingerprint."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.acceptance.command_line import laurels_here as laurels
from tests.integration.http_shop import Shop, fields_at_fault, open_shop

from laurels.errors import ProgramError
from laurels.model.currencies import DECIMALS
from laurels.program import parse_program

pytestmark = pytest.mark.anyio

BOM = b"\xef\xbb\xbf"
SPELT = [
    ("GBP", ["25.00", "25.0000", "25", "25.0", "25.000000000000"]),
    ("JPY", ["1200", "1200.00", "1200.0"]),
    ("KWD", ["1.250", "1.25", "1.2500"]),
    ("CLF", ["1.0005", "1.00050"]),
    ("ISK", ["990", "990.00"]),
]
BEYOND = [
    ("GBP", "25.0010"), ("GBP", "25.001"), ("JPY", "1200.5"), ("JPY", "1200.50"), ("KWD", "1.2345"), ("KWD", "0.0001"),
    ("CLF", "1.00005"), ("ISK", "990.10"), ("GBP", "25.00001"),
]  # fmt: skip


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    async with open_shop(tmp_path / "state") as shop:
        yield shop


@pytest.mark.parametrize(("currency", "spellings"), SPELT)
async def test_zeros_beyond_the_decimals_are_a_repeat(shop: Shop, currency: str, spellings: list[str]) -> None:
    for status, spelling in zip([202, *[200] * len(spellings)], spellings, strict=False):
        assert (await shop.order("A1", "m", spelling, currency=currency)).status_code == status, spelling
        refund = {"refund_id": "R1", "member_id": "m", "currency": currency, "amount": spelling}
        assert (await shop.ask("POST", "/order/A1/refund", json=refund)).status_code == status
        alone = {"refund_id": "R2", "currency": currency, "amount": spelling}
        assert (await shop.ask("POST", "/loyalty/m/refund", json=alone)).status_code == status
        order = {"order_id": "B1", "member_id": "m", "currency": currency, "total": spelling}
        assert (await shop.ask("POST", "/orders", json=[order])).json()[0]["http"] == status
        lines = [{"quantity": "2.0000000", "unit_price": f"{spelling}{'' if '.' in spelling else '.'}00000000"}]
        by_lines = {"member_id": "m", "currency": currency, "lines": lines}
        assert (await shop.ask("POST", "/order/C1", json=by_lines)).status_code == status


@pytest.mark.parametrize(("currency", "amount"), BEYOND)
async def test_a_digit_beyond_the_decimals_is_refused(shop: Shop, currency: str, amount: str) -> None:
    assert fields_at_fault(await shop.order("A1", "m", amount, currency=currency)) == ["total"]
    refund = {"refund_id": "R1", "member_id": "m", "currency": currency, "amount": amount}
    assert fields_at_fault(await shop.ask("POST", "/order/A1/refund", json=refund)) == ["amount"]


async def test_every_active_currency_is_read(shop: Shop) -> None:
    orders = [
        {
            "order_id": code,
            "member_id": "m",
            "currency": code,
            "total": f"1.{'0' * (decimals - 1)}1" if decimals else "1",
        }
        for code, decimals in DECIMALS.items()
    ]
    results = (await shop.ask("POST", "/orders", json=orders)).json()
    assert {result["http"] for result in results} == {202}
    for code in ("XXX", "XAU", "XTS", "gbp", "€"):
        assert fields_at_fault(await shop.order("Z", "m", "1", currency=code)) == ["currency"]


async def test_a_sign_before_a_price_of_nothing(shop: Shop) -> None:
    for status, price in ((202, "0.00"), (200, "-0.00"), (200, "-0")):
        lines = [{"sku": "gift", "quantity": 1, "unit_price": price}]
        order = {"member_id": "m", "currency": "GBP", "lines": lines, "total": "0.00"}
        assert (await shop.ask("POST", "/order/A1", json=order)).status_code == status
    assert fields_at_fault(await shop.order("A2", "m", "-0.00")) == ["total"]


@pytest.mark.parametrize(
    ("per", "minor"),
    [
        ('KWD = "1.000"', {"KWD": 1000}),
        ('KWD = "1"', {"KWD": 1000}),
        ('GBP = "10.0000", JPY = "1500.00"', {"GBP": 1000, "JPY": 1500}),
        ('CLF = "0.0001"', {"CLF": 1}),
    ],
)
def test_a_program_reads_them_too(per: str, minor: dict[str, int]) -> None:
    assert parse_program(f"version = 1\n[earn]\npoints = 1\nper = {{ {per} }}\n").earn.per == minor


@pytest.mark.parametrize("per", ['GBP = "10.001"', 'JPY = "1500.5"', 'KWD = "1.0001"', 'XAU = "1"', 'GBP = "0.0000"'])
def test_a_program_refuses_what_is_no_amount(per: str) -> None:
    with pytest.raises(ProgramError, match=r"earn\.per"):
        parse_program(f"version = 1\n[earn]\npoints = 1\nper = {{ {per} }}\n")


async def test_a_byte_order_mark_does_no_harm(shop: Shop) -> None:
    order = {"order_id": "A1", "member_id": "m", "currency": "GBP", "total": "25.00"}
    line = msgspec.json.encode(order)
    bodies = [BOM + b"[" + line + b"]", BOM + line + b"\r\n" + BOM + line + b"\r\n", b"[" + line + b"]", line]
    answers = [await sent(shop, "/orders", body) for body in bodies]
    assert [[result["http"] for result in answer.json()] for answer in answers] == [[202], [200, 200], [200], [200]]
    del order["order_id"]
    assert (await sent(shop, "/order/A1", BOM + msgspec.json.encode(order))).status_code == 200
    for body in (BOM + b'[{"member_id": "n"}]', BOM + b'{"member_id": "n"}\n{"member_id": "o"}'):
        assert {result["http"] for result in (await sent(shop, "/members", body)).json()} <= {200, 201}


async def sent(shop: Shop, path: str, body: bytes) -> Any:
    return await shop.ask("POST", path, content=body, headers={"Content-Type": "application/json"})


def test_lines_that_are_empty_are_none_in_files_as_on_the_wire(tmp_path: Path) -> None:
    """Between objects, before and behind them; rows are counted without them, and a file of nothing else is refused."""
    state = "--state", str(tmp_path / "state")
    lines = [json.dumps({"order_id": f"A{n}", "member_id": "m", "currency": "GBP", "total": "25.00"}) for n in (1, 2)]
    file = tmp_path / "orders.ndjson"
    for options in ([], ["--set", "channel=store"]):
        named = [line.replace('"A', f'"{len(options)}A') for line in lines]
        file.write_text("\ufeff\r\n" + "\r\n \r\n".join(named) + "\n\n\n", "utf-8")
        done = laurels("import", file, *options, *state)
        assert (done.returncode, "2 new" in done.stdout) == (0, True), done.stderr
        file.write_text(f"\n{lines[0]}\n\n" + lines[1].replace("25.00", "25.001"), "utf-8")
        done = laurels("import", file, *options, *state)
        assert (done.returncode, "row 2" in done.stderr) == (1, True)
        for nothing in ("", "\n \n", "\ufeff", "\ufeff\r\n"):
            file.write_text(nothing, "utf-8")
            done = laurels("import", file, *options, *state)
            assert (done.returncode, "is empty" in done.stderr) == (1, True)


def test_adjustments_as_they_are_sent_by_http_are_read_from_a_file(tmp_path: Path) -> None:
    state = "--state", str(tmp_path / "state")
    file = tmp_path / "adjustments.ndjson"
    file.write_text('{"adjustment_id": "J1", "member_id": "m", "loyalty-points": 5, "reason": "opening balance"}\n')
    done = laurels("import", "--kind", "adjustments", file, *state)
    assert (done.returncode, "1 awarded" in done.stdout) == (0, True), done.stderr
    assert json.loads(laurels("dashboard", "m", "--json", *state).stdout)["me"]["points"] == 5
    both = tmp_path / "both.csv"
    both.write_text("adjustment_id,member_id,points,loyalty-points\nJ2,m,5,6\n")
    done = laurels("import", "--kind", "adjustments", both, *state)
    assert (done.returncode, "loyalty-points" in done.stderr) == (1, True)


def test_files_mean_the_same_as_the_wire(tmp_path: Path) -> None:
    """One order by each of its spellings, through a CSV and through NDJSON: it is one order."""
    state = "--state", str(tmp_path / "state")
    for n, total in enumerate(["25.00", "25.0000", "25"]):
        table = tmp_path / f"{n}.csv"
        table.write_text(f"\ufefforder_id,member_id,currency,total\nA1,m,GBP,{total}\n", "utf-8")
        assert laurels("import", table, *state).returncode == 0
        lines = tmp_path / f"{n}.ndjson"
        order = {"order_id": "A1", "member_id": "m", "currency": "GBP", "total": total}
        lines.write_bytes(BOM + json.dumps(order).encode())
        done = laurels("import", lines, *state)
        assert done.returncode == 0, done.stderr
    assert json.loads(laurels("dashboard", "m", "--json", *state).stdout)["me"]["points"] == 3
    (tmp_path / "bad.csv").write_text("order_id,member_id,currency,total\nA1,m,GBP,25.0010\n")
    assert laurels("import", tmp_path / "bad.csv", *state).returncode == 1
