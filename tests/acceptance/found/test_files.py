"""Files as shops have them: exports with the headings of real systems; the rows are made up."""

import csv
import gzip
import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from tests.acceptance.found.workbook import write_workbook

from laurels.errors import FileRefused
from laurels.exchange import PRESETS, Constant, FaultyFile, Mapping, OptionList, open_documents
from laurels.exchange.presets import presets_for
from laurels.model import Order, Refund
from laurels.model.times import format_instant

Row = dict[str, str]


def table(headings: str, *rows: Row) -> str:
    """A CSV with these headings; what a row does not say is empty."""
    text = io.StringIO()
    writer = csv.DictWriter(text, next(csv.reader([headings])), restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def read(path: Path, preset: str, **further: Any) -> list[tuple[str, str, int, str | None, str]]:
    """(kind and id, member, minor units, order that is refunded, time) of every document."""
    mapping = OptionList(**further).over(PRESETS[preset]).mapping()
    return [told(document) for document in open_documents(path, mapping)]


def told(document: Order | Refund) -> tuple[str, str, int, str | None, str]:
    at = "" if document.occurred_at is None else format_instant(document.occurred_at)
    if isinstance(document, Order):
        return document.order_id, document.member_id, document.total, None, at
    return f"refund {document.refund_id}", document.member_id, document.amount, document.order_id, at


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str, str | bytes], Path]:
    def write(name: str, text: str | bytes) -> Path:
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write


Write = Callable[[str, str | bytes], Path]

SHOPIFY = (
    "Name,Email,Financial Status,Paid at,Fulfillment Status,Fulfilled at,Accepts Marketing,Currency,Subtotal,Shipping,"
    "Taxes,Total,Discount Code,Discount Amount,Shipping Method,Created at,Lineitem quantity,Lineitem name,"
    "Lineitem price,Lineitem compare at price,Lineitem sku,Lineitem requires shipping,Lineitem taxable,"
    "Lineitem fulfillment status,Billing Name,Notes,Note Attributes,Cancelled at,Payment Method,Payment Reference,"
    "Refunded Amount,Vendor,Outstanding Balance,Employee,Location,Device ID,Id,Tags,Risk Level,Source,Lineitem discount"
)
WOOCOMMERCE = (
    "order_id,order_number,date,status,shipping_total,tax_total,discount_total,order_total,refunded_total,"
    "order_currency,payment_method,customer_id,billing_first_name,billing_email,item_name,item_sku,item_quantity,item_total"
)
SQUARE = (
    "Date,Time,Time Zone,Category,Item,Qty,Price Point Name,SKU,Modifiers Applied,Gross Sales,Discounts,Net Sales,Tax,"
    "Transaction ID,Payment ID,Device Name,Notes,Details,Event Type,Location,Dining Option,Customer ID,Customer Name,"
    "Customer Reference ID"
)
STRIPE = (
    "id,Created date (UTC),Amount,Amount Refunded,Currency,Captured,Converted Amount,Converted Amount Refunded,"
    "Converted Currency,Decline Reason,Description,Fee,Refunded date (UTC),Statement Descriptor,Status,Seller Message,"
    "Taxes On Fee,Card ID,Customer ID,Customer Description,Customer Email,Invoice ID,Transfer"
)
MAGENTO = (
    'ID,"Purchase Point","Purchase Date","Bill-to Name","Ship-to Name","Grand Total (Base)","Grand Total (Purchased)",'
    'Status,"Billing Address","Shipping Address","Shipping Information","Customer Email","Customer Group",Subtotal,'
    '"Shipping and Handling","Customer Name","Payment Method","Total Refunded","Allocated sources"'
)


def test_shopify(write: Write) -> None:
    first = {"Email": "ann@example.com", "Currency": "GBP", "Created at": "2025-05-12 15:06:16 -0400"}
    path = write(
        "orders_export_1.csv",
        table(
            SHOPIFY,
            {**first, "Name": "#1001", "Financial Status": "paid", "Total": "25.00", "Refunded Amount": "0.00",
             "Lineitem price": "10.00", "Source": "web"},
            {"Name": "#1001", "Email": "ann@example.com", "Lineitem price": "15.00"},
            {**first, "Name": "#1002", "Financial Status": "partially_refunded", "Total": "60.00",
             "Refunded Amount": "5.00"},
            {**first, "Name": "#1003", "Financial Status": "voided", "Total": "80.00",
             "Cancelled at": "2025-05-13 09:00:00 -0400"},
            {**first, "Name": "#1004", "Email": "", "Financial Status": "paid", "Total": "80.00"},
        ),
    )  # fmt: skip
    at = "2025-05-12T19:06:16Z"
    assert read(path, "shopify") == [
        ("#1001", "ann@example.com", 2500, None, at),
        ("#1002", "ann@example.com", 6000, None, at),
        ("refund #1002", "ann@example.com", 500, "#1002", at),
    ]
    assert [row[0] for row in read(path, "shopify", strip_prefix="#", keep=("voided",))] == ["1003", "refund 1003:rest"]
    assert open_documents(path, PRESETS["shopify"].mapping()).skipped == {
        "rows whose Financial Status is voided": 1,
        "rows without Email": 1,
    }


