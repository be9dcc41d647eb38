"""A correction of points means the same by every way in, or is refused by every one."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from tests.acceptance.command_line import laurels_here as laurels
from tests.acceptance.found.workbook import write_workbook
from tests.console.console_shop import open_console_shop
from tests.integration.http_shop import Shop, open_shop

from laurels.errors import FileRefused
from laurels.exchange import OptionList, read_adjustments

pytestmark = pytest.mark.anyio

GIVEN = {"adjustment_id": "J1", "member_id": "ann", "loyalty-points": 5, "reason": "x", "note": "y"}
MOST = 2_147_483_647
TEXTS = ["", "Zoë's parcel, 3 days late", "x" * 140, "x" * 141, "x" * 501, "two\nlines", "a\ttab", "a\0b",
         "a\x1b[31mred", "a\x7fb", "4111 1111 1111 1111"]  # fmt: skip
CHANGES: list[dict[str, Any]] = [
    *({"loyalty-points": points} for points in (0, -0, 5, -5, MOST, -MOST, MOST + 1, -MOST - 1, "5 ", None, [5])),
    *({field: text} for field in ("reason", "note") for text in TEXTS),
    *({field: value} for field in ("board", "quiet") for value in (True, False, "maybe", ["x"])),
    {"member_id": ""},
    {"member_id": "a\nb"},
    {"adjustment_id": "z" * 129},
    {"source": "till-7"},
    {"source": "member:1"},
    {"occurred_at": "2025-10-25T10:00:00Z"},
    {"occurred_at": "1999-12-31T23:59:59Z"},
    {"occurred_at": "2025-02-29T00:00:00Z"},
    {"reasn": "x"},
]


@pytest.fixture(scope="module")
async def shop(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Shop]:
    async with open_shop(tmp_path_factory.mktemp("state")) as shop:
        yield shop


@pytest.mark.parametrize("number", range(len(CHANGES)))
async def test_a_file_takes_what_http_takes(shop: Shop, tmp_path: Path, number: int) -> None:
    sent = GIVEN | {"adjustment_id": f"J{number}", "member_id": f"m{number}"} | CHANGES[number]
    [result] = (await shop.ask("POST", "/adjustments", json=[sent])).json()
    (tmp_path / "a.ndjson").write_text(json.dumps(sent))
    if result["http"] == 422:
        with pytest.raises(FileRefused):
            read_adjustments(tmp_path / "a.ndjson", OptionList(), quiet=False)
        return
    assert result["http"] == 201
    [read] = read_adjustments(tmp_path / "a.ndjson", OptionList(), quiet=False)
    assert (read.points, read.reason, read.note) == (sent["loyalty-points"], sent["reason"], sent["note"])
    assert (read.board, read.quiet) == (sent.get("board", True), sent.get("quiet", False))


async def corrected_by_nothing(state: Path) -> None:
    async with open_console_shop(state) as house:
        done = await house.shop.ask("POST", "/loyalty/ann", json={"loyalty-points": 0, "reason": "looked into"})
        assert done.status_code == 201
        visitor = await house.signed_in("lead")
        await visitor.open("/customers/0/correct")
        page = await visitor.send("/customers/0/correct", {"points": "0", "reason": "looked into again"})
        assert page.status_code == 200
        assert (await visitor.send("/customers/0/correct", {"step": "do"})).status_code == 303


def test_points_of_nothing_are_an_entry_with_its_reason(tmp_path: Path) -> None:
    state = tmp_path / "state"
    asyncio.run(corrected_by_nothing(state))
    given = laurels("adjust", "ann", "0", "--reason", "once more", "--state", state)
    assert (given.returncode, "+0 as" in given.stdout) == (0, True), given.stderr
    (tmp_path / "a.csv").write_text("member_id,points,reason\nann,0,and from a file\nnew,0,enrolled with nothing\n")
    given = laurels("import", tmp_path / "a.csv", "--kind", "adjustments", "--state", state)
    assert (given.returncode, "2 awarded" in given.stdout) == (0, True), given.stderr
    laurels("export", "entries", "--kind", "adjust", "--to", tmp_path / "entries.csv", "--state", state)
    assert pl.read_csv(tmp_path / "entries.csv")["points"].to_list() == [0] * 5
    assert laurels("verify", "--state", state).returncode == 0


def test_columns_of_any_kind_are_read_or_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"

    def read(**columns: Any) -> list[int]:
        pl.DataFrame({"member_id": ["ann"], "points": [5], **columns}).write_parquet(path)
        options = OptionList(time_zone="Europe/London") if "occurred_at" in columns else OptionList()
        return [each.points for each in read_adjustments(path, options, quiet=True)]

    good: list[dict[str, Any]] = [
        {"points": [5.0]},
        {"points": ["5.00"]},
        {"member_id": pl.Series(["ann"], dtype=pl.Categorical)},
        {"board": [False]},
        {"occurred_at": [date(2025, 1, 1)]},
    ]
    bad: list[dict[str, Any]] = [
        {"points": [5.5]},
        {"member_id": [17850.0]},
        {"member_id": [["ann"]]},
        {"member_id": [b"ann"]},
        {"reason": [{"a": 1}]},
    ]
    for columns in good:
        assert read(**columns) == [5]
    for columns in bad:
        with pytest.raises(FileRefused):
            read(**columns)


@pytest.mark.parametrize("heading", [["points", "points"], ["member_id", "points"]])
def test_a_heading_twice_in_a_workbook_is_refused(tmp_path: Path, heading: list[str]) -> None:
    write_workbook(tmp_path / "a.xlsx", [["member_id", *heading, "x", "x"], ["ann", 5, 6, 7, 8]])
    with pytest.raises(FileRefused, match="more than once"):
        read_adjustments(tmp_path / "a.xlsx", OptionList(map={"member_id": "member_id"}), quiet=True)
