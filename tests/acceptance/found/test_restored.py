"""A ledger that is backed up, put back, moved, and run by others: names stay whose they were, keys are known, what was
lost is said, and what cannot be written is read.

Drills elsewhere: root in another user's folder (`tests/security/test_state_owner.py`); what a killed parent leaves, and
restarts of roles (`tests/fault/test_roles_apart.py`); Message-IDs (`tests/fault/test_notify_killed.py`); tokens of lost
epochs on every way (`tests/fault/test_epochs_told.py`); quarantined documents in the log, and versions to wait for
(`test_told.py`); open streams and process figures (`tests/security/test_one_client.py`, `tests/unit/test_metrics.py`);
buckets, and what was not found (`tests/integration/test_http_metrics.py`); idle connections
(`tests/integration/test_http_edge_hand_over.py`); streams at the turn of the month
(`tests/integration/test_month_turns.py`).
"""

import json
import os
import re
import shutil
import stat
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from random import Random

import apsw
import httpx
import pytest
from tests.acceptance.command_line import laurels, laurels_here, served
from tests.ledgers import open_ledger

from laurels.ledger import NameNumbers
from laurels.model import MemberEvent, Version
from laurels.program import DEFAULT_PROGRAM
from laurels.testing.ledger_contract.base import Shop, TurnedClock, order

pytestmark = pytest.mark.anyio

EARLIER, LATER = [("a1", "alice", "2500.00")], [("b1", "bob", "250.00"), ("c1", "carol", "150.00")]


def bring_in(folder: Path, orders: list[tuple[str, str, str]]) -> None:
    rows = [f"{order_id},{member},GBP,{total}" for order_id, member, total in orders]
    (folder / "orders.csv").write_text("\n".join(["order_id,member_id,currency,total", *rows]))
    ran = laurels_here("import", "orders.csv", cwd=folder)
    assert ran.returncode == 0, ran.stderr


def names(folder: Path, member: str) -> str:
    ran = laurels_here("dashboard", member, "--json", cwd=folder)
    assert ran.returncode == 0, ran.stderr
    return str(json.loads(ran.stdout)["me"]["name"])


def refused(folder: Path, *arguments: str) -> str:
    """What a command that is refused says: one line."""
    ran = laurels_here(*arguments, cwd=folder)
    assert ran.returncode in {1, 2}, ran.stdout
    assert len(ran.stderr.splitlines()) == 1, ran.stderr
    return ran.stderr


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("shop")
    bring_in(folder, EARLIER)
    ran = laurels_here("backup", "backup.db", "--keys", "keys", cwd=folder)
    assert ran.returncode == 0, ran.stderr
    bring_in(folder, LATER)
    return folder


@pytest.fixture
def shop(made: Path, tmp_path: Path) -> Path:
    """A shop with a backup of what came first, its keys apart, and more that came later."""
    return Path(shutil.copytree(made, tmp_path, dirs_exist_ok=True))


def test_after_a_restore_nobody_bears_anothers_known_name(shop: Path) -> None:
    before = {member: names(shop, member) for member in ("alice", "bob", "carol")}
    (shop / "laurels-data").rename(shop / "lost")
    assert laurels_here("restore", "backup.db", "--keys", "keys", cwd=shop).returncode == 0
    bring_in(shop, LATER[::-1])
    assert {member: names(shop, member) for member in before} == before
    assert laurels_here("verify", cwd=shop).returncode == 0


async def test_names_follow_from_ids_and_renames_and_from_no_order(tmp_path: Path, rng: Random) -> None:
    """In any order of arrival, with renames between: each has the name that its id and renames give, and only that."""
    ids, key = [f"m{n}" for n in range(40)], NameNumbers(rng.randbytes(32))
    renamed = rng.sample(ids, 15)
    seen = []
    for turn in range(2):
        now = TurnedClock()
        shop = Shop(await open_ledger(tmp_path / f"{turn}.db", now, names=key), now)
        for id_ in rng.sample(ids, len(ids)):
            await shop.ledger.enrol([(id_, None)], actor="clerk")
        for id_ in rng.sample(renamed, len(renamed)):
            await shop.ledger.change_member(id_, MemberEvent.RENAME, actor="clerk")
        members = {id_: await shop.ledger.member(id_) for id_ in ids}
        seen.append({id_: member.name_number for id_, member in members.items() if member is not None})
        assert await shop.findings() == []
        await shop.ledger.close()
    assert seen[0] == seen[1]
    assert len(set(seen[0].values())) == len(ids)


