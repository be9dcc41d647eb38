"""Spellings of amounts, times and rows that nobody has sent yet: read as they are meant, or refused with their row."""

from pathlib import Path
from typing import Any

import polars as pl
import pytest

from laurels.errors import FileRefused
from laurels.exchange import OptionList, open_documents
from laurels.model import Order
from laurels.model.times import format_instant

HEAD = "order_id,member_id,currency,total"
EUROS = {"money_sign": "€", "decimal": ","}


def read(path: Path, **options: Any) -> list[tuple[int, str | None]]:
    """What each order of a file is worth in minor units, and when it was."""
    found = open_documents(path, OptionList(**options).mapping(), quiet=True)
    return [
        (each.total, None if each.occurred_at is None else format_instant(each.occurred_at))
        for each in found
        if isinstance(each, Order)
    ]


def refuses(path: Path, **options: Any) -> str:
    with pytest.raises(FileRefused) as refused:
        read(path, **options)
    return refused.value.message


@pytest.mark.parametrize(
    ("cell", "currency", "options", "minor"),
    [
        ("1'234.50", "CHF", {"thousands": "'"}, 123_450),
        ("1\u2019234.50", "CHF", {"thousands": "\u2019"}, 123_450),
        ("1\u00a0234,50", "EUR", {"thousands": "\u00a0", "decimal": ","}, 123_450),
        ("1\u202f234,50", "EUR", {"thousands": "\u202f", "decimal": ","}, 123_450),
        ("€ 12,50", "EUR", EUROS, 1250),
        ("12,50 €", "EUR", EUROS, 1250),
        ("12,50\u00a0€", "EUR", EUROS, 1250),
        ("12,50€", "EUR", EUROS, 1250),
        ("€ 1.234,50", "EUR", {**EUROS, "thousands": "."}, 123_450),
        ("12.50 EUR", "EUR", {"money_sign": "EUR"}, 1250),
        ("EUR 12.50", "EUR", {"money_sign": "EUR"}, 1250),
        ("Fr. 12.50", "CHF", {"money_sign": "Fr."}, 1250),
        ("25.00kr", "SEK", {"money_sign": "kr"}, 2500),
        ("1250", "JPY", {"minor_units": True}, 1250),
    ],
)
def test_amounts_as_countries_write_them(
    tmp_path: Path, cell: str, currency: str, options: dict[str, Any], minor: int
) -> None:
    (tmp_path / "a.csv").write_text(f'{HEAD}\nA1,ann,{currency},"{cell}"\n')
    assert read(tmp_path / "a.csv", **options) == [(minor, None)]
    if len(options) > 1 or "money_sign" in options:
        assert "row 1" in refuses(tmp_path / "a.csv")


@pytest.mark.parametrize(
    ("cell", "options"),
    [
        ("\uff11\uff12.\uff15\uff10", {}),
        ("\u0661\u0662.\u0665\u0660", {}),
        ("\u2212\u066b5", {}),
        ("\u00bd", {}),
        ("+12.50", {}),
        ("12.50-", {}),
        ("1e3", {}),
        ("0x1F", {}),
        ("1_000.00", {}),
        ("\u00a012.50", {}),
        ("12.50\u200b", {}),
        ("12,50", {"thousands": ","}),
        ("1,23,456.00", {"thousands": ","}),
        ("$$5", {"money_sign": "$"}),
        ("$5$", {"money_sign": "$"}),
        ("12.50 EUR", {"money_sign": "EUR"}),
        ("12.5", {"minor_units": True}),
    ],
)
def test_amounts_that_nobody_can_be_sure_of(tmp_path: Path, cell: str, options: dict[str, Any]) -> None:
    (tmp_path / "a.csv").write_text(f'{HEAD}\nA1,ann,GBP,"{cell}"\n')
    assert "row 1 (line 2), column total" in refuses(tmp_path / "a.csv", **options)


