"""A Chromium for all pages of a file, and a shop's page with the element on it."""

from collections.abc import Callable, Generator
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, expect, sync_playwright
from tests.browser.chromium import Chromium
from tests.browser.fake_laurels import FakeLaurels, fake_laurels

PUT = """attributes => {
    const {token, ...rest} = attributes, element = document.createElement('laurels-dashboard');
    for (const [name, value] of Object.entries(rest)) element.setAttribute(name, value);
    if (token) element.token = token;
    window.heard = [];
    for (const name of ['laurels-change', 'laurels-error', 'laurels-token'])
        element.addEventListener(name, event => heard.push({name, ...event.detail}));
    window.element = element;
    document.querySelector('main').append(element);
}"""

Put = Callable[..., Page]

# Long: a page is slow where the machine is busy, and who waits for what comes waits no longer for that.
PATIENCE_MS = 60_000
expect.set_options(timeout=PATIENCE_MS)


@pytest.fixture(scope="module")
def browser(chromium: str) -> Generator[Chromium]:
    """For one file: while Playwright's own event loop runs, no asynchronous test can, and other files have some."""
    with sync_playwright() as playwright:
        browser = Chromium(playwright, chromium)
        yield browser
        browser.end()


@pytest.fixture
def context(browser: Chromium) -> Generator[BrowserContext]:
    context = browser.new_context(viewport={"width": 800, "height": 1200}, timezone_id="Europe/London")
    context.set_default_timeout(PATIENCE_MS)
    yield context
    browser.close(context)


@pytest.fixture
def page(context: BrowserContext) -> Generator[Page]:
    """A page that may not log an error of its own making."""
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda message: errors.append(message.text) if "Content Security" in message.text else None)
    yield page
    assert errors == []


@pytest.fixture
def server() -> Generator[FakeLaurels]:
    with fake_laurels() as server:
        yield server


@pytest.fixture
def put(page: Page, server: FakeLaurels) -> Put:
    """Puts the element on a shop's page, for the member `ann` unless told otherwise: `put(top=3, token=None)`."""

    def put(**attributes: Any) -> Page:
        page.goto(f"{server.url}/shop")
        wanted = {"member": "ann", "token": "ann's", **attributes}
        page.evaluate(PUT, {name: str(value) for name, value in wanted.items() if value is not None})
        return page

    return put
