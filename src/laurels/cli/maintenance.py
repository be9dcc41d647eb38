"""`verify`, `rebuild`, `migrate`: looking after the ledger and the board."""

import typer

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

MOST_NAMED = 20
"""Findings that are printed; the rest is counted."""


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command(epilog=examples("laurels verify", "laurels verify --state /var/lib/laurels"))(verify)
    app.command(epilog=examples("laurels rebuild"))(rebuild)
    app.command(epilog=examples("laurels migrate"))(migrate)


def verify(state: StateOption = None, config: ConfigOption = None) -> None:
    """Check that every promise holds: chain, positions, balances, documents; and that the board is the ledger's."""
    findings, checked, version = run(_verify(settings_of(state, config)))
    for finding in findings[:MOST_NAMED]:
        say(f"{finding.where}: {finding.what}")
    if findings:
        out(f"{len(findings):,} things are not as they should be, in {checked:,} entries as of {version}")
        raise typer.Exit(1)
    out(f"{checked:,} entries verified as of {version}: chain, balances, documents and board agree")


def rebuild(state: StateOption = None, config: ConfigOption = None) -> None:
    """Throw the leaderboard away and build it anew from the ledger."""
    version, name = run(_rebuild(settings_of(state, config)))
    out(f"{name}: rebuilt as of {version}")


def migrate(state: StateOption = None, config: ConfigOption = None) -> None:
    """Bring the ledger's schema up to date. Safe to run again."""
    before, after = wiring.migrate(settings_of(state, config))
    out(f"schema {before} -> {after}" if before != after else f"schema {after}, nothing to do")


async def _verify(settings: Settings) -> tuple[list[Finding], int, str]:
    findings: list[Finding] = []
    checked = 0
    async with projected_house(settings) as house:
        heads = await house.ledger.heads()
        with progress("verifying", "entries") as report:
            async for step in house.ledger.verify():
                findings.extend(step.findings)
                checked = step.checked
                report(step.checked, step.total)
        with progress("comparing", "entries") as report:
            findings.extend(await compare(house.ledger, house.leaderboard, house.boards, report))
    return findings, checked, str(heads.version)


async def _rebuild(settings: Settings) -> tuple[str, str]:
    async with wiring.build(settings) as house:
        with progress("rebuilding", "entries") as report:
            heads = await house.projector.rebuild(report)
        return str(heads.version), house.leaderboard.name
