"""What a server has to be, and what its user has to be allowed, looked at before anything is built on it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from redis.exceptions import RedisError, ResponseError

from laurels.engines.valkey.troubles import is_refused_right, is_unknown_command

OLDEST_VALKEY = (8, 0)
OLDEST_REDIS = (6, 2)

_TRY = """
local refused = {}
local function try(name, ...)
  local answer = redis.pcall(name, ...)
  local fault = type(answer) == 'table' and answer.err
  if fault and (string.find(fault, 'NOPERM') or string.find(fault, 'ACL failure') or
      string.find(fault, 'user executing') or string.find(string.lower(fault), 'unknown')) then
    refused[#refused + 1] = name
    refused[#refused + 1] = fault
  end
end
local hash, set, sorted, bits = KEYS[1] .. ':h', KEYS[1] .. ':s', KEYS[1] .. ':z', KEYS[1] .. ':b'
try('hset', hash, 'a', '1'); try('hsetnx', hash, 'a', '1'); try('hget', hash, 'a'); try('hmget', hash, 'a')
try('hgetall', hash); try('hexists', hash, 'a'); try('hdel', hash, 'a')
try('sadd', set, '1'); try('smembers', set); try('srem', set, '1')
try('zadd', sorted, '1', 'a'); try('zcard', sorted); try('zcount', sorted, '-inf', '+inf')
try('zrange', sorted, '0', '0')
try('zrank', sorted, 'a'); try('zscore', sorted, 'a'); try('zrem', sorted, 'a')
try('bitfield', bits, 'INCRBY', 'i64', '#0', '0'); try('exists', bits); try('time')
try('del', hash, set, sorted, bits)
try('publish', ARGV[1], '')
return refused
"""


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
        return "is a replica, which cannot be written. Give the address of its primary, or of its sentinels."
    policy = str(about.get("maxmemory_policy", ""))
    # What has no time to live is safe from `volatile-...`, and nothing here has one.
    if policy.startswith("allkeys"):
        return (
            f"may throw members away when memory runs short (maxmemory-policy {policy}). "
            "Set maxmemory-policy noeviction, or give a server that is not a cache."
        )
    return None


async def missing_rights(client: Any, root: str) -> "Missing":
    """What the user may not do and has to. `client` is the driver's. Tries each command that the board needs on keys of
    its own, which are gone afterwards. Raises `RedisError`.
    """
    found = Missing(root)
    for name, words in {
        "hmget": ("HMGET", root, "served"),
        "smembers": ("SMEMBERS", f"{root}:generations"),
        "scan": ("SCAN", "0", "COUNT", "1"),
        "unlink": ("UNLINK", f"{root}:rights"),
        "srem": ("SREM", f"{root}:rights", "1"),
    }.items():
        with found.noting(name, is_root=name == "hmget"):
            await client.execute_command(*words)
    digest = None
    with found.noting("script|load"):
        digest = await client.execute_command("SCRIPT", "LOAD", _TRY)
    if digest is not None:
        with found.noting("evalsha"):
            refused = await client.execute_command("EVALSHA", digest, 1, f"{root}:rights", f"{root}:changed")
            for name, why in zip(refused[::2], refused[1::2], strict=True):
                found.note(name.decode(), ResponseError(why.decode()))
    with found.noting("subscribe"):
        async with client.pubsub() as subscription:
            await subscription.subscribe(f"{root}:changed")
            await subscription.get_message(timeout=1.0)
    return found


class Missing:
    """What was refused, each once: `rights` as ACL SETUSER writes them, such as `+zadd`, `~laurels:*`,
    `&laurels:changed`; `commands` that nobody may call there, as they have other names or none.
    """

    def __init__(self, root: str) -> None:
        self.rights: list[str] = []
        self.commands: list[str] = []
        self._root = root

    @contextmanager
    def noting(self, name: str, *, is_root: bool = False) -> Iterator[None]:
        """Note where a command is refused; `is_root` where its key is the root itself."""
        try:
            yield
        except RedisError as error:
            if not is_refused_right(error) and not is_unknown_command(error):
                raise
            self.note(name, error, is_root=is_root)

    def note(self, name: str, error: RedisError, *, is_root: bool = False) -> None:
        """Note that a command was refused: for itself, its key or its channel, or since there is none of this name."""
        if is_unknown_command(error):
            command = name.partition("|")[0].upper()
            if command not in self.commands:
                self.commands.append(command)
            return
        right, why = f"+{name}", str(error)
        if "channel" in why:
            right = f"&{self._root}:changed"
        elif "key" in why.lower():
            right = f"~{self._root}" if is_root else f"~{self._root}:*"
        if right not in self.rights:
            self.rights.append(right)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) if part.isdecimal() else 0 for part in version.split("."))
