"""Settings of the events that are published."""

from pathlib import Path
from typing import Annotated

from laurels.settings.group import SettingsGroup, about


class EventsSettings(SettingsGroup, frozen=True):
    """Where point entries are published."""

    urls: Annotated[
        tuple[str, ...],
        about(
            "where `laurels serve` publishes point entries, each at its own pace: amqp://host/vhost?exchange=points, "
            "kafka://host:9092/points, https://host/path (a webhook)"
        ),
    ] = ()
    key_file: Annotated[
        Path | None,
        about("the secret that the secrets of webhooks are made from; none: made by Laurels under `state`, 0600"),
    ] = None
    private_hosts: Annotated[
        tuple[str, ...], about("hosts that webhooks may go to although they are inside a network, or without https")
    ] = ()
