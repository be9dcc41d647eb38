"""The published programs: which one judges what, and how an entry's reason reads."""

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property

import msgspec
import structlog

from laurels.awarding.native import plain_orders
from laurels.errors import ProgramError, UnknownProgramVersion
from laurels.leaderboard import Boards
from laurels.ledger import OTHER_RULES, PlainOrders, ProgramStore, PublishedProgram
from laurels.model import Entry
from laurels.model.entries import WORDED_BY_PEOPLE
from laurels.program import (
    DEFAULT_PROGRAM,
    Program,
    check_counted,
    check_extensions,
    parse_program,
    reason_of,
)

log = structlog.get_logger(__name__)


class Programs:
    """Every published version, shared by all that judge and word in a process. A version that another process published
    is unknown until `load`.
    """

    def __init__(self, published: Iterable[tuple[int | None, Program]]) -> None:
        """(in force from, program) by version; the first is in force from ever."""
        self._take(published)

    @classmethod
    def of(cls, *programs: Program) -> "Programs":
        """Programs each in force from ever: the last one judges everything, the others what names them."""
        return cls((None, program) for program in programs)

    @property
    def current(self) -> Program:
        """The newest version."""
        return self._programs[-1]

    @property
    def published(self) -> Mapping[int, Program]:
        """Every version."""
        return self._by_version

    @property
    def simple(self) -> bool:
        """Whether every version is: then nothing is kept of a member but its totals."""
        return self._simple

    @cached_property
    def plain_orders(self) -> PlainOrders | None:
        """The rules of plain orders for the native core; None where it is not there, or a version is not simple."""
        return plain_orders(self._in_order, self._boards)

    @property
    def boards(self) -> Boards:
        """The boards that points count on; every version has the same time zone."""
        return self._boards

    def at(self, instant: int) -> Program:
        """The version in force at an instant: the last one from no later."""
        return self._programs[bisect_right(self._later_from, instant)]

    def version(self, version: int | None) -> Program:
        """A version. Raises `UnknownProgramVersion`."""
        program = self._by_version.get(version or 0)
        if program is None:
            raise UnknownProgramVersion
        return program

    async def load(self, store: ProgramStore) -> None:
        """Take what is published by now."""
        self._take(_parsed(await store.programs()))

    async def worded(self, entries: Sequence[Entry], store: ProgramStore) -> list[Entry]:
        """The same entries with their reasons in words. What an entry says of itself follows from its columns, its
        details and its version; an entry of a version that this process does not know has it load that first. What
        version 0.1 kept of people's words is under the hash, and left out where the member was erased.
        """
        try:
            return [self._worded(entry) for entry in entries]
        except UnknownProgramVersion:
            await self.load(store)
            return [self._worded(entry) for entry in entries]

    def _worded(self, entry: Entry) -> Entry:
        if entry.format == 1:
            is_words_of_erased = entry.kind in WORDED_BY_PEOPLE and entry.member_id is None
            return msgspec.structs.replace(entry, reason="") if is_words_of_erased else entry
        program = None if entry.program_version is None else self.version(entry.program_version)
        return msgspec.structs.replace(entry, reason=reason_of(entry, program))

    def _take(self, published: Iterable[tuple[int | None, Program]]) -> None:
        in_order = sorted(published, key=lambda each: each[1].version)
        if not in_order:
            raise ProgramError("No program is published here.")
        self._later_from = [-(2**63) if from_at is None else from_at for from_at, _ in in_order[1:]]
        self._in_order = in_order
        self._programs = [program for _, program in in_order]
        self._by_version = {program.version: program for program in self._programs}
        self._boards = Boards(self._programs[0].zone)
        self._simple = all(program.simple for program in self._programs)
        self.__dict__.pop("plain_orders", None)


async def publish(
    store: ProgramStore, program: Program | None, *, at_start: bool = False, actor: str = "laurels"
) -> Programs:
    """The published programs. A ledger that has none yet gets this one; with `at_start` any ledger does, where it is
    new. `program` None: nobody named one, so that what a ledger has holds, and one that has none yet gets the default.
    Raises `ProgramError` where it is to be published and cannot be.
    """
    published = await store.programs()
    if program is None and (at_start or not published):
        program = parse_program(DEFAULT_PROGRAM)
    if program is None:
        return Programs(_parsed(published))
    if not published or at_start:
        check_publishable(program, published)
        published = await store.publish(program.version, program.text, program.from_at, actor=actor)
    elif all(program.text != each.text for each in published):
        if any(program.version == each.version for each in published):
            raise ProgramError(f"program.file: {OTHER_RULES.format(version=program.version)}")
        log.warning("program.not_in_force", version=program.version, what_to_do="laurels program submit")
    return Programs(_parsed(published))


async def published_programs(store: ProgramStore) -> Programs:
    """The published programs. Raises `ProgramError` where there are none."""
    return Programs(_parsed(await store.programs()))


def check_publishable(program: Program, published: Sequence[PublishedProgram], from_at: int | None = None) -> None:
    """Raise `ProgramError` for a program that cannot be put in force here: with another time zone than the first one's,
    so that months would be others, with a rule that asks for what is not known here, or where it unsays what was
    extended or counts towards tiers in another unit. `from_at`: from when it is to hold; None: as it says itself.
    """
    for campaign in program.campaigns:
        if campaign.where.referred is not None:
            raise ProgramError(f"campaigns ({campaign.name}): where.referred: Laurels is not told who brought whom")
    if published and (zone := parse_program(published[0].text).time_zone) != program.time_zone:
        raise ProgramError(f"time_zone: it is {zone} in this ledger for ever, and cannot become {program.time_zone}")
    check_counted(program, (parse_program(each.text) for each in published))
    if published:
        check_extensions(program, parse_program(published[-1].text), program.from_at if from_at is None else from_at)


def _parsed(published: Sequence[PublishedProgram]) -> list[tuple[int | None, Program]]:
    return [(each.from_at, parse_program(each.text)) for each in published]