def test_woocommerce(write: Write) -> None:
    order = {"order_currency": "EUR", "date": "2025-05-11 09:55:16+02:00", "billing_email": "bob@example.com"}
    path = write(
        "woo.csv",
        table(
            WOOCOMMERCE,
            {**order, "order_id": "7", "status": "completed", "order_total": "40.0000", "customer_id": "12"},
            {**order, "order_id": "7", "status": "completed", "order_total": "40.0000", "customer_id": "12"},
            {**order, "order_id": "8", "status": "refunded", "order_total": "9", "refunded_total": "-9.00",
             "customer_id": "12"},
            {**order, "order_id": "11", "status": "wc-completed", "order_total": "9", "customer_id": "12"},
            {**order, "order_id": "12", "status": "wc-on-hold", "order_total": "9", "customer_id": "12"},
            {**order, "order_id": "9", "status": "on-hold", "order_total": "9", "customer_id": "12"},
            {**order, "order_id": "10", "status": "completed", "order_total": "9", "customer_id": "0"},
        ),
    )  # fmt: skip
    at = "2025-05-11T07:55:16Z"
    assert read(path, "woocommerce") == [
        ("7", "12", 4000, None, at),
        ("8", "12", 900, None, at),
        ("refund 8", "12", 900, "8", at),
        ("11", "12", 900, None, at),
    ]


def test_square(write: Write) -> None:
    sale = {"Date": "2025-05-12", "Time": "15:06:16", "Time Zone": "Eastern Time (US & Canada)", "Customer ID": "CUS1"}
    path = write(
        "items.csv",
        table(
            SQUARE,
            {**sale, "Transaction ID": "T1", "SKU": "tea", "Net Sales": "$1,204.50", "Tax": "$0.50",
             "Event Type": "Payment"},
            {**sale, "Transaction ID": "T1", "SKU": "", "Net Sales": "$5.00", "Tax": "", "Event Type": "Payment"},
            {**sale, "Transaction ID": "T2", "Net Sales": "-$5.00", "Tax": "$0.00", "Event Type": "Refund"},
            {**sale, "Transaction ID": "T3", "Net Sales": "$5.00", "Event Type": "Payment", "Customer ID": ""},
        ),
    )  # fmt: skip
    at = "2025-05-12T19:06:16Z"
    assert read(path, "square", set={"currency": "usd"}) == [
        ("T1", "CUS1", 121_000, None, at),
        ("refund T2", "CUS1", 500, None, at),
    ]
    with pytest.raises(Exception, match="or set one for every row"):
        read(path, "square")


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_stripe(write: Write, delimiter: str) -> None:
    paid = {"Created date (UTC)": "2025-01-02 9:05", "Currency": "gbp", "Customer ID": "cus_1", "Status": "Paid"}
    text = table(
        STRIPE,
        {**paid, "id": "ch_1", "Amount": "20.00", "Amount Refunded": "0.00"},
        {**paid, "id": "ch_2", "Amount": "1200", "Amount Refunded": "1200", "Currency": "jpy", "Status": "Refunded"},
        {**paid, "id": "ch_3", "Amount": "20.00", "Status": "Failed"},
    )
    path = write("payments.csv", text.replace(",", delimiter))
    assert read(path, "stripe") == read(path, "stripe", delimiter=delimiter), "a header shows its own delimiter"
    assert read(path, "stripe") == [
        ("ch_1", "cus_1", 2000, None, "2025-01-02T09:05:00Z"),
        ("ch_2", "cus_1", 1200, None, "2025-01-02T09:05:00Z"),
        ("refund ch_2", "cus_1", 1200, "ch_2", "2025-01-02T09:05:00Z"),
    ]
    older = write("older.csv", text.replace("Created date (UTC)", "Created (UTC)"))
    assert len(read(older, "stripe")) == 3


