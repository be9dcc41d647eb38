"""A child of `serve`: `laurels work --leash` and its siblings, run without the command line that people use. A part of
Laurels is up in half the time where Typer and what the other commands need stay unloaded.
"""

import argparse
from pathlib import Path

from laurels.cli import serving
from laurels.cli.console import run, settings_of
from laurels.cli.processes import LEASH
from laurels.cli.serving import Part


def app() -> None:
    """Run the part that the arguments name, until the leash is let go."""
    asked = _parser().parse_args()
    if asked.part == "serve":
        settings = settings_of(asked.state, asked.config, http_host=asked.host, http_port=asked.port, http_workers=1)
        run(serving.run_serve(settings, Part.HTTP, share_port=True, leash=True))
        return
    settings = settings_of(asked.state, asked.config)
    match asked.part:
        case Part.WORK:
            run(serving.run_work(settings, leash=True))
        case Part.NOTIFY:
            run(serving.run_notify(settings, leash=True))
        case _:
            run(serving.run_project(settings, leash=True))


def _parser() -> argparse.ArgumentParser:
    """What `serving` says to its children."""
    parser = argparse.ArgumentParser(prog="laurels", description=__doc__, allow_abbrev=False)
    parser.add_argument("part", choices=["serve", Part.WORK, Part.NOTIFY, Part.PROJECT])
    parser.add_argument("--host")
    parser.add_argument("--port", type=int)
    parser.add_argument("--state", type=Path)
    parser.add_argument("--config", type=Path)
    parser.add_argument(LEASH, action="store_true", required=True)
    return parser
