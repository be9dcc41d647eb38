"""Laurels: loyalty points and live rankings for shops.

An order goes one way through the packages here: `intake` makes it durable, `awarding` turns it into
ledger entries by the rules of the `program`, the `leaderboard` follows the ledger's feed, and the `dashboard` is
read from it. `wiring` is the only place that knows which engines stand behind the ports.
"""

from importlib.metadata import version

__version__ = version("laurels")
