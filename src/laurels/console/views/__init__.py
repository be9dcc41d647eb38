"""The pages, one file each; this is the table of them, and of what stands in the navigation."""

from functools import lru_cache
from itertools import groupby
from typing import NamedTuple

from laurels.console.sign_in import Person
from laurels.console.views import (
    boards,
    breakage,
    bulk,
    campaign,
    campaigns,
    changes,
    correct,
    customer,
    customers,
    erasures,
    exports,
    extensions,
    farewells,
    finance,
    health,
    jobs,
    journals,
    liability,
    log,
    messages,
    overview,
    people,
    program,
    proposals,
    week,
    work,
)

PAGES = (
    *overview.PAGES,
    *week.PAGES,
    *customers.PAGES,
    *customer.PAGES,
    *correct.PAGES,
    *changes.PAGES,
    *farewells.PAGES,
    *bulk.PAGES,
    *erasures.PAGES,
    *exports.PAGES,
    *proposals.PAGES,
    *jobs.PAGES,
    *work.PAGES,
    *campaigns.PAGES,
    *campaign.PAGES,
    *extensions.PAGES,
    *program.PAGES,
    *boards.PAGES,
    *messages.PAGES,
    *finance.PAGES,
    *liability.PAGES,
    *breakage.PAGES,
    *journals.PAGES,
    *health.PAGES,
    *log.PAGES,
    *people.PAGES,
)
"""Every page that asks the API something."""


class Link(NamedTuple):
    """A line of the navigation."""

    name: str
    path: str
    icon: str
    scopes: frozenset[str]
    heading: str = ""


LINKS = (
    Link("Overview", "/overview", "chart", frozenset({"reports:read"})),
    Link("Customers", "/customers", "user", frozenset({"members:read"})),
    Link("Approvals", "/proposals", "check", frozenset({"points:approve"})),
    Link("Work list", "/work", "inbox", frozenset({"quarantine:write"})),
    Link("Campaigns", "/campaigns", "percent", frozenset(program.LOOK), "Program"),
    Link("Rules", "/program", "page", frozenset(program.LOOK), "Program"),
    Link("Boards", "/boards", "cup", frozenset({"members:read"}), "Program"),
    Link("Messages", "/messages", "mail", frozenset({"quarantine:write"}), "Program"),
    Link("Finance", "/finance", "coins", frozenset({"reports:read"}), "Administration"),
    Link("Health", "/health", "pulse", frozenset({"status:read"}), "Administration"),
    Link("Jobs", "/jobs", "clock", frozenset(jobs.LOOK), "Administration"),
    Link("People", "/people", "people", frozenset({"audit:read"}), "Administration"),
    Link("Log", "/log", "key", frozenset({"audit:read"}), "Administration"),
)


def navigation(person: Person) -> list[tuple[str, list[Link]]]:
    """What a person may see, under its headings, in the order of the table."""
    return _navigation(person.scopes)


@lru_cache(maxsize=1024)
def _navigation(scopes: frozenset[str]) -> list[tuple[str, list[Link]]]:
    links = [link for link in LINKS if link.scopes & scopes]
    return [(heading, [*under]) for heading, under in groupby(links, key=lambda link: link.heading)]


def first_page(person: Person) -> str:
    """Where a person begins."""
    return next((links[0].path for _, links in navigation(person)), "/customers")
