"""Orders from an Amazon SQS queue, standard or FIFO.

SQS gives at most ten messages at once, so where there are more, several requests run side by side. What is received is
hidden from others for the queue's visibility time; while a batch is in hand that time is lengthened again and again,
since a message that shows again counts as received, and a redrive policy moves it away after so many receipts.
"""

import asyncio
import json
from collections.abc import Sequence
from contextlib import AsyncExitStack, suppress
from typing import Any, cast
from urllib.parse import urlsplit

import structlog
from aiobotocore.config import AioConfig
from aiobotocore.session import get_session
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError, NoRegionError

from laurels.engines.brokers.addresses import is_host
from laurels.engines.brokers.reasons import reason_of
from laurels.errors import QueueUnavailable, SettingsError
from laurels.intake import MessageBatch, ReceivedMessage

EXAMPLE = "https://sqs.eu-west-2.amazonaws.com/123456789012/orders"

RECEIVERS = 8
"""Requests for messages side by side, ten messages each."""

AT_ONCE = 10
"""Messages of one request, as SQS allows."""

LONGEST_WAIT_S = 20
SHORTEST_VISIBILITY_S = 30
"""A batch takes some tenths of a second; what is hidden for less than this shows again while the ledger is slow."""

_REFUSED = frozenset(
    {
        "AccessDenied",
        "AccessDeniedException",
        "InvalidClientTokenId",
        "SignatureDoesNotMatch",
        "UnrecognizedClientException",
    }
)
_MISSING = frozenset({"AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist"})

log = structlog.get_logger(__name__)


