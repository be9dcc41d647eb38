"""Nothing late, lost, foreign or out of order is ever on the screen, and nothing piles up behind it."""

import json
import random

import pytest
from playwright.sync_api import Page, expect
from tests.browser.boards import board, falling
from tests.browser.conftest import Put
from tests.browser.fake_laurels import FakeLaurels
from tests.browser.reading import heard, part, ranks, rows, text, wait_for_points, wait_for_state, wait_until

POINTS = falling(90)
SEED = 20261122


def with_points(points: int) -> dict[str, object]:
    """The board with another total for the member number 40."""
    return board([*POINTS[:40], points, *POINTS[41:]], 40)


def test_a_late_answer_for_the_former_member_is_not_shown(put: Put, server: FakeLaurels) -> None:
    server.show(board(POINTS, 40))
    server.show(board(POINTS, 50), "bob")
    with server.holding():
        page = put()
        page.wait_for_function("performance.getEntriesByType('resource').length > 0")
        page.evaluate("element.setAttribute('member', 'bob')")
    wait_for_points(page, f"{POINTS[50]:,}")
    assert [event["rank"] for event in heard(page, "laurels-change")] == [51]


def test_nothing_of_the_former_member_is_left_at_once(put: Put, server: FakeLaurels) -> None:
    server.show(board(POINTS, 40))
    page = put()
    wait_for_state(page, "shown")
    server.show(with_points(16_000))
    wait_for_points(page, "16,000")
    with server.holding():
        left = page.evaluate("""() => {
            element.setAttribute('member', 'bob');
            return element.shadowRoot.querySelector('.card').textContent;
        }""")
        assert "16,000" not in left
        assert "Puffin" not in left
        assert "You are now" not in left
        assert rows(page) == []


@pytest.mark.parametrize("change", ["element.setAttribute('board', 'month')", "element.token = 'another'"])
def test_another_board_or_an_unasked_token_clears_too(change: str, put: Put, server: FakeLaurels) -> None:
    server.show(board(POINTS, 40))
    page = put()
    wait_for_state(page, "shown")
    with server.holding():
        page.evaluate(change)
        assert rows(page) == []
        assert "15,506" not in text(page)


def test_the_newest_stays_when_messages_come_in_a_rush(put: Put, server: FakeLaurels) -> None:
    print(f"seed {SEED}")
    chance = random.Random(SEED)
    server.show(board(POINTS, 40))
    page = put()
    wait_for_state(page, "shown")
    totals = [chance.randrange(300, 27_000) for _ in range(200)]
    for total in totals:
        server.show(with_points(total))
    wait_for_points(page, f"{totals[-1]:,}")
    assert heard(page, "laurels-change")[-1]["points"] == totals[-1]


def test_asks_for_nothing_older_than_what_it_shows(put: Put, server: FakeLaurels) -> None:
    server.has_live = False
    server.show(board(POINTS, 40) | {"as_of": "1.0-9"})
    page = put()
    wait_for_state(page, "shown")
    expect_polls(page, server, 3)
    assert "min_version" not in server.asked[0][1]
    assert server.asked[-1][1]["min_version"] == "1.0-9"


def test_a_server_that_is_behind_changes_nothing(put: Put, server: FakeLaurels) -> None:
    server.has_live = False
    server.show(board(POINTS, 40))
    page = put()
    wait_for_state(page, "shown")
    server.refuse(409, times=2)
    expect(part(page, "status")).to_contain_text("reconnecting")
    assert part(page, "points-figure").inner_text().split("\n")[1] == "15,506"
    expect(part(page, "status")).to_have_text("Live")


def test_a_stream_is_asked_for_nothing_older_than_what_is_shown(put: Put, server: FakeLaurels) -> None:
    server.show(board(POINTS, 40) | {"as_of": "1.0-9"})
    page = put()
    wait_for_state(page, "shown")
    wait_until(page, lambda: server.streams() == 1)
    server.show(with_points(16_000) | {"as_of": "1.0-12"})
    wait_for_points(page, "16,000")
    server.say(None)
    wait_until(page, lambda: len(server.seen) == 2)
    assert server.seen == ["1.0-9", "1.0-12"]


