"""The connection to the server: scripts by name, what it must be, the driver's errors as ours, and the log's word on
them.
"""

import asyncio
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.resources import files
from typing import Any

import structlog
from redis.exceptions import ReadOnlyError, RedisError

from laurels.engines.valkey.address import ServerAddress
from laurels.engines.valkey.connecting import ANSWER_WITHIN_S, Clients, Tls
from laurels.engines.valkey.rights import missing_rights, refusal_of
from laurels.engines.valkey.troubles import advice_on, refused_command, trouble_of
from laurels.errors import BoardUnavailable, SettingsError

CONNECTIONS = 32
"""The most commands of one process at once; who finds no connection free waits for one."""

SWEEP = 1000
"""Keys that are looked at, or deleted, in one step."""

SAY_EVERY_S = 10.0
"""How often the log says the same trouble again."""

DAMAGED = (ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RecursionError, AssertionError)
"""What reading an answer may raise that is no answer."""

_SCRIPTS = (
    "read", "standings", "followed", "reset", "apply", "confirm", "adopt", "begin_load", "load", "end_load",
)  # fmt: skip

_KINDS = frozenset(
    b"state marks boards numbers members into became early sums ranking".split(),
)
"""Of keys, as `scripts/common.lua` lists them."""

log = structlog.get_logger(__name__)


