"""Files that cannot be used: each is refused with one line that names the file, the place, and what to do."""

import os
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from laurels.errors import FileRefused
from laurels.exchange import PRESETS, Constant, Mapping, describe, open_documents

NOBODY = 65534
HEADER = "order_id,member_id,currency,occurred_at,total"
GOOD = "A1,m1,GBP,2026-01-05T10:00:00Z,25.00"
LINE_HEADER = "order_id,member_id,currency,sku,quantity,unit_price"
LINES = Mapping(sku="sku", quantity="quantity", unit_price="unit_price")

Write = Callable[..., Path]

_NAME_IT = "name what it is, such as --encoding cp1252, or save it as UTF-8"


@pytest.fixture
def csv(tmp_path: Path) -> Write:
    """Writes `orders.csv` from lines (text or bytes), each ended by LF."""

    def write(*lines: str | bytes) -> Path:
        path = tmp_path / "orders.csv"
        path.write_bytes(b"".join((line if isinstance(line, bytes) else line.encode()) + b"\n" for line in lines))
        return path

    return write


def refusal(path: Path, mapping: Mapping | None = None, **options: Any) -> str:
    with pytest.raises(FileRefused) as caught:
        open_documents(path, mapping, **options)
    message = caught.value.message
    assert "\n" not in message
    assert message.startswith(f"{path}: ")
    return message.removeprefix(f"{path}: ")


class TestTheFileItself:
    def test_missing(self, tmp_path: Path) -> None:
        assert refusal(tmp_path / "none.csv") == "cannot be read: no such file or directory"

    def test_folder(self, tmp_path: Path) -> None:
        folder = tmp_path / "orders.csv"
        folder.mkdir()
        assert refusal(folder) == "is a folder; name a file in it"

    def test_pipe(self, tmp_path: Path) -> None:
        pipe = tmp_path / "orders.csv"
        os.mkfifo(pipe)
        assert refusal(pipe) == "is not a regular file; save it as one first, or give - and feed it in"

    def test_no_right_to_read(self, csv: Write) -> None:
        path = csv(HEADER, GOOD)
        path.chmod(0)
        user = os.geteuid()
        if user == 0:  # root may read everything, so be somebody else for a moment
            os.seteuid(NOBODY)
        try:
            assert refusal(path) == "cannot be read: permission denied"
        finally:
            os.seteuid(user)

    def test_a_name_no_file_can_have(self, tmp_path: Path) -> None:
        with pytest.raises(FileRefused, match="is not the name of a file"):
            open_documents(tmp_path / "a\0b.csv")

    def test_a_name_that_is_too_long(self, tmp_path: Path) -> None:
        with pytest.raises(FileRefused, match="cannot be read: file name too long"):
            open_documents(tmp_path / ("a" * 300 + ".csv"))

    @pytest.mark.parametrize("name", ["orders.csv", "orders.parquet", "orders.ndjson"])
    def test_empty(self, tmp_path: Path, name: str) -> None:
        path = tmp_path / name
        path.touch()
        assert refusal(path) == "is empty"

    def test_unknown_ending(self, tmp_path: Path) -> None:
        path = tmp_path / "orders.doc"
        path.write_bytes(b"PK")
        assert "known: .csv, .tsv, .parquet, .ndjson, .json, .xlsx, .jsonl" in refusal(path)

    def test_unknown_format(self, csv: Write) -> None:
        assert (
            refusal(csv(HEADER, GOOD), format_name="xml")
            == "the format xml is not known; known: csv, tsv, parquet, ndjson, json, xlsx"
        )


