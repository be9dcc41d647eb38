"""Kafka's records, also those with a header whose name is not UTF-8.

A header's name is text by Kafka's own rules, and brokers do not look. The client refuses such a record, and gives
nothing of its partition from then on. What a header is called is no matter to an order, so it is read all the same,
with an escape in place of each byte that is no text.
"""

from collections.abc import Iterator
from itertools import islice
from typing import Any

from aiokafka.consumer import fetcher
from aiokafka.errors import CorruptRecordException
from aiokafka.record.default_records import _DefaultRecordBatchPy
from aiokafka.record.memory_records import _MemoryRecordsPy


def read_strange_names() -> None:
    """Have this process's Kafka clients read them. The client has no setting for it: the class that it cuts batches
    with is another one from then on.
    """
    fetcher.MemoryRecords = _Records


class _Records(_MemoryRecordsPy):  # type: ignore[misc]  # aiokafka has no types
    """What a broker answered, batch by batch."""

    def next_batch(self) -> Any:
        """The next one; None where there is no whole one."""
        whole = self._next_slice
        batch = super().next_batch()
        return batch if batch is None else _Batch(whole, batch)


class _Batch:
    """A batch as the client reads it, and by hand from where it cannot."""

    def __init__(self, whole: Any, read: Any) -> None:
        self._whole = whole
        self._read = read

    def __getattr__(self, name: str) -> Any:
        return getattr(self._read, name)

    def __next__(self) -> Any:
        return next(self._read)

    def __iter__(self) -> Iterator[Any]:
        count = 0
        try:
            for record in self._read:
                count += 1
                yield record
        except (UnicodeDecodeError, CorruptRecordException):  # the second again, where it is that
            yield from islice(_ByHand(self._whole), count, None)


class _ByHand(_DefaultRecordBatchPy):  # type: ignore[misc]
    """A batch as the client's own Python reads it, 20 times as slowly, with names that are no text."""

    def _maybe_uncompress(self) -> None:
        super()._maybe_uncompress()
        self._buffer: bytearray = _Lenient(self._buffer)


class _Lenient(bytearray):
    """Bytes of which every part can be made a text."""

    def __getitem__(self, key: Any) -> Any:
        found = super().__getitem__(key)
        return _Lenient(found) if isinstance(key, slice) else found

    def decode(self, encoding: str = "utf-8", errors: str = "backslashreplace") -> str:
        """As a text, with an escape in place of each byte that is none."""
        return super().decode(encoding, errors)
