"""`program`: check, submit, approve, stop, extend, list, show, compare. What is in force changes by these alone."""

import difflib
from pathlib import Path
from typing import Annotated

import typer

from laurels import awarding, clock
from laurels.cli.console import ConfigOption, JsonOption, StateOption, examples, out, out_json, run, settings_of
from laurels.cli.deciding import at_the_keyboard, who_decides
from laurels.cli.rehearsing import read_program_file, rehearse
from laurels.ledger import Draft, PublishedProgram
from laurels.ledger.program_log import digest_of
from laurels.model.times import format_instant, parse_instant
from laurels.program import Program, doubts
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
    program = read_program_file(file)
    _warn(program)
    out(f"{file}: version {program.version} is sound, digest {digest_of(program.text)[:DIGEST_SHOWN]}")


@app.command(epilog=examples("laurels program submit program.toml"))
def submit(file: FileArgument, state: StateOption = None, config: ConfigOption = None) -> None:
    """Hand a program in as a draft. It changes nothing until somebody approves it."""
    program = read_program_file(file)
    _warn(program)
    draft = run(_submit(settings_of(state, config), program))
    out(f"version {draft.version} is a draft: laurels program approve {draft.digest[:DIGEST_SHOWN]}")


@app.command(
    epilog=examples(
        "laurels program approve 3f8a11c09d2e",
        "laurels program approve 3f8a11 --rehearsal 9b1c --from 2027-01-01T00:00:00Z",
    )
)
def approve(
    digest: Annotated[str, typer.Argument(help="The draft's digest, or its beginning.")],
    rehearsal: Annotated[
        str | None,
        typer.Option("--rehearsal", help="The digest of the rehearsal that this rests on, or its beginning."),
    ] = None,
    from_: FromOption = None,
    state: StateOption = None,
    config: ConfigOption = None,
) -> None:
    """Put a draft in force. It judges what happens from then on; what was awarded stays as it is.

    With `approval.required` another person than who submitted it approves, known by a token in LAURELS_TOKEN.
    """
    from_at = None if from_ is None else parse_instant(from_, "--from")
    published = run(_approve(settings_of(state, config), digest, from_at, rehearsal))
    out(f"version {published.version} is published, {_in_force(published)}")


app.command(
    epilog=examples(
        "laurels program rehearse new.toml",
        "laurels program rehearse new.toml --from 2026-10-01T00:00:00Z --to 2026-11-01T00:00:00Z --json",
    )
)(rehearse)


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
        read_program_file(Path(each)).text if Path(each).is_file() else run(_text(settings, each))
        for each in (before, after)
    )
    lines = difflib.unified_diff(old.splitlines(), new.splitlines(), before, after, lineterm="", n=1)
    out("\n".join(lines) or "They are the same.")


@app.command(epilog=examples("laurels program stop 'double dairy' --why 'the price was wrong'"))
def stop(
    campaign: Annotated[str, typer.Argument(help="The campaign's name.")],
    why: Annotated[str, typer.Option("--why", help="What is kept with it.")],
    state: StateOption = None,
    config: ConfigOption = None,
) -> None:
    """End a campaign a minute from now, by a version that does nothing else. One person may."""
    published = run(_stop(settings_of(state, config), campaign, why))
    out(f"version {published.version} is published, {_in_force(published)}: {campaign} ends in a minute")


@app.command(
    epilog=examples(
        "laurels program extend 2027-02-01 2027-03-01 --until 2027-09-01",
        "laurels program extend 2027-02-01 2027-03-01 --until 2027-09-01 --from 2027-01-01T00:00:00Z",
    )
)
def extend(
    first: Annotated[str, typer.Argument(metavar="FIRST", help="Points that lapse from this day on (2027-02-01),")],
    end: Annotated[str, typer.Argument(metavar="END", help="and before this one (2027-03-01),")],
    until: Annotated[str, typer.Option("--until", help="lapse when this day begins instead.")],
    from_: Annotated[
        str | None,
        typer.Option("--from", help="When it is to hold (2027-01-01T00:00:00Z); left out: in a week, or on FIRST."),
    ] = None,
    state: StateOption = None,
    config: ConfigOption = None,
) -> None:
    """Hand in a version by which points live longer, and that does nothing else. Somebody approves it like any other.

    What has lapsed when it comes into force stays so. No later version may leave it out.
    """
    from_at = None if from_ is None else parse_instant(from_, "--from")
    draft, program = run(_extend(settings_of(state, config), (first, end), until, from_at))
    out(
        f"version {draft.version} is a draft, to hold from {format_instant(program.from_at or 0)}: "
        f"laurels program approve {draft.digest[:DIGEST_SHOWN]}"
    )


def _warn(program: Program) -> None:
    for doubt in doubts(program):
        typer.echo(f"warning: {doubt}", err=True)


async def _stop(settings: Settings, campaign: str, why: str) -> PublishedProgram:
    async with build(settings, must_exist=True) as services:
        return await awarding.stop(services.ledger, campaign, now=clock.now(), actor=at_the_keyboard(), why=why)


async def _extend(
    settings: Settings, expiring: tuple[str, str], until: str, from_at: int | None
) -> tuple[Draft, Program]:
    async with build(settings, must_exist=True) as services:
        actor = await who_decides(settings, "program:write")
        program = await awarding.extend(services.ledger, expiring, until, from_at, now=clock.now())
        return await awarding.submit(services.ledger, program, actor=actor), program


async def _submit(settings: Settings, program: Program) -> Draft:
    async with build(settings, must_exist=True) as services:
        actor = await who_decides(settings, "program:write")
        return await awarding.submit(services.ledger, program, actor=actor)


async def _approve(settings: Settings, digest: str, from_at: int | None, rehearsal: str | None) -> PublishedProgram:
    async with build(settings, must_exist=True) as services:
        return await awarding.approve(
            services.ledger,
            digest,
            from_at,
            actor=await who_decides(settings, "program:approve"),
            by_another=settings.approval.required,
            rehearsal=rehearsal,
        )


async def _list(settings: Settings) -> tuple[list[PublishedProgram], list[Draft]]:
    async with build(settings, must_exist=True) as services:
        return await services.ledger.programs(), list(await services.ledger.drafts())


async def _text(settings: Settings, which: str) -> str:
    async with build(settings, must_exist=True) as services:
        for each in await services.ledger.programs():
            if str(each.version) == which:
                return each.text
        return awarding.find_draft(await services.ledger.drafts(), which).text


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
        "digest": digest_of(published.text),
    }


def _draft_json(draft: Draft) -> dict[str, object]:
    return {
        "digest": draft.digest,
        "version": draft.version,
        "submitted_by": draft.submitted_by,
        "submitted_at": format_instant(draft.submitted_at),
        "approved_by": draft.approved_by,
    }
