"""Campaigns: what each gives and when, what is left of its budget, and what it gave."""

import asyncio
import tomllib
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, Literal

from msgspec import Struct

from laurels.awarding.campaign_runs import VersionHeld, began
from laurels.errors import LedgerUnavailable
from laurels.http.api.programs import READ
from laurels.http.routes import Request, Response, route
from laurels.ledger import PublishedProgram
from laurels.ledger.rollups import PER_ALL, Basis, Grouping
from laurels.model import EntryKind
from laurels.model.times import format_instant
from laurels.program import GRAIN, parse_program
from laurels.program.rules import Campaign
from laurels.rollups import GAVE

_EVER = 99_991_231


class CampaignShown(Struct, frozen=True, kw_only=True, rename={"starts": "from"}):
    """A campaign of the version that was published last. `from` is when it began to run, by whichever version did so
    first; null: it always ran. `rule` is what the program says of it; `used` points of its
    `budget` (null: it has none); `points` what it gave in all, net of refunds, and `orders` how many it gave some, each
    once whatever came back of it; both as far as is counted.
    """

    name: str
    state: Literal["to come", "running", "over"]
    starts: str | None
    until: str | None
    rule: dict[str, Any]
    budget: int | None
    used: int
    points: int
    orders: int


class CampaignsShown(Struct, frozen=True):
    """Campaigns in the order of the program; the version that has them, and from when it holds (null: always)."""

    version: int
    in_force_from: str | None
    campaigns: list[CampaignShown]


@route("GET", "/campaigns", access=READ, answers={200: CampaignsShown}, problems=(LedgerUnavailable,), audited=False)
async def list_campaigns(request: Request) -> Response:
    """List the campaigns of the version that was published last, in force or to come."""
    services = request.services
    published, used, given = await asyncio.gather(
        services.ledger.programs(),
        services.ledger.budgets(),
        services.ledger.sums(Basis.RECORDED, 0, _EVER, Grouping(per=PER_ALL, part=True)),
    )
    last = published[-1]
    points: Counter[str] = Counter()
    orders: Counter[str] = Counter()
    for cell, sums in given:
        if cell.kind in {EntryKind.EARN, EntryKind.REVERSE}:
            points[cell.part] += sums.points
        elif cell.kind == GAVE:
            orders[cell.part] += sums.entries
    campaigns, rules = _campaigns_of(last.text)
    shown = [
        _shown(
            each,
            _began(each.name, published),
            services.now(),
            rules[each.name],
            (used.get(each.name, 0), points[each.name], orders[each.name]),
        )
        for each in campaigns
    ]
    return Response(200, CampaignsShown(last.version, _instant(last.from_at), shown))


def _began(name: str, published: Sequence[PublishedProgram]) -> int | None:
    """When a campaign of the newest version began."""
    held: list[VersionHeld] = []
    for n, version in reversed([*enumerate(published)]):
        times = _times_of(version.text).get(name)
        if times is None:
            break
        held.append(
            VersionHeld(version.from_at if n else None, *times)
        )  # the first version judges what was before it too
    return began(held[::-1])


@lru_cache(maxsize=1024)
def _times_of(text: str) -> Mapping[str, tuple[int | None, int | None]]:
    """When the campaigns of a program start and end, by their names."""
    return {each.name: (each.starts, each.ends) for each in parse_program(text).campaigns}


@lru_cache(maxsize=2)  # the newest version is asked for again and again, and reading it takes milliseconds
def _campaigns_of(text: str) -> tuple[tuple[Campaign, ...], Mapping[str, dict[str, Any]]]:
    """The campaigns of a program, and what it says of each by its name."""
    rules = {table["name"]: table for table in tomllib.loads(text).get("campaigns", [])}
    return parse_program(text).campaigns, rules


def _shown(
    campaign: Campaign, starts: int | None, now: int, rule: dict[str, Any], figures: tuple[int, int, int]
) -> CampaignShown:
    is_over = campaign.ends is not None and campaign.ends <= now
    is_to_come = starts is not None and starts > now
    used, points, orders = figures
    return CampaignShown(
        name=campaign.name,
        state="over" if is_over else "to come" if is_to_come else "running",
        starts=_instant(starts),
        until=_instant(campaign.ends),
        rule=_plain(rule),
        budget=campaign.budget,
        used=used // GRAIN,
        points=points,
        orders=orders,
    )


def _plain(table: dict[str, Any]) -> dict[str, Any]:
    """What a program says of a campaign but its name; what TOML has and JSON has not, as it is written."""
    return {key: _written(value) for key, value in table.items() if key != "name"}


def _written(value: Any) -> Any:
    match value:
        case dict():
            return {key: _written(each) for key, each in value.items()}
        case list():
            return [_written(each) for each in value]
        case str() | int() | float():
            return value
    return str(value)


def _instant(at: int | None) -> str | None:
    return None if at is None else format_instant(at)


ROUTES = (list_campaigns,)
