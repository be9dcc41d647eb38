"""The native leaderboard: boards of millions of members in memory-mapped files, one writer, any number of readers.

It knows integers, ids and names, not loyalty. Linux only. A *store* is a directory; `native/README.md` has its layout.

* One `Writer` has a store at a time, in any process. It follows the 16 shards of one feed and keeps the boards.
* Any number of `Reader`s, in any processes, read without locks. One read sees one version.
* A store is rebuilt beside itself: after `Writer.reset` readers see the last good state until the next `confirm`.

Member numbers are dense: 0 to 4,294,967,293, memory is taken up to the largest one. Points are kept exactly (64 bits)
and shown and ranked within plus or minus 2,147,483,647. Ranked are members with at least 1 point, neither hidden nor
erased; more points first, then the smaller number. Instants are integers of the caller's unit (Laurels:
microseconds).

A `Writer` and a `Reader` may be used from any thread, one call at a time: a second call at once raises `RuntimeError`.
"""

from collections.abc import Callable, Sequence
from os import PathLike
from typing import Any, Final, Generic, Self, TypeVar, final

from typing_extensions import Buffer

from laurels_core.shapes import AwardedTuple as AwardedTuple
from laurels_core.shapes import CampaignTuple as CampaignTuple
from laurels_core.shapes import FollowedTuple as FollowedTuple
from laurels_core.shapes import Head as Head
from laurels_core.shapes import JudgedTuple as JudgedTuple
from laurels_core.shapes import MeTuple as MeTuple
from laurels_core.shapes import Op as Op
from laurels_core.shapes import PostHead as PostHead
from laurels_core.shapes import Rendered as Rendered
from laurels_core.shapes import Row as Row
from laurels_core.shapes import VersionTuple as VersionTuple
from laurels_core.shapes import ViewTuple as ViewTuple

__version__: Final[str]

_T = TypeVar("_T")
_Line = TypeVar("_Line")

SHARDS: Final = 16
"""Shards are numbered from 0 to 15."""

MOST_BOARDS: Final = 2048
"""Boards of a store. One more finds no room; the others go on."""

JOINED: Final = 0
SCORED: Final = 1
HIDDEN: Final = 2
SHOWN: Final = 3
RENAMED: Final = 4
ERASED: Final = 5
MERGED: Final = 6

LATE: Final = 1
FULL: Final = 2
"""Why the edge hands a connection over, beside a request that it has no answer to (0): its first byte did not come in
time; there are too many connections.
"""

class CoreError(Exception):
    """The root of what goes wrong here."""

@final
class Locked(CoreError):
    """Another process, or another `Writer` of this one, writes this store."""

@final
class NotReady(CoreError):
    """Nothing has been confirmed yet, so there is nothing to read."""

@final
class Busy(CoreError):
    """No consistent read within the deadline: the machine is overloaded. Read again, or give an earlier answer."""

@final
class WouldWait(CoreError):
    """Files have to be written anew, or somebody copies standings: give the same batch again, and let it wait."""

@final
class Diverged(CoreError):
    """A member on the way was erased, so the standings cannot be finished as they were. Read them again."""

@final
class Full(CoreError):
    """The disk, or a limit of the layout (2,048 boards, 16 GiB of ids), is used up. What was there stays right."""

class Refused(CoreError):
    """The files cannot be used, and must be rebuilt: see `Writer(..., discard=True)`."""

@final
class Truncated(Refused):
    """A file is missing or shorter than its header says."""

@final
class Corrupt(Refused):
    """A header's checksum is wrong, or what it says cannot be."""

@final
class Foreign(Refused):
    """A file is none of ours, or was written on a machine with another byte order."""

@final
class NewerFormat(Refused):
    """The files were written by a later version of this package."""

@final
class OlderFormat(Refused):
    """The files were written by an earlier version of this package."""

@final
class OtherBoot(Refused):
    """The machine went down without the writer having closed the files, so what they hold is not to be trusted."""