def test_a_preset_needs_no_column_that_moves_no_points(write: Write) -> None:
    """An export without addresses or articles is read, and known again; what moves points has to be there."""
    header = "id,Created (UTC),Amount,Amount Refunded,Currency,Status,Customer ID"
    path = write("payments.csv", f"{header}\nch_1,2025-01-02 9:05,20.00,0,gbp,Paid,c\n")
    assert read(path, "stripe") == [("ch_1", "c", 2000, None, "2025-01-02T09:05:00Z")]
    assert presets_for(header.split(",")) == ["stripe"]
    sold = (
        "Date,Time,Time Zone,Net Sales,Tax,Transaction ID,Event Type,Customer ID\n"
        "2025-05-12,15:06:16,Eastern Time (US & Canada),$5.00,$0.50,T1,Payment,C1\n"
    )
    at = "2025-05-12T19:06:16Z"
    assert read(write("items.csv", sold), "square", set={"currency": "USD"}) == [("T1", "C1", 550, None, at)]
    for role, choice in {"total": "Nope|", "member_id": "|"}.items():
        with pytest.raises(FileRefused, match=f"no column .*{role}"):
            read(path, "stripe", map={role: choice})


def test_magento(write: Write) -> None:
    order = {"Purchase Date": "May 2, 2025 03:06:16 PM", "Customer Email": "ann@example.com", "Status": "Complete"}
    path = write(
        "export.csv",
        table(
            MAGENTO,
            {**order, "ID": "000000001", "Grand Total (Base)": "29.0000", "Total Refunded": ""},
            {**order, "ID": "000000002", "Grand Total (Base)": "9.0000", "Total Refunded": "9.0000",
             "Status": "closed", "Purchase Date": "2025-05-02 15:06:16"},
            {**order, "ID": "000000003", "Grand Total (Base)": "9.0000", "Status": "canceled"},
        ),
    )  # fmt: skip
    at = "2025-05-02T14:06:16Z"
    assert read(path, "magento", set={"currency": "GBP"}, time_zone="Europe/London") == [
        ("000000001", "ann@example.com", 2900, None, at),
        ("000000002", "ann@example.com", 900, None, at),
        ("refund 000000002", "ann@example.com", 900, "000000002", at),
    ]


@pytest.mark.parametrize("moment", ["12/1/2010 08:26", "12/1/2010 8:26", "2010-12-01 08:26:00"])
def test_online_retail_ii(write: Write, moment: str) -> None:
    headings = "Invoice,StockCode,Description,Quantity,InvoiceDate,Price,Customer ID,Country"
    row = {"StockCode": "85048", "InvoiceDate": moment, "Customer ID": "13085"}
    path = write(
        "ii.csv",
        table(
            headings,
            {**row, "Invoice": "489434", "Quantity": "12", "Price": "6.95"},
            {**row, "Invoice": "C489435", "Quantity": "-12", "Price": "6.95"},
            {**row, "Invoice": "A506401", "Quantity": "1", "Price": "-53594.36"},
        ),
    )
    assert read(path, "online-retail-ii") == [
        ("489434", "13085", 8340, None, "2010-12-01T08:26:00Z"),
        ("refund C489435", "13085", 8340, None, "2010-12-01T08:26:00Z"),
    ]
    assert {document.currency for document in open_documents(path, PRESETS["online-retail-ii"].mapping())} == {"GBP"}
    usd = OptionList(set={"currency": "USD"}).over(PRESETS["online-retail-ii"]).mapping()
    assert {document.currency for document in open_documents(path, usd)} == {"USD"}, "an option wins over a preset"


ORDERS = "order_id,member_id,currency,total\n1001,ann,GBP,25.00\n"


def test_packed_encoded_and_other_formats(write: Write, tmp_path: Path) -> None:
    expected = [("1001", "ann", 2500, None, "")]
    with zipfile.ZipFile(tmp_path / "o.zip", "w") as archive:
        archive.writestr("orders.csv", ORDERS)
    frame = pl.read_csv(io.StringIO(ORDERS))
    frame.with_columns(pl.lit(25.0).alias("total")).write_parquet(tmp_path / "o.parquet")
    nested = [{"order_id": 1001, "member_id": "ann", "currency": "GBP", "money": {"total": 25.0}}]
    whole = [{"order_id": "1001", "member_id": "ann", "currency": "GBP", "total": "25.00"}]
    files: list[tuple[Path, Mapping | None]] = [
        (write("o.csv.gz", gzip.compress(ORDERS.encode())), None),
        (tmp_path / "o.zip", None),
        (write("o.tsv", ORDERS.replace(",", "\t")), None),
        (write("o.csv", ORDERS.encode("utf-16")), Mapping(encoding="utf-16")),
        (write("semi.csv", ORDERS.replace(",", ";")), Mapping(delimiter=";")),
        (tmp_path / "o.parquet", None),
        (write("nested.json", json.dumps(nested)), Mapping(total="money.total")),
        (write("o.json", "\ufeff" + json.dumps(whole)), None),
        (write("pence.csv", ORDERS.replace("25.00", "2500")), Mapping(minor_units=True)),
        (write("comma.csv", ORDERS.replace("25.00", '"25,00"')), Mapping(decimal=",")),
        (write("sum.csv", ORDERS.replace("total", "a,b").replace("25.00", "30.00,5.00")), Mapping(total="a-b")),
    ]
    for path, mapping in files:
        assert [told(document) for document in open_documents(path, mapping)] == expected, path.name


