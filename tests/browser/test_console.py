"""The console in a real browser: everyone can use it, by keyboard and without scripts, under a strict policy."""

import re
import subprocess
import sys
import threading
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, expect
from tests.browser.chromium import Chromium
from tests.browser.conftest import PATIENCE_MS
from tests.browser.reading import AXE
from tests.ending import leave

pytestmark = pytest.mark.long

SIZES = ((1440, 900), (390, 844))


class Console:
    """`laurels console` as it is started, for one person, and the addresses that it prints."""

    def __init__(self, state: Path, roles: str) -> None:
        command = [sys.executable, "-m", "laurels", "console", "--state", str(state), "--port", "0", "--as", "Niamh"]
        self._process = subprocess.Popen([*command, "--roles", roles], stdout=subprocess.PIPE, text=True)
        self._lines: list[str] = []
        self._told = threading.Condition()
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            with self._told:
                self._lines.append(line.strip())
                self._told.notify_all()

    def address(self) -> str:
        """The last address; each signs in once."""
        with self._told:
            assert self._told.wait_for(lambda: self._lines, timeout=60)
            return self._lines[-1]

    @property
    def base(self) -> str:
        return self.address().partition("/sign-in")[0]

    def stop(self) -> None:
        leave(self._process)
        self._reader.join()
        assert self._process.stdout is not None
        self._process.stdout.close()


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A ledger with two customers, one of them with all kinds of entries, and a document in quarantine."""
    return filled(tmp_path_factory.mktemp("console"))


def filled(folder: Path) -> Path:
    """Such a ledger in a folder."""
    state = folder / "state"
    root = Path(__file__).parents[2]
    subprocess.run([sys.executable, "-m", "tests.console.fill", str(state)], cwd=root, check=True, timeout=120)
    return state


@pytest.fixture(scope="module")
def console(state: Path) -> Iterator[Console]:
    console = Console(state, "lead operator auditor finance program approver")
    yield console
    console.stop()


@pytest.fixture(scope="module")
def signed_in(browser: Chromium, console: Console) -> Any:
    """The cookies of one who signed in."""
    return signed_in_at(browser, console)


def signed_in_at(browser: Chromium, console: Console) -> Any:
    """The same at any console."""
    context = browser.new_context()
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    page.goto(console.address())
    page.get_by_role("button", name="Sign in as Niamh").click()
    expect(page.get_by_role("heading", name="Overview")).to_be_visible()
    cookies = context.storage_state()
    browser.close(context)
    return cookies


def opened(browser: Chromium, signed_in: Any, **more: Any) -> Generator[Page]:
    """A page that may neither break the policy nor ask another host."""
    context: BrowserContext = browser.new_context(storage_state=signed_in, **more)
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda message: wrong.append(message.text) if "Content Security" in message.text else None)
    page.on("request", lambda request: wrong.append(request.url) if "127.0.0.1" not in request.url else None)
    yield page
    browser.close(context)
    assert wrong == []


PAGES = {
    "customers": "/customers",
    "customer": "/customers/0",
    "opened": "/customers/0?entry=0-2#0-2",
    "spent": "/customers/0?show=spent",
    "lapsed": "/customers/0?show=lapsed",
    "correct": "/customers/0/correct?points=50&reason=ticket",
    "give-back": "/customers/0/give-back?redemption=V1&source=till",
    "cancel-refund": "/customers/0/cancel-refund?refund=R1&order=692871&source=shop",
    "hide": "/customers/0/hide",
    "work": "/work",
    "document": "/work/order?source=shop&id=USD%2F0",
    "health": "/health",
    "log": "/log",
    "people": "/people",
    "erasures": "/erasures",
    "one cause": "/work?reason=currency",
    "another month": "/campaigns?month=2026-02",
    "overview": "/overview?period=36m",
    "finance": "/finance?from=2020-01-01&to=2030-01-01",
    "liability": "/finance/liability",
    "breakage": "/finance/breakage",
    "journals": "/finance/journals",
    "week": "/overview/week",
    "changes": "/log?only=changes",
    "corrections": "/corrections",
    "merge": "/customers/1/merge?into=0",
    "erase": "/customers/0/erase",
    "proposals": "/proposals",
    "jobs": "/jobs",
    "campaigns": "/campaigns",
    "rules": "/program",
    "version": "/program/1",
    "boards": "/boards",
    "messages": "/messages?state=held",
    "missing": "/customers/4711",
}


TOO_SMALL = """() => {
    const controls = 'button, summary, select, textarea, input:not([type=checkbox], [type=hidden]), .check, nav a';
    return [...document.querySelectorAll(controls)].filter(it => it.checkVisibility()).filter(it => {
        const box = it.getBoundingClientRect();
        return Math.min(box.width, box.height) < 24;
    }).map(it => it.outerHTML.slice(0, 100));
}"""
"""What fingers miss: controls of less than 24 pixels. Links that stand in a text are as high as its lines."""


def test_the_longest_ids_sources_and_points_widen_no_page(browser: Chromium, console: Console, signed_in: Any) -> None:
    longer = """() => {
        const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
        while (texts.nextNode()) {
            const text = texts.currentNode;
            if (/^(shop|till|store|web)$/.test(text.data.trim())) text.data = 'W'.repeat(64);
            if (text.parentElement.closest('.points, .balance'))
                text.data = text.data.replace(/[\\d,]+/, '987,654,321');
            text.data = text.data.replace(/16133|120\\d\\d|69287\\d|USD.\\d|[RV]1/g, 'W'.repeat(128));
        }
        for (const menu of document.querySelectorAll('details')) menu.open = menu.className != 'menu';
    }"""
    for page in opened(browser, signed_in, viewport={"width": 1440, "height": 900}):
        for name, path in PAGES.items():
            page.goto(console.base + path)
            page.evaluate(longer)
            for width in (1440, 390, 320):
                page.set_viewport_size({"width": width, "height": 900})
                assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, (name, width)


def test_no_list_is_cut_on_a_phone(browser: Chromium, console: Console, signed_in: Any) -> None:
    """But for the triangle of redemption, which is as wide as its months; it scrolls by itself."""
    cut = """[...document.querySelectorAll('main .scroll')].filter(it => it.checkVisibility())
        .filter(it => it.scrollWidth > it.clientWidth + 1).map(it => it.ariaLabel)"""
    for page in opened(browser, signed_in, viewport={"width": 390, "height": 844}):
        for name, path in PAGES.items():
            page.goto(console.base + path)
            assert name == "breakage" or page.evaluate(cut) == [], name


@pytest.mark.parametrize("theme", ["light", "dark", "forced"])
@pytest.mark.parametrize("size", SIZES, ids=lambda size: str(size[0]))
def test_axe_finds_nothing_and_nothing_scrolls_sideways(
    browser: Chromium, console: Console, signed_in: Any, theme: str, size: tuple[int, int]
) -> None:
    width, height = size
    look: dict[str, Any] = {"forced_colors": "active"} if theme == "forced" else {"color_scheme": theme}
    for page in opened(browser, signed_in, viewport={"width": width, "height": height}, **look):
        for name, path in PAGES.items():
            page.goto(console.base + path)
            assert found(page) == [], name
            assert page.evaluate(TOO_SMALL) == [], name
            for narrow in (width, 320, width // 2):  # the last one: text of 200 %, as browsers zoom
                page.set_viewport_size({"width": max(narrow, 320), "height": height})
                assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, (name, narrow)
            page.set_viewport_size({"width": width, "height": height})


def found(page: Page) -> list[str]:
    """What axe finds, beyond hints. It is put in past the page's own policy, as an extension would."""
    session = page.context.new_cdp_session(page)
    session.send("Runtime.evaluate", {"expression": AXE})
    results = page.evaluate("() => axe.run('html')")
    return [f"{one['id']}: {one['nodes'][0]['target']}" for one in results["violations"] if one["impact"] != "minor"]


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
def test_a_customer_is_found_explained_corrected_and_mended_by_keyboard(
    browser: Chromium, console: Console, signed_in: Any, scripts: bool
) -> None:
    for page in opened(browser, signed_in, java_script_enabled=scripts):
        page.goto(f"{console.base}/customers")
        if scripts:
            page.keyboard.press("/")
        else:
            page.get_by_role("searchbox").first.focus()
        page.keyboard.type("692871")
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", level=1, name="16133")).to_be_visible()
        expect(page.locator("details.entry[open]")).to_contain_text("58.00 GBP / 10.00 = 5.8 → 6")
        page.get_by_role("link", name="Correct points").focus()
        page.keyboard.press("Enter")
        page.get_by_label("Points", exact=True).focus()
        page.keyboard.type("50")
        page.keyboard.press("Tab")
        page.keyboard.type("Parcel came late, ticket 48213")
        page.keyboard.press("Tab")
        page.keyboard.type("Sorry")
        page.keyboard.press("Enter")
        page.get_by_role("button", name="Give 50 points to 16133").focus()
        page.keyboard.press("Enter")
        expect(page.get_by_role("status")).to_contain_text("Correction: +50.")
        page.get_by_role("status").get_by_role("link", name="Undo this correction").focus()
        page.keyboard.press("Enter")
        page.get_by_role("button", name="Check what it does").focus()
        page.keyboard.press("Enter")
        page.get_by_role("button", name="Take 50 points from 16133").focus()
        page.keyboard.press("Enter")
        expect(page.get_by_role("status")).to_contain_text(re.compile("Correction: \u221250"))


