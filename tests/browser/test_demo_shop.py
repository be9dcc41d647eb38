"""The demo shop as it is served by `laurels demo`: buying, its points and their reasons, the way back, and the mail."""

import re
from collections.abc import Generator

import pytest
from playwright.sync_api import Page, Route, expect
from tests.acceptance.command_line import served
from tests.browser.demo_shop import MEMBERS, Demo, buy, enter, put_into_basket, sign_in, standing
from tests.browser.reading import part, wait_for_points, wait_for_state, wait_until


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Generator[Demo]:
    demo = Demo(tmp_path_factory.mktemp("demo"))
    demo.start()
    yield demo
    demo.stop()


def test_buying_moves_points_and_rank_without_a_reload(demo: Demo, page: Page) -> None:
    enter(page, demo, "Rose Alder")
    page.evaluate("window.untouched = true")
    rank, points = standing(page)
    buy(page, "Lambswool throw", "Wooden train set", "Wooden train set")
    expect(page.locator(".outcome")).to_have_text("Thank you! +20 points")  # half as many again: she is Gold
    wait_for_points(page, f"{points + 20:,}")
    assert standing(page)[0] < rank
    assert page.evaluate("untouched")


def test_an_order_too_small_for_points_says_so(demo: Demo, page: Page) -> None:
    enter(page, demo, "Rose Alder")
    put_into_basket(page, "Birthday card")
    page.get_by_role("button", name="Buy for £2.75").click()
    expect(page.locator(".outcome")).to_have_text("Thank you! No points this time.")
    expect(page.locator("#purchases li").first.locator(".earned")).to_have_text("0 points")


def test_the_others_move_too(demo: Demo, page: Page) -> None:
    enter(page, demo, "Tom Reed")
    ranked = "element.shadowRoot.querySelector('[data-state=shown]').textContent"
    before = page.evaluate(ranked)
    demo.call("POST", "/demo/bustle", json={"orders_per_second": 100}).raise_for_status()
    page.wait_for_function(f"before => {ranked} !== before", arg=before)
    demo.call("POST", "/demo/bustle", json={"orders_per_second": 0.1}).raise_for_status()


def test_the_pace_that_it_was_started_with_is_shown(demo: Demo, page: Page) -> None:
    enter(page, demo, "Tom Reed")
    expect(page.get_by_role("combobox", name="Other customers order")).to_have_value("0.1")
    expect(page.locator("#pace option:checked")).to_have_text("0.1 times a second")


def test_a_declined_card_costs_nothing_and_leaves_the_basket(demo: Demo, page: Page) -> None:
    enter(page, demo, "Tom Reed")
    before = standing(page)[1]
    put_into_basket(page, "Cast-iron skillet")
    page.get_by_role("radio", name="One that is declined").check()
    page.get_by_role("button", name="Buy for £32.50").click()
    expect(page.locator(".outcome")).to_have_text(
        "Your card was declined, and nothing was charged. Your basket is as it was: try the other card."
    )
    expect(page.locator("#basket li")).to_contain_text(["Cast-iron skillet"])
    assert standing(page)[1] == before
    page.get_by_role("radio", name="Card ending 4242").check()
    page.get_by_role("button", name="Buy for £32.50").click()
    wait_for_points(page, str(before + 3))


def test_every_order_says_why(demo: Demo, page: Page) -> None:
    enter(page, demo, "Tom Reed")
    oldest = page.locator("#purchases li").last
    why = oldest.get_by_role("button", name="Why 10 points?")
    why.click()
    expect(oldest.locator(".reason p")).to_have_text(
        ["10 points for £99.99 spent.", re.compile(r"^You can spend them until \d+ \w+ 20\d\d\.$")]
    )
    expect(why).to_have_attribute("aria-expanded", "true")
    why.click()
    expect(oldest.locator(".reason")).to_be_hidden()


def test_returning_an_order_takes_back_exactly_what_it_earned(demo: Demo, page: Page) -> None:
    enter(page, demo, "Tom Reed")
    before = standing(page)
    buy(page, "Stoneware vase", "Beeswax candle")
    wait_for_points(page, str(before[1] + 3))
    newest = page.locator("#purchases li").first
    expect(newest).to_contain_text("£31.20")
    expect(newest.locator(".items")).to_have_text("Stoneware vase, Beeswax candle")
    back = newest.get_by_role("button", name="Return it: the order of £31.20")
    back.click()
    expect(newest.locator(".note")).to_have_text("Return the whole order? Its points go back.")
    newest.get_by_role("button", name="Keep it").click()
    expect(newest.locator(".note")).to_be_empty()
    back.click()
    newest.get_by_role("button", name="Yes, return it: the order of £31.20").click()
    wait_for_points(page, str(before[1]))
    assert standing(page) == before
    expect(newest.locator(".note")).to_have_text("Returned. Its points were taken back, exactly.")
    expect(newest.locator(".earned")).to_have_text("0 points")
    expect(newest.get_by_role("button", name="Return")).to_be_hidden()
    newest.get_by_role("button", name="Why 0 points?").click()
    expect(newest.locator(".reason p")).to_have_text(["You returned all of it, so its 3 points went back."])


