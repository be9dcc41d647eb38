"""Name numbers: given to newcomers and to those who are renamed, each to one member for ever."""

from collections.abc import Sequence

from laurels.engines.postgres.opening import Facts
from laurels.engines.postgres.statements import Statements
from laurels.errors import AnotherNamesKey
from laurels.ledger import NameNumbers


class Names:
    """Finds name numbers that nobody bears, or bore. Another process may be quicker with one: then the server refuses
    it, and who looks again is given the next.
    """

    def __init__(self, facts: Facts, numbers: NameNumbers | None) -> None:
        self._numbers = numbers or NameNumbers(facts.secret)
        self._numbered = facts.numbered_names

    async def of_newcomers(self, db: Statements, member_ids: Sequence[str]) -> list[int]:
        """Name numbers for ids that are nobody's yet, in order."""
        return await self._free(db, [(member_id, 0) for member_id in member_ids])

    async def renamed(self, db: Statements, member_id: str, renames: int) -> int:
        """The name number of a member's renaming, the first of which is 1."""
        [number] = await self._free(db, [(member_id, renames)])
        return number

    async def _free(self, db: Statements, whom: Sequence[tuple[str, int]]) -> list[int]:
        given: dict[int, int] = {}  # number -> index
        left = list(range(len(whom)))
        attempt = 0
        while left:
            numbers = {at: self._numbers.number(*whom[at], attempt) for at in left}
            taken = {row[0] for row in await db.all("names_taken", [*numbers.values()])}
            for at, number in numbers.items():
                if number >= self._numbered and number not in taken and number not in given:
                    given[number] = at
            left = [at for at in left if given.get(numbers[at]) != at]
            attempt += 1
        return sorted(given, key=given.__getitem__)


async def know_key(db: Statements, numbers: NameNumbers | None, now: int) -> None:
    """See that the ledger is opened under its own key of the proxy names; the first that is shown is its own. Raises
    `AnotherNamesKey`.
    """
    if numbers is None or await _is_known(db, numbers):
        return
    async with db.connection.transaction(isolation="read_committed"):
        await db.all("lock_ledger")  # two may be the first at once
        if not await _is_known(db, numbers):
            await db.run("write_names_key", numbers.fingerprint, now)


async def _is_known(db: Statements, numbers: NameNumbers) -> bool:
    known: bytes | None = await db.value("read_names_key")
    if known not in {None, numbers.fingerprint}:
        raise AnotherNamesKey
    return known is not None
