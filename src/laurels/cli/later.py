"""Commands whose time has not come: they are named, documented, and say so."""

import typer

from laurels.cli.console import complain


def register(app: typer.Typer) -> None:
    """Add the commands."""
    for name, purpose in (("bench", "Measure dashboards, accepts and awards on this machine."),):
        app.command(name, help=f"{purpose} Not in this version yet.", epilog=f"Examples:\n\nlaurels {name}")(
            _later(name)
        )


def _later(name: str) -> "typer.models.CommandFunctionType":  # type: ignore[type-var]
    def command() -> None:
        complain(f"{name}: not in this version yet. `laurels --help` shows what is.")
        raise typer.Exit(1)

    return command  # type: ignore[return-value]
