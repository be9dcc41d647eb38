"""The dashboard: the top of a board under confidential names, and a member's own place with the neighbours above and
below.
"""

from laurels.dashboard.dashboard import Board, Dashboard, Dashboards, Encoded, Me, Row, to_json
from laurels.dashboard.live import Live
from laurels.dashboard.names import ProxyNames
from laurels.dashboard.rendering import Rendered, Renders
from laurels.dashboard.versions import Seal, Versions

__all__ = [
    "Board",
    "Dashboard",
    "Dashboards",
    "Encoded",
    "Live",
    "Me",
    "ProxyNames",
    "Rendered",
    "Renders",
    "Row",
    "Seal",
    "Versions",
    "to_json",
]
