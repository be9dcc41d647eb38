"""Exports of systems without a preset, and files as people leave them: read as they are meant under the options that a
person finds in the refusal, or refused with the row and what to do. Nothing is guessed.
"""

from pathlib import Path
from typing import Any

import pytest
from tests.acceptance.found.workbook import write_workbook

from laurels.errors import FileRefused
from laurels.exchange import OptionList, open_documents
from laurels.exchange.hints import for_amount
from laurels.model import Order
from laurels.model.times import format_instant

HEAD = "order_id,member_id,currency,total"
ROW = "A1,ann,GBP,5.00"
Read = list[tuple[str, str, str, int, str | None]]


def read(path: Path, **options: Any) -> Read:
    """The documents: which, whose, and how much, refunds below zero."""
    return [
        (
            each.order_id if isinstance(each, Order) else each.refund_id,
            each.member_id or "",
            each.currency,
            each.total if isinstance(each, Order) else -each.amount,
            None if each.occurred_at is None else format_instant(each.occurred_at),
        )
        for each in open_documents(path, OptionList(**options).mapping(), quiet=True)
    ]


def refused(path: Path, **options: Any) -> str:
    with pytest.raises(FileRefused) as told:
        read(path, **options)
    return told.value.message


EXPORTS: dict[str, tuple[str, dict[str, Any], Read]] = {
    "PrestaShop": (
        (
            '"ID";"Reference";"Customer";"Total";"Status";"Date"\n'
            '"5";"KHWLILZLL";"J. DOE";"$20.90";"Shipped";"2024-05-16 15:41:13"\n'
        ),
        {
            "map": {"order_id": "Reference", "member_id": "Customer", "total": "Total", "occurred_at": "Date"},
            "set": {"currency": "USD"},
            "time_zone": "UTC",
            "money_sign": "$",
        },
        [("KHWLILZLL", "J. DOE", "USD", 2090, "2024-05-16T15:41:13Z")],
    ),
    "Shopware": (
        (
            "orderNumber;customerNumber;amountTotal;orderDateTime;currency\n"
            "10001;K-7;1.234,50;2024-05-16T15:41:13.000+02:00;EUR\n"
        ),
        {
            "map": {
                "order_id": "orderNumber",
                "member_id": "customerNumber",
                "total": "amountTotal",
                "occurred_at": "orderDateTime",
            },
            "decimal": ",",
            "thousands": ".",
        },
        [("10001", "K-7", "EUR", 123_450, "2024-05-16T13:41:13Z")],
    ),
    "BigCommerce": (
        (
            "Order ID,Customer Email,Order Date,Order Time,Order Total (inc tax),Order Currency Code,Refund Amount\n"
            "100,g@example.com,04/05/2024,14:23:45,22.00,USD,5.00\n"
        ),
        {
            "map": {
                "order_id": "Order ID",
                "member_id": "Customer Email",
                "occurred_at": "Order Date+Order Time",
                "total": "Order Total (inc tax)",
                "currency": "Order Currency Code",
                "refunded": "Refund Amount",
            },
            "time_zone": "UTC",
            "time_format": "%d/%m/%Y %H:%M:%S",
        },
        [
            ("100", "g@example.com", "USD", 2200, "2024-05-04T14:23:45Z"),
            ("100", "g@example.com", "USD", -500, "2024-05-04T14:23:45Z"),
        ],
    ),
    "Squarespace": (
        (
            "Order ID,Email,Financial Status,Currency,Amount Refunded,Total,Created at,Lineitem name\n"
            "00003,a@example.com,PAID,USD,0.00,25.00,2024-05-16 15:41:13 -0400,Thing\n"
            "00003,a@example.com,,,,,,Another\n"
        ),
        {
            "map": {
                "order_id": "Order ID",
                "member_id": "Email",
                "occurred_at": "Created at",
                "total": "Total",
                "currency": "Currency",
                "refunded": "Amount Refunded",
                "status": "Financial Status",
            },
            "keep": ("PAID",),
            "totals_on_first_row": True,
        },
        [("00003", "a@example.com", "USD", 2500, "2024-05-16T19:41:13Z")],
    ),
    "Etsy": (
        "Sale Date,Order ID,Buyer User ID,Order Total,Currency\n12/31/23,1234567890,buyer1,35.00,USD\n",
        {
            "map": {
                "order_id": "Order ID",
                "member_id": "Buyer User ID",
                "total": "Order Total",
                "occurred_at": "Sale Date",
                "currency": "Currency",
            },
            "time_zone": "UTC",
            "time_format": "%m/%d/%y",
        },
        [("1234567890", "buyer1", "USD", 3500, "2023-12-31T00:00:00Z")],
    ),
    "eBay": (
        'Order Number,Buyer Username,Total Price,Sale Date\n11-111-111,bob,"US $25.00",May-16-24\n',
        {
            "map": {
                "order_id": "Order Number",
                "member_id": "Buyer Username",
                "total": "Total Price",
                "occurred_at": "Sale Date",
            },
            "set": {"currency": "USD"},
            "time_zone": "UTC",
            "time_format": "%b-%d-%y",
            "money_sign": "US $",
        },
        [("11-111-111", "bob", "USD", 2500, "2024-05-16T00:00:00Z")],
    ),
    "Toast": (
        "Order Id,Opened,Guest,Total\n1,5/16/24 3:41 PM,g7,25.00\n",
        {
            "map": {"order_id": "Order Id", "member_id": "Guest", "total": "Total", "occurred_at": "Opened"},
            "set": {"currency": "USD", "channel": "store"},
            "time_zone": "America/New_York",
            "time_format": "%m/%d/%y %I:%M %p",
        },
        [("1", "g7", "USD", 2500, "2024-05-16T19:41:00Z")],
    ),
}


