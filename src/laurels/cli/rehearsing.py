"""`program rehearse`: what a program would have made of the documents that a ledger has."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from laurels import clock
from laurels.awarding import Rehearsal, rehearse_here
from laurels.cli.console import ConfigOption, JsonOption, StateOption, counted, out, out_json, run, settings_of
from laurels.cli.deciding import at_the_keyboard
from laurels.errors import SettingsError
from laurels.model.times import parse_instant
from laurels.program import Program, parse_program
from laurels.settings import Settings
from laurels.wiring import build


def rehearse(
    file: Annotated[Path, typer.Argument(help="The program, a TOML file.")],
    from_: Annotated[
        str | None, typer.Option("--from", help="The program is in force from here on; left out: from ever.")
    ] = None,
    to: Annotated[str | None, typer.Option("--to", help="What occurred from here on is left out.")] = None,
    as_json: JsonOption = False,
    state: StateOption = None,
    config: ConfigOption = None,
) -> None:
    """Try a program on the documents that the ledger has. No point moves.

    Under the programs that stand, the same documents must give what the ledger has, to the last point. What came of it
    is kept where exactly this program was submitted: an approval can name it.
    """
    begins = None if from_ is None else parse_instant(from_, "--from")
    ends = clock.now() if to is None else parse_instant(to, "--to")
    found, kept = run(_rehearse(settings_of(state, config), read_program_file(file), begins, ends))
    if as_json:
        out_json(msgspec.to_builtins(found))
    else:
        _print(found, kept=kept)


def read_program_file(file: Path) -> Program:
    """Read a program from a file. Raises `SettingsError`, `ProgramError`."""
    try:
        return parse_program(file.read_text("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise SettingsError(f"{file} is not a text in UTF-8. Save it as that.") from error
    except OSError as error:
        raise SettingsError(f"{file} cannot be read: {error.strerror}") from error


async def _rehearse(settings: Settings, new: Program, begins: int | None, ends: int) -> tuple[Rehearsal, bool]:
    async with build(settings, must_exist=True) as services:
        return await rehearse_here(services.ledger, new, begins=begins, ends=ends, actor=at_the_keyboard())


def _print(found: Rehearsal, *, kept: bool) -> None:
    out(f"{counted(found.documents, 'document')}, {counted(found.orders, 'order')} of the period")
    out(f"points: {found.points:,} -> {found.would_be:,} ({found.would_be - found.points:+,})")
    for currency, value in found.value.items():
        out(f"  worth {value} {currency}")
    out(f"members: {found.gain:,} gain (best {found.best:+}), {found.lose:,} lose (worst {found.worst:+})")
    out(f"         {found.alike:,} alike; by tenths {' '.join(f'{each:+}' for each in found.deciles)}")
    _most("gain most", [(each.member, each.before, each.after) for each in found.gain_most])
    _most("lose most", [(each.member, each.before, each.after) for each in found.lose_most])
    _counted("members would change tier", found.tiers)
    _counted("points", found.parts)
    _counted("orders would differ in", found.reasons)
    _counted("orders would reach the cap of", found.bound)
    _counted("would be quarantined", found.quarantined)
    if found.never:
        out(f"gave nothing: {', '.join(found.never)}")
    for warning in found.unseen:
        out(f"warning: {warning}")
    out(f"{found.changed_orders:,} orders would give other points")
    for each in found.changed:
        out(f"  {each.source}/{each.order_id}: {each.before} -> {each.after}")
        out(f"    was: {each.why_before}")
        out(f"    new: {each.why_after}")
    out(f"digest {found.digest}{' (kept)' if kept else ', not kept: this program was not submitted'}")


def _most(what: str, members: Sequence[tuple[int, int, int]]) -> None:
    if members:
        said = ", ".join(f"member {number}: {before:,} -> {after:,}" for number, before, after in members)
        out(f"{what}: {said}")


def _counted(what: str, counts: Mapping[str, int]) -> None:
    for name, count in counts.items():
        out(f"  {count:,} {what} {name}" if what != "points" else f"  {name}: {count:,} points")
