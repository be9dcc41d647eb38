"""The figures that Laurels counts for monitoring (Prometheus). What can be read off the ledger and the board is not
counted here: `http` asks for it when it is scraped.

Where several processes serve, they count into files of one directory (`share`), and whoever is scraped adds them up.
prometheus-client decides that for good when it is loaded, and loading it takes a while: so this module is loaded by the
processes that count, when they begin, and by no other.
"""

import os
from collections.abc import Callable, Iterable, Sequence
from http import HTTPStatus
from pathlib import Path

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest, multiprocess
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from laurels import clock
from laurels.metrics_sharing import VARIABLE, is_shared

CONTENT_TYPE = "text/plain; version=0.0.4"

REGISTRY = CollectorRegistry()

STARTED = Gauge(
    "laurels_start_time_seconds",
    "When this process began to count, or the first of those that count together, in Unix time.",
    registry=REGISTRY,
    multiprocess_mode="min",
)
STARTED.set(clock.now() / clock.SECOND)
ACCEPTED = Counter(
    "laurels_accepted", "Documents accepted over HTTP by this instance, repeats left out.", ["kind"], registry=REGISTRY
)
AWARDED = Counter("laurels_awarded", "Documents that the awarding has judged.", registry=REGISTRY)
QUARANTINED = Counter(
    "laurels_quarantined", "Documents that went to quarantine, by the kind of reason.", ["reason"], registry=REGISTRY
)
MESSAGE_TRIES = Counter(
    "laurels_message_tries",
    "Mails that were tried, by what became of the try: sent, postponed, undeliverable.",
    ["outcome"],
    registry=REGISTRY,
)
CONSUMED = Counter(
    "laurels_consumed",
    "Messages taken from a queue: accepted, repeated, or refused and in quarantine.",
    ["outcome"],
    registry=REGISTRY,
)
REQUESTS = Counter("laurels_http_requests", "Requests answered.", ["method", "route", "status"], registry=REGISTRY)
CONNECTIONS = Gauge("laurels_connections", "Connections that are open.", registry=REGISTRY, multiprocess_mode="livesum")
STREAMS = Gauge("laurels_streams", "Live streams that are open.", registry=REGISTRY, multiprocess_mode="livesum")
BODY_BYTES = Gauge(
    "laurels_body_bytes",
    "Bytes of large bodies, and of members' bodies, that are held.",
    registry=REGISTRY,
    multiprocess_mode="livesum",
)
REFUSED = Counter(
    "laurels_refused",
    "Connections and requests cut off before a route was asked, by the reason.",
    ["reason"],
    registry=REGISTRY,
)
LOG_LINES_LEFT_OUT = Counter(
    "laurels_log_lines_left_out", "Log lines left out because there were too many alike.", registry=REGISTRY
)
ROLE_FAILURES = Counter(
    "laurels_role_failures",
    "Errors that nobody foresaw, by the role that was tried again.",
    ["role"],
    registry=REGISTRY,
)
PROCESS_RESTARTS = Counter(
    "laurels_process_restarts", "Child processes that died and were started again.", ["process"], registry=REGISTRY
)
DASHBOARD_SECONDS = Histogram(
    "laurels_dashboard_seconds",
    "From a member's dashboard being asked for to the beginning of the answer.",
    registry=REGISTRY,
    buckets=(0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0),
)
ACCEPT_SECONDS = Histogram(
    "laurels_accept_seconds",
    "From an order or a refund coming in to its answer, whatever that is.",
    registry=REGISTRY,
    buckets=(0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5),
)
VISIBLE_SECONDS = Histogram(
    "laurels_visible_seconds",
    "From an entry being written to the board showing it; entries that a rebuild reads are left out.",
    registry=REGISTRY,
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 60.0),
)
CONSOLE_REQUESTS = Counter(
    "laurels_console_requests",
    "Pages and forms of the console answered.",
    ["method", "route", "status"],
    registry=REGISTRY,
)
CONSOLE_SECONDS = Histogram(
    "laurels_console_seconds",
    "From a page or a form of the console being asked for to the beginning of the answer.",
    ["method", "route"],
    registry=REGISTRY,
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0),
)
SIGN_INS_REFUSED = Counter(
    "laurels_sign_ins_refused",
    "People whom the console did not let in: for an address that was used or is wrong, by the identity provider's "
    "answer, because that is away, or for want of a role.",
    ["reason"],
    registry=REGISTRY,
)
POINTS_GIVEN = Counter(
    "laurels_points_given", "Points that entries added, as the board took them.", ["kind"], registry=REGISTRY
)
POINTS_TAKEN = Counter(
    "laurels_points_taken", "Points that entries took away, as the board took them.", ["kind"], registry=REGISTRY
)


