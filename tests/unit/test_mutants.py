"""The mutants fit the code: a text that moved on would end `make mutants` half-way, a missing test catches none."""

import importlib.util
import re
from importlib.machinery import SourceFileLoader
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).parents[2]


def _mutants() -> Any:
    loader = SourceFileLoader("mutants", str(REPOSITORY / "scripts" / "mutants"))
    spec = importlib.util.spec_from_loader("mutants", loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return module


def _all() -> Any:
    module = _mutants()
    return (*module.MUTANTS, *module.of_programs())


def test_every_text_that_a_mutant_replaces_stands_once() -> None:
    mutants = _all()
    assert len({mutant.bug for mutant in mutants}) == len(mutants) > 20
    for mutant in mutants:
        for patch in mutant.patches:
            times = (REPOSITORY / patch.path).read_text("utf-8").count(patch.text)
            assert times == 1, f"{mutant.bug}: {patch.path} holds its text {times} times"


def test_every_mutant_names_a_test_that_exists() -> None:
    for mutant in _all():
        path, *_, name = mutant.test.split("[")[0].split("::")
        sources = [REPOSITORY / path, *(REPOSITORY / "src/laurels/testing").rglob("*.py")]
        found = any(re.search(rf"def {name}\(", source.read_text("utf-8")) for source in sources)
        assert found, f"{mutant.bug}: there is no {name}"
