"""The path under which a proxy shows Laurels to the world (`http.root_path`), as `/laurels`.

The proxy may pass it on or take it off: both are understood, so one setting fits both ways to write `proxy_pass`.
"""

from collections.abc import Iterable

from laurels.errors import SettingsError
from laurels.http.asgi import Scope
from laurels.settings.shapes import check_root_path


def check_prefix(prefix: str, paths: Iterable[str]) -> None:
    """Raise `SettingsError` for what is no prefix, or would hide one of these paths."""
    if not prefix:
        return
    check_root_path(prefix)
    first = prefix.split("/")[1]
    if first in {path.split("/")[1] for path in paths}:
        raise SettingsError(
            f"http.root_path is {prefix}, and /{first} is a path of Laurels itself. Choose another one."
        )


def take_off(prefix: str, scope: Scope) -> None:
    """Take the prefix off a request's path, where it has it."""
    if scope["path"].startswith(f"{prefix}/"):
        scope["path"] = scope["path"][len(prefix) :]
        scope["raw_path"] = scope.get("raw_path", b"").removeprefix(prefix.encode())