def test_workbook(tmp_path: Path) -> None:
    path = tmp_path / "orders.xlsx"
    write_workbook(path, [["order_id", "member_id", "currency", "total"], [1001, "ann", "GBP", 25.0]])
    assert [told(document) for document in open_documents(path)] == [("1001", "ann", 2500, None, "")]


@pytest.mark.parametrize(
    ("cell", "mapping"),
    [
        ("25.50", Mapping(minor_units=True)),
        ('"1,50"', Mapping()),
        ("1.234", Mapping(decimal=",")),
        ("$25.00", Mapping()),
        ("€25.00", Mapping(money_sign="$")),
        ('"12,34.00"', Mapping(thousands=",")),
        ("2.5e3", Mapping()),
        ("25.0010", Mapping()),
    ],
)
def test_money_is_never_guessed(write: Write, cell: str, mapping: Mapping) -> None:
    path = write("o.csv", ORDERS.replace("25.00", cell))
    with pytest.raises(FaultyFile, match="column total"):
        open_documents(path, mapping)


def test_shopify_orders_that_were_cancelled_keep_nothing(write: Write) -> None:
    paid = {"Email": "ann@example.com", "Currency": "GBP", "Created at": "2025-05-12 15:06:16 -0400",
            "Financial Status": "paid", "Cancelled at": "2025-05-13 09:00:00 -0400"}  # fmt: skip
    rows = [
        {**paid, "Name": "#1", "Total": "80.00", "Refunded Amount": "0.00"},
        {"Name": "#1", "Email": "ann@example.com", "Lineitem price": "15.00"},
        {**paid, "Name": "#2", "Total": "80.00", "Refunded Amount": "30.00"},
        {**paid, "Name": "#3", "Total": "80.00", "Refunded Amount": "80.00", "Financial Status": "refunded"},
        {**paid, "Name": "#4", "Total": "80.00", "Refunded Amount": "", "Financial Status": "refunded",
         "Cancelled at": ""},
    ]  # fmt: skip
    path = write("orders.csv", table(SHOPIFY, *rows))
    made, cancelled = "2025-05-12T19:06:16Z", "2025-05-13T13:00:00Z"
    told = read(path, "shopify")
    assert [each for each in told if each[0].startswith("refund")] == [
        ("refund #1:rest", "ann@example.com", 8000, "#1", cancelled),
        ("refund #2", "ann@example.com", 3000, "#2", made),
        ("refund #2:rest", "ann@example.com", 5000, "#2", cancelled),
        ("refund #3", "ann@example.com", 8000, "#3", made),
        ("refund #4:rest", "ann@example.com", 8000, "#4", made),
    ]
    assert open_documents(path, PRESETS["shopify"].mapping()).total == len(told) == 9
    broken = write("broken.csv", table(SHOPIFY, {**rows[0], "Cancelled at": "yesterday"}))
    with pytest.raises(FaultyFile, match="column Cancelled at"):
        read(broken, "shopify")
    long = write("long.csv", table(SHOPIFY, {**rows[0], "Name": "A" * 124}, rows[3]))
    with pytest.raises(FaultyFile, match="too long for a refund's id"):
        read(long, "shopify")


