"""What holds for every command, tried on the table of commands itself: so it holds for one that comes tomorrow."""

import json
import os
import shlex
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from tests.acceptance.command_line import LAURELS
from tests.acceptance.command_line import laurels_here as laurels

from laurels.cli.app import app
from laurels.cli.tokens import SCOPES
from laurels.http.api import service
from laurels.http.app import ROUTES
from laurels.program import DEFAULT_PROGRAM

TREE: Any = typer.main.get_command(app)


def commands(group: Any = TREE, names: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every command with its name, those of groups too."""
    for name, command in sorted(group.commands.items()):
        if hasattr(command, "commands"):
            yield from commands(command, (*names, name))
        else:
            yield (*names, name), command


def is_number(option: Any) -> bool:
    """Whether an option takes a number."""
    return option.type_descriptor.annotation in {int, float, int | None, float | None}


def is_path(option: Any) -> bool:
    return option.type_descriptor.annotation in {Path, Path | None}


COMMANDS = dict(commands())
OPTIONS = [
    pytest.param(names, option, id=f"{' '.join(names)} {option.opts[-1]}")
    for names, command in COMMANDS.items()
    for option in command.params
    if option.param_type_name == "option" and option.opts != ["--help", "-h"]
]
NUMBERS = [each for each in OPTIONS if is_number(each.values[1])]
UNBOUNDED = {"seed"}
"""Any whole number is as good as another."""


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a ledger of one order, and one that cannot be awarded."""
    folder = tmp_path_factory.mktemp("shop")
    orders = "A1,17850,GBP,25.00\nA\u2603,:dog:,USD,5.00\n536365,guest-4711,GBP,25.00\n"
    (folder / "orders.csv").write_text("order_id,member_id,currency,total\n" + orders)
    assert laurels("import", "orders.csv", cwd=folder).returncode == 1
    return folder


def value_of(option: Any) -> list[str]:
    return [] if option.is_flag else ["1"]


def wrong_use(names: tuple[str, ...], arguments: list[str]) -> str:
    """What is said of arguments, which are read and no more."""
    with pytest.raises(Exception, match=r".") as wrong:  # the vendored Click names its errors nowhere
        COMMANDS[names].make_context(" ".join(names), list(arguments))
    assert getattr(wrong.value, "exit_code", None) == 2
    return str(wrong.value.format_message())  # type: ignore[attr-defined]


@pytest.mark.parametrize(("names", "option"), OPTIONS)
def test_an_option_given_twice_is_refused_unless_it_gathers_values(names: tuple[str, ...], option: Any) -> None:
    once = [option.opts[-1], *value_of(option)]
    other = [(option.secondary_opts or option.opts)[0], *value_of(option)]
    if not option.multiple:
        assert "is given twice" in wrong_use(names, once + other)
        return
    assert "is given twice" not in wrong_use(names, [*once, *other, "--no-such-option"])


@pytest.mark.parametrize(("names", "option"), [each for each in OPTIONS if is_path(each.values[1])])
def test_an_empty_path_is_refused(names: tuple[str, ...], option: Any) -> None:
    """`--state "$STATE"` where that is not set would make a ledger where one stands."""
    for given in ([option.opts[0], ""], [f"{option.opts[0]}="]):
        assert "is empty" in wrong_use(names, given)


def test_wrong_use_leaves_with_2_and_nothing_on_standard_output(tmp_path: Path) -> None:
    for arguments in (["top", "-n", "3", "-n4"], ["work", "--once", "--once"], ["work", "--once", "--state", ""]):
        done = laurels(*arguments, cwd=tmp_path)
        assert (done.returncode, done.stdout) == (2, ""), done.stderr
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("names", "option"), NUMBERS)
@pytest.mark.parametrize("value", ["99999999999999999999999", "nan"])
def test_a_number_that_is_none_or_out_of_all_bounds_is_wrong_use(
    shop: Path, names: tuple[str, ...], option: Any, value: str
) -> None:
    if option.name in UNBOUNDED:
        return
    given = [argument for each in COMMANDS[names].params if each.param_type_name == "argument" for argument in ["1"]]
    done = laurels(*names, *given, f"{option.opts[-1]}={value}", cwd=shop)
    assert (done.returncode, done.stdout) == (2, ""), done.stderr
    assert "fault in Laurels" not in done.stderr


