"""A page that is left open: after minutes of stream it holds no more than after the first one."""

from collections.abc import Generator
from pathlib import Path

import pytest
from playwright.sync_api import Page
from tests.browser.conftest import Put
from tests.browser.boards import board, falling
from tests.browser.demo_shop import Demo, enter
from tests.browser.reading import wait_for_state
from tests.browser.stand_in import StandIn
from tests.browser.weighing import Held, Scales

MINUTES = 10
GROWTH = 1.05
"""How much more may be held at the end: the heap breathes by some hundredths, what piles up grows without end."""


@pytest.fixture
def busy_demo(tmp_path: Path) -> Generator[Demo]:
    demo = Demo(tmp_path, orders_per_second=25)
    demo.start()
    yield demo
    demo.stop()


@pytest.mark.soak
def test_ten_minutes_in_the_shop_pile_nothing_up(busy_demo: Demo, page: Page) -> None:
    enter(page, busy_demo, "Rose Alder")
    count_changes(page)
    scales = Scales(page)
    weighed = []
    for minute in range(1, MINUTES + 1):
        page.wait_for_timeout(60_000)
        weighed.append(scales.weigh())
        print(f"minute {minute}: {changes(page)} changes of the list, {weighed[-1]}")
    assert changes(page) > 60 * MINUTES
    check_no_growth(weighed[0], weighed[-1])


def count_changes(page: Page) -> None:
    """Count from now on how often the list was redrawn."""
    page.evaluate("""() => {
        window.changes = 0;
        new MutationObserver(() => window.changes++).observe(element.shadowRoot.querySelector("tbody"),
            {childList: true, characterData: true, subtree: true});
    }""")


def changes(page: Page) -> int:
    found: int = page.evaluate("changes")
    return found


def check_no_growth(first: Held, last: Held) -> None:
    assert last.heap_bytes <= first.heap_bytes * GROWTH, (first, last)
    assert last.nodes <= first.nodes * GROWTH, (first, last)
    assert last.listeners <= first.listeners * GROWTH, (first, last)
