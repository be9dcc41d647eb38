"""Settings of what two people decide."""

from typing import Annotated

from laurels.settings.group import SettingsGroup, about


class ApprovalSettings(SettingsGroup, frozen=True):
    """What one person may not do alone."""

    required: Annotated[
        bool,
        about("a program is put in force by another person than who submitted it, on a rehearsal that both can see"),
    ] = False
