"""Pictures of the console: every page, 1440x900 and 390x844, light and dark, in build/shots (`make console-shots`).

With `--docs` those that the documentation shows are put there too. It makes a ledger of its own, starts `laurels serve`
and `laurels console` on it, and signs in.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

from laurels import clock
from laurels.model.times import format_instant

ROOT = Path(__file__).parent.parent
SHOTS = ROOT / "build" / "shots"
SIZES = ((1440, 900), (390, 844))
IN_DOCS = ("overview", "customer", "opened", "correct", "work", "finance", "log")
"""Pages of which the documentation shows a picture: the wide, light one."""

PAGES = {
    "overview": "/overview?period=12m",
    "customers": "/customers",
    "customer": "/customers/0",
    "opened": "/customers/0?show=all",
    "correct": "/customers/0/correct?points=50&reason=Parcel+came+four+days+late,+ticket+48213&note=Sorry",
    "give-back": "/customers/0/give-back?redemption=V1&source=till",
    "cancel-refund": "/customers/0/cancel-refund?refund=R1&order=692871&source=shop",
    "hide": "/customers/0/hide",
    "work": "/work",
    "document": "/work/order?source=shop&id=USD%2F0",
    "health": "/health",
    "campaigns": "/campaigns",
    "campaign": "/campaigns/one?campaign=double+dairy",
    "rules": "/program",
    "extend": "/program/extend?first=2027-02-01&last=2027-03-01&until=2027-09-01",
    "boards": "/boards",
    "messages": "/messages?state=sent",
    "finance": "/finance?from=2020-01-01&to=2030-01-01",
    "outstanding": "/finance?from=2020-01-01&to=2030-01-01#outstanding",
    "liability": "/finance/liability",
    "breakage": "/finance/breakage",
    "journals": "/finance/journals",
    "week": "/overview/week",
    "corrections": "/corrections",
    "jobs": "/jobs",
    "people": "/people",
    "log": "/log",
    "changes": "/log?only=changes",
    "merge": "/customers/1/merge?into=0",
    "erase": "/customers/0/erase",
    "erasures": "/erasures",
    "proposals": "/proposals",
    "job": "/jobs/1",
    "missing": "/customers/4711",
}


def main() -> None:
    """Take them all."""
    SHOTS.mkdir(parents=True, exist_ok=True)
    laurels = [sys.executable, "-m", "laurels"]
    with tempfile.TemporaryDirectory() as folder:
        state = Path(folder) / "state"
        subprocess.run([sys.executable, "-m", "tests.console.fill_year", state], cwd=ROOT, check=True)
        rules = {**os.environ, "LAURELS_PROGRAM_FILE": str(Path(folder) / "rules.toml")}
        serve = subprocess.Popen([*laurels, "serve", "--port", "0", "--state", state], env=rules)
        roles = "lead operator auditor finance program"
        command = [*laurels, "console", "--port", "0", "--state", state, "--as", "Niamh Byrne", "--roles", roles]
        console = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=rules)
        try:
            assert console.stdout is not None
            shoot(console.stdout.readline().strip())
        finally:
            for process in (console, serve):
                process.terminate()
                process.wait()
    if "--docs" in sys.argv[1:]:
        for name in IN_DOCS:
            shutil.copy(SHOTS / f"{name}-1440x900-light.png", ROOT / "docs" / "images" / f"console-{name}.png")
    print(f"{len(list(SHOTS.glob('*.png')))} pictures in {SHOTS}")


def shoot(address: str) -> None:
    """Sign in at an address, and take each page in each size and theme."""
    base = address.partition("/sign-in")[0]
    found = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        page = browser.new_page()
        page.goto(address)
        page.get_by_role("button", name="Sign in as").click()
        page.get_by_role("heading", name="Overview").wait_for()
        page.goto(base + "/jobs")
        page.get_by_role("button", name="Check the ledger").click()
        page.get_by_text("All is as it should be.").wait_for()
        for path, button in (("/overview/week", "Make the report"), ("/finance/journals", "Draw up the first journal")):
            page.goto(base + path)
            for day in page.get_by_label("A day of the week").all():  # that has something in it
                day.fill(format_instant(clock.now())[:10])
            page.get_by_role("button", name=button).click()
            page.get_by_text("Done").first.wait_for()
        cookies = page.context.storage_state()
        for width, height in SIZES:
            for theme in ("light", "dark"):
                viewport = {"width": width, "height": height}
                context = browser.new_context(storage_state=cookies, viewport=viewport, color_scheme=theme)
                page = context.new_page()
                for name, path in PAGES.items():
                    page.goto(base + path)
                    if name == "opened":  # an order that is still on the first page
                        page.locator("details.entry > summary").nth(3).click()
                    if name == "correct":
                        page.get_by_role("button", name="Check what it does").click()
                        page.get_by_role("button", name="Give 50 points").wait_for()
                    page.screenshot(path=SHOTS / f"{name}-{width}x{height}-{theme}.png")
                context.close()
        browser.close()


if __name__ == "__main__":
    main()
