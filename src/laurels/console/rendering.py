"""Templates with the console's words and formats in them. Everything is escaped; nothing is marked safe."""

from collections.abc import Mapping
from functools import cache, partial
from types import CodeType
from typing import Any
from zoneinfo import ZoneInfo

from jinja2 import BytecodeCache, Environment, PackageLoader, StrictUndefined
from jinja2.bccache import Bucket
from markupsafe import Markup

from laurels.console import formats, words
from laurels.console.charts import Charts
from laurels.console.views import navigation, waiting
from laurels.model.money import format_amount


class _Compiled(BytecodeCache):
    """Templates that were compiled in this process, by their names and contents."""

    def __init__(self) -> None:
        self._codes: dict[tuple[str, str], CodeType] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        """As the library asks for it."""
        bucket.code = self._codes.get((bucket.key, bucket.checksum))

    def dump_bytecode(self, bucket: Bucket) -> None:
        """As the library asks for it."""
        assert bucket.code is not None, "it is given what it compiled"
        self._codes[bucket.key, bucket.checksum] = bucket.code


_COMPILED = _Compiled()


def compile_templates() -> None:
    """Compile every template now (0.3 s), so that nobody's first page waits for it."""
    environment = _environment(ZoneInfo("UTC"), Charts())
    for name in environment.list_templates():
        environment.get_template(name)


class Renderer:
    """Renders pages. `charts` say why they are tables, where they are."""

    def __init__(self, charts: Charts) -> None:
        self._charts = charts
        self._environments: dict[ZoneInfo, Environment] = {}

    def render(self, template: str, says: Mapping[str, Any], zone: ZoneInfo) -> str:
        """A page, its times in a zone. Templates are read for each zone, the shop's, and UTC until that is known; they
        are compiled once.
        """
        environment = self._environments.get(zone)
        if environment is None:
            environment = self._environments[zone] = _environment(zone, self._charts)
        return environment.get_template(template).render(**says)


def _environment(zone: ZoneInfo, charts: Charts) -> Environment:
    environment = Environment(
        loader=PackageLoader("laurels.console"),
        autoescape=True,
        bytecode_cache=_COMPILED,
        auto_reload=False,  # else each page looks whether its files have changed
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        number=formats.number,
        signed=formats.signed,
        begun=formats.begun,
        arrow=formats.arrow,
        period=formats.period,
        month_name=formats.month_name,
        points_of=formats.points_of,
        when=partial(formats.when, zone=zone),
        day=partial(formats.day, zone=zone),
        last_day=partial(formats.last_day, zone=zone),
        month=partial(formats.month, zone=zone),
    )
    environment.globals.update(
        charts=charts,
        formats=formats,
        words=words,
        minor=format_amount,
        actor=words.actor,
        icon_of=_icon,
        zone=str(zone),
        navigation=navigation,
        counted=waiting.shown,
        sentences=waiting.sentences,
        counts={},
        is_counted=True,
        as_of=None,
        what=None,
    )
    return environment


@cache  # a page has some fifty, of a few names
def _icon(name: str) -> Markup:
    """A picture of our own sprite."""
    return Markup('<svg class="icon" aria-hidden="true"><use href="/static/icons.svg#{}"></use></svg>').format(name)
