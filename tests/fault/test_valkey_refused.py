"""Servers on which a board could not be exact are refused, with what to do about it."""

from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs
from tests import valkey_server

from laurels.engines.valkey import ValkeyLeaderboard
from laurels.engines.valkey.rights import refusal_of
from laurels.errors import BoardNotReady, BoardUnavailable, SettingsError
from laurels.leaderboard import ALL_TIME, Followed, Joined
from laurels.model import Mark
from laurels.runtime.roles import PROJECT, WORK
from laurels.runtime.serving import run_once
from laurels.settings import load
from laurels.testing.ledger_contract.base import order
from laurels.wiring import build

pytestmark = pytest.mark.anyio

SECRET = "hunter2"
GOOD: dict[str, Any] = {"redis_version": "7.2.4", "role": "master", "maxmemory_policy": "noeviction"}


@pytest.mark.parametrize(
    ("config", "advice"),
    [
        ({"maxmemory": "100mb", "maxmemory-policy": "allkeys-lru"}, "Set maxmemory-policy noeviction"),
        ({"replicaof": "127.0.0.1 1"}, "Give the address of its primary"),
        ({"cluster-enabled": "yes"}, "Give a server that stands alone"),
    ],
)
async def test_a_server_that_will_not_do_is_refused(config: dict[str, str], advice: str, tmp_path: Path) -> None:
    with valkey_server.running(tmp_path, **config) as server, pytest.raises(SettingsError, match=advice) as refusal:
        await ValkeyLeaderboard.open(server.url)
    assert refusal.value.message.startswith(f"leaderboard.url: 127.0.0.1:{server.port} ")


async def test_a_password_is_used_and_a_wrong_one_refused_and_not_repeated(tmp_path: Path) -> None:
    with valkey_server.running(tmp_path, aclfile=acl(tmp_path)) as server:
        await (await ValkeyLeaderboard.open(server.url.replace("//", f"//shop:{SECRET}@"))).close()
        with pytest.raises(SettingsError, match="does not take this user and password") as refusal:
            await ValkeyLeaderboard.open(server.url.replace("//", f"//shop:{SECRET}x@"))
    assert SECRET not in refusal.value.message


async def test_what_needs_no_board_goes_on_while_the_password_is_refused(tmp_path: Path) -> None:
    """As after it was changed there: awarding does not wait for whoever corrects it, and the log says what is wrong."""
    with valkey_server.running(tmp_path, aclfile=acl(tmp_path)) as server:
        given = {
            "state": tmp_path / "state",
            "leaderboard.engine": "valkey",
            "leaderboard.url": server.url.replace("//", f"//shop:{SECRET}x@"),
        }
        wrong = load(given, environment={})
        with capture_logs() as logs:
            async with build(wrong, needs_board=False) as services:
                await services.ledger.accept([order("A1", "ann", "25.00").document()])
            assert await run_once(wrong, WORK) == "1 documents awarded"
        said = next(line for line in logs if line["event"] == "leaderboard.refused")
        assert "does not take this user and password" in said["why"]
        assert SECRET not in str(logs)
        with pytest.raises(SettingsError, match="does not take this user and password"):
            await run_once(wrong, PROJECT)


def acl(folder: Path) -> str:
    """A file of users: the shop, and one without a password that may do nothing but say it is there."""
    path = folder / "users.acl"
    path.write_text(f"user default on nopass -@all +ping\nuser shop on >{SECRET} ~* &* +@all\n", "utf-8")
    return str(path)


