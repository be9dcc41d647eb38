"""Why a receiver of webhooks did not take an event, and what to do about it: its client's errors name their classes."""

import os
import ssl
from collections.abc import Iterator

import httpx

_NO_TLS = frozenset({"WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE"})
_REFUSED = frozenset({400, 401, 403})
_NOT_THERE = frozenset({404, 405})


def why_unreached(error: BaseException, host: str, port: int) -> str:
    """What to say where a request came to no answer."""
    for each in _came_from(error):
        if isinstance(each, ssl.SSLError):
            return _why_not_secure(each, host, port)
        if isinstance(each, httpx.ConnectTimeout):
            return f"{host} takes no connection at port {port} in time: does a firewall stop it?"
        if isinstance(each, httpx.TimeoutException | TimeoutError):
            return f"{host} did not answer in time: a receiver answers 2xx at once, and works afterwards."
        if isinstance(each, httpx.ReadError | httpx.WriteError):
            break
        if isinstance(each, OSError) and each.errno:
            why = each.strerror if each.errno < 0 else os.strerror(each.errno)
            return f"{host} cannot be reached at port {port} ({why})."
    return f"{host} closed the connection, or what it answered is no HTTP: is that the address of the receiver?"


def why_refused(status: int, host: str) -> str:
    """What to say of an answer that is not 2xx."""
    if 300 <= status < 400:  # noqa: PLR2004 - redirects
        return f"{host} answered {status}, and redirects are not followed: name the address that it leads to."
    if status in _REFUSED:
        return (
            f"{host} answered {status}: does it check signatures with the secret that "
            "`laurels events ADDRESS --secret` prints?"
        )
    if status in _NOT_THERE:
        return f"{host} answered {status}: is the path in its address right?"
    return f"{host} answered {status}."


def _why_not_secure(error: ssl.SSLError, host: str, port: int) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"The certificate of {host} is not trusted: {error.verify_message or error.reason}."
    if (error.reason or "") in _NO_TLS:
        return f"{host} does not speak TLS at port {port}."
    return f"{host} broke off while the encrypted connection was made at port {port}."


def _came_from(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
