"""A page embeds the element with a few lines, under the strictest policy."""

import pytest
from playwright.sync_api import Page, Request, Route, expect
from tests.browser.boards import board, falling
from tests.browser.conftest import Put
from tests.browser.fake_laurels import STRICT, WEB, FakeLaurels
from tests.browser.reading import heard, part, wait_for_state

POINTS = falling(90)
ELEMENTS = WEB / "elements"
LATER = {"more", "purse", "why", "more-en-GB", "more-ga-IE"}
MODULES = sorted(file for file in ELEMENTS.glob("**/*.js") if file.stem != "examples")


@pytest.mark.parametrize(("boards", "unasked"), [(None, {"ga-IE", "switch"}), ("all-time month", {"ga-IE"})])
def test_loads_its_own_files_and_nothing_else(
    put: Put, server: FakeLaurels, page: Page, boards: str | None, unasked: set[str]
) -> None:
    """Those alone that it needs: the switch between boards is for those who offer one, the purse for those who ask."""
    asked = requests_of(page)
    server.show(board(POINTS, 40))
    put(boards=boards)
    wait_for_state(page, "shown")
    expect(part(page, "boards")).to_have_count(0 if boards is None else 1)
    assert {request.url.removeprefix(server.url).split("/")[1].partition("?")[0] for request in asked} == {
        "shop", "elements", "loyalty",
    }  # fmt: skip
    loaded = {request.url.rpartition("/elements/")[2] for request in asked if "/elements/" in request.url}
    assert loaded == {str(file.relative_to(ELEMENTS)) for file in MODULES if file.stem not in unasked | LATER}


def test_works_under_a_strict_policy_with_trusted_types(put: Put, server: FakeLaurels) -> None:
    assert "trusted-types 'none'" in STRICT
    answer = board(POINTS, 40)
    answer["top"][0]["name"] = "<img src=x onerror=alert(1)>"
    server.show(answer)
    page = put()
    wait_for_state(page, "shown")
    assert part(page, "name").first.inner_text() == "<img src=x onerror=alert(1)>"


def test_the_token_is_in_a_header_and_never_in_an_address(put: Put, server: FakeLaurels, page: Page) -> None:
    asked = requests_of(page)
    server.show(board(POINTS, 40))
    put(token="se-cr-et")
    wait_for_state(page, "shown")
    wire = [request for request in asked if "/loyalty/" in request.url]
    assert {request.headers["authorization"] for request in wire} == {"Bearer se-cr-et"}
    assert not any("se-cr-et" in request.url for request in asked)


def test_what_was_set_before_the_element_arrived_counts(server: FakeLaurels, page: Page) -> None:
    server.show(board(POINTS, 40))
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route("**/laurels-dashboard.js", hold)
    page.goto(f"{server.url}/shop", wait_until="commit")
    page.wait_for_selector("main")
    page.evaluate("""() => {
        const element = window.element = document.createElement('laurels-dashboard');
        element.setAttribute('member', 'ann');
        element.token = "ann's";
        document.querySelector('main').append(element);
    }""")
    held[0].continue_()
    page.wait_for_function("() => element.shadowRoot")
    wait_for_state(page, "shown")


def test_a_member_with_odd_letters_and_a_base_in_a_folder(put: Put, server: FakeLaurels) -> None:
    server.show(board(POINTS, 40), "ann+b@shop.example:1")
    page = put(member="ann+b@shop.example:1", src=server.url)
    wait_for_state(page, "shown")
    page.evaluate("element.setAttribute('src', 'http://[')")
    wait_for_state(page, "failed")


def test_tells_the_page_of_changes(put: Put, server: FakeLaurels) -> None:
    server.show(board(POINTS, 40))
    page = put()
    wait_for_state(page, "shown")
    server.show(board([*POINTS[:40], 30_000, *POINTS[41:]], 40, as_of="1.0-8"))
    page.wait_for_function("() => heard.length === 2")
    assert heard(page, "laurels-change") == [
        {"name": "laurels-change", "rank": 41, "points": 15_506, "as_of": "1.0-7"},
        {"name": "laurels-change", "rank": 1, "points": 30_000, "as_of": "1.0-8"},
    ]


def test_two_copies_of_the_file_on_one_page(put: Put, server: FakeLaurels) -> None:
    server.show(board(POINTS, 40))
    page = put()
    page.evaluate("import('/elements/laurels-dashboard.js?second')")
    wait_for_state(page, "shown")


def test_a_page_can_style_it(put: Put, server: FakeLaurels, page: Page) -> None:
    server.show(board(POINTS, 40))
    put()
    wait_for_state(page, "shown")
    page.evaluate("""() => {
        const sheet = new CSSStyleSheet();
        sheet.replaceSync(`laurels-dashboard { --laurels-accent: rgb(90, 40, 160); color-scheme: dark; }
            laurels-dashboard::part(title) { text-transform: uppercase; }`);
        document.adoptedStyleSheets = [sheet];
    }""")
    expect(part(page, "you").nth(12)).to_have_css("background-color", "rgb(90, 40, 160)")
    expect(part(page, "title")).to_have_css("text-transform", "uppercase")
    expect(part(page, "card")).to_have_css("background-color", "rgb(21, 27, 24)")


def requests_of(page: Page) -> list[Request]:
    """What the page asks for from now on."""
    asked: list[Request] = []

    def note(request: Request) -> None:
        asked.append(request)

    page.on("request", note)
    return asked
