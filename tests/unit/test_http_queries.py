"""Query strings and tags, without a server."""

from typing import Annotated

import pytest
from msgspec import Meta, Struct

from laurels.errors import InvalidInput
from laurels.http.api.dashboards import BoardQuery, DashboardQuery, checksum, etag, matches
from laurels.http.requests.query import parse_query


class Query(Struct, forbid_unknown_fields=True):
    count: Annotated[int, Meta(ge=-5, le=100, description="how many")] = 7
    plain: int = 1
    text: str = ""
    maybe: str | None = None


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (b"", Query()),
        (b"count=3&text=5", Query(count=3, text="5")),
        (b"count=-3&plain=09", Query(count=-3, plain=9)),
        (b"text=a%2Bb+c%E2%82%AC&maybe=", Query(text="a+b c\u20ac", maybe="")),
    ],
)
def test_values_are_read(query: bytes, expected: Query) -> None:
    assert parse_query(Query, query) == expected


@pytest.mark.parametrize(
    ("query", "field", "message"),
    [
        (b"count=101", "count", "at most 100"),
        (b"count=1.5", "count", "whole number"),
        (b"count=%D9%A3", "count", "whole number"),
        (b"count=1%0A", "count", "control characters"),
        (b"count=9999999999", "count", "whole number"),
        (b"plain=x", "plain", "whole number"),
        (b"count=1&count=1", "count", "more than once"),
        (b"counts=1", "counts", "not a known field"),
        (b"text=%C3", "query", "UTF-8"),
        (b"text=\xc3\xa9", "query", "UTF-8"),
        (b"&".join(b"a%d=" % n for n in range(21)), "query", "at most 20"),
    ],
)
def test_wrong_values_are_named(query: bytes, field: str, message: str) -> None:
    with pytest.raises(InvalidInput, match=message) as caught:
        parse_query(Query, query)
    assert [error.field for error in caught.value.errors] == [field]


def test_a_tag_is_of_the_answer_and_the_query() -> None:
    queries = [checksum(query) for query in (BoardQuery(), BoardQuery(3), DashboardQuery())]
    tags = {etag(as_of, body, query) for as_of in ("1.0-1", "1.0-2") for body in (b"1", b"2") for query in queries}
    assert len(tags) == 12
    assert etag("1.0-1", b"1", queries[2]) == etag("1.0-1", b"1", checksum(DashboardQuery()))


@pytest.mark.parametrize(
    ("sent", "same"),
    [('"a"', True), ('W/"a"', True), ('"b", "a"', True), ("*", True), ("", False), ('"b"', False), ("a", False)],
)
def test_tags_are_compared_as_http_says(sent: str, same: bool) -> None:
    assert matches(sent, '"a"') is same
