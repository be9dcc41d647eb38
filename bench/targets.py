"""Run every bench, and set what it shows beside what it has to show. `make bench` is this.

    python bench/targets.py
    python bench/targets.py --members 1000000 50000000    # the national shop: 3.5 GB in --directory, half an hour
    python bench/targets.py --only native_leaderboard

Each program prints its figures, with their method in its first lines, and ends with lines of JSON that name machine,
versions, commit and command. Those are kept in bench/results/, and the table at the end is made of them: a figure, what
it has to be at least, what would be good, and whether it is. Figures of a busy machine are worse than they need be.
"""

import argparse
import importlib.util
import json
import re
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

HERE = Path(__file__).parent
TORN = re.compile(r"(\d+) reads of (\d+) versions beside (\d+) changes: (\d+) begun again, (\d+) given up, none torn")

OF_THE_CORE = {"native_leaderboard", "rebuild"}  # these need laurels_core

NO_FRACTION = 100  # from here on, a figure is said without one

Row = dict[str, Any]
"""One line of JSON, and under `program` whose it is."""


class Target(NamedTuple):
    """A figure that has a bound: what it may be at most, or has to be at least where `more` is better; what is good."""

    what: str
    unit: str
    bound: float
    good: float | None
    value: float | None
    more: bool = False

    def verdict(self) -> str:
        """Whether the bound is met."""
        if self.value is None:
            return "not measured"
        if self.good is not None and self._reaches(self.good, self.value):
            return "good"
        return "met" if self._reaches(self.bound, self.value) else "NOT MET"

    def _reaches(self, bound: float, value: float) -> bool:
        return value >= bound if self.more else value <= bound


def targets(rows: list[Row], arguments: argparse.Namespace) -> list[Target]:
    """Everything that has a bound, in the order of the way from a member's record to a page."""
    large, valkey = max(arguments.members), arguments.valkey

    def native(figure: str, members: int = large) -> float | None:
        return find(rows, figure, program="native_leaderboard", members=members)

    def http(bench: str, figure: str, role: str = "real") -> float | None:
        return find(rows, figure, program="http_bench", bench=bench, role=role)

    def on_server(figure: str) -> float | None:
        return find(rows, figure, program="postgres_ledger")

    def on_file(figure: str) -> float | None:
        return find(rows, figure, program="award_beside_sql")

    here, there = native("dashboard_us"), native("valkey_server_us", valkey)
    an_entry = find(rows, "us_an_entry", program="rebuild")
    built = [native("enrol_clock_s"), native("build_board_clock_s")]
    return [
        Target(f"one dashboard, {large:,} members", "us", 3, 1.2, here),
        Target(f"{large:,} members to 1,000,000", "x", 2.5, 1.5, ratio(here, native("dashboard_us", 1_000_000))),
        Target(
            f"Valkey's core, {valkey:,} members in both", "x", 12, 30, native("ratio_valkey_to_ours", valkey), more=True
        ),
        Target(f"Valkey's core, {valkey:,} members to {large:,} here", "x", 12, 30, ratio(there, here), more=True),
        Target(f"increments, {large:,} members", "/s", 300_000, 1_000_000, native("increments_per_s"), more=True),
        Target("memory that reads touch, a member", "bytes", 45, 34, native("bytes_a_member")),
        Target(
            f"built from arrays, {large:,} members", "s", 15, 5, None if None in built else sum(filter(None, built))
        ),
        Target("rebuilt from a ledger of 10,000,000 entries", "s", 60, 30, an_entry and an_entry * 10),
        Target("reads begun again beside 10,000 changes/s", "%", 2, None, native("beside_retries_percent")),
        Target("torn answers of 10,000,000 beside a writer", "", 0, None, find(rows, "torn", program="ten_million")),
        Target("SQLite: awarding beside the bare statements", "", 0.5, 0.7, on_file("ratio_one_by_one"), more=True),
        Target("PostgreSQL: accepting beside a bare INSERT", "x", 1.3, None, on_server("accept_server_time")),
        Target("PostgreSQL: awarding beside the bare statement", "", 0.4, None, on_server("award_rate"), more=True),
        Target("PostgreSQL: 200 settled beside one by one", "x", 4, 10, on_server("settle_together"), more=True),
        Target(
            "HTTP: orders beside a route without its ledger",
            "",
            0.6,
            None,
            http("accept", "median", "ratio_per_s"),
            more=True,
        ),
        Target(
            "HTTP: durable orders, awarded meanwhile",
            "/s",
            3_000,
            None,
            http("accept, work beside", "per_s"),
            more=True,
        ),
        Target("HTTP: freshness p99 at 500 orders/s", "ms", 150, None, http("fresh", "p99_since_due_ms")),
        Target(
            "HTTP: answers beside a bare handler's", "", 0.7, 0.85, http("read", "median", "ratio_per_s"), more=True
        ),
        Target(
            "HTTP: nginx's processor time beside ours",
            "",
            0.7,
            0.85,
            http("read, nginx", "median", "ratio_server_cpu_us"),
            more=True,
        ),
        Target("all at once: dashboards' p99", "ms", 5, 2, http("mixed", "dashboard_p99_ms")),
        Target("all at once: freshness p99", "ms", 250, 100, http("mixed", "fresh_p99_since_due_ms")),
    ]


