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
        (b'{"member_id": ["ann"], "order_id": "member_id"}', ("ann",)),
        (b'{"member_id": {"value": "ann"}}', ("ann",)),
        (b'{"memberId": "ann", "MEMBER-ID": "bob", "memberid": "cy", "member_ids": "dee"}', ("ann", "bob", "cy")),
        (b'{"memberId": "ann", "order_id": nope', ("ann",)),
        (b'{"member_id": " ann\\n"}', ("ann",)),
        (b'{"member_id": " ann ", "order_id": nope', ("ann",)),
        (b'{"Type": "Notification", "Message": "{\\"member_id\\": \\"b\\u00f6b\\"}"}', ("b\u00f6b",)),
        (b'{"payload": "{\\"member_id\\": \\"ann\\", \\"order_id\\": nope"}', ("ann",)),
        (b'"{\\"member_id\\": \\"ann\\"}"', ("ann",)),
        (b'{"payload": "{\\"member_id\\": \\"b\\u00f6b\\"}", "x', ("b\u00f6b",)),
        (b'{"member_id": "o\\"neill", "payload": "{\\"member_id\\": \\"bob\\"}", "x', ('o"neill', "bob")),
        (b'{"note": "the member_id is missing"}', ()),
        (b'{"member_id": "a\\u0000b"}', ()),
        (b'{"member_id": "\\ud800"}', ()),
        (b'{"member_id": "\\ud800"', ()),
        (b'{"member_id": ""}', ()),
        (b"[" * 100_000 + b'{"member_id": "ann"}', ("ann",)),
        (b'{"member_id": ' + b"9" * 5000, ()),
        (b'{"member_id": "ann", "x": "' + b"\\\\" * 500_000, ("ann",)),
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


@given(st.lists(IDS, min_size=1, max_size=3, unique=True), st.integers(1, 4), st.booleans(), st.integers(0, 3))
def test_every_member_is_found_in_a_text_within_a_text(ids: list[str], depth: int, escaped: bool, torn: int) -> None:
    text = json.dumps([{"member_id": each} for each in ids], ensure_ascii=escaped)
    for _ in range(depth):
        text = json.dumps({"Type": "Notification", "Message": text, "x": 1}, ensure_ascii=escaped)
    body = text.encode()
    assert members_named(body[: len(body) - torn]) == tuple(ids)