class TestCsv:
    def test_header_alone(self, csv: Write) -> None:
        assert refusal(csv(HEADER)) == "has a header and no rows"

    @pytest.mark.parametrize(("delimiter", "name"), [(";", "semicolons"), ("\t", "tabs"), ("|", "bars")])
    def test_other_delimiters(self, csv: Write, delimiter: str, name: str) -> None:
        path = csv(HEADER.replace(",", delimiter), GOOD.replace(",", delimiter))
        assert refusal(path, Mapping(delimiter=",")) == f"its columns are separated by {name}; name the delimiter"

    def test_short_row(self, csv: Write) -> None:
        path = csv(HEADER, GOOD, "A2,m1,GBP")
        assert refusal(path) == "row 2 (line 3): has 3 cells where the header has 5"

    def test_long_row(self, csv: Write) -> None:
        path = csv(HEADER, GOOD, GOOD + ",,")
        assert refusal(path) == "row 2 (line 3): has 7 cells where the header has 5"

    def test_a_long_row_does_not_make_up_for_a_short_one(self, csv: Write) -> None:
        path = csv(HEADER, "A2,m1,GBP", GOOD + ",,")
        assert refusal(path) == "row 1 (line 2): has 3 cells where the header has 5"

    def test_cut_off_in_the_last_row(self, csv: Write) -> None:
        path = csv(HEADER, GOOD, "A2,m1,GBP,2026-01-05T10:00:00Z,25.00")
        path.write_bytes(path.read_bytes()[:-30])
        assert refusal(path).startswith("row 2 (line 3): has 3 cells")

    def test_empty_line(self, csv: Write) -> None:
        assert refusal(csv(HEADER, GOOD, "", GOOD)) == "row 2 (line 3): is empty; remove this line"

    def test_empty_first_line(self, csv: Write) -> None:
        assert refusal(csv("", HEADER, GOOD)) == (
            "line 1 is empty; the first line must name the columns; line 2 seems to name the columns: remove what "
            "stands above it"
        )

    def test_latin1(self, csv: Write) -> None:
        path = csv(LINE_HEADER, "A1,m1,GBP,tea,1,2.00", "A1,m1,GBP,caf\xe9,1,2.00".encode("latin-1"))
        assert refusal(path, LINES) == f"row 2 (line 3), column sku: is not UTF-8; {_NAME_IT}"

    def test_latin1_in_a_column_that_is_not_used(self, csv: Write) -> None:
        path = csv(HEADER + ",note", GOOD + ",ok", (GOOD + ",caf\xe9").encode("latin-1"))
        assert refusal(path, Mapping(total="total")) == f"row 2 (line 3), column note: is not UTF-8; {_NAME_IT}"

    def test_utf8_cut_off(self, csv: Write) -> None:
        path = csv(HEADER + ",note", GOOD + ",café")
        path.write_bytes(path.read_bytes()[:-2])
        assert refusal(path, Mapping(total="total")).startswith("row 1 (line 2), column note: is not UTF-8")

    def test_utf16(self, csv: Write) -> None:
        path = csv()
        path.write_bytes(f"{HEADER}\n{GOOD}\n".encode("utf-16"))
        assert refusal(path) == "is UTF-16; name that with --encoding utf-16, or save it as UTF-8"

    @pytest.mark.parametrize("name", ["nonsense", "hex", "rot13", "undefined", "utf\0", "u" * 5000, "a b", "base64"])
    def test_what_is_no_encoding(self, csv: Write, name: str) -> None:
        assert "is not known; known are utf-8" in refusal(csv(HEADER, GOOD), Mapping(encoding=name))

    @pytest.mark.parametrize("name", ["ascii", "utf-16", "utf-32", "idna", "iso2022_jp", "punycode"])
    def test_another_encoding_than_it_is_said_to_have(self, csv: Write, name: str) -> None:
        refusal(csv(HEADER, GOOD.replace("m1", "zo\u00eb")), Mapping(encoding=name))

    def test_nul(self, csv: Write) -> None:
        path = csv(HEADER, GOOD, "A2,m\0,GBP,2026-01-05T10:00:00Z,25.00")
        assert refusal(path) == "row 2 (line 3), column member_id: has a NUL byte in it; remove it"

    def test_old_mac_line_ends(self, csv: Write) -> None:
        path = csv()
        path.write_bytes(f"{HEADER}\r{GOOD}\r".encode())
        assert refusal(path) == "its lines end in CR alone; save it with LF or CRLF line ends"

    def test_quote_in_an_unquoted_cell(self, csv: Write) -> None:
        path = csv(LINE_HEADER, "A1,m1,GBP,tea,1,2.00", 'A1,m1,GBP,5" nail,1,2.00', "A1,m1,GBP,tea,1,2.00")
        assert refusal(path, LINES).startswith("row 2 (line 3): has a quotation mark in a cell that is not quoted")

    @pytest.mark.parametrize("cell", ['"tea', '"tea"x'])
    def test_quoted_cell_that_does_not_end_well(self, csv: Write, cell: str) -> None:
        path = csv(LINE_HEADER, "A1,m1,GBP,tea,1,2.00", f"A1,m1,GBP,{cell},1,2.00")
        assert refusal(path, LINES).startswith("row 2: is not well-formed CSV")

    def test_gigantic_cell(self, csv: Write) -> None:
        path = csv(HEADER, GOOD, GOOD.replace("m1", "m" * 3_000_000))
        message = refusal(path)
        assert message.startswith('row 2, column member_id: "mmm')
        assert len(message) < 300

    def test_gigantic_header(self, csv: Write) -> None:
        assert "first line too long" in refusal(csv("x" * 3_000_000))

    def test_too_many_columns(self, csv: Write) -> None:
        assert refusal(csv("x," * 20_000, "")) == "has 20001 columns; at most 10000 can be read"

    def test_the_line_differs_from_the_row_after_a_cell_of_several_lines(self, csv: Write) -> None:
        path = csv(HEADER + ",note", GOOD + ',"one\ntwo"', GOOD.replace("25.00", "x") + ",")
        assert refusal(path, Mapping(total="total")).startswith('row 2 (line 4), column total: "x" must be')


