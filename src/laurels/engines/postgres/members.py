"""Member events: enrol, hide, show, rename, contact, merge, erase. Each is an entry in the feed, so that every view of
the ledger hears of it.
"""

from collections.abc import Awaitable, Callable, Sequence

from laurels.engines.postgres import merging
from laurels.engines.postgres.batch import Batch
from laurels.engines.postgres.chain import chains_of, columns_of
from laurels.engines.postgres.codes import DOCUMENT, SHARDS
from laurels.engines.postgres.connections import judging, trying
from laurels.engines.postgres.names import Names
from laurels.engines.postgres.opening import Facts
from laurels.engines.postgres.placing import newcomer
from laurels.engines.postgres.session import Session
from laurels.engines.postgres.statements import Row, Statements
from laurels.errors import LedgerUnavailable, UnknownMember
from laurels.ledger import Decide, shard_of
from laurels.ledger.audit import nothing_changed
from laurels.model import DocumentKind, EntryKind, Member, MemberEvent, Version
from laurels.model.documents import keyed
from laurels.model.refused_messages import name_digest

_Once = Callable[[list[int]], Awaitable[Version]]


class PostgresMembers(Session):
    """Who is in the program."""

    async def enrol(self, members: Sequence[tuple[str, str | None]], *, actor: str) -> tuple[list[bool], Version]:
        shards = sorted({shard_of(member_id, SHARDS) for member_id, _ in members})

        async def once() -> tuple[list[bool], Version]:
            async with self._connections.transaction(shards) as db:
                enrolment = _Enrolment(db, self._facts, self._names, self._now())
                new = await enrolment.enrol(members, actor, shards)
                return new, await version_of(db)

        if not members:
            async with self._connections.read() as db:
                return [], await version_of(db)
        try:
            answer = await trying(once)
        except _Elsewhere:  # one of them became a member of another shard
            shards = [*range(SHARDS)]
            answer = await trying(once)
        self._committed(grown=True)
        return answer

    async def change_member(
        self,
        member_id: str,
        event: MemberEvent,
        *,
        actor: str,
        name_number: int | None = None,
        number: int | None = None,
    ) -> Version:
        async def once(shards: list[int]) -> Version:
            async with self._connections.transaction(shards) as db:
                member = await db.one("member_by_id", shard_of(member_id, SHARDS), member_id)
                if number is not None and (member is None or member["number"] != number):
                    raise UnknownMember
                if member is None:
                    if event is MemberEvent.ERASE and await self._forget_stranger(db, member_id):
                        return await version_of(db)
                    raise UnknownMember
                who = "member" if actor in {member_id, member["member_id"]} else actor
                if event is MemberEvent.ERASE:
                    await self._erase(db, member, shards, who)
                elif event is not MemberEvent.RENAME or name_number in {None, member["name_number"]}:
                    await self._change(db, member, shards, event, who)
                else:
                    nothing_changed()
                return await version_of(db)

        version = await self._where_it_is(member_id, once)
        self._committed(grown=True)
        return version

    async def set_contact(self, member_id: str, email: str | None, *, actor: str) -> Version:
        async def once(shards: list[int]) -> Version:
            async with self._connections.transaction(shards) as db:
                member = await db.one("member_by_id", shard_of(member_id, SHARDS), member_id)
                if member is None:
                    raise UnknownMember
                batch = await self._batch_of(db, member, shards)
                contacts = dict(await db.all("contacts", [member["number"]]))
                if contacts.get(member["number"]) == email:
                    nothing_changed()
                else:
                    who = "member" if actor in {member_id, member["member_id"]} else actor
                    await write_contact(db, batch, member["number"], email, who)
                await batch.write(db)
                return await version_of(db)

        version = await self._where_it_is(member_id, once)
        self._committed(grown=True)
        return version

    async def set_attributes(self, member_id: str, attributes: bytes | None) -> None:
        async with self._connections.transaction() as db:
            member = await db.one("member_by_id", shard_of(member_id, SHARDS), member_id)
            if member is None:
                raise UnknownMember
            # Its row is kept from being erased, or becoming another, until this is written.
            if not await db.value("keep_member", member["shard"], member["number"], member["member_id"]):
                raise LedgerUnavailable
            if attributes is None:
                await db.run("forget_attributes", member["number"])
            else:
                await db.run("write_attributes", member["number"], attributes)

    async def merge(self, member_id: str, into: str, *, actor: str, join: Decide | None = None) -> Version:
        shards = {shard_of(member_id, SHARDS), shard_of(into, SHARDS)}

        async def once(tried: int) -> Version:
            async with self._connections.transaction(sorted(shards)) as db:
                await merging.merge(
                    db,
                    member_id,
                    into,
                    actor=actor,
                    now=self._now(),
                    facts=self._facts,
                    locked=shards,
                    lock_budgets=tried > 0,
                    join=join,
                )
                return await version_of(db)

        try:
            version = await judging(once)
        except merging.OtherShard:
            shards = {*range(SHARDS)}
            version = await judging(once)
        for floor in self._floors.values():  # what was on its way may lie below the other shard's floor
            floor.forget()
        self._committed(grown=True)
        return version

    async def member(self, member_id: str) -> Member | None:
        async with self._connections.read() as db:
            row = await db.one("member_by_id", shard_of(member_id, SHARDS), member_id)
        return member_of(row) if row else None

    async def numbers(self, member_id: str) -> tuple[int, ...]:
        async with self._connections.read() as db:
            rows: list[Row] = await db.all("numbers_of", shard_of(member_id, SHARDS), member_id)
        return tuple(row["number"] for row in rows)

    async def _where_it_is(self, member_id: str, once: _Once) -> Version:
        """Do it under the lock of the id's own shard; of a member who became another, or whom others became, under that
        of all shards.
        """
        try:
            return await trying(lambda: once([shard_of(member_id, SHARDS)]))
        except _Elsewhere:
            return await trying(lambda: once([*range(SHARDS)]))

    async def _batch_of(self, db: Statements, member: Row, shards: list[int]) -> Batch:
        shard, number = member["shard"], member["number"]
        if shard not in shards:
            raise _Elsewhere
        batch = Batch((await chains_of(db, [shard], self._now()))[shard], self._facts)
        await batch.load(db, {number})
        batch.join(number)
        return batch

    async def _change(self, db: Statements, member: Row, shards: list[int], event: MemberEvent, who: str) -> None:
        shard, number = member["shard"], member["number"]
        if event is not MemberEvent.RENAME and member["hidden"] == (event is MemberEvent.HIDE):
            nothing_changed()
            return
        batch = await self._batch_of(db, member, shards)
        name = None
        if event is MemberEvent.RENAME:
            renames = await db.value("count_renames", shard, number) + 1
            name = await self._names.renamed(db, member["member_id"], renames)
            await db.run("set_name", shard, number, name)
        else:
            await db.run("set_hidden", shard, number, event is MemberEvent.HIDE)
        batch.chain.event(EntryKind(event.value), number, name_number=name, actor=who)
        await batch.write(db)

    async def _forget_stranger(self, db: Statements, member_id: str) -> bool:
        """Let go of what came for an id that is no member's; whether there was any."""
        came = await db.value("forget_stranger", self._stranger(member_id))
        return await self._forget_naming(db, member_id) or bool(came)

    async def _forget_naming(self, db: Statements, member_id: str) -> bool:
        """Let go of messages that name an id beside others. Costs by the messages in quarantine."""
        digest = name_digest(self._facts.secret, member_id).encode()
        return bool(await db.value("forget_naming", DOCUMENT[DocumentKind.MESSAGE], digest))

    async def _erase(self, db: Statements, member: Row, shards: list[int], who: str) -> None:
        gone: list[Row] = await db.all("merged_with", member["number"])
        if gone and len(shards) < SHARDS:
            raise _Elsewhere
        for each in (member, *gone):
            batch = await self._batch_of(db, each, shards)
            shard, number, its_id = each["shard"], each["number"], each["member_id"]
            # The id first: whoever accepts for it from now on finds nobody.
            await db.run("forget_member", shard, number)
            await db.run("forget_received", shard, number, self._stranger(its_id))
            await db.run("forget_said", shard, number)
            await db.run("forget_attributes", number)
            await db.run("forget_contact", number)
            await db.run("forget_messages", number)
            await db.run("forget_buyer", number, its_id)
            await self._forget_naming(db, its_id)
            batch.chain.event(EntryKind.ERASE, number, actor=who)
            await batch.write(db)


