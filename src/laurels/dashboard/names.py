"""Proxy names: the confidential names that members bear on boards, such as "Amber Falcon 4821".

A proxy name is computed, never stored: a permutation that only the key holder knows takes the member's name number (the
ledger's; a rename gives a new one) to one of 655,360,000 names. So names are unique, the same on every
host and engine, and tell nothing to who lacks the key. The format is frozen; `docs/reference/proxy-names.md` has it
exactly, with test vectors, and says what the names hide and what they do not.
"""

import secrets
import struct
from array import array
from functools import lru_cache
from hashlib import shake_256
from importlib.resources import files
from pathlib import Path

from laurels.errors import SettingsError
from laurels.keyfile import read_secret, refusal, write_once
from laurels.ledger import NAMES, NameNumbers

WORDS = 256
"""How many adjectives there are, and how many creatures."""

NUMBERS = 10_000
"""How many names share an adjective and a creature: 0000 to 9999."""

KEY_BYTES = 32
"""The least length of a key."""

PUBLISHED_KEY = bytes(range(KEY_BYTES))
"""The key of the published test vectors: anybody can undo names under it."""

_SIDE = 25_600  # its square is how many names there are
_ROUNDS = 8
_HOT_NAMES = 65_536  # some 15 MB
_LEAST_DIFFERENT_BYTES = 16  # 32 random bytes have fewer once in 10^16 keys
_WORDS_OF_NAME, _DIGITS = 3, 4
_TITLE = "the proxy names"
_MAKE_ONE = "Make one with: openssl rand -hex 32"


class ProxyNames:
    """The proxy names under one key. Making it takes some 25 ms and 450 kB; threads may share it."""

    def __init__(self, key: bytes) -> None:
        """Raise `SettingsError` for a key shorter than 32 bytes. Another key gives every member another name."""
        if len(key) < KEY_BYTES:
            raise SettingsError(
                f"The key of the proxy names has {len(key)} bytes and needs {KEY_BYTES} or more. {_MAKE_ONE}"
            )
        self.numbers = NameNumbers(key)
        """What the ledger numbers names by, under the same key."""
        self._shuffle = Shuffle(_SIDE, key)
        self.adjectives = _words("adjectives.txt")
        self.creatures = _words("creatures.txt")
        self._places = {word.casefold(): place for place, word in enumerate(self.adjectives)}
        self._creature_places = {word.casefold(): place for place, word in enumerate(self.creatures)}
        # Every reader of a board sees the same top: a remembered name costs a fifteenth of a computed one.
        self._remembered = lru_cache(maxsize=_HOT_NAMES)(self._render)

    @property
    def tables(self) -> "list[array[int]]":
        """The secret values of each round, for an engine that renders names itself. As secret as the key."""
        return self._shuffle.tables

    def name(self, name_number: int) -> str:
        """The proxy name of a name number. Raises `ValueError` outside 0 to 655,359,999.

        Takes about 2 us, or 0.15 us for one of the 65,536 names asked for last.
        """
        return self._remembered(name_number)

    def number(self, name: str) -> int | None:
        """The name number that has this proxy name, whatever the case of its letters; None where it is no name.
        Undoes `name` in some 4 us: only the key holder can.
        """
        words = name.split()
        if len(words) != _WORDS_OF_NAME or not (words[2].isascii() and words[2].isdigit() and len(words[2]) == _DIGITS):
            return None
        adjective, creature = self._places.get(words[0].casefold()), self._creature_places.get(words[1].casefold())
        if adjective is None or creature is None:
            return None
        return self._shuffle.undo((adjective * WORDS + creature) * NUMBERS + int(words[2]))

    def _render(self, name_number: int) -> str:
        if not 0 <= name_number < NAMES:
            raise ValueError(f"A name number is from 0 to {NAMES - 1}, not {name_number}.")
        pair, number = divmod(self._shuffle(name_number), NUMBERS)
        adjective, creature = divmod(pair, WORDS)
        return f"{self.adjectives[adjective]} {self.creatures[creature]} {number:04d}"


class Shuffle:
    """A keyed permutation of 0 to side * side - 1: an alternating Feistel network (Black & Rogaway 2002, method 3).

    The number is split into two halves below `side`. Each round adds to one half a secret value chosen by the other
    half, modulo `side`. Whoever knows the other half can subtract it again: each round can be undone, so no two
    numbers end at the same place, whatever the tables hold.
    """

    def __init__(self, side: int, key: bytes) -> None:
        """`side` is at most 65,536. Costs 8 tables of `side` two-byte values."""
        self._side = side
        self.tables = [_table(side, round_, key) for round_ in range(_ROUNDS)]
        self._rounds = tuple(zip(self.tables[::2], self.tables[1::2], strict=True))

    def __call__(self, number: int) -> int:
        """Where a number from 0 to side * side - 1 goes. Anything else is not checked and means nothing."""
        side = self._side
        left, right = divmod(number, side)
        for even, odd in self._rounds:
            left = (left + even[right]) % side
            right = (right + odd[left]) % side
        return left * side + right

    def undo(self, number: int) -> int:
        """Where a number comes from."""
        side = self._side
        left, right = divmod(number, side)
        for even, odd in reversed(self._rounds):
            right = (right - odd[left]) % side
            left = (left - even[right]) % side
        return left * side + right


def load_key(path: Path) -> bytes:
    """The key that a key file holds in hexadecimal.

    Raises `SettingsError`, saying what to do, for a file that cannot be read, that others on the machine can read, that
    is not hexadecimal, or whose key is too short or no product of chance.
    """
    text = read_secret(path, _TITLE)
    try:
        key = bytes.fromhex(text.decode("ascii").strip())
    except ValueError:  # not kept as the cause: it holds the text, which may be most of a secret
        raise _refusal(path, "is not hexadecimal: an even number of the digits 0-9 and a-f") from None
    if len(key) < KEY_BYTES:
        raise _refusal(path, f"has {len(key)} bytes, and a key needs {KEY_BYTES} or more. {_MAKE_ONE}")
    if len(set(key)) < _LEAST_DIFFERENT_BYTES:
        raise _refusal(path, f"has only {len(set(key))} different bytes, so it could be guessed. {_MAKE_ONE}")
    return key


def new_key_file(path: Path) -> None:
    """Make a key file with 32 random bytes, readable by its owner alone, unless the file is there already.

    Many processes may do this at once: one file appears, whole and on the disk, and all of them load the same key.
    Raises `SettingsError` where it cannot be made. A process killed inside may leave an unused file `.NAME.*`.
    """
    if path.exists():
        return
    try:
        write_once(path, secrets.token_hex(KEY_BYTES) + "\n")
    except OSError as error:
        raise _refusal(path, f"cannot be made: {error.strerror}. Make it with: openssl rand -hex 32") from error


def _refusal(path: Path, reason: str) -> SettingsError:
    return refusal(path, _TITLE, reason)


def _table(side: int, round_: int, key: bytes) -> "array[int]":
    """The secret values of one round. 64 bits each before the remainder: its bias is below 2^-49."""
    stream = shake_256(b"laurels proxy names v1" + bytes([round_]) + key).digest(side * 8)
    # An array of two-byte values stays in the processor's cache; a list of ints takes twice the time.
    return array("H", [value % side for value in struct.unpack(f"<{side}Q", stream)])


def _words(file_name: str) -> tuple[str, ...]:
    return tuple(files("laurels.dashboard").joinpath("words", file_name).read_text("ascii").split())