def test_what_was_said_of_a_purchase_goes_and_the_keyboard_stays(demo: Demo, page: Page) -> None:
    enter(page, demo, "Tom Reed")
    put_into_basket(page, "Birthday card")
    page.get_by_role("button", name="Buy for £2.75").press("Enter")
    expect(page.locator(".outcome")).to_be_focused()
    expect(page.locator("#basket")).to_be_hidden()
    expect(page.locator("#shelves")).to_be_focused()


def test_orders_are_asked_for_one_at_a_time_and_nothing_is_said_of_them_before(demo: Demo, page: Page) -> None:
    enter(page, demo, "Tom Reed")
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route("**/demo/customers/rose/orders", hold)
    page.get_by_role("radio", name="Rose Alder").check()
    wait_until(page, lambda: len(held) == 1)
    expect(page.locator("#purchases")).to_have_attribute("aria-busy", "true")
    expect(page.locator("#purchases .none")).to_be_hidden()
    for _ in range(3):
        page.evaluate("element.dispatchEvent(new CustomEvent('laurels-change'))")
    page.wait_for_function("member => element.getAttribute('member') === member", arg="rose")
    assert len(held) == 1  # an older answer can not come in after a newer one
    page.unroute("**/demo/customers/rose/orders")  # what was held goes on
    expect(page.locator("#purchases")).to_have_attribute("aria-busy", "false")
    expect(page.locator("#purchases li").first).to_be_visible()


def test_the_basket_counts_and_forgets(demo: Demo, page: Page) -> None:
    enter(page, demo, "Tom Reed")
    put_into_basket(page, "Enamel mug", "Enamel mug", "Sourdough loaf")
    expect(page.get_by_role("button", name="Buy for £19.20")).to_be_visible()
    page.get_by_role("button", name="One Enamel mug less").click()
    expect(page.get_by_role("button", name="Buy for £11.20")).to_be_visible()
    page.get_by_role("button", name="One Enamel mug less").click()
    page.get_by_role("button", name="One Sourdough loaf less").click()
    expect(page.locator("#basket")).to_be_hidden()


def test_signing_in_as_another_leaves_nothing_of_the_former(demo: Demo, page: Page) -> None:
    enter(page, demo, "Rose Alder")
    expect(page.locator("#privacy p").first).to_contain_text("To everyone else you are")
    expect(part(page, "me")).to_have_count(1)
    expect(page.locator("#purchases li").first).to_be_visible()
    put_into_basket(page, "Enamel mug")
    sign_in(page, "Ada Quinn")
    expect(part(page, "message").first).to_contain_text("You are not on this board yet.")
    expect(page.locator("#basket")).to_be_hidden()
    expect(page.locator("#purchases li")).to_have_count(0)
    expect(part(page, "me")).to_have_count(0)
    assert "1,8" not in part(page, "points-figure").inner_text()
    sign_in(page, "Sam Okafor")
    expect(part(page, "message").first).to_contain_text("You are hidden from this board.")
    page.reload()
    expect(page.get_by_role("radio", name="Sam Okafor")).to_be_checked()


def test_hiding_showing_and_another_name(demo: Demo, page: Page) -> None:
    enter(page, demo, "Rose Alder")
    words = page.locator("#privacy p").first
    expect(words).to_contain_text("To everyone else")
    before = words.inner_text()
    page.get_by_role("button", name="Take another name").click()
    expect(words).not_to_have_text(before)
    expect(words).to_contain_text("To everyone else you are")
    page.get_by_role("button", name="Hide me").click()
    expect(words).to_have_text("Nobody but you sees your points.")
    page.get_by_role("button", name="Show me").click()
    expect(words).to_contain_text("To everyone else you are")


def test_passing_100_points_sends_one_mail_that_can_be_read(demo: Demo, page: Page) -> None:
    enter(page, demo, "Niamh Byrne")
    wait_for_points(page, "98")
    expect(page.locator("#mails .none")).to_be_visible()
    buy(page, "Wooden train set")
    wait_for_points(page, "102")
    expect(page.locator("#news")).to_have_text("You have mail: You have passed 100 points at Corner Shop")
    mail = page.locator("#mails iframe").content_frame
    expect(mail.locator("body")).to_contain_text("102 points")
    card = mail.locator(".card").evaluate("element => getComputedStyle(element).backgroundColor")
    assert card == "rgb(255, 255, 255)"  # its own style got through the policy
    buy(page, "Wooden train set")
    wait_for_points(page, "106")
    expect(page.locator("#mails li")).to_have_count(1)


