"""Settings of what boards show, and for how long."""

from typing import Annotated

from laurels.settings.group import Count, NotNegative, SettingsGroup, about


class BoardsSettings(SettingsGroup, frozen=True):
    """Confidentiality against freshness, and how many months there are."""

    smallest: Annotated[
        Count,
        about(
            "a month's board with fewer ranked members shows ten of its top and no neighbours: among few, who knows of "
            "a purchase finds its buyer"
        ),
    ] = 200
    together: Annotated[
        Count,
        about(
            "a new version of the boards is shown when so many members moved, so that nobody who knows of a purchase "
            "finds its buyer by the name that moved then; 1: at once"
        ),
    ] = 1
    within_s: Annotated[
        Count, about("or when the first of them has waited so long: what the board may be late with `boards.together`")
    ] = 60
    keep_months: Annotated[
        NotNegative,
        about(
            "how many closed months have a board besides the present one; 0: all of them. What goes can come back: the "
            "ledger has it"
        ),
    ] = 0