def test_a_stream_that_is_behind_changes_nothing(put: Put, server: FakeLaurels) -> None:
    server.live_refusals = [409] * 1000
    server.show(board(POINTS, 40))
    page = put()
    expect(part(page, "status")).to_contain_text("reconnecting")
    assert "*41" in ranks(page)
    server.live_refusals.clear()
    expect(part(page, "status")).to_have_text("Live")
    wait_until(page, lambda: server.streams() == 1)
    assert server.count("/loyalty/ann/live") > 1


def test_lost_live_messages_are_made_up_for_by_the_newest(put: Put, server: FakeLaurels) -> None:
    server.show(board(POINTS, 40) | {"as_of": "1.0-9"})
    page = put()
    wait_for_state(page, "shown")
    wait_until(page, lambda: server.streams() == 1)
    server.show(with_points(16_000) | {"as_of": "1.0-10"}, lose=True)
    server.show(with_points(17_000) | {"as_of": "1.0-11"}, lose=True)
    server.say(None)
    wait_for_points(page, "17,000")
    assert [event["as_of"] for event in heard(page, "laurels-change")] == ["1.0-9", "1.0-11"]


def test_a_message_of_a_former_stream_is_not_heard(put: Put, server: FakeLaurels) -> None:
    server.show(board(POINTS, 40) | {"as_of": "1.0-9"})
    page = put()
    wait_for_state(page, "shown")
    wait_until(page, lambda: server.streams() == 1)
    # The message waits on the wire of the first stream while the element begins a second one.
    with server.holding():
        page.evaluate("element.setAttribute('around', 1)")
        server.say(b"data: " + json.dumps(with_points(15_000) | {"as_of": "1.0-8"}).encode() + b"\n\n")
        server.show(with_points(16_000) | {"as_of": "1.0-10"}, lose=True)
    wait_for_points(page, "16,000")
    wait_until(page, lambda: len(server.seen) == 2)
    assert [event["as_of"] for event in heard(page, "laurels-change")] == ["1.0-9", "1.0-10"]


def test_asks_every_second_where_there_is_no_stream(put: Put, server: FakeLaurels) -> None:
    server.has_live = False
    server.show(board(POINTS, 40))
    page = put()
    wait_for_state(page, "shown")
    expect_polls(page, server, 3)
    assert server.count("/loyalty/ann/live") == 1
    server.show(with_points(16_000))
    wait_for_points(page, "16,000")


def test_a_stream_that_falls_silent_is_left(put: Put, server: FakeLaurels, page: Page) -> None:
    page.clock.install()
    server.show(board(POINTS, 40))
    put()
    wait_for_state(page, "shown")
    wait_until(page, lambda: server.streams() == 1)
    server.say(b": still here\n\n")
    asked = server.count("/loyalty/ann")
    page.clock.fast_forward(41_000)
    wait_until(page, lambda: server.count("/loyalty/ann") > asked)


def test_comments_long_events_and_split_lines_are_read_rightly(put: Put, server: FakeLaurels) -> None:
    server.show(board(POINTS, 40))
    page = put()
    wait_for_state(page, "shown")
    wait_until(page, lambda: server.streams() == 1)
    lines = json.dumps(with_points(16_000), indent=1).replace("\n", "\r\ndata: ")
    event = f": a comment\r\n\r\nid: 1.0-8\r\nretry: 5\r\ndata: {lines}\r\n\r\n".encode()
    half = event.rindex(b"\r\ndata") + 1
    server.say(event[:half])
    page.wait_for_timeout(100)  # for the browser to read this much alone; without it the test is easier, not wrong
    server.say(event[half:])
    wait_for_points(page, "16,000")
    assert heard(page, "laurels-error") == []


