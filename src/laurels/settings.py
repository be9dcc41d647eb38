"""Every setting, in one table: its name, default, and what changes when you change it.

`a.b` in TOML is `LAURELS_A_B` in the environment. Flags win over the environment, the environment over the file. An
unknown key is an error that names the nearest known one, so that a misspelt setting is never silently ignored.
"""

import difflib
import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, get_type_hints

import msgspec
from msgspec import Meta, Struct

from laurels.errors import SettingsError

CONFIG_FILE = Path("laurels.toml")
"""Read from the working directory where no other file is named."""

_PREFIX = "LAURELS_"
_URL = re.compile(r"\b([a-z][a-z0-9+.-]*)://(.*)", re.IGNORECASE | re.DOTALL)
_VALUE = re.compile(r" value (['\"]).*\1(?= - at )", re.DOTALL)
_HOST = re.compile(r"(?:.*@)?([^/?#@]*)(/[^?#@]*)?", re.DOTALL)
_WEB = frozenset({"http", "https"})
_NOT_SETTINGS = ("LAURELS_CONFIG", "LAURELS_TEST_")

Port = Annotated[int, Meta(ge=0, le=65535)]
Count = Annotated[int, Meta(ge=1)]
NotNegative = Annotated[int, Meta(ge=0)]


def _setting(name: str, purpose: str) -> Meta:
    return Meta(description=purpose, extra={"name": name})


