"""What customers see in each state, and that it is said rightly: places, ties, gaps, points, languages."""

import pytest
from playwright.sync_api import Page, expect
from tests.browser.boards import board, falling, name_of
from tests.browser.conftest import Put
from tests.browser.fake_laurels import FakeLaurels
from tests.browser.reading import heard, part, ranks, rows, text, wait_for_points, wait_for_state

POINTS = falling(90)


def test_first_places_gap_and_neighbours(put: Put, server: FakeLaurels) -> None:
    server.show(board(POINTS, 40))
    page = put()
    wait_for_state(page, "shown")
    assert ranks(page) == [*map(str, range(1, 11)), "…", "39", "40", "*41", "42", "43"]
    assert rows(page)[0] == f"1 {name_of(0)} 27,946"
    assert part(page, "gap").text_content() == "28 members between"
    assert part(page, "place-figure").inner_text().split("\n") == ["Your place", "41st", "of 90"]


@pytest.mark.parametrize(
    ("me", "expected"),
    [
        (0, "*1 2 3 4 5 6 7 8 9 10 11"),
        (4, "1 2 3 4 *5 6 7 8 9 10 11"),
        (6, "1 2 3 4 5 6 *7 8 9 10 11"),  # overlaps
        (7, "1 2 3 4 5 6 7 *8 9 10 11"),  # touches
        (8, "1 2 3 4 5 … 7 8 *9 10 11"),  # one place lies between
        (89, "1 2 3 4 5 … 88 89 *90"),
    ],
)
def test_one_list_as_long_as_ever_where_top_and_neighbours_meet(
    me: int, expected: str, put: Put, server: FakeLaurels
) -> None:
    server.show(board(POINTS, me, top=12))
    page = put(top=5)
    wait_for_state(page, "shown")
    assert " ".join(ranks(page)) == expected
    assert server.asked[0][1] == {"board": "all-time", "top": "12", "around": "3"}


def test_ties_share_a_rank_and_are_marked_even_past_the_edge(put: Put, server: FakeLaurels) -> None:
    server.show(board([50, 40, 40, 30, 30, *[20] * 500, 10], 200, top=5))
    page = put(top=4)
    wait_for_state(page, "shown")
    assert ranks(page) == ["1", "2=", "2=", "4=", "…", "6=", "6=", "*6=", "6=", "6="]
    assert "level with 499 others" in part(page, "place-figure").inner_text()


def test_the_neighbours_alone(put: Put, server: FakeLaurels) -> None:
    server.show(board(POINTS, 40, top=4, around=2))
    page = put(top=0, around=1)
    wait_for_state(page, "shown")
    assert ranks(page) == ["40", "*41", "42"]
    server.show(board(POINTS, 0, top=4, around=2))
    expect(part(page, "me")).to_contain_text(name_of(0))
    assert ranks(page) == ["*1", "2", "3"]


def test_a_board_without_a_member(put: Put, server: FakeLaurels) -> None:
    server.show(board(POINTS), "all-time")
    page = put(member=None, top=3)
    wait_for_state(page, "shown")
    assert ranks(page) == ["1", "2", "3"]
    assert server.asked[0] == ("/leaderboard/all-time", {"top": "4"})
    expect(part(page, "summary")).to_be_hidden()


def test_loading_keeps_the_room_that_the_list_will_take(put: Put, server: FakeLaurels) -> None:
    server.show(board(POINTS, 40))
    height = "element.getBoundingClientRect().height"
    with server.holding():
        page = put(milestone=100)
        expect(part(page, "skeleton").locator("span")).to_have_count(16)
        assert page.evaluate("element.shadowRoot.querySelector('.card').getAttribute('aria-busy')") == "true"
        before = page.evaluate(height)
    wait_for_state(page, "shown")
    assert page.evaluate(height) == pytest.approx(before, abs=1)
    for me in (0, 2, 11, 12, 89):
        server.show(board(POINTS, me))
        expect(part(page, "me")).to_contain_text(name_of(me))
        assert page.evaluate(height) == pytest.approx(before, abs=1)


def test_what_stands_below_stays_where_it_is_when_there_is_nothing_to_show(put: Put, server: FakeLaurels) -> None:
    height = "element.getBoundingClientRect().height"
    server.show(board(POINTS, 40))
    page = put(milestone=100)
    wait_for_state(page, "shown")
    before = page.evaluate(height)
    server.forget("ann")
    server.say(None)
    wait_for_state(page, "failed")
    assert page.evaluate(height) == pytest.approx(before, abs=1)
    page.evaluate("element.token = null")
    wait_for_state(page, "signed-out")
    assert page.evaluate(height) == pytest.approx(before, abs=1)
    expect(part(page, "summary")).not_to_contain_text("15,506")


