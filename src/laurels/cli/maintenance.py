"""`verify`, `rebuild`, `migrate`: looking after the ledger and the board."""

import typer
from msgspec import Struct

from laurels import wiring
from laurels.cli.console import (
    ConfigOption,
    StateOption,
    examples,
    out,
    progress,
    projected_house,
    run,
    say,
    settings_of,
)
from laurels.leaderboard import compare
from laurels.ledger import Finding
from laurels.settings import Settings
from laurels.wiring import House

MOST_NAMED = 20
"""Findings that are printed; the rest is counted."""


class Verified(Struct, frozen=True):
    """What is not as it should be, in so many entries as of a version."""

    findings: list[Finding]
    checked: int
    version: str


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command(epilog=examples("laurels verify", "laurels verify --state /var/lib/laurels"))(verify)
    app.command(epilog=examples("laurels rebuild"))(rebuild)
    app.command(epilog=examples("laurels migrate"))(migrate)


def verify(state: StateOption = None, config: ConfigOption = None) -> None:
    """Check that every promise holds: chain, positions, balances, documents; and that the board is the ledger's."""
    verified = run(_verify(settings_of(state, config)))
    for finding in verified.findings[:MOST_NAMED]:
        say(f"{finding.where}: {finding.what}")
    if verified.findings:
        out(
            f"{len(verified.findings):,} things are not as they should be, in {verified.checked:,} entries "
            f"as of {verified.version}"
        )
        raise typer.Exit(1)
    out(f"{verified.checked:,} entries verified as of {verified.version}: chain, balances, documents and board agree")


def rebuild(state: StateOption = None, config: ConfigOption = None) -> None:
    """Throw the leaderboard away and build it anew from the ledger."""
    version, name = run(_rebuild(settings_of(state, config)))
    out(f"{name}: rebuilt as of {version}")


def migrate(state: StateOption = None, config: ConfigOption = None) -> None:
    """Bring the ledger's schema up to date. Safe to run again."""
    before, after = wiring.migrate(settings_of(state, config))
    out(f"schema {before} -> {after}" if before != after else f"schema {after}, nothing to do")


async def verify_house(house: House) -> Verified:
    """Check the ledger of a house and its board, which is at the head of the feed; shows progress."""
    findings: list[Finding] = []
    checked = 0
    heads = await house.ledger.heads()
    with progress("verifying", "entries") as report:
        async for step in house.ledger.verify():
            findings.extend(step.findings)
            checked = step.checked
            report(step.checked, step.total)
    with progress("comparing", "entries") as report:
        findings.extend(await compare(house.ledger, house.leaderboard, house.boards, report))
    return Verified(findings, checked, str(heads.version))


async def _verify(settings: Settings) -> Verified:
    async with projected_house(settings) as house:
        return await verify_house(house)


async def _rebuild(settings: Settings) -> tuple[str, str]:
    async with wiring.build(settings) as house:
        with progress("rebuilding", "entries") as report:
            heads = await house.projector.rebuild(report)
        return str(heads.version), house.leaderboard.name
