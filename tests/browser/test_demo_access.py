"""Everyone can shop: what axe finds, by keyboard alone, and on a narrow screen."""

from collections.abc import Generator
from typing import Literal

import pytest
from playwright.sync_api import Page, expect
from tests.browser.chromium import Chromium
from tests.browser.conftest import PATIENCE_MS
from tests.browser.demo_shop import Demo, buy, enter, put_into_basket
from tests.browser.reading import found_by_axe

Theme = Literal["light", "dark"]


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Generator[Demo]:
    demo = Demo(tmp_path_factory.mktemp("demo"))
    demo.start()
    yield demo
    demo.stop()


@pytest.mark.parametrize(
    ("width", "theme"),
    [
        (390, "light"),
        *(pytest.param(*each, marks=pytest.mark.long) for each in ((390, "dark"), (1440, "light"), (1440, "dark"))),
    ],
)
def test_axe_finds_nothing(browser: Chromium, demo: Demo, theme: Theme, width: int) -> None:
    context = browser.new_context(
        color_scheme=theme, viewport={"width": width, "height": 900}, reduced_motion="reduce", bypass_csp=True
    )
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    enter(page, demo, "Niamh Byrne")
    assert found_by_axe(page, "html") == []
    buy(page, "Wooden train set")
    expect(page.locator("#mails iframe, #mails summary").first).to_be_visible()
    page.locator("#purchases").get_by_role("button", name="Why").first.click()
    put_into_basket(page, "Enamel mug", "Birthday card")
    assert found_by_axe(page, "html") == []
    assert page.evaluate("document.documentElement.scrollWidth") == width
    page.goto(f"{demo.url}/board")
    expect(page.locator("laurels-dashboard [part~=status]").first).to_have_text("Live")
    assert found_by_axe(page, "html") == []
    browser.close(context)


def test_buys_by_keyboard_alone(demo: Demo, page: Page) -> None:
    enter(page, demo, "Tom Reed")
    page.get_by_role("radio", name="Tom Reed").focus()
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Add White hanging heart tea light holder to the basket")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="One White hanging heart tea light holder more").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="One White hanging heart tea light holder more")).to_be_focused()
    expect(page.locator(".use-points")).to_be_visible()
    for _ in range(3):
        page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Buy for £10.20")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator(".outcome")).to_have_text("Thank you! +1 point")


@pytest.mark.parametrize(
    ("language", "width"),
    [
        ("ga", 320),
        ("ga", 1440),
        *(
            pytest.param(*each, marks=pytest.mark.long)
            for each in (("ga", 390), ("en", 320), ("en", 390), ("en", 1440))
        ),
    ],
)
def test_nothing_on_the_shelves_is_wider_than_its_card(
    browser: Chromium, demo: Demo, language: str, width: int
) -> None:
    context = browser.new_context(viewport={"width": width, "height": 900})
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    page.goto(f"{demo.url}/?lang={language}")
    cards = page.locator("#shelves li")
    expect(cards.first).to_be_visible()
    wider = "cards => cards.filter(card => card.scrollWidth > card.clientWidth).map(card => card.innerText)"
    assert cards.evaluate_all(wider) == []
    browser.close(context)


def test_the_board_for_a_big_screen_fits_a_small_one(browser: Chromium, demo: Demo) -> None:
    context = browser.new_context(viewport={"width": 320, "height": 900})
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    page.goto(f"{demo.url}/board")
    expect(page.locator("laurels-dashboard [part~=status]").first).to_have_text("Live")
    assert page.evaluate("document.documentElement.scrollWidth") == 320
    browser.close(context)
