"""Settings of the queue that orders come from."""

from typing import Annotated

from laurels.settings.group import Count, SettingsGroup, about


class ConsumeSettings(SettingsGroup, frozen=True):
    """Which queue is read, and when Laurels stops reading for a while."""

    url: Annotated[
        str | None,
        about(
            "the queue that `laurels consume` and `laurels serve` read orders from: amqp://host/vhost?queue=orders, "
            "kafka://host:9092/orders?group=laurels, or the https:// address of an SQS queue"
        ),
    ] = None
    checked: Annotated[
        bool,
        about(
            "whether a queue is refused that drops what was delivered too often and names no dead letters; false "
            "where a policy of the broker names them"
        ),
    ] = True
    inbox_limit: Annotated[
        Count, about("documents waiting to be awarded, above which nothing more is taken from the queue")
    ] = 100_000
