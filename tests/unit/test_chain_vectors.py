"""Frozen hashes of entries: what is written today is proven by every later version, on every engine.

A hash that changes here makes every ledger there is look tampered with. A new format gets vectors of its own.
"""

from typing import Any, NamedTuple

import pytest

from laurels.ledger.chain import FORMAT, chained_hash, chained_hashes


class Hashed(NamedTuple):
    """What an entry's hash is made from."""

    previous: bytes
    format: int
    shard: int
    position: int
    columns: tuple[Any, ...]
    details: bytes | None


FIRST = b""
LATER = bytes(range(32))

ENROL = ("enrol", 0, 0, None, None, None, None, None, "", None, 1, "clerk", 1_700_000_000_000_000, 1, 2)
EARN = ("earn", 7, 3, "GBP", 2500, "shop", "A1", None, "25.00 GBP: 3 points", 1, None, None, 10, 11, 12)
EARN_OF_TODAY = ("earn", 7, 3, "GBP", 2500, "shop", "A1", None, "", 1, None, None, 10, 11, 12)
FOREIGN = (
    "adjust",
    2**31,
    -5,
    None,
    None,
    "caf\u00e9 \u65e5\u672c",
    None,
    None,
    "",
    None,
    None,
    "Zo\u00eb \U0001f3c5",
    -1,
    0,
    1,
)
WORDED = (
    "adjust",
    1,
    -5,
    None,
    None,
    "caf\u00e9",
    None,
    None,
    "Entschuldigung f\u00fcr \u65e5\u672c \U0001f3c5",
    None,
    None,
    "Zo\u00eb",
    -1,
    0,
    1,
)
REVERSE = ("reverse", 7, -1, "GBP", 500, "shop", "A1", "R1", "", 1, None, "shop", 10, 11, 13)

VECTORS = [
    (Hashed(FIRST, 1, 0, 1, ENROL, None), "5c0729a4fde9cf48743bef9c83d092f3bdcba1e4506b434aafed1baf4b581ba4"),
    (Hashed(LATER, 1, 0, 2, EARN, None), "987c73fc4279f934c05b18bcd4854e6c0ea2b7c9bb5f30591d73ebdfe795483d"),
    (Hashed(LATER, 1, 0, 3, WORDED, None), "a3d016af74adb68d2cda2860ed7c7cf4fec003da54fd2a55b9c7ce2a67058997"),
    (Hashed(FIRST, 2, 0, 1, ENROL, None), "bacb8cec3e68a9ec0c8d3661f1394baf"),
    (Hashed(LATER, 2, 15, 1099511627775, EARN_OF_TODAY, None), "f3abe0da89cedfea8f9858cb7bd6dfaa"),
    (Hashed(LATER, 2, 3, 2, FOREIGN, b'{"board":false}'), "320dcf4c22cbf63dd5a17a951cd28f34"),
    (Hashed(LATER, 2, 1, 3, REVERSE, b'{"left":2500}'), "987a57e2ff45ef7f17f743771dd8380c"),
    (Hashed(LATER, 2, 1, 4, REVERSE, b'{"left":0,"order_source":"caf\xc3\xa9"}'), "c34507491ee1f0cd15cd6aed3525c581"),
]

ENTRY = Hashed(LATER, 2, 1, 3, REVERSE, b'{"left":2500}')


def _hash(of: Hashed) -> bytes:
    return chained_hash(of.previous, of.columns, of.details, written_as=of.format, shard=of.shard, position=of.position)


@pytest.mark.parametrize(("entry", "hashed"), VECTORS)
def test_a_hash_stays_what_it_was(entry: Hashed, hashed: str) -> None:
    assert _hash(entry).hex() == hashed


def test_entries_are_written_in_a_format_with_vectors() -> None:
    assert FORMAT in {entry.format for entry, _ in VECTORS}


@pytest.mark.parametrize("column", range(len(REVERSE)))
def test_every_column_counts(column: int) -> None:
    other = list(REVERSE)
    other[column] = "other"
    assert _hash(ENTRY._replace(columns=tuple(other))) != _hash(ENTRY)


def test_all_else_counts_too() -> None:
    others = [
        ENTRY,
        ENTRY._replace(previous=FIRST),
        ENTRY._replace(format=3),
        ENTRY._replace(shard=2),
        ENTRY._replace(position=4),
        ENTRY._replace(details=None),
        ENTRY._replace(details=b'{"left":2501}'),
    ]
    assert len({_hash(other) for other in others}) == len(others)


def test_a_chain_in_one_pass_is_the_chain_one_by_one() -> None:
    columns = [ENROL, EARN_OF_TODAY, FOREIGN, EARN_OF_TODAY]
    details = [None, b'{"left":1}', None, '{"frame":"\u65e5"}'.encode()]
    one_by_one, previous = [], FIRST
    for position, (of, said) in enumerate(zip(columns, details, strict=True), 41):
        previous = chained_hash(previous, of, said, shard=3, position=position)
        one_by_one.append(previous)
    assert chained_hashes(FIRST, columns, details, shard=3, position=41) == one_by_one
    assert chained_hashes(FIRST, [], [], shard=3, position=41) == []
