"""Laurels: loyalty points and live rankings for shops.

An order goes one way through the packages here: `intake` makes it durable, `awarding` turns it into
ledger entries by the rules of the `program`, the `leaderboard` follows the ledger's feed, and the `dashboard` is
read from it. `wiring` is the only place that knows which engines stand behind the ports.
"""

__version__: str


def __getattr__(name: str) -> str:
    """The version, looked up when it is first asked for: so the package itself, which every command loads before it can
    say how it ends, takes no time to load.
    """
    if name != "__version__":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib.metadata import version  # noqa: PLC0415

    found: str = version("laurels")
    globals()[name] = found
    return found
