"""Whether an object has one key twice is told as a reader tells it that shows every pair."""

import json
from typing import Any

import msgspec
from hypothesis import example, given, settings
from hypothesis import strategies as st

from laurels.model.repeated_keys import repeated_key

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=6) | st.sampled_from(
    ["a", "b", '"', '\\"', "\\", "\\u0022", '":', "a:b", "total"]
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.lists(st.tuples(TEXTS, inner), max_size=5).map(tuple),
    max_leaves=20,
)
"""JSON values, where a tuple of pairs is an object, in which a key may be there twice."""


def spelled(value: Any, escapes: st.DataObject) -> str:
    if isinstance(value, tuple):
        pairs = [f"{_text(key, escapes)} :{spelled(each, escapes)}" for key, each in value]
        return f"{{{' , '.join(pairs)}}}"
    if isinstance(value, list):
        return f"[{','.join(spelled(each, escapes) for each in value)}]"
    return _text(value, escapes) if isinstance(value, str) else json.dumps(value)


def _text(text: str, escapes: st.DataObject) -> str:
    if not escapes.draw(st.booleans()):
        return json.dumps(text, ensure_ascii=escapes.draw(st.booleans()))
    units = text.encode("utf-16-be", "surrogatepass")
    return '"' + "".join(f"\\u{units[at] << 8 | units[at + 1]:04x}" for at in range(0, len(units), 2)) + '"'


def has_one_twice(value: Any) -> bool:
    if isinstance(value, tuple):
        keys = [key for key, _ in value]
        return len(set(keys)) < len(keys) or any(has_one_twice(each) for _, each in value)
    return isinstance(value, list) and any(map(has_one_twice, value))


@settings(max_examples=60, deadline=None)
@given(VALUES, st.data())
def test_it_is_found_wherever_it_is(value: Any, escapes: st.DataObject) -> None:
    found = repeated_key(spelled(value, escapes).encode())
    assert (found is not None) == has_one_twice(value)


@settings(deadline=None)
@example({"a": 2**80})
@given(st.dictionaries(TEXTS, st.integers() | TEXTS))
def test_what_a_client_writes_has_none(value: dict[str, Any]) -> None:
    assert repeated_key(json.dumps(value).encode()) is None
    assert repeated_key(json.dumps(value, ensure_ascii=False, indent=1).encode()) is None


def test_the_key_is_told_and_depth_is_no_fault() -> None:
    assert repeated_key(rb'{"a": {"\u0062": 1, "b": 2}}') == "a.b"
    assert repeated_key(b'[1, {"a": [[{"b": [], "b": 2}]]}]') == "[1].a[0][0].b"
    assert repeated_key(rb'{"a": "\u0022", "a": 1}') == "a"
    assert repeated_key(b'{"a": 1e999, "b": 1}') is None
    assert repeated_key(msgspec.json.encode({"a": [{"b": 1}] * 3})) is None
