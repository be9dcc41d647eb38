"""A user of the server with the rights that the how-to lists, and with each of them taken away."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs
from tests import valkey_server
from tests.conftest import REPOSITORY
from tests.key_value_server import Process, redis_binary, running, valkey_binary

from laurels.engines.valkey import ValkeyLeaderboard
from laurels.errors import BoardUnavailable, SettingsError
from laurels.leaderboard import ALL_TIME, Change, Erased, Followed, Hidden, Joined, Merged, Renamed, Scored, Unhidden
from laurels.model import Mark, Version

pytestmark = pytest.mark.anyio
HOW_TO = REPOSITORY / "docs/how-to/run-the-leaderboard-on-valkey.md"


def least_rights() -> list[list[str]]:
    """The how-to's commands that make the user, word by word."""
    text = HOW_TO.read_text("utf-8")
    commands = text.split("```text\n", 1)[1].split("```", 1)[0].splitlines()
    return [command.split() for command in commands if command.startswith("ACL SETUSER")]


RIGHTS = [word for command in least_rights() for word in command if word[0] in "+~&"]


def make_user(server: Process, without: str = "") -> None:
    """Type the how-to's commands, one right left out."""
    for command in least_rights():
        server.command(*[word for word in command if word != without])


@pytest.fixture(scope="module", params=["valkey", "redis"])
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    binary = valkey_binary() if request.param == "valkey" else redis_binary()
    with running(Process(binary, tmp_path_factory.mktemp("rights"))) as server:
        yield server


def url_of(server: Process) -> str:
    return server.url.replace("//", "//board:its-password@")


async def test_they_are_enough_for_all_that_a_board_does(server: Process) -> None:
    make_user(server)
    engine = await ValkeyLeaderboard.open(url_of(server), identity="ledger")
    try:
        with capture_logs() as logs:
            for _ in range(2):
                await engine.reset(Followed(identity="ledger", epoch=1))
                changes: list[Change] = [
                    *(Joined(member, f"m{member}", member) for member in range(4)),
                    *(Scored(member, ALL_TIME, 5) for member in range(5)),
                    *(Hidden(1), Unhidden(1), Renamed(1, 9), Merged(2, 3), Erased(0), Scored(1, ALL_TIME, -9)),
                ]
                await engine.apply(0, list(enumerate(changes, 1)), Mark(20, b"20"))
                await engine.confirm(1)
            await engine.adopt(2)
            assert (await engine.read(ALL_TIME, "m2", top=3, around=1)).ranked == 1
            assert [row async for chunk in engine.standings(ALL_TIME) for row in chunk] == [("m3", 10, 1, 1)]
            await engine.wait_for_change(Version(2, {0: 20}), 0.05)
        assert logs == []
    finally:
        await engine.close()
    unbound = await ValkeyLeaderboard.open(server.url)
    await valkey_server.check(unbound)
    await unbound.close()


@pytest.mark.parametrize("right", RIGHTS)
async def test_each_that_is_missing_is_named_at_the_start(server: Process, right: str) -> None:
    server.command("ACL", "DELUSER", "board")
    make_user(server, without=right)
    if right == "+unsubscribe":  # nobody waits for its answer
        await (await ValkeyLeaderboard.open(url_of(server))).close()
        return
    with pytest.raises(SettingsError) as refusal:
        await ValkeyLeaderboard.open(url_of(server))
    assert right in re.split(r"[ ().]+", refusal.value.message)
    assert "its-password" not in refusal.value.message


async def test_a_database_of_its_own_takes_a_right_more(server: Process) -> None:
    server.command("ACL", "DELUSER", "board")
    make_user(server)
    url = f"{url_of(server)}/3"
    with pytest.raises(SettingsError, match=r"NOPERM \(\+select\)"):
        await ValkeyLeaderboard.open(url)
    assert "`+select`" in HOW_TO.read_text("utf-8")
    server.command("ACL", "SETUSER", "board", "+select")
    await (await ValkeyLeaderboard.open(url)).close()


@pytest.mark.parametrize("name", ["INFO", "EVALSHA", "SCRIPT", "HMGET", "ZADD", "SUBSCRIBE"])
async def test_a_command_that_was_renamed_is_named_at_the_start(tmp_path: Path, name: str) -> None:
    """Asked for by itself, by all scripts, and by some."""
    binary = valkey_binary() if name != "ZADD" else redis_binary()
    with running(Process(binary, tmp_path, config=f'rename-command {name} ""')) as server:
        with pytest.raises(SettingsError, match="rename-command") as refusal:
            await ValkeyLeaderboard.open(server.url)
        assert name == "INFO" or f"does not know {name}." in refusal.value.message


async def test_one_that_is_taken_away_later_is_named_in_the_log(server: Process) -> None:
    server.command("ACL", "DELUSER", "board")
    make_user(server)
    engine = await ValkeyLeaderboard.open(url_of(server), identity="ledger")
    try:
        await engine.reset(Followed(identity="ledger", epoch=1))
        server.command("ACL", "SETUSER", "board", "-hset")
        with capture_logs() as logs:
            for _ in range(2):
                with pytest.raises(BoardUnavailable):
                    await engine.apply(0, [(1, Joined(0, "ann", 7))], Mark(1, b"1"))
        assert [line["word"] for line in logs] == ["NOPERM", "REFUSED"]
        assert "+hset" in logs[1]["do"]
        server.command("ACL", "SETUSER", "board", "+hset")
        await engine.apply(0, [(1, Joined(0, "ann", 7))], Mark(1, b"1"))
    finally:
        await engine.close()


@pytest.mark.parametrize(
    ("url", "warns"),
    [
        ("valkey://board.invalid:6379", True),
        pytest.param("valkey+sentinel://127.0.0.1:1,board.invalid:1/board", True, marks=pytest.mark.long),
        ("valkey://:pw@board.invalid:6379", False),
        ("valkey://127.0.0.1:1", False),
        ("valkey://[::1]:1", False),
        ("valkey://localhost:1", False),
    ],
)
async def test_a_server_without_a_password_that_others_reach_is_warned_of(url: str, *, warns: bool) -> None:
    with capture_logs() as logs:
        await (await ValkeyLeaderboard.open(url)).close()
    assert ("leaderboard.no_password" in [line["event"] for line in logs]) is warns
