"""What a leaderboard may offer beside the port: to render dashboards itself, where that is faster than this package.

`Dashboards` asks it then, and no rows are made into objects. What it renders is what this package would, byte for byte.
"""

from collections.abc import Callable
from typing import Protocol, TypeAlias, runtime_checkable

Rendered: TypeAlias = tuple[bytes, str, bool, bool]
"""(the JSON, the version in it, whether it says stale, whether the member is known)."""


@runtime_checkable
class Renders(Protocol):
    """A leaderboard that renders."""

    def render(
        self,
        board: str,
        member_id: str,
        *,
        top: int,
        around: int,
        now: int,
        stale_after: int,
        seal: Callable[[bytes], str] | None = None,
    ) -> Rendered:
        """A member's dashboard, all of one version. It is stale where the feed was confirmed more than `stale_after`
        microseconds before `now`. With `seal`, that makes the version's token of `Version.packed`; it is asked once for
        each version. Raises `BoardNotReady`.
        """
        ...