@pytest.mark.long
def test_goes_on_by_itself_when_the_shop_was_restarted(demo: Demo, page: Page) -> None:
    enter(page, demo, "Tom Reed")
    before = standing(page)[1]
    orders = page.locator("#purchases li").count()
    assert orders > 0
    demo.stop()
    expect(page.locator("#notice")).to_contain_text("The shop does not answer just now.")
    put_into_basket(page, "Copper watering can")
    page.get_by_role("button", name="Buy for").click()
    expect(page.locator(".outcome")).to_contain_text("you will be charged once at most")
    demo.start()
    assert demo.call("GET", "/demo/bustle").json()["customers"] == MEMBERS
    expect(part(page, "status").first).to_have_text("Live")
    expect(page.locator("#notice")).to_be_hidden()
    page.get_by_role("button", name="Buy for").click()
    wait_for_points(page, str(before + 3))
    expect(page.locator("#purchases li")).to_have_count(orders + 1)
    bought = demo.call("GET", "/demo/customers/tom/orders", "tom").json()
    assert len({(order["source"], order["order_id"]) for order in bought}) == len(bought) == orders + 1


def test_the_examples_of_the_element_open_with_the_customer_signed_in(demo: Demo, page: Page) -> None:
    enter(page, demo, "Tom Reed")
    page.get_by_role("link", name="Live examples of the element").click()
    expect(part(page, "me").first).to_be_visible()
    assert "token" not in page.url


def test_the_month_is_a_switch_away(demo: Demo, page: Page) -> None:
    enter(page, demo, "Tom Reed")
    switch = page.get_by_role("group", name="Board", exact=True)
    expect(switch.get_by_role("button", name="All time")).to_have_attribute("aria-pressed", "true")
    with page.expect_request(re.compile("board=month")):
        switch.get_by_role("button", name="This month").press("Enter")
    wait_for_state(page, "shown")
    expect(switch.get_by_role("button", name="This month")).to_have_attribute("aria-pressed", "true")
    expect(switch.get_by_role("button", name="This month")).to_be_focused()
    assert page.evaluate("element.getAttribute('board')") == "month"
    page.evaluate("element.setAttribute('boards', 'month')")
    expect(switch).to_have_count(0)


def test_the_board_for_a_big_screen(demo: Demo, page: Page) -> None:
    page.goto(f"{demo.url}/board")
    for board in page.locator("laurels-dashboard").all():
        expect(board.locator("[part~=status]").first).to_have_text("Live")
        expect(board.locator("tbody tr")).to_have_count(10)


def test_an_order_is_returned_by_its_buyer_alone(demo: Demo) -> None:
    for order, source in (("niamh-1", "shop"), ("H000001", "shop"), ("no-such", "checkout")):
        answer = demo.call("POST", f"/demo/orders/{order}/refund", "tom", params={"source": source})
        assert (answer.status_code, answer.json()["type"]) == (404, "/problems/not-found")
    assert demo.call("POST", "/demo/orders/niamh-1/refund").status_code == 401
    assert demo.call("GET", "/demo/customers/niamh/orders", "tom").status_code == 404
    assert demo.call("POST", "/demo/customers/c000001/token").status_code == 404
    assert demo.call("GET", "/demo/mails/..%2Flaurels").status_code in {404, 422}


def test_the_screens_token_reads_boards_and_nothing_else(demo: Demo, page: Page) -> None:
    token = demo.call("POST", "/demo/screen/token").json()["token"]
    page.goto(f"{demo.url}/board")
    status = "([path, token]) => fetch(path, {headers: {Authorization: `Bearer ${token}`}}).then(r => r.status)"
    assert page.evaluate(status, ["/leaderboard/all-time", token]) == 200
    assert page.evaluate(status, ["/loyalty/niamh", token]) == 403
    assert page.evaluate(status, ["/order/niamh-1?source=shop", token]) == 403


def test_a_served_laurels_has_no_shop(page: Page, tmp_path_factory: pytest.TempPathFactory) -> None:
    with served(tmp_path_factory.mktemp("served")) as url:
        for path in ("/demo/shop", "/demo/bustle", "/board"):
            answer = page.goto(f"{url}{path}")
            assert answer is not None
            assert answer.status == 404
        answer = page.goto(url)
        assert answer is not None
        assert not re.search("Corner Shop", answer.text())
