"""`verify`, `rebuild`, `migrate`, `sweep`, `liability`: looking after the ledger and the board."""

from collections.abc import Sequence
from typing import Annotated

import msgspec
import typer

from laurels import awarding, clock, wiring
from laurels.cli.console import (
    ConfigOption,
    JsonOption,
    StateOption,
    counted,
    examples,
    out,
    out_json,
    progress,
    run,
    say,
    settings_of,
)
from laurels.errors import SettingsError
from laurels.model.times import format_instant, parse_instant
from laurels.runtime.heads import heads_of
from laurels.runtime.upkeep import Verified, projected_services, verify_services
from laurels.settings import Settings
from laurels.wiring.moving import move

MOST_NAMED = 20
"""Findings that are printed; the rest is counted."""


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command(epilog=examples("laurels verify", "laurels verify --state /var/lib/laurels"))(verify)
    app.command(epilog=examples("laurels rebuild"))(rebuild)
    app.command(epilog=examples("laurels migrate", "laurels migrate --to postgresql://laurels@db/loyalty"))(migrate)
    app.command(epilog=examples("laurels sweep"))(sweep)
    app.command(epilog=examples("laurels liability", "laurels liability --at 2027-01-01T00:00:00Z --json"))(liability)


def verify(
    against: Annotated[
        list[str] | None,
        typer.Option(
            metavar="HEAD|FILE",
            help="A head that the ledger had, as this command prints it, or a file of anchors: it must still be there.",
        ),
    ] = None,
    key: Annotated[
        str | None,
        typer.Option(help="The key that checks anchors, as `laurels keys show` prints it; else that under the state."),
    ] = None,
    replay: Annotated[
        bool,
        typer.Option(
            "--replay",
            help="Judge all documents once more, too, and compare what is kept of members: stop Laurels first.",
        ),
    ] = False,
    state: StateOption = None,
    config: ConfigOption = None,
) -> None:
    """Check that every promise holds: chain, positions, balances, documents; and that the board is the ledger's.

    Who can write the file can change it and every hash after it: held --against a head from before, that shows too.
    """
    if key is not None and not against:
        raise SettingsError("--key has no effect without --against.")
    verified, heads, looked = run(_verify(settings_of(state, config), against or (), key, replay=replay))
    for finding in verified.findings[:MOST_NAMED]:
        say(f"{finding.where}: {finding.what}")
    if verified.findings:
        out(
            f"{len(verified.findings):,} things are not as they should be, in {verified.checked:,} entries "
            f"as of {verified.version}"
        )
        raise typer.Exit(1)
    entries = counted(verified.checked, "entry", "entries")
    out(f"{entries} verified as of {verified.version}: chain, balances, documents and board agree")
    if against:
        out(f"{looked:,} heads that it had are in it")
    for head in heads:
        out(f"head {head}")


def rebuild(state: StateOption = None, config: ConfigOption = None) -> None:
    """Throw the leaderboard away and build it anew from the ledger."""
    version, name = run(_rebuild(settings_of(state, config)))
    out(f"{name}: rebuilt as of {version}")


def migrate(
    to: Annotated[
        str | None,
        typer.Option(metavar="URL", help="Copy the ledger in a file to this PostgreSQL database; stop Laurels first."),
    ] = None,
    state: StateOption = None,
    config: ConfigOption = None,
) -> None:
    """Bring the ledger's schema up to date; or move it to a server. Safe to run again: what broke off goes on."""
    if to is not None:
        entries = run(_move(settings_of(state, config), to))
        moved = counted(entries, "entry", "entries")
        out(f"{moved} moved and verified. Set ledger.url to that database, and run `laurels rebuild`.")
        return
    before, after = wiring.migrate(settings_of(state, config))
    out(f"schema {before} -> {after}" if before != after else f"schema {after}, nothing to do")


def sweep(state: StateOption = None, config: ConfigOption = None) -> None:
    """Write down what the clock has done to members: points that lapsed, holds that ended. Answers do not wait."""
    members = run(_sweep(settings_of(state, config)))
    out(f"{counted(members, 'member')} looked at")


def liability(
    at: Annotated[
        str | None,
        typer.Option("--at", help="An instant. Later: what will have lapsed is gone; earlier: as it was then."),
    ] = None,
    json: JsonOption = False,
    state: StateOption = None,
    config: ConfigOption = None,
) -> None:
    """Say what the shop owes in points: pending, active, held, and what members owe; and what they are worth."""
    found = run(_liability(settings_of(state, config), None if at is None else parse_instant(at, "--at")))
    shown = msgspec.to_builtins(found) | {"at": format_instant(found.at)}
    if json:
        out_json(shown)
        return
    out(f"as of {shown.pop('at')}")
    for name, value in shown.items():
        out(f"  {name}: {value:,}" if isinstance(value, int) else f"  {name}: {value or 'not said by the program'}")


async def _liability(settings: Settings, at: int | None) -> awarding.Liability:
    async with wiring.build(settings, must_exist=True) as services:
        now = services.now()
        return await awarding.liability(services.ledger, services.programs, now if at is None else at, now)


async def _sweep(settings: Settings) -> int:
    async with wiring.build(settings, must_exist=True) as services:
        await awarding.tell_silent(services.ledger, services.programs, services.now())
        members = 0
        while looked_at := await services.awarder.sweep():
            members += looked_at
        return members


async def _verify(
    settings: Settings, against: Sequence[str], key: str | None, *, replay: bool
) -> tuple[Verified, list[str], int]:
    from laurels.runtime.anchoring import differing, public_key  # noqa: PLC0415 - cryptography takes a while

    async with projected_services(settings, progress) as services:
        verified = await verify_services(services, progress, replay=replay)
        findings, looked = await differing(services.ledger, against, lambda: key or public_key(settings.state))
        verified.findings.extend(findings)
        return verified, list(heads_of(await services.ledger.heads())), looked


async def _move(settings: Settings, url: str) -> int:
    with progress("moving", "entries") as report:
        return await move(settings, url, clock.now, report)


async def _rebuild(settings: Settings) -> tuple[str, str]:
    async with wiring.build(settings, must_exist=True, to_rebuild=True) as services:
        with progress("rebuilding", "entries") as report:
            heads = await services.projector.rebuild(report)
        return str(heads.version), services.leaderboard.name
