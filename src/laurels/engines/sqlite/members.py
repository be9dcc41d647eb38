"""Member events: enrol, hide, show, rename, contact, merge, erase. Each is an entry in the feed, so that every view of
the ledger hears of it.
"""

import secrets
from collections.abc import Sequence

from laurels.engines.sqlite.chain import Chain, Chains, Numbers
from laurels.engines.sqlite.connection import Database, Row
from laurels.errors import UnknownMember
from laurels.model import EntryKind, Member, MemberEvent, Version
from laurels.model.documents import keyed
from laurels.model.refused_messages import name_digest

SECRET_BYTES = 16


def member_of(row: Row) -> Member:
    """A row of `member_by_id` as a `Member`."""
    return Member(number=row[0], member_id=row[1], name_number=row[2], hidden=bool(row[3]), enrolled_at=row[4])


def keep_first_contact(db: Database, number: int, email: str, now: int) -> None:
    """Keep where a member is reached, if nothing is known; what was held for an address is due."""
    if db.one("write_first_contact", number, email) is not None:
        db.run("release_messages", number, now)


def place_strangers(db: Database, number: int, stranger: bytes) -> None:
    """What came for an id before it was anybody's is this member's."""
    db.run("place_strangers", number, stranger)
    db.run("unmark_strangers", stranger)


def joined(db: Database, chain: Chain, number: int) -> None:
    """See that a member's enrolment is in the feed, before anything else of the member."""
    row = db.one("unjoined", number)
    if row is not None:
        chain.join(number, row[0])


def enrol(db: Database, members: Sequence[tuple[str, str | None]], actor: str, now: int) -> tuple[list[bool], Version]:
    """Enrol who is new, and keep the address of whoever brings one. True for each that is new."""
    chains, numbers = Chains(db, now), Numbers(db)
    new = []
    for member_id, email in members:
        row = db.one("member_by_id", member_id)
        if row is None:
            number = numbers.enrol(member_id, secrets.token_bytes(SECRET_BYTES), now)
            place_strangers(db, number, keyed(numbers.secret, member_id.encode()))
            row = db.one("member_by_id", member_id)
            assert row is not None, "it was enrolled just now"
            chains.of(row[5]).join(number, row[2], _who(actor, member_id))
            new.append(True)
        else:
            joined(db, chains.of(row[5]), row[0])
            new.append(False)
        if email is not None:
            _write_contact(db, chains.of(row[5]), member_of(row), email, actor, known=not new[-1])
    chains.save()
    numbers.save()
    return new, chains_version(db)


def change(
    db: Database,
    member_id: str,
    event: MemberEvent,
    actor: str,
    now: int,
    *,
    name_number: int | None = None,
    number: int | None = None,
) -> Version:
    """Write a member event. What is so already is not written again; a rename gives another name, unless the member has
    another one than `name_number` by now. `number`: whose the id has to be.
    """
    row = db.one("member_by_id", member_id)
    if number is not None and (row is None or row[0] != number):
        raise UnknownMember
    if row is None:
        if event is MemberEvent.ERASE and _forget_stranger(db, member_id):
            return chains_version(db)
        raise UnknownMember
    member = member_of(row)
    chain = Chain(db, row[5], now)
    match event:
        case MemberEvent.HIDE | MemberEvent.SHOW:
            hidden = event is MemberEvent.HIDE
            if member.hidden == hidden:
                db.changed_nothing = True
            else:
                joined(db, chain, member.number)
                db.run("set_hidden", int(hidden), member.number)
                chain.event(EntryKind(event.value), member.number, actor=_who(actor, member_id))
        case MemberEvent.RENAME if name_number in {None, member.name_number}:
            joined(db, chain, member.number)
            name = Numbers(db).rename(member.number, member.member_id)
            chain.event(EntryKind.RENAME, member.number, name_number=name, actor=_who(actor, member_id))
        case MemberEvent.RENAME:
            db.changed_nothing = True
        case MemberEvent.ERASE:
            chains = Chains(db, now)
            for its_number, shard, its_id in db.all("merged_with", member.number):
                _erase(db, chains.of(shard), its_number, its_id, _who(actor, member_id))
            chains.save()
            return chains_version(db)
    chain.save()
    return chains_version(db)


def set_contact(db: Database, member_id: str, email: str | None, actor: str, now: int) -> Version:
    """Change where a member is reached; the entry says who did it and not the address."""
    row = db.one("member_by_id", member_id)
    if row is None:
        raise UnknownMember
    chain = Chain(db, row[5], now)
    joined(db, chain, row[0])
    db.changed_nothing = db.value("contact", row[0]) == email
    _write_contact(db, chain, member_of(row), email, actor, known=True)
    chain.save()
    return chains_version(db)


def set_attributes(db: Database, member_id: str, attributes: bytes | None) -> None:
    """Keep what the shop says of a member, or nothing."""
    row = db.one("member_by_id", member_id)
    if row is None:
        raise UnknownMember
    if attributes is None:
        db.run("forget_attributes", row[0])
    else:
        db.run("write_attributes", row[0], attributes)


def chains_version(db: Database) -> Version:
    """The version that the ledger has now."""
    epoch = db.value("read_epoch")
    return Version(epoch, {shard: position for shard, position, _ in db.all("read_heads")})


def _write_contact(db: Database, chain: Chain, member: Member, email: str | None, actor: str, *, known: bool) -> None:
    """An address that is there already is not written again; the first one of who is enrolled just now is no event."""
    if db.value("contact", member.number) == email:
        return
    if email is None:
        db.run("forget_contact", member.number)
    else:
        db.run("write_contact", member.number, email)
        db.run("release_messages", member.number, chain.clock)
    if known:
        chain.event(EntryKind.CONTACT, member.number, actor=_who(actor, member.member_id))


def _erase(db: Database, chain: Chain, number: int, member_id: str, actor: str) -> None:
    joined(db, chain, number)
    db.run("forget_received", number)
    db.run("forget_remarks", number)
    db.run("forget_content", number)
    db.run("forget_attributes", number)
    db.run("forget_contact", number)
    db.run("drop_messages", number)
    db.run("forget_buyer", number, member_id)
    _forget_naming(db, member_id)
    db.run("forget_member", number)
    chain.event(EntryKind.ERASE, number, actor=actor)


def _forget_stranger(db: Database, member_id: str) -> bool:
    """Let go of what came for an id that is no member's: nothing of it can be known again. Whether there was any."""
    digest = keyed(Numbers(db).secret, member_id.encode())
    return bool([*db.all("forget_stranger", digest), *_forget_naming(db, member_id)])


def _forget_naming(db: Database, member_id: str) -> list[Row]:
    """Let go of messages that name an id beside others. Costs by the messages in quarantine."""
    return db.all("forget_naming", name_digest(Numbers(db).secret, member_id).encode())


def _who(actor: str, member_id: str) -> str:
    """Entries stay for ever, so a member who acts is not named in them."""
    return "member" if actor == member_id else actor
