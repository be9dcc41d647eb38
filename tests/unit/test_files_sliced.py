"""A file means the same however many of its rows are read at once: orders, faults, what is left out, where each is."""

from pathlib import Path
from random import Random
from typing import Any

import polars as pl
import pytest

from laurels.errors import FileRefused
from laurels.exchange import FaultyFile, Mapping, OptionList, csv_table, ndjson_table, open_documents, table
from laurels.exchange.inputs import open_input

ROWS = 60
OTHERS = ("parquet", "ndjson")
WHOLE = ["order_id", "member_id", "currency", "total", "occurred_at", "refund_id", "status"]
LINES = ["order_id", "member_id", "currency", "quantity", "unit_price", "occurred_at", "status"]


def cells(rng: Random, columns: list[str], faulty: float) -> dict[str, list[str | None]]:
    """Rows whose orders lie apart; some cells are at fault."""
    made: dict[str, list[str | None]] = {column: [] for column in columns}
    for row in range(ROWS):
        order = rng.randrange(ROWS // 4) if "quantity" in columns else row - (rng.random() < faulty)
        good = {
            "order_id": f"A{order}",
            "member_id": f"m{order % 7}" if rng.random() > faulty / 4 else "other",
            "currency": "GBP",
            "total": f"{rng.randrange(10_000) / 100:.2f}",
            "quantity": str(rng.randrange(1, 5)),
            "unit_price": f"{rng.randrange(-100 if faulty else 1, 900) / 100:.2f}",
            "occurred_at": f"2025-01-{row % 28 + 1:02}T10:00:00Z" if row % 3 else "2025-01-02 9:05Z",
            "refund_id": f"R{row}" if rng.random() < 0.2 else None,
            "status": rng.choice(["paid", "Paid", "void"]),
        }
        for column in columns:
            is_good = rng.random() > faulty / len(columns)
            made[column].append(good[column] if is_good else rng.choice(["", "x\ty", "1e5"]))
    return made


def told(path: Path, mapping: Mapping | None, *, skip_invalid: bool) -> Any:
    try:
        file = open_documents(path, mapping, skip_invalid=skip_invalid)
    except FaultyFile as faulty:
        return faulty.lines, faulty.kinds
    return list(file), file.total, file.skipped, file.warnings, file.faults, file.took


@pytest.mark.parametrize(
    "suffix", ["csv", *(pytest.param(each, marks=pytest.mark.long) for each in ("parquet", "ndjson"))]
)
@pytest.mark.parametrize("columns", [WHOLE, LINES], ids=["whole", "lines"])
@pytest.mark.parametrize("faulty", [0, 0.1])
def test_slices(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str, columns: list[str], faulty: float
) -> None:
    rng, path = Random(f"{suffix} {len(columns)} {faulty}"), tmp_path / f"orders.{suffix}"
    frame = pl.DataFrame(cells(rng, columns, faulty), schema=dict.fromkeys(columns, pl.String))
    if suffix == "csv":
        frame.write_csv(path)
    elif suffix == "ndjson":
        frame.write_ndjson(path)
    else:
        frame.write_parquet(path, row_group_size=13)
    mapping = OptionList(map={"status": "status"}, keep=("paid",)).mapping()
    for skip_invalid in (False, True):
        answers = []
        for rows in (5, 1000):
            monkeypatch.setattr(table, "SLICE_ROWS", rows)
            monkeypatch.setattr(ndjson_table, "_ROWS_AT_ONCE", rows)
            answers.append(told(path, mapping, skip_invalid=skip_invalid))
        assert all(answer == answers[-1] for answer in answers)
        assert len(answers[-1]) == (6 if skip_invalid or not faulty else 2), "some are whole, some have faults"


def test_slices_are_as_small_as_they_are_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Or the test above would try nothing."""
    monkeypatch.setattr(table, "SLICE_ROWS", 7)
    pl.DataFrame({"a": [str(n) for n in range(ROWS)]}).write_csv(tmp_path / "a.csv")
    sizes = [each.height for each in table.lazy_slices("a.csv", ROWS, pl.scan_csv(tmp_path / "a.csv"), {"b": "a"})]
    assert sum(sizes) == ROWS
    assert max(sizes) <= 7


@pytest.mark.parametrize("rows", [0, 1, ROWS - 1, ROWS + 1])
def test_a_file_that_is_not_read_to_its_end_is_none(tmp_path: Path, rows: int) -> None:
    """Where slices just end, as polars' do at a Ctrl-C that is to be ignored, the rest would be missing in silence."""
    path = tmp_path / "orders.csv"

    def write(count: int) -> None:
        path.write_text("order_id,total\n" + "".join(f"A{row},1.00\n" for row in range(count)))

    write(ROWS)
    opened = csv_table.open_csv(open_input(path))
    write(rows)
    with pytest.raises(FileRefused, match=f"has {ROWS} rows, of which {rows} were read"):
        list(opened.slices({"id": "order_id"}))
