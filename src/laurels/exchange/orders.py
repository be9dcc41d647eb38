"""What a file of orders gives: its documents in file order, how many, and what was left out."""

from collections.abc import Callable, Iterator

from laurels.model import Order, Refund


class OrdersFile:
    """A file that was checked from end to end. Iterating gives its orders and refunds in file order, each time anew.

    `total` counts them. `skipped` counts rows that were left out as the mapping says, by reason.
    """

    def __init__(self, total: int, skipped: dict[str, int], give: Callable[[], Iterator[Order | Refund]]) -> None:
        self.total = total
        self.skipped = skipped
        self._give = give

    def __iter__(self) -> Iterator[Order | Refund]:
        return self._give()
