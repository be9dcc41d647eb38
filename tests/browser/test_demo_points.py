"""Points in the demo shop: what can be spent, what lapses, the tier; paying with them, the way back; both languages."""

import re
from collections.abc import Generator

import pytest
from playwright.sync_api import Page, expect
from tests.browser.demo_shop import Demo, enter, put_into_basket, sign_in
from tests.browser.reading import found_by_axe, part, wait_for_points

IRISH_MONTHS = "Ean|Feabh|Márta|Aib|Beal|Meith|Iúil|Lún|MFómh|DFómh|Samh|Noll"


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Generator[Demo]:
    demo = Demo(tmp_path_factory.mktemp("demo"))
    demo.start()
    yield demo
    demo.stop()


def spendable(page: Page) -> str:
    return part(page, "spend-figure").locator(".value").inner_text()


def expect_spendable(page: Page, points: str) -> None:
    expect(part(page, "spend-figure").locator(".value")).to_have_text(points)


def test_the_dashboard_says_what_can_be_spent_what_lapses_and_the_tier(demo: Demo, page: Page) -> None:
    enter(page, demo, "Niamh Byrne")
    expect_spendable(page, "98")
    expect(part(page, "spend-figure")).to_contain_text(re.compile(r"\d+ points lapse after \d+ \w+ 20\d\d"))
    tier = part(page, "tier-figure")
    expect(tier.locator(".value")).to_have_text("Silver")
    expect(tier).to_contain_text("102 points to Gold")
    expect(tier).to_contain_text(re.compile(r"yours until \d+ \w+ 20\d\d"))
    expect(part(page, "tier-progress")).to_have_js_property("value", 98)
    assert found_by_axe(page) == []
    sign_in(page, "Rose Alder")
    expect(tier.locator(".value")).to_have_text("Gold")
    expect(tier).to_contain_text("The highest there is")
    expect(part(page, "tier-progress")).to_be_hidden()
    sign_in(page, "Ada Quinn")
    expect_spendable(page, "0")
    expect(tier.locator(".value")).to_have_text("Blue")


def test_nothing_of_the_former_customers_purse_is_seen(demo: Demo, page: Page) -> None:
    enter(page, demo, "Niamh Byrne")
    expect_spendable(page, "98")
    left = page.evaluate("""() => {
        element.setAttribute('member', 'ada');
        return [...element.shadowRoot.querySelectorAll('.purse .value')].map(value => value.textContent);
    }""")
    assert left == ["\u2013", "\u2013"]
    page.evaluate("element.removeAttribute('purse')")
    expect(part(page, "purse")).to_be_hidden()


def test_a_campaign_is_named_where_it_gave_points(demo: Demo, page: Page) -> None:
    enter(page, demo, "Tom Reed")
    put_into_basket(page, *["Farmhouse Cheddar, 350 g"] * 3, "Enamel mug")
    expect(page.locator(".earns")).to_have_text("This order earns 2 points for £22.25 spent, 1 extra for Double Dairy.")
    page.get_by_role("button", name="Buy for £22.25").click()
    expect(page.locator(".outcome")).to_have_text("Thank you! +3 points")
    newest = page.locator("#purchases li").first
    newest.get_by_role("button", name="Why 3 points?").click()
    expect(newest.locator(".reason p").first).to_have_text("2 points for £22.25 spent, 1 extra for Double Dairy.")
    expect(newest.locator(".reason")).not_to_contain_text(re.compile("version|half-up|floor|GBP"))


