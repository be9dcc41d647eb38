"""The connection to the server: which servers will not do, scripts by name, and the driver's errors as ours."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from typing import Any

from redis.asyncio import BlockingConnectionPool, Redis, SSLConnection
from redis.asyncio.connection import Connection
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import AuthenticationError, AuthorizationError, RedisError

from laurels.engines.valkey.address import Address
from laurels.errors import BoardUnavailable, SettingsError

CONNECT_WITHIN_S = 1.0
"""A server that takes longer to answer the first time is away."""

ANSWER_WITHIN_S = 3.0
"""How long one answer may take: a large server that forks for a snapshot stands still for a second or so."""

CONNECTIONS = 32
"""The most connections of one process; who finds none free waits for one."""

SWEEP = 1000
"""Keys that are looked at, or deleted, in one step."""

OLDEST_VALKEY = (8, 0)
OLDEST_REDIS = (6, 2)

_SCRIPTS = ("read", "standings", "followed", "reset", "apply", "confirm")


class Server:
    """One server, whose scripts know one root key. Connects when it is first asked, and again when it has to."""

    def __init__(self, address: Address, root: str) -> None:
        self.address = address
        self.client = Redis(connection_pool=_pool(address))
        self._root = root
        folder = files(__package__) / "scripts"
        common = (folder / "common.lua").read_text("utf-8")
        # Each is called by its digest; after a restart the driver hands it over again.
        self._scripts = {
            name: self.client.register_script(f"{common}\n{(folder / f'{name}.lua').read_text('utf-8')}")
            for name in _SCRIPTS
        }

    async def run(self, script: str, *arguments: bytes | str | int) -> Any:
        """What a script gives. Raises `BoardUnavailable` where the server is away or cannot do it."""
        with _told():
            return await self._scripts[script](keys=[self._root], args=arguments)

    async def sweep(self) -> None:
        """Delete the generations that are neither served nor followed. Looks at every key of the database."""
        with _told():
            named = await self.client.hmget(self._root, ["served", "followed"])
            used = {int(generation) for generation in named if generation is not None}
            keys: list[bytes] = []
            async for key in self.client.scan_iter(match=f"{self._root}:*", count=SWEEP):
                generation = key.split(b":")[1]
                # One that is newer than all in use was begun since by another process.
                if generation.isdigit() and int(generation) not in used and int(generation) < max(used, default=0):
                    keys.append(key)
                if len(keys) == SWEEP:
                    await self.client.unlink(*keys)
                    keys.clear()
            if keys:
                await self.client.unlink(*keys)

    async def check(self) -> None:
        """Raise `SettingsError` for a server that will not do, and `BoardUnavailable` for one that does not answer."""
        try:
            with _told():
                about = await self.client.info()
        except BoardUnavailable as error:
            if isinstance(error.__cause__, AuthenticationError | AuthorizationError):
                raise SettingsError(
                    f"leaderboard.url: {self.address} does not take this user and password. Correct them in the URL."
                ) from error
            raise
        if refusal := refusal_of(about):
            raise SettingsError(f"leaderboard.url: {self.address} {refusal}")

    async def close(self) -> None:
        """Let go of every connection."""
        await self.client.aclose()
        await self.client.connection_pool.disconnect()


def refusal_of(about: dict[str, Any]) -> str | None:
    """Why a server that says this about itself (INFO) will not do, and what to do about it; None where it will."""
    name, key, oldest = "Redis", "redis_version", OLDEST_REDIS
    if "valkey_version" in about:
        name, key, oldest = "Valkey", "valkey_version", OLDEST_VALKEY
    version = str(about.get(key, "0"))
    if _numbers(version) < oldest:
        return f"runs {name} {version}. Laurels needs Valkey 8, Redis 6.2, or later."
    if int(about.get("cluster_enabled", 0)):
        return "is part of a cluster, where no script sees the whole board. Give a server that stands alone."
    if about.get("role") != "master":
        return "is a replica, which cannot be written. Give the address of its primary."
    policy = str(about.get("maxmemory_policy", ""))
    # What has no time to live is safe from `volatile-...`, and nothing here has one.
    if policy.startswith("allkeys"):
        return (
            f"may throw members away when memory runs short (maxmemory-policy {policy}). "
            "Set maxmemory-policy noeviction, or give a server that is not a cache."
        )
    return None


@contextmanager
def _told() -> Iterator[None]:
    """The driver's errors as ours. They name no server, for they may be shown to customers."""
    try:
        yield
    except (RedisError, OSError) as error:
        what = type(error).__name__
        raise BoardUnavailable(f"The leaderboard's server cannot do this now ({what}). Try again.") from error


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) if part.isdecimal() else 0 for part in version.split("."))


def _pool(address: Address) -> BlockingConnectionPool:
    return BlockingConnectionPool(
        connection_class=SSLConnection if address.tls else Connection,
        max_connections=CONNECTIONS,
        timeout=ANSWER_WITHIN_S,
        host=address.host,
        port=address.port,
        db=address.database,
        username=address.user,
        password=address.password,
        socket_connect_timeout=CONNECT_WITHIN_S,
        socket_timeout=ANSWER_WITHIN_S,
        # Once more at once, for a connection that died unnoticed. Whatever is sent twice has its effect once.
        retry=Retry(NoBackoff(), 1),
    )