@pytest.mark.parametrize(
    ("cell", "options", "at"),
    [
        ("2025-06-02T10:00:00-00:00", {}, "2025-06-02T10:00:00Z"),
        ("2025-06-02T10:00:00+14:00", {}, "2025-06-01T20:00:00Z"),
        ("2025-06-02 10:00 PM", {"time_format": "%Y-%m-%d %I:%M %p", "time_zone": "UTC"}, "2025-06-02T22:00:00Z"),
        ("2025 23 1", {"time_format": "%G %V %u", "time_zone": "UTC"}, "2025-06-02T00:00:00Z"),
        ("45658.5", {}, None),
        ("2025-W23-1", {}, None),
        ("2025-152", {}, None),
        ("2025-06-02T24:00:00Z", {}, None),
        ("2025-06-02 10:00 EST", {"time_zone": "Europe/London"}, None),
        ("2025-06-02 10:00 EST", {"time_zone": "UTC", "time_format": "%Y-%m-%d %H:%M %Z"}, None),
        ("\uff12\uff10\uff12\uff15-06-02T10:00:00Z", {}, None),
        ("2025-06-02T10:00:00+24:00", {}, None),
        ("20250602", {"time_zone": "UTC"}, None),
    ],
)
def test_times_as_systems_write_them(tmp_path: Path, cell: str, options: dict[str, Any], at: str | None) -> None:
    (tmp_path / "a.csv").write_text(f'{HEAD},occurred_at\nA1,ann,GBP,5.00,"{cell}"\n')
    if at is None:
        assert refuses(tmp_path / "a.csv", **options)
    else:
        assert read(tmp_path / "a.csv", **options) == [(500, at)]


ROW = "A1,ann,GBP,5.00"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (f"{HEAD}\r\n{ROW}\nA2,bob,GBP,5.00\r\n", None),
        (f"{HEAD}\n{ROW}\r\n", None),
        (f"{HEAD}\n{ROW}", None),
        (HEAD.replace(",", ";") + "\nA1;ann;GBP;5.00\n", None),
        (f"{HEAD}\n{ROW}\rA2,bob,GBP,6.00\n", "not well-formed"),
        (f"{HEAD}\n{ROW}\n{HEAD}\nA2,bob,GBP,6.00\n", r"row 2 \(line 3\)"),
        (f"{HEAD},occurred_at\u00a0\n{ROW},2025-01-01T00:00:00Z\n", r"occurred_at\\xa0"),
        (f"{HEAD},\u200boccurred_at\n{ROW},2025-01-01T00:00:00Z\n", r"u200boccurred_at"),
        (f'{HEAD}\n"A\n1",ann,GBP,5.00\n', r'"A\\n1"'),
        (f"{HEAD}\n{ROW}\nTotal,,,5.00\n", r"row 2"),
        (f"{HEAD}\n{ROW}\n\x1a", r"row 2"),
        (f"\ufeff\ufeff{HEAD}\n{ROW}\n", "ufefforder_id"),
        (f"sep=;\n{HEAD.replace(',', ';')}\nA1;ann;GBP;5.00\n", "row 1"),
        (f"{HEAD}\nA\u0085 1,ann,GBP,5.00\n", "order_id"),
        (HEAD, "no rows"),
        ("", "is empty"),
    ],
)
def test_rows_as_programs_write_them(tmp_path: Path, text: str, said: str | None) -> None:
    (tmp_path / "a.csv").write_bytes(text.encode())
    if said is not None:
        with pytest.raises(FileRefused, match=said):
            read(tmp_path / "a.csv")
        return
    assert {total for total, _ in read(tmp_path / "a.csv")} == {500}


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32"])
def test_other_encodings_are_named_as_what_they_are(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "a.csv").write_bytes(f"{HEAD}\n{ROW}\n".encode(encoding))
    assert f"--encoding {encoding}," in refuses(tmp_path / "a.csv")
    assert read(tmp_path / "a.csv", encoding=encoding) == [(500, None)]


COLUMNS: list[tuple[str, pl.Series, int | None]] = [
    ("total", pl.Series(["5.10"]).cast(pl.Decimal(38, 6)), 510),
    ("total", pl.Series(["5.105"]).cast(pl.Decimal(38, 3)), None),
    ("total", pl.Series([5], dtype=pl.UInt8), 500),
    ("total", pl.Series([5.1], dtype=pl.Float32), None),
    ("total", pl.Series([True]), None),
    ("member_id", pl.Series(["ann"], dtype=pl.Categorical), 500),
    ("currency", pl.Series(["GBP"], dtype=pl.Enum(["GBP"])), 500),
    ("order_id", pl.Series([2**100], dtype=pl.Int128), 500),
    ("member_id", pl.Series([{"a": "ann"}]), None),
    ("member_id", pl.Series([["ann"]]), None),
    ("member_id", pl.Series([b"ann"]), None),
    ("member_id", pl.Series([17850.0]), None),
]


@pytest.mark.parametrize(("column", "values", "minor"), COLUMNS)
def test_columns_of_parquet(tmp_path: Path, column: str, values: pl.Series, minor: int | None) -> None:
    frame = pl.DataFrame({"order_id": ["A1"], "member_id": ["ann"], "currency": ["GBP"], "total": ["5.00"]})
    frame.with_columns(values.alias(column)).write_parquet(tmp_path / "a.parquet")
    if minor is None:
        assert column in refuses(tmp_path / "a.parquet")
    else:
        assert read(tmp_path / "a.parquet") == [(minor, None)]
