"""Events out through all that befalls them: the publisher killed anywhere, receivers slow, broken, dead or gone. Each
entry goes out at least once, in order for each member, signed.
"""

import asyncio
import os
import signal
import subprocess
import sys
import threading
from collections.abc import AsyncIterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

import pytest
from tests.ending import end
from tests.webhook_receiver import Receiver, receiving

from laurels import clock
from laurels.engines.sinks.webhooks import WebhookSink
from laurels.engines.sqlite import SqliteLedger
from laurels.errors import InvalidInput, LedgerUnavailable, SettingsError
from laurels.events import Event, Publisher, SinkClosed, SinkUnavailable, events_of
from laurels.events import publisher as publisher_module
from laurels.model import Entry, Mark, Order
from laurels.runtime.alone import run_events
from laurels.runtime.events import opened_publishers
from laurels.runtime.supervisor import supervise
from laurels.settings import load
from laurels.wiring import Services, build, webhook_secret
from laurels.workers import Watch, publish
from laurels.workers.publish import publish_forever

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

pytestmark = pytest.mark.anyio


class Memory:
    """A target that keeps what it is sent, and takes no more than it is told to."""

    target = "memory"
    at_once = 100

    def __init__(self) -> None:
        self.taken: list[Event] = []
        self.room = 10**9
        self.closed = False
        self.refusal: SettingsError | None = None

    async def look(self) -> None:
        if self.refusal is not None:
            raise self.refusal

    async def send(self, events: "Sequence[Event]") -> None:
        fitting = events[: self.room]
        self.taken += fitting
        self.room -= len(fitting)
        if self.closed:
            raise SinkClosed(None, len(fitting))
        if len(fitting) < len(events):
            raise SinkUnavailable(None, len(fitting))

    async def close(self) -> None:
        """Nothing is open."""


@pytest.fixture
async def services(tmp_path: Path) -> AsyncIterator[Services]:
    async with build(load({"state": tmp_path / "state", "ledger.shards": 4})) as services:
        yield services


async def test_every_entry_goes_out_once_where_nothing_befalls(services: Services) -> None:
    await sell(services, 500)
    sink = Memory()
    publisher = Publisher(services.ledger, sink)
    while await publisher.step():
        pass
    assert in_order(sink.taken) == await all_events(services)
    assert sum(event.kind == "milestone" for event in sink.taken) == 30
    assert await publisher.step() is False


async def test_a_target_that_takes_a_part_goes_on_behind_it(services: Services, rng: Random) -> None:
    await sell(services, 300)
    sink = Memory()
    publisher = Publisher(services.ledger, sink)
    for _ in range(400):
        sink.room = rng.randrange(4)
        try:
            if not await publisher.step():
                break
        except SinkUnavailable:
            continue
    assert in_order(sink.taken) == await all_events(services)


async def test_a_target_that_takes_one_event_a_time_gets_on(services: Services) -> None:
    """Also where one entry makes several: what it has of them is not sent again and again."""
    await sell(services, 200)
    sink = Memory()
    publisher = Publisher(services.ledger, sink)
    for _ in range(1000):
        sink.room = 1
        try:
            if not await publisher.step():
                break
        except SinkUnavailable:
            continue
    assert in_order(sink.taken) == await all_events(services)


async def test_one_process_at_a_time_sends_to_a_target(services: Services) -> None:
    await sell(services, 10)
    first, second = Publisher(services.ledger, Memory()), Publisher(services.ledger, Memory())
    assert await first.step()
    assert await second.step() is None
    await first.close()
    assert await second.step() is False


async def test_who_is_not_to_send_any_more_stops(services: Services) -> None:
    """Another process took over, as it does when one hangs for a minute: from then on that one alone sends."""
    await sell(services, 100)
    old, new = Memory(), Memory()
    hanging, successor = Publisher(services.ledger, old), Publisher(services.ledger, new)
    send = old.send

    async def hang(events: "Sequence[Event]") -> None:
        await send(events)
        await hanging.close()
        assert await successor.step()

    old.send = hang  # type: ignore[method-assign]
    assert await hanging.step() is None
    assert len({event.id.partition("-")[0] for event in old.taken}) == 1
    while await successor.step():
        pass
    assert in_order(new.taken) == await all_events(services)


