"""Workbooks of several sheets: all that is shown is read, or one is named; never the first in silence."""

from pathlib import Path
from typing import Any

import pytest
from tests.acceptance.command_line import laurels_here as laurels
from tests.acceptance.found.workbook import write_sheets

from laurels.errors import FileRefused
from laurels.exchange import PRESETS, OptionList, open_documents, read_adjustments
from laurels.model import Order, Refund

HEAD = ["order_id", "member_id", "currency", "total"]


def ids(path: Path, **options: Any) -> list[str]:
    mapping = OptionList(**options).mapping()
    return [each.order_id or "" for each in open_documents(path, mapping, quiet=True)]


def test_a_sheet_a_year(tmp_path: Path) -> None:
    """As UCI gives away Online Retail II, for which there is a preset."""
    head = ["Invoice", "StockCode", "Description", "Quantity", "InvoiceDate", "Price", "Customer ID", "Country"]
    row = ["85048", "LIGHTS", 12, "12/1/2009 07:45", 6.95, 13085, "United Kingdom"]
    years: dict[str, list[Any]] = {
        "Year 2009-2010": [head, ["489434", *row], ["489435", *row]],
        "Year 2010-2011": [head, ["536365", *row], ["C536379", *row]],
    }
    write_sheets(tmp_path / "online_retail_II.xlsx", years)
    mapping = PRESETS["online-retail-ii"].mapping()
    documents: list[Order | Refund] = list(open_documents(tmp_path / "online_retail_II.xlsx", mapping, quiet=True))
    assert len(documents) == 4
    assert {each.member_id for each in documents} == {"13085"}


def test_sheets_of_one_heading_are_one_file(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    write_sheets(
        path,
        {
            "May": [HEAD, ["A1", "ann", "GBP", 5]],
            "Empty": [],
            "Heading alone": [HEAD],
            "June": [HEAD, [2, 17850, "GBP", "6.00"]],
        },
    )
    assert ids(path) == ["A1", "2"]
    assert [each.member_id for each in open_documents(path, quiet=True)] == ["ann", "17850"]


def test_other_columns_are_refused_and_one_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    write_sheets(path, {"Notes": [["to do"], ["call Ann"]], "Orders": [HEAD, ["A1", "ann", "GBP", "5.00"]]})
    with pytest.raises(FileRefused, match=r"other columns on its sheet Orders than on Notes.*--sheet"):
        ids(path)
    assert ids(path, sheet="Orders") == ["A1"]
    with pytest.raises(FileRefused, match="no sheet orders; the nearest present: Orders"):
        ids(path, sheet="orders")


def test_a_hidden_sheet_is_read_when_it_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    sheets = {"Old": [HEAD, ["A0", "ann", "GBP", "5.00"]], "New": [HEAD, ["A1", "ann", "GBP", "5.00"]]}
    write_sheets(path, sheets, hidden=["Old"])
    assert ids(path) == ["A1"]
    assert ids(path, sheet="Old") == ["A0"]


def test_faults_say_on_which_sheet_they_are(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    good, bad = ["A1", "ann", "GBP", "5.00"], ["A2", "ann", "GBP", "five"]
    write_sheets(path, {"May": [HEAD, good], "June": [HEAD, ["A3", "ann", "GBP", "5.00"], bad]})
    done = laurels("import", path, "--state", tmp_path / "state")
    assert (done.returncode, "row 2 of the sheet June" in done.stderr) == (1, True), done.stderr


def test_a_sheet_of_adjustments_and_of_what_has_none(tmp_path: Path) -> None:
    write_sheets(tmp_path / "a.xlsx", {"Notes": [["x"], ["y"]], "Points": [["member_id", "points"], ["ann", 5]]})
    [read] = read_adjustments(tmp_path / "a.xlsx", OptionList(sheet="Points"), quiet=True)
    assert (read.member_id, read.points) == ("ann", 5)
    (tmp_path / "a.csv").write_text("member_id,points\nann,5\n")
    with pytest.raises(FileRefused, match="a sheet has no effect on csv"):
        read_adjustments(tmp_path / "a.csv", OptionList(sheet="Points"), quiet=True)
