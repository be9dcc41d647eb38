"""The command line: one file for each group of commands. Results go to standard output, logs and progress to
standard error.

Exit codes: 0 done, 1 not done (said why), 2 wrong use.
"""

import sys

from laurels.errors import InvalidInput, LaurelsError, SettingsError


def main() -> None:
    """Run the command line; an error that Laurels knows is one line, without a traceback."""
    from laurels.cli.app import app  # noqa: PLC0415 - errors while loading are reported as well
    from laurels.cli.console import complain  # noqa: PLC0415

    try:
        app()
    except LaurelsError as error:
        complain(error.message)
        sys.exit(2 if isinstance(error, SettingsError | InvalidInput) else 1)
    except KeyboardInterrupt:
        complain("Interrupted. What was acknowledged is kept; run the command again to go on.")
        sys.exit(130)