def test_points_pay_for_a_part_and_come_back_with_the_goods(demo: Demo, page: Page) -> None:
    enter(page, demo, "Sam Okafor")
    expect_spendable(page, "413")
    before = standing_points(page)
    put_into_basket(page, "Wooden train set", "Beech chopping board")
    page.get_by_label("413 of your points: £41.30 less to pay").check()
    expect(page.locator(".earns")).to_have_text("This order earns 1 point for £14.70 spent, 1 extra as you are Gold.")
    page.get_by_role("button", name="Buy for £14.70").click()
    expect(page.locator(".outcome")).to_have_text("Thank you! +2 points")
    expect_spendable(page, "2")
    wait_for_points(page, str(before + 2))  # spending costs no place
    newest = page.locator("#purchases li").first
    expect(newest).to_contain_text("£41.30 of it paid with points")
    newest.get_by_role("button", name="Why 2 points?").click()
    expect(newest.locator(".reason p").first).to_have_text("1 point for £14.70 spent, 1 extra as you are Gold.")
    newest.get_by_role("button", name="Return it").click()
    newest.get_by_role("button", name="Yes, return it").click()
    expect(newest.locator(".note")).to_have_text(
        "Returned. Its points were taken back, and those you paid with are yours again."
    )
    expect_spendable(page, "413")
    wait_for_points(page, str(before))


def test_a_declined_card_leaves_the_points(demo: Demo, page: Page) -> None:
    enter(page, demo, "Tom Reed")
    had = spendable(page)
    put_into_basket(page, "Lambswool throw")
    page.get_by_label(re.compile("of your points")).check()
    page.get_by_role("radio", name="One that is declined").check()
    page.get_by_role("button", name=re.compile("Buy for")).click()
    expect(page.locator(".outcome")).to_contain_text("Your card was declined")
    balance = demo.call("GET", "/loyalty/tom/balance", "tom").json()
    assert (str(balance["available"]), balance["held"]) == (had, 0)


def test_more_points_than_there_are_or_than_it_costs_are_refused(demo: Demo) -> None:
    body = {"itemIds": ["PAP-802"], "paymentDetails": {"method": "card", "token": "tok_ok"}}
    for points, status in ((28, 422), (27, 409)):
        answer = demo.call("POST", "/demo/orders/x1", "ada", json={**body, "points": points})
        assert answer.status_code == status, answer.text
    assert demo.call("GET", "/order/x1?source=shop", "ada").status_code == 404


def test_the_same_purchase_again_takes_nothing_twice(demo: Demo) -> None:
    before = demo.call("GET", "/loyalty/rose/balance", "rose").json()["available"]
    body = {"itemIds": ["BAG-950"], "paymentDetails": {"method": "card", "token": "tok_ok"}, "points": 100}
    answers = [demo.call("POST", "/demo/orders/x2", "rose", json=body) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [201, 201, 201]
    assert demo.call("GET", "/loyalty/rose/balance", "rose").json()["available"] in {before - 100, before - 100 + 3}


@pytest.mark.long
def test_the_shop_speaks_irish(demo: Demo, page: Page) -> None:
    enter(page, demo, "Niamh Byrne")
    page.get_by_role("link", name="Gaeilge").click()
    expect(page.get_by_role("heading", name="Do chuid orduithe")).to_be_visible()
    expect(part(page, "tier-figure")).to_contain_text("102 pointe eile go Gold")
    expect(part(page, "spend-figure")).to_contain_text(re.compile(r"Rachaidh \d+ pointe as feidhm tar éis \d+ \w+"))
    oldest = page.locator("#purchases li").last
    expect(oldest.locator(".what")).to_contain_text(re.compile(rf" \d+ ({IRISH_MONTHS}), \d\d:\d\d$"))
    oldest.get_by_role("button", name="Cén fáth 41 pointe?").click()
    expect(oldest.locator(".reason p").first).to_have_text(re.compile("^41 pointe ar .*412.50 a chaith tú\\.$"))
    assert page.locator("html").get_attribute("lang") == "ga-IE"
    assert found_by_axe(page, "main") == []
    page.get_by_role("link", name="English").click()
    expect(page.get_by_role("heading", name="Your orders")).to_be_visible()


def standing_points(page: Page) -> int:
    """The score of somebody who is hidden, and has no place."""
    return int(part(page, "points-figure").locator(".value").first.inner_text().replace(",", ""))
