"""The dashboard: one consistent read of a leaderboard, said in the words of the wire and under proxy names.

No id, number, real name or address leaves this package.
"""

import asyncio
import re
from collections.abc import Iterable, Sequence
from functools import partial
from typing import NamedTuple

import msgspec
from msgspec import UNSET, Struct, UnsetType
from msgspec.structs import replace

from laurels import clock
from laurels.clock import Clock
from laurels.dashboard.names import ProxyNames
from laurels.dashboard.rendering import Renders
from laurels.dashboard.versions import Versions, Wanted
from laurels.errors import UnknownMember, VersionNotReached
from laurels.leaderboard import ALL_TIME, Boards, Leaderboard, SyncReads, View
from laurels.model import Place, Standing, Version

MOST_TOPS = 1_000
"""Tops that are remembered: of so many boards and lengths."""

WAIT_FOR_VERSION_S = 0.2
"""How long a read waits for the version that it asked for."""

WAIT_FOR_CONFIRMATION_S = 1.0
"""How long one waits whose version is not compared: a board is confirmed a few times a second."""

_LOOK_S = 0.02  # how often it looks: not every board tells of a confirmation

TOP_OF_YOUNG = 10
"""Places that are shown of the top of a young board."""

_AROUND = b'"around":'
_RANKED = re.compile(rb'"ranked":(\d+)')


class Row(Struct, frozen=True, gc=False):
    """One place on a board, under its proxy name. `me` is there only where it is true."""

    rank: int
    name: str
    points: int
    me: bool | UnsetType = UNSET


class Me(Struct, frozen=True, gc=False):
    """A member's own place. Not ranked: `rank` and `position` are null, `points` the true number; never ordered: no
    name.
    """

    rank: int | None
    position: int | None
    tied: int
    points: int
    name: str | None
    hidden: bool


class Board(Struct, frozen=True):
    """The top of a board."""

    board: str
    as_of: str
    stale: bool
    ranked: int
    top: list[Row]


class Dashboard(Struct, frozen=True):
    """What one customer sees: the top, the own place, and the neighbours above and below, all as of one version."""

    board: str
    as_of: str
    stale: bool
    ranked: int
    me: Me
    top: list[Row]
    around: list[Row]


class Encoded(NamedTuple):
    """A dashboard as it goes over the wire, and the version that it is of."""

    as_of: str
    body: bytes