class Server:
    """One server, whose scripts know one root key. Connects when it is first asked, and again when it has to.

    Whenever there is a new connection, or the server says that it is a replica, it is looked at again before it is
    asked anything: it may be another one, or set up otherwise.
    """

    def __init__(
        self, address: ServerAddress, root: str, tls: Tls | None = None, sentinel_password: str | None = None
    ) -> None:
        """Raises `SettingsError` where the files for TLS cannot be used."""
        self.address = address
        self._clients = Clients(address, tls or Tls(), sentinel_password, self._connected)
        self.client = self._clients.server
        self._root = root
        self._running: set[asyncio.Task[Any]] = set()
        self._slots = asyncio.Semaphore(CONNECTIONS)
        self._checking = asyncio.Lock()
        self._connections = 0
        self._checked = -1
        self._has_rights = False
        self._said: dict[str, float] = {}
        folder = files(__package__) / "scripts"
        common = (folder / "common.lua").read_text("utf-8")
        # Each is called by its digest; after a restart the driver hands it over again.
        self._scripts = {
            name: self.client.register_script(f"{common}\n{(folder / f'{name}.lua').read_text('utf-8')}")
            for name in _SCRIPTS
        }

    async def run(self, script: str, *arguments: bytes | str | int, within_s: float = ANSWER_WITHIN_S) -> Any:
        """What a script gives. Raises `BoardUnavailable` where the server is away, will not do, or cannot do it; at the
        latest after `within_s`, whatever there is to wait for.
        """
        with self._told():
            # In a task of its own: the driver may keep a cancellation to itself, and then goes on waiting.
            task = asyncio.create_task(self._run(script, arguments))
            self._running.add(task)
            task.add_done_callback(self._ended)
            try:
                done, _ = await asyncio.wait({task}, timeout=within_s)
            except asyncio.CancelledError:
                task.cancel()
                raise
            if not done:
                task.cancel()
                raise TimeoutError(f"no answer within {within_s} s")
            return task.result()

    async def check(self) -> None:
        """Raise `SettingsError` for a server that will not do, and `BoardUnavailable` for one that does not answer."""
        with self._told():
            async with self._checking:
                await self._check()

    def look_again(self) -> None:
        """Check the server before it is next asked: it may be set up otherwise by now."""
        self._checked = -1

    async def sweep(self) -> None:
        """Delete what was begun, here or by another process, and is neither served, followed nor loaded. Looks at every
        key of the database, some at a time.
        """
        with self._told():
            begun = {int(generation) for generation in await self.client.smembers(f"{self._root}:generations")}
            # Read after the others: one that is begun meanwhile is not among them.
            named = await self.client.hmget(self._root, ["served", "followed", "loading"])
            await self._delete(begun - {int(generation) for generation in named if generation is not None})

    async def drop(self, generation: int) -> None:
        """Delete one generation."""
        with self._told():
            await self._delete({generation})

    async def clear(self) -> None:
        """Delete all that is under the root."""
        with self._told():
            await self._check_once()
            begun = {int(generation) for generation in await self.client.smembers(f"{self._root}:generations")}
            await self._delete(begun)
            await self.client.unlink(self._root)

    async def close(self) -> None:
        """Let go of every connection."""
        for task in self._running:
            task.cancel()
        await self._clients.close()
        await asyncio.gather(*self._running, return_exceptions=True)

    def damaged(self, error: BaseException) -> BoardUnavailable:
        """Say in the log that an answer could not be read; gives what to raise."""
        return self._say("GARBAGE", error)

    def told(self, word: str, advice: str, error: str = "") -> BoardUnavailable:
        """Say in the log why the server cannot be used, not for every reader again; gives what to raise."""
        now = time.monotonic()
        if now - self._said.get(word, -SAY_EVERY_S) >= SAY_EVERY_S:
            self._said[word] = now
            log.warning(
                "leaderboard.trouble", leaderboard="valkey", server=str(self.address), word=word, error=error, do=advice
            )
        # It may be shown to customers, so it names no server.
        return BoardUnavailable(f"The leaderboard's server cannot do this now ({word}). Try again.")

    async def _run(self, script: str, arguments: Sequence[bytes | str | int]) -> Any:
        async with self._slots:
            await self._check_once()
            answer = await self._scripts[script](keys=[self._root], args=arguments)
            await self._check_once()  # the driver may have found the connection dead, and made a new one
        return answer

    def _ended(self, task: "asyncio.Task[Any]") -> None:
        self._running.discard(task)
        if not task.cancelled():
            task.exception()  # seen: whoever waited for it may have left

    async def _delete(self, generations: set[int]) -> None:
        if not generations:
            return
        begin = len(self._root) + 1
        keys: list[bytes] = []
        async for key in self.client.scan_iter(match=f"{_literal(self._root)}:*", count=SWEEP):
            generation, _, rest = key[begin:].partition(b":")
            # Somebody else's key may look like one of ours.
            if generation.isdigit() and int(generation) in generations and rest.split(b":", 1)[0] in _KINDS:
                keys.append(key)
            if len(keys) >= SWEEP:
                await self.client.unlink(*keys)
                keys.clear()
        if keys:
            await self.client.unlink(*keys)
        await self.client.srem(f"{self._root}:generations", *generations)

    async def _check_once(self) -> None:
        """Check, if no other call has by now."""
        if self._checked == self._connections:
            return
        async with self._checking:
            if self._checked != self._connections:
                try:
                    await self._check()
                except SettingsError as error:
                    raise self.told("REFUSED", error.message) from error

    async def _check(self) -> None:
        try:
            about = await self.client.info()
        except RedisError as error:
            word = trouble_of(error)
            if word == "WRONGPASS":
                raise SettingsError(
                    f"leaderboard.url: {self.address} does not take this user and password. Correct them in the URL."
                ) from error
            if word in {"NOPERM", "NOAUTH", "DB", "COMMAND", "DENIED"}:
                # Before INFO a connection selects its database.
                right = f" (+{refused_command(error) or 'info'})" if word == "NOPERM" else ""
                raise SettingsError(
                    f"leaderboard.url: {self.address} answers {word}{right}. {advice_on(word)}"
                ) from error
            raise
        if refusal := refusal_of(about):
            raise SettingsError(f"leaderboard.url: {self.address} {refusal}")
        if not self._has_rights:
            missing = await missing_rights(self.client, self._root)
            if missing.commands:
                raise SettingsError(
                    f"leaderboard.url: {self.address} does not know {' '.join(missing.commands)}. Laurels needs each "
                    "under its own name: see rename-command there."
                )
            if missing.rights:
                raise SettingsError(
                    f"leaderboard.url: {self.address} does not allow this user {' '.join(missing.rights)}. "
                    "Grant it by ACL SETUSER."
                )
            self._has_rights = True
        self._checked = self._connections

    def _connected(self) -> None:
        self._connections += 1

    @contextmanager
    def _told(self) -> Iterator[None]:
        """The driver's errors as ours."""
        try:
            yield
        except (RedisError, OSError, *DAMAGED) as error:
            if isinstance(error, ReadOnlyError):
                self.look_again()
            word = trouble_of(error)
            if word == "NOPERM":
                self.look_again()
                self._has_rights = False
            if word == "NO-ANSWER" and self.address.tls and "connecting" in str(error):
                word = "TLS"  # a plain port waits for the rest of what it takes for a command
            raise self._say(word, error) from error

    def _say(self, word: str, error: BaseException) -> BoardUnavailable:
        return self.told(word, advice_on(word), f"{type(error).__name__}: {error}")


def _literal(text: str) -> str:
    """A pattern of the server that matches nothing but this text."""
    return "".join(f"\\{letter}" if letter in "*?[]\\^" else letter for letter in text)