@final
class PlainOrders:
    """Orders whose points follow from their totals alone, judged, hashed and put into rows: a batch in one call. It has
    the rules of all published versions, which are all simple, and does not change.
    """

    def __new__(
        cls,
        *,
        versions: Sequence[VersionTuple],
        months: Sequence[tuple[int, int]],
        late: int,
        decode: Callable[[bytes], object],
    ) -> Self:
        """`versions`: in the order in which they are in force, the first since ever; `months`: (end, number) of each,
        in order; `late`: how long after its end a month counts what is recorded; `decode`: makes an order of content,
        with `source`, `order_id`, `currency`, `total`, `occurred_at` and `quiet`.

        Raises `ValueError` where the figures do not fit together, `OverflowError` beyond 64 bits.
        """

    def award(
        self,
        rows: list[tuple[Any, ...]],
        totals: list[tuple[Any, ...]],
        unjoined: dict[int, int],
        *,
        shard: int,
        before_first: int,
        position: int,
        last_hash: bytes,
        now: int,
    ) -> AwardedTuple | None:
        """Judge orders, and write down what they lead to. None where one of them is not plain, cannot be read, or is to
        be refused: then all of them are to be judged elsewhere. Some 1 us each; keeps the interpreter.

        `rows`: sequence, kind, source, id, member, order_source, order_id, accepted_at, content, actor. `totals`: those
        of the orders' members that have some, as they come back. `unjoined`: the name numbers of those whose enrolment
        is not in the feed. `before_first`: the place before the shard's first. `position` and `last_hash` are the last
        entry's. `now`: when all of it is recorded.
        """

@final
class Bonuses:
    """What an order's campaigns are worth when it is awarded: rates and campaigns of a version, in one currency. Plain
    numbers; it does not change.
    """

    def __new__(
        cls,
        *,
        units: Sequence[int | None],
        over: int,
        rounding: str,
        grain: int,
        names: Sequence[str],
        running: Sequence[Sequence[CampaignTuple]],
        by_sku: bool,
    ) -> Self:
        """`units`: points of a minor unit by each rate, over one denominator `over`; `rounding`: `half-up`, `floor`,
        `carry`, the last in grains; `running`: the campaigns of each stretch of time; `by_sku`: whether a line's class
        follows from its SKU too.

        Raises `ValueError` where the figures do not fit together, `OverflowError` beyond 64 bits.
        """

    def judge(
        self,
        stretch: int,
        total: int,
        scale: int,
        lines: tuple[_Line, ...],
        region: str | None,
        class_of: Callable[[_Line, str | None], tuple[int, tuple[int, ...]]],
        paid: tuple[int, int] | None,
        applies: Callable[[int], bool],
        room: Callable[[str], int | None],
    ) -> JudgedTuple | None:
        """An order: minor units, `scale` of what lines cost to one; its lines (`quantity`, `unit_price`, `discount`,
        `category`, `brand`, `kind`, `tags`, `sku` are read); its region, where a class follows from that; the share
        that earns for how it was paid. `class_of` is called with a line of a new kind and the region, and gives its
        rate, below 0: none, and the matches it fits, for good. `applies` is called with the number of each campaign
        that asks, `room` with the name of each that has a limit and applies.

        Linear in lines and campaigns: some 6 us for 12 and 20. None: these figures do not fit into 128 bits, or the
        lines cost nothing. Raises what is raised by what it calls.
        """

@final
class Names:
    """Proxy names: a keyed permutation of the name number, and two lists of words. One serves many readers."""

    def __new__(cls, tables: Sequence[Buffer], adjectives: Sequence[str], creatures: Sequence[str]) -> Self:
        """`tables`: one a round, an even number of them; each of `side` two-byte values in native order, below `side`.
        Words are up to 15 plain ASCII letters; there are side * side / 10,000 pairs of them.

        Copies all of it, some 410 kB. Raises `ValueError` where the figures do not fit together.
        """

    def name(self, name_number: int) -> str:
        """The proxy name of a name number, in 0.1 us. Raises `ValueError` outside 0 to side * side - 1."""

