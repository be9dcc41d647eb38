"""`consume`: orders from a queue of the shop's own broker."""

from typing import Annotated

import typer

from laurels.cli.console import ConfigOption, StateOption, examples, out, run, settings_of
from laurels.runtime.queues import run_consume, take_dead_letters


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command(
        epilog=examples(
            "laurels consume 'amqp://laurels:secret@broker/shop?queue=orders'",
            "laurels consume 'kafka://broker:9092/orders?group=laurels'",
            "laurels consume https://sqs.eu-west-2.amazonaws.com/123456789012/orders",
            "laurels consume --dead-letters 'amqp://laurels:secret@broker/shop?queue=orders-dead'",
        )
    )(consume)


def consume(
    url: Annotated[
        str | None, typer.Argument(help="The queue. LAURELS_CONSUME_URL keeps a password off the command line.")
    ] = None,
    dead_letters: Annotated[
        bool, typer.Option("--dead-letters", help="Take what lies in this queue of dead letters, then leave.")
    ] = False,
    unchecked: Annotated[
        bool,
        typer.Option("--unchecked", help="Take a queue that would drop messages: a policy names its dead letters."),
    ] = False,
    state: StateOption = None,
    config: ConfigOption = None,
) -> None:
    """Take orders and refunds from RabbitMQ, Kafka or SQS, in as many processes as you like.

    A message is confirmed to the broker once it is durable here. While the ledger is away nothing is taken, and nothing
    is handed back. What cannot be taken goes to quarantine as it came.
    """
    checked = False if unchecked or dead_letters else None
    settings = settings_of(state, config, consume_url=url, consume_checked=checked)
    if not dead_letters:
        run(run_consume(settings))
        return
    taken = run(take_dead_letters(settings))
    out(f"{taken.accepted:,} accepted, {taken.repeated:,} were here before, {taken.refused:,} in quarantine")
    if taken.refused:
        raise typer.Exit(1)
