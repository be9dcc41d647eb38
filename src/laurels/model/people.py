"""People who run the program: their roles, and what each role may do.

Roles come from whoever signs people in; nobody gives roles in Laurels. What a role may do is this one table.
"""

from collections.abc import Iterable, Mapping

PERSON = "person:"
"""What the actor of a person's doings begins with. No service's name does."""


def is_persons(source: str | None) -> bool:
    """Whether a source says who the person is whose document it is, as it does where none was given."""
    return source is not None and source.startswith(PERSON)


_SUPPORT = frozenset(
    {"members:read", "members:contact", "members:write", "points:adjust", "points:redeem", "orders:write"}
)

ROLES: Mapping[str, frozenset[str]] = {
    "viewer": frozenset({"members:read"}),
    "support": _SUPPORT,
    "lead": _SUPPORT | {"points:approve"},
    "program": frozenset({"program:write", "reports:read"}),
    "approver": frozenset({"program:approve", "reports:read"}),
    "finance": frozenset({"reports:read"}),
    "operator": frozenset({"quarantine:write", "jobs:write", "status:read"}),
    "auditor": frozenset({"audit:read", "reports:read", "members:read"}),
}
"""Scopes by role. Several roles may do what each of them may."""

SCOPES = frozenset().union(*ROLES.values())
"""Every scope that some role has."""


def scopes_of(roles: Iterable[str]) -> frozenset[str]:
    """What these roles may do together; a role that is none may do nothing."""
    return frozenset().union(*(ROLES.get(role, frozenset()) for role in roles))


def roles_with(scopes: Iterable[str]) -> list[str]:
    """The roles that have one of these scopes, in the order of the table."""
    wanted = frozenset(scopes)
    return [role for role, has in ROLES.items() if has & wanted]
