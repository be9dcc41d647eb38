"""What a page shows, as plain values."""

from collections.abc import Callable
from importlib.resources import files
from typing import Any

import pytest
from playwright.sync_api import Locator, Page

AXE = (files("axe_playwright_python") / "axe.min.js").read_text("utf-8")
STATE = "element.shadowRoot.querySelector('.card').dataset.state"


def part(page: Page, name: str) -> Locator:
    """A part of the element by its name in the shadow tree."""
    return page.locator(f"laurels-dashboard [part~={name}]")


def wait_for_state(page: Page, state: str) -> None:
    page.wait_for_function(f"s => {STATE} === s", arg=state)


def wait_for_points(page: Page, points: str) -> None:
    """Wait until the own points, as written, are on screen."""
    page.wait_for_function(
        "points => element.shadowRoot.querySelector('.points .value').textContent === points", arg=points
    )


def rows(page: Page) -> list[str]:
    """The rows as a person reads them: "2= Silver Heron 0093 27,635", the own one with a star; "…" for a gap."""
    found: list[str] = page.evaluate("""() => [...element.shadowRoot.querySelectorAll('tbody tr')].map(row => {
        if (row.matches('.gap')) return '…';
        const text = name => row.querySelector(name).textContent;
        return `${row.matches('.me') ? '*' : ''}${text('.number')}${text('.tie')} ${text('.label')} ${text('.points')}`;
    })""")
    return found


def ranks(page: Page) -> list[str]:
    """The ranks alone, with ties and the own star."""
    return [row.split()[0] for row in rows(page)]


def heard(page: Page, name: str) -> list[dict[str, Any]]:
    """The events of this name so far."""
    found: list[dict[str, Any]] = page.evaluate("name => heard.filter(event => event.name === name)", name)
    return found


def text(page: Page) -> str:
    """Every word in the element, seen or read aloud."""
    found: str = page.evaluate("element.shadowRoot.querySelector('.card').textContent")
    return found


def found_by_axe(page: Page, where: str = "laurels-dashboard") -> list[str]:
    """What keeps people out, as axe sees it, beyond mere hints."""
    page.evaluate(AXE)
    results = page.evaluate("where => axe.run(where)", where)
    assert results["passes"]
    return [
        f"{finding['impact']}: {finding['id']}: {[node['html'] for node in finding['nodes']]}"
        for finding in results["violations"]
        if finding["impact"] in {"moderate", "serious", "critical"}
    ]


def wait_until(page: Page, condition: Callable[[], bool]) -> None:
    """Wait for something on the server's side, letting the page go on meanwhile."""
    for _ in range(2400):
        if condition():
            return
        page.wait_for_timeout(25)
    pytest.fail("it did not happen within a minute")