@pytest.mark.parametrize("me", [0, 5, 9, 12, 40])
def test_nothing_is_left_empty_below_the_list(me: int, put: Put, server: FakeLaurels) -> None:
    server.show(board(POINTS, me))
    page = put()
    wait_for_state(page, "shown")
    ends = "names => names.map(name => element.shadowRoot.querySelector(name).getBoundingClientRect().bottom)"
    room, table = page.evaluate(ends, [".list", "table"])
    assert table == pytest.approx(room, abs=1)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"name": None, "points": 0}, "Your first order puts you on the board"),
        ({"points": -5}, "You are not on this board yet. Points from your next order count."),
        ({"hidden": True, "points": 4210}, "You are hidden from this board. Only you can see your points."),
    ],
)
def test_not_on_the_board(change: dict[str, object], said: str, put: Put, server: FakeLaurels) -> None:
    answer = board([30, 20, 0], 2)
    answer["me"] |= change
    server.show(answer)
    page = put()
    wait_for_state(page, "shown")
    assert part(page, "message").inner_text() == said
    assert ranks(page) == ["1", "2"]
    assert part(page, "points-figure").inner_text().split("\n")[1] == f"{change['points']:,}"


def test_a_board_without_anybody(put: Put, server: FakeLaurels) -> None:
    server.show(board([], None), "all-time")
    page = put(member=None)
    wait_for_state(page, "shown")
    assert part(page, "message").inner_text() == "Nobody is on this board yet"
    expect(part(page, "table")).to_be_hidden()


def test_nobody_signed_in(put: Put, server: FakeLaurels) -> None:
    page = put(token=None)
    wait_for_state(page, "signed-out")
    assert part(page, "message").inner_text() == "Sign in to see your points and your place"
    assert server.asked == []
    assert len(heard(page, "laurels-token")) == 1


def test_an_error_can_be_tried_again_by_keyboard(put: Put, server: FakeLaurels) -> None:
    server.show(board(POINTS, 40))
    server.refuse(503, headers={"Retry-After": "600"})
    page = put()
    wait_for_state(page, "failed")
    assert heard(page, "laurels-error")[0] == {
        "name": "laurels-error", "status": 503, "title": "Problem 503", "detail": "Problem 503",
    }  # fmt: skip
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    wait_for_state(page, "shown")


def test_what_may_not_be_seen_any_more_leaves_the_screen(put: Put, server: FakeLaurels) -> None:
    server.show(board(POINTS, 40))
    page = put()
    wait_for_state(page, "shown")
    server.forget("ann")
    server.say(None)
    wait_for_state(page, "failed")
    assert rows(page) == []
    assert "15,506" not in text(page)


def test_an_answer_that_makes_no_sense_is_not_shown(put: Put, server: FakeLaurels) -> None:
    server.show(board(POINTS, 40) | {"board": "month:2026-10"})
    page = put()
    wait_for_state(page, "failed")
    assert rows(page) == []


def test_stale_is_said_with_the_time_of_what_is_shown(put: Put, server: FakeLaurels, page: Page) -> None:
    page.clock.install(time="2026-11-22T10:42:10Z")
    server.show(board(POINTS, 40))
    put()
    wait_for_state(page, "shown")
    expect(part(page, "status")).to_have_text("Live")
    page.clock.set_system_time("2026-11-22T10:47:10Z")  # and no timer fires, whose answer would be newer
    server.show(board(POINTS, 40, stale=True))
    expect(part(page, "status")).to_have_text("As of 10:42, reconnecting")
    server.show(board(POINTS, 40))
    expect(part(page, "status")).to_have_text("Live")


@pytest.mark.parametrize(
    ("points", "note", "share"),
    [
        (80, "21 more points to pass 100", 80 / 101),
        (100, "1 more point to pass 100", 100 / 101),  # a milestone is crossed with MORE points
        (101, "149,900 more points to pass 150,000", 101 / 150_001),
        (150_001, "You have passed 150,000 points", 1),
        (-5, "106 more points to pass 100", 0),
    ],
)
def test_the_way_to_the_next_milestone(points: int, note: str, share: float, put: Put, server: FakeLaurels) -> None:
    server.show(board([points], 0))
    page = put(milestone="100 150000")
    wait_for_state(page, "shown")
    assert part(page, "points-figure").inner_text().split("\n")[2] == note
    bar = part(page, "milestone")
    assert bar.evaluate("bar => bar.value / bar.max") == pytest.approx(share)


