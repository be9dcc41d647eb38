"""What people may do, beyond their scopes: which calls are theirs at all, and how far each role may go.

A scope is shared with services, for whom a till or an import writes by the thousand. A person does one thing at a time,
and large ones are for a lead.
"""

from laurels.errors import NotAllowed
from laurels.http.admission.callers import Caller
from laurels.settings import Settings

FOR_PEOPLE = frozenset(
    {
        "adjust",
        "approve_proposal",
        "cancel_redemption",
        "cancel_refund",
        "correct_many",
        "drop_quarantined",
        "erase",
        "erase_many",
        "find_customers",
        "hide",
        "merge",
        "propose_correction",
        "reject_proposal",
        "start_job",
        "stop_job",
        "approve_program",
        "extend_points",
        "rehearse_program",
        "stop_campaign",
        "submit_program",
        "rename",
        "retry_message",
        "retry_quarantined",
        "set_contact",
        "show",
    }
)
"""The functions of the routes that change something, or take a body, and that a person may call; reading is open to all
who have the scope.
"""

_WITH_CONTACT = frozenset({"find_members", "export_member"})
"""Routes that tell addresses in clear: of people, only those who may see contact may call them."""

_LEAD, _CONTACT = "points:approve", "members:contact"


def check_for_people(caller: Caller, method: str, name: str) -> None:
    """Raise `NotAllowed` where a person calls what is for services alone, or shows more than the roles may see."""
    if caller.person is None:
        return
    if name in _WITH_CONTACT and _CONTACT not in caller.scopes:
        raise NotAllowed("This needs a role that may see contact: support or lead.", [_CONTACT])
    if method != "GET" and name not in FOR_PEOPLE:
        raise NotAllowed("This call is for services. People correct points, and the shop's own systems do the rest.")


def check_lead(caller: Caller) -> None:
    """Raise `NotAllowed` for a person who is no lead: what cannot be undone is for those."""
    if caller.person is not None and _LEAD not in caller.scopes:
        raise NotAllowed("This needs the role lead.", [_LEAD])


def most_points(caller: Caller, settings: Settings) -> int | None:
    """The most points that the caller may give or take at once; None for a service, whose system decides."""
    if caller.person is None:
        return None
    limits = {"support": settings.console.limit_support, "lead": settings.console.limit_lead}
    return max((limits.get(role, 0) for role in caller.person.roles), default=0)


def check_points(caller: Caller, points: int, settings: Settings) -> None:
    """Raise `NotAllowed` for a correction beyond what the caller may decide alone."""
    most = most_points(caller, settings)
    if most is not None and abs(points) > most:
        who = "A lead may" if most < settings.console.limit_lead else "It has to"
        how = (
            f"decide up to {settings.console.limit_lead:,}" if who == "A lead may" else "be approved by another person"
        )
        raise NotAllowed(f"Your role corrects up to {most:,} points at once. {who} {how}.", [_LEAD])


MOST_ROWS_ALONE, MOST_POINTS_ALONE = 1_000, 100_000
"""A file of corrections beyond this needs a second person."""


def needs_two(caller: Caller, *, rows: int, points: int, above: int) -> bool:
    """Whether another person has to approve corrections: so many rows of so many points together, of which some are
    `above` what the caller may decide alone. A service's system decides by itself.
    """
    return caller.person is not None and (rows > MOST_ROWS_ALONE or points > MOST_POINTS_ALONE or above > 0)
