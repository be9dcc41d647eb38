"""The reference model of the program in depth: written apart from Laurels, slow and obvious. It stays outside the
repository; where it is not there, the tests that need it are skipped.
"""

import importlib
import os
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

FOLDER = Path(os.environ.get("LAURELS_TEST_PROGRAM") or Path(__file__).parents[3] / "shared" / "program")
MISSING = f"no reference model (model.py, fuzz.py) in {FOLDER}: name its folder in LAURELS_TEST_PROGRAM"


def present() -> bool:
    """Whether the model is there."""
    return (FOLDER / "model.py").exists()


def load(name: str) -> Any:
    """`model` or `fuzz`, imported from where they lie, without leaving anything there."""
    if not present():
        pytest.skip(MISSING)
    if str(FOLDER) not in sys.path:
        sys.path.append(str(FOLDER))
    written, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    try:
        return importlib.import_module(name)
    finally:
        sys.dont_write_bytecode = written


def cases() -> dict[str, Any]:
    """The worked cases: Laurels' own, and so always there."""
    return tomllib.loads(Path(__file__).with_name("cases.toml").read_text("utf-8"))
