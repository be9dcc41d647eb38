"""Talks to Laurels over HTTP, and tells what is wrong with a message from what is wrong with the way there."""

from collections.abc import Callable, Sequence
from http import HTTPStatus
from typing import Any, NamedTuple

import httpx

OK = {HTTPStatus.OK, HTTPStatus.ACCEPTED}
NOT_ABOUT_THE_MESSAGE = {
    HTTPStatus.UNAUTHORIZED,
    HTTPStatus.FORBIDDEN,
    HTTPStatus.REQUEST_TIMEOUT,
    HTTPStatus.TOO_MANY_REQUESTS,
    HTTPStatus.BAD_GATEWAY,
    HTTPStatus.SERVICE_UNAVAILABLE,
    HTTPStatus.GATEWAY_TIMEOUT,
}
"""What every message would be answered now: wait, or fix the token."""


class Away(Exception):
    """Laurels cannot be reached, or takes nothing now. Nothing is known about the message: send it again later."""

    def __init__(self, reason: str, retry_after_s: float = 0) -> None:
        super().__init__(reason)
        self.retry_after_s = retry_after_s


class Answer(NamedTuple):
    """What Laurels said to one message. `problem` says why in words where it was not taken."""

    status: int
    problem: str = ""

    @property
    def is_taken(self) -> bool:
        """It is durable there: now, or since an earlier time."""
        return self.status in OK

    @property
    def is_refused(self) -> bool:
        """It would be refused again: a person has to look."""
        return HTTPStatus.BAD_REQUEST <= self.status < HTTPStatus.INTERNAL_SERVER_ERROR


class Laurels:
    """A connection that is kept open. `token` gives the token for each request."""

    def __init__(self, url: str, token: Callable[[], str], *, timeout_s: float = 10) -> None:
        self._http = httpx.Client(base_url=url, timeout=timeout_s)
        self._token = token

    def send(self, path: str, content: Any) -> Answer:
        """Send one message. Raises `Away`."""
        answer, body = self._post(path, content)
        return Answer(answer.status_code, "" if answer.status_code in OK else _problem(answer.status_code, body))

    def send_orders(self, orders: Sequence[dict[str, Any]]) -> list[Answer] | None:
        """Send many orders at once: an answer for each, or None where the request was refused as a whole.

        Raises `Away`.
        """
        answer, results = self._post("/orders", orders)
        if answer.status_code not in OK:
            return None
        if not isinstance(results, list) or len(results) != len(orders):
            raise Away(f"{answer.url} did not answer as Laurels does")
        return [Answer(one["http"], "" if one["http"] in OK else _problem(one["http"], one)) for one in results]

    def _post(self, path: str, content: Any) -> tuple[httpx.Response, Any]:
        try:
            answer = self._http.post(path, json=content, headers={"Authorization": f"Bearer {self._token()}"})
        except httpx.HTTPError as error:
            raise Away(f"{self._http.base_url} does not answer: {error}") from error
        # A proxy on the way has error pages, and even pages with status 200, of its own. They say nothing about the
        # message, so only what is written as Laurels writes it counts.
        expected = "application/json" if answer.status_code in OK else "application/problem+json"
        if answer.headers.get("Content-Type", "").partition(";")[0] != expected:
            raise Away(f"{answer.url} did not answer as Laurels does (status {answer.status_code})")
        if answer.status_code in NOT_ABOUT_THE_MESSAGE:
            raise Away(_problem(answer.status_code, answer.json()), _retry_after_s(answer))
        return answer, answer.json()


def _retry_after_s(answer: httpx.Response) -> float:
    wait = answer.headers.get("Retry-After", "")
    return float(wait) if wait.isdecimal() else 0


def _problem(status: int, body: dict[str, Any]) -> str:
    """A problem document, or a result in a list, as one line for a person."""
    fields = "; ".join(f"{one['field']}: {one['message']}" for one in body.get("errors", ()))
    return f"{status} {fields or body.get('detail') or body.get('status', '')}"