@pytest.mark.parametrize(
    ("about", "why"),
    [
        ({}, None),
        ({"valkey_version": "9.1.2"}, None),
        ({"redis_version": "6.2.0"}, None),
        ({"maxmemory_policy": "volatile-lru"}, None),  # what has no time to live stays
        ({"redis_version": "6.0.16"}, "runs Redis 6.0.16"),
        ({"redis_version": "7.2.4", "valkey_version": "7.2.5"}, "runs Valkey 7.2.5"),
        ({"redis_version": "8.0-rc1"}, None),
        ({"maxmemory_policy": "allkeys-random"}, "maxmemory-policy allkeys-random"),
        ({"cluster_enabled": 1}, "part of a cluster"),
        ({"role": "slave"}, "is a replica"),
    ],
)
def test_what_a_server_says_about_itself_decides(about: dict[str, Any], why: str | None) -> None:
    refusal = refusal_of(GOOD | about)
    assert refusal is None if why is None else refusal is not None and why in refusal


async def test_a_server_that_evicts_by_now_is_not_built_upon(tmp_path: Path) -> None:
    with valkey_server.running(tmp_path) as server:
        async with valkey_server.leaderboard(server.url) as engine:
            await engine.reset(Followed(identity="ledger", epoch=1))
            server.command("CONFIG", "SET", "maxmemory-policy", "allkeys-lfu")
            with pytest.raises(BoardUnavailable):
                await engine.reset(Followed(identity="ledger", epoch=1))
            with pytest.raises(BoardNotReady) as told:
                await engine.read(ALL_TIME, None, top=0, around=0)
            assert str(server.port) not in told.value.message


async def test_a_server_that_is_full_says_so_and_keeps_what_it_has(tmp_path: Path) -> None:
    with valkey_server.running(tmp_path) as server:
        async with valkey_server.leaderboard(server.url) as engine:
            await engine.reset(Followed(identity="ledger", epoch=1))
            await engine.confirm(1)
            server.command("CONFIG", "SET", "maxmemory", "1")
            with pytest.raises(BoardUnavailable, match="OOM"):
                await engine.apply(0, [(1, Joined(0, "ann", 7))], Mark(1, b"1"))
            server.command("CONFIG", "SET", "maxmemory", "0")
            await engine.apply(0, [(1, Joined(0, "ann", 7))], Mark(1, b"1"))
            assert (await engine.read(ALL_TIME, "ann", top=0, around=0)).me is not None


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("", "it names no server"),
        ("board.example:6379", "it names no server"),
        (f"http://shop:{SECRET}@board.example", "it names no server"),
        (f"valkey://shop:{SECRET}@", "it names no server"),
        (f"valkey://shop:{SECRET}@board.example:70000", "host or port cannot be read"),
        (f"valkey://shop:{SECRET}@[::1", "host or port cannot be read"),
        (f"redis://shop:{SECRET}@board.example/one", "only the number of a database may follow"),
        (f"redis://shop:6379/{SECRET}@board.example", "only the number of a database may follow"),
        (f"rediss://board.example?password={SECRET}", "only the number of a database may follow"),
    ],
)
async def test_a_url_that_cannot_be_used_is_refused_and_not_repeated(url: str, why: str) -> None:
    with pytest.raises(SettingsError) as refusal:
        await ValkeyLeaderboard.open(url)
    assert refusal.value.message.startswith(f"leaderboard.url: {why}")
    assert SECRET not in refusal.value.message
    assert refusal.value.__context__ is None or refusal.value.__suppress_context__


@pytest.mark.parametrize(
    ("flags", "why"),
    [
        ({"leaderboard.engine": "valkey"}, "leaderboard.url is not set"),
        ({"leaderboard.url": "valkey://127.0.0.1"}, "is (native|memory): set leaderboard.engine = valkey"),
    ],
)
async def test_engine_and_url_go_together(flags: dict[str, str], why: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=why):
        async with build(load({"state": tmp_path, **flags}, environment={})):
            pass


async def test_a_server_that_is_away_at_the_start_is_waited_for(tmp_path: Path) -> None:
    server = valkey_server.ValkeyNode(tmp_path)
    engine = await ValkeyLeaderboard.open(server.url)
    try:
        with pytest.raises(BoardNotReady):
            await engine.read(ALL_TIME, None, top=0, around=0)
        server.start()
        assert await engine.followed() == Followed()
    finally:
        await engine.close()
        server.kill()
