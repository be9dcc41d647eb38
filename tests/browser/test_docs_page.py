"""The API's documentation as a shop's engineer reads it: every call, how to make it, and where each problem leads."""

from collections.abc import Generator

import pytest
from playwright.sync_api import Page
from tests.acceptance.command_line import served
from tests.browser.reading import wait_until

from laurels.http.api import service
from laurels.http.app import ROUTES
from laurels.http.openapi.examples import REQUESTS
from laurels.http.problems import KINDS


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Generator[str]:
    with served(tmp_path_factory.mktemp("state")) as address:
        yield address


@pytest.fixture
def docs(page: Page, address: str) -> Page:
    page.goto(f"{address}/docs")
    page.wait_for_selector("#problems:not([hidden])")
    assert page.inner_text("#notice") == ""
    return page


def test_every_call_is_there_with_what_it_needs_and_an_example(docs: Page) -> None:
    for route in (*ROUTES, *service.ROUTES):
        text = docs.inner_text(f"#{route.handle.__name__}")
        assert text.startswith(f"{route.method} {route.path}")
        for scope in route.access.scopes if route.access else ():
            assert scope in text
        assert "curl" in text
        for one in (route, route.for_members):
            for title in REQUESTS.get(one.handle.__name__, {}) if one else {}:
                assert title in text
    assert docs.locator("#contents a").count() == len([*ROUTES, *service.ROUTES])


def test_every_field_has_words(docs: Page) -> None:
    """More than a name and a kind: the third cell of each field says what it is."""
    cells = docs.locator("#operations tr:has(td:nth-child(3)) td:nth-child(3)").all_inner_texts()
    assert len(cells) > 60
    assert [cell for cell in cells if cell in {"string", "integer", "array", "object"}] == []


@pytest.mark.long
def test_every_problem_leads_to_its_words(docs: Page, address: str) -> None:
    for kind in KINDS.values():
        assert kind.meaning.replace("`", "") in docs.locator(f"[id='{kind.type}']").inner_text()
    links = docs.locator(".answers a").all()
    assert links, "operations say what they may answer"
    for link in links:
        assert (link.get_attribute("href") or "").removeprefix("#/problems/") in KINDS
    docs.goto(f"{address}/docs#/problems/version-not-reached")
    docs.reload()
    # Not wait_for_function: asked again, it is an eval, which the page's policy forbids.
    wait_until(docs, lambda: docs.evaluate("scrollY") > 1000)


def test_a_search_leaves_the_calls_that_have_all_its_words(docs: Page) -> None:
    docs.get_by_role("searchbox", name="Search the calls").fill("redeem CANCEL")
    assert docs.locator("#found").inner_text().startswith("1 of ")
    assert docs.locator("#operations > section:visible h2").all_inner_texts() == [
        "POST /loyalty/{member_id}/redeem/{redemption_id}/cancel"
    ]
    assert docs.locator("#contents a:visible").count() == 1
    docs.get_by_role("searchbox").fill("")
    assert docs.locator("#contents a:visible").count() == len([*ROUTES, *service.ROUTES])


def test_examples_come_in_three_languages_and_one_choice_counts_for_all(docs: Page, address: str) -> None:
    place = docs.locator("#place_order")
    assert place.get_by_role("tab").all_inner_texts()[:3] == ["curl", "Python", "JavaScript"]
    place.get_by_role("tab", name="curl").first.press("ArrowRight")
    for text in docs.locator("#operations [role=tabpanel]:visible").all_inner_texts():
        compile(text, "example", "exec")
        assert "import httpx" in text
        assert f'"{address}/' in text
    place.get_by_role("tab", name="JavaScript").first.click()
    docs.reload()
    docs.wait_for_selector("#problems:not([hidden])")
    shown = docs.locator("#operations [role=tabpanel]:visible").all_inner_texts()
    assert all(text.startswith("const answer = await fetch(") for text in shown)
    elsewhere = docs.context.new_page()  # the page's own policy lets it try no text
    for text in shown:
        elsewhere.evaluate("text => { new (async () => {}).constructor(text); }", text)
