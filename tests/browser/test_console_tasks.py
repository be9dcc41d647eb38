"""A sheet of six tasks in a real browser, by keyboard alone, with scripts and without: find, explain, correct, mend
what could not be awarded, read what is owed, find who changed it.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect
from tests.browser.chromium import Chromium
from tests.browser.test_console import Console, filled, opened, signed_in_at

pytestmark = [pytest.mark.long, pytest.mark.timeout(400)]

ROLES = "lead operator auditor finance"


@pytest.fixture(params=[True, False], ids=["with scripts", "without scripts"])
def page(request: pytest.FixtureRequest, browser: Chromium, tmp_path: Path) -> Iterator[Page]:
    """Signed in, on a ledger of its own: what one walk mends, the next finds mended."""
    console = Console(filled(tmp_path), ROLES)
    try:
        cookies: Any = signed_in_at(browser, console)
        for page in opened(browser, cookies, java_script_enabled=request.param, base_url=console.base):
            page.goto("/overview")
            yield page
    finally:
        console.stop()


def press(what: Locator) -> None:
    """Go there by keyboard, and press Enter."""
    reach(what)
    what.press("Enter")


def reach(what: Locator) -> None:
    """Focus what the tabulator leads to; what it does not lead to cannot be reached by keyboard."""
    expect(what).to_be_visible()
    what.focus()
    assert what.evaluate("it => it.tabIndex >= 0 && it === document.activeElement"), what


def test_the_six_tasks_by_keyboard(page: Page) -> None:
    # 1 and 2: a customer asks why order 692871 gave 6 points.
    reach(page.get_by_role("searchbox").first)
    page.keyboard.type("692871")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1, name="16133")).to_be_visible()
    expect(page.locator("details.entry[open]")).to_contain_text("58.00 GBP / 10.00 = 5.8 → 6")
    # 3: the parcel came late: 50 points, and back again.
    press(page.get_by_role("link", name="Correct points"))
    reach(page.get_by_label("Points", exact=True))
    page.keyboard.type("50")
    reach(page.get_by_label("Reason", exact=False).first)
    page.keyboard.type("Parcel came late, ticket 48213")
    press(page.get_by_role("button", name="Check what it does"))
    press(page.get_by_role("button", name="Give 50 points to 16133"))
    expect(page.get_by_role("status")).to_contain_text("Correction: +50.")
    # 4: an order in dollars lies on the work list; its points are given by hand.
    press(page.get_by_role("link", name="Work list").first)
    expect(page.get_by_role("main")).to_contain_text("correct the points by hand")
    press(page.get_by_role("link", name="Order USD/0"))
    press(page.get_by_role("main").get_by_role("link", name="0", exact=True))
    press(page.get_by_role("link", name="Correct points"))
    reach(page.get_by_label("Points", exact=True))
    page.keyboard.type("2")
    reach(page.get_by_label("Reason", exact=False).first)
    page.keyboard.type("order USD/0 in dollars")
    press(page.get_by_role("button", name="Check what it does"))
    press(page.get_by_role("button", name="Give 2 points to 16133"))
    press(page.get_by_role("link", name="Work list").first)
    press(page.get_by_role("link", name="Order USD/0"))
    reach(page.get_by_label("Reason"))
    page.keyboard.type("given by hand")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status").first).to_contain_text("It was given up.")
    # 5: what is owed, and what moved.
    press(page.get_by_role("link", name="Finance").first)
    press(page.get_by_role("link", name="What is owed in points"))
    expect(page.get_by_role("region", name="Liability")).to_contain_text("In all")
    # 6: who gave the 50 points?
    press(page.get_by_role("link", name="Log", exact=True).first)
    expect(page.get_by_role("region", name="Rows of the log")).to_contain_text("corrected points")
    expect(page.get_by_role("region", name="Rows of the log")).to_contain_text("gave a document up")
    press(page.get_by_role("link", name="People", exact=True).first)
    expect(page.get_by_role("region", name="Table of people")).to_contain_text("Niamh")
