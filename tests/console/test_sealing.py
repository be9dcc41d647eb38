"""Words that are sealed in an address open in their own session alone."""

from hypothesis import given
from hypothesis import strategies as st

from laurels.console.sealing import SessionSeal

WORDS = st.text(st.characters(exclude_categories=["Cs"]), max_size=255)
SECRET = bytes(32)


@given(WORDS, st.text(max_size=40), st.text(max_size=40))
def test_words_come_back_in_their_session_alone(words: str, session: str, other: str) -> None:
    seal = SessionSeal(SECRET, session)
    closed = seal.close(words)
    assert seal.open(closed) == words
    assert closed != seal.close(words)
    assert len(closed) <= (28 + 4 * 255) * 4 // 3 + 1
    assert SessionSeal(bytes(31) + b"1", session).open(closed) is None
    if other != session:
        assert SessionSeal(SECRET, other).open(closed) is None


@given(st.text())
def test_what_nobody_closed_does_not_open(closed: str) -> None:
    assert SessionSeal(SECRET, "niamh 1").open(closed) is None