def test_a_message_that_makes_no_sense_leaves_what_is_shown(put: Put, server: FakeLaurels) -> None:
    server.show(board(POINTS, 40))
    page = put()
    wait_for_state(page, "shown")
    wait_until(page, lambda: server.streams() == 1)
    server.say(b'data: {"board": "all-time"}\n\n')
    page.wait_for_function("() => heard.some(event => event.name === 'laurels-error')")
    assert "*41" in ranks(page)


def test_a_refused_token_is_replaced_in_silence(put: Put, server: FakeLaurels) -> None:
    server.tokens = {"ann's"}
    server.show(board(POINTS, 40))
    page = put()
    wait_for_state(page, "shown")
    page.evaluate("element.getToken = async () => 'fresh'")
    server.tokens = {"fresh"}
    server.say(None)
    server.show(with_points(16_000))
    wait_for_points(page, "16,000")
    assert heard(page, "laurels-error") == []


def test_the_page_is_asked_for_a_token_and_may_take_its_time(put: Put, server: FakeLaurels) -> None:
    server.tokens = {"ann's"}
    server.show(board(POINTS, 40))
    page = put()
    wait_for_state(page, "shown")
    page.evaluate("""element.addEventListener('laurels-token', event => {
        event.preventDefault();
        window.give = token => { element.token = token };
    })""")
    server.tokens = {"fresh"}
    server.say(None)
    page.wait_for_function("() => window.give")
    assert "*41" in ranks(page)
    page.evaluate("give('fresh')")
    server.show(with_points(16_000))
    wait_for_points(page, "16,000")


def test_a_token_refused_for_good_clears_the_screen(put: Put, server: FakeLaurels) -> None:
    server.tokens = {"ann's"}
    server.show(board(POINTS, 40))
    page = put()
    wait_for_state(page, "shown")
    page.evaluate("element.getToken = async () => 'wrong as well'")
    server.tokens = set()
    server.say(None)
    wait_for_state(page, "signed-out")
    assert rows(page) == []
    asked = len(server.asked)
    server.tokens = {"right"}
    page.evaluate("element.token = 'right'")
    wait_for_state(page, "shown")
    assert len(server.asked) > asked


def test_a_token_of_a_former_member_does_not_come_back(put: Put, server: FakeLaurels) -> None:
    server.show(board(POINTS, 40))
    server.show(board(POINTS, 50), "bob")
    page = put(token=None, member=None)
    wait_for_state(page, "signed-out")
    page.evaluate("""() => {
        const give = window.give = [];
        element.getToken = () => new Promise(resolve => give.push(resolve));
        element.setAttribute('member', 'ann');
    }""")
    page.wait_for_function("() => give.length === 1")
    page.evaluate("element.setAttribute('member', 'bob')")
    page.wait_for_function("() => give.length === 2")
    page.evaluate('give[1]("bob\'s")')
    wait_for_points(page, f"{POINTS[50]:,}")
    page.evaluate('give[0]("ann\'s")')
    assert page.evaluate("element.token") == "bob's"


def test_a_removed_element_asks_for_nothing_more(put: Put, server: FakeLaurels) -> None:
    server.show(board(POINTS, 40))
    page = put()
    wait_for_state(page, "shown")
    wait_until(page, lambda: server.streams() == 1)
    page.evaluate("element.remove()")

    def stream_has_ended() -> bool:
        server.say(b": is anybody there?\n\n")  # only who speaks learns that nobody listens
        return server.streams() == 0

    wait_until(page, stream_has_ended)
    asked = len(server.asked)
    page.evaluate("document.querySelector('main').append(element)")
    wait_until(page, lambda: len(server.asked) > asked)
    assert "*41" in ranks(page)


def expect_polls(page: Page, server: FakeLaurels, polls: int) -> None:
    wait_until(page, lambda: server.count("/loyalty/ann") >= polls)
