"""Errors as problem documents (RFC 9457): the one table of which error is answered by which status."""

from collections.abc import Sequence
from http import HTTPStatus

import structlog
from msgspec import UNSET, Struct, UnsetType

from laurels import errors
from laurels.errors import (
    Conflict,
    FieldError,
    InvalidInput,
    IssuerUnavailable,
    LaurelsError,
    NotAllowed,
    NotSignedIn,
    TooManyRequests,
    VersionNotReached,
)
from laurels.http.asgi import Scope
from laurels.http.routes import Response
from laurels.logs import describe

MEDIA_TYPE = "application/problem+json"
TYPES = "/problems/"
"""What each `type` begins with."""

RETRY_AFTER_S = 1

log = structlog.get_logger(__name__)


class Refusal(Exception):
    """A request that ends before a route is asked: there is none, or it is not as HTTP asks for it."""

    def __init__(self, status: int, *, allow: str = "") -> None:
        """`status` is one of those in `_BY_STATUS`; `allow` the methods that the address takes."""
        super().__init__(status)
        self.status = status
        self.allow = allow


class ProblemKind(Struct, frozen=True):
    """One kind of problem. `type` tells programs, and is where people are told what it means."""

    type: str
    title: str
    status: int
    meaning: str


def _kind(status: int, name: str, title: str, meaning: str) -> ProblemKind:
    return ProblemKind(f"{TYPES}{name}", title, status, meaning)


_ROWS: tuple[tuple[type[LaurelsError], int, str, str], ...] = (
    (errors.InvalidInput, 422, "invalid-input", "The input is not valid"),
    (errors.NotSignedIn, 401, "not-signed-in", "Not signed in"),
    (errors.NotAllowed, 403, "not-allowed", "Not allowed"),
    (errors.CheckoutClosed, 403, "checkout-closed", "No checkout"),
    (errors.NotFound, 404, "not-found", "Not found"),
    (errors.Conflict, 409, "conflict", "Conflict"),
    (errors.InsufficientPoints, 409, "insufficient-points", "Insufficient points"),
    (errors.PointsOutOfRange, 409, "points-out-of-range", "Points out of range"),
    (errors.VersionNotReached, 409, "version-not-reached", "Version not reached"),
    (errors.EventsMoved, 409, "events-moved", "The events are others now"),
    (errors.TooLarge, 413, "too-large", "Too large"),
    (errors.WrongMediaType, 415, "wrong-media-type", "Wrong media type"),
    (errors.TooManyRequests, 429, "too-many-requests", "Too many requests"),
    (errors.LedgerUnavailable, 503, "ledger-unavailable", "The ledger is not available"),
    (errors.IssuerUnavailable, 503, "issuer-unavailable", "The keys that tokens are checked with are not available"),
    (errors.PaymentsUnavailable, 503, "payments-unavailable", "The payment provider is not available"),
    (errors.BoardNotReady, 503, "board-not-ready", "The leaderboard is not ready"),
)
_BY_ERROR = {error: _kind(status, name, title, error.meaning()) for error, status, name, title in _ROWS}
"""The kind of each error, or of the nearest class above it."""

_BY_STATUS = {
    400: _kind(400, "bad-request", "Bad request", "The request is not valid HTTP, or not as HTTP asks for it."),
    404: _kind(404, "not-found", "Not found", "There is nothing at this address. /docs lists what there is."),
    405: _kind(
        405,
        "method-not-allowed",
        "Method not allowed",
        "This address does not take this method; `Allow` says which it takes.",
    ),
    408: _kind(408, "too-slow", "Too slow", "The request did not arrive in time. Send it again."),
    413: _kind(413, "too-large", "Too large", "The body is larger than one request may carry."),
    414: _kind(414, "address-too-long", "Address too long", "The address is longer than any that this server knows."),
    431: _kind(
        431,
        "head-too-large",
        "Head too large",
        "The address and the headers together are larger than one request may carry.",
    ),
    429: _kind(
        429,
        "too-many-queued",
        "Too many requests at once",
        "More requests were sent on this connection than are read ahead. Wait for the answers.",
    ),
    503: _kind(
        503, "busy", "Busy", "As many connections are open as this process takes. Wait a moment, then connect again."
    ),
}
"""What the router and the connection refuse before a route is asked."""

_UNFORESEEN = _kind(500, "internal-error", "Something went wrong here", "It is in the log under this X-Request-Id.")

