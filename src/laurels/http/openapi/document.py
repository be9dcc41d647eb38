"""The API's description (OpenAPI 3.1), made from what the routes declare and from the structs that validate."""

import inspect
import re
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

import msgspec

from laurels.errors import (
    InvalidInput,
    IssuerUnavailable,
    LaurelsError,
    NotAllowed,
    NotSignedIn,
    TooLarge,
    TooManyRequests,
    UnknownMember,
    WrongMediaType,
)
from laurels.http.openapi.answer_examples import ANSWERS
from laurels.http.openapi.examples import IDS, REQUESTS
from laurels.http.problems import KINDS, MEDIA_TYPE, Problem, ProblemKind, kind_of
from laurels.http.routes import BULK_DOCUMENTS, Route
from laurels.model import DocumentKind
from laurels.model.currencies import DECIMALS
from laurels.model.ids import ID, MAX_ID_CHARACTERS

Json = dict[str, Any]

EVENTS = "text/event-stream"

_REF = "#/components/schemas/{name}"
_ID_PATTERN = rf"^{ID}\Z"
_IDENTIFIER: Json = {"$ref": _REF.format(name="Id")}
_SHARED: Mapping[str, Json] = {
    "Id": {
        "type": "string",
        "minLength": 1,
        "maxLength": MAX_ID_CHARACTERS,
        "pattern": _ID_PATTERN,
        "description": "1 to 128 printable characters (at most 255 bytes of UTF-8), without white space at the ends; "
        "neither `.` nor `..`; in a path percent-encoded",
    },
    "Currency": {
        "type": "string",
        "enum": sorted(DECIMALS),
        "description": "ISO 4217; orders in a currency that the program does not name are quarantined",
    },
}
"""Schemas that are told once, for they are long."""
_TEXT: Json = {"type": "string"}

_PARAMETERS = {
    "member_id": ("the shop's own id of a customer", _IDENTIFIER),
    "order_id": ("the order's id in the system that numbers orders", _IDENTIFIER),
    "refund_id": ("the refund's id in the system that numbers refunds", _IDENTIFIER),
    "redemption_id": ("the redemption's id in its circle", _IDENTIFIER),
    "number": ("a member's number", {"type": "integer", "minimum": 0}),
    "hold_id": ("the hold's id in its circle", _IDENTIFIER),
    "board": ("`all-time`, `month` or `month:YYYY-MM`", _TEXT),
    "message_id": ("a message's id", _TEXT),
    "job": ("a job's number", {"type": "integer", "minimum": 1}),
    "kind": ("the kind of a document", {"type": "string", "enum": list(DocumentKind)}),
    "source": ("the system that numbered the document", _TEXT),
    "id": ("the document's id in that system", _TEXT),
    "which": ("a version of the program, or a draft's digest", _TEXT),
    "name": ("the last part of a problem's `type`", _TEXT),
}
"""What stands in a path, and the schema that it has."""

_HEADERS: Mapping[str, Json] = {
    "X-Request-Id": {"description": "the client's own, where it sent a sane one; the log has it too", "schema": _TEXT},
    "RateLimit": {
        "description": "for members: requests that are left (`r`), and in how many seconds there are more (`t`)",
        "schema": _TEXT,
    },
    "Retry-After": {"description": "seconds to wait", "schema": {"type": "integer", "minimum": 1}},
    "WWW-Authenticate": {"description": "what kind of token is wanted", "schema": _TEXT},
    "ETag": {"description": "for `If-None-Match`", "schema": _TEXT},
}

_INTRODUCTION = """\
Times are RFC 3339 with an offset. Money is a decimal string in major units. Unknown fields are refused.
Send `Authorization: Bearer` and a JWT. A member's token has the claim `sub`, which is its member id. A service's token
is one that the setting `auth.services` says is one; its claim `scope` says what it may, separated by spaces. Errors are
problem documents (RFC 9457)."""


def openapi(routes: Sequence[Route], version: str, prefix: str = "") -> Json:
    """The whole document. `prefix` stands before each path."""
    schemas, components = _schemas(routes)
    paths: dict[str, Json] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, schemas)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Laurels",
            "version": version,
            "summary": "Loyalty points and live rankings for shops.",
            "description": _INTRODUCTION,
        },
        **({"servers": [{"url": prefix}]} if prefix else {}),
        "paths": paths,
        "components": {
            "schemas": components,
            "headers": _HEADERS,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}},
        },
        "x-problems": msgspec.to_builtins(list(KINDS.values())),
    }


