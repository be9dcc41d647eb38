"""What a file of orders gives: its documents in file order, how many, and what was left out."""

import weakref
from collections.abc import Callable, Iterator, Sequence

from laurels.exchange.faults import Fault
from laurels.exchange.inputs import Input
from laurels.model import Order, Refund


class OrdersFile:
    """A file that was checked from end to end. Iterating gives its orders and refunds in file order, each time anew.

    `total` counts them. `skipped` counts rows that were left out as the mapping says, by reason; `warnings` cells that
    were left out of good rows; `faults` are what is wrong with rows that were left out for it. `took` says which
    column was taken for what; `ignored` columns are there, and were to be.
    """

    def __init__(
        self,
        total: int,
        skipped: dict[str, int],
        give: Callable[[], Iterator[Order | Refund]],
        *,
        warnings: dict[str, int] | None = None,
        faults: Sequence[Fault] = (),
        took: dict[str, str] | None = None,
        ignored: Sequence[str] = (),
    ) -> None:
        self.total = total
        self.skipped = skipped
        self.warnings = warnings or {}
        self.faults = sorted(faults, key=lambda fault: fault.row)
        self.took = took or {}
        self.ignored = ignored
        self._give = give

    def __iter__(self) -> Iterator[Order | Refund]:
        yield from self._give()  # so that whoever iterates has the file, which is removed after its last reader

    def keep(self, file: Input) -> "OrdersFile":
        """Remove what was unpacked once nobody has these orders any more."""
        weakref.finalize(self, file.remove)
        return self
