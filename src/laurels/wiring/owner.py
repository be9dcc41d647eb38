"""Whose files the state directory holds."""

import os
import shlex
from pathlib import Path

from laurels.errors import SettingsError

ROOT = 0


def check_owner(state: Path) -> None:
    """Raise `SettingsError` where root would work in another user's state directory: the files that it makes there
    (a rebuilt board, keys) are root's, and the service could not open them.
    """
    if not hasattr(os, "geteuid") or os.geteuid() != ROOT:
        return
    try:
        owner = state.stat().st_uid
    except OSError:  # there is none yet, or what opens it will say why not
        return
    if owner != ROOT:
        name = _name(owner)
        raise SettingsError(
            f"The state directory {state} belongs to the user {name}, and files that root makes there could not be "
            f"opened by that user's `laurels serve`. Run it as that user: sudo -u {shlex.quote(name)} laurels …"
        )


def _name(user: int) -> str:
    import pwd  # noqa: PLC0415 - not made for Windows

    try:
        return pwd.getpwuid(user).pw_name
    except KeyError:
        return f"#{user}"  # as sudo takes it
