"""Pictures of the demo shop (`make demo-shots`): 1440x900 and 390x844, light and dark, both languages, in build/shots.

Balance, tier and what lapses; the checkout with points; what it earned, and why; the same order returned. It starts
`laurels demo` on a ledger of its own.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from itertools import product
from pathlib import Path

from playwright.sync_api import Browser, Page, expect, sync_playwright

SHOTS = Path(__file__).parent.parent / "build" / "shots"
SIZES = ((1440, 900), (390, 844))
THEMES = ("light", "dark")
LANGUAGES = ("en", "ga")
SPENDS, WITH_TIER = "sam", "niamh"
"""Customers of the demo: one with many points to pay with, one between two tiers whose points lapse."""


def main() -> None:
    """Take them all."""
    SHOTS.mkdir(parents=True, exist_ok=True)
    taken = 0
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "laurels", "demo", "--members", "1000", "--orders-per-second", "0.1"]
        environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
        demo = subprocess.Popen(
            [*command, "--port", "0", "--state", folder], stdout=subprocess.PIPE, text=True, env=environment
        )
        try:
            assert demo.stdout is not None
            address = next(
                found[1] for line in demo.stdout if (found := re.search(r"(http://[\d.:]+)/$", line.strip()))
            )
            executable = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(executable_path=executable, args=["--no-sandbox"])
                for size, theme, language in product(SIZES, THEMES, LANGUAGES):
                    taken += shoot(browser, address, size, theme, language)
                browser.close()
        finally:
            demo.terminate()
            demo.wait()
    print(f"{taken} pictures in {SHOTS}")


def shoot(browser: Browser, address: str, size: tuple[int, int], theme: str, language: str) -> int:
    """A purchase in one size, theme and language, from the balance to the return. Gives how many pictures."""
    width, height = size
    dark = "dark" if theme == "dark" else "light"
    context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=dark)
    page = context.new_page()
    names: list[str] = []

    def take(name: str, selector: str | None = None) -> None:
        path = SHOTS / f"demo-{name}-{width}x{height}-{theme}-{language}.png"
        if selector is None:
            page.screenshot(path=path, full_page=True)
        else:
            page.locator(selector).screenshot(path=path)
        names.append(name)

    page.goto(f"{address}/?lang={language}")
    sign_in(page, WITH_TIER)
    take("shop")
    take("points", "#place")
    sign_in(page, SPENDS)
    for sku in ("Wooden train set", "Beech chopping board"):
        page.locator(f"#shelves li:has-text({sku!r}) button").click()
    page.locator(".use-points input").check()
    expect(page.locator(".earns")).to_contain_text("14.70")
    take("checkout", "#basket")
    purchases = page.locator("#purchases li")
    before = purchases.count()
    page.locator("#basket .buy").click()
    expect(page.locator(".outcome")).to_contain_text(re.compile(r"\+\d"))
    expect(purchases).to_have_count(before + 1)  # until then the first is an older one, and returned
    newest = purchases.first
    newest.locator(".paid:not(:empty)").wait_for()
    take("bought", "#basket")
    buttons = newest.locator(".actions button")
    buttons.nth(0).click()
    newest.locator(".reason p").first.wait_for()
    buttons.nth(1).click()
    take("return-asked", "#purchases")
    buttons.nth(1).click()
    buttons.nth(1).wait_for(state="hidden")
    expect(page.locator("#place .purse")).to_contain_text("413")
    take("returned", "#purchases")
    take("returned-points", "#place")
    context.close()
    return len(names)


def sign_in(page: Page, member: str) -> None:
    """As one of the demo's customers, once all of that one's is shown."""
    page.locator(f"#customers input[value='{member}']").check()
    dashboard = page.locator(f"laurels-dashboard[member='{member}']")
    dashboard.wait_for()
    page.locator("#purchases[aria-busy='false']").wait_for()
    page.locator("#mails[aria-busy='false']").wait_for()
    expect(page.locator("#place .purse")).to_contain_text(re.compile(r"\d"))


if __name__ == "__main__":
    main()
