"""Settings of the program."""

from pathlib import Path
from typing import Annotated

from laurels.settings.group import Group, about


class ProgramSettings(Group, frozen=True):
    """The rules that points are given by."""

    file: Annotated[Path | None, about("the program (TOML); none: 1 point for every 10.00")] = None