class SqsQueue:
    """A queue of SQS, by its address as AWS shows it. Credentials are found as AWS's own tools find them."""

    def __init__(self, url: str, *, checked: bool = True) -> None:
        """Raises `SettingsError` for an address that names no queue."""
        parts = urlsplit(url)
        self.name = parts.path.rpartition("/")[2]
        if parts.hostname is None or not is_host(parts.netloc) or not self.name or parts.query or parts.fragment:
            raise SettingsError(f"The queue's address is none of SQS. Write it as AWS shows it: {EXAMPLE}")
        self._url = url
        self._checked = checked
        self._endpoint = f"{parts.scheme}://{parts.netloc}"
        self._region = region_of(parts.hostname)
        self._stack = AsyncExitStack()
        self._client: Any = None
        self._visibility_s = SHORTEST_VISIBILITY_S
        self._hand: set[str] = set()
        self._keeping: asyncio.Task[None] | None = None
        self._paused = False

    async def look(self) -> None:
        client = await self._connected()
        try:
            answer = await client.get_queue_attributes(QueueUrl=self._url, AttributeNames=["All"])
        except (ClientError, BotoCoreError, OSError) as error:
            raise self._explained(error) from error
        attributes: dict[str, str] = answer.get("Attributes", {})
        self._visibility_s = int(attributes.get("VisibilityTimeout", SHORTEST_VISIBILITY_S))
        if self._visibility_s < SHORTEST_VISIBILITY_S:
            raise SettingsError(
                f"The queue {self.name} shows messages again after {self._visibility_s} s: set its visibility "
                f"timeout to {SHORTEST_VISIBILITY_S} s or more."
            )
        # A limit (maxReceiveCount) is part of the policy that names the dead-letter queue, which may be gone.
        policy = attributes.get("RedrivePolicy")
        if policy and self._checked:
            await self._check_dead_letters(client, json.loads(policy))

    async def receive(self, limit: int, timeout_s: float) -> MessageBatch:
        if self._paused:
            await asyncio.sleep(timeout_s)
            return MessageBatch(())
        client = await self._connected()
        wait_s = min(LONGEST_WAIT_S, max(0, int(timeout_s)))
        try:
            messages = await self._receive(client, wait_s)
            if len(messages) == AT_ONCE:  # there may be more
                further = min(RECEIVERS, limit // AT_ONCE) - 1
                for more in await _all([self._receive(client, 0) for _ in range(further)]):
                    messages += more
        except (ClientError, BotoCoreError, OSError) as error:
            raise self._failed(error) from error
        if not messages:
            return MessageBatch(())
        handles = [message["ReceiptHandle"] for message in messages]
        self._hand.update(handles)
        if self._hand and self._keeping is None:
            self._keeping = asyncio.create_task(self._keep_hidden(client), name="laurels-sqs-hidden")
        return MessageBatch([_message(each) for each in messages], handles)

    async def done(self, batch: MessageBatch) -> None:
        handles = cast("list[str]", batch.place)
        client = await self._connected()
        try:
            answers = await _all(
                [
                    client.delete_message_batch(QueueUrl=self._url, Entries=_entries(handles[start : start + AT_ONCE]))
                    for start in range(0, len(handles), AT_ONCE)
                ]
            )
        except (ClientError, BotoCoreError, OSError) as error:
            raise self._failed(error) from error
        self._hand.difference_update(handles)
        if any(answer.get("Failed") for answer in answers):
            self._hand.clear()
            raise QueueUnavailable("SQS did not delete every message; the others come again.")

    async def pause(self) -> None:
        self._paused = True

    async def resume(self) -> None:
        self._paused = False

    async def close(self) -> None:
        keeping, self._keeping = self._keeping, None
        if keeping is not None:
            keeping.cancel()
            with suppress(asyncio.CancelledError):
                await keeping
        self._client = None
        await self._stack.aclose()

    async def _receive(self, client: Any, wait_s: int) -> list[dict[str, Any]]:
        answer = await client.receive_message(
            QueueUrl=self._url, MaxNumberOfMessages=AT_ONCE, WaitTimeSeconds=wait_s, MessageAttributeNames=["All"]
        )
        return list(answer.get("Messages", []))

    async def _keep_hidden(self, client: Any) -> None:
        """Lengthen the time for which what is in hand is hidden, well before it ends."""
        while True:
            await asyncio.sleep(self._visibility_s / 3)
            handles = sorted(self._hand)
            for start in range(0, len(handles), AT_ONCE):
                entries = [
                    {**entry, "VisibilityTimeout": self._visibility_s}
                    for entry in _entries(handles[start : start + AT_ONCE])
                ]
                try:
                    await client.change_message_visibility_batch(QueueUrl=self._url, Entries=entries)
                except (ClientError, BotoCoreError, OSError) as error:
                    log.warning("sqs.not_kept_hidden", queue=self.name, error=type(error).__name__)

    async def _check_dead_letters(self, client: Any, policy: dict[str, Any]) -> None:
        target = str(policy.get("deadLetterTargetArn", ""))
        *_, account, name = target.split(":") if target.count(":") >= 2 else ("", "", "")  # noqa: PLR2004 - an ARN
        try:
            await client.get_queue_url(QueueName=name, QueueOwnerAWSAccountId=account)
        except ClientError as error:
            if _code(error) in _MISSING or not name:
                raise SettingsError(
                    f"The queue {self.name} gives a message up after {policy.get('maxReceiveCount')} receipts, and its "
                    "dead-letter queue is not there: orders would be lost. Make it, or take the redrive policy away."
                ) from error
            log.warning("sqs.dead_letters_not_looked_at", queue=self.name, error=_code(error))

    async def _connected(self) -> Any:
        if self._client is None:
            config = AioConfig(max_pool_connections=2 * RECEIVERS + 2, retries={"max_attempts": 2})
            try:
                self._client = await self._stack.enter_async_context(
                    get_session().create_client(
                        "sqs", region_name=self._region, endpoint_url=self._endpoint, config=config
                    )
                )
            except NoRegionError as error:
                raise SettingsError("SQS needs a region: set AWS_DEFAULT_REGION.") from error
        return self._client

    def _failed(self, error: Exception) -> QueueUnavailable | SettingsError:
        """What to say of a request that failed. What is in hand is kept hidden no longer where it is to come again."""
        explained = self._explained(error)
        if isinstance(explained, QueueUnavailable):
            self._hand.clear()
        return explained

    def _explained(self, error: Exception) -> QueueUnavailable | SettingsError:
        if isinstance(error, NoCredentialsError) or _code(error) in _REFUSED:
            return SettingsError(f"SQS refuses the credentials of the environment for the queue {self.name}.")
        if _code(error) in _MISSING:
            return SettingsError(f"There is no queue {self.name} at {self._endpoint}.")
        return QueueUnavailable(f"SQS cannot be used now ({_code(error) or reason_of(error)}).")


def region_of(host: str) -> str | None:
    """The region in a host of AWS; None elsewhere: then the environment says it."""
    labels = host.split(".")
    return labels[1] if labels[0] == "sqs" and "amazonaws" in labels else None


async def _all(requests: Sequence[Any]) -> list[Any]:
    """The answers to requests made side by side; the first error, after all have ended."""
    answers = await asyncio.gather(*requests, return_exceptions=True)
    for answer in answers:
        if isinstance(answer, BaseException):
            raise answer
    return list(answers)


def _entries(handles: Sequence[str]) -> list[dict[str, Any]]:
    return [{"Id": str(number), "ReceiptHandle": handle} for number, handle in enumerate(handles)]


def _message(received: dict[str, Any]) -> ReceivedMessage:
    return ReceivedMessage(str(received.get("Body", "")).encode(), tuple(sorted(received.get("MessageAttributes", {}))))


def _code(error: Exception) -> str:
    return str(error.response.get("Error", {}).get("Code", "")) if isinstance(error, ClientError) else ""
