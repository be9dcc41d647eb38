"""Reading a catalogue, and pricing from it."""

from pathlib import Path

import pytest

from laurels.checkout import Catalogue, Product, read_catalogue
from laurels.errors import InvalidInput, SettingsError
from laurels.model import Line
from laurels.model.money import MILLION, parse_millionths

HEADER = "sku,title,unit_price,currency\n"


def catalogue(**prices: str) -> Catalogue:
    """Products priced in GBP; a name that begins with `eur` in EUR."""
    return Catalogue(
        Product(
            sku=sku,
            title=sku.title(),
            unit_price=parse_millionths(price, "unit_price"),
            currency="EUR" if sku.startswith("eur") else "GBP",
        )
        for sku, price in prices.items()
    )


def refusal(tmp_path: Path, text: str | bytes) -> list[str]:
    path = tmp_path / "catalogue.csv"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    with pytest.raises(SettingsError) as caught:
        read_catalogue(path)
    return [line.replace(f"catalogue.file {path}", "FILE") for line in caught.value.message.splitlines()]


def test_the_demo_has_a_shop_to_buy_from() -> None:
    demo = read_catalogue(None)
    assert len(demo.products) == 24
    assert {product.currency for product in demo.products} == {"GBP"}
    basket = demo.price(["85123A", "71053", "71053"])
    assert basket.lines == (Line("85123A", MILLION, 2_550_000), Line("71053", 2 * MILLION, 3_390_000))
    assert (basket.total, basket.currency) == (933, "GBP")


def test_a_basket_is_summed_exactly_and_rounded_once() -> None:
    goods = catalogue(nail="0.125", half="0.005", euro="9.99")
    assert goods.price(["nail"] * 3).total == 38  # 0.375: a half goes up, once for the basket and not three times
    assert goods.price(["half"]).total == 1
    assert goods.price(["half", "nail"]).total == 13


def test_pieces_make_one_line_wherever_they_stand() -> None:
    basket = catalogue(a="1", b="10", c="100").price(["a", "b", "a", "c", "b", "a"])
    assert basket.total == 12300
    assert [(line.sku, line.quantity // MILLION) for line in basket.lines] == [("a", 3), ("b", 2), ("c", 1)]


def test_what_cannot_be_bought_is_named_by_its_place() -> None:
    goods = catalogue(a="1", euro="1", free="0")
    for items, fields in (
        (["a", "a", "nope", "a", "gone"], ["itemIds[2]", "itemIds[4]"]),
        (["a", "euro", "a"], ["itemIds[1]"]),
        (["free", "free"], ["itemIds"]),
        ([], ["itemIds"]),
    ):
        with pytest.raises(InvalidInput) as caught:
            goods.price(items)
        assert [error.field for error in caught.value.errors] == fields


def test_a_free_item_may_go_with_others() -> None:
    assert catalogue(a="1", free="0").price(["a", "free"]).total == 100


def test_a_file_is_read_as_shops_write_it(tmp_path: Path) -> None:
    path = tmp_path / "catalogue.csv"
    path.write_bytes(
        b'\xef\xbb\xbfsku,title,unit_price,currency\r\nA 1,"Tea, ""green""",1.005,GBP\r\n\r\nB,Caf\xc3\xa9,2,EUR\r\n'
    )
    assert read_catalogue(path).products == (
        Product(sku="A 1", title='Tea, "green"', unit_price=1_005_000, currency="GBP"),
        Product(sku="B", title="Café", unit_price=2_000_000, currency="EUR"),
    )


def test_what_an_article_is_to_the_program_may_stand_in_a_fifth_column(tmp_path: Path) -> None:
    path = tmp_path / "catalogue.csv"
    path.write_text("sku,title,unit_price,currency,category\nA,Cheddar,4.75,GBP,food/dairy\nB,Mug,8,GBP,\n")
    goods = read_catalogue(path)
    assert [product.category for product in goods.products] == ["food/dairy", None]
    assert [traits.category for traits in goods.price(["B", "A"]).traits] == [None, "food/dairy"]
    assert goods.price(["B"]).traits == ()
    head = "sku,title,unit_price,currency,category\n"
    assert refusal(tmp_path, head + "A,Tea,1,GBP\nB,Tea,1,GBP, food\n") == [
        "FILE: row 2, all columns: there must be 5 cells, not 4",
        "FILE: row 3, category: ' food' must be 1 to 128 printable characters without spaces around them",
    ]


def test_every_fault_is_told_with_its_row_and_column(tmp_path: Path) -> None:
    rows = "A,Tea,2.50,GBP\n,Tea,1e3,gbp\nB,Tea\nA,Tea again,2.50,GBP\nC,,-1,GBP\nD,Tea,1.0000001,GBP\n"
    assert refusal(tmp_path, HEADER + rows) == [
        "FILE: row 3, sku: '' must be 1 to 128 printable characters without spaces around them",
        "FILE: row 3, unit_price: '1e3' must be a decimal string such as \"25.00\" with at most 12 whole digits",
        "FILE: row 3, currency: 'gbp' must be the code of a currency in ISO 4217, in capitals, such as GBP or EUR",
        "FILE: row 4, all columns: there must be 4 cells, not 2",
        "FILE: row 5, sku: 'A' is there twice",
        "FILE: row 6, title: '' must be 1 to 200 printable characters without spaces around them",
        "FILE: row 6, unit_price: '-1' must not be negative",
        "FILE: row 7, unit_price: '1.0000001' must have at most 6 decimals",
    ]


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("", ["FILE: row 1: the columns must be sku,title,unit_price,currency, and may end with ,category"]),
        (
            "sku;title;unit_price;currency\nA;Tea;1;GBP\n",
            ["FILE: row 1: the columns must be sku,title,unit_price,currency, and may end with ,category"],
        ),
        (HEADER, ["FILE: row 2: there are no products"]),
        (HEADER + 'A,"Tea,1,GBP\n', ["FILE: row 2: unexpected end of data"]),
    ],
)
def test_a_file_that_is_no_catalogue_is_refused(tmp_path: Path, text: str, lines: list[str]) -> None:
    assert refusal(tmp_path, text) == lines


def test_a_hopeless_file_is_refused_in_a_page(tmp_path: Path) -> None:
    lines = refusal(tmp_path, HEADER + "A,Tea,much,GBP\n" * 1000)
    assert len(lines) == 21
    assert lines[-1] == "FILE: and 980 more"


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"catalogue\.file .*nowhere\.csv cannot be read: No such file"):
        read_catalogue(tmp_path / "nowhere.csv")
    assert "must be UTF-8" in refusal(tmp_path, HEADER.encode() + b"A,Caf\xe9,1,GBP\n")[0]
