"""The targets of events that the settings name."""

import secrets

from laurels.clock import Clock
from laurels.errors import SettingsError
from laurels.events import Sink
from laurels.keyfile import read_secret, refusal, write_once
from laurels.settings import Settings
from laurels.wiring.brokers import KAFKA, RABBITMQ, scheme_of, with_extra

WEB = frozenset({"https", "http"})
_KEY_BYTES = 32
_TITLE = "the events"


def open_sink(settings: Settings, url: str, now: Clock) -> Sink:
    """The target at an address; connects when it is first used. Raises `SettingsError`."""
    scheme = scheme_of(url)
    if scheme in RABBITMQ:
        with_extra("rabbitmq", "aiormq")
        from laurels.engines.brokers.rabbitmq_events import RabbitSink  # noqa: PLC0415 - an extra

        return RabbitSink(url)
    if scheme in KAFKA:
        with_extra("kafka", "aiokafka")
        from laurels.engines.brokers.kafka_events import KafkaSink  # noqa: PLC0415 - an extra

        return KafkaSink(url)
    if scheme in WEB:
        with_extra("webhooks", "standardwebhooks")
        from laurels.engines.sinks.webhooks import WebhookSink  # noqa: PLC0415 - an extra

        return WebhookSink(url, events_key(settings), now, settings.events.private_hosts)
    raise SettingsError(
        "The address for events is of no kind that Laurels knows. Write amqp://host/vhost?exchange=points, "
        "kafka://host:9092/points, or https://host/path."
    )


def webhook_secret(settings: Settings, url: str) -> str:
    """The secret that the receiver at an address checks signatures with. Raises `SettingsError`."""
    with_extra("webhooks", "standardwebhooks")
    from laurels.engines.sinks.webhooks import secret_of  # noqa: PLC0415 - an extra

    return secret_of(events_key(settings), url)


def events_key(settings: Settings) -> bytes:
    """The key that webhooks' secrets are made from; the first use makes one under `state`. Raises `SettingsError`."""
    path = settings.events_key_path
    if settings.events.key_file is None and not path.exists():
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_once(path, secrets.token_hex(_KEY_BYTES) + "\n")
        except OSError as error:
            raise refusal(path, _TITLE, f"cannot be made: {error.strerror}") from error
    try:
        key = bytes.fromhex(read_secret(path, _TITLE).decode("ascii").strip())
    except ValueError:
        raise refusal(path, _TITLE, "is not hexadecimal") from None
    if len(key) < _KEY_BYTES:
        raise refusal(path, _TITLE, f"has {len(key)} bytes, and a key needs {_KEY_BYTES} or more")
    return key