def _schemas(routes: Sequence[Route]) -> tuple[Mapping[Any, Json], Json]:
    """The schema of each type that a route names, and the components that these refer to."""
    types: list[Any] = [Problem]
    for route in _with_members_own(routes):
        types += [route.form, route.bulk_of, *route.answers.values()]
    wanted = list(dict.fromkeys(one for one in types if one is not None))
    schemas, components = msgspec.json.schema_components(wanted, ref_template=_REF)
    for query in dict.fromkeys(route.query for route in routes):  # its fields are parameters, not it
        if query is None:
            continue
        _, named = msgspec.json.schema_components([query], ref_template=_REF)
        components |= {name: schema for name, schema in named.items() if name != query.__name__}
    for component in components.values():
        component["description"] = " ".join(component.get("description", "").split())
        _share(component)
    return dict(zip(wanted, schemas, strict=True)), {**components, **_SHARED}


def _share(schema: Any) -> None:
    """Put references in the place of ids and currencies in a schema; their own descriptions and examples stay."""
    if isinstance(schema, dict):
        if schema.get("pattern") == _ID_PATTERN:
            del schema["pattern"], schema["type"]
            schema["$ref"] = _IDENTIFIER["$ref"]
        elif schema.get("enum") == _SHARED["Currency"]["enum"]:
            schema.clear()
            schema["$ref"] = _REF.format(name="Currency")
        for part in schema.values():
            _share(part)
    elif isinstance(schema, list):
        for part in schema:
            _share(part)


def _with_members_own(routes: Sequence[Route]) -> list[Route]:
    return [*routes, *(route.for_members for route in routes if route.for_members is not None)]


def _operation(route: Route, schemas: Mapping[Any, Json]) -> Json:
    """A route's description; where members have one of their own at the same place, of both."""
    operation = _one_operation(route, schemas)
    if route.for_members is None:
        return operation
    own = _one_operation(route.for_members, schemas)
    content, of_own = (each["requestBody"]["content"]["application/json"] for each in (operation, own))
    content["schema"] = {"oneOf": [content["schema"], of_own["schema"]]}
    content["examples"] |= of_own["examples"]
    operation["responses"] = _joined(operation["responses"], own["responses"])
    operation["security"].append({"token": []})
    operation["description"] = f"{operation['description']} {own['summary']} {own['description']}"
    operation["x-members"] = own["x-members"]
    return operation


def _joined(responses: Json, others: Json) -> Json:
    joined = {**others, **responses}
    for status in responses.keys() & others.keys():
        types = [*responses[status]["x-problems"], *others[status]["x-problems"]]
        joined[status] = {**responses[status], "description": _titles(types), "x-problems": [*dict.fromkeys(types)]}
    return dict(sorted(joined.items()))


def _one_operation(route: Route, schemas: Mapping[Any, Json]) -> Json:
    summary, _, description = (inspect.getdoc(route.handle) or "").partition("\n\n")
    operation: Json = {
        "operationId": route.handle.__name__,
        "summary": " ".join(summary.split()),
        "parameters": [*_path_parameters(route), *_query_parameters(route), *_headers(route)],
        "responses": _responses(route, schemas),
    }
    if description:
        operation["description"] = " ".join(description.split())
    if route.takes_body:
        operation["requestBody"] = _body(route, schemas)
    if route.access is not None:
        # One requirement for each scope: any of them is enough.
        operation["security"] = [{"token": [scope]} for scope in route.access.scopes] or [{"token": []}]
        operation["x-members"] = route.access.members
    return operation


def _path_parameters(route: Route) -> list[Json]:
    return [
        {
            "name": name,
            "in": "path",
            "required": True,
            "description": _PARAMETERS[name][0],
            "schema": _PARAMETERS[name][1],
            "example": IDS[name],
        }
        for name in re.findall(r"{(\w+)}", route.path)
    ]


def _query_parameters(route: Route) -> list[Json]:
    if route.query is None:
        return []
    _, components = msgspec.json.schema_components([route.query], ref_template=_REF)
    fields = components[route.query.__name__]["properties"]
    return [
        {"name": name, "in": "query", "required": False, "schema": _given(schema)} for name, schema in fields.items()
    ]


def _given(schema: Json) -> Json:
    """The schema of a parameter where it is given: that it may be left out is said elsewhere, and null it cannot be."""
    kinds = [one for one in schema.get("anyOf", ()) if one != {"type": "null"}]
    return kinds[0] if len(kinds) == 1 else schema


