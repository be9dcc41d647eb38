"""What the scripts give, in the words of the port. Whatever is damaged on the way raises one of `DAMAGED`."""

from collections.abc import Sequence
from hashlib import sha1
from typing import Any

from laurels.errors import InvalidInput
from laurels.leaderboard import BoardRow, Followed, View
from laurels.model import Mark, Place, Standing, Version

_NUMBER_DIGITS = 10  # of the member number that an entry begins with; its name number follows
_MOST_TOPS = 100


DAMAGED = (ValueError, LookupError, TypeError, AttributeError, InvalidInput)
"""What reading an answer may raise that is none."""


def checked(question: Sequence[bytes], answer: bytes) -> bytes:
    """What `read` gave, without its digest. Raises `ValueError` where it is not whole, or the answer to another
    question.
    """
    digest, _, text = answer.partition(b"\n")
    _compare(digest, question, text)
    return text


def _compare(digest: bytes, *parts: Any) -> None:
    joined = b"\n".join(part if isinstance(part, bytes) else b"\n".join(part) for part in parts)
    if sha1(joined, usedforsecurity=False).hexdigest().encode() != digest:
        raise ValueError("the digest is not that of the answer")


class Views:
    """Reads dashboards. Remembers the last version and tops, which are the same for everybody until a change."""

    def __init__(self) -> None:
        self._version: tuple[bytes, Version] = b"", Version(0, {})
        self._tops: dict[tuple[str, int], tuple[bytes, list[Place]]] = {}

    def known_top(self, board: str, top: int) -> tuple[bytes, list[Place]]:
        """The stamp of a top that was read, and its places; the stamp is empty where there is none."""
        return self._tops.get((board, top), (b"", []))

    def moment(self, answer: bytes) -> tuple[int, Version]:
        """The generation and the version in what `read` gave."""
        generation, token, _ = answer.split(b" ", 2)
        return int(generation), self._version_of(token)

    def view(self, answer: bytes, board: str, top: int, known: list[Place]) -> View:
        """The view in what `read` gave; `known` is the top that it was told is known."""
        moment, places, *mine = answer.split(b"\n")
        _, token, stamp, confirmed_at, ranked = moment.split()
        if places != b"=":
            known = self._remember(board, top, stamp, places)
        me: Standing | None = None
        around: list[Place] = []
        if mine:
            number, name_number, hidden, points = map(int, mine[0].split())
            rank = position = None
            tied = 0
            if len(mine) > 1:
                rank, position, tied, first_position, first_rank = map(int, mine[1].split())
                around = _places(mine[2], first_position, first_rank)
            me = Standing(number, name_number, points, bool(hidden), rank, position, tied)
        return View(
            version=self._version_of(token),
            confirmed_at=int(confirmed_at),
            ranked=int(ranked),
            top=known,
            me=me,
            around=around,
        )

    def _remember(self, board: str, top: int, stamp: bytes, text: bytes) -> list[Place]:
        if len(self._tops) >= _MOST_TOPS:
            self._tops.clear()
        places = _places(text, 1, 1)
        self._tops[board, top] = stamp, places
        return places

    def _version_of(self, token: bytes) -> Version:
        """The version of a token; the very same one as last time where the token is."""
        if token != self._version[0]:
            self._version = token, Version.parse(token.decode())
        return self._version[1]


def page(
    question: Sequence[bytes], answer: list[Any], position: int, last: BoardRow | None
) -> tuple[bytes, list[BoardRow]]:
    """The stamp and the places in what `standings` gave, from a position on; `last` is the row before them."""
    digest, stamp, text, ids = answer
    _compare(digest, question, stamp, text, ids)
    return stamp, _rows(text, ids, position, last)


def _rows(text: bytes, ids: list[bytes], position: int, last: BoardRow | None) -> list[BoardRow]:
    found: list[BoardRow] = []
    for place, (points, member_id) in enumerate(zip(_points(text.split()), ids, strict=True), position):
        rank = last[2] if last is not None and last[1] == points else place
        last = (member_id.decode(), points, rank, place)
        found.append(last)
    return found


def followed(answer: list[Any]) -> tuple[int, Followed]:
    """A generation, whom it follows, and its marks, in what `followed` gave."""
    generation, identity, epoch, rules, marks = answer
    return int(generation), Followed(
        identity=identity.decode(),
        epoch=int(epoch),
        rules=rules.decode(),
        marks={int(shard): _mark(mark) for shard, mark in zip(marks[::2], marks[1::2], strict=True)},
    )


def _mark(text: bytes) -> Mark:
    position, _, hash_ = text.partition(b" ")
    return Mark(int(position), hash_)


def _places(text: bytes, position: int, rank: int) -> list[Place]:
    """Entries and scores, the first of which has this position and rank."""
    words = text.split()
    found: list[Place] = []
    last_points = None
    for place, (entry, points) in enumerate(zip(words[::2], _points(words), strict=True), position):
        if last_points is not None and points != last_points:
            rank = place
        last_points = points
        found.append(Place(rank, int(entry[:_NUMBER_DIGITS]), int(entry[_NUMBER_DIGITS:]), points))
    return found


def _points(words: list[bytes]) -> list[int]:
    return [-int(score) for score in words[1::2]]