def test_the_way_back_from_a_customer_leads_to_what_was_found(
    browser: Chromium, console: Console, signed_in: Any
) -> None:
    for page in opened(browser, signed_in):
        page.goto(f"{console.base}/customers")
        page.keyboard.press("/")
        page.keyboard.type("120")
        page.keyboard.press("Enter")
        page.get_by_role("link", name="12003").click()
        page.get_by_role("heading", name="12003", exact=True).wait_for()
        page.go_back()
        page.get_by_role("link", name="12004").wait_for()


def test_a_link_from_elsewhere_leaves_open_forms_as_they_are(
    browser: Chromium, console: Console, signed_in: Any
) -> None:
    context = browser.new_context(storage_state=signed_in)
    context.set_default_timeout(PATIENCE_MS)
    form, chat = context.new_page(), context.new_page()
    form.goto(f"{console.base}/customers/0/correct")
    form.get_by_label("Points").fill("5")
    form.get_by_label("Reason, for colleagues").fill("a long story")
    link = f'<a href="{console.base}/customers/1">this one</a>'
    chat.route("http://chat.example/", lambda route: route.fulfill(body=link, content_type="text/html"))
    chat.goto("http://chat.example/")
    chat.get_by_role("link").click()
    chat.get_by_role("heading", level=1).wait_for()
    form.get_by_role("button", name="Check what it does").click()
    form.get_by_role("button", name="Give 5 points").wait_for()
    browser.close(context)


