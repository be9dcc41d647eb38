"""Identifiers, sources and version tokens: what fits passes unchanged, everything else is refused."""

import re
import sys
import unicodedata

import polars as pl
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from laurels.errors import InvalidInput
from laurels.model import Version
from laurels.model.ids import ID, MAX_ID_BYTES, MAX_ID_CHARACTERS, check_id, check_source, is_own_source, is_spoiled

ISSUED = [
    "A1", "1", "17850", "3f2504e0-4f89-11d3-9a0c-0305e82c3301", "ann@example.com", "a+b=c:d._-", "x" * 128,
    "#1001", "Order 00001-001-0001", "Shop/0001", "gid://shopify/Order/1", "auth0|5f7c8ec7c33c6c004bbafe82",
    "YWJj/ZGVm+w==", "o'brien@example.ie", "_sue@example.com", "-JhLeOlGIEjaIOFHR0xd", "_V1StGXR8_Z5jdHi6B-myT",
    "SO/2024/001", "x|y", "A;1", 'A"1', "A\\1", "A%2F1", "../A1", "...", ".A1", "@ann", "é", "\u0661", "\uff21\uff11",
    "😀", "Zoë Müller", "注文-1", "A?b#c&d=e", "\u00e9" * 127, "日" * 85,
    "..a", "a..", ". .", "%00", "~", "<b>", "{{1}}",
]  # fmt: skip
"""Ids as shops and identity providers issue them, and others that a page, a path or a shell might stumble over."""


@pytest.mark.parametrize("text", ISSUED)
def test_what_shops_use_passes(text: str) -> None:
    assert check_id(text, "order_id") == text


@pytest.mark.parametrize(
    "text",
    [
        "", " ", ".", "..", " A1", "A1 ", "A1\n", "\nA1", "A1\x00", "A\t1", "A\r1", "A\x7f1", "A\x851", "A\x9b1",
        "\xa0A", "A\u3000", "A\u2028B", "A\u2029B", "A\u200b1", "\ufeffA1", "A\u202e1", "A\xad1", "A\U000e00411",
        "x" * 129, "日" * 86, "😀" * 64, "\ud800", "A\udfff",
    ],
)  # fmt: skip
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="order_id: must be 1 to 128"):
        check_id(text, "order_id")


def stated(text: str) -> bool:
    """The grammar as the documentation words it, by Unicode's own table."""
    try:
        size = len(text.encode())
    except UnicodeEncodeError:
        return False
    return (
        1 <= len(text) <= MAX_ID_CHARACTERS
        and size <= MAX_ID_BYTES
        and text.strip() == text
        and text not in {".", ".."}
        and not any(unicodedata.category(char) in {"Cc", "Cf", "Zl", "Zp", "Cs"} for char in text)
    )


def taken(text: str) -> bool:
    try:
        return check_id(text, "id") == text
    except InvalidInput:
        return False


@pytest.mark.long
def test_every_character_counts_as_it_is_stated() -> None:
    later = {*range(0x13439, 0x13440)}  # formats since Unicode 15, which this Python may not know
    for point in range(sys.maxunicode + 1):
        if point not in later:
            char = chr(point)
            assert taken(f"a{char}b") == stated(f"a{char}b"), hex(point)
            assert taken(char) == stated(char), hex(point)
    assert not any(taken(f"a{chr(point)}b") for point in later)


texts = st.text(st.sampled_from(". aé日😀\t\x85\xa0\u200b\u2028\ud800/%'#"), max_size=8) | st.text(max_size=140)


@given(text=texts)
@example(text="日" * 85)
@example(text="日" * 85 + "a")
@example(text="." * 128)
def test_an_id_is_what_is_stated(text: str) -> None:
    assert taken(text) == stated(text)


@given(text=texts.filter(lambda text: not any(0xD800 <= ord(char) < 0xE000 for char in text)))
def test_the_pattern_means_the_same_to_the_engine_of_columns(text: str) -> None:
    [found] = pl.Series([text]).str.contains(rf"\A(?:{ID})\z")
    assert found == bool(re.fullmatch(ID, text))


@pytest.mark.parametrize("text", ["shop", "till-7", "a.b_c:d", "1", "x" * 64, "members", "laurels2", "Checkout"])
def test_a_source(text: str) -> None:
    assert check_source(text, "source") == text


@pytest.mark.parametrize("text", ["", "-a", ".a", "a b", "a/b", "é", "x" * 65, "a@b", "a\n"])
def test_no_source(text: str) -> None:
    with pytest.raises(InvalidInput, match="source: must be 1 to 64"):
        check_source(text, "source")