@final
class Writer:
    """The one process that changes a store."""

    def __new__(cls, directory: str | PathLike[str], *, capacity: int = 1024, discard: bool = False) -> Self:
        """Open a store, or make an empty one. What a writer that died left half done is undone first.

        `capacity`: how many members to make room for at once, at `reset`; more come by growing, which copies the
        files while readers go on. `discard`: begin empty where the files that are there are refused.

        Takes milliseconds, whatever the size. Raises `Locked`, `Full`, `OSError`, and a `Refused`.
        """

    def followed(self) -> FollowedTuple:
        """Whose feed the boards follow and how far they got: of the state being built where there is one."""

    def reset(self, identity: str, epoch: int, rules: str, *, loading: bool = False) -> None:
        """Begin a new, empty state that follows this feed from its start. Readers see the last good one until
        `confirm`. Raises `Full`, `ValueError` for texts above 4,096 bytes of UTF-8 or an epoch outside 0 to 2^63 - 1.

        `loading`: it is thrown away by whoever opens it before it was `loaded`.
        """

    def adopt(self, epoch: int) -> None:
        """Go on under another epoch of the same history. Raises `NotReady` before the first `reset`, `ValueError`."""

    def apply(self, shard: int, ops: Sequence[Op], position: int, hash: bytes, *, wait: bool = True) -> bool:  # noqa: A002
        """Take ops of one shard, in order of position, and move its mark to `position` and `hash` (64 bytes or fewer).

        Ops at or before the shard's mark are skipped; False where `position` is at or before it and nothing was done.
        Readers get in at least every 64 ops, between two positions, and then see the version reached by then.
        A batch that is interrupted goes on where it was when it is given again. Costs 1 to 3 us an op, and 0.2 us
        between `reset` and `confirm`, where nobody reads the order.

        A score or a merge may name a member that joins later: its points are kept, and ranked when it joins.

        Raises `KeyError` where a member that never joined is hidden, shown, renamed or erased, `ValueError` for what
        cannot be, `Full`: everything before that op's position is in then, and nothing of it or after it. Boards are
        made first: where one of the batch cannot be, nothing of the batch is in. Raises `NotReady` before the first
        `reset`.
        Without `wait`, raises `WouldWait` where it would take longer than the changes themselves.
        """

    def confirm(self, at: int) -> None:
        """All of the feed up to the instant `at` is in. The first after a `reset` makes the new state the one that
        readers see, and removes the old one; it puts the boards in order, without the GIL: 0.1 us a member. Raises
        `NotReady` before the first `reset`, `Full`.
        """

    def give_up(self) -> None:
        """Follow nothing any more, since what is in the files cannot be: `apply` or `confirm` raised `Corrupt`. Readers
        see it as stale, until another state is confirmed.
        """

    def is_overfull(self) -> bool:
        """Whether a board found no room: its scores are lost, and who reads it is told (`Full`)."""

    def load_members(
        self, numbers: Buffer, ids: Sequence[str | None], name_numbers: Buffer, hidden: bytes | None = None
    ) -> None:
        """Take in members at once. Numbers ascend, unsigned 32-bit as the name numbers are; a byte of 1 for each that
        is hidden; None for the id of one that was erased.

        Only between `reset` and `confirm`. A writer that dies meanwhile leaves a state that the next one throws away.
        Works on several threads, without the GIL but for the ids: 0.2 us of the processor a member. Raises
        `ValueError`, `Full`.
        """

    def load_scores(self, board: str, members: Buffer, sums: Buffer) -> None:
        """Take in scores at once, signed 64-bit, of members that have none on this board. Only between `reset` and
        `confirm`, as often as there is more. 10 ns each. Raises `ValueError`, `Full`.
        """

    def load_merges(self, merges: Sequence[tuple[int, int]]) -> None:
        """Take in (member, the member that goes on) whose scores went over already. After a `reset` for loading."""

    def loaded(self, marks: Sequence[tuple[int, int, bytes]]) -> None:
        """All is loaded, and stands at these (shard, position, hash)."""

    def build(self, board: str, scores: Buffer) -> None:
        """Make a whole board at once: `scores[member]`, signed 32-bit, 0 where there is none.

        Only between `reset` and `confirm`, on a board without scores. Sorts, without the GIL; 0.05 us a member. Raises
        `ValueError`, `KeyError` for a score of a member that never joined, `Full`.
        """

    def check(self) -> None:
        """Raise `AssertionError`, saying what, where the files do not agree with themselves. Reads everything."""

    def close(self) -> None:
        """Write everything to the disk, so that it is good after a restart of the machine, and let go. Again: nothing.

        Without it everything is good until the machine goes down.
        """

