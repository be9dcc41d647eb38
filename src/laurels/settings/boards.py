"""Settings of what boards show."""

from typing import Annotated

from laurels.settings.group import Count, Group, about


class BoardsSettings(Group, frozen=True):
    """Confidentiality against freshness."""

    smallest: Annotated[
        Count,
        about(
            "a month's board with fewer ranked members shows ten of its top and no neighbours: among few, who knows of "
            "a purchase finds its buyer"
        ),
    ] = 200