class TestColumns:
    def test_missing_column_names_the_nearest(self, csv: Write) -> None:
        path = csv(HEADER.replace("member_id", "memberid"), GOOD)
        message = refusal(path, Mapping(total="total"))
        assert message == "has no column member_id (member_id); the nearest present: memberid, order_id"

    def test_missing_column_of_a_preset_names_its_role(self, csv: Write) -> None:
        message = refusal(csv(HEADER, GOOD), PRESETS["online-retail"].mapping())
        assert message.startswith("has no column InvoiceNo (order_id); ")
        assert message.endswith("present: order_id, member_id, currency, occurred_at, total")

    def test_unknown_column_where_names_are_the_wires(self, csv: Write) -> None:
        message = refusal(csv(HEADER.replace("occurred", "occured"), GOOD))
        assert message == (
            "has a column occured_at that is not known; the nearest known: occurred_at, source; say what it is with "
            "--map FIELD='occured_at', or leave a column out with --ignore COLUMN"
        )

    def test_no_amount_at_all(self, csv: Write) -> None:
        message = refusal(csv("order_id,member_id,currency", "A1,m1,GBP"))
        assert message.startswith(
            "has no column for total; give total (a row is an order), or quantity and unit_price, or line_total"
        )

    def test_lines_without_a_price(self, csv: Write) -> None:
        message = refusal(csv("order_id,member_id,currency,sku,quantity", "A1,m1,GBP,tea,1"))
        assert message.startswith("has no column for unit_price; ")

    def test_total_and_lines(self, csv: Write) -> None:
        message = refusal(csv(LINE_HEADER + ",total", "A1,m1,GBP,tea,1,2.00,2.00"))
        assert message.startswith("has total and sku, quantity, unit_price; ")

    def test_a_column_twice(self, csv: Write) -> None:
        path = csv(HEADER + ",total", GOOD + ",1.00")
        assert refusal(path, Mapping(total="total")) == "has the column total more than once; rename one"

    def test_mapping_with_two_ways_to_tell_refunds(self, csv: Write) -> None:
        mapping = Mapping(total="total", refund_id="order_id", refund_prefix="C")
        assert "name one of them" in refusal(csv(HEADER, GOOD), mapping)

    @pytest.mark.parametrize(
        ("mapping", "words"),
        [
            (
                Mapping(total="total", currency=Constant("XXX")),
                "mapping, currency: must be the code of a currency in ISO 4217",
            ),
            (Mapping(total="total", channel=Constant("fax")), "mapping, channel: must be one of web, mobile, store"),
            (Mapping(total="total", source=Constant("a b")), "mapping, source: must be 1 to 64"),
            (Mapping(total="total", time_zone="Europe/Lodnon"), "mapping, time_zone: Europe/Lodnon is not known"),
            (Mapping(total="total", time_zone="../etc/passwd"), "mapping, time_zone: ../etc/passwd is not known"),
        ],
    )
    def test_mapping_with_a_bad_value(self, csv: Write, mapping: Mapping, words: str) -> None:
        assert refusal(csv(HEADER, GOOD), mapping).startswith(words)