@final
class Reader:
    """Reads a store, without locks. Opens the files at the first read, and again whenever they were replaced."""

    def __new__(cls, directory: str | PathLike[str], names: Names | None = None, *, deadline_ms: float = 25.0) -> Self:
        """`names` are needed for `render`. `deadline_ms`: how long a read waits for the writer, or tries again before
        it raises `Busy`. The store need not be there yet.

        Where the writer was stopped, or died, inside an update, the first read waits for the deadline, and it and all
        that follow give what was there before the update. They say stale as soon as that is old.
        """

    def sequence(self) -> int:
        """A number that is another one whenever the version or the confirmation is. Takes 0.1 us. Raises `NotReady`, a
        `Refused`.
        """

    def identity(self) -> str:
        """The identity of the ledger whose feed is served: it stays as long as that is served. Raises `NotReady`, a
        `Refused`.
        """

    def retries(self) -> int:
        """How often reads of this `Reader` had to begin again, because the writer was at work."""

    def view(self, board: str, member_id: str | None, top: int, around: int) -> ViewTuple:
        """The first `top` places, a member's own, and up to `around` on each side of it, all of one version.

        A board without scores is empty; an unknown member is None; sizes below 0 are 0. Takes some 3 us, and 0.2 us for
        each place. Raises `NotReady`, `Busy`, a `Refused`, and `Full` for a board that found no room.

        What cannot be (a member that is not where its score says, rows out of order) is `Corrupt`, and the writer is
        told: its next call raises `Corrupt` too.
        """

    def render(
        self,
        board: str,
        member_id: str,
        top: int,
        around: int,
        now: int,
        stale_after: int,
        seal: Callable[[bytes], str] | None = None,
    ) -> Rendered:
        """The same as JSON, as `GET /loyalty/{member_id}` answers. Stale is what was confirmed more than `stale_after`
        before `now`. `seal` makes the version's token (plain ASCII) of its packed form, each position in at least 5
        bytes; it is asked once for each version, and must not use this `Reader`.

        Takes 1 to 4 us. Raises as `view`, and `ValueError` without names.
        """

    def standings(self, board: str) -> Standings:
        """The whole board. Copies it first (8 bytes for each ranked member), during which the writer waits but readers
        do not: 10 ns a member. Raises as `view`.
        """

    def close(self) -> None:
        """Let go of the files. A later read opens them again."""

@final
class Standings:
    """A copy of one board's order, of one version."""

    def rows(self, limit: int) -> list[tuple[str, int, int, int]]:
        """The next rows, at most `limit`: (member id, points, rank, position); empty at the end.

        Ids are read now: costs 0.5 us each. Raises `Diverged` where one of the members has been erased meanwhile.
        """

    def __len__(self) -> int:
        """All of the board's rows."""

@final
class SharedTokens:
    """Members' checked tokens in memory that several processes share (Linux). May be used from any thread."""

    def __new__(cls, most: int) -> Self:
        """Room for some `most` tokens of 128 bytes; an older one gives way. Raises `OSError` where there is no memory,
        or no such thing.
        """

    @staticmethod
    def open(path: str | PathLike[str]) -> SharedTokens:
        """The table that another process made, at `/proc/<process>/fd/<its fileno>`. Raises `CoreError`, `OSError`."""

    def fileno(self) -> int | None:
        """The descriptor of the memory, in the process that made it; it lives as long as this object."""

@final
class TokenTable(Generic[_T]):
    """Tokens that were checked, by a keyed digest of 128 bits of the header that they came in. May be used from any
    thread; the edge reads it too.
    """

    def __new__(cls, most: int, shared: SharedTokens | None = None) -> Self:
        """Of at most so many; then the one that was put longest ago is forgotten. Some 150 bytes each. `shared`: what
        other processes know too.
        """

    def share(self, header: bytes, member_id: str, until: int, expires: int, key: int) -> None:
        """Tell other processes whose a header is until an instant, when its token expires, and with which key it was
        checked (64 bits that name it). An id of more than 79 bytes is not told.
        """

    def known(self, header: bytes, now: int) -> tuple[str, int, int] | None:
        """What another process has told of a header that is valid at an instant, where its key is trusted: member id,
        expiry, and until when it is remembered.
        """

    def trust(self, keys: Sequence[int]) -> None:
        """Trust these keys, and no other."""

    def put(self, header: bytes, value: _T, member_id: str | None, until: int) -> None:
        """Remember what a header stands for until an instant, and whose it is where it is a member's. Takes 0.5 us."""

    def get(self, header: bytes, now: int) -> _T | None:
        """What a header stands for at an instant. Takes 0.4 us for a header of 500 bytes."""

    def clear(self) -> None:
        """Forget all of them."""

@final
class Quota:
    """So many requests in a period for each key, by the generic cell rate algorithm. May be used from any thread."""

    def __new__(cls, each: int, period: int, most: int) -> Self:
        """One request comes back every `each`, a whole part of `period`. `most` keys are remembered; then the one that
        asked longest ago is forgotten.
        """

    def take(self, key: str, now: int) -> tuple[int, int, int]:
        """Use one up at an instant: (requests left, wait for the next, wait for all). The second is 0 unless none was
        left; then nothing is used up.
        """

    def give_back(self, key: str) -> None:
        """Undo one `take` that left something."""

