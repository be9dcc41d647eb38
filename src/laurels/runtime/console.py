"""`laurels console`: the operators' pages, in a process of their own that serves nobody else."""

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx

from laurels.console import OneTimeCodes, Person, Setup, client_of, compile_templates, create_console
from laurels.console.charts import charts
from laurels.console.entry import SIGN_IN
from laurels.console.oidc import Oidc, OidcClient, is_safe
from laurels.errors import SettingsError
from laurels.http import create_app, open_auth, serve_pages
from laurels.http.admission.jwks import PublishedKeys
from laurels.http.admission.person_tokens import PersonTokens, console_key, cookie_secret
from laurels.http.admission.startup_checks import is_loopback
from laurels.keyfile import read_secret, refusal
from laurels.model.people import ROLES
from laurels.runtime.console_figures import figures_told
from laurels.runtime.warming import MANY_PAGES, warm_up
from laurels.settings import Settings
from laurels.wiring import Services


def person_named(name: str, roles: str) -> Person:
    """The person whom the terminal names. Raises `SettingsError` for a role that is none."""
    given = tuple(roles.replace(",", " ").split())
    unknown = [role for role in given if role not in ROLES]
    if unknown or not given:
        raise SettingsError(f"--roles: {unknown[0] if unknown else 'none'} is no role. There are {', '.join(ROLES)}.")
    if not name or not name.isprintable():
        raise SettingsError("--as: name a person.")
    return Person(sub=name, name=name, roles=given)


def check_addresses(settings: Settings) -> None:
    """Raise `SettingsError`, which does not repeat it, for an address that nobody could be sent to, or that holds what
    the console would show or drop.
    """
    said = settings.console
    for name, address in (("api", said.api), ("address", said.address), ("issuer", said.issuer)):
        if address is not None and not _is_bare(address):
            raise SettingsError(
                f"console.{name} has to be an address such as https://loyalty.example.com, without a user, a query or "
                "a fragment."
            )


def _is_bare(address: str) -> bool:
    try:
        parts = urlsplit(address)
        is_port = parts.port != 0
    except ValueError:
        return False
    is_web = parts.scheme in {"http", "https"} and bool(parts.hostname) and is_port
    return is_web and not {*"?#@ "} & {*address}


async def serve_console(
    settings: Settings,
    services: Services | None,
    stop: asyncio.Event,
    *,
    person: Person,
    tell: Callable[[str], None],
    on_ready: Callable[[], None] = lambda: None,
) -> None:
    """Serve the pages until `stop` is set. `services`: the API is answered here; None: `console.api` is asked. `tell`
    is given an address that signs the person in once, and another one each time that it was used.

    Raises `SettingsError` where the address would be open to other machines and a terminal signs people in.
    """
    host, known = settings.console.host, oidc_client(settings)
    if known is None:
        _check_alone(host)
    address = _Address(settings, tell)
    key = console_key(settings)
    api: Any = settings.console.api
    if services is not None:
        api = create_app(services, open_auth(settings, services.now, key))
    async with AsyncExitStack() as stack:
        codes, oidc = None, None
        if known is None:
            codes = OneTimeCodes(person, address.code)
        else:
            oidc = Oidc(known, await stack.enter_async_context(httpx.AsyncClient(trust_env=True)))
        client = await stack.enter_async_context(client_of(api))
        secure = known is not None and known.redirect_uri.startswith("https://")
        drawn = charts()
        stack.push_async_callback(drawn.close)
        drawn.begin()
        await asyncio.gather(asyncio.to_thread(compile_templates), _warmed_up(services))
        app = create_console(
            Setup(
                http=client,
                sign=_signer(PersonTokens(key)),
                codes=codes,
                secret=cookie_secret(key),
                cookie=_cookie(settings, secure=secure),
                charts=drawn,
                secure=secure,
                oidc=oidc,
            )
        )
        await stack.enter_async_context(figures_told(settings, services))
        told = address.at if known is None else lambda _: tell(settings.console.address or "")
        await serve_pages(settings, app, stop, _both(told, on_ready), host=host, port=settings.console.port)


async def _warmed_up(services: Services | None) -> None:
    if services is not None:
        await warm_up(services.ledger, MANY_PAGES)


def _both(told: Callable[[int], None], on_ready: Callable[[], None]) -> Callable[[int], None]:
    """Tell where people come in, and then that they may."""

    def ready(port: int) -> None:
        told(port)
        on_ready()

    return ready


def _check_alone(host: str) -> None:
    if not is_loopback(host):
        raise SettingsError(
            f"console.host is {host}: people sign in by an address from the terminal, so the console listens on this "
            "machine alone, at 127.0.0.1 or ::1. With `console.issuer` an identity provider signs them in."
        )


def _signer(tokens: PersonTokens) -> Callable[[Person], str]:
    return lambda who: tokens.sign(who.sub, who.name, who.roles)


def _cookie(settings: Settings, *, secure: bool) -> str:
    """What the session's cookie is called. Consoles behind one address share it, whatever ports they listen at; those
    that people reach at their own ports have one each, since cookies know no ports.
    """
    address, port = settings.console.address, settings.console.port
    part = port if address is None else urlsplit(address).port
    return f"{'__Host-' if secure else ''}laurels-console{'' if part is None else f'-{part}'}"


def oidc_client(settings: Settings) -> OidcClient | None:
    """Who the console is to its identity provider; None where a terminal signs people in. Raises `SettingsError`."""
    said = settings.console
    if said.issuer is None:
        return None
    if said.client_id is None or said.address is None or not said.roles:
        raise SettingsError("console.issuer needs console.client_id, console.address and console.roles.")
    for name, address in (("issuer", said.issuer), ("address", said.address)):
        if not is_safe(address):
            raise SettingsError(f"console.{name} has to be an https address.")
    secret = None
    if said.client_secret_file is not None:
        secret = _client_secret(said.client_secret_file)
    return OidcClient(
        issuer=said.issuer,
        client_id=said.client_id,
        secret=secret,
        redirect_uri=f"{said.address.rstrip('/')}{SIGN_IN}/callback",
        roles=tuple(map(_role, said.roles)),
        keys_at=lambda url: PublishedKeys(url).find,
    )


def _client_secret(path: Path) -> str:
    title = "the identity provider (console.client_secret_file)"
    try:
        secret = read_secret(path, title).decode("utf-8").strip()
    except UnicodeDecodeError as error:
        raise refusal(path, title, "is no text") from error
    if not secret:
        raise refusal(path, title, "is empty")
    return secret


def _role(written: str) -> tuple[str, str, str]:
    role, _, rest = written.partition(":")
    claim, _, value = rest.partition("=")
    if role not in ROLES or not claim or not value:
        raise SettingsError(
            f"console.roles has {written!r}: write role:claim=value, as support:groups=loyalty-support, with one of "
            f"{', '.join(ROLES)}."
        )
    return role, claim, value


class _Address:
    """Tells the address of each code, once the port is known."""

    def __init__(self, settings: Settings, tell: Callable[[str], None]) -> None:
        self._host = settings.console.host
        self._tell = tell
        self._port: int | None = None
        self._code = ""

    def code(self, code: str) -> None:
        """There is another code."""
        self._code = code
        if self._port is not None:
            self._tell(f"http://{self._host}:{self._port}/sign-in?code={code}")

    def at(self, port: int) -> None:
        """Pages are answered at this port."""
        self._port = port
        self.code(self._code)