@pytest.mark.parametrize("names", COMMANDS, ids=" ".join)
def test_a_slip_in_an_option_is_told_with_the_nearest(names: tuple[str, ...]) -> None:
    said = wrong_use(names, ["--stat", "x"])
    assert "No such option: --stat" in said
    assert "--state" in said or names == ("program", "check")


APART = {"serve", "work", "notify", "project", "console", "consume", "events", "demo", "simulate", "bench"}
"""What stays, or takes long: other tests run it."""

OF_OTHERS = (
    "--to postgresql:", "/var/lib/", "/backups/", "/safe/", "online_retail", "orders_export", "till", "curl",
    "restore today", "3f8a11", "5f2c9e0b41d6a3c7", "approve", "new.key", "double dairy", "1.0-4711",
)  # fmt: skip
"""Examples that name what a folder of orders does not have: the servers, files, ids and digests of somebody."""

REFUSED = {
    "laurels explain A1 --source till-7 --json": "no order A1 of the source till-7",
    "laurels members erase 17850": "Erase 17850 for good?",
    "laurels merge guest-4711 17850": "for good?",
    "laurels quarantine show 12": "no document 12",
    "laurels quarantine retry 12": "no document 12",
    "laurels quarantine drop 12 --yes": "no document 12",
    "laurels jobs show 12": "no job 12",
    "laurels jobs stop 12": "no such job",
    "laurels program diff 2 program.toml": "no draft or version 2",
    "laurels program diff 1 2": "no draft or version 2",
}
"""Those that ask first, or are of a number that a new shop has not reached: what they say instead."""


def examples() -> list[str]:
    return [
        line
        for names, command in COMMANDS.items()
        if names[0] not in APART
        for line in command.epilog.split("Examples:\n\n")[1].split("\n\n")
        if not any(word in line for word in OF_OTHERS)
    ]


def test_every_example_works_as_it_stands(shop: Path) -> None:
    """One after the other, as they stand in the help, in one shop."""
    files = {
        "balances.csv": "adjustment_id,member_id,points\nold-1,17850,500\n",
        "members.txt": "17850\n13047\n",
        "program.toml": DEFAULT_PROGRAM.replace("version = 1", "version = 2"),
        "new.toml": DEFAULT_PROGRAM.replace("version = 1", "version = 2"),
    }
    for name, text in files.items():
        (shop / name).write_text(text)
    laurels("members", "enrol", "ann", cwd=shop)
    tried = examples()
    assert len(tried) > 40
    for line in sorted(tried, key=lambda line: 2 * ("erase" in line) + ("merge" in line)):
        done = laurels(*shlex.split(line)[1:], cwd=shop)
        if line in REFUSED:
            assert REFUSED[line] in done.stderr + done.stdout, line
            assert done.returncode == 1, line
            continue
        awarded_all = done.returncode == 0 or line == "laurels import orders.csv"  # one order lies in quarantine
        assert awarded_all, (line, done.stderr)
        if "--json" in line:
            json.loads(done.stdout)
    assert laurels("verify", cwd=shop).returncode == 0


def test_an_id_is_shown_as_it_is(shop: Path) -> None:
    """Also where it is spelt like a picture, or like a style of the text."""
    for member in (":dog:", "[red]x[/red]", "[/nope]"):
        laurels("members", "enrol", member, cwd=shop)
        assert laurels("adjust", member, "5", cwd=shop).stdout.startswith(f"{member}: +5")