@pytest.mark.parametrize("system", EXPORTS)
def test_an_export_is_read_by_options(tmp_path: Path, system: str) -> None:
    text, options, meant = EXPORTS[system]
    path = tmp_path / "export.csv"
    path.write_text(text)
    assert read(path, **options) == meant
    assert "--map" in refused(path), "without options it is refused, with a way on"


@pytest.mark.parametrize("system", ["BigCommerce", "Etsy", "eBay", "Toast"])
def test_a_day_or_a_month_first_is_never_guessed(tmp_path: Path, system: str) -> None:
    text, options, _ = EXPORTS[system]
    path = tmp_path / "export.csv"
    path.write_text(text)
    told = refused(path, **{name: value for name, value in options.items() if name != "time_format"})
    assert "row 1 (line 2)" in told
    assert "name its format" in told


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (f"Sales report,,,\nJan 2025,,,\n,,,\n{HEAD}\n{ROW}\n", "line 4 seems to name the columns"),
        (f"Sales report\n\n{HEAD}\n{ROW}\n", "line 3 seems to name the columns"),
        (f"\n{HEAD}\n{ROW}\n", "line 2 seems to name the columns"),
        (f"{HEAD}\n{ROW}\n{HEAD}\nA2,ann,GBP,5.00\n", "row 2 (line 3): names the columns once more"),
        (f"{HEAD}\n{ROW}\nTotal,,,5.00\n", "row 2 (line 3), column member_id: is empty"),
        (f"{HEAD}\n{ROW}\n,,,\n", "row 2 (line 3), column order_id: is empty"),
        (f"{HEAD}\n{ROW}\n\n", "row 2 (line 3): is empty"),
        (f"{HEAD},\n{ROW},\n", "a column without a name, number 5; name it, or leave it out with --ignore ''"),
        (f"{HEAD}\n{ROW},\n", "row 1 (line 2): has 5 cells where the header has 4"),
        ("Bestellnummer,Kunde,Betrag\n1,2,5.00\n", "--map FIELD='Bestellnummer'"),
        (f"{HEAD}\nA1,ann,GBP,-5.00\n", "row 1 (line 2), column total"),
    ],
)
def test_what_people_leave_in_files_is_told(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "a.csv").write_text(text)
    assert words in refused(tmp_path / "a.csv")


