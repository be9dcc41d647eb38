"""Where a ledger's servers are: one URL, with one host or several, tried in turn."""

from urllib.parse import parse_qs, unquote, urlsplit

from laurels.errors import SettingsError

DEFAULT_PORT = "5432"

FILES = ("sslrootcert", "sslcert", "sslkey", "sslcrl")
"""What a URL names files by."""


class Address:
    """A URL with its hosts, the last one that answered first."""

    def __init__(self, url: str, setting: str = "ledger.url") -> None:
        """`setting` is where it was given. Raises `SettingsError` where it cannot be read, or a file that it names."""
        self.url = url
        self.setting = setting
        try:
            self.hosts = hosts_of(url)
        except ValueError as error:
            raise SettingsError(unusable(setting, error)) from error
        self._check_files()

    def answered(self, host: tuple[str, str]) -> None:
        """Try this host first from now on."""
        self.hosts.remove(host)
        self.hosts.insert(0, host)

    def _check_files(self) -> None:
        """The driver does not tell a certificate that is not there from a server that is not there."""
        asked = parse_qs(urlsplit(self.url).query)
        for name in FILES:
            for path in asked.get(name, []):
                try:
                    with open(path, "rb"):  # noqa: PTH123 - as the driver does
                        pass
                except OSError as error:
                    what = f"{self.setting}: {name} cannot be read: {path}: {error.strerror}"
                    raise SettingsError(what) from error


def hosts_of(url: str) -> list[tuple[str, str]]:
    """The (host, port) that a URL names, in its order; none where it leaves that to the environment."""
    parts = urlsplit(url)
    asked = parse_qs(parts.query)
    named = parts.netloc.rpartition("@")[2]
    if not named:
        hosts = ",".join(asked.get("host", [])).split(",")
        ports = ",".join(asked.get("port", [])).split(",")
        if len(ports) == 1:
            ports *= len(hosts)
        return [(host, port or DEFAULT_PORT) for host, port in zip(hosts, ports, strict=True) if host]
    return [_host_and_port(each, asked.get("port", [DEFAULT_PORT])[0]) for each in named.split(",")]


def unusable(setting: str, error: BaseException) -> str:
    """What is said of a URL that cannot be read. An error of Python's own may quote a piece of it, and its password
    with that.
    """
    if type(error) is ValueError:
        return (
            f"{setting} cannot be used: its port is no number, or there are not as many ports as hosts. In a password, "
            "write / as %2F, @ as %40, : as %3A."
        )
    return f"{setting} cannot be used: {' '.join(str(error).split()).rstrip('.')}"


def _host_and_port(named: str, default: str) -> tuple[str, str]:
    if named.startswith("["):
        host, _, port = named[1:].partition("]")
        port = port.removeprefix(":")
    else:
        host, _, port = named.partition(":")
    if port and not port.isdecimal():
        raise ValueError("a port has to be a number")
    return unquote(host), port or default
