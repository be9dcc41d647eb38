"""The documentation as a test: what follows from the code is up to date, links lead somewhere, and figures are real."""

import importlib.util
import re
from importlib.machinery import SourceFileLoader
from pathlib import Path
from typing import Any

import pytest

from laurels.http.app import ROUTES
from laurels.program import DEFAULT_PROGRAM
from laurels.settings import table

REPOSITORY = Path(__file__).parent.parent.parent
ARCHITECTURE = REPOSITORY / "docs" / "explanation" / "architecture.md"
PAGES = sorted(
    path for path in [*REPOSITORY.glob("*.md"), *REPOSITORY.glob("docs/**/*.md"), *REPOSITORY.glob("examples/**/*.md")]
)


def _reference() -> Any:
    return _script("reference")


def _script(name: str) -> Any:
    loader = SourceFileLoader(name, str(REPOSITORY / "scripts" / name))
    spec = importlib.util.spec_from_loader(name, loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return module


def test_the_settings_page_is_what_the_code_says() -> None:
    assert (REPOSITORY / "docs/reference/settings.md").read_text("utf-8") == _reference().settings_page()


def test_the_page_of_the_http_api_is_what_the_code_says() -> None:
    assert (REPOSITORY / "docs/reference/http.md").read_text("utf-8") == _reference().http_page()


def test_the_roles_page_is_what_the_code_says() -> None:
    assert (REPOSITORY / "docs/reference/roles.md").read_text("utf-8") == _reference().roles_page()


def test_the_commands_page_is_what_the_code_says() -> None:
    assert (REPOSITORY / "docs/reference/command-line.md").read_text("utf-8") == _reference().commands_page()


@pytest.mark.parametrize("name", ["queue-message.schema.json", "event.schema.json", "asyncapi.json"])
def test_the_schemas_of_messages_are_what_the_code_says(name: str) -> None:
    made = {
        "queue-message.schema.json": _reference().message_schema,
        "event.schema.json": _reference().event_schema,
        "asyncapi.json": _reference().asyncapi,
    }
    assert (REPOSITORY / "docs/reference" / name).read_text("utf-8") == made[name]()


def test_the_drawing_of_the_packages_is_what_the_imports_say() -> None:
    assert ARCHITECTURE.read_text("utf-8") == _script("architecture").page(), "`make reference` draws it anew"


def test_the_way_of_an_order_names_files_and_functions_that_exist() -> None:
    way = ARCHITECTURE.read_text("utf-8").split("## An order, from HTTP to the board")[1]
    steps = re.findall(r"^\d+\. ", way, re.MULTILINE)
    assert len(steps) == 15
    files = re.findall(r"`((?:src|native)/[\w./]+)`", way)
    assert len(files) >= len(steps)
    for path in files:
        assert (REPOSITORY / path).is_file(), f"the way of an order names {path}, which is not there"
    for path, function in re.findall(r"`(src/[\w./]+)`: `(\w+)`", way):
        assert f"def {function}(" in (REPOSITORY / path).read_text("utf-8"), f"{path} has no {function}"


def test_contributing_shows_the_floors_that_are_held() -> None:
    floors = (REPOSITORY / ".importlinter").read_text("utf-8").split("layers =\n")[1].split("\n\n")[0]
    held = [re.sub(r"[()]", "", line.strip()) for line in floors.splitlines()]
    page = (REPOSITORY / "CONTRIBUTING.md").read_text("utf-8")
    shown = page.split("## Where things go")[1].split("```\n")[1].splitlines()
    assert shown == [line for line in held if line != "__main__"]


def test_the_scopes_that_are_named_are_those_that_routes_ask_for() -> None:
    asked = {scope for route in ROUTES if route.access for scope in route.access.scopes}
    shown = (REPOSITORY / "docs/how-to/connect-a-shop.md").read_text("utf-8").split("| scope |")[1].split("\n\n")[0]
    assert set(re.findall(r"^\| `([\w:]+)` \|", shown, re.MULTILINE)) == asked
    command = _reference().commands_page().split("laurels token [OPTIONS]")[1].split("## ")[0]
    assert asked <= {word.rstrip(";") for word in command.split()}


def test_every_setting_says_what_it_is_for() -> None:
    assert all(row.help for row in table())


def test_the_program_in_the_docs_is_the_default_one() -> None:
    page = (REPOSITORY / "docs/how-to/change-the-program.md").read_text("utf-8")
    assert DEFAULT_PROGRAM.strip() in page


def test_every_promise_names_tests_that_exist() -> None:
    page = (REPOSITORY / "docs/reference/never.md").read_text("utf-8")
    promises = re.split(r"^## (\d+)\. ", page, flags=re.MULTILINE)[1:]
    numbers = [int(number) for number in promises[::2]]
    assert numbers == sorted(set(numbers))
    assert numbers[:12] == list(range(1, 13))
    for number, text in zip(promises[::2], promises[1::2], strict=True):
        tests = re.findall(r"^- `(\S+)::(\S+)`$", text, re.MULTILINE)
        assert tests, f"nothing tries to break promise {number}"
        for path, name in tests:
            source = (REPOSITORY / path).read_text("utf-8")
            assert re.search(rf"(def {name}\(|^{name}\b)", source, re.MULTILINE), f"{path} has no {name}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(REPOSITORY)))
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\((?!https?://|#|mailto:)([^)#\s]+)", page.read_text("utf-8")):
        assert (page.parent / target).exists(), target


def test_the_page_of_worked_cases_is_what_they_say() -> None:
    assert (REPOSITORY / "docs/reference/program-cases.md").read_text("utf-8") == _reference().cases_page()