def test_a_terminal_of_another_encoding_shows_what_it_can(shop: Path) -> None:
    """What it cannot show is spelt out, and JSON stays JSON."""
    laurels("members", "enrol", "zo\u00eb\u2603", cwd=shop)

    def said(*arguments: str) -> str:
        environment = {**os.environ, "PYTHONIOENCODING": "latin-1"}
        done = subprocess.run([LAURELS, *arguments], cwd=shop, env=environment, capture_output=True, check=True)
        return done.stdout.decode("latin-1")

    assert said("adjust", "zo\u00eb\u2603", "5").startswith("zo\u00eb\\u2603: +5")
    explained = said("explain", "A\u2603", "--json")
    assert "A\\u2603" in explained
    assert json.loads(explained)["order_id"] == "A\u2603"


def test_a_table_that_is_no_terminals_is_not_cut(shop: Path) -> None:
    """The ids at its right would be cut off at 80 columns, and nobody could look for them."""
    long = "x" * 100
    (shop / "long.csv").write_text(f"order_id,member_id,currency,total\n{long},ann,USD,5.00\n")
    laurels("import", "long.csv", cwd=shop)
    environment = {name: value for name, value in os.environ.items() if name != "COLUMNS"}
    listed = subprocess.run(
        [LAURELS, "quarantine", "list"], cwd=shop, env=environment, capture_output=True, text=True, check=True
    ).stdout
    assert long in listed


def test_a_program_and_settings_may_begin_with_a_mark(tmp_path: Path) -> None:
    """As Windows' editors write it."""
    (tmp_path / "program.toml").write_bytes(b"\xef\xbb\xbf" + DEFAULT_PROGRAM.encode())
    (tmp_path / "laurels.toml").write_bytes(b'\xef\xbb\xbfstate = "here"\n[program]\nfile = "program.toml"\n')
    assert laurels("program", "check", "program.toml", cwd=tmp_path).returncode == 0
    assert laurels("work", "--once", cwd=tmp_path).returncode == 0
    assert (tmp_path / "here").is_dir()


def test_a_token_is_for_what_some_call_asks_for(shop: Path) -> None:
    """A slip in a scope would be a token that is refused everywhere, and nobody would see why."""
    asked = {scope for route in (*ROUTES, *service.ROUTES) if route.access for scope in route.access.scopes}
    assert set(SCOPES) == asked
    done = laurels("token", "--service", "--scope", "order:write", cwd=shop)
    assert done.returncode == 2
    assert "Did you mean orders:write?" in done.stderr


@pytest.mark.parametrize("wrong", [["--name", ""], ["--name", "a\tb"], ["--name", "person:x"], ["--source", "../x"]])
def test_no_token_is_printed_that_the_server_refuses(shop: Path, wrong: list[str]) -> None:
    done = laurels("token", "--service", "--scope", "orders:write", *wrong, cwd=shop)
    assert done.returncode in {1, 2}
    assert done.stdout == ""


@pytest.mark.parametrize(
    "arguments",
    [
        ["token", "--member", "ann", "--name", "till"],
        ["report", "journal", "--json", "--to", "x.csv"],
        ["report", "breakage", "--json", "--to", "x.csv"],
        ["simulate", "--far"],
        ["consume", "amqp://h/x", "--dead-letters", "--unchecked"],
        ["events", "https://h.example/x", "--secret", "--from", "start"],
        ["export", "entries", "--to", "x.csv", "--columns", "amount,amount"],
        ["export", "entries", "--to", "x.csv", "--columns", ""],
    ],
    ids=" ".join,
)
def test_an_option_without_effect_is_refused(shop: Path, arguments: list[str]) -> None:
    done = laurels(*arguments, cwd=shop)
    assert (done.returncode, done.stdout) == (2, "")
    assert not (shop / "x.csv").exists()


@pytest.mark.parametrize("own", ["laurels-data/laurels.db", "laurels-data/names.key", "copy.db", "laurels-data"])
@pytest.mark.parametrize(
    "command", ["export entries --format csv", "report journal", "report breakage", "bench dashboards --members 10"]
)
def test_results_are_written_over_nothing_of_ours(shop: Path, own: str, command: str) -> None:
    """A ledger, a copy of one, and keys are not there again."""
    if not (shop / "copy.db").exists():
        assert laurels("backup", "copy.db", cwd=shop).returncode == 0
    before = (shop / own).stat()
    done = laurels(*command.split(), "--to", own, cwd=shop)
    assert (done.returncode, done.stdout) == (2, ""), done.stderr
    assert "is no file of results" in done.stderr or "is a folder" in done.stderr
    after = (shop / own).stat()
    assert (after.st_ino, after.st_size) == (before.st_ino, before.st_size)