def _headers(route: Route) -> list[Json]:
    return [
        {"name": name, "in": "header", "required": False, "description": meaning, "schema": _TEXT}
        for name, meaning in route.headers.items()
    ]


def _body(route: Route, schemas: Mapping[Any, Json]) -> Json:
    examples = {name: {"value": body} for name, body in REQUESTS[route.handle.__name__].items()}
    if route.bulk_of is None:
        return {
            "required": route.needs_body,
            "content": {"application/json": {"schema": schemas[route.form], "examples": examples}},
        }
    lines = "\n".join(msgspec.json.encode(one).decode() for one in next(iter(examples.values()))["value"])
    return {
        "required": True,
        "content": {
            "application/json": {
                "schema": {"type": "array", "items": schemas[route.bulk_of], "maxItems": BULK_DOCUMENTS},
                "examples": examples,
            },
            "application/x-ndjson": {
                "schema": {"type": "string", "description": "one document a line"},
                "examples": {"One a line": {"value": lines}},
            },
        },
    }


def _responses(route: Route, schemas: Mapping[Any, Json]) -> Json:
    responses: Json = {}
    for status, body in route.answers.items():
        responses[str(status)] = _answer(route, status, None if body is None else schemas[body])
    for status, kinds in _problems(route).items():
        if str(status) not in responses:  # /readyz says 503 in words of its own
            responses[str(status)] = {
                "description": _titles([kind.type for kind in kinds]),
                "headers": _sent("X-Request-Id", *_OF_PROBLEM.get(status, ())),
                "content": {MEDIA_TYPE: {"schema": schemas[Problem]}},
                "x-problems": [kind.type for kind in kinds],
            }
    return responses


_OF_PROBLEM: Mapping[int, tuple[str, ...]] = {
    HTTPStatus.UNAUTHORIZED: ("WWW-Authenticate",),
    HTTPStatus.FORBIDDEN: ("WWW-Authenticate",),
    HTTPStatus.TOO_MANY_REQUESTS: ("Retry-After", "RateLimit"),
    HTTPStatus.SERVICE_UNAVAILABLE: ("Retry-After",),
}
"""The headers that a problem is sent with, beside the one that all answers have."""


def _answer(route: Route, status: int, schema: Json | None) -> Json:
    tags = ("ETag",) if 304 in route.answers else ()  # noqa: PLR2004
    answer: Json = {"description": HTTPStatus(status).phrase, "headers": _sent("X-Request-Id", *tags)}
    if schema is None:
        return answer
    media_type, _, _ = route.media_type.partition(";")
    content: Json = {"schema": _event(schema) if media_type == EVENTS else schema}
    example = ANSWERS.get(route.handle.__name__)
    if example is not None and status == next(iter(route.answers)):
        content["example"] = example
    return answer | {"content": {media_type: content}}


def _event(schema: Json) -> Json:
    """One server-sent event: its fields, as the specification of events reads them."""
    data = {"type": "string", "contentMediaType": "application/json", "contentSchema": schema}
    return {
        "description": "each of the server-sent events",
        "type": "object",
        "properties": {"id": {"type": "string", "description": "of a board: its `as_of`"}, "data": data},
        "required": ["data"],
    }


def _sent(*names: str) -> Json:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


def _problems(route: Route) -> dict[int, list[ProblemKind]]:
    """The kinds of problem that a route may be answered with, by status: its own, and those that follow from its
    declaration.
    """
    kinds = [kind for error in (*_followed(route), *route.problems) if (kind := kind_of(error)) is not None]
    if route.query is not None:
        kinds.append(KINDS["address-too-long"])
    if route.headers:
        kinds.append(KINDS["head-too-large"])
    by_status: dict[int, list[ProblemKind]] = {}
    for kind in dict.fromkeys(kinds):
        by_status.setdefault(kind.status, []).append(kind)
    return dict(sorted(by_status.items()))


def _titles(types: Sequence[str]) -> str:
    return "; ".join(kind.title for kind in KINDS.values() if kind.type in types)


def _followed(route: Route) -> list[type[LaurelsError]]:
    followed: list[type[LaurelsError]] = []
    if route.access is not None:
        followed += [NotSignedIn, NotAllowed, TooManyRequests, IssuerUnavailable]
        if route.access.members == "own":
            followed.append(UnknownMember)
    if route.takes_body:
        followed += [TooLarge, WrongMediaType, InvalidInput]
    if route.query is not None or route.changes or "_id}" in route.path:
        followed.append(InvalidInput)
    return followed
