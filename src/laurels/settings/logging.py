"""Settings of the log."""

from typing import Annotated, Literal

from laurels.settings.group import SettingsGroup, about


class LogSettings(SettingsGroup, frozen=True):
    """What is logged, and how it looks."""

    level: Annotated[
        Literal["debug", "info", "warning", "error"],
        about("the least that is logged; of what the libraries log, `warning` at least"),
    ] = "info"
    format: Annotated[
        Literal["auto", "text", "json"], about("lines for people, or JSON; `auto`: lines on a terminal, else JSON")
    ] = "auto"
