"""Small things that cost trust, each where it is cheap to look at.

Pages are looked at in a browser, in `tests/browser`: behind nginx under a prefix (`test_behind_nginx.py`), the element
on another site's page (`test_element_elsewhere.py`, `test_element_embedding.py`), the focus after buying, the toast,
and what was bought (`test_demo_shop.py`), the newcomer (`test_element_states.py`), `/docs` (`test_docs_page.py`). An
idle `serve`: `tests/fault/test_idle.py`. A bit of the board that flips: `tests/fault/test_soak.py`, and of the ledger:
`tests/fault/test_sqlite_tampering.py`. That answers are compared without what the machine's pace decides:
`tests/integration/test_http_edge.py`.
"""

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.acceptance.command_line import laurels_here
from tests.conftest import REPOSITORY
from tests.integration.http_shop import Shop, open_shop

pytestmark = pytest.mark.anyio


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    async with open_shop(tmp_path / "state") as opened:
        yield opened


async def test_the_root_is_a_page_for_people(shop: Shop) -> None:
    """It says what this is and where to go on; the links hold."""
    page = await shop.client.get("/")
    assert page.status_code == 200
    assert page.headers["content-type"].startswith("text/html")
    links = re.findall(r'href="([^"]+)"', page.text)
    assert "/docs" in links
    for link in links:
        assert (await shop.client.get(link)).status_code == 200, link


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
async def test_whoever_looks_whether_it_is_there_may_use_head(shop: Shop, path: str) -> None:
    got, head = await shop.client.get(path), await shop.client.head(path)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == got.headers["content-length"]


async def test_the_times_of_answers_are_figures(shop: Shop) -> None:
    """What was not found is apart. Points given, and from an order to the board: `test_http_metrics.py`."""
    await shop.order("A1", "ann", "250.00")
    await shop.settle()
    assert (await shop.ask("GET", "/loyalty/nobody", scope="members:read")).status_code == 404
    text = (await shop.client.get("/metrics")).text
    assert re.search(r"^laurels_accept_seconds_bucket", text, re.MULTILINE)
    bounds = {float(each) for each in re.findall(r'laurels_dashboard_seconds_bucket{[^}]*le="([\d.]+)"', text)}
    assert [bound for bound in bounds if 0.25 < bound < 1], "between a quarter and a whole second"


@pytest.mark.parametrize("command", [[], ["serve"], ["members", "enrol"]])
def test_h_is_help(command: list[str]) -> None:
    """Completion and the log's level and form: `tests/acceptance/test_shell.py`."""
    short = laurels_here(*command, "-h")
    assert (short.returncode, "Usage" in short.stdout) == (0, True)


def test_the_readme_says_how_to_write_the_command_alone() -> None:
    """Every command on every page is one that `laurels` takes: `tests/acceptance/test_how_tos.py`."""
    text = (REPOSITORY / "README.md").read_text("utf-8")
    assert "activate" in text
