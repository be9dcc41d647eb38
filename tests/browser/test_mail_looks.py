"""The HTML of a mail as a person sees it: readable in light and in dark, on a phone, with nothing fetched."""

import pytest
from playwright.sync_api import Page
from tests.browser.chromium import Chromium

from laurels.ledger import Message
from laurels.notify import Composer
from laurels.program import DEFAULT_PROGRAM, parse_program

LEAST_CONTRAST = 4.5
"""WCAG 2.2, level AA."""

# The least contrast of any text with what is painted behind it.
CONTRAST = """() => {
    const numbers = colour => colour.match(/[\\d.]+/g).map(Number);
    const linear = c => (c /= 255) <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
    const luminance = ([r, g, b]) => 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
    const behind = element => {
        const colour = numbers(getComputedStyle(element).backgroundColor);
        return colour[3] === 0 ? behind(element.parentElement) : colour;
    };
    return Math.min(...[...document.querySelectorAll("p, strong, span")].map(element => {
        const [dark, light] = [numbers(getComputedStyle(element).color), behind(element)].map(luminance).sort(
            (a, b) => a - b);
        return (light + 0.05) / (dark + 0.05);
    }));
}"""


def shown(page: Page, sender: str) -> list[str]:
    """Show a mail; gives what the page asked the network for."""
    message = Message(id="0f" * 16, email=None, milestone="100-points", points=1_234_567, created_at=0, attempts=1)
    body = Composer(sender, [parse_program(DEFAULT_PROGRAM)]).compose(message, "ann@example.com").get_body(("html",))
    assert body is not None
    requests: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    page.set_content(body.get_content(), wait_until="networkidle")
    return requests


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("sender", ["Corner Shop <points@shop.example>", f"{'Wide' * 40} <points@shop.example>"])
def test_a_mail_is_readable(browser: Chromium, scheme: str, sender: str) -> None:
    context = browser.new_context(
        viewport={"width": 320, "height": 560}, color_scheme="dark" if scheme == "dark" else "light"
    )
    page = context.new_page()
    assert shown(page, sender) == []
    assert page.evaluate(CONTRAST) >= LEAST_CONTRAST
    assert page.evaluate("document.documentElement.scrollWidth") == 320
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert ground == ("rgb(20, 22, 26)" if scheme == "dark" else "rgb(245, 243, 238)")
    assert "1,234,567 points" in page.inner_text("body")
    browser.close(context)
