"""Charts as SVG, behind one function. Colours are the stylesheet's variables, so one picture serves light and dark, and
there is no style and no script in it: the strict policy holds.

The library is an extra's: where no wheel of it fits, pages show the tables that stand under every chart anyhow. So they
do while the process that draws is not there.
"""

import asyncio
import hashlib
from collections.abc import Mapping, Sequence
from functools import partial
from importlib.util import find_spec
from typing import Any

import msgspec
from markupsafe import Markup

from laurels.console.chart_process import ChartProcess

WIDE, NARROW = 1060, 340
HEIGHT = 220
_MOST_KEPT = 64

NO_WHEEL = "Charts are tables here: the library vl-convert-python is not installed."
DIED = "Charts are tables here for now: the process that draws them ended, and is being started again."

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
    """Has charts drawn, and keeps what was drawn by the digest of its data. Close it at the end."""

    def __init__(self, process: ChartProcess | None = None) -> None:
        """`process` draws; None: charts are tables."""
        self._process = process
        self._drawn: dict[bytes, asyncio.Task[Markup]] = {}

    @property
    def away(self) -> str | None:
        """Why charts are tables now; None where they are not."""
        if self._process is None:
            return NO_WHEEL
        return DIED if self._process.has_died else None

    def begin(self) -> None:
        """Make ready to draw, before people come. Whoever asks for a chart meanwhile waits for that."""
        if self._process is not None:
            self._process.begin()

    async def close(self) -> None:
        """Let go of the process that draws."""
        if self._process is not None:
            await self._process.close()
        for drawing in self._drawn.values():
            drawing.cancel()

    async def bars(
        self, marks: Sequence[BarSegment], series: Mapping[str, tuple[str, str]] = SERIES
    ) -> dict[str, Markup] | None:
        """Stacked bars of `series` by period, for wide and for narrow screens; None where nothing can be drawn. A
        picture takes some 20 ms, of another process, and one that was drawn before nothing.
        """
        if self._process is None or not marks:
            return None
        specs = (_spec(marks, series, wide) for wide in (WIDE, NARROW))
        wide, narrow = await asyncio.gather(*(self._picture(self._process, spec) for spec in specs))
        return {"wide": wide, "narrow": narrow} if wide and narrow else None

    async def _picture(self, process: ChartProcess, spec: Mapping[str, Any]) -> Markup:
        """A picture, drawn once for all who ask for it at the same time; empty where it is not drawn."""
        asked = msgspec.json.encode(spec)
        key = hashlib.blake2b(asked, digest_size=16).digest()
        drawing = self._drawn.get(key)
        if drawing is None:
            if len(self._drawn) >= _MOST_KEPT:
                self._drawn = {key: each for key, each in self._drawn.items() if not each.done()}
            drawing = self._drawn[key] = asyncio.create_task(_draw(process, asked))
            drawing.add_done_callback(partial(self._keep_drawn, key))
        return await asyncio.shield(drawing)  # who asked may go away, and others wait for it too

    def _keep_drawn(self, key: bytes, drawing: asyncio.Task[Markup]) -> None:
        """Keep a picture, and nothing else: what was not drawn, for whatever reason, is drawn when it is next asked."""
        is_drawn = not drawing.cancelled() and drawing.exception() is None and bool(drawing.result())
        if not is_drawn and self._drawn.get(key) is drawing:
            del self._drawn[key]


async def _draw(process: ChartProcess, spec: bytes) -> Markup:
    return Markup((await process.draw(spec)).decode())  # noqa: S704 - the library escapes what it draws


def charts() -> Charts:
    """Charts that are drawn where the library is installed."""
    if find_spec("vl_convert") is None:
        return Charts()
    return Charts(ChartProcess(msgspec.json.encode(_spec([BarSegment("2026-01", "earn", 1, "January")], SERIES, WIDE))))


_SHORT = (
    "test(/^[A-Z][a-z][a-z] [0-9]+$/, datum.label) ? datum.index == 0 || slice(datum.label, 0, 3) == 'Jan' "
    "? [slice(datum.label, 0, 3), slice(datum.label, 4)] : slice(datum.label, 0, 3) : datum.label"
)
"""Months in three letters that stand upright; the year below the first one and each January."""


_IN_SHORT = (
    "datum.value != round(datum.value) ? '' : abs(datum.value) < 1e4 ? format(datum.value, ',') : "
    "abs(datum.value) < 1e9 ? format(datum.value, '~s') : abs(datum.value) < 1e12 "
    "? format(datum.value / 1e9, '~r') + 'bn' : format(datum.value / 1e12, ',~r') + 'tn'"
)
"""Whole points as 500, 1,500, 20k, 1.5M, 2bn, 3tn: not by the prefixes of units, in which a billion is G."""


_FEW = 6


def _thin(marks: Sequence[BarSegment], width: int) -> dict[str, int]:
    """How wide bars are where they are few: those of a new shop's first months would fill the picture."""
    return {"size": width // 14} if len({mark.period for mark in marks}) <= _FEW else {}


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
        "mark": {"type": "bar", "cornerRadius": 1, **_thin(marks, width)},
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
                    "tickMinStep": 1,
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
