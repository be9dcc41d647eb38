"""The queue that an address names."""

from importlib.util import find_spec
from urllib.parse import urlsplit

from laurels.engines.brokers.addresses import is_host
from laurels.errors import SettingsError
from laurels.intake import Queue

RABBITMQ = frozenset({"amqp", "amqps"})
KAFKA = frozenset({"kafka", "kafka+ssl"})
SQS = frozenset({"https", "http"})


def open_queue(url: str, *, checked: bool = True) -> Queue:
    """The queue at an address; connects when it is first used. `checked`: it is refused where it would drop orders.
    Raises `SettingsError`.
    """
    scheme = scheme_of(url)
    if scheme in RABBITMQ:
        with_extra("rabbitmq", "aiormq")
        from laurels.engines.brokers.rabbitmq import RabbitQueue  # noqa: PLC0415 - an extra that may not be there

        return RabbitQueue(url, checked=checked)
    if scheme in KAFKA:
        with_extra("kafka", "aiokafka")
        from laurels.engines.brokers.kafka import KafkaQueue  # noqa: PLC0415 - an extra that may not be there

        return KafkaQueue(url)
    if scheme in SQS:
        with_extra("sqs", "aiobotocore")
        from laurels.engines.brokers.sqs import SqsQueue  # noqa: PLC0415 - an extra that may not be there

        return SqsQueue(url, checked=checked)
    raise SettingsError(
        "The queue's address is of no broker that Laurels knows. Write amqp://host/vhost?queue=orders, "
        "kafka://host:9092/orders?group=laurels, or the https:// address of an SQS queue."
    )


def check_address(setting: str, url: str, web: tuple[str, str]) -> None:
    """See that the address in a setting is one that a client could go to, and that the client is installed; none is
    loaded, which takes half a second. `web`: the extra for web addresses, and its module. Raises `SettingsError`, which
    does not repeat the address.
    """
    scheme = scheme_of(url)
    if scheme in RABBITMQ:
        with_extra("rabbitmq", "aiormq")
    elif scheme in KAFKA:
        with_extra("kafka", "aiokafka")
    elif scheme in SQS:
        with_extra(*web)
    else:
        raise SettingsError(
            f"{setting} is of no kind that Laurels knows: it begins with amqp://, kafka:// or https://."
        )
    hosts = urlsplit(url).netloc.rpartition("@")[2]
    if not all(is_host(each) for each in hosts.split(",")):
        raise SettingsError(f"{setting} names no host, or a port that is none.")


def scheme_of(url: str) -> str:
    """The scheme of an address, in small letters; empty for what is none."""
    try:
        return urlsplit(url).scheme.lower()
    except ValueError:
        return ""


def with_extra(extra: str, module: str) -> None:
    """See that an extra is installed. Raises `SettingsError`."""
    if find_spec(module) is None:
        raise SettingsError(f"The client for this broker is not installed: pip install laurels[{extra}]")
