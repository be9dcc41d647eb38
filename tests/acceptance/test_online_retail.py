"""A year of a real shop's orders becomes a board, equal to standings that were computed apart from this project; on
each leaderboard that needs no server, over one shard and over sixteen.
"""

import csv
import json
import random
import subprocess
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import httpx
import pytest
from tests.acceptance.command_line import laurels, served
from tests.engines import needs_native

from laurels.http.admission.tokens import sign_token
from laurels.ledger.rollups import PER_MONTH, Basis, Grouping
from laurels.program import DEFAULT_PROGRAM
from laurels.rollups import RollingUp, format_period, movement, roll_up_findings
from laurels.settings import load
from laurels.wiring import build

LONDON = ZoneInfo("Europe/London")


HELD_BY = [
    ("memory", 1),
    pytest.param(("native", 16), marks=needs_native),
    pytest.param(("memory", 16), marks=pytest.mark.long),
    pytest.param(("native", 1), marks=(needs_native, pytest.mark.long)),
]
"""An engine of the leaderboard, and how many shards the ledger has."""


@pytest.fixture(scope="module", params=HELD_BY)
def held_by(request: pytest.FixtureRequest) -> tuple[str, int]:
    engine, shards = request.param
    return str(engine), int(shards)


@pytest.fixture(scope="module")
def state(held_by: tuple[str, int], data_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A ledger with the year in it."""
    state = tmp_path_factory.mktemp("online-retail")
    engine, shards = held_by
    config(state).write_text(f"[leaderboard]\nengine = '{engine}'\n[ledger]\nshards = {shards}\n")
    done = run(state, "import", data_dir / "online_retail.parquet", "--preset", "online-retail")
    assert done.returncode == 0, done.stderr
    assert done.stdout == (
        "18,536 orders, 3,654 refunds: 22,190 new, 0 here before, 0 in conflict\n"
        "22,190 awarded, 0 waiting for their order, 0 in quarantine\n"
    )
    assert "skipped 135,077 rows" in done.stderr
    return state


def config(state: Path) -> Path:
    return state / "laurels.toml"


def run(state: Path, *arguments: str | Path) -> "subprocess.CompletedProcess[str]":
    """A command on this ledger and this engine."""
    return laurels(*arguments, "--state", state, "--config", config(state))


def test_the_standings_equal_those_computed_apart(state: Path, data_dir: Path, tmp_path: Path) -> None:
    to = tmp_path / "x.csv"
    assert run(state, "export", "standings", "--to", to).returncode == 0
    assert to.read_bytes() == (data_dir / "online_retail_expected.csv").read_bytes()


def test_a_second_import_changes_nothing(state: Path, data_dir: Path, tmp_path: Path) -> None:
    before, after = tmp_path / "before.csv", tmp_path / "after.csv"
    run(state, "export", "entries", "--to", before)
    again = run(state, "import", data_dir / "online_retail.parquet", "--preset", "online-retail")
    assert again.stdout == (
        "18,536 orders, 3,654 refunds: 0 new, 22,190 here before, 0 in conflict\n"
        "0 awarded, 0 waiting for their order, 0 in quarantine\n"
    )
    run(state, "export", "entries", "--to", after)
    assert after.read_bytes() == before.read_bytes()


def test_the_ledger_and_the_board_verify(state: Path) -> None:
    done = run(state, "verify")
    assert done.returncode == 0, done.stderr
    assert "26,562 entries verified" in done.stdout


def test_a_dashboard_on_the_command_line_shows_rank_and_neighbours(state: Path, data_dir: Path) -> None:
    with (data_dir / "online_retail_expected.csv").open() as file:
        rows = list(csv.DictReader(file))
    mine = 241
    done = run(state, "dashboard", rows[mine]["member_id"], "--json")
    answer = json.loads(done.stdout)
    assert answer["ranked"] == len(rows)
    assert answer["me"]["rank"] == int(rows[mine]["rank"])
    assert answer["me"]["position"] == int(rows[mine]["position"])
    assert [row["points"] for row in answer["around"]] == [int(row["points"]) for row in rows[mine - 2 : mine + 3]]
    assert [row["rank"] for row in answer["around"]] == [int(row["rank"]) for row in rows[mine - 2 : mine + 3]]
    assert [row["points"] for row in answer["top"]] == [int(row["points"]) for row in rows[:10]]


def test_two_hundred_members_see_their_rank_and_neighbours_over_http(
    held_by: tuple[str, int], state: Path, data_dir: Path, seed: int
) -> None:
    with (data_dir / "online_retail_expected.csv").open() as file:
        rows = list(csv.DictReader(file))
    points, ranks = [int(row["points"]) for row in rows], [int(row["rank"]) for row in rows]
    ends = [0, 1, 2, len(rows) - 2, len(rows) - 1]
    chosen = [*ends, *random.Random(seed).sample(range(3, len(rows) - 2), 200 - len(ends))]
    settings = load({"state": state}, environment={})
    with served(state, "--config", str(config(state))) as url, httpx.Client(base_url=url, timeout=60) as client:
        assert client.get("/readyz").json()["leaderboard"] == held_by[0]
        for place in chosen:
            member_id = rows[place]["member_id"]
            token = sign_token(settings, subject=member_id, scope=None, ttl_s=600)
            answer = client.get(f"/loyalty/{member_id}", headers={"Authorization": f"Bearer {token}"}).json()
            assert (answer["ranked"], answer["stale"]) == (len(rows), False)
            assert answer["me"]["rank"] == ranks[place]
            assert answer["me"]["position"] == int(rows[place]["position"])
            assert answer["me"]["points"] == points[place]
            assert answer["me"]["tied"] == points.count(points[place])
            near = range(max(place - 2, 0), min(place + 3, len(rows)))
            assert [(row["rank"], row["points"]) for row in answer["around"]] == [(ranks[n], points[n]) for n in near]
            assert [row.get("me", False) for row in answer["around"]] == [n == place for n in near]
            assert [(row["rank"], row["points"]) for row in answer["top"]] == list(zip(ranks, points, strict=True))[:10]


def test_an_order_is_explained(state: Path) -> None:
    done = run(state, "explain", "536365")
    assert "139.12 GBP / 10.00 = 13.912 -> 14 (half-up, version 1)" in done.stdout


def test_no_mail_was_made_of_history(state: Path) -> None:
    assert run(state, "notify", "--once").stdout == "0 messages tried\n"
    assert not (state / "outbox").exists()


def test_points_add_up_to_the_published_sum(state: Path, tmp_path: Path) -> None:
    to = tmp_path / "entries.csv"
    run(state, "export", "entries", "--to", to)
    with to.open() as file:
        assert sum(int(row["points"]) for row in csv.DictReader(file)) == 830_121


@pytest.mark.long
def test_a_rehearsal_says_who_would_gain_and_lose(state: Path, tmp_path: Path) -> None:
    """From half-up to carry: figures that were computed twice, apart from this project."""
    new = tmp_path / "carry.toml"
    new.write_text(DEFAULT_PROGRAM.replace("version = 1", "version = 2").replace("half-up", "carry", 1))
    done = run(state, "program", "rehearse", new, "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert (found["points"], found["would_be"]) == (830_121, 827_848)
    assert (found["gain"], found["best"]) == (178, 5)
    assert (found["lose"], found["worst"], found["alike"]) == (2_198, -12, 1_996)
    assert (found["documents"], found["orders"], found["quarantined"]) == (22_190, 18_536, {})


@pytest.mark.long
def test_rehearsing_what_stands_changes_nothing(state: Path, tmp_path: Path) -> None:
    same = tmp_path / "same.toml"
    same.write_text(DEFAULT_PROGRAM)
    found = json.loads(run(state, "program", "rehearse", same, "--json").stdout)
    assert (found["points"], found["would_be"], found["alike"], found["changed"]) == (830_121, 830_121, 4_372, [])


@pytest.mark.anyio
async def test_a_statement_of_the_year_adds_up_and_is_what_the_entries_sum_to(state: Path, tmp_path: Path) -> None:
    """Month by month, by the day of the order; twelve statements tile, and the last one closes with all balances."""
    to = tmp_path / "entries.csv"
    run(state, "export", "entries", "--to", to)
    summed: dict[tuple[str, str], int] = {}
    with to.open() as file:
        for row in csv.DictReader(file):
            if int(row["points"]):
                at = datetime.fromisoformat(row["occurred_at"]).astimezone(LONDON)
                key = f"{at:%Y-%m}", row["kind"]
                summed[key] = summed.get(key, 0) + int(row["points"])
    async with build(load(flags={"state": state}, config=config(state))) as services:
        await RollingUp(services.ledger, LONDON).reach()
        assert [finding async for finding in roll_up_findings(services.ledger, LONDON)] == []
        kept: dict[tuple[str, str], int] = {}
        opening = 0
        begins = [20100101, 20101201, *(20110001 + 100 * month for month in range(1, 13)), 20120101]
        for since, until in pairwise(begins):
            found = await movement(services.ledger, Basis.OCCURRED, since, until, Grouping(per=PER_MONTH))
            assert sum(found.opening.values()) == opening
            for line in found.lines:
                if line.points:
                    key = format_period(line.period), line.kind
                    kept[key] = kept.get(key, 0) + line.points
            opening = sum(found.closing.values())
            assert opening == sum(found.opening.values()) + sum(line.points for line in found.lines)
    assert kept == summed
    assert opening == 830_121