class TestCells:
    @pytest.mark.parametrize(
        ("column", "cell", "words"),
        [
            ("order_id", "A1\u200b", "must be 1 to 128 printable"),
            ("order_id", " A1", "must be 1 to 128 printable"),
            ("order_id", "A\x07", "must be 1 to 128 printable"),
            ("order_id", "..", "must be 1 to 128 printable"),
            ("order_id", "日" * 86, "at most 255 bytes"),
            ("order_id", "a" * 129, "must be 1 to 128 printable"),
            ("order_id", "", "is empty"),
            ("member_id", "", "is empty"),
            ("member_id", "5 ", "must be 1 to 128 printable"),
            ("currency", "", "is empty"),
            ("currency", "XYZ", "must be the code of a currency in ISO 4217"),
            ("currency", "gb", "must be the code of a currency in ISO 4217"),
            ("currency", "xyz", "must be the code of a currency in ISO 4217"),
            ("member_id", "4.00012E+15", "looks like an id that a spreadsheet or a program spoiled"),
            ("member_id", "17850.0", "looks like an id that a spreadsheet or a program spoiled"),
            ("order_id", "NULL", "looks like an id that a spreadsheet or a program spoiled"),
            ("order_id", "#N/A", "looks like an id that a spreadsheet or a program spoiled"),
            ("total", "", "is empty"),
            ("total", "1e400", "must be a decimal string"),
            ("total", "NaN", "must be a decimal string"),
            ("total", "inf", "must be a decimal string"),
            ("total", "1,50", "must be a decimal string"),
            ("total", "£5", "must be a decimal string"),
            ("total", "+5", "must be a decimal string"),
            ("total", "05", "must be a decimal string"),
            ("total", "٣", "must be a decimal string"),
            ("total", "9" * 13, "must be a decimal string"),
            ("total", "25.001", "must have at most 2 decimals"),
            ("total", "-0.01", "must not be negative"),
            ("total", "-0", "must not be negative"),
            ("occurred_at", "2011-02-30T10:00:00Z", "is a day that is not in the calendar"),
            ("occurred_at", "2011-13-01T10:00:00Z", "is a day that is not in the calendar"),
            ("occurred_at", "2011-02-03T24:00:00Z", "must be a time such as"),
            ("occurred_at", "2011-02-03T10:00:00+25:00", "must be a time such as"),
            ("occurred_at", "2011-02-03T10:00:00", "has no offset; name its time zone"),
            ("occurred_at", "2011-02-03T10:00:00+01:60", "must be a time"),
            ("occurred_at", "03/02/2011", "must be a time such as"),
            ("occurred_at", "1999-12-31T23:59:59Z", "must lie between 2000-01-01 and"),
            ("occurred_at", "2100-01-01T00:00:00Z", "must lie between 2000-01-01 and"),
        ],
    )
    def test_of_orders(self, csv: Write, column: str, cell: str, words: str) -> None:
        cells = dict(zip(HEADER.split(","), GOOD.split(","), strict=True)) | {column: cell}
        bad = ",".join(f'"{cell}"' if "," in cell else cell for cell in cells.values())
        message = refusal(csv(HEADER, GOOD, bad, bad))
        assert message.startswith(f"row 2 (line 3), column {column}: ")
        assert words in message

    @pytest.mark.parametrize(
        ("column", "cell", "words"),
        [
            ("quantity", "", "is empty"),
            ("quantity", "-1", "must not be negative"),
            ("quantity", "0.0000001", "must have at most 6 decimals"),
            ("quantity", "1e3", "must be a decimal string"),
            ("unit_price", "1.0000001", "must have at most 6 decimals"),
            ("unit_price", "free", "must be a decimal string"),
        ],
    )
    def test_of_lines(self, csv: Write, column: str, cell: str, words: str) -> None:
        good = "A1,m1,GBP,tea,1,2.00"
        cells = dict(zip(LINE_HEADER.split(","), good.split(","), strict=True)) | {column: cell}
        message = refusal(csv(LINE_HEADER, good, ",".join(cells.values())), LINES)
        assert message.startswith(f"row 2 (line 3), column {column}: ")
        assert words in message

    @pytest.mark.parametrize(
        ("column", "cell", "words"),
        [
            ("channel", "fax", "must be one of web, mobile, store"),
            ("source", "till 1", "must be 1 to 64 of A-Z"),
            ("source", "member:7", "must not be one of Laurels' own"),
            ("refund_id", " R1", "must be 1 to 128 printable"),
        ],
    )
    def test_of_columns_that_may_be_empty(self, csv: Write, column: str, cell: str, words: str) -> None:
        assert words in refusal(csv(f"{HEADER},{column}", f"{GOOD},", f"{GOOD.replace('A1', 'A2')},{cell}"))

    @pytest.mark.parametrize("cell", ["2011-02-30 10:00", "2011-02-30"])
    def test_of_clock_times(self, csv: Write, cell: str) -> None:
        path = csv(HEADER, GOOD.replace("2026-01-05T10:00:00Z", cell))
        mapping = Mapping(total="total", occurred_at="occurred_at", time_zone="Europe/London")
        assert refusal(path, mapping).endswith(f'"{cell}" is a day that is not in the calendar')

    @pytest.mark.parametrize("cell", ["05.01.2026 10:00", "2026-01-05 24:00", "2026-01-05 10:00 CET"])
    def test_of_clock_times_of_another_form(self, csv: Write, cell: str) -> None:
        path = csv(HEADER, GOOD.replace("2026-01-05T10:00:00Z", cell))
        mapping = Mapping(total="total", occurred_at="occurred_at", time_zone="Europe/London")
        assert refusal(path, mapping).endswith("2026-11-01T10:00:00Z or 2026-11-01 10:00; or name its format")

    def test_clock_time_out_of_range(self, csv: Write) -> None:
        path = csv(HEADER, GOOD.replace("2026-01-05T10:00:00Z", "1999-12-31 10:00"))
        mapping = Mapping(total="total", occurred_at="occurred_at", time_zone="Europe/London")
        assert refusal(path, mapping).endswith("must lie between 2000-01-01 and 5 minutes from now")

    def test_decimals_follow_the_currency_of_the_row(self, csv: Write) -> None:
        path = csv(HEADER, GOOD, "A2,m1,JPY,2026-01-05T10:00:00Z,25.50")
        assert refusal(path) == 'row 2 (line 3), column total: "25.50" must have at most 0 decimals'

    def test_the_first_bad_row_counts_and_in_it_the_first_role(self, csv: Write) -> None:
        path = csv(HEADER, "A1,m1,GBP,2026-01-05T10:00:00Z,x", " A2, m1,GBP,2026-01-05T10:00:00Z,x")
        assert refusal(path).startswith("row 1 (line 2), column total")
        path = csv(HEADER, " A2, m1,GBP,2026-01-05T10:00:00Z,x")
        assert refusal(path).startswith("row 1 (line 2), column order_id")


