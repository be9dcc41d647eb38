"""A clock that was ahead for an entry is told of, wherever somebody looks, until the right one has caught up."""

from pathlib import Path

import pytest
from structlog.testing import capture_logs
from tests.console.console_shop import open_console_shop

from laurels import clock
from laurels.clock import DAY, SECOND
from laurels.runtime.advising import log_advice

pytestmark = pytest.mark.anyio


async def test_a_feed_that_is_ahead_of_the_clock_is_told_of(tmp_path: Path) -> None:
    ahead = 0

    async with open_console_shop(tmp_path, now=lambda: clock.now() + ahead) as console:
        shop = console.shop
        visitor = await console.signed_in("operator")

        async def told() -> tuple[int, float, bool, list[str]]:
            status = (await shop.ask("GET", "/status")).json()["ahead_s"]
            lines = (await shop.client.get("/metrics")).text.splitlines()
            [figure] = [line.split()[1] for line in lines if line.startswith("laurels_feed_ahead_seconds ")]
            with capture_logs() as logs:
                await log_advice(shop.services.ledger)
            page = (await visitor.open("/health")).text
            return status, float(figure), "ahead of now: a clock was wrong" in page, [each["event"] for each in logs]

        assert await told() == (0, 0.0, False, [])
        ahead = 30 * DAY
        await shop.services.ledger.enrol([("cy", None)], actor="clerk")
        ahead = 0
        status, figure, on_health, logged = await told()
        assert all(29 * DAY // SECOND < each <= 30 * DAY // SECOND for each in (status, figure))
        assert (on_health, logged) == (True, ["ledger.ahead_of_the_clock"])