class Dashboards:
    """Reads dashboards off a leaderboard. Needs no ledger, so it answers while the database is down, and says
    `stale`.

    A month's board is young while few are ranked on it. Then whoever knows of a purchase finds its buyer among the
    names that moved, so it shows at most ten of the top, and nobody's neighbours, but to those who may see the `whole`.
    `all-time` is never young.
    """

    def __init__(
        self,
        leaderboard: Leaderboard,
        boards: Boards,
        names: ProxyNames,
        versions: Versions,
        stale_after_ms: int,
        *,
        now: Clock = clock.now,
        smallest: int = 1,
    ) -> None:
        """`smallest`: how many have to be ranked on a month's board for it not to be young."""
        self.smallest = smallest
        self._leaderboard = leaderboard
        self.renderer = leaderboard if isinstance(leaderboard, Renders) else None
        self._boards = boards
        self._names = names
        self.versions = versions
        self.stale_after = stale_after_ms * 1000
        self._now = now
        self._try_read = leaderboard.try_read if isinstance(leaderboard, SyncReads) else None
        self._seal = versions.seal.seal
        self._version: tuple[Version | None, str] = None, ""
        self._tops: dict[tuple[str, int], tuple[Sequence[Place], list[Row]]] = {}

    def name_of(self, name_number: int) -> str:
        """The proxy name of a name number."""
        return self._names.name(name_number)

    async def member(
        self,
        member_id: str,
        board: str = "all-time",
        *,
        top: int = 10,
        around: int = 2,
        min_version: Wanted | Version | None = None,
        must_exist: bool = False,
        whole: bool = False,
        sealed: bool = False,
    ) -> Dashboard:
        """A member's dashboard. `must_exist`: raise `UnknownMember` instead of showing an empty place; `whole`: also of
        a young board; `sealed`: its version is for a member to see.

        Raises `UnknownBoard`, `BoardNotReady`, and `VersionNotReached` when `min_version` does not come within 200 ms.
        """
        name = self._boards.resolve(board, self._now())
        wanted = Wanted(str(min_version), min_version) if isinstance(min_version, Version) else min_version
        view = await self._view(name, member_id, top, around, wanted, sealed=sealed)
        if view.me is None and must_exist:
            raise UnknownMember
        return self._dashboard(name, top, view, whole=whole, sealed=sealed)

    def proxy_name(self, name_number: int) -> str:
        """The name that a name number has on boards."""
        return self._names.name(name_number)

    def name_number(self, proxy_name: str) -> int | None:
        """The name number behind a proxy name, for colleagues alone; None where it is none."""
        return self._names.number(proxy_name)

    def try_read(self, member_id: str, board: str = "all-time", *, top: int = 10, around: int = 2) -> Encoded | None:
        """The same dashboard as it goes over the wire to the member itself, where the leaderboard can be read without
        waiting for anybody; None where it cannot.

        Raises `UnknownBoard`, `BoardNotReady`.
        """
        now = self._now()
        name = self._boards.resolve(board, now)
        if self.renderer is not None:
            return self._rendered(name, member_id, top, around, now)
        if self._try_read is None:
            return None
        view = self._try_read(name, member_id, top=top, around=around)
        shown = self._dashboard(name, top, view, sealed=True)
        return Encoded(shown.as_of, to_json(shown))

    def _rendered(self, name: str, member_id: str, top: int, around: int, now: int) -> Encoded:
        """What the leaderboard renders; of a young board it is less. Both reads are whole, so a board that grows up
        between them is shown as young once more.
        """
        assert self.renderer is not None, "asked for where there is one"
        render = partial(self.renderer.render, name, member_id, now=now, stale_after=self.stale_after, seal=self._seal)
        body, as_of, _, _ = render(top=top, around=around)
        if self._may_be_young(name) and self._ranked_in(body) < self.smallest:
            if top > TOP_OF_YOUNG:
                body, as_of, _, _ = render(top=TOP_OF_YOUNG, around=0)
            body = body[: body.rindex(_AROUND)] + _AROUND + b"[]}"
        return Encoded(as_of, body)

    @staticmethod
    def _ranked_in(body: bytes) -> int:
        found = _RANKED.search(body)
        assert found, "every dashboard tells it"
        return int(found[1])

    async def board(self, board: str, *, top: int = 10, whole: bool = False, sealed: bool = False) -> Board:
        """The top of a board; `whole`: also of a young one; `sealed`: its version is for a member to see. Raises
        `UnknownBoard`, `BoardNotReady`.
        """
        name = self._boards.resolve(board, self._now())
        view = await self._view(name, None, top, 0, None)
        if not whole:
            top, view = self._for_others(name, top, view)
        return Board(
            board=name,
            as_of=self._as_of(view.version, sealed=sealed),
            stale=self._stale(view),
            ranked=view.ranked,
            top=self._top(name, top, view.top),
        )

    def meaning(self, board: str, now: int) -> tuple[str, bool]:
        """What the name of a board means at an instant, and whether that one may be young. Raises `UnknownBoard`."""
        name = self._boards.resolve(board, now)
        return name, self._may_be_young(name)

    def _may_be_young(self, name: str) -> bool:
        return name != ALL_TIME and self.smallest > 1

    def _for_others(self, name: str, top: int, view: View) -> tuple[int, View]:
        """What those may see who may not see the whole; of a young board that is less."""
        if not self._may_be_young(name) or view.ranked >= self.smallest:
            return top, view
        return min(top, TOP_OF_YOUNG), replace(view, top=view.top[:TOP_OF_YOUNG], around=[])

    def _dashboard(self, name: str, top: int, view: View, *, whole: bool = False, sealed: bool = False) -> Dashboard:
        if not whole:
            top, view = self._for_others(name, top, view)
        return Dashboard(
            board=name,
            as_of=self._as_of(view.version, sealed=sealed),
            stale=self._stale(view),
            ranked=view.ranked,
            me=self._me(view.me),
            top=self._top(name, top, view.top),
            around=self._rows(view.around, view.me),
        )

    async def _view(
        self, board: str, member_id: str | None, top: int, around: int, wanted: Wanted | None, *, sealed: bool = False
    ) -> View:
        asked_at, loop = self._now(), asyncio.get_running_loop()
        by_feel = wanted is not None and wanted.by_feel
        deadline = loop.time() + (WAIT_FOR_CONFIRMATION_S if by_feel else WAIT_FOR_VERSION_S)
        while True:
            view = await self._leaderboard.read(board, member_id, top=top, around=around)
            if wanted is None or await self.versions.includes(view, wanted, asked_at):
                return view
            left = deadline - loop.time()
            if left <= 0:
                raise VersionNotReached(requested=wanted.text, current=self._as_of(view.version, sealed=sealed))
            await self._leaderboard.wait_for_change(view.version, min(left, _LOOK_S) if by_feel else left)

    def _stale(self, view: View) -> bool:
        return self._now() - view.confirmed_at > self.stale_after

    def _me(self, me: Standing | None) -> Me:
        if me is None:
            return Me(rank=None, position=None, tied=0, points=0, name=None, hidden=False)
        return Me(
            rank=me.rank,
            position=me.position,
            tied=me.tied,
            points=me.points,
            name=self._names.name(me.name_number),
            hidden=me.hidden,
        )

    def _as_of(self, version: Version, *, sealed: bool) -> str:
        """The token of a version, made once for as long as the leaderboard gives the very same one."""
        if sealed:
            return self.versions.seal.token(version)
        known, token = self._version
        if known is not version:
            token = str(version)
            self._version = version, token
        return token

    def _top(self, board: str, top: int, places: Sequence[Place]) -> list[Row]:
        """The rows of a top, made once for as long as the leaderboard gives the very same places."""
        known, rows = self._tops.get((board, top), (None, []))
        if known is not places:
            if len(self._tops) >= MOST_TOPS:
                self._tops.clear()
            rows = self._rows(places)
            self._tops[board, top] = places, rows
        return rows

    def _rows(self, places: Iterable[Place], me: Standing | None = None) -> list[Row]:
        name, number = self._names.name, None if me is None else me.member
        return [
            Row(place.rank, name(place.name_number), place.points, True if place.member == number else UNSET)
            for place in places
        ]


def to_json(answer: Dashboard | Board) -> bytes:
    """The answer as it goes over the wire."""
    return msgspec.json.encode(answer)
