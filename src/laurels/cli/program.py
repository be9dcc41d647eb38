"""`program`: check, submit, rehearse, approve, list, show, compare. What is in force changes by these alone."""

import difflib
import getpass
import hashlib
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from laurels import awarding, clock
from laurels.awarding import Rehearsal, check_publishable
from laurels.cli.console import ConfigOption, JsonOption, StateOption, examples, out, out_json, run, settings_of
from laurels.errors import NotFound, SettingsError
from laurels.ledger import Draft, PublishedProgram
from laurels.model.times import format_instant, parse_instant
from laurels.program import Program, parse_program
from laurels.settings import Settings
from laurels.wiring import build

DIGEST_SHOWN = 12
"""Characters of a digest that people read; so many name a draft well enough."""

app = typer.Typer(help="Check, submit, approve, list and compare programs.", no_args_is_help=True)

FileArgument = Annotated[Path, typer.Argument(help="The program, a TOML file.")]
FromOption = Annotated[
    str | None,
    typer.Option("--from", help="In force from this instant (2027-01-01T00:00:00Z); left out: from now on."),
]


@app.command(epilog=examples("laurels program check program.toml"))
def check(file: FileArgument) -> None:
    """Read a program and say what is wrong with it. Touches no ledger."""
    program = _read(file)
    out(f"{file}: version {program.version} is sound, digest {_digest(program.text)[:DIGEST_SHOWN]}")


@app.command(epilog=examples("laurels program submit program.toml"))
def submit(file: FileArgument, state: StateOption = None, config: ConfigOption = None) -> None:
    """Hand a program in as a draft. It changes nothing until somebody approves it."""
    draft = run(_submit(settings_of(state, config), _read(file)))
    out(f"version {draft.version} is a draft: laurels program approve {draft.digest[:DIGEST_SHOWN]}")


@app.command(
    epilog=examples(
        "laurels program approve 3f8a11c09d2e", "laurels program approve 3f8a11 --from 2027-01-01T00:00:00Z"
    )
)
def approve(
    digest: Annotated[str, typer.Argument(help="The draft's digest, or its beginning.")],
    from_: FromOption = None,
    state: StateOption = None,
    config: ConfigOption = None,
) -> None:
    """Put a draft in force. It judges what happens from then on; what was awarded stays as it is."""
    from_at = None if from_ is None else parse_instant(from_, "--from")
    published = run(_approve(settings_of(state, config), digest, from_at))
    out(f"version {published.version} is published, {_in_force(published)}")


@app.command("list", epilog=examples("laurels program list", "laurels program list --json"))
def list_(as_json: JsonOption = False, state: StateOption = None, config: ConfigOption = None) -> None:
    """List published versions and drafts."""
    published, drafts = run(_list(settings_of(state, config)))
    if as_json:
        out_json(
            {"published": [_published_json(each) for each in published], "drafts": [_draft_json(d) for d in drafts]}
        )
        return
    for each in published:
        by = each.actor or "laurels"
        out(f"version {each.version}, {_in_force(each)}, published {format_instant(each.published_at)} by {by}")
    for draft in drafts:
        if draft.approved_by is None:
            out(f"draft {draft.digest[:DIGEST_SHOWN]}: version {draft.version}, by {draft.submitted_by}")


@app.command(epilog=examples("laurels program show 1", "laurels program show 3f8a11c09d2e"))
def show(
    which: Annotated[str, typer.Argument(help="A version, or a draft's digest.")],
    state: StateOption = None,
    config: ConfigOption = None,
) -> None:
    """Print a program as it was handed in."""
    out(run(_text(settings_of(state, config), which)).rstrip("\n"))


@app.command(epilog=examples("laurels program diff 1 2", "laurels program diff 2 program.toml"))
def diff(
    before: Annotated[str, typer.Argument(help="A version, a draft's digest, or a file.")],
    after: Annotated[str, typer.Argument(help="What it is compared with.")],
    state: StateOption = None,
    config: ConfigOption = None,
) -> None:
    """Show what differs between two programs, line by line."""
    settings = settings_of(state, config)
    old, new = (
        _read(Path(which)).text if Path(which).is_file() else run(_text(settings, which)) for which in (before, after)
    )
    lines = difflib.unified_diff(old.splitlines(), new.splitlines(), before, after, lineterm="", n=1)
    out("\n".join(lines) or "They are the same.")


