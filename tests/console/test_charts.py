"""The process that draws charts: drawn once, and whatever becomes of it, pages are answered."""

import asyncio
import os
import re
import signal
import sys
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest
import uvloop
from tests.console.console_shop import open_console_shop

from laurels.console.chart_process import ChartProcess
from laurels.console.charts import DIED, NO_WHEEL, SERIES, WIDE, BarSegment, Charts, _spec, charts
from laurels.rollups import RollingUp

pytestmark = pytest.mark.anyio

MARKS = [BarSegment("2026-11", "earn", 5, "earned 5 & more")]
PATIENCE_S = 60
FOR_EVER_S = 3600.0


@asynccontextmanager
async def drawing(first_pause_s: float = FOR_EVER_S) -> AsyncIterator[tuple[Charts, ChartProcess]]:
    """Charts, and the process that draws them."""
    process = ChartProcess(msgspec.json.encode(_spec(MARKS, SERIES, WIDE)), first_pause_s)
    drawn = Charts(process)
    try:
        yield drawn, process
    finally:
        await drawn.close()


async def until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not is_so():  # noqa: ASYNC110 - of another process
            await asyncio.sleep(0.01)


def is_there(pid: int | None) -> bool:
    """Whether a process has not ended: whoever should take note of its end may be slow."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0] != "Z"
    except OSError:
        return False


async def test_without_the_library_figures_stand_as_a_table(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("laurels.console.charts.find_spec", lambda _: None)
    drawn = charts()
    drawn.begin()
    assert drawn.away == NO_WHEEL
    assert await drawn.bars(MARKS) is None
    await drawn.close()


async def test_a_picture_is_drawn_once_whoever_asks_at_the_same_time() -> None:
    async with drawing() as (drawn, process):
        first, second = await asyncio.gather(drawn.bars(MARKS), drawn.bars(MARKS))
        assert first is not None
        assert second is not None
        assert first["wide"] is second["wide"]
        assert "earned 5 &amp; more" in first["wide"]
        assert first["wide"] != first["narrow"]
        assert (drawn.away, is_there(process.pid)) == (None, True)
        pid = process.pid
    assert not is_there(pid), "it ends with the console"


async def test_pictures_are_those_of_their_specifications_whoever_goes_away() -> None:
    """Who asks for a page may be gone before it is answered."""
    many = [[BarSegment("2026-11", "earn", n, f"earned {n}")] for n in range(1, 9)]
    async with drawing() as (drawn, _):
        asked = [asyncio.create_task(drawn.bars(marks)) for marks in many]
        await asyncio.sleep(0)
        for task in asked[::2]:
            task.cancel()
        pictures = [await task for task in asked[1::2]] + [await drawn.bars(marks) for marks in many[::2]]
    for marks, picture in zip(many[1::2] + many[::2], pictures, strict=True):
        assert picture is not None
        assert re.findall(r"earned \d", picture["wide"]) == [marks[0].says]


@pytest.mark.parametrize(
    ("points", "labels"),
    [
        (1, ["0", "1"]),
        (3, ["0", "1", "2", "3"]),
        (2_000_000, ["0", "500k", "1M", "1.5M", "2M"]),
        (-2_000_000_000, ["\u22122bn", "\u22121.5bn", "\u22121bn", "\u2212500M", "0"]),
        (1_200_000_000_000_000, ["0", "200tn", "400tn", "600tn", "800tn", "1,000tn", "1,200tn"]),
    ],
)
async def test_axes_say_whole_points_in_words_of_people(points: int, labels: list[str]) -> None:
    async with drawing() as (drawn, _):
        picture = await drawn.bars([BarSegment("2026-11", "earn", points, "")])
    assert picture is not None
    assert re.findall(r">([^<>]+)</text>", picture["wide"]) == ["2026-11", *labels]


async def test_bars_of_few_months_are_thin() -> None:
    def widest(picture: str) -> float:
        return max(float(each) for each in re.findall(r'aria-roledescription="bar"[^>]* d="M[^h]*h([0-9.]+)', picture))

    many = [BarSegment(f"2026-{month:02}", "earn", 5, "") for month in range(1, 13)]
    async with drawing() as (drawn, _):
        one, year = await drawn.bars(many[:1]), await drawn.bars(many)
    assert one is not None
    assert year is not None
    assert widest(one["wide"]) < 2 * widest(year["wide"])


async def test_what_cannot_be_drawn_is_a_table_and_the_next_is_drawn() -> None:
    async with drawing() as (drawn, process):
        assert await process.draw(b'{"mark": 5}') == b""
        assert await drawn.bars(MARKS) is not None


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
async def test_killed_it_is_started_again(how: signal.Signals) -> None:
    async with drawing(first_pause_s=0) as (drawn, process):
        await drawn.bars(MARKS)
        killed = process.pid
        assert killed is not None
        os.kill(killed, how)
        await until(lambda: process.pid not in {killed, None})
        assert drawn.away is None
        assert await drawn.bars([BarSegment("2026-10", "earn", 7, "earned 7")]) is not None


OWNER = """
import asyncio
from laurels.console.charts import SERIES, BarSegment, Charts, WIDE, _spec
from laurels.console.chart_process import ChartProcess
import msgspec

