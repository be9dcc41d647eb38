"""The element on the page of another origin, which `laurels serve` lets in by its setting; and what it weighs there."""

import re
from collections.abc import Generator
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, Response, expect
from tests.browser.fake_laurels import FakeLaurels, fake_laurels
from tests.browser.reading import heard, part, ranks, wait_for_points, wait_for_state
from tests.browser.served_shop import ServedShop

PUT = """([member, token]) => {
    window.heard = [];
    const element = window.element = document.createElement('laurels-dashboard');
    element.addEventListener('laurels-error', event => heard.push({name: 'laurels-error', ...event.detail}));
    element.setAttribute('member', member);
    window.token = token;
    element.getToken = async () => window.token;
    document.querySelector('main').append(element);
}"""


@pytest.fixture(scope="module")
def site() -> Generator[FakeLaurels]:
    """Somebody's site: of Laurels it has five lines of HTML."""
    with fake_laurels() as site:
        yield site


@pytest.fixture(scope="module")
def shop(site: FakeLaurels, tmp_path_factory: pytest.TempPathFactory) -> Generator[ServedShop]:
    origins = f"https://elsewhere.example,{site.url}"
    shop = ServedShop(tmp_path_factory.mktemp("shop"), LAURELS_HTTP_CORS_ORIGINS=origins)
    shop.start()
    for i in range(1, 31):
        shop.order(f"A{i}", f"m{i}", f"{10 * (310 - 10 * i)}.00")
    yield shop
    shop.stop()


def put(page: Page, site: FakeLaurels, shop: ServedShop, token: str, language: str = "en-GB") -> None:
    page.goto(f"{site.url}/shop/{urlsplit(shop.url).netloc}")
    page.evaluate("language => document.documentElement.lang = language", language)
    page.evaluate(PUT, ["m20", token])


def test_is_shown_and_follows_the_stream(site: FakeLaurels, shop: ServedShop, page: Page) -> None:
    asked: list[str] = []

    def note(response: Response) -> None:
        if "/loyalty/" in response.url:
            asked.append(f"{response.request.method} {response.status} {urlsplit(response.url).path}")

    page.on("response", note)
    put(page, site, shop, shop.token("m20"))
    wait_for_state(page, "shown")
    assert "*20" in ranks(page)
    expect(part(page, "status")).to_have_text("Live")
    points = part(page, "points-figure").locator(".value").inner_text()
    shop.order("B1", "m20", "50.00")
    wait_for_points(page, str(int(points) + 5))
    assert [each for each in asked if each.startswith("GET")] == ["GET 200 /loyalty/m20", "GET 200 /loyalty/m20/live"]
    assert site.asked == []


def test_reads_what_went_wrong(site: FakeLaurels, shop: ServedShop, page: Page) -> None:
    put(page, site, shop, shop.token("m20", ttl_s=-60))
    wait_for_state(page, "signed-out")
    assert heard(page, "laurels-error")[-1]["status"] == 401
    page.evaluate("token => { element.token = token }", shop.token("m1"))
    wait_for_state(page, "failed")
    failure = heard(page, "laurels-error")[-1]
    assert (failure["status"], failure["title"]) == (404, "Not found")


def test_comes_back_after_the_server_was_restarted(site: FakeLaurels, shop: ServedShop, page: Page) -> None:
    put(page, site, shop, shop.token("m20"))
    wait_for_state(page, "shown")
    shop.stop()
    expect(part(page, "status")).to_have_text(re.compile(r"As of \d\d:\d\d, reconnecting"))
    shop.start()
    expect(part(page, "status")).to_have_text("Live")


def test_an_origin_that_is_not_named_gets_no_answer(shop: ServedShop, page: Page) -> None:
    with fake_laurels() as stranger:
        put(page, stranger, shop, shop.token("m20"))
        wait_for_state(page, "failed")
        assert heard(page, "laurels-error")[0]["status"] is None
        assert ranks(page) == []


@pytest.mark.parametrize("language", ["en-GB", "ga-IE"])
def test_weighs_less_than_15_kb_as_the_browser_fetches_it(
    language: str, site: FakeLaurels, shop: ServedShop, page: Page
) -> None:
    modules: list[Response] = []

    def note(response: Response) -> None:
        if "/elements/" in response.url:
            modules.append(response)

    page.on("response", note)
    put(page, site, shop, shop.token("m20"), language)
    wait_for_state(page, "shown")
    weights = {urlsplit(one.url).path: one.request.sizes()["responseBodySize"] for one in modules}
    print(weights, sum(weights.values()))
    assert set(weights) == {
        f"/elements/{name}.js" for name in ("laurels-dashboard", "feed", "view", "style", f"texts/{language}")
    }
    assert sum(weights.values()) < 15_000
