"""Settings of the program."""

from pathlib import Path
from typing import Annotated

from laurels.settings.group import SettingsGroup, about


class ProgramSettings(SettingsGroup, frozen=True):
    """The rules that points are given by."""

    file: Annotated[Path | None, about("the program (TOML); none: 1 point for every 10.00")] = None
    publish_at_start: Annotated[
        bool,
        about("put the configured program in force whenever a process starts; else only where the ledger has none yet"),
    ] = False
