"""Exports: the exact bytes of a CSV, the types of a Parquet, and nothing half-written."""

import resource
from collections.abc import AsyncIterator, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

import polars as pl
import pytest

from laurels.errors import BoardNotReady, FileRefused
from laurels.exchange import write_entries, write_standings
from laurels.leaderboard import BoardRow
from laurels.model import Entry, EntryKind
from laurels.model.times import format_instant, parse_instant

pytestmark = pytest.mark.anyio

T = TypeVar("T")
STANDINGS: list[BoardRow] = [("14646", 27946, 1, 1), ("ann@example.com", 5, 2, 2), ("b", 5, 2, 3)]


async def chunks(*given: Sequence[T], then: Exception | None = None) -> AsyncIterator[Sequence[T]]:
    for chunk in given:
        yield chunk
    if then is not None:
        raise then


def names_in(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


def entry(position: int, **changed: object) -> Entry:
    fields: dict[str, object] = {
        "shard": 0,
        "position": position,
        "kind": EntryKind.EARN,
        "member": 0,
        "member_id": "m1",
        "occurred_at": parse_instant("2026-01-05T10:00:00Z", ""),
        "board_at": 0,
        "recorded_at": parse_instant("2026-01-05T10:00:00.25Z", ""),
    }
    return Entry(**fields | changed)  # type: ignore[arg-type]


ENTRIES = [
    entry(
        1,
        source="shop",
        order_id="A1",
        points=3,
        program_version=1,
        reason="25.00 GBP / 10.00 = 2.5 -> 3 (half-up, version 1)",
    ),
    entry(2, kind=EntryKind.ADJUST, points=-5, reason='said "no", twice\nthen wrote', refund_id="R1", member_id=None),
    entry(3, kind=EntryKind.ENROL),
]


async def test_standings_as_csv(tmp_path: Path) -> None:
    path = tmp_path / "standings.csv"
    assert await write_standings(path, chunks(STANDINGS[:1], [], STANDINGS[1:])) == 3
    assert path.read_bytes() == (b"member_id,points,rank,position\n14646,27946,1,1\nann@example.com,5,2,2\nb,5,2,3\n")
    assert names_in(tmp_path) == ["standings.csv"]


async def test_standings_as_parquet(tmp_path: Path) -> None:
    path = tmp_path / "standings.PARQUET"
    await write_standings(path, chunks(STANDINGS))
    frame = pl.read_parquet(path)
    assert frame.rows() == STANDINGS
    assert frame.schema == {"member_id": pl.String, "points": pl.Int64, "rank": pl.Int64, "position": pl.Int64}
    assert names_in(tmp_path) == ["standings.PARQUET"]


async def test_entries_as_csv(tmp_path: Path) -> None:
    path = tmp_path / "entries.csv"
    assert await write_entries(path, chunks(ENTRIES)) == 3
    assert path.read_text() == (
        "shard,position,kind,member_id,source,order_id,refund_id,points,reason,program_version,occurred_at,recorded_at\n"
        '0,1,earn,m1,shop,A1,,3,"25.00 GBP / 10.00 = 2.5 -> 3 (half-up, version 1)",1,'
        "2026-01-05T10:00:00Z,2026-01-05T10:00:00.25Z\n"
        '0,2,adjust,,,,R1,-5,"said ""no"", twice\nthen wrote",,2026-01-05T10:00:00Z,2026-01-05T10:00:00.25Z\n'
        "0,3,enrol,m1,,,,0,,,2026-01-05T10:00:00Z,2026-01-05T10:00:00.25Z\n"
    )


async def test_entries_as_parquet(tmp_path: Path) -> None:
    path = tmp_path / "entries.parquet"
    await write_entries(path, chunks(ENTRIES))
    frame = pl.read_parquet(path)
    assert frame["occurred_at"].to_list() == [datetime(2026, 1, 5, 10, tzinfo=UTC)] * 3
    assert frame["reason"].to_list() == [ENTRIES[0].reason, ENTRIES[1].reason, None]
    assert frame["member_id"].to_list() == ["m1", None, "m1"]


@pytest.mark.parametrize("at", [0, 1, 10, 100_000, 1_500_000, 1_795_335_246_192_900, 4_102_444_800_000_000])
async def test_instants_are_written_as_everywhere_else(tmp_path: Path, at: int) -> None:
    path = tmp_path / "entries.csv"
    await write_entries(path, chunks([entry(1, occurred_at=at)]))
    assert pl.read_csv(path, infer_schema=False)["occurred_at"].to_list() == [format_instant(at)]


@pytest.mark.parametrize("ending", ["csv", "parquet"])
async def test_many_rows_keep_their_order(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"standings.{ending}"
    rows: list[BoardRow] = [(f"m{number}", number, number, number) for number in range(120_001)]
    assert await write_standings(path, chunks(*(rows[at : at + 1000] for at in range(0, len(rows), 1000)))) == len(rows)
    frame = pl.read_csv(path) if ending == "csv" else pl.read_parquet(path)
    assert frame.rows() == rows


async def test_an_empty_board_is_a_header(tmp_path: Path) -> None:
    await write_standings(tmp_path / "none.csv", chunks(list[BoardRow]()))
    assert (tmp_path / "none.csv").read_bytes() == b"member_id,points,rank,position\n"
    await write_standings(tmp_path / "none.parquet", chunks(list[BoardRow]()))
    assert pl.read_parquet(tmp_path / "none.parquet").shape == (0, 4)


@pytest.mark.parametrize("ending", ["csv", "parquet"])
@pytest.mark.parametrize("rows", [10, 120_000])
async def test_an_export_that_breaks_off_leaves_what_was_there(tmp_path: Path, ending: str, rows: int) -> None:
    path = tmp_path / f"standings.{ending}"
    path.write_bytes(b"what was there")
    many: list[BoardRow] = [("m", 1, 1, 1)] * rows
    with pytest.raises(BoardNotReady):
        await write_standings(path, chunks(many, then=BoardNotReady()))
    assert path.read_bytes() == b"what was there"
    assert names_in(tmp_path) == [path.name]


async def test_a_failing_source_is_not_taken_for_a_failing_disk(tmp_path: Path) -> None:
    with pytest.raises(ConnectionResetError):
        await write_standings(tmp_path / "standings.csv", chunks(STANDINGS, then=ConnectionResetError()))


async def test_a_link_is_followed_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    link = tmp_path / "standings.csv"
    link.symlink_to(tmp_path / "folder" / "real.csv")
    await write_standings(link, chunks(STANDINGS))
    assert link.is_symlink()
    assert (tmp_path / "folder" / "real.csv").exists()


async def test_where_nothing_can_be_written(tmp_path: Path) -> None:
    (tmp_path / "folder.csv").mkdir()
    for name, words in {
        "standings.txt": "an export's ending is .csv, .ndjson, .parquet",
        "none/standings.csv": "cannot be written: no such file or directory",
        "folder.csv": "is not a regular file",
        "x" * 300 + ".csv": "cannot be written: file name too long",
    }.items():
        with pytest.raises(FileRefused) as caught:
            await write_standings(tmp_path / name, chunks(STANDINGS))
        assert words in caught.value.message
    assert names_in(tmp_path) == ["folder.csv"]


@pytest.fixture
def small_disk() -> Iterator[None]:
    """As long as a test runs, no file can grow beyond 1,000 bytes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("ending", ["csv", "parquet"])
async def test_a_disk_without_room(tmp_path: Path, ending: str, small_disk: None) -> None:
    rows: list[BoardRow] = [(f"m{number * number}", number, number, number) for number in range(5000)]
    with pytest.raises(FileRefused, match="cannot be written: file too large"):
        await write_standings(tmp_path / f"standings.{ending}", chunks(rows))
    assert names_in(tmp_path) == []