@pytest.mark.parametrize("command", ["export entries --format csv", "report journal", "bench dashboards --members 10"])
def test_a_pipe_is_never_waited_for_where_results_go(shop: Path, command: str) -> None:
    """Who opens one to see what is in it waits for ever."""
    os.mkfifo(shop / "pipe.csv")
    try:
        done = laurels(*command.split(), "--to", "pipe.csv", cwd=shop)
    finally:
        (shop / "pipe.csv").unlink()
    assert (done.returncode, done.stdout) == (2, "")
    assert "not a regular file" in done.stderr


def in_a_shell(shop: Path, command: str, streams: str) -> "subprocess.CompletedProcess[str]":
    """A command whose streams are led where `streams` says, with Python's own buffer, as everybody has it."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    line = ["sh", "-c", f"exec {LAURELS} {command} {streams}"]
    return subprocess.run(line, cwd=shop, env=environment, capture_output=True, text=True, timeout=60, check=False)


PRINTING = [
    *("--version", "top", "top --json", "explain A1", "members enrol zoe", "export entries --to -", "report journal")
]


@pytest.mark.parametrize("command", PRINTING)
def test_results_on_a_full_disk_are_one_line_and_no_success(shop: Path, command: str) -> None:
    done = in_a_shell(shop, command, ">/dev/full")
    assert done.returncode == 1
    [line] = done.stderr.splitlines()
    assert "no space left on device" in line


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&-", ">&- 2>&-", "<&- >&- 2>&-"])
@pytest.mark.parametrize("command", ["top --json", "explain A1", "members enrol zoe"])
def test_a_closed_standard_stream_is_nobodys(shop: Path, command: str, closed: str) -> None:
    """Not that of the file that is opened next: what is printed would be in it. A result that nobody gets is no
    success.
    """
    done = in_a_shell(shop, command, closed)
    assert (done.returncode, done.stderr) == (int(">&-" in closed.split()), "")


def test_closed_standard_input_is_empty(shop: Path) -> None:
    done = in_a_shell(shop, "import - --format csv", "<&-")
    assert (done.returncode, done.stderr) == (1, "laurels: standard input: is empty\n")


def test_rejects_are_written_over_older_rejects_alone(shop: Path) -> None:
    """Not over the file that is imported; and by a dry run only where that was asked for."""
    text = "order_id,member_id,currency,total\nR1,ann,GBP,25.00\nR2,ann,GBP,x\n"
    (shop / "faulty.csv").write_text(text)
    done = laurels("import", "faulty.csv", "--skip-invalid", "--rejects", "faulty.csv", cwd=shop)
    assert (done.returncode, (shop / "faulty.csv").read_text()) == (1, text)
    done = laurels("import", "faulty.csv", "--skip-invalid", "--dry-run", cwd=shop)
    assert (done.returncode, "would leave out 1 row" in done.stderr) == (0, True)
    assert not (shop / "faulty.csv.rejects.csv").exists()
    for _ in range(2):
        assert laurels("import", "faulty.csv", "--skip-invalid", cwd=shop).returncode == 0
    assert (shop / "faulty.csv.rejects.csv").read_text().count("faulty.csv") == 1


def test_an_interrupted_command_says_so_and_leaves_with_130(shop: Path) -> None:
    """Also while it waits for an answer."""
    with subprocess.Popen(
        [LAURELS, "work"], cwd=shop, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as working:
        assert working.stderr is not None
        working.stderr.readline()  # it has begun
        working.send_signal(signal.SIGINT)
        said = working.stderr.read()
        assert working.wait() in {0, 130}
    assert "Traceback" not in said
