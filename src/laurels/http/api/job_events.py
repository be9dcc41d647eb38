"""Following a job over HTTP: server-sent events, each one the job as it is then."""

import asyncio
from collections.abc import AsyncGenerator

import msgspec

from laurels.errors import LedgerUnavailable, NotFound
from laurels.http.api.jobs import LOOK, JobShown, job_of, show
from laurels.http.api.live import MEDIA_TYPE, SIGN_OF_LIFE, UNCACHED
from laurels.http.routes import Events, Request, Response, route
from laurels.ledger.jobs import OPEN, Job

LOOKS_EVERY_S = 0.5
QUIET_LOOKS = 30
"""After so many looks at which nothing had changed there is a sign of life."""


@route(
    "GET",
    "/jobs/{job}/events",
    access=LOOK,
    answers={200: JobShown},
    media_type=MEDIA_TYPE,
    problems=(NotFound, LedgerUnavailable),
    audited=False,
)
async def follow_job(request: Request) -> Response:
    """Follow a job as server-sent events: at once, and then whenever it is further. The stream ends with the job, or
    with the token.
    """
    job = await job_of(request)
    request.limits.check_streams(request.caller.member_id)
    counted = request.limits.stream(request.caller.member_id)
    events = Events(_frames(request, job), request.services.live, request.caller.expires, counted)
    return Response(200, events, UNCACHED, MEDIA_TYPE)


async def _frames(request: Request, job: Job) -> AsyncGenerator[bytes, None]:
    told, quiet = b"", 0
    while True:
        data = msgspec.json.encode(show(job))
        quiet = quiet + 1 if data == told else 0
        if data != told:
            yield b"data: " + data + b"\n\n"
        elif quiet % QUIET_LOOKS == 0:
            yield SIGN_OF_LIFE
        if job.state not in OPEN:
            return
        told = data
        await asyncio.sleep(LOOKS_EVERY_S)
        job = await job_of(request)


ROUTES = (follow_job,)
