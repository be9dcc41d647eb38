"""Events to a web address, by the rules of Standard Webhooks: each in a request of its own, signed, with its id."""

import asyncio
import base64
import hashlib
import hmac
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

import httpx
import msgspec
from standardwebhooks import Webhook

from laurels.clock import SECOND, Clock
from laurels.engines.sinks.public_addresses import HostNotPublic, Resolve, public_address, resolve
from laurels.engines.sinks.reasons import why_refused, why_unreached
from laurels.errors import SettingsError
from laurels.events import Event, SinkClosed, SinkUnavailable
from laurels.model.times import from_datetime

TIMEOUT_S = 10.0
"""How long a receiver may take for an answer, from the look-up of its name to the end of the answer's headers, however
much of it comes meanwhile; it should say 2xx at once and work afterwards.
"""

_FINISHED_WITHIN_S, _LONGEST_FINISHED = 1.0, 65_536
"""How much of what an answer says beside its status is read, so that its connection can be used again."""

_GONE = 410


class WebhookSink:
    """A receiver of webhooks. Its secret is its own, made from the shop's key and its address, so that no receiver can
    sign for another.
    """

    at_once = 5

    def __init__(
        self,
        url: str,
        key: bytes,
        now: Clock,
        private_hosts: Sequence[str] = (),
        how: Resolve = resolve,
    ) -> None:
        """Raises `SettingsError` for an address that no webhook may go to."""
        try:
            self._parts = urlsplit(url)
            port = self._parts.port
        except ValueError:
            raise SettingsError("The address for events cannot be read. Write it as https://host/path") from None
        self._host = self._parts.hostname or ""
        self._is_private = self._host in private_hosts
        if not self._host or port == 0 or self._parts.username is not None or self._parts.fragment:
            raise SettingsError("The address for events is https://host/path, without a user, a port 0 or a fragment.")
        if not (url.isascii() and url.isprintable() and " " not in url and _is_host(self._host)):
            raise SettingsError(
                "The address for events holds what no address does: write a host's name as xn--…, other letters as %…"
            )
        if self._parts.scheme != "https" and not self._is_private:
            raise SettingsError("Events go to https:// alone, or to a host that events.private_hosts names.")
        self._port = port or (443 if self._parts.scheme == "https" else 80)
        self.target = url.partition("?")[0]
        self.secret = secret_of(key, url)
        self._signer = Webhook(self.secret)
        self._now = now
        self._how = how
        self._encryption = httpx.create_ssl_context(trust_env=False) if self._parts.scheme == "https" else None
        # Neither proxies of the environment nor redirects: where it goes was looked at, and nothing else was.
        verify = self._encryption or True
        self._client = httpx.AsyncClient(verify=verify, timeout=TIMEOUT_S, trust_env=False, follow_redirects=False)

    async def look(self) -> None:
        """Connect, and ask for nothing. Raises `SettingsError` for a host inside a network."""
        try:
            async with asyncio.timeout(TIMEOUT_S):
                _, writer = await asyncio.open_connection(await self._address(), self._port)
                try:
                    if self._encryption is not None:
                        await writer.start_tls(self._encryption, server_hostname=self._host)
                finally:
                    writer.transport.abort()  # a goodbye may never be answered
        except HostNotPublic as error:
            raise SettingsError(error.message) from error
        except (OSError, TimeoutError) as error:
            raise SinkUnavailable(why_unreached(error, self._host, self._port)) from error

    async def send(self, events: Sequence[Event]) -> None:
        for sent, event in enumerate(events):
            try:
                await self._post(event)
            except SinkUnavailable as error:
                raise SinkUnavailable(error.message, sent, error.wait_s) from error
            except SinkClosed as error:
                raise SinkClosed(error.message, sent) from error

    async def close(self) -> None:
        await self._client.aclose()

    async def _post(self, event: Event) -> None:
        body = msgspec.json.encode({"type": f"points.{event.kind}", "timestamp": event.recorded_at, "data": event})
        message_id, at = f"{event.epoch}.{event.id}", datetime.fromtimestamp(self._now() // SECOND, UTC)
        headers = {
            "host": self._parts.netloc,
            "content-type": "application/json",
            "user-agent": "Laurels",
            "webhook-id": message_id,
            "webhook-timestamp": str(int(at.timestamp())),
            "webhook-signature": self._signer.sign(message_id, at, body.decode()),
        }
        query = f"?{self._parts.query}" if self._parts.query else ""
        path = f"{self._parts.path or '/'}{query}".encode()
        try:
            async with asyncio.timeout(TIMEOUT_S):
                url = httpx.URL(scheme=self._parts.scheme, host=await self._address(), port=self._port, raw_path=path)
                request = self._client.build_request(
                    "POST", url, content=body, headers=headers, extensions={"sni_hostname": self._host}
                )
                answer = await self._client.send(request, stream=True)
            await _finish(answer)
        except (httpx.HTTPError, OSError, TimeoutError) as error:
            raise SinkUnavailable(why_unreached(error, self._host, self._port)) from error
        finally:
            self._client.cookies.clear()  # they would be sent back, and come to be more and more
        if answer.status_code == _GONE:
            raise SinkClosed(f"{self._host} wants no events any more (410). Begin it anew with --from.")
        if not answer.is_success:
            wait_s = asked_wait_s(answer.headers.get("retry-after", ""), self._now())
            raise SinkUnavailable(why_refused(answer.status_code, self._host), wait_s=wait_s)

    async def _address(self) -> str:
        if self._is_private:
            return self._host
        return await public_address(self._host, self._port, self._how)


async def _finish(answer: httpx.Response) -> None:
    """Read a short answer to its end, which is of no other use; one that is long, slow or broken is let go of."""
    length = 0
    with suppress(httpx.HTTPError, TimeoutError):
        async with asyncio.timeout(_FINISHED_WITHIN_S):
            async for part in answer.aiter_raw():
                length += len(part)
                if length > _LONGEST_FINISHED:
                    break
    await answer.aclose()


def asked_wait_s(text: str, now: int) -> float:
    """How long an answer's Retry-After asks to be left alone for: seconds, or until a date; 0 where it says nothing."""
    text = text.strip()
    if text.isascii() and text.isdigit():
        return float(text)
    try:
        until = parsedate_to_datetime(text)
        return max(0.0, (from_datetime(until.replace(tzinfo=until.tzinfo or UTC)) - now) / SECOND)
    except (ValueError, TypeError, IndexError, OverflowError):  # Python's reader of dates raises all of these
        return 0.0


def _is_host(host: str) -> bool:
    """Whether a host's name can be looked up at all."""
    try:
        host.encode("idna")
    except UnicodeError:
        return False
    return True


def secret_of(key: bytes, url: str) -> str:
    """The secret that a receiver checks signatures with."""
    return "whsec_" + base64.b64encode(hmac.digest(key, url.encode(), hashlib.sha256)).decode()
