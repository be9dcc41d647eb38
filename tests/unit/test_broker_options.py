"""Options in the addresses of brokers: a value that the client would take for another one is refused."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from laurels.engines.brokers.kafka import KafkaQueue
from laurels.engines.brokers.kafka_events import KafkaSink
from laurels.engines.brokers.rabbitmq import RabbitQueue
from laurels.engines.brokers.rabbitmq_events import RabbitSink
from laurels.errors import SettingsError

SECRET = "hunter2"
RABBITMQ = f"amqp://u:{SECRET}@127.0.0.1/v?queue=q&"
KAFKA = f"kafka://u:{SECRET}@127.0.0.1/topic?"
BY_TLS = {RABBITMQ: RABBITMQ.replace("amqp:", "amqps:"), KAFKA: KAFKA.replace("kafka:", "kafka+ssl:")}

CLIENTS: list[tuple[str, Callable[[str], object]]] = [
    (RABBITMQ, RabbitQueue),
    (RABBITMQ, RabbitSink),
    (KAFKA, KafkaQueue),
    (KAFKA, KafkaSink),
]
NEVER = ["queue=q&queue=r", "cafile=", "auth=basic", "no_verify_ssl=yes", "mechanism=MD5", "mechanism=plain", "group="]
TAKEN = ["heartbeat=5", "auth=plain", "no_verify_ssl=1", "mechanism=SCRAM-SHA-256", "mechanism=PLAIN", "group=g"]


def refusal(client: Callable[[str], object], url: str) -> str:
    """What is said of an address; nothing of its password."""
    with pytest.raises(SettingsError) as refused:
        client(url)
    assert SECRET not in refused.value.message
    assert "\n" not in refused.value.message
    return refused.value.message


@pytest.mark.parametrize(("address", "client"), CLIENTS)
@pytest.mark.parametrize("option", NEVER)
def test_a_value_that_is_none_is_refused(address: str, client: Callable[[str], object], option: str) -> None:
    refusal(client, address + option)


@pytest.mark.parametrize(("address", "client"), CLIENTS)
@pytest.mark.parametrize("name", ["cafile", "certfile", "keyfile"])
def test_a_certificate_is_of_an_encrypted_address(address: str, client: Callable[[str], object], name: str) -> None:
    """Elsewhere nobody would look at it, and who named it believes that all is encrypted."""
    assert "not encrypted" in refusal(client, f"{address}{name}=/etc/shop.pem")
    client(f"{BY_TLS[address]}{name}=/etc/shop.pem")


@pytest.mark.parametrize("option", TAKEN)
def test_a_value_that_is_one_is_taken(option: str) -> None:
    by_kafka = option.startswith(("mechanism", "group"))
    (KafkaQueue if by_kafka else RabbitQueue)((KAFKA if by_kafka else RABBITMQ) + option)


@given(st.one_of(st.integers().map(str), st.floats().map(str), st.from_regex(r"[0-9a-z.]+", fullmatch=True)))
def test_a_heartbeat_is_never_taken_for_none(value: str) -> None:
    """The client reads what it cannot as 0, and then never finds out that a link is silent."""
    if value.isdecimal() and 0 < int(value) < 65_535:
        RabbitQueue(f"{RABBITMQ}heartbeat={value}")
    else:
        assert "heartbeat" in refusal(RabbitQueue, f"{RABBITMQ}heartbeat={value}")
