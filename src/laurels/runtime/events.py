"""Publishing events: what the role `publish` works with, and `laurels events`."""

import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress

from laurels.errors import InvalidInput, LedgerUnavailable, SettingsError
from laurels.events import LAST_POSITION, Publisher
from laurels.model import Mark
from laurels.wiring import Services, open_sink

BEGINNING, NOW = "start", "now"

_ENTRY_ID = re.compile(r"([0-9]{1,3})-([0-9]{1,15})")


@asynccontextmanager
async def opened_publishers(services: Services) -> AsyncIterator[list[Publisher]]:
    """One for each target that the settings name. Raises `SettingsError`."""
    urls = services.settings.events.urls
    if not urls:
        raise SettingsError("There is nowhere to publish events to: laurels events URL, or set events.urls.")
    async with AsyncExitStack() as stack:
        publishers: list[Publisher] = []
        for url in urls:
            sink = open_sink(services.settings, url, services.now)
            stack.push_async_callback(sink.close)
            if any(sink.target == each.target for each in publishers):
                raise SettingsError(
                    f"Two addresses for events are one target, {sink.target}: how far it got is kept once for both, so "
                    "that only one of them would be sent to. Give them paths, topics or keys of their own."
                )
            publisher = Publisher(services.ledger, sink)
            stack.push_async_callback(_let_go, publisher)
            publishers.append(publisher)
        yield publishers


async def begin_at(services: Services, begin: str) -> None:
    """Have every target go on at an entry's id, `start` or `now`, in place of where it got to. Raises `InvalidInput`
    for anything else, `SettingsError`.
    """
    marks = await _marks(services, begin)
    async with opened_publishers(services) as publishers:
        for publisher in publishers:
            await publisher.begin_at(marks)


async def _marks(services: Services, begin: str) -> dict[int, Mark]:
    heads = await services.ledger.heads()
    if begin == NOW:
        return heads.marks
    if begin == BEGINNING:
        return dict.fromkeys(heads.marks, Mark())
    named = _ENTRY_ID.fullmatch(begin)
    shard, position = (int(named[1]), int(named[2])) if named else (-1, 0)
    if shard not in heads.marks or not 1 <= position <= LAST_POSITION:
        raise InvalidInput.of("--from", f"must be an entry's id such as 0-4711, `{BEGINNING}` or `{NOW}`")
    return {shard: await services.ledger.mark_at(shard, position - 1)}


async def _let_go(publisher: Publisher) -> None:
    with suppress(LedgerUnavailable):
        await publisher.close()