@pytest.mark.parametrize("text", ["laurels", "checkout", "member", "member:", "member:17"])
def test_a_source_of_ours(text: str) -> None:
    with pytest.raises(InvalidInput, match="source: must not be one of Laurels' own"):
        check_source(text, "source")
    assert is_own_source(text)


@pytest.mark.parametrize(
    "text",
    ["4.00012E+15", "4,086918E+00", "4E+15", "1.5e-7", "1.5E15", "17850.0", "-17850.00", "17850,0", "nan", "NaN",
     "-nan", "NULL", "null", "None", "#N/A", "#REF!", "#DIV/0!", "########", "<NA>", "inf", "\\N", "[object Object]",
     "17,850.0", "1.234.567,00", "1'234.00", "#SPILL!", "#CALC!", "#BEZUG!", "#NV", "#N/D", "#¡REF!", "#ССЫЛКА!",
     "#\u041d/\u0414", "#NOM?", "#ERROR!", "#GETTING_DATA!", "Err:502", "[NULL]", "<nil>", "(NULL)", "none", "NONE",
     "=17850", '="007"', '="a,b"', "'007"],
)  # fmt: skip
def test_a_spoiled_id(text: str) -> None:
    assert is_spoiled(text)


@pytest.mark.parametrize(
    "text",
    ["73928e03", "4e872096", "219E01BE", "007", "7", "17850", "1.5", "17850.01", "10.0.1", "#1001", "nancy", "Nullus",
     "1e5", "E+15", "A4.00012E+15", "info", "2024-01", "1.10", "NONE-1", "#1001!", "#A1", "# 7?", "=1+1", "'a",
     "1,001", "Err:5", "[7]", "nilsson", "#nv", '"007"', "17,850"],
)  # fmt: skip
def test_an_honest_id(text: str) -> None:
    assert not is_spoiled(text)


versions = st.builds(
    Version,
    st.integers(0, 999_999_999),
    st.dictionaries(st.integers(0, 255), st.integers(0, 10**18 - 1), max_size=256),
)


@given(version=versions)
def test_a_token_is_read_back(version: Version) -> None:
    """All but shards of which nothing is there."""
    token, there = str(version), {shard: position for shard, position in version.positions.items() if position}
    read = Version.parse(token)
    assert (read.epoch, {shard: position for shard, position in read.positions.items() if position}) == (
        version.epoch,
        there,
    )
    assert str(read) == token
    assert Version.unpack(version.packed(5) + bytes(90)) == Version(version.epoch, there)


@given(epoch=st.integers(0, 127), positions=st.lists(st.integers(0, 2**40 - 1), min_size=2, max_size=16))
def test_a_token_of_sixteen_shards_is_short(epoch: int, positions: list[int]) -> None:
    assert len(str(Version(epoch, dict(enumerate(positions))))) <= 110


@pytest.mark.parametrize(
    ("version", "token"),
    [
        (Version(1, {}), "1."),
        (Version(1, {0: 4711}), "1.0-4711"),
        (Version(3, {9: 1}), "3.9-1"),
        (Version(1, {0: 0}), "1.0-0"),
        (Version(1, {0: 4711, 1: 0}), "1.0-4711"),
        (Version(1, {0: 1, 1: 2}), "AQEBAg"),
        (Version(300, {5: 1, 15: 70_000}), "C6wCBQAAAQ8BEXA"),
    ],
)
def test_tokens_have_one_spelling(version: Version, token: str) -> None:
    assert str(version) == token


def test_tokens_of_before_are_read() -> None:
    assert Version.parse("1.0-4711_15-1") == Version(1, {0: 4711, 15: 1})


@pytest.mark.parametrize(
    "text",
    [
        "", "1", "1._", ".0-1", "1.0", "1.0-", "1.0-1_", "1.0-1__1-1", "1.-1", "1.0--1", "-1.0-1", "1.0-1 ", " 1.0-1",
        "1.0-1\n", "1.0-" + "9" * 19, "9" * 10 + ".0-1", "1.1000-1", "\u0661.\u0660-\u0661",
        "1.0-1e3", "1.0-1" + "_0-1" * 256,
        "null", "0x1.0-1", "A", "AQ", "AQEBAgA", "AQEBAg=", "AQEBAh", "AQEBAAAA", "CQE", "EQEBAg", "AgEAAQAC",
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
