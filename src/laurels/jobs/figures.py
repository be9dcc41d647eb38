"""A report as rows of a file: the figure, of what, and its value."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from laurels.jobs.steps import ResultTable, Row

HEADER = ("figure", "of", "value")


def table_of(found: Mapping[str, Any]) -> ResultTable:
    """Builtins as a file. What a list holds is numbered from 1, and has a row for each of its fields: `2.points`."""
    return ResultTable(HEADER, [*_figures(found)])


def _figures(found: Mapping[str, Any]) -> Iterator[Row]:
    for figure, value in found.items():
        match value:
            case dict():
                yield from ((figure, of, each) for of, each in _flat(value.items()))
            case list():
                yield from ((figure, of, each) for of, each in _flat(enumerate(value, 1)))
            case _:
                yield figure, "", _in_a_cell(value)


def _flat(pairs: Iterable[tuple[Any, Any]]) -> Iterator[tuple[str, str | int | None]]:
    for of, value in pairs:
        if isinstance(value, dict):
            yield from ((f"{of}.{inner}", each) for inner, each in _flat(value.items()))
        else:
            yield str(of), _in_a_cell(value)


def _in_a_cell(value: Any) -> str | int | None:
    """A value as one cell holds it."""
    match value:
        case dict():
            return ", ".join(f"{name} {each}" for name, each in value.items() if each is not None)
        case list():
            return "; ".join(str(_in_a_cell(each)) for each in value)
        case bool():
            return "yes" if value else "no"
    kept: str | int | None = value
    return kept
