"""A running `laurels demo` that can be stopped and started again at its address, and its page as a person uses it."""

import os
import re
import subprocess
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, expect
from tests.acceptance.command_line import LAURELS
from tests.browser.reading import wait_for_state
from tests.ending import end
from tests.ports import free_port

MEMBERS = 1000


class Demo:
    """The demo as a process, with few customers and, unless told otherwise, next to no traffic, so that what moves is
    what the test moves.
    """

    def __init__(self, state: Path, orders_per_second: float = 0.1) -> None:
        self._state = state
        self._orders_per_second = orders_per_second
        self._process: subprocess.Popen[str] | None = None
        self.url = f"http://127.0.0.1:{free_port()}"

    def start(self) -> None:
        port = self.url.rpartition(":")[2]
        options = ["--members", str(MEMBERS), "--orders-per-second", str(self._orders_per_second)]
        environment = {name: value for name, value in os.environ.items() if not name.startswith("LAURELS_")}
        self._process = subprocess.Popen(
            [str(LAURELS), "demo", "--state", str(self._state), "--port", port, *options],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment | {"PYTHONUNBUFFERED": "1"},
        )
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if found := re.search(r"(http://[\d.:]+)/$", line.strip()):
                self.url = found[1]
                return
        pytest.fail("laurels demo ended before it answered")

    def stop(self) -> None:
        if self._process is not None:
            end(self._process)
            self._process = None

    def call(self, method: str, path: str, member: str | None = None, **more: Any) -> httpx.Response:
        headers = {}
        if member is not None:
            token = httpx.post(f"{self.url}/demo/customers/{member}/token", timeout=60).json()["token"]
            headers["Authorization"] = f"Bearer {token}"
        return httpx.request(method, self.url + path, headers=headers, timeout=60, **more)


def enter(page: Page, demo: Demo, name: str) -> None:
    """Open the shop, signed in as somebody of its cast."""
    page.goto(demo.url)
    page.evaluate("window.element = document.querySelector('laurels-dashboard')")
    sign_in(page, name)


def sign_in(page: Page, name: str) -> None:
    page.get_by_role("radio", name=name).check()
    wait_for_state(page, "shown")
    member = name.split(maxsplit=1)[0].lower()
    page.wait_for_function("member => element.getAttribute('member') === member", arg=member)
    for section in ("#purchases", "#mails"):
        expect(page.locator(section)).to_have_attribute("aria-busy", "false")


def standing(page: Page) -> tuple[int, int]:
    """Rank and points as the dashboard writes them."""
    rank, points = page.evaluate(
        "[...element.shadowRoot.querySelectorAll('.summary .value')].map(value => value.textContent)"
    )
    return int(re.sub(r"\D", "", rank)), int(points.replace(",", ""))


def put_into_basket(page: Page, *titles: str) -> None:
    for title in titles:
        page.get_by_role("button", name=f"Add {title} to the basket").click()


def buy(page: Page, *titles: str) -> None:
    """Buy articles, and wait until it is said what they earned."""
    put_into_basket(page, *titles)
    page.get_by_role("button", name="Buy for").click()
    expect(page.locator(".outcome")).to_contain_text("Thank you! +")
