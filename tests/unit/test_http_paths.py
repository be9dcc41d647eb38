"""Paths are read as they were sent, and each part of one by itself."""

from typing import Any
from urllib.parse import quote, unquote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from laurels.errors import InvalidInput, NotFound
from laurels.http.requests.paths import path_as_sent, read_part, read_parts
from laurels.model.ids import check_id

TEXTS = st.text(st.characters(blacklist_categories=["Cs"]), max_size=40)
SAFE = st.sampled_from(["", ":@", "!$&'()*+,;=:@~"])


def scope(path: str, raw: bytes | None) -> Any:
    return {"type": "http", "path": path} | ({} if raw is None else {"raw_path": raw})


@pytest.mark.parametrize(
    ("path", "raw", "sent"),
    [
        ("/order/SO/1/refund", b"/order/SO%2F1/refund", "/order/SO%2F1/refund"),
        ("/order/A1", b"/order/A1", "/order/A1"),
        ("/loyalty/ann", b"/loyalty/%61nn", "/loyalty/%61nn"),
        ("/order/a%2Fb", b"/order/a%252Fb", "/order/a%252Fb"),
        ("/order/a b", None, "/order/a%20b"),
        ("/order/100%", None, "/order/100%25"),
        ("/order/é", b"", "/order/%C3%A9"),
        ("/order/A1", b"/prefix/order/A1", "/order/A1"),  # something before it took the prefix away
    ],
)
def test_the_path_is_the_one_that_was_sent(path: str, raw: bytes | None, sent: str) -> None:
    assert path_as_sent(scope(path, raw)) == sent


@given(text=TEXTS, safe=SAFE)
@example(text="gid://shopify/Order/1", safe="")
def test_a_part_comes_out_as_it_went_in(text: str, safe: str) -> None:
    part = quote(text, safe=safe)
    assert read_part(part) == text
    path = f"/order/{part}/refund"
    assert path_as_sent(scope(unquote(path), path.encode())) == path
    again = path_as_sent(scope(unquote(path), None))
    if "/" not in text:
        assert read_part(again.removeprefix("/order/").removesuffix("/refund")) == text


@given(part=st.text("%0aAfFzZ/\x80\xff", max_size=8))
def test_a_part_is_one_text_or_none(part: str) -> None:
    read = read_part(part)
    assert read is None or read_part(quote(read, safe="")) == read


@pytest.mark.parametrize("part", ["%", "a%", "%2", "%zz", "%FF", "%C3", "%ED%A0%80", "%C0%80", "\xff"])
def test_what_is_no_text_is_none(part: str) -> None:
    assert read_part(part) is None
    with pytest.raises(InvalidInput, match="order_id: must be UTF-8, percent-encoded"):
        read_parts({"order_id": part})
    with pytest.raises(NotFound):
        read_parts({"board": part})


@given(text=TEXTS)
def test_an_id_in_a_path_is_checked_as_anywhere(text: str) -> None:
    try:
        expected: dict[str, str] | None = {"order_id": check_id(text, "order_id")}
    except InvalidInput:
        expected = None
    try:
        read: dict[str, str] | None = read_parts({"order_id": quote(text, safe="")})
    except InvalidInput:
        read = None
    assert read == expected