class TestDocuments:
    def test_an_order_twice(self, csv: Write) -> None:
        message = refusal(csv(HEADER, GOOD, GOOD))
        assert message == 'row 2 (line 3), column order_id: "A1" stands in row 1 already; a row is a whole order'

    @pytest.mark.parametrize(
        ("column", "line"), [("member_id", "A1,m2,GBP,tea,1,2.00"), ("currency", "A1,m1,EUR,tea,1,2.00")]
    )
    def test_an_order_of_two_members_or_currencies(self, csv: Write, column: str, line: str) -> None:
        message = refusal(csv(LINE_HEADER, "A1,m1,GBP,tea,1,2.00", "A2,m1,GBP,tea,1,2.00", line), LINES)
        assert message.startswith(f"row 3 (line 4), column {column}: ")
        assert message.endswith("is another one than in row 1, where A1 begins")

    def test_lines_that_add_up_to_less_than_nothing(self, csv: Write) -> None:
        path = csv(LINE_HEADER, "A1,m1,GBP,tea,1,2.00", "A1,m1,GBP,voucher,1,-5.00")
        assert refusal(path, LINES) == (
            "row 1 (line 2): the lines of A1 add up to -3.00, and must not be less than zero"
        )

    def test_lines_that_add_up_to_more_than_can_be_held(self, csv: Write) -> None:
        most = "9" * 12 + ".999999"
        path = csv(LINE_HEADER, *[f"A1,m1,GBP,tea,{most},{most}"] * 400)
        assert "add up to more than 12 whole digits of GBP" in refusal(path, LINES)