def test_a_month_has_no_milestone_and_says_which_it_is(put: Put, server: FakeLaurels) -> None:
    server.show(board(POINTS, 40) | {"board": "month:2026-10"})
    page = put(board="month", milestone=100)
    wait_for_state(page, "shown")
    assert part(page, "period").inner_text() == "October 2026"
    expect(part(page, "milestone")).to_be_hidden()


@pytest.mark.parametrize(
    ("points", "place", "note"),
    [
        ([9, 7], "2ú", "94 pointe eile agus beidh tú thar 100"),
        ([99, 98], "2ú", "3 phointe eile agus beidh tú thar 100"),
        ([100, 94], "2ú", "7 bpointe eile agus beidh tú thar 100"),
        ([7], "1ú", "94 pointe eile agus beidh tú thar 100"),
        ([200, 150], "2ú", "Tá níos mó ná 100 pointe agat"),
    ],
)
def test_irish(points: list[int], place: str, note: str, put: Put, server: FakeLaurels) -> None:
    server.show(board(points, len(points) - 1))
    page = put(locale="ga-IE", milestone=100)
    wait_for_state(page, "shown")
    assert part(page, "place-figure").inner_text().split("\n")[:2] == ["D\u2019áit", place]
    assert part(page, "points-figure").inner_text().split("\n")[2] == note
    assert page.evaluate("element.shadowRoot.querySelector('.card').lang") == "ga-IE"


def test_the_page_names_the_language_and_may_change_it(put: Put, server: FakeLaurels) -> None:
    server.show(board(POINTS, 40))
    page = put()
    expect(part(page, "title")).to_have_text("Leaderboard")
    page.evaluate("element.setAttribute('locale', 'ga')")
    expect(part(page, "title")).to_have_text("Clár na gceannairí")
    page.evaluate("element.setAttribute('locale', 'de-AT')")
    expect(part(page, "title")).to_have_text("Leaderboard")
    expect(part(page, "place-figure")).to_contain_text("41st")
    page.evaluate("element.setAttribute('locale', 'no such thing')")
    wait_for_points(page, "15,506")


def test_right_to_left(put: Put, server: FakeLaurels) -> None:
    server.show(board(POINTS, 40))
    page = put()
    wait_for_state(page, "shown")
    page.evaluate("document.documentElement.dir = 'rtl'")
    rank, points = (part(page, name).first.bounding_box() for name in ("rank", "points"))
    assert rank is not None
    assert points is not None
    assert rank["x"] > points["x"]
    sides = "names => names.map(name => getComputedStyle(name).textAlign)"
    assert set(part(page, "name").evaluate_all(sides)) == {"right"}, "a name of two lines stands where those of one do"
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.parametrize("width", [320, 360, 768, 1920])
def test_fits_every_width(width: int, put: Put, server: FakeLaurels, page: Page) -> None:
    answer = board(POINTS, 40)
    answer["ranked"] = 50_123_456
    answer["me"] |= {"rank": 12_345_678, "position": 12_345_680, "tied": 3, "points": 2_000_000_000}
    answer["around"] = [row | {"name": "Courteous Nightingale 4821", "rank": 12_345_678} for row in answer["around"]]
    server.show(answer)
    page.set_viewport_size({"width": width, "height": 900})
    put(milestone="2000000000")
    wait_for_state(page, "shown")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert part(page, "card").evaluate("card => card.scrollWidth <= card.clientWidth")


@pytest.mark.parametrize("place", [41, 12_345_678])
def test_text_of_twice_the_size_stays_whole(place: int, put: Put, server: FakeLaurels, page: Page) -> None:
    answer = board(POINTS, 40)
    answer["me"] |= {"rank": place, "position": place}
    answer["around"] = [row | {"rank": place + at} for at, row in enumerate(answer["around"], -3)]
    server.show(answer)
    page.set_viewport_size({"width": 390, "height": 844})
    put(milestone=100)
    wait_for_state(page, "shown")
    page.evaluate("document.documentElement.style.fontSize = '200%'")
    assert part(page, "card").evaluate("card => card.scrollWidth <= card.clientWidth")
    seen = "names => names.map(name => [name.clientWidth, name.scrollHeight - name.clientHeight])"
    assert all(width > 100 and cut <= 1 for width, cut in part(page, "name").evaluate_all(seen))
    expect(page.get_by_role("table").get_by_role("columnheader")).to_have_count(3)


def test_a_flex_row_does_not_squeeze_it_to_nothing(put: Put, server: FakeLaurels) -> None:
    server.show(board(POINTS, 40))
    page = put()
    wait_for_state(page, "shown")
    page.evaluate("document.querySelector('main').style.display = 'flex'")
    assert page.evaluate("element.getBoundingClientRect().width") > 300
