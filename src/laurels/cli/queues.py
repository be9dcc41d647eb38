"""`consume` and `events`: orders from the shop's own broker, and point entries out."""

from typing import Annotated

import typer

from laurels.cli.console import ConfigOption, StateOption, examples, out, run, settings_of
from laurels.errors import InvalidInput, SettingsError
from laurels.runtime.alone import run_consume, run_events
from laurels.runtime.queues import take_dead_letters
from laurels.wiring import webhook_secret


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
    app.command(
        epilog=examples(
            "laurels events 'amqp://laurels:secret@broker/shop?exchange=points'",
            "laurels events kafka://broker:9092/points --from start",
            "laurels events https://crm.shop.example/points",
            "laurels events https://crm.shop.example/points --secret",
        )
    )(events)


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
    if dead_letters and unchecked:
        raise SettingsError("--unchecked has no effect on a queue of dead letters.")
    checked = False if unchecked or dead_letters else None
    settings = settings_of(state, config, consume_url=url, consume_checked=checked)
    if not dead_letters:
        run(run_consume(settings))
        return
    taken = run(take_dead_letters(settings))
    out(f"{taken.accepted:,} accepted, {taken.repeated:,} were here before, {taken.refused:,} in quarantine")
    if taken.refused:
        raise typer.Exit(1)


def events(
    urls: Annotated[
        list[str] | None, typer.Argument(help="Where to. LAURELS_EVENTS_URLS keeps passwords off the command line.")
    ] = None,
    begin: Annotated[
        str | None,
        typer.Option("--from", help="Go on at this entry (0-4711), `start` or `now`, not where the last one ended."),
    ] = None,
    secret: Annotated[
        bool, typer.Option("--secret", help="Print the secret that a webhook's receiver needs, and leave.")
    ] = False,
    state: StateOption = None,
    config: ConfigOption = None,
) -> None:
    """Publish point entries to RabbitMQ, Kafka or a webhook: once or more, in order for each member.

    How far each target got is kept in the ledger; a new one begins at the beginning. Webhooks are signed by the rules
    of Standard Webhooks, and tried again until they are taken.
    """
    settings = settings_of(state, config, events_urls=urls or None)
    if secret:
        if begin is not None:
            raise SettingsError("--from has no effect beside --secret.")
        if len(settings.events.urls) != 1:
            raise InvalidInput.of("URL", "name the one webhook whose secret is wanted")
        out(webhook_secret(settings, settings.events.urls[0]))
        return
    run(run_events(settings, begin))
