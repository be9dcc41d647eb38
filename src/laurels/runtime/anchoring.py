"""Anchors: signed heads of the ledger, written now and then to a file that lies where the ledger's own machine cannot
change it. Who changes entries and recomputes every hash after them cannot give the ledger the heads that it had.
"""

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import structlog
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from msgspec import Struct

from laurels.clock import MINUTE, Clock
from laurels.errors import FeedDiverged, InvalidInput
from laurels.keyfile import make_folder, read_secret, refusal, write_once
from laurels.ledger import Feed, Finding
from laurels.model import Mark
from laurels.model.times import format_instant, parse_instant
from laurels.runtime.heads import heads_of

KEY_FILE = "anchor.key"
_TITLE = "the anchors"
_LAST_BYTES = 65_536  # more than one line: 256 shards take 26 kB

log = structlog.get_logger(__name__)


class Anchor(Struct, frozen=True, kw_only=True):
    """Where a ledger's feed ended at a moment: each head as `shard-position-hash`."""

    at: str
    ledger: str
    epoch: int
    heads: list[str]


class SignedAnchor(Struct, frozen=True):
    """A line of the file. The signature (Ed25519, in hex) is over the anchor's bytes as they stand there."""

    anchor: msgspec.Raw
    signature: str


class Anchors:
    """Writes anchors of one ledger to a file, at most one in so many minutes, whoever else writes there."""

    def __init__(self, path: Path, state: Path, minutes: int, now: Clock) -> None:
        """Makes the signing key under `state` where there is none. Raises `SettingsError`."""
        self._path = path
        self._pause = minutes * MINUTE
        self._now = now
        self._key = _private(state)

    async def step(self, ledger: Feed) -> bool:
        """Write the heads as they are now, if the last ones are old enough and others. Whether it was written; a file
        that cannot be written is logged.
        """
        heads = await ledger.heads()
        anchor = Anchor(
            at=format_instant(self._now()), ledger=heads.identity, epoch=heads.epoch, heads=list(heads_of(heads))
        )
        try:
            return self._write(anchor)
        except OSError as error:
            log.warning("anchor.not_written", error=error.strerror)
            return False

    def _write(self, anchor: Anchor) -> bool:
        with _locked(self._path) as file:
            last = _last(file)
            if last is not None and (
                last.heads == anchor.heads or self._now() - parse_instant(last.at, "at") < self._pause
            ):
                return False
            text = msgspec.json.encode(anchor)
            line = msgspec.json.encode(SignedAnchor(msgspec.Raw(text), self._key.sign(text).hex()))
            os.write(file, line + b"\n")
            os.fsync(file)
            return True


def public_key(state: Path) -> str:
    """The key that anchors are checked with, in hex. Raises `SettingsError`."""
    return _read_key(state).public_key().public_bytes_raw().hex()


async def differing(ledger: Feed, against: Iterable[str], key: Callable[[], str]) -> tuple[list[Finding], int]:
    """Hold a ledger against heads that it had: given as `shard-position-hash`, or as files of anchors, which `key`
    checks. What does not fit, and how many heads were looked for. Raises `InvalidInput`, `SettingsError`.
    """
    findings, looked = [], 0
    heads = await ledger.heads()
    for given in against:
        for where, anchor in _anchors(given, key):
            if anchor is None:
                findings.append(Finding(where, "is no anchor that this key signed"))
                continue
            if anchor.ledger not in {"", heads.identity}:
                findings.append(Finding(where, "is a head of another ledger"))
                continue
            for shard, mark in map(_parsed, anchor.heads):
                looked += 1
                if not await _holds(ledger, shard, mark):
                    what = f"the ledger does not hold the head {shard}-{mark.position} that it had: entries up to it"
                    findings.append(Finding(where, f"{what} were changed, or a copy from before it was put back"))
    return findings, looked


async def _holds(ledger: Feed, shard: int, mark: Mark) -> bool:
    try:
        await ledger.board_entries(shard, mark, 1)
    except FeedDiverged:
        return False
    return True


def _parsed(head: str) -> tuple[int, Mark]:
    try:
        shard, position, digest = head.split("-")
        return int(shard), Mark(int(position), bytes.fromhex(digest))
    except ValueError as error:
        raise InvalidInput.of(
            "--against", "must be a head as `laurels verify` prints it (0-4711-…), or a file of anchors"
        ) from error


def _anchors(given: str, key: Callable[[], str]) -> Iterator[tuple[str, Anchor | None]]:
    """What is given as anchors, each with where it stands; None for a line that the key did not sign."""
    path = Path(given)
    if not path.is_file():
        yield given, Anchor(at="", ledger="", epoch=0, heads=[given])
        return
    try:
        public = Ed25519PublicKey.from_public_bytes(bytes.fromhex(key()))
    except ValueError as error:
        raise InvalidInput.of("--key", "must be the 64 hexadecimal digits that `laurels keys show` prints") from error
    for number, line in enumerate(path.read_bytes().splitlines(), 1):
        where = f"{path}, line {number}"
        try:
            signed = msgspec.json.decode(line, type=SignedAnchor)
            public.verify(bytes.fromhex(signed.signature), bytes(signed.anchor))
            yield where, msgspec.json.decode(signed.anchor, type=Anchor)
        except (msgspec.MsgspecError, ValueError, InvalidSignature):
            yield where, None


@contextmanager
def _locked(path: Path) -> Iterator[int]:
    """The file opened to append, alone."""
    import fcntl  # noqa: PLC0415 - not made for Windows

    file = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield file
    finally:
        os.close(file)


def _last(file: int) -> Anchor | None:
    """The last anchor of a file; None where there is none that can be read."""
    size = os.fstat(file).st_size
    lines = os.pread(file, _LAST_BYTES, max(0, size - _LAST_BYTES)).splitlines()
    try:
        return msgspec.json.decode(msgspec.json.decode(lines[-1], type=SignedAnchor).anchor, type=Anchor)
    except (IndexError, msgspec.MsgspecError):
        return None


def _private(state: Path) -> Ed25519PrivateKey:
    path = state / KEY_FILE
    if not path.exists():
        make_folder(state)
        write_once(path, Ed25519PrivateKey.generate().private_bytes_raw().hex() + "\n")
    return _read_key(state)


def _read_key(state: Path) -> Ed25519PrivateKey:
    path = state / KEY_FILE
    try:
        return Ed25519PrivateKey.from_private_bytes(bytes.fromhex(read_secret(path, _TITLE).decode("ascii").strip()))
    except ValueError as error:
        raise refusal(path, _TITLE, "is not 64 hexadecimal digits") from error
