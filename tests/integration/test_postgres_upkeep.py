"""Looking after a ledger on a server: its key of the names, its heads, and what its own tools restore."""

import re
import subprocess
from pathlib import Path

import pytest
from tests.acceptance.command_line import laurels_here
from tests.postgres_server import Databases

from laurels.engines.postgres import PostgresLedger
from laurels.ledger.epochs import lowest_epoch
from laurels.testing.ledger_contract.base import Shop, TurnedClock

pytestmark = pytest.mark.anyio

ORDERS = "order_id,member_id,currency,total\n" + "".join(f"A{n},m{n},GBP,{n}0.00\n" for n in range(1, 20))


@pytest.fixture
def shop(tmp_path: Path, database: str) -> Path:
    """A folder with a ledger on a server, some orders awarded."""
    (tmp_path / "laurels.toml").write_text(f"[ledger]\nurl = '{database}'\n")
    (tmp_path / "orders.csv").write_text(ORDERS)
    done = run(tmp_path, "import orders.csv")
    assert done.returncode == 0, done.stderr
    return tmp_path


def run(folder: Path, command: str) -> "subprocess.CompletedProcess[str]":
    return laurels_here(*command.split(), cwd=folder)


def refused(folder: Path, command: str) -> str:
    """The one line that a command is refused with."""
    done = run(folder, command)
    assert (done.returncode, len(done.stderr.strip().splitlines())) == (2, 1), done.stderr
    return done.stderr


@pytest.mark.long
def test_the_names_key_is_the_ledgers(shop: Path) -> None:
    """A host without it is told to get it, one with another one is refused, and changing it is one command."""
    key = shop / "laurels-data" / "names.key"
    own = key.read_bytes()
    key.unlink()
    for command in ("top", "verify", "work --once"):
        assert re.search("missing.*Put it back", refused(shop, command))
        assert not key.exists()
    key.write_text("00112233445566778899aabbccddeeff" * 2)
    key.chmod(0o600)
    assert "another one than this" in refused(shop, "top")
    key.write_bytes(own)
    names = run(shop, "top").stdout
    assert run(shop, "keys change names --yes").returncode == 0
    assert run(shop, "rebuild").returncode == 0
    assert run(shop, "top").stdout != names
    verified = run(shop, "verify")
    assert verified.returncode == 0, verified.stderr
    key.write_bytes(own)
    assert "another one than this" in refused(shop, "top")


def test_its_heads_are_held_against_earlier_ones(shop: Path) -> None:
    heads = re.findall(r"^head (\S+)$", run(shop, "verify").stdout, re.MULTILINE)
    assert len(heads) > 5
    against = " ".join(f"--against {head}" for head in heads)
    assert f"{len(heads)} heads that it had are in it" in run(shop, f"verify {against}").stdout
    forged = heads[0][:-1] + ("0" if heads[0][-1] != "0" else "1")
    assert run(shop, f"verify --against {forged}").returncode == 1


def test_its_own_tools_back_it_up(shop: Path) -> None:
    assert re.search("pg_dump or pg_basebackup.*keys show", refused(shop, "backup today.db"))
    assert re.search("pg_restore or from its base backup.*epoch", refused(shop, "restore today.db"))
    assert not (shop / "today.db").exists()


async def test_a_dump_that_was_loaded_begins_an_epoch(postgres: Databases, database: str) -> None:
    """On the same server too: whoever saw what came after the dump is not answered as if it had come again."""
    now = TurnedClock()
    ledger = await PostgresLedger.open(database, now)
    shop = Shop(ledger, now)
    await shop.ledger.enrol([("ann", None)], actor="clerk")
    saved = await ledger.heads()
    name = database.split("@/")[1].split("?", maxsplit=1)[0]
    dumped = postgres.server.dump(name)
    await shop.ledger.enrol([("bob", None)], actor="clerk")
    lost = await ledger.heads()
    await ledger.close()
    with postgres.loaded(dumped) as url:
        again = await PostgresLedger.open(url, now)
        heads = await again.heads()
        assert (heads.identity, heads.marks) == (saved.identity, saved.marks)
        assert heads.epoch == lowest_epoch(now()) > saved.epoch
        began = {epoch: {shard: mark.position for shard, mark in at.items()} for epoch, at in heads.began.items()}
        assert heads.version.includes(saved.version, began)
        assert not heads.version.includes(lost.version, began)
        assert (await again.heads()).epoch == heads.epoch
        await again.close()
