"""A child of `serve`, and `laurels work` and its siblings where nothing but their plain options are given: run without
the command line that people use. A process is up in half the time where Typer, and what the other commands need, stay
unloaded, and takes less memory.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from laurels.runtime.process import run, settings_of
from laurels.runtime.processes import CHILD
from laurels.runtime.roles import CONSUME, HTTP, NOTIFY, PROJECT, PUBLISH, WORK
from laurels.runtime.serving import run_once, run_process, run_serve

_SERVE = "serve"
LEAN = (WORK, NOTIFY, PROJECT)
CHILDREN = (*LEAN, CONSUME, PUBLISH)
"""The commands that are one process; and those that `serve` runs beside them, which take more when people run them."""


class _NotPlain(Exception):
    """The arguments are for the command line that can say what is wrong with them."""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise _NotPlain(message)


def take(arguments: Sequence[str]) -> bool:
    """Run what the arguments name; False, with nothing done, where they are none of the plain ones."""
    options = [each.partition("=")[0] for each in arguments if each.startswith("--")]
    if len(set(options)) < len(options) or any(each == "" or each.endswith("=") for each in arguments):
        return False  # the command line that people use refuses an option given twice, and an empty path
    try:
        asked = _parser().parse_args(arguments)
    except (_NotPlain, argparse.ArgumentError):
        return False
    if asked.process == _SERVE:
        if not asked.with_parent:
            return False
        settings = settings_of(asked.state, asked.config, http_host=asked.host, http_port=asked.port, http_workers=1)
        run(run_serve(settings, HTTP, share_port=True, with_parent=True))
        return True
    if asked.process not in LEAN and not asked.with_parent:
        return False
    settings = settings_of(asked.state, asked.config)
    if asked.once:
        sys.stdout.write(run(run_once(settings, asked.process)) + "\n")
    else:
        run(run_process(settings, asked.process, with_parent=asked.with_parent))
    return True


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="laurels", allow_abbrev=False, add_help=False, exit_on_error=False)
    parser.add_argument("process", choices=[_SERVE, *CHILDREN])
    parser.add_argument("--host")
    parser.add_argument("--port", type=int)
    parser.add_argument("--state", type=Path)
    parser.add_argument("--config", type=Path)
    parser.add_argument("--once", action="store_true")
    parser.add_argument(CHILD, action="store_true", dest="with_parent")
    return parser
