"""`jobs`: what takes long, and what waits for a second person."""

from enum import StrEnum
from typing import Annotated, Any

import msgspec
import typer

from laurels import jobs
from laurels.cli.console import (
    MOST_NUMBER,
    ConfigOption,
    JsonOption,
    NumberArgument,
    StateOption,
    examples,
    out,
    out_json,
    run,
    settings_of,
    table,
)
from laurels.errors import NotFound
from laurels.ledger.jobs import Job, JobState
from laurels.model.times import format_instant
from laurels.runtime.visible import visible
from laurels.settings import Settings
from laurels.wiring import build

app = typer.Typer(help="Jobs: what takes long, and what waits for a second person.", no_args_is_help=True)


class _JobKind(StrEnum):
    CORRECTIONS = jobs.CORRECTIONS
    ERASURES = jobs.ERASURES
    EXPORT = jobs.EXPORT
    JOURNAL = jobs.JOURNAL
    LIABILITY = jobs.LIABILITY
    REHEARSAL = jobs.REHEARSAL
    RETRY = jobs.RETRY
    ROLL_UPS = jobs.ROLL_UPS
    VERIFY = jobs.VERIFY
    WEEK = jobs.WEEK


@app.command(
    "list",
    epilog=examples("laurels jobs list", "laurels jobs list --in proposed --json", "laurels jobs list --kind journal"),
)
def list_(
    in_state: Annotated[JobState | None, typer.Option("--in", help="Only those in this state.")] = None,
    kind: Annotated[_JobKind | None, typer.Option("--kind", help="Only those of this kind.")] = None,
    before: Annotated[int | None, typer.Option(min=1, max=MOST_NUMBER, help="Continue before this number.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="At most so many.")] = 50,
    json: JsonOption = False,
    state: StateOption = None,
    config: ConfigOption = None,
) -> None:
    """List jobs, newest first."""
    found = run(_list(settings_of(state, config), in_state, kind, before, limit))
    if json:
        out_json([_as_json(job) for job in found])
        return
    if not found:
        out("There are no such jobs." if in_state or kind else "There are no jobs.")
        return
    rows = table("number", "kind", "state", "done", "by", "since")
    for job in found:
        done = f"{job.done:,} of {job.total:,}" if job.total else f"{job.done:,}"
        by = job.actor if job.approver is None else f"{job.actor}, decided by {job.approver}"
        rows.add_row(str(job.number), job.kind, job.state, done, visible(by), format_instant(job.created_at))
    out(rows)
    if len(found) == limit:
        same = (f" --in {in_state.value}" if in_state else "") + (f" --kind {kind.value}" if kind else "")
        out(f"More: laurels jobs list{same} --before {found[-1].number}")


@app.command(epilog=examples("laurels jobs show 12"))
def show(
    number: NumberArgument, json: JsonOption = False, state: StateOption = None, config: ConfigOption = None
) -> None:
    """Show a job: what it is to do, how far it is, what came of it."""
    job = _as_json(run(_show(settings_of(state, config), number)))
    if json:
        out_json(job)
        return
    for name, value in job.items():
        if value not in (None, "", {}, False):
            out(f"{name}: {value}")


@app.command(epilog=examples("laurels jobs stop 12"))
def stop(number: NumberArgument, state: StateOption = None, config: ConfigOption = None) -> None:
    """Stop a job as soon as it can be; what is done stays done."""
    job = run(_stop(settings_of(state, config), number))
    out("It is being stopped." if job.state is JobState.RUNNING else f"It is {job.state}.")


async def _list(
    settings: Settings, in_state: JobState | None, kind: str | None, before: int | None, limit: int
) -> list[Job]:
    async with build(settings, must_exist=True) as services:
        return await services.ledger.jobs(before=before, states=[in_state] if in_state else [], kind=kind, limit=limit)


async def _show(settings: Settings, number: int) -> Job:
    async with build(settings, must_exist=True) as services:
        job = await services.ledger.job(number)
    if job is None:
        raise NotFound(f"There is no job {number}. `laurels jobs list` shows them.")
    return job


async def _stop(settings: Settings, number: int) -> Job:
    async with build(settings, must_exist=True) as services:
        return await services.ledger.stop_job(number)


def _as_json(job: Job) -> dict[str, Any]:
    tally = jobs.told(job.tally)
    said = msgspec.structs.asdict(job)
    times = {name: said[name] and format_instant(said[name]) for name in ("created_at", "decided_at", "ended_at")}
    shown = {name: value for name, value in said.items() if name not in {"fence", "about", "tally"}}
    counted = {name: value for name, value in tally.items() if name != "told"}
    return {**shown, **times, "about": jobs.told(job.about), "tally": counted}
