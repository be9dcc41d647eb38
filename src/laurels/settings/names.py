"""Settings of proxy names."""

from pathlib import Path
from typing import Annotated

from laurels.settings.group import SettingsGroup, about


class NamesSettings(SettingsGroup, frozen=True):
    """The secret behind proxy names."""

    key_file: Annotated[
        Path | None, about("the secret behind proxy names, the same on every host; made under `state`")
    ] = None
