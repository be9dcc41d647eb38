"""TLS to a server with a certificate of its own authority, with and without one of ours; on the machine's Redis."""

import datetime as dt
from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from structlog.testing import capture_logs
from tests.key_value_server import Process, free_port, redis_binary, running

from laurels.engines.valkey import Tls, ValkeyLeaderboard
from laurels.errors import SettingsError
from laurels.leaderboard import Followed
from laurels.settings import load
from laurels.wiring import build

pytestmark = pytest.mark.anyio


class Authority:
    """Signs certificates, as PEM files in a folder."""

    def __init__(self, folder: Path, name: str) -> None:
        self.folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
        self.file = folder / f"{name}.crt"
        self.file.write_bytes(self._signed(self._name, self._key.public_key(), is_authority=True))

    def issue(self, name: str) -> tuple[Path, Path]:
        """A certificate for the loopback address, and its key."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
        cert_file, key_file = self.folder / f"{name}.crt", self.folder / f"{name}.key"
        cert_file.write_bytes(self._signed(subject, key.public_key(), is_authority=False))
        key_file.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        return cert_file, key_file

    def _signed(self, subject: x509.Name, key: ec.EllipticCurvePublicKey, *, is_authority: bool) -> bytes:
        now = dt.datetime.now(dt.UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - dt.timedelta(days=1))
            .not_valid_after(now + dt.timedelta(days=1))
            .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
            .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        )
        return builder.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


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


async def test_a_plain_address_of_a_tls_port_is_told_of(server: tuple[str, bool]) -> None:
    with capture_logs() as logs:
        await (await ValkeyLeaderboard.open(server[0].replace("valkeys", "valkey"))).close()
    [trouble] = [line for line in logs if line["event"] == "leaderboard.trouble"]
    assert "a TLS port is valkeys://" in trouble["do"].replace("A TLS", "a TLS")