@app.command(
    epilog=examples(
        "laurels program rehearse new.toml",
        "laurels program rehearse new.toml --from 2026-10-01T00:00:00Z --to 2026-11-01T00:00:00Z --json",
    )
)
def rehearse(
    file: FileArgument,
    from_: Annotated[
        str | None, typer.Option("--from", help="The program is in force from here on; left out: from ever.")
    ] = None,
    to: Annotated[str | None, typer.Option("--to", help="What occurred from here on is left out.")] = None,
    as_json: JsonOption = False,
    state: StateOption = None,
    config: ConfigOption = None,
) -> None:
    """Try a program on the documents that the ledger has. Nothing is written.

    Under the programs that stand, the same documents must give what the ledger has, to the last point.
    """
    begins = None if from_ is None else parse_instant(from_, "--from")
    ends = clock.now() if to is None else parse_instant(to, "--to")
    found = run(_rehearse(settings_of(state, config), _read(file), begins, ends))
    if as_json:
        out_json(msgspec.to_builtins(found))
    else:
        _print_rehearsal(found)


async def _rehearse(settings: Settings, new: Program, begins: int | None, ends: int) -> Rehearsal:
    async with build(settings, must_exist=True) as services:
        published = await services.ledger.programs()
        stand = [(each.from_at, parse_program(each.text)) for each in published]
        return await awarding.rehearse(services.ledger, stand, new, begins=begins, ends=ends)


def _print_rehearsal(found: Rehearsal) -> None:
    out(f"{found.documents:,} documents, {found.orders:,} orders of the period")
    out(f"points: {found.points:,} -> {found.would_be:,} ({found.would_be - found.points:+,})")
    out(f"members: {found.gain:,} gain (best {found.best:+}), {found.lose:,} lose (worst {found.worst:+})")
    out(f"         {found.alike:,} alike")
    for name, points in found.parts.items():
        out(f"  {name}: {points:,} points")
    for reason, count in found.quarantined.items():
        out(f"  quarantined: {count:,} x {reason}")
    for each in found.changed:
        out(f"  {each.source}/{each.order_id}: {each.before} -> {each.after}")
        out(f"    was: {each.why_before}")
        out(f"    new: {each.why_after}")
    out(f"digest {found.digest}")


async def _submit(settings: Settings, program: Program) -> Draft:
    async with build(settings, must_exist=True) as services:
        check_publishable(program, await services.ledger.programs())
        return await services.ledger.submit(program.version, program.text, actor=_person())


async def _approve(settings: Settings, digest: str, from_at: int | None) -> PublishedProgram:
    async with build(settings, must_exist=True) as services:
        draft = _find(list(await services.ledger.drafts()), digest)
        from_at = parse_program(draft.text).from_at if from_at is None else from_at
        published = await services.ledger.approve(draft.digest, from_at, actor=_person(), by_another=False)
        return next(each for each in published if each.version == draft.version)


async def _list(settings: Settings) -> tuple[list[PublishedProgram], list[Draft]]:
    async with build(settings, must_exist=True) as services:
        return await services.ledger.programs(), list(await services.ledger.drafts())


async def _text(settings: Settings, which: str) -> str:
    async with build(settings, must_exist=True) as services:
        for each in await services.ledger.programs():
            if str(each.version) == which:
                return each.text
        return _find(list(await services.ledger.drafts()), which).text


def _find(drafts: list[Draft], digest: str) -> Draft:
    found = [draft for draft in drafts if digest and draft.digest.startswith(digest)]
    if len(found) != 1:
        raise NotFound(f"There is no draft or version {digest}. `laurels program list` shows them.")
    return found[0]


def _read(file: Path) -> Program:
    try:
        return parse_program(file.read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{file} cannot be read: {error}") from error


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _person() -> str:
    """Who is at the command line, as it is kept."""
    return f"cli:{getpass.getuser()}"


def _in_force(published: PublishedProgram) -> str:
    return (
        "in force from the beginning"
        if published.from_at is None
        else f"in force from {format_instant(published.from_at)}"
    )


def _published_json(published: PublishedProgram) -> dict[str, object]:
    return {
        "version": published.version,
        "from": None if published.from_at is None else format_instant(published.from_at),
        "published_at": format_instant(published.published_at),
        "actor": published.actor,
        "digest": _digest(published.text),
    }


def _draft_json(draft: Draft) -> dict[str, object]:
    return {
        "digest": draft.digest,
        "version": draft.version,
        "submitted_by": draft.submitted_by,
        "submitted_at": format_instant(draft.submitted_at),
        "approved_by": draft.approved_by,
    }