async def test_a_name_that_is_taken_is_not_given_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where two ids meet, the second tries again, and whoever was renamed leaves a name that stays used."""
    monkeypatch.setattr(NameNumbers, "number", lambda _, __, renames, attempt=0: renames + attempt)
    now = TurnedClock()
    shop = Shop(await open_ledger(tmp_path / "laurels.db", now, names=NameNumbers(b"k" * 32)), now)
    await shop.ledger.enrol([("ann", None), ("bob", None)], actor="clerk")
    await shop.ledger.change_member("ann", MemberEvent.RENAME, actor="clerk")
    await shop.ledger.enrol([("cy", None)], actor="clerk")
    found = [await shop.ledger.member(id_) for id_ in ("ann", "bob", "cy")]
    assert [member.name_number for member in found if member] == [2, 1, 3]
    await shop.ledger.close()


def test_a_missing_or_other_key_of_the_names_is_refused(shop: Path) -> None:
    path = shop / "laurels-data" / "names.key"
    commands = ("top", "verify", "work --once", "export standings --to x.csv", "members rename alice")
    path.unlink()
    for command in commands:
        assert re.search("missing.*Put it back", refused(shop, *command.split()))
        assert not path.exists()
    path.write_text("00112233445566778899aabbccddeeff" * 2)
    path.chmod(0o600)
    for command in commands:
        assert "another one than this" in refused(shop, *command.split())
    ran = laurels("serve", "--port", "0", cwd=shop)
    assert (ran.returncode, len(ran.stderr.splitlines()), "another one" in ran.stderr) == (2, 1, True)


def test_a_restore_is_refused_in_one_line_without_its_key(shop: Path) -> None:
    assert "nothing is written over" in refused(shop, "restore", "backup.db", "--keys", "keys")
    (shop / "laurels-data").rename(shop / "lost")
    assert "names.key" in refused(shop, "restore", "backup.db")
    other = shop / "other"
    other.mkdir()
    (other / "names.key").write_text("00112233445566778899aabbccddeeff" * 2)
    (other / "names.key").chmod(0o600)
    assert "another key" in refused(shop, "restore", "backup.db", "--keys", "other")
    assert not list(shop.glob("laurels-data/*.db*"))
    (shop / "nothing.db").touch()
    for no_ledger in ("nothing.db", "orders.csv", "away.db"):
        refused(shop, "restore", no_ledger, "--keys", "keys")
    assert not list(shop.glob("laurels-data/*.db*"))


def test_a_backup_is_private_checked_and_over_nothing(shop: Path) -> None:
    assert stat.S_IMODE((shop / "backup.db").stat().st_mode) == 0o600
    assert [stat.S_IMODE(path.stat().st_mode) for path in (shop / "keys").iterdir()] == [0o600]
    assert "is there already" in refused(shop, "backup", "backup.db")
    said = laurels_here("backup", "second.db", cwd=shop).stdout
    assert "names.key" in said
    assert "secrets" in said
    assert not list(shop.glob(".second*"))


@pytest.mark.parametrize("where", ["backup", "restore"])
def test_a_damaged_ledger_makes_no_copy(shop: Path, where: str) -> None:
    of = shop / ("laurels-data/laurels.db" if where == "backup" else "backup.db")
    if where == "restore":
        (shop / "laurels-data").rename(shop / "lost")
    with closing(apsw.Connection(str(of))) as connection:
        connection.execute("UPDATE balance SET balance = balance + 1")
    arguments = ["backup", "bad.db"] if where == "backup" else ["restore", "backup.db", "--keys", "keys"]
    assert "not as a ledger has to be" in refused(shop, *arguments)
    assert not (shop / "bad.db").exists()
    assert (shop / "laurels-data" / "laurels.db").exists() == (where == "backup")


def test_a_backup_that_is_none_is_not_taken_for_the_ledger(shop: Path) -> None:
    """What is said of a file is told of the backup: nobody is sent to look at a ledger that is well."""
    assert laurels_here("backup", "whole.db", cwd=shop).returncode == 0
    (shop / "broken.db").write_bytes((shop / "whole.db").read_bytes()[:1000])
    (shop / "text.db").write_text("no ledger at all, and longer than a header of one would be: " * 20)
    (shop / "empty.db").write_bytes(b"")
    for name, says in (
        ("broken.db", "broken.db is damaged"),
        ("text.db", "text.db is no ledger"),
        ("empty.db", "empty"),
    ):
        assert says in refused(shop, "restore", name, "--trial")


def test_a_restore_begins_an_epoch_and_says_what_it_cannot_know(tmp_path: Path) -> None:
    (tmp_path / "orders.csv").write_text(
        "order_id,member_id,currency,total,email\na1,ann,GBP,2500.00,ann@example.com\n"
    )
    assert laurels_here("import", "orders.csv", "--notify", cwd=tmp_path).returncode == 0
    assert laurels_here("backup", "backup.db", "--keys", "keys", cwd=tmp_path).returncode == 0
    [first] = json.loads(laurels_here("messages", "list", "--json", cwd=tmp_path).stdout)
    epochs = set()
    for turn in range(2):
        (tmp_path / "laurels-data").rename(tmp_path / f"lost{turn}")
        ran = laurels_here("restore", "backup.db", "--keys", "keys", cwd=tmp_path)
        assert "send again what they sent since" in ran.stdout
        assert "1 mails were not sent" in ran.stdout
        as_of = json.loads(laurels_here("top", "--json", cwd=tmp_path).stdout)["as_of"]
        epochs.add(Version.parse(as_of).epoch)
    assert 1 not in epochs
    [again] = json.loads(laurels_here("messages", "list", "--json", cwd=tmp_path).stdout)
    assert again == first


@pytest.mark.long
def test_tokens_of_a_lost_history_are_told_so(tmp_path: Path) -> None:
    """Whoever saw more than the copy has is never answered as if that had come again, and goes on from there."""
    bring_in(tmp_path, EARLIER)
    assert laurels_here("backup", "backup.db", "--keys", "keys", cwd=tmp_path).returncode == 0
    bring_in(tmp_path, LATER)
    seen = json.loads(laurels_here("top", "--json", cwd=tmp_path).stdout)["as_of"]
    lost = Version.parse(seen).epoch
    state = tmp_path / "laurels-data"
    board = tmp_path / "board"
    shutil.copytree(state / "board", board) if (state / "board").exists() else None
    state.rename(tmp_path / "lost")
    assert laurels_here("restore", "backup.db", "--keys", "keys", cwd=tmp_path).returncode == 0
    if board.exists():  # the boards of the lost history are still there
        shutil.copytree(board, state / "board")
    token = laurels_here("token", "--service", "--scope", "members:read", cwd=tmp_path).stdout.strip()
    with served(state) as address:

        def ask(min_version: str) -> httpx.Response:
            return httpx.get(
                f"{address}/loyalty/alice",
                params={"min_version": min_version},
                headers={"Authorization": f"Bearer {token}"},
                timeout=200,
            )

        while (told := ask(seen)).status_code != 409:  # the test's own time limit ends this
            # Until the board is made anew it is the lost one, which has all that was seen: its answers say so.
            assert (told.status_code, Version.parse(told.json()["as_of"]).epoch) == (200, lost)
            time.sleep(0.02)
        current = told.json()["current"]
        bring_in(tmp_path, [*LATER, ("d1", "dan", "10.00")])  # as many entries as before, and more
        assert ask(seen).status_code == 409
        answer = ask(current)
    assert (answer.status_code, answer.json()["me"]["points"]) == (200, 250)


READING = (
    ["verify"],
    ["top", "--json"],
    ["dashboard", "bob"],
    ["explain", "a1"],
    ["quarantine", "list"],
    ["messages", "list"],
    ["export", "entries", "--to", "{folder}/entries.csv"],
    ["export", "standings", "--to", "{folder}/standings.csv", "--columns", "name"],
)

ALL_AT_ONCE = """
import json, sys
from tests.acceptance.command_line import laurels_here
for arguments in json.loads(sys.argv[1]):
    ran = laurels_here(*arguments)
    print(json.dumps([ran.returncode, ran.stderr]))
