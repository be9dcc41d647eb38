"""Refused: weak or default secrets; development keys on a public address. Start-up refuses, and says what to do.

What exactly is too weak is tried in `tests/unit/test_http_keys.py` and `test_names.py`; here it is the whole process
that does not start.
"""

import os
import subprocess
import sys
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from tests.acceptance.command_line import laurels
from tests.ending import end
from tests.fault.test_process_tree import Tree, until
from tests.settings import settings_with

from laurels.dashboard.names import PUBLISHED_KEY
from laurels.errors import SettingsError
from laurels.http import open_auth
from laurels.http.admission.tokens import development_key
from laurels.keyfile import check_folder

pytestmark = pytest.mark.slow

OWN_SECRET = bytes(range(1, 33)).hex()
GOOD = {"MODE": "keys", "ISSUER": "https://id.example", "AUDIENCE": "laurels"}
PUBLIC = ["0.0.0.0", "shop.example"]


def pem(key: RSAPrivateKey | Ed25519PrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


STRONG = pem(Ed25519PrivateKey.generate())
WEAK = pem(generate_private_key(65537, 1024))
PRIVATE = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def refused(
    state: Path,
    host: str,
    auth: Mapping[str, str],
    *,
    names: str = OWN_SECRET,
    keys: bytes = STRONG,
    mode: int = 0o600,
) -> str:
    """What `laurels serve` says when it does not start. Were it to start, the test would not end."""
    for name, content in (("names.key", names.encode()), ("keys.pem", keys)):
        (state / name).write_bytes(content)
        (state / name).chmod(mode)
    environment = {f"LAURELS_AUTH_{name}": value for name, value in auth.items()}
    if auth.get("MODE") == "keys":
        environment["LAURELS_AUTH_KEYS_FILE"] = str(state / "keys.pem")
    done = laurels("serve", "--state", state, "--host", host, "--port", "0", cwd=state, **environment)
    assert (done.returncode, done.stdout) == (2, ""), done.stderr
    assert "Traceback" not in done.stderr
    return " ".join(done.stderr.split())


@pytest.mark.parametrize("host", PUBLIC)
def test_development_keys_on_a_public_address(tmp_path: Path, host: str) -> None:
    assert "`dev` is for one machine alone" in refused(tmp_path, host, {})


@pytest.mark.parametrize("missing", ["ISSUER", "AUDIENCE"])
def test_tokens_for_anybody_on_a_public_address(tmp_path: Path, missing: str) -> None:
    auth = {name: value for name, value in GOOD.items() if name != missing}
    assert f"auth.{missing.lower()} has to be set" in refused(tmp_path, "0.0.0.0", auth)
    assert f"auth.{missing.lower()} is empty" in refused(tmp_path, "0.0.0.0", {**auth, missing: " "})


@pytest.mark.parametrize(
    ("secret", "said"),
    [
        (PUBLISHED_KEY.hex(), "published test vectors"),
        ("00" * 32, "could be guessed"),
        ("changeme", "is not hexadecimal"),
        ("", "a key needs 32 or more"),
    ],
)
def test_weak_or_default_secrets_behind_proxy_names(tmp_path: Path, secret: str, said: str) -> None:
    assert said in refused(tmp_path, "0.0.0.0", GOOD, names=secret)


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        (WEAK, "1024 bits is weak"),
        (PRIVATE, "holds a private key"),
        (b"", "no public key"),
        (b"secret", "no public key"),
    ],
)
def test_weak_keys_on_any_address(tmp_path: Path, keys: bytes, said: str) -> None:
    assert said in refused(tmp_path, "127.0.0.1", GOOD, keys=keys)


@pytest.mark.parametrize("mode", [0o644, 0o622])
def test_secrets_that_others_can_read_or_write(tmp_path: Path, mode: int) -> None:
    assert "by others" in refused(tmp_path, "127.0.0.1", GOOD, mode=mode)


