"""A year of a real shop on a PostgreSQL server under every kind of board, and on the shared board under the other kind
of ledger: the standings are those computed apart, byte for byte.
"""

from pathlib import Path

import httpx
import pytest
from tests.acceptance.command_line import laurels, served
from tests.engines import EMBEDDED

pytestmark = [pytest.mark.long, pytest.mark.timeout(600)]


@pytest.fixture(params=[*EMBEDDED, "valkey"])
def board(request: pytest.FixtureRequest) -> str:
    """The settings of a board."""
    if request.param != "valkey":
        return f"engine = '{request.param}'"
    return f"engine = 'valkey'\nurl = '{request.getfixturevalue('valkey_url')}'\nprefix = '{request.node.name}'"


def test_the_standings_equal_those_computed_apart(database: str, board: str, data_dir: Path, tmp_path: Path) -> None:
    with_year(database, board, data_dir, tmp_path)
    with served(tmp_path / "state", "--config", str(tmp_path / "laurels.toml")) as address:
        assert httpx.get(f"{address}/readyz", timeout=60).json()["ledger"] == "postgres"


@pytest.mark.parametrize("board", ["valkey"], indirect=True)
def test_the_shared_board_of_a_ledger_in_a_file_shows_the_same(board: str, data_dir: Path, tmp_path: Path) -> None:
    with_year("sqlite", board, data_dir, tmp_path)


def with_year(ledger: str, board: str, data_dir: Path, tmp_path: Path) -> None:
    """Bring the year in, and compare."""
    state, to, config = tmp_path / "state", tmp_path / "standings.csv", tmp_path / "laurels.toml"
    config.write_text(f"[ledger]\nurl = '{ledger}'\n[leaderboard]\n{board}\n")
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
