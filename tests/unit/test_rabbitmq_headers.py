"""Whatever bytes the properties of a message hold, the client reads them to their end."""

from struct import pack

from hypothesis import given
from hypothesis import strategies as st
from pamqp import frame
from pamqp.header import ContentHeader

from laurels.engines.brokers.rabbitmq_headers import read_whatever_is_said

HEADERS, MESSAGE_ID, TIMESTAMP, APP_ID = 1 << 13, 1 << 7, 1 << 6, 1 << 3


def long(content: bytes) -> bytes:
    return pack(">I", len(content)) + content


def short(text: bytes) -> bytes:
    return bytes([len(text)]) + text


NAMES = st.binary(max_size=20)
FIXED = st.sampled_from(
    [(b"t", 1), (b"b", 1), (b"s", 2), (b"I", 4), (b"l", 8), (b"f", 4), (b"d", 8), (b"D", 5)]
).flatmap(lambda kind: st.binary(min_size=kind[1], max_size=kind[1]).map(lambda content: kind[0] + content))
TIMES = st.binary(min_size=8, max_size=8)
PLAIN = FIXED | TIMES.map(lambda time: b"T" + time) | st.binary(max_size=9).map(lambda text: b"S" + long(text))
VALUES = st.recursive(
    PLAIN,
    lambda inner: (
        st.lists(inner, max_size=3).map(lambda values: b"A" + long(b"".join(values)))
        | st.lists(st.tuples(NAMES, inner), max_size=3).map(lambda fields: b"F" + table(fields))
    ),
    max_leaves=6,
)


def table(fields: list[tuple[bytes, bytes]]) -> bytes:
    return long(b"".join(short(name) + value for name, value in fields))


TABLES = st.lists(st.tuples(NAMES, VALUES), max_size=4).map(table) | st.binary(max_size=60).map(long)
"""As a client would write them; and what is none at all, of the length that it says."""


@given(TABLES, st.binary(max_size=255), TIMES)
def test_properties_are_read_to_their_end(headers: bytes, message_id: bytes, time: bytes) -> None:
    """What stands behind what cannot be read is read rightly: so its length was."""
    read_whatever_is_said()
    flags = HEADERS | MESSAGE_ID | TIMESTAMP | APP_ID
    payload = pack(">HHQH", 60, 0, 7, flags) + headers + short(message_id) + time + short(b"the end")
    size, channel, read = frame.unmarshal(pack(">BHI", 2, 1, len(payload)) + payload + b"\xce")
    assert isinstance(read, ContentHeader)
    assert (size, channel, read.body_size, read.properties.app_id) == (len(payload) + 8, 1, 7, "the end")
    assert all(isinstance(name, str) for name in read.properties.headers or ())


def test_deeply_nested_headers_are_read() -> None:
    """Deeper than the client can follow."""
    read_whatever_is_said()
    inner = b"V"
    for _ in range(5_000):
        inner = b"F" + table([(b"x", inner)])
    payload = pack(">HHQH", 60, 0, 7, HEADERS | APP_ID) + table([(b"x-deep", inner)]) + short(b"the end")
    _, _, read = frame.unmarshal(pack(">BHI", 2, 1, len(payload)) + payload + b"\xce")
    assert isinstance(read, ContentHeader)
    assert read.properties.app_id == "the end"
