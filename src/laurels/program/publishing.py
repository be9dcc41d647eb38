"""Publishing a version: what it has to keep to beside the one before, which version holds when, and how two differ."""

import tomllib
from collections.abc import Iterable, Sequence
from typing import Any

from msgspec import Struct

from laurels.errors import ProgramError
from laurels.model.times import format_instant
from laurels.program.program import Program


class Difference(Struct, frozen=True):
    """One key that two versions say differently; None: it is not said. Members of a list are known by their name."""

    path: str
    before: Any
    after: Any


def check_successor(program: Program, published: Sequence[Program], approved_at: int) -> None:
    """Raise `ProgramError` where a program may not be published after those that are, oldest first, at an instant.

    A version holds from the future of its approval on, so none ever changes what a past order earns.
    """
    if not published:
        return
    before = published[-1]
    if program.version <= before.version:
        raise ProgramError(f"version: must be more than {before.version}, the last one published")
    if program.time_zone != published[0].time_zone:
        raise ProgramError(f"time_zone: must stay {published[0].time_zone}, that of version {published[0].version}")
    if program.from_at is None:
        raise ProgramError("from: say from when it holds; only the first version may leave it out")
    if before.from_at is not None and program.from_at <= before.from_at:
        raise ProgramError(
            f"from: must be later than {format_instant(before.from_at)}, from when version {before.version} holds"
        )
    if program.from_at <= approved_at:
        raise ProgramError(f"from: must be later than the approval, {format_instant(approved_at)}")


def check_counted(program: Program, published: Iterable[Program]) -> None:
    """Raise `ProgramError` where tiers would count in another unit than the last version, oldest first, that had any:
    what members have counts on, and 100 points are not 100 pence.
    """
    unit = _counted_in(program)
    before = next((each for each in reversed(list(published)) if each.tiers is not None), None)
    if unit is not None and before is not None and (counted := _counted_in(before)) != unit:
        raise ProgramError(
            f"tiers.counts: must stay in {counted}, in which version {before.version} counts, not in {unit}: "
            "what members have by then counts on"
        )


def _counted_in(program: Program) -> str | None:
    """What tiers count in; None where there are none."""
    if program.tiers is None:
        return None
    if program.tiers.counts != "spend":
        return "points"
    named = sorted({currency for rate in program.rates for currency, _ in rate.per})
    return " ".join(["spend", *named])


def version_at(published: Iterable[Program], at: int) -> Program | None:
    """The version in force at an instant: the last that holds from then or before. None: there was none yet."""
    found = None
    for program in published:
        if program.from_at is None or program.from_at <= at:
            found = program
    return found


def differences(before: str, after: str) -> list[Difference]:
    """How two programs differ, key by key, as they are written. Both have been read by `parse_program`."""
    one, other = _flat(tomllib.loads(before)), _flat(tomllib.loads(after))
    paths = [*one, *(path for path in other if path not in one)]
    return [Difference(path, one.get(path), other.get(path)) for path in paths if one.get(path) != other.get(path)]


def names_categories(program: Program) -> set[str]:
    """The categories that a program's rules name."""
    return {value for rule in (*program.exclude, *program.rates, *program.campaigns) for value in _categories(rule)}


def unseen(
    program: Program, categories: Iterable[str], segments: Iterable[str], *, birthdays: bool = True
) -> list[str]:
    """Warnings: what a program names and no order of a rehearsal, or no member, had. `birthdays`: whether any member
    has one.
    """
    had, named = list(categories), names_categories(program)
    said = [
        f"no order had the category {value}"
        for value in sorted(named)
        if not any(each == value or each.startswith(f"{value}/") for each in had)
    ]
    wanted = {value for campaign in program.campaigns for value in campaign.where.segment}
    said += [f"no member was in the segment {value}" for value in sorted(wanted - set(segments))]
    if not birthdays:
        asking = (each for each in program.campaigns if each.where.birthday_within_days is not None)
        said += [f"no member has a birthday, which the campaign {each.name} asks for" for each in asking]
    return said


def _categories(rule: Any) -> set[str]:
    return {value for each in rule.match.conditions if each.field == 1 for value in each.values}


def _flat(value: Any, path: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    if isinstance(value, dict):
        for key, each in value.items():
            found |= _flat(each, f"{path}.{key}" if path else key)
    elif isinstance(value, list) and value and all(isinstance(each, dict) for each in value):
        for number, each in enumerate(value):
            found |= _flat({k: v for k, v in each.items() if k != "name"}, f"{path}[{each.get('name', number)}]")
            found[f"{path}[{each.get('name', number)}]"] = number
    else:
        found[path] = value
    return found
