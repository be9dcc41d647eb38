"""Ports in the addresses that settings name: one that nothing listens at is refused, and never taken for the usual."""

from collections.abc import Callable

import pytest

from laurels import clock
from laurels.console.oidc import is_safe
from laurels.engines.channels import SmtpChannel
from laurels.engines.postgres.addresses import hosts_of
from laurels.engines.sinks.webhooks import WebhookSink
from laurels.engines.valkey.address import read_address
from laurels.errors import SettingsError
from laurels.http.admission.jwks import checked_url
from laurels.wiring.brokers import open_queue
from laurels.workbench.simulate.over_http import shop_address

SECRET = "hunter2"


def _safe(address: str) -> None:
    if not is_safe(address):
        raise SettingsError


ADDRESSES: dict[str, Callable[[str], object]] = {
    f"amqp://u:{SECRET}@127.0.0.1:%s/v?queue=q": open_queue,
    f"amqp://u:{SECRET}@127.0.0.1:1,127.0.0.1:%s/v?queue=q": open_queue,
    f"kafka://u:{SECRET}@127.0.0.1:%s/topic": open_queue,
    f"kafka://u:{SECRET}@127.0.0.1:%s,127.0.0.1:1/topic": open_queue,
    "https://sqs.eu-west-2.amazonaws.com:%s/1/orders": open_queue,
    f"smtp://u:{SECRET}@127.0.0.1:%s": SmtpChannel,
    f"valkey://u:{SECRET}@127.0.0.1:%s": read_address,
    f"valkey+sentinel://u:{SECRET}@127.0.0.1:1,[::1]:%s/name": read_address,
    "https://receiver.example:%s/hook": lambda url: WebhookSink(url, bytes(32), clock.now),
    "https://id.example:%s/jwks.json": checked_url,
    "https://id.example:%s": _safe,
    "http://127.0.0.1:%s": shop_address,
}


@pytest.mark.parametrize("port", ["0", "65536", "99999", "x", "-1", "1x"])
@pytest.mark.parametrize("address", ADDRESSES)
def test_a_port_that_is_none_is_refused(address: str, port: str) -> None:
    with pytest.raises(SettingsError) as refused:
        ADDRESSES[address](address % port)
    assert SECRET not in refused.value.message


@pytest.mark.anyio
@pytest.mark.parametrize("address", ADDRESSES)
async def test_a_port_that_is_one_is_taken(address: str) -> None:
    ADDRESSES[address](address % "65535")


@pytest.mark.parametrize("port", ["0", "65536", "x"])
def test_the_ledgers_port_too(port: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        hosts_of(f"postgresql://u:{SECRET}@127.0.0.1:{port}/laurels")
