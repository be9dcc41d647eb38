"""Charts as SVG, behind one function. Colours are the stylesheet's variables, so one picture serves light and dark, and
there is no style and no script in it: the strict policy holds.

The library is an extra's: where no wheel of it fits, pages show the tables that stand under every chart anyhow.
"""

import hashlib
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from typing import Any

import msgspec
from markupsafe import Markup

WIDE, NARROW = 1060, 340
HEIGHT = 220
_MOST_KEPT = 64

NO_WHEEL = "Charts are tables here: the library vl-convert-python is not installed."

SERIES: Mapping[str, tuple[str, str]] = {
    "earn": ("Earned", "var(--c1)"),
    "redeem": ("Spent", "var(--c2)"),
    "reverse": ("Taken back", "var(--c3)"),
    "expire": ("Lapsed", "var(--c4)"),
    "adjust": ("Corrected", "var(--c5)"),
}
"""What bars of movements show: always in this order and these colours."""

OUTSTANDING: Mapping[str, tuple[str, str]] = {"outstanding": ("Outstanding", "var(--c1)")}
"""What bars of what there is show."""


class BarSegment(msgspec.Struct, frozen=True):
    """One part of a bar. `says` is read aloud, and shown under the pointer."""

    period: str
    series: str
    points: int
    says: str


class Charts:
    """Draws, and keeps what was drawn by the digest of its data."""

    def __init__(self) -> None:
        self.away = None if find_spec("vl_convert") else NO_WHEEL
        self._drawn: dict[bytes, Markup] = {}

    def bars(
        self, marks: Sequence[BarSegment], series: Mapping[str, tuple[str, str]] = SERIES
    ) -> dict[str, Markup] | None:
        """Stacked bars of `series` by period, for wide and for narrow screens; None where nothing can be drawn. The
        first picture of a process takes half a second, the next ones some 30 ms each, and one that was drawn before
        nothing.
        """
        if self.away is not None or not marks:
            return None
        return {"wide": self._draw(_spec(marks, series, WIDE)), "narrow": self._draw(_spec(marks, series, NARROW))}

    def _draw(self, spec: Mapping[str, Any]) -> Markup:
        import vl_convert  # noqa: PLC0415 - in the extra `console`, takes a while to load

        key = hashlib.blake2b(msgspec.json.encode(spec), digest_size=16).digest()
        if key not in self._drawn:
            if len(self._drawn) >= _MOST_KEPT:
                self._drawn.clear()
            self._drawn[key] = Markup(vl_convert.vegalite_to_svg(dict(spec)))  # noqa: S704 - it escapes what it draws
        return self._drawn[key]


def warm_up() -> None:
    """Draw something for nobody: the first picture of a process takes half a second, in which it answers no one. For a
    thread beside the loop, before people come.
    """
    Charts().bars([BarSegment("2026-01", "earn", 1, "January")])


_SHORT = (
    "test(/^[A-Z][a-z][a-z] [0-9]+$/, datum.label) ? datum.index == 0 || slice(datum.label, 0, 3) == 'Jan' "
    "? [slice(datum.label, 0, 3), slice(datum.label, 4)] : slice(datum.label, 0, 3) : datum.label"
)
"""Months in three letters that stand upright; the year below the first one and each January."""


_IN_SHORT = "format(datum.value, abs(datum.value) < 10000 ? ',' : '~s')"
"""Points as 500, 1,500, 20k, 1.5M."""


def _spec(marks: Sequence[BarSegment], series: Mapping[str, tuple[str, str]], width: int) -> dict[str, Any]:
    axis = {"labelColor": "var(--muted)", "domainColor": "var(--line)", "tickColor": "var(--line)", "labelFontSize": 12}
    names = [label for label, _ in series.values()]
    rows = [
        {"period": mark.period, "what": series[mark.series][0], "points": mark.points, "says": mark.says}
        for mark in marks
    ]
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v5.json",
        "width": width - 70,
        "height": HEIGHT,
        "background": None,
        "data": {"values": rows},
        "mark": {"type": "bar", "cornerRadius": 1},
        "encoding": {
            "x": {
                "field": "period",
                "type": "ordinal",
                "sort": None,
                "axis": {**axis, "title": None, "labelAngle": 0, "labelExpr": _SHORT, "labelOverlap": "parity"},
                "scale": {"paddingInner": 0.4, "paddingOuter": 0.2},
            },
            "y": {
                "field": "points",
                "type": "quantitative",
                "axis": {
                    **axis,
                    "title": None,
                    "domain": False,
                    "ticks": False,
                    "gridColor": "var(--line)",
                    "tickCount": 5,
                    "labelExpr": _IN_SHORT,
                },
            },
            "color": {
                "field": "what",
                "type": "nominal",
                "scale": {"domain": names, "range": [colour for _, colour in series.values()]},
                "legend": None,
            },
            "order": {"field": "what", "sort": names},
            "description": {"field": "says"},
        },
        "config": {"view": {"stroke": None}, "font": "system-ui, sans-serif"},
    }
