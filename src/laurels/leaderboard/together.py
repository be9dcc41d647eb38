"""Members move on the board together: who knows when one bought finds many names that moved then, not one."""

from collections.abc import Collection

from laurels.clock import SECOND


class Together:
    """When what was held back is to be shown: once so many members moved, or the first of it waited so long."""

    def __init__(self, members: int = 1, within_s: int = 60) -> None:
        """1 member: everything at once."""
        self._members = members
        self._within = within_s * SECOND
        self._held_since: int | None = None

    @property
    def holds(self) -> bool:
        """Whether anything is ever held back."""
        return self._members > 1

    def is_due(self, moved: Collection[int], now: int) -> bool:
        """Whether entries that move these members are shown now. Asked again with those and later ones where not."""
        if self._held_since is None:
            self._held_since = now
        due = len(moved) >= self._members or now - self._held_since >= self._within
        if due:
            self._held_since = None
        return due