@pytest.mark.parametrize("mode", [0o777, 0o757, 0o1777, 0o702])
def test_a_state_folder_that_others_may_write(tmp_path: Path, mode: int) -> None:
    state = tmp_path / "state"
    state.mkdir()
    state.chmod(mode)
    assert "can be written by others. Run: chmod go-w" in refused(state, "127.0.0.1", GOOD)


def test_the_group_of_the_process_is_not_others(tmp_path: Path) -> None:
    tmp_path.chmod(0o775)
    check_folder(tmp_path)
    check_folder(tmp_path / "nothing")
    if os.geteuid() == 0:
        os.chown(tmp_path, -1, os.getegid() + 1)
        with pytest.raises(SettingsError, match="by others"):
            check_folder(tmp_path)


@pytest.mark.long
def test_whatever_is_made_is_for_its_owner_alone(tmp_path: Path) -> None:
    """Also where the user lets others read and write what he makes."""
    state = tmp_path / "state"
    mask = os.umask(0)
    try:
        with closing(Tree(state)) as tree:
            order = {"member_id": "ann", "currency": "GBP", "total": "2000.00", "email": "ann@example.com"}
            tree.call("POST", "/order/A1", order)
            until(lambda: tree.awarded("A1") and any((state / "outbox").glob("*.eml")))
            end(tree.process)
    finally:
        os.umask(mask)
    found = [state, *state.rglob("*")]
    assert {"names.key", "auth.key", "laurels.db", "outbox"} <= {path.name for path in found}
    assert {path.name: oct(path.stat().st_mode & 0o777) for path in found if path.stat().st_mode & 0o077} == {}


def test_shared_secrets_are_no_algorithm(tmp_path: Path) -> None:
    """Nothing that a setting could say makes a public key a shared secret."""
    for algorithm in ("HS256", "none", "RS256,HS256"):
        assert "auth.algorithms" in refused(tmp_path, "127.0.0.1", {**GOOD, "ALGORITHMS": algorithm})


def test_a_server_of_ones_own_is_no_way_around(tmp_path: Path) -> None:
    """`laurels.asgi` cannot know the address, so it takes it for one that others reach."""
    (tmp_path / "keys.pem").write_bytes(STRONG)
    (tmp_path / "names.key").write_text(PUBLISHED_KEY.hex())
    (tmp_path / "names.key").chmod(0o600)
    environment = {
        **{f"LAURELS_AUTH_{name}": value for name, value in GOOD.items()},
        "LAURELS_AUTH_KEYS_FILE": str(tmp_path / "keys.pem"),
        "LAURELS_STATE": str(tmp_path),
    }
    command = [sys.executable, "-m", "uvicorn", "laurels.asgi:app", "--port", "0", "--host", "127.0.0.1"]
    done = subprocess.run(
        command, env={**os.environ, **environment}, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode != 0
    assert "published test vectors" in done.stderr


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "shop.example", ""])
def test_development_tokens_are_for_one_machine(tmp_path: Path, host: str) -> None:
    with pytest.raises(SettingsError, match="loopback address such as 127"):
        open_auth(settings_with(state=tmp_path, http_host=host))


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "::1", "localhost"])
def test_loopback_addresses_may_use_them(tmp_path: Path, host: str) -> None:
    open_auth(settings_with(state=tmp_path, http_host=host))


def test_the_development_key_is_for_its_owner(tmp_path: Path) -> None:
    state = tmp_path / "state"
    key = development_key(state)
    path = state / "auth.key"
    assert path.stat().st_mode & 0o777 == 0o600
    assert development_key(state).private_bytes_raw() == key.private_bytes_raw()
    path.chmod(0o640)
    with pytest.raises(SettingsError, match="chmod 600"):
        development_key(state)
    path.chmod(0o600)
    for content, reason in ((b"", "holds no private key"), (b"\xff", "holds no private key")):
        path.write_bytes(content)
        with pytest.raises(SettingsError, match=reason):
            development_key(state)
