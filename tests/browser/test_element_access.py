"""Everyone can use it: by ear, by keyboard, without motion, in both themes and in forced colours."""

from typing import Any, Literal

import pytest
from playwright.sync_api import Page, expect
from tests.browser.boards import board, falling
from tests.browser.chromium import Chromium
from tests.browser.conftest import PATIENCE_MS, PUT, Put
from tests.browser.fake_laurels import FakeLaurels
from tests.browser.reading import found_by_axe, part, wait_for_points, wait_for_state

POINTS = falling(90)
MOVING = "element.shadowRoot.querySelector('tbody').getAnimations({subtree: true}).map(a => a.effect.target.localName)"
Theme = Literal["light", "dark"]


@pytest.mark.parametrize(
    ("theme", "forced"),
    [
        ("light", "none"),
        *(
            pytest.param(*each, marks=pytest.mark.long)
            for each in (("dark", "none"), ("light", "active"), ("dark", "active"))
        ),
    ],
)
def test_axe_finds_nothing(
    theme: Theme, forced: Literal["none", "active"], browser: Chromium, server: FakeLaurels
) -> None:
    unranked = board([*POINTS, 0], 90)
    unranked["me"]["name"] = None
    states: list[tuple[str, dict[str, Any] | None, dict[str, object]]] = [
        ("shown", board(POINTS, 40), {}),
        ("shown", board([9, 9, 9, 5, 5], 1), {}),
        ("shown", board(POINTS, 40, stale=True), {}),
        ("shown", unranked, {}),
        ("loading", None, {}),
        ("signed-out", None, {"token": None}),
        ("failed", {"board": "nonsense"}, {}),
    ]
    context = browser.new_context(color_scheme=theme, forced_colors=forced, bypass_csp=True, reduced_motion="reduce")
    context.set_default_timeout(PATIENCE_MS)
    for state, answer, attributes in states:
        page = context.new_page()
        server.gate.set()
        if answer:
            server.show(answer)
        if state == "loading":
            server.gate.clear()
        page.goto(f"{server.url}/shop")
        wanted = {"member": "ann", "token": "ann's", "milestone": "100 30000", **attributes}
        page.evaluate(PUT, {name: value for name, value in wanted.items() if value is not None})
        wait_for_state(page, state)
        assert found_by_axe(page) == [], (state, answer)
        page.close()
    browser.close(context)


def test_is_a_table_with_names_and_headings(put: Put, server: FakeLaurels) -> None:
    server.show(board([50, 40, 40], 1))
    page = put()
    wait_for_state(page, "shown")
    expect(page.get_by_role("group", name="Leaderboard, All time")).to_be_visible()
    table = page.get_by_role("table", name="Leaderboard, All time")
    expect(table.get_by_role("columnheader")).to_have_text(["Rank", "Name", "Points"])
    assert " ".join(table.get_by_role("row").nth(2).inner_text().split()).startswith("2= joint")


@pytest.mark.parametrize(("text_size", "display"), [("100%", "table"), ("200%", "block")])
def test_is_told_as_a_table_at_any_text_size(
    text_size: str, display: str, put: Put, server: FakeLaurels, page: Page
) -> None:
    """Large text lays the parts of the table out as blocks; a browser must not take them for text for that."""
    page.set_viewport_size({"width": 390, "height": 900})
    page.emulate_media(reduced_motion="reduce")
    server.show(board(POINTS, 40))
    put(top=1, around=1)
    wait_for_state(page, "shown")
    page.evaluate("size => { document.documentElement.style.fontSize = size; }", text_size)
    assert part(page, "table").evaluate("table => getComputedStyle(table).display") == display
    nodes = page.context.new_cdp_session(page).send("Accessibility.getFullAXTree")["nodes"]
    told = [node["role"]["value"] for node in nodes if not node["ignored"]]
    assert [told.count(role) for role in ("table", "row", "columnheader", "rowheader", "cell")] == [1, 6, 3, 4, 9]


def test_a_change_is_announced_once_in_a_while(put: Put, server: FakeLaurels, page: Page) -> None:
    page.clock.install()
    server.show(board(POINTS, 40))
    put()
    wait_for_state(page, "shown")
    said = page.get_by_role("status")
    expect(said).to_have_text("")
    server.show(board([*POINTS[:40], 25_000, *POINTS[41:]], 40))
    expect(said).to_have_text("You are now 11th with 25,000 points")
    for points in (25_500, 26_000):
        server.show(board([*POINTS[:40], points, *POINTS[41:]], 40))
        wait_for_points(page, f"{points:,}")
    expect(said).to_have_text("You are now 11th with 25,000 points")
    page.clock.fast_forward(5_100)
    expect(said).to_have_text("You are now 8th with 26,000 points")


def test_a_move_glides_and_is_marked(put: Put, server: FakeLaurels) -> None:
    server.show(board(POINTS, 5))
    page = put()
    wait_for_state(page, "shown")
    server.show(board([*POINTS[:5], 27_500, *POINTS[6:]], 5))
    page.wait_for_function(f"() => {MOVING}.includes('tr')")
    wait_for_points(page, "27,500")
    expect(part(page, "place-figure").locator(".marker")).to_have_text("▲3")
    expect(part(page, "table").locator(".marker").filter(has_text="▼1", visible=True)).to_have_count(3)


def test_nothing_moves_where_motion_is_unwanted(put: Put, server: FakeLaurels, page: Page) -> None:
    page.emulate_media(reduced_motion="reduce")
    server.show(board(POINTS, 5))
    put()
    wait_for_state(page, "shown")
    server.show(board([*POINTS[:5], 27_500, *POINTS[6:]], 5))
    wait_for_points(page, "27,500")
    expect(part(page, "place-figure").locator(".marker")).to_have_text("▲3")
    assert "tr" not in page.evaluate(MOVING)