def find(rows: list[Row], figure: str, **where: object) -> float | None:
    """A figure of the row that says all of this."""
    for row in rows:
        if figure in row and where.items() <= row.items():
            return float(row[figure])
    return None


def ratio(one: float | None, other: float | None) -> float | None:
    """One by the other, where both were measured."""
    return None if one is None or other is None else one / other


def programs(arguments: argparse.Namespace) -> dict[str, list[str]]:
    """The command of each program that can be run here."""
    members, valkey = [str(size) for size in arguments.members], str(arguments.valkey)
    place = [] if arguments.directory is None else ["--directory", str(arguments.directory)]
    options = {
        "native_leaderboard": [*place, "--members", *members, "--valkey", valkey],
        "rebuild": place,
        "valkey_leaderboard": ["--members", "200000"],
    }
    paths = [*sorted((HERE / "micro").glob("*.py")), HERE / "load" / "http_bench.py"]
    there = {path.stem: [sys.executable, str(path), *options.get(path.stem, [])] for path in paths}
    if not importlib.util.find_spec("laurels_core"):
        there = {name: command for name, command in there.items() if name not in OF_THE_CORE}
    if shutil.which("cargo"):
        manifest = str(HERE.parent / "native" / "Cargo.toml")
        test = ["cargo", "test", "--release", "--manifest-path", manifest, "ten_million"]
        there["ten_million"] = [*test, "--", "--ignored", "--nocapture"]
    return there


def run(name: str, command: list[str]) -> list[Row]:
    """Run a program, show what it prints, and keep its rows."""
    print(f"\n== {name}: {' '.join(command)}", flush=True)
    rows = []
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            print(line, end="", flush=True)
            if line.startswith("{"):
                rows.append({"program": name, **json.loads(line)})
            elif found := TORN.search(line):
                read, versions, changes, again, _ = map(int, found.groups())
                figures = {"reads": read, "versions": versions, "changes": changes, "begun_again": again, "torn": 0}
                rows.append({"program": name, **figures})
    if process.returncode:
        print(f"{name} failed: {process.returncode}")
        return []
    return rows


def show(shown: list[Target]) -> None:
    """Print the table."""
    print(f"\n{'':50} {'measured':>12} {'bound':>10} {'good':>10}")
    for target in shown:
        value, bound, good = (said(figure) for figure in (target.value, target.bound, target.good))
        print(f"{target.what:50} {value:>12} {bound:>10} {good:>10} {target.unit:6} {target.verdict()}")


def said(value: float | None) -> str:
    """A figure as people read it."""
    if value is None:
        return ""
    return f"{value:,.0f}" if value >= NO_FRACTION else f"{value:.2f}"


def main() -> None:
    """Run what is asked for, keep its rows, print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--members", type=int, nargs="+", default=[1_000_000, 10_000_000], help="of the native boards")
    parser.add_argument("--valkey", type=int, default=1_000_000, help="members on Valkey; 200 bytes for each")
    parser.add_argument("--directory", type=Path, help="where stores are made; 70 bytes a member")
    parser.add_argument("--only", nargs="+", metavar="PROGRAM", help="some of them, by name")
    arguments = parser.parse_args()
    chosen = {name: it for name, it in programs(arguments).items() if not arguments.only or name in arguments.only}
    rows = [row for name, command in chosen.items() for row in run(name, command)]
    results = HERE / "results"
    results.mkdir(exist_ok=True)
    lines = "".join(json.dumps(row) + "\n" for row in rows)
    (results / f"all-{datetime.now(UTC):%Y-%m-%dT%H%M%SZ}.jsonl").write_text(lines, "utf-8")
    show(targets(rows, arguments))


if __name__ == "__main__":
    main()