"""


def unprivileged(commands: list[list[str]]) -> list[tuple[int, str]]:
    """Run commands in a process for which the rights of files hold (they do not for root): exit codes and errors."""
    drop = ["setpriv", "--bounding-set=-dac_override,-dac_read_search", "--"] if os.geteuid() == 0 else []
    ran = subprocess.run(
        [*drop, sys.executable, "-c", ALL_AT_ONCE, json.dumps(commands)],
        stdout=subprocess.PIPE,
        timeout=120,
        check=True,
        cwd=Path(__file__).parents[3],
    )
    return [tuple(json.loads(line)) for line in ran.stdout.splitlines() if line.startswith(b"[")]


@pytest.mark.long
def test_what_cannot_be_written_is_read(shop: Path) -> None:
    """As from a read-only mount: everything is read, nothing is made, and what would write says so in one line."""
    state = shop / "laurels-data"
    before = sorted(state.rglob("*"))
    commands = [
        [*(argument.format(folder=shop) for argument in arguments), "--state", str(state)]
        for arguments in (*READING, ["members", "hide", "bob"])
    ]
    for path in [state, *before]:
        path.chmod(0o500 if path.is_dir() else 0o400)
    try:
        *read, (code, said) = unprivileged(commands)
        assert sorted(state.rglob("*")) == before
    finally:
        for path in [state, *before]:
            path.chmod(0o700 if path.is_dir() else 0o600)
    assert [code for code, _ in read] == [0] * len(READING), read
    assert (code, len(said.splitlines())) == (1, 1), said


def test_a_ledger_that_others_may_read_is_made_private(shop: Path) -> None:
    path = shop / "laurels-data" / "laurels.db"
    path.chmod(0o644)
    ran = laurels_here("top", cwd=shop)
    assert (ran.returncode, stat.S_IMODE(path.stat().st_mode)) == (0, 0o600)


def test_mails_are_listed_and_tried_again(tmp_path: Path) -> None:
    (tmp_path / "orders.csv").write_text(
        "order_id,member_id,currency,total,email\na1,ann,GBP,2500.00,ann@example.com\nb1,bob,GBP,2500.00,\n"
    )
    assert laurels_here("import", "orders.csv", "--notify", cwd=tmp_path).returncode == 0
    smtp = {"LAURELS_NOTIFY_SMTP_URL": "smtp://127.0.0.1:9", "LAURELS_NOTIFY_FROM": "points@shop.example"}
    assert laurels_here("notify", "--once", cwd=tmp_path, **smtp).returncode == 0
    listed = json.loads(laurels_here("messages", "list", "--json", cwd=tmp_path).stdout)
    states = {each["member_id"]: (each["state"], each["attempts"]) for each in listed}
    assert states == {"ann": ("due", 1), "bob": ("held", 0)}
    [due] = [each for each in listed if each["state"] == "due"]
    assert due["note"] == "The mail server 127.0.0.1:9 cannot be used (SMTPConnectError, ECONNREFUSED)."
    assert "127.0.0.1:9" in laurels_here("messages", "show", due["id"], cwd=tmp_path).stdout
    [held] = [each for each in listed if each["state"] == "held"]
    assert "no address" in refused(tmp_path, "messages", "retry", held["id"])
    assert laurels_here("messages", "retry", due["id"], cwd=tmp_path).returncode == 0
    assert laurels_here("notify", "--once", cwd=tmp_path).returncode == 0
    assert json.loads(laurels_here("messages", "show", due["id"], "--json", cwd=tmp_path).stdout)["state"] == "sent"
    assert "sent" in refused(tmp_path, "messages", "retry", due["id"])
    assert "no mail" in refused(tmp_path, "messages", "show", "nobody")


async def test_a_number_that_is_not_its_ids_is_named(tmp_path: Path) -> None:
    key, now = NameNumbers(b"k" * 32), TurnedClock()
    shop = Shop(await open_ledger(tmp_path / "laurels.db", now, names=key), now)
    await shop.adopt(DEFAULT_PROGRAM)
    await shop.sell(order("A1", "ann", "25.00"), order("B1", "bob", "25.00"))
    await shop.ledger.close()
    with closing(apsw.Connection(str(tmp_path / "laurels.db"))) as connection:
        connection.execute("UPDATE member SET member_id = 'x' WHERE member_id = 'ann'")
        connection.execute("UPDATE member SET member_id = 'ann' WHERE member_id = 'bob'")
        connection.execute("UPDATE member SET member_id = 'bob' WHERE member_id = 'x'")
    shop = Shop(await open_ledger(tmp_path / "laurels.db", now, names=key), now)
    assert {finding.what for finding in await shop.findings()} == {
        "its name number does not follow from its id",
        "what is kept of what it said is not what it was taken with",
    }
    await shop.ledger.close()
