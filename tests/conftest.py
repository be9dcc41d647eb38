"""What every test shares: the event loop, the real order data, a browser, and when a test may be skipped.

A machine that lacks something a test needs skips that test and says what to install. On a build server (`CI=true`)
nothing may be lacking, so there a skipped test has failed, but for those of the native leaderboard where there is no
cargo to build it with.
"""

import os
import shutil
from collections import Counter
from collections.abc import Generator, Iterator
from contextlib import closing
from pathlib import Path
from random import Random, SystemRandom

import hypothesis
import pytest
from tests import postgres_server, valkey_server

# How long an example takes is the machine's affair: a busy one would fail what is right.
hypothesis.settings.register_profile("laurels", deadline=None)
hypothesis.settings.load_profile("laurels")

REPOSITORY = Path(__file__).parent.parent
CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome")
NOTHING_MAY_BE_LACKING = os.environ.get("CI") == "true"
NO_NATIVE = "laurels-core is not installed: make setup builds it where cargo is (https://rustup.rs)"
FIGURES = pytest.StashKey[Counter[str]]()


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """Async tests run on asyncio, the only loop Laurels is served on."""
    return "asyncio"


@pytest.fixture
def seed() -> int:
    """The seed of a test's randomness: a new one each time, or the one asked for. It is shown with a failure."""
    seed = int(os.environ.get("LAURELS_TEST_SEED") or SystemRandom().getrandbits(32))
    print(f"LAURELS_TEST_SEED={seed} repeats this")
    return seed


@pytest.fixture
def rng(seed: int) -> Random:
    """Randomness from the seed."""
    return Random(seed)


@pytest.fixture(scope="session")
def figures(pytestconfig: pytest.Config) -> Counter[str]:
    """What the long tests count: faults, kills, seeds, lost, twice … They are shown when all tests are done."""
    return pytestconfig.stash.setdefault(FIGURES, Counter())


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Show the figures. Those of `make test` stay in its worker processes."""
    figures = config.stash.get(FIGURES, Counter())
    if figures:
        terminalreporter.section("figures")
        for name, count in figures.items():
            terminalreporter.write_line(f"{name:<24} {count:>12,}")


@pytest.fixture(scope="session")
def soak_seconds(request: pytest.FixtureRequest) -> float:
    """How long one of the long tests may go on: they share `MINUTES`."""
    sharing = [item for item in request.session.items if "soak_seconds" in getattr(item, "fixturenames", ())]
    return 60 * float(os.environ.get("MINUTES") or 20) / len(sharing)


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The folder that holds `online_retail.parquet` and the standings expected from it."""
    folder = Path(os.environ.get("LAURELS_TEST_DATA") or REPOSITORY.parent / "shared" / "data")
    if not (folder / "online_retail.parquet").exists():
        pytest.skip(
            f"no online_retail.parquet in {folder}: get 'Online Retail' (UCI Machine Learning Repository, dataset 352, "
            "DOI 10.24432/C5BW33) and name its folder in LAURELS_TEST_DATA"
        )
    return folder


@pytest.fixture(scope="session")
def valkey_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A Valkey server that the tests share."""
    with valkey_server.running(tmp_path_factory.mktemp("valkey")) as server:
        yield server.url


@pytest.fixture(scope="session")
def postgres() -> Iterator[postgres_server.Databases]:
    """A PostgreSQL server that the tests share, with a database for each that asks."""
    with (
        postgres_server.running(postgres_server.binaries()) as server,
        closing(postgres_server.Databases(server)) as databases,
    ):
        yield databases


@pytest.fixture
def database(postgres: postgres_server.Databases) -> Iterator[str]:
    """The URL of a fresh database on that server."""
    with postgres.new() as url:
        yield url


LEDGERS = ("sqlite", pytest.param("postgres", marks=pytest.mark.long))


@pytest.fixture(params=LEDGERS)
def ledger(request: pytest.FixtureRequest) -> Iterator[str | None]:
    """The URL of a fresh ledger on a server; None: a file in the state directory."""
    yield from _ledger(request)


@pytest.fixture(params=LEDGERS, scope="module")
def shared_ledger(request: pytest.FixtureRequest) -> Iterator[str | None]:
    """The same for all tests of a module."""
    yield from _ledger(request)


def _ledger(request: pytest.FixtureRequest) -> Iterator[str | None]:
    if request.param == "sqlite":
        yield None
        return
    databases: postgres_server.Databases = request.getfixturevalue("postgres")
    with databases.new() as url:
        yield url


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of this machine's Chromium, for the tests that look at pages."""
    for name in CHROMIUM_NAMES:
        if path := shutil.which(name):
            return path
    pytest.skip("no Chromium on the PATH: install it (Debian and Ubuntu: apt-get install chromium)")


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--all`: the long tests too, as `make test-all` runs them."""
    parser.addoption("--all", action="store_true", help="run the tests marked long, too")


def pytest_configure(config: pytest.Config) -> None:
    """Modules that try fewer examples in `make test` than in `make test-all` see by this which it is."""
    if config.option.all:
        os.environ["LAURELS_TEST_ALL"] = "1"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the soak tests unless `-m` asks for them, and the long ones unless `-m` or `--all` does."""
    left_out = {
        name
        for name, wanted in {"soak": False, "long": bool(config.option.all)}.items()
        if not wanted and name not in config.option.markexpr
    }
    leaving = [item for item in items if any(mark.name in left_out for mark in item.iter_markers())]
    if leaving:
        config.hook.pytest_deselected(items=leaving)
        items[:] = [item for item in items if item not in leaving]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """On a build server, turn a skip into a failure that keeps its reason."""
    report = yield
    if report.skipped and not hasattr(report, "wasxfail"):
        _refuse_skip(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """The same for a whole module that skips itself."""
    report = yield
    if report.skipped:
        _refuse_skip(report)
    return report


def _refuse_skip(report: pytest.TestReport | pytest.CollectReport) -> None:
    reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    if NO_NATIVE in reason and shutil.which("cargo") is None:
        return
    if NOTHING_MAY_BE_LACKING:
        report.outcome = "failed"
        report.longrepr = f"Nothing may be skipped where CI=true. {reason}"