async def main():
    marks = [BarSegment("2026-11", "earn", 5, "earned 5")]
    process = ChartProcess(msgspec.json.encode(_spec(marks, SERIES, WIDE)))
    await Charts(process).bars(marks)
    print(process.pid, flush=True)
    await asyncio.Event().wait()

asyncio.run(main())
"""


async def test_it_ends_with_a_console_that_is_killed() -> None:
    owner = await asyncio.create_subprocess_exec(sys.executable, "-c", OWNER, stdout=asyncio.subprocess.PIPE)
    assert owner.stdout is not None
    pid = int(await owner.stdout.readline())
    assert is_there(pid)
    owner.kill()
    await owner.wait()
    await until(lambda: not is_there(pid))


async def test_one_that_hangs_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("laurels.console.chart_process.DRAW_WITHIN_S", 0.1)
    async with drawing() as (drawn, process):
        process.begin()
        await until(lambda: process.pid is not None)
        hanging = process.pid
        assert hanging is not None
        os.kill(hanging, signal.SIGSTOP)
        assert await drawn.bars(MARKS) is None
        await until(lambda: not is_there(hanging))


@pytest.mark.parametrize("run", [asyncio.run, uvloop.run])
def test_one_that_ended_a_moment_ago_is_a_table(run: Callable[[Coroutine[None, None, None]], None]) -> None:
    """The console is served by uvloop, which has an error of its own for a pipe that is closed."""

    async def asked() -> None:
        process = ChartProcess(b"")
        ended = await asyncio.create_subprocess_exec(
            sys.executable, "-c", "", stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
        )
        await ended.wait()
        process._child, process._running = ended, asyncio.create_task(asyncio.sleep(FOR_EVER_S))
        process._has_begun.set()
        drawn = Charts(process)
        assert await drawn.bars(MARKS) is None
        assert process.pid is None
        await drawn.close()

    run(asked())


async def test_what_fails_as_nobody_foresaw_is_begun_again_and_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("laurels.console.chart_process._PROGRAM", "\0")  # no name of a file: a ValueError
    async with drawing(first_pause_s=0.01) as (drawn, process):
        assert await drawn.bars(MARKS) is None
        monkeypatch.undo()
        await until(lambda: process.pid is not None)
        with monkeypatch.context() as broken:
            broken.setattr(process, "draw", _raise)
            with pytest.raises(LookupError):
                await drawn.bars(MARKS)
        assert await drawn.bars(MARKS) is not None


async def _raise(_: bytes) -> bytes:
    raise LookupError


async def test_one_that_cannot_be_started_keeps_nobody_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("laurels.console.chart_process._PROGRAM", "/nowhere/draw.py")
    async with drawing() as (drawn, _):
        assert await drawn.bars(MARKS) is None
        assert drawn.away == DIED


async def test_while_nobody_draws_pages_show_the_table_and_health_says_so(tmp_path: Path) -> None:
    async with open_console_shop(tmp_path) as house:
        services = house.shop.services
        await RollingUp(services.ledger, services.programs.current.zone).reach()
        async with drawing() as (drawn, process):
            house.charts = drawn
            visitor = await house.signed_in("auditor", "operator")
            assert "<svg xmlns" in (await visitor.open("/overview")).text
            assert "Charts are tables" not in (await visitor.open("/health")).text
            assert process.pid is not None
            os.kill(process.pid, signal.SIGKILL)
            await until(lambda: process.has_died)
            house.charts = Charts(process)  # to which no picture is known
            visitor = await house.signed_in("auditor", "operator", name="aoife")
            page = await visitor.open("/overview")
            assert (page.status_code, "<svg xmlns" in page.text) == (200, False)
            assert '<details open><summary class="link">Show the figures' in page.text
            assert DIED in (await visitor.open("/health")).text