def test_a_column_without_a_name_may_be_left_out(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(f"{HEAD},,\n{ROW},,\n")
    assert [each[3] for each in read(tmp_path / "a.csv", ignore=("",))] == [500]


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_an_encoding_without_a_mark_is_named(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "a.csv").write_bytes(f"{HEAD}\n{ROW}\n".encode(encoding))
    assert f"--encoding {encoding}" in refused(tmp_path / "a.csv")
    assert [each[3] for each in read(tmp_path / "a.csv", encoding=encoding)] == [500]


OPTIONS = {
    "5,00": {"decimal": ","},
    "1,234.50": {"thousands": ","},
    "1.234,50": {"thousands": ".", "decimal": ","},
    "1 234,50": {"thousands": " ", "decimal": ","},
    "1'234.50": {"thousands": "'"},
    "£5.00": {"money_sign": "£"},
    "5,00 £": {"money_sign": "£", "decimal": ","},
    "£ 1.234,50": {"money_sign": "£", "thousands": ".", "decimal": ","},
    "-5,00": {"decimal": ","},
}


@pytest.mark.parametrize("cell", OPTIONS)
def test_the_option_that_an_amount_needs_is_named_and_helps(tmp_path: Path, cell: str) -> None:
    path = tmp_path / "a.csv"
    path.write_text(f'{HEAD}\nA1,ann,GBP,"{cell}"\n')
    told = refused(path, negative_refunds=True)
    for name, value in OPTIONS[cell].items():
        option = f"--{name.replace('_', '-')}"
        assert any(f"{option} {quote}{value}{quote}" in told for quote in ("", "'", '"')), told
    amount = "".join(each for each in cell.replace(",", ".") if each.isdigit() or each in ".-")
    minor = round(float(amount.replace(".", "", amount.count(".") - 1)) * 100)
    assert [each[3] for each in read(path, negative_refunds=True, **OPTIONS[cell])] == [minor]


@pytest.mark.parametrize("cell", ["1,23,456.00", "(5.00)", "5.00-", "abc", "1.234", "N/A", ""])
def test_where_no_option_helps_none_is_named(cell: str) -> None:
    assert for_amount(cell) == ""


def test_a_lone_comma_is_asked_about() -> None:
    assert for_amount("1,234") == (
        "; is its comma a decimal mark (--decimal ,), or does it part thousands (--thousands ,)?"
    )


def test_pounds_are_not_taken_for_pence(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(f"{HEAD}\n{ROW}\n")
    assert '"5.00" must be a whole number of minor units' in refused(path, minor_units=True)
    path.write_text(f"{HEAD}\nA1,ann,GBP,500.0\nA2,ann,JPY,500.00\n")
    assert [each[3] for each in read(path, minor_units=True)] == [500, 500]


@pytest.mark.parametrize(
    ("sign", "own", "other"),
    [("US $", "USD", "AUD"), ("CA$", "CAD", "USD"), ("A$", "AUD", "USD"), ("NZ$", "NZD", "USD")],
)
def test_a_dollar_with_letters_is_one_countrys(tmp_path: Path, sign: str, own: str, other: str) -> None:
    path = tmp_path / "a.csv"
    path.write_text(f"order_id,member_id,total\nA1,ann,{sign}25.00\n")
    assert [each[2:4] for each in read(path, money_sign=sign, set={"currency": own})] == [(own, 2500)]
    assert f"is not in {other}" in refused(path, money_sign=sign, set={"currency": other})


def test_workbooks_as_people_leave_them(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    head: list[str | float] = [*HEAD.split(",")]
    left: list[tuple[list[list[str | float]], str]] = [
        ([head, ["A1", "ann", "GBP", 5.0], ["Total", "", "", 5.0]], "row 2, column member_id: is empty"),
        ([head, ["A1", "ann", "GBP", 5.0], head], "row 2: names the columns once more"),
        ([head, ["A1", "ann", "GBP", 5.125]], "must have at most 2 decimals"),
        ([head, ["A1", "ann", "GBP", "5,00"]], "--decimal ,"),
        ([["Sales report"], head, ["A1", "ann", "GBP", 5.0]], "Sales report"),
    ]
    for rows, words in left:
        write_workbook(path, rows)
        assert words in refused(path)
