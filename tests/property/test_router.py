"""The router finds what an obvious twin finds: every pattern tried one after the other."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from laurels.http.app import ROUTES
from laurels.http.problems import Refusal
from laurels.http.router import Router

PARTS = ["members", "number", "tier", "x", "{a_id}", "{b}"]
patterns = st.lists(st.sampled_from(PARTS), max_size=4, unique=True).map(lambda parts: "/" + "/".join(parts))
paths = st.lists(st.sampled_from(["members", "number", "tier", "x", "y", "", "%2F"]), max_size=5).map(
    lambda parts: "/" + "/".join(parts)
)


def obvious(known: list[str], path: str) -> tuple[str, dict[str, str]] | None:
    """The pattern that fits, and the ids: the one with fewest, and of those the one whose ids stand first."""
    parts = path.split("/")
    fits = []
    for pattern in known:
        wanted = pattern.split("/")
        places = tuple(place for place, part in enumerate(wanted) if part.startswith("{"))
        if any(place < len(parts) and not parts[place] for place in places):
            continue
        same = (place in places or part == wanted[place] for place, part in enumerate(parts))
        if len(parts) == len(wanted) and all(same):
            fits.append((len(places), places, pattern, {wanted[place][1:-1]: parts[place] for place in places}))
    return None if not fits else min(fits, key=lambda fit: fit[:2])[2:]


def shape(pattern: str) -> str:
    return re.sub(r"{\w+}", "{}", pattern)


@given(known=st.lists(patterns, unique_by=shape, max_size=12), path=paths)
def test_the_router_finds_what_trying_all_finds(known: list[str], path: str) -> None:
    router = Router([("GET", pattern, pattern) for pattern in known])
    expected = obvious(known, path)
    if expected is None:
        with pytest.raises(Refusal) as refused:
            router.find(path)
        assert refused.value.status == 404
        return
    match = router.find(path)
    assert (match.endpoint("GET"), match.ids) == expected
    assert re.sub(r"{(\w+)}", lambda name: match.ids[name[1]], match.endpoint("GET")) == path, "spelled as it is"
    with pytest.raises(Refusal) as refused:
        match.endpoint("PUT")
    assert (refused.value.status, refused.value.allow) == (405, "GET, OPTIONS")


def test_every_route_is_found_by_its_own_path() -> None:
    router = Router([(route.method, route.path, route) for route in ROUTES])
    for route in ROUTES:
        path = re.sub(r"{(\w+)}", r"some-\1", route.path)
        match = router.find(path)
        assert match.endpoint(route.method) is route
        assert match.ids == {name: f"some-{name}" for name in re.findall(r"{(\w+)}", route.path)}


def test_two_of_one_kind_are_refused() -> None:
    for pattern in ("/a/{b}", "/a/{c}"):
        with pytest.raises(ValueError, match="there already"):
            Router([("GET", "/a/{b}", 1), ("GET", pattern, 2)])
