"""What `pip install 'laurels[console]'` comes to on a fresh machine: how soon `laurels console` answers, and how much
memory it takes once every chart was drawn. The plain `laurels` beside it draws in nothing of the console.

    .venv/bin/python bench/console_install.py                 # from this tree, packages from where pip takes them
    .venv/bin/python bench/console_install.py --from dist     # from the wheel that `make wheels` made

Two virtual environments are made in a temporary folder (600 MB, some minutes). The console runs without node, and with
nothing but its own environment on the path.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

import httpx

ROOT = Path(__file__).parent.parent
NOT_OURS = ("litestar", "oauthlib", "vl_convert", "httpx")
"""What the console alone needs."""

PERIODS = ("3m", "12m", "36m")


def main(options: argparse.Namespace, folder: Path) -> None:
    """Install both, run the console, print what it took."""
    what = installed_from(options)
    plain, whole = folder / "plain", folder / "console"
    for place, name in ((plain, what), (whole, f"{what}[console]")):
        began = time.perf_counter()
        subprocess.run([sys.executable, "-m", "venv", place], check=True)
        subprocess.run([place / "bin" / "pip", "install", "--quiet", "--disable-pip-version-check", name], check=True)
        print(f"{name}: installed in {time.perf_counter() - began:.0f} s, {megabytes(place):,.0f} MB", flush=True)
    print(f"the plain one has none of {', '.join(NOT_OURS)}: {has_none(plain)}")
    state = folder / "state"
    subprocess.run([sys.executable, "-m", "tests.console.fill", state], cwd=ROOT, check=True)
    run_console(whole, state)


def installed_from(options: argparse.Namespace) -> str:
    """What pip is told to install: this tree, or the wheel of a folder."""
    if options.source is None:
        return str(ROOT)
    [wheel] = options.source.resolve().glob("laurels-*.whl")
    return f"laurels @ file://{wheel}"


def has_none(place: Path) -> bool:
    """Whether an environment has nothing of what the console needs."""
    code = f"from importlib.util import find_spec; print([n for n in {NOT_OURS!r} if find_spec(n)])"
    found = subprocess.run([place / "bin" / "python", "-c", code], check=True, capture_output=True, text=True)
    return found.stdout.strip() == "[]"


def run_console(place: Path, state: Path) -> None:
    """Start it, wait until it answers, look at every chart, and say what that took."""
    command = [place / "bin" / "laurels", "console", "--state", state, "--port", "0", "--as", "bench"]
    known = {**os.environ, "PATH": str(place / "bin")}  # no node on it
    began = time.perf_counter()
    roles = "lead finance auditor operator"
    console = subprocess.Popen([*command, "--roles", roles], stdout=subprocess.PIPE, text=True, env=known)
    try:
        assert console.stdout is not None
        base, _, code = console.stdout.readline().strip().partition("/sign-in?code=")
        with httpx.Client(base_url=base, timeout=60) as client:
            page = client.get(f"/sign-in?code={code}")
            print(f"answers {time.perf_counter() - began:.2f} s after it was started (bound 3)")
            token = re.findall(r'name="_csrf_token" value="([^"]+)"', page.text)[0]
            assert client.post("/sign-in", data={"code": code, "_csrf_token": token}).is_redirect
            for period in PERIODS:
                for basis in ("recorded", "occurred"):
                    page = client.get(f"/overview?period={period}&basis={basis}")
                    assert "<svg xmlns" in page.text, "a chart"
            for path in ("/customers/0", "/work", "/finance?from=2020-01-01&to=2030-01-01", "/health", "/campaigns"):
                assert client.get(path).is_success, path
        print(f"takes {resident_mb(console.pid):,.0f} MB with every chart drawn (bound 250)")
    finally:
        console.terminate()
        console.communicate(timeout=60)


def resident_mb(pid: int) -> float:
    """Memory of a process and of those it has started."""
    total = 0
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            with suppress(OSError):
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
                if pid in {int(entry.name), parent}:
                    total += int(re.findall(r"VmRSS:\s+(\d+)", (entry / "status").read_text())[0])
    return total / 1024


def megabytes(place: Path) -> float:
    """What a folder holds."""
    return sum(path.stat().st_size for path in place.rglob("*") if path.is_file() and not path.is_symlink()) / 2**20


if __name__ == "__main__":
    assert __doc__
    parser = argparse.ArgumentParser(description=re.split(r"\n\n", __doc__)[0])
    parser.add_argument("--from", dest="source", type=Path, help="a folder with a wheel of Laurels")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        main(options, Path(folder))
