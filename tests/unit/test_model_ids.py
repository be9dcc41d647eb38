"""Identifiers and version tokens: what fits passes unchanged, everything else is refused."""

from typing import Annotated

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from laurels.errors import InvalidInput
from laurels.model import Version
from laurels.model.ids import ID, check_id


@pytest.mark.parametrize(
    "text", ["A1", "1", "17850", "3f2504e0-4f89-11d3-9a0c-0305e82c3301", "ann@example.com", "a+b=c:d._-", "x" * 128]
)
def test_what_shops_use_passes(text: str) -> None:
    assert check_id(text, "order_id") == text


@pytest.mark.parametrize(
    "text",
    [
        "", " ", "-A1", ".A1", "@ann", "A 1", "A/1", "A\\1", "A1\n", "\nA1",
        "A1\x00", "A\t1", "é", "\uff21\uff11", "A\uff11", "\u0661", "x" * 129,
        "../A1", "A%2F1", "A;1", "A'1", 'A"1', "A\u200b1", "\ufeffA1", "😀",
    ],
)  # fmt: skip
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="order_id: must be 1 to 128"):
        check_id(text, "order_id")
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(text, Annotated[str, msgspec.Meta(pattern=rf"^{ID}\Z")])


versions = st.builds(
    Version,
    st.integers(0, 999_999_999),
    st.dictionaries(st.integers(0, 255), st.integers(0, 10**18 - 1), max_size=256),
)


@given(version=versions)
def test_a_token_is_read_back(version: Version) -> None:
    assert Version.parse(str(version)) == version


@pytest.mark.parametrize(
    "text",
    [
        "", "1", "1._", ".0-1", "1.0", "1.0-", "1.0-1_", "1.0-1__1-1", "1.-1", "1.0--1", "-1.0-1", "1.0-1 ", " 1.0-1",
        "1.0-1\n", "1.0-" + "9" * 19, "9" * 10 + ".0-1", "1.1000-1", "\u0661.\u0660-\u0661",
        "1.0-1e3", "1.0-1" + "_0-1" * 256,
        "null", "0x1.0-1",
    ],
)  # fmt: skip
def test_a_token_that_no_answer_gave_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="min_version: must be an `as_of` from an earlier answer"):
        Version.parse(text)


@given(a=versions, b=versions)
def test_versions_are_partly_ordered(a: Version, b: Version) -> None:
    assert a.includes(a)
    if a.includes(b) and b.includes(a):
        assert a.epoch == b.epoch
        assert {s: p for s, p in a.positions.items() if p} == {s: p for s, p in b.positions.items() if p}


@given(a=versions, b=versions, c=versions)
def test_what_includes_one_that_includes_another_includes_that(a: Version, b: Version, c: Version) -> None:
    if a.includes(b) and b.includes(c):
        assert a.includes(c)


def test_a_later_epoch_includes_the_earlier_ones() -> None:
    assert Version(2, {0: 1}).includes(Version(1, {0: 99}))
    assert not Version(1, {0: 99}).includes(Version(2, {0: 1}))


def test_all_shards_count() -> None:
    assert Version(1, {0: 5, 1: 5}).includes(Version(1, {0: 5}))
    assert not Version(1, {0: 5}).includes(Version(1, {0: 5, 1: 1}))
    assert not Version(1, {0: 5, 1: 4}).includes(Version(1, {0: 4, 1: 5}))