KINDS = {
    kind.type.removeprefix(TYPES): kind
    for kind in sorted([_UNFORESEEN, *_BY_STATUS.values(), *_BY_ERROR.values()], key=lambda kind: kind.status)
}
"""Every kind of problem by its name, in the order of statuses."""


class FieldProblem(Struct, frozen=True):
    """One thing that is wrong with the input: which field, and what to do about it."""

    field: str
    message: str


class Problem(Struct, frozen=True, kw_only=True):
    """What went wrong. `type` tells programs, `detail` tells people."""

    type: str
    title: str
    status: int
    detail: str
    instance: str
    errors: list[FieldProblem] | UnsetType = UNSET
    requested: str | UnsetType = UNSET
    current: str | UnsetType = UNSET


def answer_problem(scope: Scope, error: Exception) -> Response:
    """The answer to any error that a request ends with. What nobody foresaw is logged, and not told."""
    problem, headers = problem_of(error, instance_of(scope))
    if problem.status == HTTPStatus.INTERNAL_SERVER_ERROR:
        log_fault(error, scope["state"].get("request_id"))
    return Response(problem.status, problem, headers, MEDIA_TYPE)


def log_fault(error: Exception, request_id: object) -> None:
    """Log what nobody foresaw: where it arose, not what it says."""
    log.error("http.unhandled", request_id=request_id, **describe(error))


def problem_of(error: Exception, instance: str) -> tuple[Problem, dict[str, str]]:
    """An error as a problem document, and the headers that go with it."""
    if isinstance(error, LaurelsError) and (kind := kind_of(type(error))) is not None:
        return _problem(kind, error.message, instance, error), _headers(error, kind.status)
    if isinstance(error, Refusal):
        kind = _BY_STATUS[error.status]
        return _problem(kind, kind.meaning, instance, error), _headers(error, kind.status)
    return _problem(_UNFORESEEN, _UNFORESEEN.meaning, instance, error), {}


def kind_of(error: type[Exception]) -> ProblemKind | None:
    """The kind that an error is answered as; None for one that nobody foresaw."""
    return next((_BY_ERROR[one] for one in error.__mro__ if one in _BY_ERROR), None)


def instance_of(scope: Scope) -> str:
    """The request's path, with `-` in place of the member's id.

    Problem documents are logged in many places, and the id may be an e-mail address. It also keeps the answers for a
    foreign and an unknown member alike.
    """
    member_id = scope.get("path_params", {}).get("member_id")
    return "/".join("-" if part == member_id else part for part in scope["path"].split("/"))


def _problem(kind: ProblemKind, detail: str, instance: str, error: Exception) -> Problem:
    return Problem(
        type=kind.type,
        title=kind.title,
        status=kind.status,
        detail=detail,
        instance=instance,
        errors=_errors(error),
        requested=error.requested if isinstance(error, VersionNotReached) else UNSET,
        current=error.current if isinstance(error, VersionNotReached) else UNSET,
    )


def _errors(error: Exception) -> list[FieldProblem] | UnsetType:
    if isinstance(error, Conflict) and error.fields:
        return conflict_problems(error)
    return field_problems(error) if isinstance(error, InvalidInput) else UNSET


def conflict_problems(error: Conflict) -> list[FieldProblem]:
    """Which fields differ from what came first."""
    return [FieldProblem(field, "is not what came first under this id") for field in error.fields]


def field_problems(error: InvalidInput) -> list[FieldProblem]:
    """What is wrong with each field."""
    return as_problems(error.errors)


def as_problems(errors: Sequence[FieldError]) -> list[FieldProblem]:
    """Faults of fields, as they are told."""
    return [FieldProblem(one.field, one.message) for one in errors]


def _headers(error: Exception, status: int) -> dict[str, str]:
    match error:
        case NotSignedIn():
            return {"WWW-Authenticate": 'Bearer realm="laurels"'}
        case NotAllowed(scopes=scopes) if scopes:
            return {
                "WWW-Authenticate": f'Bearer realm="laurels", error="insufficient_scope", scope="{" ".join(scopes)}"'
            }
        case TooManyRequests(retry_after_s=seconds) | IssuerUnavailable(retry_after_s=seconds):
            return {"Retry-After": str(seconds)}
        case Refusal(allow=allow) if allow:
            return {"Allow": allow}
    return {"Retry-After": str(RETRY_AFTER_S)} if status == HTTPStatus.SERVICE_UNAVAILABLE else {}