class TestParquet:
    def frame(self, **changed: Any) -> pl.DataFrame:
        columns = {
            "order_id": ["A1", "A2"],
            "member_id": ["m1", "m2"],
            "currency": ["GBP", "GBP"],
            "total": ["1.00", "2.00"],
        }
        return pl.DataFrame(columns | changed)

    def test_not_a_parquet(self, tmp_path: Path) -> None:
        path = tmp_path / "orders.parquet"
        path.write_text(f"{HEADER}\n{GOOD}\n")
        assert refusal(path) == "is not a Parquet file"

    @pytest.mark.parametrize("kept", [4, 8, 100, -1, -8])
    def test_cut_short(self, tmp_path: Path, kept: int) -> None:
        path = tmp_path / "orders.parquet"
        self.frame().write_parquet(path)
        path.write_bytes(path.read_bytes()[:kept])
        assert "Parquet file" in refusal(path)

    def test_cut_out_in_the_middle(self, tmp_path: Path) -> None:
        path = tmp_path / "orders.parquet"
        self.frame().write_parquet(path)
        content = path.read_bytes()
        path.write_bytes(content[:40] + content[-40:])
        assert refusal(path).startswith("is a broken Parquet file")

    def test_broken_pages(self, tmp_path: Path) -> None:
        path = tmp_path / "orders.parquet"
        self.frame().write_parquet(path)
        content = path.read_bytes()
        path.write_bytes(content[:4] + bytes(60) + content[64:])
        assert refusal(path).startswith("is a broken Parquet file")

    def test_no_rows(self, tmp_path: Path) -> None:
        path = tmp_path / "orders.parquet"
        self.frame().clear().write_parquet(path)
        assert refusal(path) == "has no rows"

    @pytest.mark.parametrize(
        ("column", "values", "words"),
        [
            ("total", [True, False], "holds Boolean"),
            ("member_id", [1.0, 2.0], "holds Float64; it must be text or whole numbers"),
            ("member_id", [b"1", b"2"], "holds Binary"),
            ("order_id", [["A1"], ["A2"]], "holds List(String)"),
        ],
    )
    def test_columns_of_a_wrong_type(self, tmp_path: Path, column: str, values: list[Any], words: str) -> None:
        path = tmp_path / "orders.parquet"
        self.frame(**{column: values}).write_parquet(path)
        message = refusal(path)
        assert message.startswith(f"column {column}: ")
        assert words in message

    def test_times_that_are_numbers(self, tmp_path: Path) -> None:
        path = tmp_path / "orders.parquet"
        self.frame(occurred_at=[1, 2]).write_parquet(path)
        assert refusal(path) == (
            "column occurred_at: holds Int64; "
            "times must be a datetime, a date or text, or numbers with a time format of epoch"
        )

    def test_clock_times_without_a_time_zone(self, tmp_path: Path) -> None:
        path = tmp_path / "orders.parquet"
        self.frame(occurred_at=[datetime(2026, 1, 5, 10), datetime(2026, 1, 6, 10)]).write_parquet(path)  # noqa: DTZ001
        why = 'row 1, column occurred_at: "2026-01-05 10:00:00" has no offset; name its time zone (and 1 more fault)'
        assert refusal(path) == why

    def test_bad_cell_has_a_row_and_no_line(self, tmp_path: Path) -> None:
        path = tmp_path / "orders.parquet"
        self.frame(total=["1.00", None]).write_parquet(path)
        assert refusal(path) == "row 2, column total: is empty"


class TestDescribe:
    def test_names_format_and_columns(self, csv: Write) -> None:
        assert describe(csv("a,b", "1,2")) == "csv with the columns a, b"

    def test_refuses_as_opening_does(self, tmp_path: Path) -> None:
        with pytest.raises(FileRefused, match="no such file"):
            describe(tmp_path / "none.csv")

    def test_control_characters_in_a_name_are_shown_escaped(self, csv: Write) -> None:
        assert describe(csv('"a\x1b\nb",c', "1,2")) == r"csv with the columns a\x1b\nb, c"