@final
class Edge:
    """A thread without the interpreter that accepts connections, and answers members' `GET /loyalty/{member_id}` and
    `GET /leaderboard/{board}` where that needs no wait: a plain head in one piece (`plain_head`), a token in the table,
    quota left, a board that can be read. `POST /order/{order_id}` it reads as a whole for the caller to answer, where
    the head is as plain and in one piece (`plain_post`), the body JSON of a length that is said, and the token in the
    table and no member's. Every other connection is handed over with what was read.
    """

    def __new__(
        cls,
        listener: int,
        reader: Reader,
        tokens: TokenTable[_T],
        quota: Quota | None,
        *,
        seal_key: bytes,
        prefix: bytes,
        cached: bytes,
        security: bytes,
        origins: dict[bytes, bytes],
        other_origins: bytes,
        quota_name: bytes,
        stale_after: int,
        smallest: int,
        most: int,
        first_byte_ms: int,
        keep_alive_ms: int,
        unread_ms: int,
        request_ms: int,
        most_body: int,
        bounds_ns: Sequence[int],
        order_bounds_ns: Sequence[int],
    ) -> Self:
        """Start the thread. It owns the descriptor `listener`, a socket that listens, and opens the reader's store for
        itself; the reader needs names.

        `seal_key`: 64 bytes, for versions' tokens (AES-SIV). `prefix`: what a proxy may have left before each path.
        Whole header lines: `cached`, `security`, by the page's origin (`origins`), and for all others. `stale_after`
        and `smallest` (members that make a board no longer young): as the dashboard has them. `most`: connections of
        this process. Times in ms: until a first byte, idle, for an answer to be read, and for a whole request to
        arrive. `most_body`: bytes of an order's body; of all that arrive or wait for an answer 8 MB are held.
        `bounds_ns` and `order_bounds_ns`: of the counted times. Raises `OSError`, `ValueError`.
        """

    def fileno(self) -> int:
        """What is readable once a connection was handed over, or an order waits."""

    def take(
        self,
    ) -> tuple[list[tuple[int, bytes, int, int]], list[tuple[int, str, bytes, str, Any, float]]]:
        """The connections that were handed over: (descriptor, which is the caller's now, what was read, why, how many
        ms it waited for the first byte, or for the rest). And the orders that wait for an answer: (ticket, the order's
        id as it was sent, the body, the id of the request, the value of its token, for how many seconds it has waited).
        A connection waits for one answer at a time.
        """

    def answer(self, answers: Sequence[tuple[int, bytes, bytes, bytes]]) -> None:
        """Answer orders: (ticket, the first line of the head, header lines of its own, the body), the lines with their
        ends. What every answer carries is added. Of a client that is gone nothing is said.
        """

    def give_back(self, socket: int) -> None:
        """Give a connection to the edge, which owns the descriptor from now on; another one of the same connection may
        be closed, and must not be read.
        """

    def set_boards(self, boards: Sequence[tuple[str, str, int, bool]]) -> None:
        """What names of boards mean: (name, board, until which instant, whether it may be young)."""

    def set_elsewhere(self, connections: int) -> None:
        """How many connections of this process the caller has."""

    def connections(self) -> int:
        """How many the edge has."""

    def take_counts(self) -> tuple[list[list[int]], list[int], int, int, int, int]:
        """Counts since the last time: answers of dashboards and of boards (200, 304); dashboards by time, and the sum
        in ns; closed because unread, and because crowded; handed over.
        """

    def take_order_times(self) -> tuple[list[int], int]:
        """Orders by the time from their being there to their answer since the last time, those answered 404 left out,
        and the sum in ns.
        """

    def is_running(self) -> bool:
        """Whether the thread runs."""

    def stop(self) -> None:
        """Accept nothing more, wait for the answers to orders that were taken (10 s at most), send what was answered
        (for 2 s at most), hand over or close the rest, and end the thread. Blocks, without the interpreter.
        """

def plain_head(data: bytes) -> Head | None:
    """Apart from all of the above: the one HTTP/1.1 GET without a body that these bytes are, to their end.

    None where they are not just that, or it is not plain: printable ASCII alone, one blank after each colon and none at
    the end of a line, one plain `Host`, none of the headers given twice, none that changes how the connection goes on.
    Takes 0.4 us.
    """

def keyed(secrets: bytes, fingerprints: bytes) -> bytes:
    """Apart from all of the above: BLAKE2b of 16 bytes of each fingerprint, keyed by the secret at its place. All have
    16 bytes and lie one behind the other. Takes 0.2 us each, while other threads have the interpreter.

    Raises `ValueError` where there are not as many of the one as of the other.
    """

def plain_post(data: bytes) -> PostHead | None:
    """Apart from all of the above: the HTTP/1.1 POST that these bytes begin with, whose head is whole and as plain, and
    says how long the body is: once, in digits as one writes them, and of nothing that changes what it is.
    """
