"""Settings for tests, by flat names: `settings_with(state=folder, http_port=0)`."""

from typing import Any

from laurels.settings import Settings, table

NAMES = {row.name.replace(".", "_"): row.name for row in table()}


def settings_with(**values: Any) -> Settings:
    """The defaults with some settings changed; `http_port` is the setting `http.port`, None leaves the default."""
    plain: dict[str, Any] = {}
    groups: dict[str, dict[str, Any]] = {}
    for flat, value in values.items():
        group, dot, key = NAMES[flat].partition(".")
        if not dot:
            plain[group] = value
        elif value is not None:
            groups.setdefault(group, {})[{"from": "sender"}.get(key, key)] = value
    defaults = Settings()
    return Settings(**plain, **{group: type(getattr(defaults, group))(**given) for group, given in groups.items()})
