"""`laurels simulate`: a small day in this process and against a server, what it finds, and how it stops."""

import json
import signal
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from tests.acceptance.command_line import LAURELS, served
from tests.acceptance.command_line import laurels_here as laurels

from laurels.intake import Intake
from laurels.ledger import Receipt
from laurels.model import Order, Refund
from laurels.program import rounding

SMALL = ("--orders", "300", "--members", "60", "--rate", "3000")
SEED = "5"


def summary(done: "subprocess.CompletedProcess[str]") -> dict[str, Any]:
    read: dict[str, Any] = json.loads(done.stdout)
    return read


def test_a_day_in_this_process_ends_with_books_that_agree(tmp_path: Path) -> None:
    done = laurels("simulate", *SMALL, "--seed", SEED, "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    told = summary(done)
    assert told["orders"] == 300
    assert told["acknowledged"] == told["orders"] + told["refunds"] == told["entries"]
    assert told["points"] == told["points_expected"] > 0
    assert told["repeated"] == told["repeats"] > 0
    assert min(told["late"], told["offline"], told["refunds"]) > 0
    assert told["verified_entries"] == told["entries"] + told["members"]
    assert (told["lost"], told["twice"], told["unanswered"], told["differences"]) == (0, 0, 0, [])
    assert laurels("verify", cwd=tmp_path).returncode == 0
    again = laurels("simulate", *SMALL, "--seed", SEED, cwd=tmp_path)
    assert again.returncode == 0, again.stderr
    assert "lost 0, twice 0; as expected" in again.stdout


@pytest.mark.long
def test_a_day_over_http_ends_with_books_that_agree(tmp_path: Path) -> None:
    with served(tmp_path / "state") as address:
        done = laurels("simulate", *SMALL, "--seed", SEED, "--url", address, "--state", tmp_path / "state", "--json")
        assert done.returncode == 0, done.stderr
        told = summary(done)
        assert told["acknowledged"] == told["orders"] + told["refunds"] == told["entries"]
        assert told["points"] == told["points_expected"]
        assert told["verified_entries"] == told["entries"] + told["members"]
        token = laurels("token", "--service", "--scope", "members:read", "--state", tmp_path / "state").stdout.strip()
        refused = laurels("simulate", *SMALL, "--url", address, "--token", token, cwd=tmp_path)
    assert refused.returncode == 1
    assert "orders:write" in refused.stderr
    assert laurels("verify", "--state", tmp_path / "state").returncode == 0


def interrupted(state: Path, *, times: int) -> "subprocess.CompletedProcess[str]":
    """A day that gets Ctrl-C once it has begun, and once more when it says that it is checking."""
    command: list[str | Path] = [LAURELS, "simulate", "--rate", "2", "--orders", "5000", "--json", "--state", state]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        for said in ("The day begins", "Stopped")[:times]:
            assert next(process.stderr).startswith(said)
            process.send_signal(signal.SIGINT)
        stdout, stderr = process.communicate()
    return subprocess.CompletedProcess(command, process.returncode, stdout, stderr)


def test_ctrl_c_ends_the_day_and_still_checks_it(tmp_path: Path) -> None:
    done = interrupted(tmp_path / "state", times=1)
    assert done.returncode == 0, done.stderr
    told = summary(done)
    assert told["stopped"]
    assert told["orders"] < 5000
    assert told["differences"] == []


def test_ctrl_c_once_more_leaves_without_the_check(tmp_path: Path) -> None:
    done = interrupted(tmp_path / "state", times=2)
    assert (done.returncode, done.stdout) == (130, "")
    assert "laurels: Interrupted." in done.stderr


def test_points_that_the_books_do_not_know_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(rounding.ROUNDINGS, "half-up", rounding.floor)
    done = laurels("simulate", *SMALL, "--seed", SEED, "--json", cwd=tmp_path)
    told = summary(done)
    assert done.returncode == 1
    assert told["points"] < told["points_expected"]
    assert ", expected " in done.stderr


def test_an_order_that_is_acknowledged_and_dropped_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    accept_all = Intake.accept_all
    monkeypatch.setattr(Intake, "accept_all", _dropping(accept_all, "-7"))
    done = laurels("simulate", *SMALL, "--seed", SEED, "--json", cwd=tmp_path)
    assert (done.returncode, summary(done)["lost"]) == (1, 1)
    assert "-7 was acknowledged and is not awarded" in done.stderr


def _dropping(accept_all: Callable[..., Any], ending: str) -> Callable[..., Any]:
    """An intake that says it took the order whose id ends so, and did not."""

    async def accept(self: Intake, documents: Sequence[tuple[Order | Refund, bytes]]) -> list[Receipt]:
        kept = [one for one in documents if not (isinstance(one[0], Order) and one[0].order_id.endswith(ending))]
        receipts = await accept_all(self, kept) if kept else []
        return [*receipts, *[Receipt("accepted")] * (len(documents) - len(kept))]  # type: ignore[arg-type]

    return accept


def test_a_shops_own_ledger_is_left_alone_unless_told(tmp_path: Path) -> None:
    (tmp_path / "orders.csv").write_text("order_id,member_id,currency,total\nA1,ann,GBP,25.00\n")
    laurels("import", "orders.csv", cwd=tmp_path)
    refused = laurels("simulate", *SMALL, cwd=tmp_path)
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "--yes" in refused.stderr
    assert laurels("simulate", *SMALL, "--yes", cwd=tmp_path).returncode == 0


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["--rate", "5", "--minutes", "1"], 2, "--rate or --minutes"),
        (["--token", "x"], 2, "--url"),
        (["--orders", "0"], 2, "--orders"),
        (["--url", "shop.example"], 2, "http://"),
        (["--url", "http://shop.example"], 2, "--far"),
        (["--url", "http://127.0.0.1:9", "--token", "x"], 1, "cannot be reached"),
    ],
)
def test_wrong_use_says_what_to_do(arguments: list[str], code: int, said: str, tmp_path: Path) -> None:
    done = laurels("simulate", *arguments, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (code, "")
    assert said in done.stderr


def test_a_day_on_the_board_of_a_server(tmp_path: Path, valkey_url: str) -> None:
    done = laurels(
        "simulate",
        *SMALL,
        "--seed",
        SEED,
        "--json",
        cwd=tmp_path,
        LAURELS_LEADERBOARD_ENGINE="valkey",
        LAURELS_LEADERBOARD_URL=valkey_url,
    )
    assert done.returncode == 0, done.stderr
    assert summary(done)["differences"] == []
