"""Connections to the server: one server or the one that sentinels name, in plain or by TLS."""

import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

from msgspec import Struct
from redis.asyncio import ConnectionPool, Redis, SSLConnection
from redis.asyncio.connection import AbstractConnection, Connection
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import Sentinel
from redis.backoff import NoBackoff

from laurels.engines.valkey.address import ServerAddress
from laurels.errors import SettingsError

CONNECT_WITHIN_S = 1.0
"""A server that takes longer to answer the first time is away."""

ANSWER_WITHIN_S = 3.0
"""How long one answer may take: a large server that forks for a snapshot stands still for a second or so."""


class Tls(Struct, frozen=True, kw_only=True):
    """Files for TLS, all PEM: authorities other than the system's, and a certificate of ours where the server wants
    one.
    """

    ca_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None

    def check_unused(self) -> None:
        """Raise `SettingsError` where there is a file, for an address without TLS: the server would be believed
        unchecked.
        """
        named = next((name for name in self.__struct_fields__ if getattr(self, name) is not None), None)
        if named is not None:
            raise SettingsError(
                f"leaderboard.{named} is set, and leaderboard.url is one without TLS: begin it with valkeys:// or "
                "rediss://."
            )

    def options(self) -> dict[str, Any]:
        """The same for the driver. Raises `SettingsError` where a file cannot be used."""
        for name, path in (("ca_file", self.ca_file), ("cert_file", self.cert_file), ("key_file", self.key_file)):
            if path is not None and not path.is_file():
                raise SettingsError(f"leaderboard.{name}: there is no file {path}.")
        if self.key_file is not None and self.cert_file is None:
            raise SettingsError("leaderboard.key_file is set, and leaderboard.cert_file is not: a key needs its own.")
        try:
            context = ssl.create_default_context(cafile=self.ca_file)
            if self.cert_file is not None:
                context.load_cert_chain(self.cert_file, self.key_file)
        except (OSError, ValueError) as error:  # a wrong key or format
            raise SettingsError(f"leaderboard.ca_file, cert_file or key_file cannot be used: {error}") from error
        return {
            "ssl_ca_certs": self.ca_file and str(self.ca_file),
            "ssl_certfile": self.cert_file and str(self.cert_file),
            "ssl_keyfile": self.key_file and str(self.key_file),
        }


class Clients:
    """The driver's clients for one address: the server's, and with sentinels theirs."""

    def __init__(
        self, address: ServerAddress, tls: Tls, sentinel_password: str | None, on_connect: Callable[[], None]
    ) -> None:
        async def connected(connection: AbstractConnection) -> None:
            on_connect()  # before anything is asked on it: what is known of the server may be another's
            await connection.on_connect()

        options: dict[str, Any] = {
            "socket_connect_timeout": CONNECT_WITHIN_S,
            "socket_timeout": ANSWER_WITHIN_S,
            "protocol": 2,  # neither HELLO nor CLIENT: fewer rights to ask for
            "driver_info": None,
        }
        if address.tls:
            options |= tls.options()
        else:
            tls.check_unused()
        if sentinel_password is not None and address.service is None:
            raise SettingsError(
                "leaderboard.sentinel_password is set, and leaderboard.url names no sentinels: begin it with "
                "valkey+sentinel://, or put the server's own password into it."
            )
        ours: dict[str, Any] = {
            "db": address.database,
            "username": address.user,
            "password": address.password,
            # Once more at once, for a connection that died unnoticed. Whatever is sent twice has its effect once.
            "retry": Retry(NoBackoff(), 1),
            "redis_connect_func": connected,
        }
        self._sentinel: Any = None  # the driver's class has no types
        if address.service is None:
            [(host, port)] = address.hosts
            kind = SSLConnection if address.tls else Connection
            options |= {"connection_class": kind, "host": host, "port": port}
            pool = ConnectionPool(**options, **ours)
            self.server: Redis = Redis.from_pool(pool)
            return
        options |= {"ssl": True} if address.tls else {}
        asked = options | {"password": sentinel_password, "socket_timeout": CONNECT_WITHIN_S}
        self._sentinel = Sentinel(address.hosts, sentinel_kwargs=asked)  # type: ignore[no-untyped-call]
        self.server = self._sentinel.master_for(address.service, **options, **ours)

    async def close(self) -> None:
        """Let go of every connection."""
        await self.server.aclose()
        await self.server.connection_pool.disconnect()
        if self._sentinel is not None:
            await self._sentinel.aclose()