class _Elsewhere(Exception):
    """The member is in a shard that is not locked."""


class _Enrolment:
    """Enrols members within one transaction, their shards locked."""

    def __init__(self, db: Statements, facts: Facts, names: Names, now: int) -> None:
        self._db = db
        self._facts = facts
        self._names = names
        self._now = now
        self._batches: dict[int, Batch] = {}

    async def enrol(self, members: Sequence[tuple[str, str | None]], actor: str, shards: list[int]) -> list[bool]:
        """Enrol who is new, and keep the address of whoever brings one. True for each that is new."""
        chains = await chains_of(self._db, shards, self._now)
        self._batches = {shard: Batch(chain, self._facts) for shard, chain in chains.items()}
        ids = sorted({member_id for member_id, _ in members})
        rows = await self._db.all("members_by_id", [shard_of(each, SHARDS) for each in ids], ids)
        known = {
            row[1]: (row[5], row[4]) if row[4] is not None else (row[0], row[2]) for row in rows
        }  # (shard, number)
        if any(shard not in chains for shard, _ in known.values()):
            raise _Elsewhere
        fresh = await self._insert([each for each in dict.fromkeys(each for each, _ in members) if each not in known])
        for shard, batch in self._batches.items():
            await batch.load(self._db, {number for at, number in known.values() if at == shard})
        contacts: dict[int, str] = dict(await self._db.all("contacts", [number for _, number in known.values()]))
        first: dict[int, str] = {}
        new = []
        for member_id, email in members:
            is_new = member_id in fresh
            if is_new:
                known[member_id] = fresh.pop(member_id)
            shard, number = known[member_id]
            batch = self._batches[shard]
            who = "member" if actor == member_id else actor
            batch.join(number, who if is_new else None)
            if email is not None and is_new:
                first[number] = contacts[number] = email
            elif email is not None and contacts.get(number) != email:
                if number in first:
                    await self._db.run("write_first_contacts", [number], [first.pop(number)], self._now)
                contacts[number] = email
                await write_contact(self._db, batch, number, email, who)
            new.append(is_new)
        if first:
            await self._db.run("write_first_contacts", [*first], [*first.values()], self._now)
        for batch in self._batches.values():
            await batch.write(self._db)
        return new

    async def _insert(self, ids: list[str]) -> dict[str, tuple[int, int]]:
        if not ids:
            return {}
        numbers, _ = await self._db.only("next_numbers", len(ids), 0)
        names = await self._names.of_newcomers(self._db, ids)
        rows = []
        fresh = {}
        for member_id, number, name in zip(ids, numbers, names, strict=True):
            whose = newcomer(member_id)
            rows.append((whose.shard, number, name, self._now, member_id, whose.secret))
            fresh[member_id] = whose.shard, number
            self._batches[whose.shard].add_member(number, name)
        await self._db.run("insert_members", *columns_of(rows, 6))
        digests = [keyed(self._facts.secret, each.encode()) for each in ids]
        await self._db.run("place_strangers", [row[0] for row in rows], ids, digests)
        return fresh


async def write_contact(db: Statements, batch: Batch, number: int, email: str | None, who: str | None) -> None:
    """Keep another address; the entry (none where nobody is named) says who did it and not the address."""
    if email is None:
        await db.run("forget_contact", number)
    else:
        await db.run("write_contact", number, email, batch.chain.clock)
    if who is not None:
        batch.chain.event(EntryKind.CONTACT, number, actor=who)


async def version_of(db: Statements) -> Version:
    """The version that the ledger has now."""
    ledger = await db.only("read_ledger")
    return Version(ledger["epoch"], {shard: position for shard, position, _ in await db.all("heads")})


def member_of(row: Row) -> Member:
    """A row of `member_by_id` as a `Member`."""
    return Member(
        number=row["number"],
        member_id=row["member_id"],
        name_number=row["name_number"],
        hidden=row["hidden"],
        enrolled_at=row["enrolled_at"],
    )