async def test_a_lease_is_renewed_from_shard_to_shard(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    """However long a target takes over all of them; and who comes back finds where the others got meanwhile."""
    await sell(services, 100)
    monkeypatch.setattr(publisher_module, "RENEWED_AFTER_S", -1.0)
    slow, other = Memory(), Memory()
    first, second = Publisher(services.ledger, slow), Publisher(services.ledger, other)
    follow, leases = services.ledger.follow, []

    async def take_turns(target: str, owner: str, *, lease_s: float) -> dict[int, Mark] | None:
        leases.append(owner)
        if len(leases) == 3:  # the lease ran out before the second shard, and the other one sent all
            await first.close()
            while await second.step():
                pass
            await second.close()
        return await follow(target, owner, lease_s=lease_s)

    monkeypatch.setattr(services.ledger, "follow", take_turns)
    await first.step()
    assert {event.id.partition("-")[0] for event in slow.taken} == {"0"}
    both = in_order(slow.taken + other.taken)
    assert both == await all_events(services)
    assert len(leases) > 6


@pytest.mark.parametrize(
    "begin", ["", "-", "0-", "-1", "0-0", "9-1", "0-x", "0--1", f"0-{2**40}", "0-" + "9" * 5000, "x"]
)
async def test_what_is_no_place_to_begin_at_is_refused(tmp_path: Path, begin: str) -> None:
    given = {"state": tmp_path / "state", "events.urls": ["kafka://127.0.0.1:9/points"]}
    async with build(load(given)):
        pass
    with pytest.raises(InvalidInput, match="entry's id"):
        await run_events(load(given), begin)


@pytest.mark.parametrize(
    "urls",
    [
        ["http://127.0.0.1:9/hook?shop=1", "http://127.0.0.1:9/hook?shop=2"],
        ["amqp://a:b@127.0.0.1/?exchange=points", "amqp://127.0.0.1/?exchange=points"],
        ["kafka://127.0.0.1:9092/points"] * 2,
    ],
)
async def test_two_addresses_of_one_target_are_refused(tmp_path: Path, urls: list[str]) -> None:
    """How far it got is kept for both as one, so that each event would go to one of them."""
    given = {"state": tmp_path / "state", "events.urls": urls, "events.private_hosts": ["127.0.0.1"]}
    async with build(load(given)) as services:
        with pytest.raises(SettingsError, match="one target"):
            async with opened_publishers(services):
                pass


async def test_targets_of_their_own_are_followed_apart(tmp_path: Path) -> None:
    urls = [f"amqp://127.0.0.1/?{where}" for where in ("exchange=p", "queue=p", "exchange=p&routing_key=x")]
    given = {"state": tmp_path / "state", "events.urls": urls}
    async with build(load(given)) as services, opened_publishers(services) as publishers:
        assert len({each.target for each in publishers}) == 3


async def test_what_is_gone_is_not_sent_to_and_can_be_begun_anew(services: Services) -> None:
    await sell(services, 20)
    sink = Memory()
    sink.closed, sink.room = True, 0
    publisher = Publisher(services.ledger, sink)
    with pytest.raises(SinkClosed):
        await publisher.step()
    sink.closed, sink.room = False, 10**9
    await publisher.begin_at(dict.fromkeys((await services.ledger.heads()).marks, Mark()))
    while await publisher.step():
        pass
    assert in_order(sink.taken) == await all_events(services)


async def test_a_position_beyond_the_feed_begins_anew(services: Services) -> None:
    """As one has that was kept of a history which is no more: nothing of this one is left out."""
    await sell(services, 20)
    sink = Memory()
    publisher = Publisher(services.ledger, sink)
    await publisher.begin_at(dict.fromkeys((await services.ledger.heads()).marks, Mark(10**6, bytes(32))))
    while await publisher.step():
        pass
    assert in_order(sink.taken) == await all_events(services)


async def test_an_event_has_one_name_whatever_epochs_begin(services: Services) -> None:
    """A receiver knows by it what it had before, also where that was not noted before the ledger's server changed."""
    epoch, had = (await services.ledger.heads()).epoch, dict[tuple[int, str], Event]()
    for round_ in range(4):
        await sell(services, 20, first=20 * round_)
        sink = Memory()
        publisher = Publisher(services.ledger, sink)
        await publisher.begin_at(dict.fromkeys((await services.ledger.heads()).marks, Mark()))
        while await publisher.step():
            pass
        await publisher.close()
        came = {(event.epoch, event.id): event for event in sink.taken}
        assert had.items() <= came.items()
        assert {each for each, _ in came.keys() - had.keys()} == {epoch}
        assert len(came) == len(sink.taken) == 20 * (round_ + 1)
        had, epoch = came, (await services.ledger.begin_epoch()).epoch


async def test_what_was_read_while_an_epoch_began_is_read_again(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may be of the one or the other."""
    await sell(services, 20)
    ledger, sink, feed = services.ledger, Memory(), services.ledger.feed

    async def feed_before_an_epoch(shard: int, after: Mark, limit: int) -> list[Entry]:
        monkeypatch.undo()
        found = await feed(shard, after, limit)
        await ledger.begin_epoch()
        return found

    monkeypatch.setattr(ledger, "feed", feed_before_an_epoch)
    publisher = Publisher(ledger, sink)
    with pytest.raises(LedgerUnavailable):
        await publisher.step()
    assert sink.taken == []
    while await publisher.step():
        pass
    assert in_order(sink.taken) == await all_events(services)


async def test_who_is_gone_is_asked_once_and_left_to_whoever_begins_anew(services: Services) -> None:
    """However long the process runs on: a role that came to its end would begin again at once, and ask again."""
    await sell(services, 20)
    sink, stop = Memory(), asyncio.Event()
    sink.closed, sink.room = True, 0
    publisher = Publisher(services.ledger, sink)
    tried = [0]

    async def run(watch: Watch) -> None:
        tried[0] += 1
        await publish_forever(services.ledger, [publisher], stop, watch)

    publishing = asyncio.create_task(supervise("publish", run, stop, services.roles))
    other = Publisher(services.ledger, Memory())
    await until(lambda: [one.error for one in services.roles.all()] == ["SinkClosed"])
    async with asyncio.timeout(30):
        while await other.step() is None:  # noqa: ASYNC110 - in the ledger, for whatever process
            await asyncio.sleep(0.01)
    assert [one.state for one in services.roles.all()] == ["waiting"]
    stop.set()
    await publishing
    assert tried == [1]


async def test_a_target_that_refuses_is_told_and_holds_up_no_other(services: Services) -> None:
    """The role does not run as it should for as long, whatever the other target takes meanwhile."""
    await sell(services, 20)
    wrong, right, stop = Memory(), Memory(), asyncio.Event()
    wrong.target, wrong.refusal = "wrong", SettingsError("The password is wrong.")
    publishers = [Publisher(services.ledger, each) for each in (wrong, right)]
    run = partial(publish_forever, services.ledger, publishers, stop)
    publishing = asyncio.create_task(supervise("publish", run, stop, services.roles))
    everything = await all_events(services)
    await until(lambda: len(right.taken) == len(everything))
    assert [(one.state, one.error) for one in services.roles.all()] == [("failing", "SettingsError")]
    wrong.refusal = None
    await until(lambda: len(wrong.taken) == len(everything))
    await until(lambda: [one.state for one in services.roles.all()] == ["running"])
    stop.set()
    await publishing


async def test_targets_that_all_refuse_end_it_before_there_is_an_event(services: Services) -> None:
    sinks = Memory(), Memory()
    for number, sink in enumerate(sinks):
        sink.target, sink.refusal = str(number), SettingsError("The password is wrong.")
    publishers = [Publisher(services.ledger, each) for each in sinks]
    run = partial(publish_forever, services.ledger, publishers, asyncio.Event())
    with pytest.raises(SettingsError, match="password"):
        await supervise("publish", run, asyncio.Event(), services.roles)


async def test_a_slow_receiver_holds_up_no_other(services: Services) -> None:
    """One does not answer until the other has everything, and then gets everything too."""
    await sell(services, 100)
    everything = await all_events(services)
    quick, stop, may_answer = Memory(), asyncio.Event(), threading.Event()
    with receiving() as slow:
        slow.behave = lambda _: 204 if may_answer.wait(60) else 500
        webhook = WebhookSink(slow.url, bytes(32), clock.now, ["127.0.0.1"])
        slow.secret = webhook.secret
        publishers = [Publisher(services.ledger, webhook), Publisher(services.ledger, quick)]
        publishing = asyncio.create_task(publish_forever(services.ledger, publishers, stop))
        await until(lambda: slow.requests > 0)
        await until(lambda: len(quick.taken) == len(everything))
        assert slow.events == []
        may_answer.set()
        await until(lambda: len(slow.events) == len(everything))
        stop.set()
        await publishing
        await webhook.close()
    assert in_order(quick.taken) == everything
    assert slow.unsigned == []


async def test_what_takes_nothing_is_tried_ever_more_rarely(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Twice as long each time, at most five minutes; from half a second again once it has taken something."""
    await sell(services, 10)
    sink, stop = Memory(), asyncio.Event()
    sink.room = 0
    pauses: list[float] = []

    async def sleep(seconds: float, stop: asyncio.Event) -> None:
        pauses.append(seconds)
        sink.room = int(len(pauses) == 12)  # just once it takes one
        if len(pauses) == 14:
            stop.set()

    monkeypatch.setattr(publish, "sleep", sleep)
    await publish_forever(services.ledger, [Publisher(services.ledger, sink)], stop)
    assert pauses == [0.5, 1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 0.5, 1]


async def test_who_asks_to_be_left_alone_is(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    """For as long as it asks, at most an hour; never for less than the pause would be."""
    await sell(services, 10)
    asked = iter((0.0, 90.0, 0.1, float("inf"), 7.0))
    sink, stop, pauses = Memory(), asyncio.Event(), list[float]()

    async def refuse(events: "Sequence[Event]") -> None:
        raise SinkUnavailable(wait_s=next(asked))

    async def sleep(seconds: float, stop: asyncio.Event) -> None:
        pauses.append(seconds)
        if len(pauses) == 5:
            stop.set()

    sink.send = refuse  # type: ignore[method-assign]
    monkeypatch.setattr(publish, "sleep", sleep)
    await publish_forever(services.ledger, [Publisher(services.ledger, sink)], stop)
    assert pauses == [0.5, 90, 2, 3600, 8]


@pytest.mark.long
async def test_webhooks_reach_a_moody_receiver_whoever_is_killed(tmp_path: Path, rng: Random) -> None:
    """Four kills; one receiver breaks, cuts, stalls and leads elsewhere, another one is dead and holds up nobody."""
    state = tmp_path / "state"
    with receiving() as dead:
        pass
    async with build(load({"state": state})) as services:
        await sell(services, 200)
        with receiving() as receiver:
            receiver.secret = webhook_secret(services.settings, receiver.url)
            receiver.behave = lambda _: rng.choice([204] * 60 + [0, 307, 500])
            for kill in range(4):
                with publishing(state, [dead.url, receiver.url], signal.SIGKILL):
                    wanted = 30 * (kill + 1)
                    await until(lambda wanted=wanted: len(receiver.events) >= wanted)  # type: ignore[misc]
                await forget_lease(state)
            with publishing(state, [dead.url, receiver.url], signal.SIGTERM):
                expected = {event.id for event in await all_events(services)}
                await until(lambda: {each["id"] for each in receiver.events} == expected)
            await check(services, receiver)
            assert receiver.unsigned == []


async def check(services: Services, receiver: Receiver) -> None:
    """Each at least once; of each member, first appearances are in order."""
    seen: dict[str, dict[str, None]] = {}
    for came in receiver.events:
        seen.setdefault(came["member_id"], {})[came["id"]] = None
    expected: dict[str, list[str]] = {}
    for event in await all_events(services):
        expected.setdefault(str(event.member_id), []).append(event.id)
    assert {member: list(ids) for member, ids in seen.items()} == expected


async def sell(services: Services, orders: int, first: int = 0) -> None:
    """So many orders of thirty members, awarded; with 200 of them each one passes a milestone."""
    documents = [
        (Order(source="shop", order_id=f"A{n}", member_id=f"m{n % 30}", currency="GBP", total=20_000), b"")
        for n in range(first, first + orders)
    ]
    await services.intake.accept_all(documents)
    await services.awarder.drain()


async def all_events(services: Services) -> list[Event]:
    """Every event that there is, shard by shard."""
    heads = await services.ledger.heads()
    found: list[Event] = []
    for shard in sorted(heads.marks):
        entries = await services.ledger.feed(shard, Mark(), 100_000)
        passed = await services.ledger.passed(shard, 0, entries[-1].position if entries else 0)
        found += [event for _, event in events_of(entries, passed, heads)]
    return found


def in_order(events: list[Event]) -> list[Event]:
    """Shard by shard; within a shard as they came."""
    return sorted(events, key=lambda event: int(event.id.partition("-")[0]))


async def forget_lease(state: Path) -> None:
    """Let the time pass that a target waits for who was killed."""
    later = SqliteLedger.open(state / "laurels.db", _later)
    for target in [
        row[0] for row in await later._reader.run(lambda db: db.execute("SELECT target FROM follower_lease"))
    ]:
        await later.follow(target, "nobody", lease_s=-120)
        await later.let_go(target, "nobody")
    await later.close()


def _later() -> int:
    return clock.now() + 120 * clock.SECOND


@contextmanager
def publishing(state: Path, urls: "Sequence[str]", ended_by: signal.Signals) -> "Iterator[None]":
    """`laurels events` in a process of its own."""
    environment = os.environ | {"LAURELS_EVENTS_PRIVATE_HOSTS": "127.0.0.1"}
    command = [sys.executable, "-m", "laurels", "events", *urls, "--state", str(state)]
    with (state.parent / "events.log").open("ab") as log:
        process = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        try:
            yield
        finally:
            end(process, ended_by)


async def until(condition: "Callable[[], bool]") -> None:
    """Wait for a condition."""
    async with asyncio.timeout(100):
        while not condition():  # noqa: ASYNC110 - of another process
            await asyncio.sleep(0.05)
