"""Member events: enrol, hide, show, rename, erase. Each is an entry in the feed, so that every view of the ledger
hears of it.
"""

from collections.abc import Sequence

from laurels.engines.sqlite.chain import SHARD, Chain
from laurels.engines.sqlite.connection import Database, Row
from laurels.errors import UnknownMember
from laurels.model import EntryKind, Member, MemberEvent, Version


def member_of(row: Row) -> Member:
    """A row of `member_by_id` as a `Member`."""
    return Member(number=row[0], member_id=row[1], name_number=row[2], hidden=bool(row[3]), enrolled_at=row[4])


def keep_contact(db: Database, number: int, email: str, now: int) -> None:
    """Keep where a member is reached; what was held for an address is due."""
    db.run("write_contact", number, email)
    db.run("release_messages", number, now)


def enrol(db: Database, members: Sequence[tuple[str, str | None]], actor: str, now: int) -> list[bool]:
    """Enrol who is new, and keep the address of whoever brings one. True for each that is new."""
    chain = Chain(db, now)
    new = []
    for member_id, email in members:
        row = db.one("member_by_id", member_id)
        number = chain.enrol(member_id, _who(actor, member_id)) if row is None else row[0]
        if email is not None:
            keep_contact(db, number, email, chain.now)
        new.append(row is None)
    chain.save()
    return new


def change(db: Database, member_id: str, event: MemberEvent, actor: str, now: int) -> Version:
    """Write a member event. What is so already is not written again; a rename always gives another name."""
    chain = Chain(db, now)
    row = db.one("member_by_id", member_id)
    if row is None:
        raise UnknownMember
    member = member_of(row)
    match event:
        case MemberEvent.HIDE | MemberEvent.SHOW:
            hidden = event is MemberEvent.HIDE
            if member.hidden != hidden:
                db.run("set_hidden", int(hidden), member.number)
                _append(chain, EntryKind(event.value), member, actor)
        case MemberEvent.RENAME:
            name = chain.next_name()
            db.run("set_name", name, member.number)
            _append(chain, EntryKind.RENAME, member, actor, name)
        case MemberEvent.ERASE:
            db.run("link_waiting", member.number, member.member_id)
            db.run("forget_raw", member.number)
            db.run("forget_contact", member.number)
            db.run("drop_messages", member.number)
            db.run("forget_buyer", member.number, member.member_id)
            db.run("forget_member", member.number)
            _append(chain, EntryKind.ERASE, member, actor)
    chain.save()
    return Version(chain.epoch, {SHARD: chain.position})


def _append(chain: Chain, kind: EntryKind, member: Member, actor: str, name_number: int | None = None) -> None:
    chain.append(
        kind,
        member.number,
        occurred_at=chain.now,
        board_at=chain.now,
        name_number=name_number,
        actor=_who(actor, member.member_id),
    )


def _who(actor: str, member_id: str) -> str:
    """Entries stay for ever, so a member who acts is not named in them."""
    return "member" if actor == member_id else actor
