"""A page that is left open: after minutes of stream it holds no more than after the first one."""

import random
from collections.abc import Generator
from pathlib import Path

import pytest
from playwright.sync_api import Page
from tests.browser.boards import board, falling
from tests.browser.conftest import Put
from tests.browser.demo_shop import Demo, enter
from tests.browser.fake_laurels import FakeLaurels
from tests.browser.reading import wait_for_points, wait_for_state, wait_until
from tests.browser.weighing import Held, Scales

POINTS = falling(90)
SEED = 20261122
MINUTES = 10
BUSY = 25
"""Orders a second."""

GROWTH = 1.1
"""How much more may be held at the end: the heap breathes by some hundredths; what is kept of every message is more."""


@pytest.mark.slow
@pytest.mark.long
def test_thousands_of_messages_pile_nothing_up(put: Put, server: FakeLaurels, page: Page) -> None:
    print(f"seed {SEED}")
    chance = random.Random(SEED)
    server.show(board(POINTS, 40))
    put()
    wait_for_state(page, "shown")
    count_changes(page)
    scales = Scales(page)

    def stream(messages: int) -> None:
        """So many messages, at most 100 a second, each of which moves the member; at the end it is where it was."""
        for _ in range(messages):
            server.show(board([*POINTS[:40], chance.randrange(300, 27_000), *POINTS[41:]], 40))
            page.wait_for_timeout(10)
        server.show(board(POINTS, 40))
        wait_for_points(page, f"{POINTS[40]:,}")
        page.evaluate("heard.length = 0")  # what the test itself collects

    stream(300)
    at_first = scales.weigh()
    stream(900)
    assert changes(page) > 100  # many messages share a frame
    check_no_growth(page, scales, at_first)


@pytest.fixture
def busy_demo(tmp_path: Path) -> Generator[Demo]:
    demo = Demo(tmp_path, orders_per_second=BUSY)
    demo.start()
    yield demo
    demo.stop()


@pytest.mark.soak
def test_ten_minutes_in_the_shop_pile_nothing_up(busy_demo: Demo, page: Page) -> None:
    enter(page, busy_demo, "Rose Alder")
    # A list of 90 places, of which two or three change each second.
    page.evaluate("for (const [name, value] of [['top', 50], ['around', 20]]) element.setAttribute(name, value)")
    count_changes(page)
    scales = Scales(page)
    pass_minutes(page, scales, 1)
    come_to_rest(page, busy_demo)
    at_first = scales.weigh()
    set_pace(busy_demo, BUSY)
    pass_minutes(page, scales, MINUTES - 1)
    assert changes(page) > 60 * MINUTES
    come_to_rest(page, busy_demo)
    check_no_growth(page, scales, at_first)


def pass_minutes(page: Page, scales: Scales, minutes: int) -> None:
    for _ in range(minutes):
        page.wait_for_timeout(60_000)
        print(f"{changes(page)} changes of the list so far, {scales.weigh()}", flush=True)


def come_to_rest(page: Page, demo: Demo) -> None:
    """Let no customers in, and what moved fade."""
    set_pace(demo, 0.1)
    page.wait_for_function(
        "() => [...element.shadowRoot.querySelectorAll('.marker')].every(marker => !marker.textContent)"
    )


def set_pace(demo: Demo, orders_per_second: float) -> None:
    demo.call("POST", "/demo/bustle", json={"orders_per_second": orders_per_second}).raise_for_status()


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


def check_no_growth(page: Page, scales: Scales, at_first: Held) -> None:
    """A row that left the list is let go when its marker has faded; what is kept for good never goes."""
    last = at_first

    def is_as_before() -> bool:
        nonlocal last
        last = scales.weigh()
        return all(
            getattr(last, name) <= getattr(at_first, name) * GROWTH for name in ("heap_bytes", "nodes", "listeners")
        )

    try:
        wait_until(page, is_as_before)
    finally:
        print(f"held at first {at_first}; at the end {last}")
