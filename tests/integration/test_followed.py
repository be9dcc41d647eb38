"""What the board takes is counted as it is followed, and not again when a board is built from what is there."""

from pathlib import Path

import pytest
from tests.integration.http_shop import open_shop

from laurels.model import BoardEntry

pytestmark = pytest.mark.anyio


async def test_entries_that_a_rebuild_reads_are_not_counted_again(tmp_path: Path) -> None:
    seen: list[BoardEntry] = []
    async with open_shop(tmp_path) as shop:
        shop.services.projector.on_followed = seen.extend
        await shop.order("A1", "ann", "25.00")
        await shop.settle()
        assert [(kind, points) for _, kind, _, points, *_ in seen] == [("enrol", 0), ("earn", 3)]
        await shop.services.projector.rebuild()
        assert len(seen) == 2
        await shop.order("A2", "ann", "25.00")
        await shop.settle()
        assert [position for position, *_ in seen] == [1, 2, 3]
