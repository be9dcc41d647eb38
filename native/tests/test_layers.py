"""The crate's modules know those below them alone, as `src/lib.rs` says, and no two know each other."""

import re
from graphlib import TopologicalSorter
from pathlib import Path

SRC = Path(__file__).parent.parent / "src"
LAYERS = ["store", "board", "members", "state", "engine", "dashboard", "edge", "python"]
UNSAFE = re.compile(r"\bunsafe (\{|impl|fn|extern)")
GROUND = {"atomics", "error", "threads"}
BESIDE = {"edge": {"http"}, "awards": {"bonuses"}, "python": {"http", "awards", "bonuses", "fingerprints"}}
"""Rooms apart from the layers, and who knows them."""


def module_of(path: Path) -> str:
    """A file's module, as `crate::` names it."""
    return "::".join(path.relative_to(SRC).with_suffix("").parts).removesuffix("::mod")


def edges() -> dict[str, set[str]]:
    """Which modules each one names."""
    files = {module_of(path): path for path in SRC.rglob("*.rs") if path.parts[-2] != "tests"}
    return {
        module: {
            max((known for known in files if f"{used}::".startswith(f"{known}::")), key=len)
            for used in re.findall(r"crate::((?:[a-z_]+::)*[a-z_]+)", path.read_text())
        }
        for module, path in files.items()
        if module != "lib"
    }


def test_no_module_knows_one_above_it() -> None:
    for module, known in edges().items():
        layer = module.split("::")[0]
        below = GROUND | BESIDE.get(layer, set())
        below |= {*LAYERS[: LAYERS.index(layer) + 1]} if layer in LAYERS else {layer}
        assert {one.split("::")[0] for one in known} <= below, module


def test_no_modules_know_each_other() -> None:
    graph = {module: known - {module} for module, known in edges().items()}
    assert "board::edit" in graph
    list(TopologicalSorter(graph).static_order())  # raises CycleError


def test_unsafe_code_is_in_its_rooms_and_says_why_it_is_sound() -> None:
    """The compiler refuses it elsewhere (`unsafe_code = "deny"`); here each use has its reason on the lines before."""
    rooms = {"store::mmap", "python::edge", "tests::killed"}
    assert 'unsafe_code = "deny"' in (SRC.parent / "Cargo.toml").read_text()
    found = {module_of(path): path.read_text().splitlines() for path in SRC.rglob("*.rs")}
    uses = {
        module: at
        for module, lines in found.items()
        if (at := [n for n, line in enumerate(lines) if UNSAFE.search(line)])
    }
    assert uses.keys() == rooms
    for module, at in uses.items():
        lines = found[module]
        for n in at:
            above = n - 1
            while lines[above].lstrip().startswith(("//", "#[")) and "SAFETY:" not in lines[above]:
                above -= 1
            assert "// SAFETY: " in lines[above], f"{module}, line {n + 1}: {lines[n]}"
