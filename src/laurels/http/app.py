"""The HTTP application put together: the dispatcher over all routes and files, and around it what every answer
carries.
"""

from typing import NamedTuple

import msgspec

import laurels
from laurels import logs
from laurels.http.admission.admission import Admission
from laurels.http.admission.auth import Auth, nobodys
from laurels.http.admission.cors import Sharing, sharing
from laurels.http.admission.limits import STREAMS_IN_ALL, Limits
from laurels.http.api import (
    adjustments,
    attributes,
    audit_log,
    balances,
    bulk,
    campaigns,
    customers,
    dashboards,
    erasures,
    events,
    extensions,
    finance,
    holds,
    job_events,
    jobs,
    live,
    members,
    orders,
    outbox,
    people,
    points,
    pools,
    programs,
    proposals,
    quarantine,
    quotes,
    refunds,
    reports,
    search,
    service,
    status,
    timelines,
    transfers,
)
from laurels.http.asgi import ASGIApp
from laurels.http.counting import count_accepted
from laurels.http.dispatcher import Dispatcher
from laurels.http.middleware import Middleware
from laurels.http.mounts import NOTHING, Mounts
from laurels.http.openapi.document import openapi
from laurels.http.requests.prefix import check_prefix
from laurels.http.services import HttpServices
from laurels.http.serving.files import read_files
from laurels.metrics import LOG_LINES_LEFT_OUT

ROUTES = (
    *orders.ROUTES,
    *refunds.ROUTES,
    *bulk.ROUTES,
    *dashboards.ROUTES,
    *live.ROUTES,
    *points.ROUTES,
    *balances.ROUTES,
    *adjustments.ROUTES,
    *events.ROUTES,
    *search.ROUTES,
    *customers.ROUTES,
    *timelines.ROUTES,
    *audit_log.ROUTES,
    *status.ROUTES,
    *reports.ROUTES,
    *quarantine.ROUTES,
    *proposals.ROUTES,
    *erasures.ROUTES,
    *jobs.ROUTES,
    *job_events.ROUTES,
    *people.ROUTES,
    *programs.ROUTES,
    *extensions.ROUTES,
    *campaigns.ROUTES,
    *outbox.ROUTES,
    *finance.ROUTES,
    *quotes.ROUTES,
    *holds.ROUTES,
    *transfers.ROUTES,
    *pools.ROUTES,
    *attributes.ROUTES,
    *members.ROUTES,
)
"""The API, in the order of its documentation."""


class Application(NamedTuple):
    """The ASGI application, what it is made of, and `metrics` where they have a port of their own."""

    asgi: ASGIApp
    dispatcher: Dispatcher
    shared: Sharing | None
    metrics: ASGIApp | None = None


def create_app(services: HttpServices, auth: Auth, mounts: Mounts = NOTHING) -> ASGIApp:
    """The ASGI application over services that are built. It opens and closes nothing.

    Raises `SettingsError` for an `http.cors_origins` or `http.root_path` that is none.
    """
    return create_application(services, auth, mounts).asgi


def create_application(
    services: HttpServices, auth: Auth, mounts: Mounts = NOTHING, most_connections: int = 2 * STREAMS_IN_ALL
) -> Application:
    """The same, with its parts. Of the connections that a server takes at most half may be streams."""
    services.intake.on_receipts = count_accepted
    services.points.on_receipts = count_accepted
    logs.left_out = LOG_LINES_LEFT_OUT.inc
    settings = services.settings
    own_port = settings.http.metrics_port is not None
    described = [*ROUTES, *(one for one in service.ROUTES if one is not service.show_metrics or not own_port)]
    document = msgspec.json.encode(openapi(described, laurels.__version__, settings.http.root_path))
    # ECMA's regular expressions, which JSON Schema uses, know no \Z; their $ means just that.
    api = [*described, service.openapi_route(document.replace(rb"\\Z", b"$")), *mounts.routes]
    files = read_files({"/": "index.html", "/docs": "docs.html", **mounts.pages}, settings.http.root_path)
    check_prefix(settings.http.root_path, [*(route.path for route in api), *files])
    limits = Limits(settings.http.rate_limit_per_minute, services.now, most_streams=max(1, most_connections // 2))
    admission = Admission(auth, limits)
    dispatcher = Dispatcher(services, admission, api, files)
    shared = sharing(settings.http.cors_origins, ROUTES)
    metrics = Dispatcher(services, admission, [service.show_metrics]) if own_port else None
    return Application(
        Middleware(dispatcher, shared, settings.http.root_path),
        dispatcher,
        shared,
        None if metrics is None else Middleware(metrics),
    )


def create_figures(services: HttpServices) -> ASGIApp:
    """The ASGI application of a process that answers no API: `/metrics`, for which nobody signs in."""
    logs.left_out = LOG_LINES_LEFT_OUT.inc
    admission = Admission(nobodys(), Limits(0, services.now, most_streams=0))
    return Middleware(Dispatcher(services, admission, [service.show_counted]))
