"""Exports: what is asked for, where it is asked for; without options, byte for byte what it always was."""

import csv
import gzip
import io
import json
import subprocess
from pathlib import Path

import pytest
from tests.acceptance.command_line import LAURELS, laurels_here

ORDERS = (
    "order_id,member_id,currency,total,channel,occurred_at\n"
    "1,ann,GBP,250.00,store,2026-01-05T10:00:00Z\n"
    "2,bob,GBP,30.00,,2026-02-05T10:00:00Z\n"
    "3,ann,GBP,20.00,web,2026-03-05T10:00:00Z\n"
)
USUAL = "shard,position,kind,member_id,source,order_id,refund_id,points,reason,program_version,occurred_at,recorded_at"


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    shop = tmp_path_factory.mktemp("shop")
    (shop / "orders.csv").write_text(ORDERS)
    assert laurels_here("import", "orders.csv", cwd=shop).returncode == 0
    return shop


def entries(shop: Path, *options: str) -> list[dict[str, str]]:
    done = laurels_here("export", "entries", "--to", "e.csv", *options, cwd=shop)
    assert done.returncode == 0, done.stderr
    with (shop / "e.csv").open() as file:
        return list(csv.DictReader(file))


def test_without_options_it_is_what_it_was(shop: Path) -> None:
    assert ",".join(entries(shop)[0]) == USUAL


@pytest.mark.parametrize(
    ("options", "orders"),
    [
        (["--member", "ann"], ["1", "3"]),
        (["--member", "ann", "--member", "bob"], ["1", "2", "3"]),
        (["--member", "bob", "--since", "2026-06-01"], []),
        (["--since", "2026-02-05T10:00:00Z"], ["2", "3"]),
        (["--until", "2026-02-05T10:00:00Z"], ["1"]),
        (["--since", "2026-02-01", "--until", "2026-03-01"], ["2"]),
    ],
)
def test_entries_are_filtered(shop: Path, options: list[str], orders: list[str]) -> None:
    assert [row["order_id"] for row in entries(shop, "--kind", "earn", *options)] == orders


def test_further_columns(shop: Path) -> None:
    rows = entries(shop, "--kind", "earn", "--columns", "amount,currency,channel,loyalty_id")
    assert [(row["amount"], row["currency"], row["channel"]) for row in rows] == [
        ("250.00", "GBP", "store"),
        ("30.00", "GBP", "web"),
        ("20.00", "GBP", "web"),
    ]
    assert all(row["loyalty_id"] == f"{row['shard']}-{row['position']}" for row in rows)


def test_standings_with_names_of_one_member(shop: Path) -> None:
    options = ["--to", "-", "--columns", "name", "--member", "ann", "--format", "ndjson"]
    done = subprocess.run(
        [LAURELS, "export", "standings", *options], capture_output=True, text=True, cwd=shop, check=False, timeout=60
    )
    row = json.loads(done.stdout)
    shown = json.loads(laurels_here("dashboard", "ann", "--json", cwd=shop).stdout)
    assert row == {"member_id": "ann", "points": 27, "rank": 1, "position": 1, "name": shown["me"]["name"]}


def test_packed_and_on_standard_output_are_the_same_bytes(shop: Path) -> None:
    plain = subprocess.run(
        [LAURELS, "export", "entries", "--to", "-"], capture_output=True, cwd=shop, check=False, timeout=60
    ).stdout
    packed = []
    for name in ("a.csv.gz", "b.csv.gz"):
        assert laurels_here("export", "entries", "--to", name, cwd=shop).returncode == 0
        packed.append((shop / name).read_bytes())
    assert gzip.decompress(packed[0]) == plain
    assert packed[0] == packed[1]
    assert len(list(csv.reader(io.StringIO(plain.decode())))) == 1 + 2 + 3


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["standings", "--to", "s.csv", "--kind", "earn"], "no effect on standings"),
        (["entries", "--to", "s.csv", "--board", "month"], "no effect on entries"),
        (["entries", "--to", "s.csv", "--columns", "colour"], "no further column colour"),
        (["entries", "--to", "s.doc"], "an export's ending is"),
        (["entries", "--to", "s.csv", "--since", "yesterday"], "must be a time"),
        (["entries", "--to", "s.csv", "--since", "2026-02-01", "--until", "2026-01-01"], "must be later"),
    ],
)
def test_what_cannot_be_is_said(shop: Path, options: list[str], words: str) -> None:
    done = laurels_here("export", *options, cwd=shop)
    assert done.returncode in {1, 2}
    assert words in done.stderr
    assert not (shop / "s.csv").exists()


def test_a_month_that_is_no_longer_kept_is_said(shop: Path) -> None:
    keep = {"LAURELS_BOARDS_KEEP_MONTHS": "1"}
    done = laurels_here("export", "standings", "--to", "old.csv", "--board", "month:2026-01", cwd=shop, **keep)
    assert done.returncode == 1
    assert "month:2026-01 is no longer kept" in done.stderr
    assert not (shop / "old.csv").exists()
    assert laurels_here("export", "standings", "--to", "old.csv", "--board", "month:2026-01", cwd=shop).returncode == 0
