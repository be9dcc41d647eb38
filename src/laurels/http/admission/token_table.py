"""Tokens that were checked, by a digest of the header that they came in: what is remembered lets nobody in.

There is one table in a process. Where the native core is installed it is the core's, which the edge reads without the
interpreter; else the one here, which remembers the same. The core's may share members' tokens with the other workers
(`shared_tokens.py`).
"""

import hashlib
from collections import OrderedDict
from collections.abc import Sequence
from typing import Protocol

from laurels.http.admission.callers import Caller
from laurels.http.admission.shared_tokens import joined
from laurels.http.native import IS_INSTALLED, core

_NOBODY = None, 0


class TokenTable(Protocol):
    """Checked tokens and their callers."""

    def put(self, header: bytes, value: Caller, member_id: str | None, until: int) -> None:
        """Remember who sent a header until an instant; `member_id` where it is a member."""

    def get(self, header: bytes, now: int) -> Caller | None:
        """Who sent this header, where that is remembered at this instant."""

    def share(self, header: bytes, member_id: str, until: int, expires: int, key: int) -> None:
        """Tell the other workers which member sent a header, and with which key its token was checked."""

    def known(self, header: bytes, now: int) -> tuple[str, int, int] | None:
        """The member that sent a header, when its token expires and until when that is remembered, as another worker
        told; None where none did, or it was checked with a key that is not trusted here.
        """

    def trust(self, keys: Sequence[int]) -> None:
        """Trust these keys of what other workers tell, and no other."""

    def clear(self) -> None:
        """Forget all that was put here."""


def new_token_table(most: int) -> TokenTable:
    """A table of at most so many tokens; then the one that was put longest ago is forgotten."""
    return core.TokenTable(most, joined()) if IS_INSTALLED else PlainTokenTable(most)


class PlainTokenTable:
    """A table in Python: some 450 bytes a token. It shares nothing."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._entries: OrderedDict[bytes, tuple[Caller, int]] = OrderedDict()

    def put(self, header: bytes, value: Caller, member_id: str | None, until: int) -> None:
        """See `TokenTable`. The caller says who it is already."""
        del member_id
        digest = _digest(header)
        self._entries[digest] = value, until
        self._entries.move_to_end(digest)
        if len(self._entries) > self._most:
            self._entries.popitem(last=False)

    def get(self, header: bytes, now: int) -> Caller | None:
        """See `TokenTable`."""
        caller, until = self._entries.get(_digest(header), _NOBODY)
        return caller if until > now else None

    def share(self, header: bytes, member_id: str, until: int, expires: int, key: int) -> None:
        """See `TokenTable`."""

    def known(self, header: bytes, now: int) -> None:
        """See `TokenTable`."""

    def trust(self, keys: Sequence[int]) -> None:
        """See `TokenTable`."""

    def clear(self) -> None:
        """See `TokenTable`."""
        self._entries.clear()


def _digest(header: bytes) -> bytes:
    return hashlib.blake2b(header, digest_size=32).digest()
