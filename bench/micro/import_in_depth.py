"""The import of the real year under a program in depth, beside the same under the default one, in pairs.

    python bench/micro/import_in_depth.py [--file ../shared/data/online_retail.parquet] [--pairs 3]

Each is `laurels import FILE --preset online-retail` into a new ledger, in a process of its own, from its start to its
end. The deep program has twenty campaigns (by product, weekday and spend; four with caps), carried remainders,
tiers that multiply, points that wait and that lapse. Prints orders and refunds a second of processor time and of
elapsed time, and the medians.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from laurels.program import DEFAULT_PROGRAM, parse_program

YEAR = Path(__file__).parents[3] / "shared" / "data" / "online_retail.parquet"
BY_PRODUCT, CAPPED = 12, 4
PRODUCTS = (
    ["85123A", "22423", "85099B"],
    ["47566", "20725"],
    ["84879", "20727", "22197"],
    ["22720"],
    ["21212", "22383"],
    ["23203", "20728", "22457"],
)
"""What was bought most often."""

MORE = """
[rounding]
to = "carry"

[pending]
days = 14

[expiry]
kind = "after-months"
months = 12
round = "end-of-month"

[tiers]
counts = "base"
period = "rolling-12"
levels = [ { name = "blue", reach = 0 }, { name = "gold", reach = 200, multiply = "1.25" } ]
"""
WEEKDAYS = ("mon", "tue", "wed", "thu")


def deep_program() -> str:
    """Twenty campaigns, and all else that a program may have."""
    head = DEFAULT_PROGRAM.partition("[[milestones]]")[0].replace('rounding = "half-up"', "")
    said = []
    for number in range(BY_PRODUCT):
        products = json.dumps(PRODUCTS[number % len(PRODUCTS)])
        caps = "caps = { month = 500 }\n" if number < CAPPED else ""
        said.append(f'name = "product {number}"\nmatch = {{ sku = {products} }}\nmultiply = "2"\n{caps}')
    said += [f'name = "{day}"\ndays = ["{day}"]\nmultiply = "1.5"\n' for day in WEEKDAYS]
    said += [
        f'name = "spend {least}"\nspend_min = {{ GBP = "{least}.00" }}\npoints = {least // 10}\n'
        for least in (50, 100, 500, 1000)
    ]
    return head + MORE + "".join(f"\n[[campaigns]]\n{each}" for each in said)


def measure(file: Path, program: str) -> tuple[float, float, int]:
    """Seconds of processor time and elapsed of one import, and the documents that it took."""
    with tempfile.TemporaryDirectory() as folder:
        rules = Path(folder) / "program.toml"
        rules.write_text(program)
        (Path(folder) / "laurels.toml").write_text(f"[program]\nfile = {json.dumps(str(rules))}\n")
        state, config = Path(folder) / "state", Path(folder) / "laurels.toml"
        command = ["import", file, "--preset", "online-retail", "--json", "--state", state, "--config", config]
        before, began = os.times(), time.monotonic()
        done = subprocess.run(
            [Path(sys.executable).with_name("laurels"), *command], capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise SystemExit(done.stderr)
        elapsed, after = time.monotonic() - began, os.times()
    spent = after.children_user + after.children_system - before.children_user - before.children_system
    return spent, elapsed, json.loads(done.stdout)["new"]


def main() -> None:
    """Measure pairs."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--file", type=Path, default=YEAR)
    parser.add_argument("--pairs", type=int, default=3)
    given = parser.parse_args()
    programs = {"default": DEFAULT_PROGRAM, "deep": deep_program()}
    for text in programs.values():
        parse_program(text)
    found: dict[str, list[tuple[float, float, int]]] = {name: [] for name in programs}
    for _ in range(given.pairs):
        for name, text in programs.items():
            spent, elapsed, documents = measure(given.file, text)
            found[name].append((spent, elapsed, documents))
            print(f"{name}: {documents:,} documents, {spent:.1f} s of processor time, {elapsed:.1f} s", flush=True)
    for name, rows in found.items():
        spent, elapsed = (statistics.median(row[n] for row in rows) for n in (0, 1))
        documents = rows[0][2]
        print(
            f"median, {name}: {spent:.1f} s of processor time ({documents / spent:,.0f}/s), "
            f"{elapsed:.1f} s elapsed ({documents / elapsed:,.0f}/s)"
        )


if __name__ == "__main__":
    main()
