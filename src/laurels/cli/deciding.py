"""Who is at the command line, as it is kept with what two people decide."""

import getpass
import os

from laurels.errors import NotAllowed
from laurels.settings import Settings

TOKEN = "LAURELS_TOKEN"  # noqa: S105 - the name of a variable
"""The variable that holds a person's token."""


def login() -> str:
    """The login that a command runs under; in a container, whose user is a number without a name, that number."""
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):
        return f"uid-{os.getuid()}"


def at_the_keyboard() -> str:
    """Who that login is, as it is kept."""
    return f"cli:{login()}"


async def who_decides(settings: Settings, scope: str) -> str:
    """The person whose token is in `LAURELS_TOKEN`, or where there is none, the login. With `approval.required` it has
    to be a person: one login may be shared, and one human may have two. Raises `NotAllowed`, `NotSignedIn`.
    """
    token = os.environ.get(TOKEN)
    if not token:
        if settings.approval.required:
            raise NotAllowed(f"approval.required is set: who decides this is known by a person's token in {TOKEN}.")
        return at_the_keyboard()
    from laurels.http.admission.auth import open_auth  # noqa: PLC0415 - cryptography takes a while to load

    caller = await open_auth(settings).caller([f"Bearer {token}".encode()])
    if caller.person is None or scope not in caller.scopes:
        raise NotAllowed(f"The token in {TOKEN} is not that of a person with a role that has {scope}.")
    return caller.actor
