"""The API's description (OpenAPI 3.1), made from what the routes declare and from the structs that validate."""

import inspect
import re
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

import msgspec

from laurels.http.problems import MEDIA_TYPE, Problem
from laurels.http.routes import Route
from laurels.model.ids import ID

Json = dict[str, Any]

_REF = "#/components/schemas/{name}"


def openapi(routes: Sequence[Route], version: str) -> Json:
    """The whole document."""
    schemas, components = _schemas(routes)
    paths: dict[str, Json] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, schemas)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Laurels", "version": version, "summary": "Loyalty points and live rankings for shops."},
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}},
        },
    }


def _schemas(routes: Sequence[Route]) -> tuple[Mapping[Any, Json], Json]:
    """The schema of each type that a route names, and the components that these refer to."""
    types: list[Any] = [Problem]
    for route in _with_members_own(routes):
        types += [route.form, route.bulk_of, *route.answers.values()]
    wanted = list(dict.fromkeys(one for one in types if one is not None))
    schemas, components = msgspec.json.schema_components(wanted, ref_template=_REF)
    return dict(zip(wanted, schemas, strict=True)), components


def _with_members_own(routes: Sequence[Route]) -> list[Route]:
    return [*routes, *(route.for_members for route in routes if route.for_members is not None)]


def _operation(route: Route, schemas: Mapping[Any, Json]) -> Json:
    """A route's description; where members have one of their own at the same place, of both."""
    operation = _one_operation(route, schemas)
    if route.for_members is None:
        return operation
    own = _one_operation(route.for_members, schemas)
    bodies = [each["requestBody"]["content"]["application/json"]["schema"] for each in (operation, own)]
    operation["requestBody"]["content"]["application/json"]["schema"] = {"oneOf": bodies}
    operation["responses"] = dict(sorted({**own["responses"], **operation["responses"]}.items()))
    operation["security"].append({"token": []})
    operation["description"] = f"{operation['description']} {own['summary']} {own['description']}"
    operation["x-members"] = own["x-members"]
    return operation


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
    schemas = {"board": {"type": "string"}}
    identifier = {"type": "string", "pattern": f"^{ID}$"}
    return [
        {"name": name, "in": "path", "required": True, "schema": schemas.get(name, identifier)}
        for name in re.findall(r"{(\w+)}", route.path)
    ]


def _query_parameters(route: Route) -> list[Json]:
    if route.query is None:
        return []
    _, components = msgspec.json.schema_components([route.query], ref_template=_REF)
    fields = components[route.query.__name__]["properties"]
    return [{"name": name, "in": "query", "required": False, "schema": schema} for name, schema in fields.items()]


def _headers(route: Route) -> list[Json]:
    return [
        {"name": name, "in": "header", "required": False, "description": meaning, "schema": {"type": "string"}}
        for name, meaning in route.headers.items()
    ]


def _body(route: Route, schemas: Mapping[Any, Json]) -> Json:
    if route.bulk_of is None:
        return {"required": True, "content": {"application/json": {"schema": schemas[route.form]}}}
    one = schemas[route.bulk_of]
    return {
        "required": True,
        "content": {
            "application/json": {"schema": {"type": "array", "items": one}},
            "application/x-ndjson": {"schema": one},
        },
    }


def _responses(route: Route, schemas: Mapping[Any, Json]) -> Json:
    responses: Json = {}
    for status, body in route.answers.items():
        responses[str(status)] = {"description": HTTPStatus(status).phrase}
        if body is not None:
            responses[str(status)]["content"] = {"application/json": {"schema": schemas[body]}}
    for status in _problem_statuses(route):
        responses[str(status)] = {
            "description": HTTPStatus(status).phrase,
            "content": {MEDIA_TYPE: {"schema": schemas[Problem]}},
        }
    return responses


def _problem_statuses(route: Route) -> list[int]:
    """The route's own, and those that follow from its declaration."""
    statuses = {*route.problems}
    if route.access is not None:
        statuses |= {401, 403, 429}
    if route.takes_body:
        statuses |= {413, 415, 422}
    if route.query is not None or "_id}" in route.path:
        statuses.add(422)
    return sorted(statuses)
