"""Where a ledger's servers are: one URL, with one host or several, tried in turn."""

import configparser
import os
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

from laurels.errors import SettingsError

DEFAULT_PORT = "5432"
HIGHEST_PORT = 65_535

CERTIFICATE, AUTHORITY = ("sslcert", "sslkey"), ("sslrootcert", "sslcrl")
"""What a URL names files by: ours, and by what the server's is checked."""

NO_TLS, CHECKED = ("disable",), ("require", "verify-ca", "verify-full")
"""Values of `sslmode` under which no file is read, and under which the authority's are."""

WRITABLE, READABLE = ("any", "primary", "read-write"), ("prefer-standby", "read-only", "standby")
"""Values of `target_session_attrs`."""


class Address:
    """A URL with its hosts, the last one that answered first."""

    def __init__(self, url: str, setting: str = "ledger.url") -> None:
        """`setting` is where it was given. Raises `SettingsError` where it cannot be read, or a file that it names."""
        self.url = url
        self.setting = setting
        try:
            self.hosts = hosts_of(url)
            query = urlsplit(url).query
            asked = parse_qs(query, strict_parsing=bool(query))
        except ValueError as error:
            raise SettingsError(unusable(setting, error)) from error
        self._asked = {name: values[-1] for name, values in asked.items()}
        self._tls_mode = self._asked.get("sslmode") or os.environ.get("PGSSLMODE", "")
        self._check_files()
        self._check_service()
        self._check_target()

    @property
    def asks_for_tls(self) -> bool:
        """Whether a server without TLS will not do."""
        return self._tls_mode in CHECKED

    def answered(self, host: tuple[str, str]) -> None:
        """Try this host first from now on."""
        self.hosts.remove(host)
        self.hosts.insert(0, host)

    def _check_files(self) -> None:
        """The driver does not tell a certificate that is not there from a server that is not there."""
        by_tcp = any(not host.startswith("/") for host, _ in self.hosts)
        for names, is_read in ((CERTIFICATE, self._tls_mode not in NO_TLS), (AUTHORITY, self.asks_for_tls)):
            for name in names:
                of_all = f"PG{name.upper()}"
                self._check_file(name, self._asked.get(name))
                if is_read and by_tcp and name not in self._asked:
                    self._check_file(of_all, os.environ.get(of_all))

    def _check_file(self, name: str, path: str | None) -> None:
        if not path:
            return
        try:
            with open(path, "rb"):  # noqa: PTH123 - as the driver does
                pass
        except OSError as error:
            raise SettingsError(f"{self.setting}: {name} cannot be read: {path}: {error.strerror}") from error

    def _check_service(self) -> None:
        """The driver goes to the usual server where a service is named that is in no file. Of what it cannot read in
        one, none is shown: it may be a piece of a password.
        """
        service = self._asked.get("service")
        if service is None:
            return
        file = Path(os.environ.get("PGSERVICEFILE") or Path.home() / ".pg_service.conf")
        read = configparser.ConfigParser()
        try:
            read.read(file)
            is_there = service in read.sections() and dict(read[service]) is not None
        except (configparser.Error, UnicodeDecodeError) as error:
            raise SettingsError(
                f"{self.setting}: the service file {file} cannot be read ({type(error).__name__}). It holds lines "
                "name=value below a [service]; % is written %% there."
            ) from error
        if not is_there:
            raise SettingsError(f"{self.setting}: there is no service {service} in the service file {file}.")

    def _check_target(self) -> None:
        """The driver is told whom to look for, whatever the URL says."""
        target = self._asked.get("target_session_attrs", "any")
        allowed = WRITABLE if self.setting == "ledger.url" else (*WRITABLE, *READABLE)
        if target not in allowed:
            named = ", ".join(allowed)
            raise SettingsError(f"{self.setting}: target_session_attrs is one of {named} here. Leave it out.")


def hosts_of(url: str) -> list[tuple[str, str]]:
    """The (host, port) that a URL names, in its order; none where it leaves that to the environment."""
    parts = urlsplit(url)
    if parts.fragment:
        raise ValueError("a server has no parts that a # could name")
    asked = parse_qs(parts.query)
    named = parts.netloc.rpartition("@")[2]
    if not named:
        hosts = ",".join(asked.get("host", [])).split(",")
        ports = ",".join(asked.get("port", [])).split(",")
        if len(ports) == 1:
            ports *= len(hosts)
        return [(host, _port(port, DEFAULT_PORT)) for host, port in zip(hosts, ports, strict=True) if host]
    return [_host_and_port(each, asked.get("port", [DEFAULT_PORT])[0]) for each in named.split(",")]


def unusable(setting: str, error: BaseException) -> str:
    """What is said of a URL that cannot be read. An error of Python's own may quote a piece of it, and its password
    with that.
    """
    if type(error) is ValueError:
        return (
            f"{setting} cannot be used: its port is no number up to {HIGHEST_PORT}, there are not as many ports as "
            "hosts, what is behind its ? is not name=value, or it has a #. In a password, write / as %2F, @ as %40, "
            ": as %3A, # as %23, ? as %3F, % as %25."
        )
    return f"{setting} cannot be used: {' '.join(str(error).split()).rstrip('.')}"


def _host_and_port(named: str, default: str) -> tuple[str, str]:
    if named.startswith("["):
        host, _, port = named[1:].partition("]")
        port = port.removeprefix(":")
    else:
        host, _, port = named.partition(":")
    return unquote(host), _port(port, default)


def _port(named: str, default: str) -> str:
    if named and not (named.isascii() and named.isdecimal() and 0 < int(named) <= HIGHEST_PORT):
        raise ValueError("a port has to be a number")
    return named or default
