"""The element on its page of examples, as `laurels serve` serves it, over real orders and real tokens."""

import re
from collections.abc import Generator
from urllib.parse import urlencode, urlsplit

import pytest
from playwright.sync_api import Page, Response, expect
from tests.browser.reading import found_by_axe, part, ranks, rows, wait_for_points, wait_for_state
from tests.browser.served_shop import ServedShop


def show(page: Page, shop: ServedShop, member: str) -> None:
    page.goto(f"{shop.url}/elements/examples.html#{urlencode({'member': member, 'token': shop.token(member)})}")
    page.evaluate("window.element = document.querySelector('laurels-dashboard')")
    wait_for_state(page, "shown")


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Generator[ServedShop]:
    shop = ServedShop(tmp_path_factory.mktemp("shop"))
    shop.start()
    # Members m1 to m30 with 300, 290, … 10 points; m13 as many as m12.
    orders = [
        {
            "order_id": f"A{i}",
            "member_id": f"m{i}",
            "currency": "GBP",
            "total": f"{10 * (310 - 10 * (i - (i == 13)))}.00",
        }
        for i in range(1, 31)
    ]
    shop.call("POST", "/orders", json=orders)
    yield shop
    shop.stop()


def test_an_order_moves_the_member_at_once(shop: ServedShop, page: Page) -> None:
    show(page, shop, "m20")
    wait_for_points(page, "110")
    assert ranks(page) == [*map(str, range(1, 11)), "…", "18", "19", "*20", "21", "22"]
    expect(part(page, "status").first).to_have_text("Live")
    shop.order("B1", "m20", "45.00")
    wait_for_points(page, "115")
    shop.order("B2", "m20", "600.00")
    wait_for_points(page, "175")
    assert "*14" in ranks(page)
    # Five seconds after the first at the earliest: announcements are kept apart.
    expect(page.get_by_role("status").first).to_have_text("You are now 14th with 175 points")
    assert "token" not in page.url


@pytest.mark.parametrize("member", ["gid://shopify/Customer/1", "auth0|5f7c", "Zoë #1 50%?&+", "m1/live"])
def test_whatever_the_shop_calls_its_customer(shop: ServedShop, page: Page, member: str) -> None:
    shop.call("POST", "/orders", json=[{"order_id": member, "member_id": member, "currency": "GBP", "total": "250.00"}])
    show(page, shop, member)
    wait_for_points(page, "25")


def test_follows_the_stream_and_asks_no_more(shop: ServedShop, page: Page) -> None:
    asked: list[str] = []

    def note(response: Response) -> None:
        if "top=17" in response.url:
            asked.append(f"{response.status} {urlsplit(response.url).path}")

    page.on("response", note)
    show(page, shop, "m28")
    for order, points in enumerate(["31", "32", "33"]):
        shop.order(f"E{order}", "m28", "10.00")
        wait_for_points(page, points)
    assert asked == ["200 /loyalty/m28", "200 /loyalty/m28/live"]


def test_ties_are_shown_as_ties(shop: ServedShop, page: Page) -> None:
    show(page, shop, "m13")
    assert [rank for rank in ranks(page) if "=" in rank] == ["12=", "*12="]


def test_hiding_and_showing(shop: ServedShop, page: Page) -> None:
    show(page, shop, "m25")
    shop.call("POST", "/members/m25/hide")
    expect(part(page, "message").first).to_have_text("You are hidden from this board. Only you can see your points.")
    assert not any("*" in rank for rank in ranks(page))
    shop.call("POST", "/members/m25/show")
    expect(part(page, "me").first).to_be_visible()


def test_a_member_without_orders_and_then_with_one(shop: ServedShop, page: Page) -> None:
    show(page, shop, "newcomer")
    expect(part(page, "message").first).to_have_text("Your first order puts you on the board")
    shop.order("C1", "newcomer", "25.00")
    wait_for_points(page, "3")
    assert any("*" in row for row in rows(page))


def test_someone_elses_member_is_not_shown(shop: ServedShop, page: Page) -> None:
    show(page, shop, "m20")
    page.evaluate("element.setAttribute('member', 'm1')")
    wait_for_state(page, "failed")
    assert rows(page) == []


def test_comes_back_after_the_server_was_restarted(shop: ServedShop, page: Page) -> None:
    show(page, shop, "m22")
    status = part(page, "status").first
    before = rows(page)
    shop.stop()
    expect(status).to_have_text(re.compile(r"As of \d\d:\d\d, reconnecting"))
    assert rows(page) == before
    shop.start()
    expect(status).to_have_text("Live")
    shop.order("D1", "m22", "1.00")
    shop.order("D2", "m22", "10.00")
    wait_for_points(page, "91")


def test_every_example_is_shown(shop: ServedShop, page: Page) -> None:
    show(page, shop, "m20")
    for index in range(page.locator("laurels-dashboard").count()):
        expect(page.locator("laurels-dashboard .card").nth(index)).to_have_attribute("data-state", "shown")
    assert found_by_axe(page, "body") == []