def test_a_job_under_way_is_looked_at_again_and_again(browser: Chromium, console: Console, signed_in: Any) -> None:
    """Nobody works on it here, so it waits; `opened` holds that nothing breaks meanwhile."""
    for page in opened(browser, signed_in):
        page.goto(f"{console.base}/jobs")
        page.get_by_role("button", name="Check the ledger").click()
        expect(page.get_by_role("status")).to_contain_text("Waits for its turn")
        job = page.url
        for _ in range(3):
            with page.expect_response(job):
                pass
        page.get_by_role("button", name="Stop it").click()
        expect(page.get_by_role("status")).to_contain_text("Stopped")


def test_every_link_leads_somewhere(browser: Chromium, console: Console, signed_in: Any) -> None:
    """A walk over all that is linked, once for each address without its query; of customers, who are alike, the first
    two.
    """
    for page in opened(browser, signed_in):
        seen, ahead = {"/"}, ["/customers"]
        while ahead:
            path = ahead.pop()
            answer = page.goto(console.base + path)
            assert answer is not None
            assert answer.status == 200, path
            links = page.eval_on_selector_all(
                "a[href]:not([download])", "found => found.map(a => a.getAttribute('href'))"
            )
            for link in links:
                place = link.partition("#")[0]
                customer = re.match(r"/customers/(\d+)", place)
                if customer is not None and int(customer[1]) > 1:
                    continue
                if place.startswith("/") and place.partition("?")[0] not in seen:
                    seen.add(place.partition("?")[0])
                    ahead.append(place)
        assert len(seen) > 10
