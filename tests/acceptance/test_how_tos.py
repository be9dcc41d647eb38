"""What the pages tell people to type: every command is one that Laurels takes, every message one that is taken, and the
code is code.
"""

import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path
from shutil import which

import msgspec
import pytest
import typer

from laurels.cli.app import app
from laurels.clock import now
from laurels.events import Event
from laurels.intake.messages import read
from laurels.model import Order, Refund

REPOSITORY = Path(__file__).parents[2]
PAGES = sorted([*REPOSITORY.glob("docs/how-to/*.md"), *REPOSITORY.glob("docs/tutorial/*.md"), REPOSITORY / "README.md"])
QUEUES = REPOSITORY / "docs/how-to/take-orders-from-a-queue.md"
EVENTS = REPOSITORY / "docs/how-to/publish-events.md"

_FENCED = re.compile(r"^( *)```(\w+)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
_BY_HAND = {"console", "sh", "text"}
_ENDS = {"|", "||", "&&", "&", ";", ">", ">>", "<", "2>"}


def blocks(page: Path, *languages: str) -> list[str]:
    """The fenced blocks of a page in these languages."""
    return [text for _, language, text in _FENCED.findall(page.read_text("utf-8")) if language in languages]


def commands(page: Path) -> Iterator[list[str]]:
    """The arguments of every `laurels` that a page has somebody type, inside other commands too."""
    for block in blocks(page, *_BY_HAND):
        for line in block.replace("\\\n", " ").splitlines():
            for typed in [line, *re.findall(r"\$\(([^()]*)\)", line)]:
                yield from _calls(re.sub(r"\$\([^()]*\)", "IT", typed))


def _calls(line: str) -> Iterator[list[str]]:
    lexer = shlex.shlex(line.removeprefix("$ "), posix=True, punctuation_chars=True)
    lexer.whitespace_split, lexer.commenters = True, "#"
    try:
        words = list(lexer)
    except ValueError:  # a sentence with an apostrophe in it
        return
    while words:
        end = next((place for place, word in enumerate(words) if word in _ENDS), len(words))
        call, words = words[:end], words[end + 1 :]
        while call and re.fullmatch(r"[A-Z_]+=.*|sudo|-u|nice", call[0]):
            call = call[2:] if call[0] == "-u" else call[1:]
        if call and call[0].rpartition("/")[2] == "laurels":
            yield call[1:]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_command_is_one_that_laurels_takes(page: Path) -> None:
    """With its options, and with arguments of their types."""
    for arguments in commands(page):
        command, words = typer.main.get_command(app), arguments
        context = command.make_context("laurels", [], resilient_parsing=True)
        while hasattr(command, "commands"):
            assert words, f"{arguments} names no command"
            assert words[0] in command.commands, f"there is no laurels {' '.join(arguments)}"
            command, words = command.commands[words[0]], words[1:]
        command.make_context(" ".join(arguments), words, parent=context)


def test_the_pages_have_commands() -> None:
    """So that the test above tests something."""
    found = [arguments for page in PAGES for arguments in commands(page)]
    assert {"serve", "import", "consume", "events", "quarantine", "backup", "token"} <= {each[0] for each in found}
    assert len(found) > 60


def test_the_messages_of_the_page_on_queues_are_taken() -> None:
    [messages] = [block for block in blocks(QUEUES, "text") if '"kind"' in block]
    order, refund = (read(line.encode(), now())[0] for line in messages.splitlines())
    assert isinstance(order, Order)
    assert isinstance(refund, Refund)
    assert refund.order_id == order.order_id


def test_the_event_that_is_shown_has_fields_that_events_have() -> None:
    [shown] = [block for block in blocks(EVENTS, "text") if '"events"' in block]
    fields = re.findall(r'"(\w+)":', re.search(r"\[\{(.*?)\}\]", shown)[1])  # type: ignore[index]
    assert set(fields) <= {field.encode_name for field in msgspec.structs.fields(Event)}


def test_the_code_for_rails_is_ruby() -> None:
    ruby = which("ruby")
    if ruby is None:
        pytest.skip("no Ruby: install it (scripts/ruby does on Debian)")
    codes = blocks(QUEUES, "ruby")
    assert codes, "the page shows some"
    for code in codes:
        checked = subprocess.run([ruby, "-c"], input=code, capture_output=True, text=True, timeout=200, check=False)
        assert (checked.stdout, checked.returncode) == ("Syntax OK\n", 0), checked.stderr