class Settings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The settings of one process, checked."""

    state: Annotated[Path, _setting("state", "where the embedded engines and the keys made by Laurels live")] = Path(
        "laurels-data"
    )
    ledger_url: Annotated[
        str, _setting("ledger.url", "`sqlite` (a file under `state`), or postgresql://user@host/database")
    ] = "sqlite"
    leaderboard_engine: Annotated[
        Literal["native", "memory", "valkey"] | None,
        _setting(
            "leaderboard.engine",
            "the leaderboard: `native` where laurels-core is installed, else `memory`; or `valkey`",
        ),
    ] = None
    leaderboard_url: Annotated[
        str | None,
        _setting(
            "leaderboard.url",
            "valkey://user:password@host:port/database for the engine `valkey`; redis:// is the same, valkeys:// and "
            "rediss:// use TLS",
        ),
    ] = None
    leaderboard_stale_after_ms: Annotated[
        Count,
        _setting("leaderboard.stale_after_ms", "answers say `stale` this many ms after the feed was last confirmed"),
    ] = 1000
    boards_smallest: Annotated[
        Count,
        _setting(
            "boards.smallest",
            "a month's board with fewer ranked members shows ten of its top and no neighbours: among few, who knows of "
            "a purchase finds its buyer",
        ),
    ] = 200
    http_host: Annotated[str, _setting("http.host", "the address to listen on")] = "127.0.0.1"
    http_port: Annotated[Port, _setting("http.port", "the port to listen on; 0 takes a free one")] = 8000
    http_workers: Annotated[
        Count, _setting("http.workers", "processes that answer HTTP; more than one needs a board that they can share")
    ] = 1
    http_metrics_port: Annotated[
        Annotated[int, Meta(ge=1, le=65535)] | None,
        _setting(
            "http.metrics_port", "a port of its own for `/metrics`, at the same address, which then is nowhere else"
        ),
    ] = None
    http_root_path: Annotated[
        str,
        _setting("http.root_path", "the path at which a proxy shows Laurels, such as `/laurels`; none: its root"),
    ] = ""
    http_keep_alive_s: Annotated[
        Count,
        _setting(
            "http.keep_alive_s",
            "idle connections are closed after so many seconds: more than the proxy in front keeps them, or it meets "
            "one that is being closed",
        ),
    ] = 75
    http_rate_limit_per_minute: Annotated[
        NotNegative,
        _setting(
            "http.rate_limit_per_minute",
            "requests a minute for each member's token; 0: no limit; services have none",
        ),
    ] = 600
    http_cors_origins: Annotated[
        tuple[str, ...],
        _setting(
            "http.cors_origins", "sites whose pages may call, such as `https://shop.example`; `*`: any; none: no other"
        ),
    ] = ()
    auth_mode: Annotated[
        Literal["dev", "jwks", "keys"],
        _setting(
            "auth.mode", "`dev`: a key made under `state`, loopback only; `jwks` or `keys`: your identity provider's"
        ),
    ] = "dev"
    auth_jwks_url: Annotated[str | None, _setting("auth.jwks_url", "where the signing keys are published")] = None
    auth_keys_file: Annotated[Path | None, _setting("auth.keys_file", "PEM file of public keys that sign tokens")] = (
        None
    )
    auth_issuer: Annotated[str | None, _setting("auth.issuer", "the only `iss` that is accepted")] = None
    auth_audience: Annotated[
        str | None, _setting("auth.audience", "the only `aud` that is accepted; several with blanks between")
    ] = None
    auth_member_claim: Annotated[str, _setting("auth.member_claim", "the claim that holds the member's id")] = "sub"
    auth_algorithms: Annotated[
        tuple[Literal["RS256", "PS256", "ES256", "EdDSA"], ...],
        _setting("auth.algorithms", "signature algorithms that are accepted"),
    ] = ("RS256", "PS256", "ES256", "EdDSA")
    auth_services: Annotated[
        tuple[str, ...],
        _setting(
            "auth.services",
            "whose tokens are services': claim=value, such as `gty=client-credentials`; never one that a customer's "
            "token carries too",
        ),
    ] = ("laurels=service",)
    auth_sources: Annotated[
        tuple[str, ...],
        _setting(
            "auth.sources",
            "the only sources that a service may write under, as sub=source; a service that is not named: any",
        ),
    ] = ()
    auth_scope_claim: Annotated[
        str, _setting("auth.scope_claim", "the claim that holds a service's scopes: a text with blanks, or a list")
    ] = "scope"
    auth_scope_prefix: Annotated[
        str, _setting("auth.scope_prefix", "what stands before each scope of ours, such as `laurels/`; others are not")
    ] = ""
    auth_keys_max_age_h: Annotated[
        Count,
        _setting(
            "auth.keys_max_age_h",
            "hours for which published keys count after the provider last confirmed them; then tokens get a 503",
        ),
    ] = 24
    names_key_file: Annotated[
        Path | None,
        _setting("names.key_file", "the secret behind proxy names, the same on every host; made under `state`"),
    ] = None
    notify_smtp_url: Annotated[
        str | None,
        _setting("notify.smtp_url", "smtp:// or smtps:// server for mails; none: .eml files under `state`/outbox"),
    ] = None
    notify_from: Annotated[
        str | None,
        _setting("notify.from", "the sender of mails, `Corner Shop <points@shop.example>`; needed for a mail server"),
    ] = None
    program_file: Annotated[
        Path | None, _setting("program.file", "the program (TOML); none: 1 point for every 10.00")
    ] = None
    catalogue_file: Annotated[
        Path | None, _setting("catalogue.file", "the checkout's catalogue (CSV: sku,title,unit_price,currency)")
    ] = None

    @property
    def names_key_path(self) -> Path:
        """Where the secret behind proxy names is."""
        return self.names_key_file or self.state / "names.key"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        """Every setting, without the secrets in URLs: this ends up in logs and tracebacks."""
        return [(field, _shown(field, getattr(self, field))) for field in self.__struct_fields__]

    def __repr__(self) -> str:
        return f"Settings({', '.join(f'{field}={value!r}' for field, value in self.__rich_repr__())})"


def without_secrets(url: str) -> str:
    """A URL without what in it may be secret: users, passwords, keys in a query, and on the web the path too."""
    return _URL.sub(_harmless, url)


def _harmless(url: re.Match[str]) -> str:
    found = _HOST.match(url[2])
    assert found, "it matches anything"
    host, path = found.groups("")
    return f"{url[1]}://{'***@' if '@' in url[2] else ''}{host}{'' if url[1].lower() in _WEB else path}"


def _shown(field: str, value: Any) -> Any:
    """A setting as it may be seen. What should be a URL and is none may still be a secret."""
    if not isinstance(value, str):
        return value
    if field.endswith("_url") and not value.isalnum() and not _URL.fullmatch(value):
        return "***"
    return without_secrets(value)


class Setting(Struct, frozen=True):
    """One row of the table."""

    name: str
    field: str
    environment: str
    default: Any
    help: str


def table() -> list[Setting]:
    """Every setting, in the order of the struct."""
    return list(_rows())


def load(
    flags: Mapping[str, Any] | None = None,
    environment: Mapping[str, str] | None = None,
    config: Path | None = None,
) -> Settings:
    """Settings from flags (by setting name, None: not given), environment and file. Raises `SettingsError` in one
    line.
    """
    environment = os.environ if environment is None else environment
    values = {
        **_from_file(config or (Path(environment["LAURELS_CONFIG"]) if "LAURELS_CONFIG" in environment else None)),
        **_from_environment(environment),
        **{name: value for name, value in (flags or {}).items() if value is not None},
    }
    fields = {row.name: row.field for row in _rows()}
    try:
        return msgspec.convert(
            {fields[name]: value for name, value in values.items()}, Settings, strict=False, dec_hook=_convert
        )
    except msgspec.ValidationError as error:
        message = str(error)
        for name, field in fields.items():
            message = message.replace(f"`$.{field}", f"`{name}")
        # Neither the message nor its cause may show a value that has a secret in it.
        message = _VALUE.sub(" value", message) if "://" in message or "@" in message else message
        raise SettingsError(f"The settings are not valid: {message}") from None


def _convert(kind: type, value: Any) -> Any:
    if kind is Path and isinstance(value, str | Path) and str(value):
        return Path(value)
    raise ValueError("must be a path")


def _rows() -> Iterator[Setting]:
    hints = get_type_hints(Settings, include_extras=True)
    defaults = {field.name: field for field in msgspec.structs.fields(Settings)}
    for field, hint in hints.items():
        meta = next(meta for meta in hint.__metadata__ if isinstance(meta, Meta) and meta.extra)
        assert meta.extra is not None
        info = defaults[field]
        default = info.default if info.default is not msgspec.NODEFAULT else info.default_factory()
        name = meta.extra["name"]
        yield Setting(name, field, _PREFIX + name.replace(".", "_").upper(), default, meta.description or "")


def _from_environment(environment: Mapping[str, str]) -> dict[str, Any]:
    names = {row.environment: row.name for row in _rows()}
    lists = {row.name for row in _rows() if isinstance(row.default, tuple)}
    values: dict[str, Any] = {}
    for key, value in environment.items():
        if key in names:
            values[names[key]] = _parts(value) if names[key] in lists else value
        elif key.startswith(_PREFIX) and not key.startswith(_NOT_SETTINGS):
            raise SettingsError(f"The environment has {key}, which is no setting.{_nearest(key, names)}")
    return values


def _parts(value: str) -> list[str]:
    """A list as the environment has it, its parts separated by commas."""
    return [part.strip() for part in value.split(",") if part.strip()]


def _from_file(config: Path | None) -> dict[str, Any]:
    path = config or CONFIG_FILE
    try:
        text = path.read_text("utf-8")
    except FileNotFoundError:
        if config is None:
            return {}
        raise SettingsError(f"There is no settings file {path}.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"The settings file {path} cannot be read: {error}") from error
    try:
        nested = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"The settings file {path} is not valid TOML: {error}") from error
    values = dict(_flattened(nested))
    names = [row.name for row in _rows()]
    for name in values:
        if name not in names:
            raise SettingsError(f"The settings file {path} has {name}, which is no setting.{_nearest(name, names)}")
    return values


def _flattened(nested: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in nested.items():
        if isinstance(value, dict):
            yield from _flattened(value, f"{prefix}{key}.")
        else:
            yield prefix + key, value


def _nearest(key: str, known: Mapping[str, Any] | list[str]) -> str:
    near = difflib.get_close_matches(key, list(known), n=1, cutoff=0.4)
    return f" Did you mean {near[0]}?" if near else ""
