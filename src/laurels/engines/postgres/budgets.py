"""What is used of campaigns' budgets: the one thing that all shards share.

A transaction reads it without a lock, and locks it at its end only if it uses some: so one that uses none waits for
nobody, and one that does keeps others waiting for its commit alone. Where somebody used some meanwhile, the batch was
judged by what is no longer so: it is undone, and judged again under the lock. One that uses none may have read what is
no longer so; it is as if it had come before.
"""

from collections.abc import Mapping

from laurels.engines.postgres.statements import Statements


class BudgetsMoved(Exception):
    """Others used the same budgets meanwhile."""


class Budgets:
    """Budgets in one transaction."""

    def __init__(self, *, locked: bool) -> None:
        """`locked`: they are locked from the beginning, so that `write` cannot raise `BudgetsMoved`."""
        self._locked = locked
        self.used: dict[str, int] = {}
        """What was used before, by name."""
        self._more: dict[str, int] = {}
        self._is_read = False

    async def read(self, db: Statements) -> None:
        """See what was used before, once."""
        if not self._is_read:
            self.used = dict(await db.all("lock_budgets" if self._locked else "read_budgets"))
            self._is_read = True

    def standing(self) -> dict[str, int]:
        """What was used before, and what this transaction used since."""
        return self.used | {name: self.used.get(name, 0) + more for name, more in self._more.items()}

    def use(self, used: Mapping[str, int]) -> None:
        """Use more, or less."""
        for name, more in used.items():
            self._more[name] = self._more.get(name, 0) + more

    async def write(self, db: Statements) -> None:
        """Write it. A budget that is used for the first time is inserted: of two that do so at once one has to look
        again. Raises `BudgetsMoved`.
        """
        if not self._more:
            return
        if not self._locked and dict(await db.all("lock_budgets")) != self.used:
            raise BudgetsMoved(BudgetsMoved.__doc__)
        fresh = {name: used for name, used in self._more.items() if name not in self.used}
        more = {name: used for name, used in self._more.items() if name in self.used}
        if fresh:
            await db.run("insert_budgets", [*fresh], [*fresh.values()])
        if more:
            await db.run("use_budgets", [*more], [*more.values()])
