"""What a message is in, where it is no order as JSON: so that whoever finds it in quarantine knows what to change."""

import json

LONGEST_LOOKED_INTO = 100_000

_BEGINNINGS = (
    (b"\x1f\x8b", "is compressed (gzip): send it as it is"),
    (b"\x28\xb5\x2f\xfd", "is compressed (Zstandard): send it as it is"),
    (b"\x04\x22\x4d\x18", "is compressed (LZ4): send it as it is"),
    (b"\x78\x01", "is compressed (zlib): send it as it is"),
    (b"\x78\x9c", "is compressed (zlib): send it as it is"),
    (b"\x78\xda", "is compressed (zlib): send it as it is"),
    (b"PK\x03\x04", "is compressed (zip): send it as it is"),
    (b"Obj\x01", "is a file of Avro: send JSON"),
    (b"\xff\xfe", "is in UTF-16: send it in UTF-8"),
    (b"\xfe\xff", "is in UTF-16: send it in UTF-8"),
    (b"<", "is XML, or a page: send JSON"),
)
_A_LIST = "is a list: send each order by itself"
_REGISTRY_BYTES = 5
_POINTERS = ("software.amazon.payloadoffloading.PayloadS3Pointer", "com.amazon.sqs.javamessaging.MessageS3Pointer")

_CONNECT = "is wrapped by Debezium or Kafka Connect: send what is inside, without its schema"
_ENVELOPES = (
    ({"payload"}, _CONNECT),
    ({"before", "after", "op"}, _CONNECT),
    ({"Type", "TopicArn", "Message"}, "is wrapped by SNS: turn on raw message delivery"),
    ({"detail-type", "detail"}, "is wrapped by EventBridge: send its detail alone"),
)
"""The keys of what may hold an order, and is none."""


def format_of(body: bytes) -> str | None:
    """What a message is that could not be read, and what to do; None for what is not known. It is looked at from
    outside: nothing is unpacked.
    """
    if not body.strip():
        return "is empty (in a Kafka topic, a tombstone)"
    if body[0] == 0 and len(body) > _REGISTRY_BYTES:
        return "begins with the five bytes of a schema registry: send JSON without a schema"
    for beginning, said in _BEGINNINGS:
        if body.startswith(beginning):
            return said
    return _wrapping_of(body) if len(body) <= LONGEST_LOOKED_INTO else None


def _wrapping_of(body: bytes) -> str | None:
    """What JSON holds that is no order, but might have one inside."""
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return "is more than one line of JSON: send each order by itself" if _is_lines(body) else None
    if isinstance(value, dict):
        envelopes = () if "kind" in value else _ENVELOPES
        return next((said for keys, said in envelopes if keys <= value.keys()), None)
    if isinstance(value, list):
        is_pointer = bool(value) and value[0] in _POINTERS
        return f"points to where the order is ({value[0]}): send the order itself" if is_pointer else _A_LIST
    return "is a text, perhaps with an order in it: it was made JSON twice" if isinstance(value, str) else None


def _is_lines(body: bytes) -> bool:
    first, _, rest = body.strip().partition(b"\n")
    return first.startswith(b"{") and first.rstrip().endswith(b"}") and rest.lstrip().startswith(b"{")
