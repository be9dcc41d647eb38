"""Whose files the state directory holds."""

import os
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
        raise SettingsError(
            f"The state directory {state} belongs to the user {_name(owner)}, and files that root makes there "
            f"could not be opened by that user's `laurels serve`. Run it as that user: sudo -u {_name(owner)} laurels …"
        )


def _name(user: int) -> str:
    import pwd  # noqa: PLC0415 - not made for Windows

    try:
        return pwd.getpwuid(user).pw_name
    except KeyError:
        return f"#{user}"  # as sudo takes it
