"""Version tokens as callers see them: plain for services, sealed for members.

A position counts a shop's transactions, and that count is its own. So what members are shown is sealed by AES-SIV
(RFC 5297): the same version has the same token on every host, two versions have nothing in common, all are equally
long, and one that was changed or made up is noticed. The key follows from that of the proxy names, which every host has
already.

A plain token in a member's hand is one of version 0.1, or one that the shop handed on. To compare it would tell how
long the feed is to whoever tries numbers. Instead the answer is of a board that was confirmed after the question came:
then it has all that any earlier answer told.
"""

from binascii import Error as NotBase64
from collections.abc import Mapping
from hashlib import shake_256
from typing import Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from msgspec import Struct

from laurels.errors import LedgerUnavailable
from laurels.leaderboard import View
from laurels.ledger import Heads
from laurels.model import Version
from laurels.model.version import from_base64, no_token, to_base64

SEALED_LONG = 140
"""Characters of a sealed token of up to 16 shards, whatever the positions are."""

WIDTH = 5
"""Bytes of a position in a sealed token, so that its length does not tell them: up to 10^12 entries a shard."""

_SEALED = "s"  # no plain token begins so
_PLAIN_BYTES, _STEP = 88, 80
_KEY_BYTES = 64


class Epochs(Protocol):
    """Who knows the epochs: the ledger's feed."""

    async def heads(self) -> Heads:
        """See `laurels.ledger.Feed`."""
        ...


class Wanted(Struct, frozen=True):
    """The version that a reader asks for at least. `text` is the token; `by_feel`: it is not compared."""

    text: str
    version: Version
    by_feel: bool = False


class Seal:
    """Seals versions, and opens what it sealed."""

    def __init__(self, names_key: bytes) -> None:
        """`names_key`: that of the proxy names."""
        self.key = shake_256(b"laurels version tokens v1" + names_key).digest(_KEY_BYTES)
        self._siv = AESSIV(self.key)
        self._last: tuple[Version | None, str] = None, ""

    def token(self, version: Version) -> str:
        """The sealed token of a version. Costs some 10 us, and nothing for the very same one as last time."""
        known, token = self._last
        if known is not version:
            token = self.seal(version.packed(WIDTH))
            self._last = version, token
        return token

    def seal(self, packed: bytes) -> str:
        """The sealed token of a version packed in `WIDTH`. Costs some 3 us."""
        length = _PLAIN_BYTES + -(-max(0, len(packed) - _PLAIN_BYTES) // _STEP) * _STEP
        return _SEALED + to_base64(self._siv.encrypt(packed.ljust(length, b"\0"), None))

    def open(self, token: str, field: str) -> Version:
        """The version in a sealed token. Raises `InvalidInput` for one that this key did not seal."""
        try:
            sealed = from_base64(token.removeprefix(_SEALED))
            if _SEALED + to_base64(sealed) != token:  # base64 leaves some bits unused
                raise no_token(field)
            return Version.unpack(self._siv.decrypt(sealed, None), field)
        except (InvalidTag, NotBase64, ValueError):
            raise no_token(field) from None


class Versions:
    """What tokens mean."""

    def __init__(self, seal: Seal, feed: Epochs, *, held_back: bool = False) -> None:
        """`feed` is asked for its epochs, and only for a version of one before the board's: once for each epoch.
        `held_back`: what is confirmed need not be shown yet, so nothing is included by feel.
        """
        self._held_back = held_back
        self.seal = seal
        self._feed = feed
        self._began: Mapping[int, Mapping[int, int]] = {}

    def read(self, text: str, field: str = "min_version", *, by_member: bool) -> Wanted:
        """What a token asks for. Raises `InvalidInput` for one that no answer gave."""
        if text.startswith(_SEALED):
            return Wanted(text, self.seal.open(text, field))
        return Wanted(text, Version.parse(text, field), by_feel=by_member)

    async def includes(self, view: View, wanted: Wanted, asked_at: int) -> bool:
        """Whether what is shown has all that was asked for at an instant.

        Of an earlier epoch it has what was there when each epoch since began; False where the ledger would have to be
        asked and is away.
        """
        shown = view.version
        if wanted.by_feel:
            is_shown = shown.epoch == wanted.version.epoch and not self._held_back
            return is_shown and view.confirmed_at >= asked_at
        if shown.epoch <= wanted.version.epoch:
            return shown.includes(wanted.version)
        if shown.epoch not in self._began:
            try:
                heads = await self._feed.heads()
            except LedgerUnavailable:
                return False
            self._began = {
                epoch: {shard: mark.position for shard, mark in marks.items()} for epoch, marks in heads.began.items()
            }
        return shown.includes(wanted.version, self._began)