before_scrape: list[Callable[[], None]] = []
"""Called before what was counted is told: by those who count elsewhere, and add it here."""


class Meter:
    """Counts the requests of one route. Its counters are looked up once for each status, not for each request. The
    times of answers that found nothing are not counted: they would hide how long the others take.
    """

    def __init__(self, method: str, route: str, seconds: Histogram | None = None) -> None:
        """`route` is the template, without ids: `/order/{order_id}`."""
        self.method = method
        self.route = route
        self._seconds = seconds
        self._by_status: dict[int, Counter] = {}

    def count(self, status: int, seconds: float) -> None:
        """Count one answer. Takes 0.6 us, with a histogram 1.6 us; twice that where processes count together."""
        self.add(status, 1)
        if self._seconds is not None and status != HTTPStatus.NOT_FOUND:
            self._seconds.observe(seconds)

    def add(self, status: int, answers: int) -> None:
        """Count answers whose times are counted elsewhere."""
        counter = self._by_status.get(status)
        if counter is None:
            counter = self._by_status[status] = REQUESTS.labels(self.method, self.route, str(status))
        counter.inc(answers)

    def add_times(self, buckets: Sequence[int], seconds: float) -> None:
        """Count times that were counted elsewhere: how many in each of the histogram's buckets, and their sum."""
        assert self._seconds is not None, "asked where there is one"
        add_times(self._seconds, buckets, seconds)


def add_times(histogram: Histogram, buckets: Sequence[int], seconds: float) -> None:
    """Add many times to a histogram: how many in each of its buckets, and their sum. The library takes one time after
    the other, some 5 us each where processes count together; tests hold this to be the same.
    """
    histogram._sum.inc(seconds)
    for bucket, times in zip(histogram._buckets, buckets, strict=True):
        if times:
            bucket.inc(times)


def counted() -> bytes:
    """What was counted, by this process or by all that share, in Prometheus's text format."""
    for add in before_scrape:
        add()
    if not is_shared():
        return generate_latest(REGISTRY)
    directory = Path(os.environ[VARIABLE])
    _forget_the_dead(directory)
    everyones = CollectorRegistry()
    everyones.register(_Everyones(directory))
    return generate_latest(everyones)


class _Everyones(Collector):
    """What all count that share a directory. The library's own collector raises where a process has made its file and
    not yet given it room, and where a file or the directory is removed meanwhile.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def collect(self) -> Iterable[Metric]:
        """Read the files of those that have begun."""
        while True:
            begun = [str(file) for file in self._directory.glob("*.db") if _is_begun(file)]
            try:
                return multiprocess.MultiProcessCollector.merge(begun)  # type: ignore[no-untyped-call, no-any-return]
            except FileNotFoundError:  # one was removed since: without it there are fewer each time
                continue


def _is_begun(file: Path) -> bool:
    """A file has its whole first part, or nothing."""
    try:
        return file.stat().st_size > 0
    except FileNotFoundError:
        return False


def _forget_the_dead(directory: Path) -> None:
    """What is open in a process goes with it; what it counted stays."""
    for file in directory.glob("gauge_live*_*.db"):
        pid = int(file.stem.rpartition("_")[2])
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            file.unlink(missing_ok=True)
        except PermissionError:  # it is there, and another user's
            continue
