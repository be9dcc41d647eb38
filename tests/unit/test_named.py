"""Whom a message names that is no document: as each reader of JSON would see it, and in what is broken."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from laurels.intake.named import members_named

IDS = st.text(st.characters(codec="utf-8", categories=("L", "N", "P")), min_size=1, max_size=12).filter(
    lambda text: text not in {".", ".."} and text == text.strip()
)


@pytest.mark.parametrize(
    ("body", "named"),
    [
        (b'{"member_id": "ann", "member_id": "bob"}', ("ann", "bob")),
        (b'{"member_id": "ann", "\\u006dember_id": "b\\u00f6b"}', ("ann", "b\u00f6b")),
        (b'[{"order": {"member_id": "ann"}}, {"member_id": 17850}]', ("ann", "17850")),
        (b'{"member_id": "ann", "order_id": "A1', ("ann",)),
        (b'{"order_id": "A1, "member_id" : "o\\"neill"}', ('o"neill',)),
        (b'{"member_id": 17850, "order_id": nope', ("17850",)),
        (b'{"member_id": "ann"}\xff', ("ann",)),
        ('{"member_id": "ann"}'.encode("utf-16"), ("ann",)),
        (b'\xef\xbb\xbf{"member_id": "ann"}', ("ann",)),
        (b'{"member_id": ["ann"], "order_id": "member_id"}', ()),
        (b'{"member_id": "a\\u0000b"}', ()),
        (b'{"member_id": "\\ud800"}', ()),
        (b'{"member_id": "\\ud800"', ()),
        (b'{"member_id": ""}', ()),
        (b"[" * 100_000 + b'{"member_id": "ann"}', ("ann",)),
        (b'{"member_id": ' + b"9" * 5000, ()),
        (b"", ()),
    ],
)
def test_members_are_read_wherever_they_stand(body: bytes, named: tuple[str, ...]) -> None:
    assert members_named(body) == named


@given(st.lists(IDS, min_size=1, max_size=6, unique=True), st.booleans(), st.integers(0, 3))
def test_every_member_is_found_in_whole_texts_and_in_torn_ones(ids: list[str], escaped: bool, torn: int) -> None:
    pairs = ", ".join(f'"member_id": {json.dumps(each, ensure_ascii=escaped)}' for each in ids)
    text = f'{{{pairs}, "x": [1]}}'.encode()
    assert members_named(text[: len(text) - torn]) == tuple(ids)
