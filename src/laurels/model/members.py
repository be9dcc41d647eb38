"""Members: customers enrolled in the program."""

from enum import StrEnum

from msgspec import Struct


class MemberEvent(StrEnum):
    """What a member can ask for, or a service on the member's behalf."""

    HIDE = "hide"
    SHOW = "show"
    RENAME = "rename"
    ERASE = "erase"


class Member(Struct, frozen=True):
    """One member as the ledger knows it. `number` is ours and never leaves; `member_id` is the shop's.

    `name_number` is what the proxy name is rendered from; a rename gives another one.
    """

    number: int
    member_id: str
    name_number: int
    hidden: bool
    enrolled_at: int
