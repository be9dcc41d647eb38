"""A year of a real shop on a PostgreSQL server: the standings are those computed apart, byte for byte."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from tests.acceptance.command_line import laurels, served
from tests.engines import EMBEDDED
from tests.postgres_server import Databases

pytestmark = [pytest.mark.long, pytest.mark.timeout(600)]


@pytest.fixture
def database(postgres: Databases) -> Iterator[str]:
    with postgres.new() as url:
        yield url


@pytest.mark.parametrize("engine", EMBEDDED)
def test_the_standings_equal_those_computed_apart(database: str, engine: str, data_dir: Path, tmp_path: Path) -> None:
    state, to, config = tmp_path / "state", tmp_path / "standings.csv", tmp_path / "laurels.toml"
    config.write_text(f"[ledger]\nurl = '{database}'\n[leaderboard]\nengine = '{engine}'\n")
    here = "--state", state, "--config", config
    done = laurels("import", data_dir / "online_retail.parquet", "--preset", "online-retail", *here)
    assert done.returncode == 0, done.stderr
    assert done.stdout == (
        "18,536 orders, 3,654 refunds: 22,190 new, 0 here before, 0 in conflict\n"
        "22,190 awarded, 0 waiting for their order, 0 in quarantine\n"
    )
    assert laurels("export", "standings", "--to", to, *here).returncode == 0
    assert to.read_bytes() == (data_dir / "online_retail_expected.csv").read_bytes()
    verified = laurels("verify", *here)
    assert (verified.returncode, "26,562 entries verified" in verified.stdout) == (0, True), verified.stderr
    with served(state, "--config", str(config)) as address:
        assert httpx.get(f"{address}/readyz").json()["ledger"] == "postgres"
