"""The commands, by name. Their bodies are in the files beside this one."""

from typing import Annotated

import typer

from laurels import __version__
from laurels.cli import (
    backups,
    bench,
    boards,
    correcting,
    demo,
    exporting,
    importing,
    jobs,
    keys,
    maintenance,
    members,
    messages,
    operators,
    program,
    quarantine,
    queues,
    reporting,
    serving,
    simulate,
    tokens,
)
from laurels.cli.console import examples, out
from laurels.cli.strict import make_strict

app = typer.Typer(
    name="laurels",
    help="Loyalty points and live rankings for a shop.",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)


def _print_version(wanted: bool) -> None:
    if wanted:
        out(__version__)
        raise typer.Exit


@app.callback(
    epilog=examples(
        "laurels demo",
        "laurels import orders.csv",
        "laurels dashboard 17850",
        "laurels serve --port 8000",
    )
)
def _laurels(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and leave.")
    ] = False,
) -> None:
    """Loyalty points and live rankings for a shop."""


for module in (
    serving,
    operators,
    queues,
    importing,
    boards,
    exporting,
    correcting,
    maintenance,
    backups,
    tokens,
    demo,
    simulate,
    bench,
):
    module.register(app)
app.add_typer(program.app, name="program")
app.add_typer(reporting.app, name="report")
app.add_typer(members.app, name="members")
app.add_typer(keys.app, name="keys")
app.add_typer(messages.app, name="messages")
app.add_typer(quarantine.app, name="quarantine")
app.add_typer(jobs.app, name="jobs")
make_strict(app)
