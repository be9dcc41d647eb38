"""TLS to a server with a certificate of its own authority, with and without one of ours; on the machine's Redis."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs
from tests.certificates import Authority
from tests.key_value_server import Process, redis_binary, running
from tests.ports import free_port

from laurels.engines.valkey import Tls, ValkeyLeaderboard
from laurels.errors import SettingsError
from laurels.leaderboard import Followed
from laurels.settings import load
from laurels.wiring import build

pytestmark = pytest.mark.anyio


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path, "authority")


@pytest.fixture(params=["no", "yes"])
def server(request: pytest.FixtureRequest, authority: Authority, tmp_path: Path) -> Iterator[tuple[str, bool]]:
    """The address of its TLS port, and whether it wants a certificate of its clients."""
    cert_file, key_file = authority.issue("server")
    port = free_port()
    config = (
        f"tls-port {port}\ntls-cert-file {cert_file}\ntls-key-file {key_file}\n"
        f"tls-ca-cert-file {authority.file}\ntls-auth-clients {request.param}\n"
    )
    with running(Process(redis_binary(), tmp_path / "redis", config=config)):
        yield f"valkeys://127.0.0.1:{port}", request.param == "yes"


async def works(url: str, tls: Tls, *, words: frozenset[str] = frozenset({"TLS"})) -> bool:
    """Whether a board can be built there; if not, the log says why in one of these words."""
    with capture_logs() as logs:
        engine = await ValkeyLeaderboard.open(url, tls=tls)
    troubles = [line["word"] for line in logs if line["event"] == "leaderboard.trouble"]
    try:
        if not troubles:
            await engine.reset(Followed(identity="ledger", epoch=1))
            await engine.confirm(1)
            return True
        assert len(troubles) == 1
        assert words.issuperset(troubles)
        return False
    finally:
        await engine.close()


async def test_the_settings_name_authority_and_certificate(
    server: tuple[str, bool], authority: Authority, tmp_path: Path
) -> None:
    url, wants_ours = server
    ours = Tls(ca_file=authority.file, cert_file=(pair := authority.issue("laurels"))[0], key_file=pair[1])
    assert await works(url, ours)
    # By TLS 1.3 the server tells that it wants a certificate only after our side has finished, and hangs up: whether we
    # read its word before the connection is gone is a race.
    hung_up = frozenset({"TLS", "AWAY"})
    assert await works(url, Tls(ca_file=authority.file), words=hung_up) is not wants_ours
    assert not await works(url, Tls())  # the system's authorities do not know it
    assert not await works(url, Tls(ca_file=Authority(tmp_path, "another").file))


async def test_they_are_read_from_the_settings_file(
    server: tuple[str, bool], authority: Authority, tmp_path: Path
) -> None:
    cert_file, key_file = authority.issue("laurels")
    flags = {
        "state": tmp_path / "state",
        "leaderboard.engine": "valkey",
        "leaderboard.url": server[0],
        "leaderboard.ca_file": authority.file,
        "leaderboard.cert_file": cert_file,
        "leaderboard.key_file": key_file,
    }
    async with build(load(flags, environment={})) as services:
        await services.projector.catch_up()


async def test_files_that_cannot_be_used_are_refused(authority: Authority, tmp_path: Path) -> None:
    cert_file, key_file = authority.issue("laurels")
    noise = tmp_path / "noise.pem"
    noise.write_bytes(b"noise")
    for tls, why in (
        (Tls(ca_file=tmp_path / "nothing"), "leaderboard.ca_file: there is no file"),
        (Tls(ca_file=noise), "cannot be used"),
        (Tls(cert_file=cert_file, key_file=noise), "cannot be used"),
        (Tls(cert_file=cert_file), "cannot be used"),
        (Tls(key_file=key_file), "leaderboard.cert_file is not"),
    ):
        with pytest.raises(SettingsError, match=why):
            await ValkeyLeaderboard.open("valkeys://127.0.0.1:1", tls=tls)


@pytest.mark.parametrize("name", ["ca_file", "cert_file", "key_file"])
async def test_files_for_an_address_without_tls_are_refused(tmp_path: Path, name: str) -> None:
    """The server would be believed unchecked, and its password sent to whoever listens."""
    with pytest.raises(SettingsError, match=rf"leaderboard\.{name} is set, .* without TLS"):
        await ValkeyLeaderboard.open("valkey://127.0.0.1:1", tls=Tls(**{name: tmp_path / "file.pem"}))


async def test_a_sentinels_password_without_sentinels_is_refused() -> None:
    with pytest.raises(SettingsError, match=r"leaderboard\.sentinel_password is set, .* no sentinels"):
        await ValkeyLeaderboard.open("valkey://127.0.0.1:1", sentinel_password="hunter2")


@pytest.mark.parametrize("name", ["url", "ca_file", "cert_file", "key_file", "sentinel_password"])
async def test_what_is_for_a_server_is_refused_where_there_is_none(tmp_path: Path, name: str) -> None:
    settings = load({"state": tmp_path, "leaderboard.engine": "memory", f"leaderboard.{name}": "x"}, environment={})
    with pytest.raises(SettingsError, match=rf"leaderboard\.{name} is set, .*engine is memory"):
        async with build(settings):
            pass


async def test_a_plain_address_of_a_tls_port_is_told_of(server: tuple[str, bool]) -> None:
    with capture_logs() as logs:
        await (await ValkeyLeaderboard.open(server[0].replace("valkeys", "valkey"))).close()
    [trouble] = [line for line in logs if line["event"] == "leaderboard.trouble"]
    assert "a TLS port is valkeys://" in trouble["do"].replace("A TLS", "a TLS")