@pytest.mark.parametrize(
    ("preset", "row", "column"),
    [
        ("woocommerce", {"order_id": "1", "order_currency": "GBP", "date": "2025-05-11 09:55:16", "customer_id": "12",
                         "order_total": "9.00", "status": "refunded"}, "refunded_total"),
        ("woocommerce", {"order_id": "1", "order_currency": "GBP", "date": "2025-05-11 09:55:16", "customer_id": "12",
                         "order_total": "9.00", "status": "wc-refunded"}, "refunded_total"),
        ("magento", {"ID": "1", "Purchase Date": "2025-05-11 09:55:16", "Customer Email": "ann@example.com",
                     "Grand Total (Base)": "9.00", "Status": "Closed"}, "Total Refunded"),
        ("stripe", {"id": "1", "Created date (UTC)": "2025-05-11 09:55", "Currency": "gbp", "Customer ID": "cus_1",
                    "Amount": "9.00", "Status": "Refunded"}, "Amount Refunded"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("said", [("", 900), ("0.00", 900), ("4.00", 500), ("9.00", 0)])
def test_a_status_that_says_given_back_leaves_nothing(
    write: Write, preset: str, row: Row, column: str, said: tuple[str, int]
) -> None:
    refunded, rest = said
    headings = {"woocommerce": WOOCOMMERCE, "magento": MAGENTO, "stripe": STRIPE}[preset]
    path = write("o.csv", table(headings, {**row, column: refunded}))
    further: dict[str, Any] = {"set": {"currency": "GBP"}} if preset == "magento" else {}
    if preset != "stripe":
        further["time_zone"] = "UTC"
    order, *refunds = read(path, preset, **further)
    assert order[2] == sum(each[2] for each in refunds) == 900
    assert [each[2] for each in refunds if each[0] == "refund 1:rest"] == [rest] * bool(rest)


def test_orders_of_lines_that_were_given_back(write: Write) -> None:
    header = "order_id,member_id,currency,quantity,unit_price,state,gone\n"
    rows = "1,m,GBP,1,0.005,back,\n1,m,GBP,3,1.00,back,\n2,m,GBP,1,2.00,ok,\n3,m,GBP,1,4.00,ok,2025-05-11T10:00:00Z\n"
    mapping = Mapping(status="state", returned=("back",), cancelled_at="gone")
    documents = open_documents(write("o.csv", header + rows), mapping)
    assert [(each[0], each[2]) for each in map(told, documents)] == [
        ("1", 301), ("refund 1:rest", 301), ("2", 200), ("3", 400), ("refund 3:rest", 400),
    ]  # fmt: skip
    assert documents.total == 5


@pytest.mark.parametrize(
    ("sign", "currency", "stands"),
    [("$", "USD", True), ("$", "cad", True), ("$", "GBP", False), ("£", "USD", False), ("US$", "CAD", False),
     ("US$", "USD", True), ("kr", "NOK", True), ("EUR ", "GBP", False), ("Pts", "GBP", True)],
)  # fmt: skip
@pytest.mark.parametrize("by_column", [False, True])
def test_a_sign_of_money_stands_for_its_own_currencies(
    write: Write, sign: str, currency: str, stands: bool, by_column: bool
) -> None:
    path = write("o.csv", f'order_id,member_id,currency,total\n1,m,{currency},"{sign}1,020.00"\n2,m,{currency},5\n')
    constants: dict[str, Any] = {} if by_column else {"currency": Constant(currency)}
    mapping = Mapping(money_sign=sign, thousands=",", **constants)
    if stands:
        assert [told(document)[2] for document in open_documents(path, mapping)] == [102_000, 500]
    else:
        with pytest.raises(FaultyFile, match=r"row 1 .*column total: .* is not in [A-Z]{3}, which"):
            open_documents(path, mapping)


def test_the_rows_of_an_order_must_agree(write: Write) -> None:
    first = {"Name": "#1", "Email": "ann@example.com", "Currency": "GBP", "Created at": "2025-05-12 15:06:16 -0400",
             "Financial Status": "paid", "Total": "80.00"}  # fmt: skip
    further = {"Name": "#1", "Email": "bob@example.com"}
    path = write("o.csv", table(SHOPIFY, first, further, {**first, "Name": "#2"}))
    with pytest.raises(FaultyFile, match=r"row 2 .*column Email: .*another one than #1 has, .* row 1"):
        read(path, "shopify")
    documents = open_documents(path, PRESETS["shopify"].mapping(), skip_invalid=True)
    assert [told(document)[0] for document in documents] == ["#2"]
    assert {fault.row for fault in documents.faults} == {1, 2}
    for other in ({"Currency": "USD"}, {"Financial Status": "voided"}, {"Refunded Amount": "3.00"}):
        rows = [{**first, "Refunded Amount": "0.00"}, {"Name": "#1", **other}]
        with pytest.raises(FaultyFile, match="row 2"):
            read(write("other.csv", table(SHOPIFY, *rows)), "shopify")
    left_out = [{**first, "Financial Status": "voided"}, further, {**first, "Name": "#2"}]
    assert [each[0] for each in read(write("left.csv", table(SHOPIFY, *left_out)), "shopify")] == ["#2"]
    late = [{**first, "Email": ""}, further]
    assert [each[:2] for each in read(write("late.csv", table(SHOPIFY, *late)), "shopify")] == [
        ("#1", "bob@example.com")
    ]
