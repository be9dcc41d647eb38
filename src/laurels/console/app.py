"""The console as an application: pages from a table, who may see each, and what every answer carries."""

import hashlib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import structlog
from litestar import Litestar, Request, Response
from litestar.config.csrf import CSRFConfig
from litestar.datastructures import MutableScopeHeaders, UploadFile
from litestar.enums import MediaType
from litestar.exceptions import HTTPException, PermissionDeniedException
from litestar.handlers import HTTPRouteHandler
from litestar.middleware import DefineMiddleware
from litestar.response import Stream
from litestar.types import ASGIApp, Message, Scope
from litestar.utils.scope.state import ScopeState
from msgspec import Struct
from msgspec.structs import replace

from laurels import clock
from laurels.clock import SECOND, Clock
from laurels.console import words
from laurels.console.charts import Charts
from laurels.console.client import Api, ApiAway, ApiRefused
from laurels.console.counting import counting
from laurels.console.entry import SIGN_IN, Authenticator, check_again
from laurels.console.files import static_files
from laurels.console.form_tokens import FormTokens
from laurels.console.oidc import Oidc
from laurels.console.page import Ask, Download, Elsewhere, Page, Shown, Upload
from laurels.console.rendering import Renderer
from laurels.console.requests import ConsoleRequest, at_one_address, is_own, page_before, path_of, read_alone
from laurels.console.sealing import SessionSeal
from laurels.console.session_cookies import SessionCookies
from laurels.console.shop_zone import NO_ZONE, ShopZone
from laurels.console.sign_in import STAYS, OneTimeCodes, Person, person_of
from laurels.console.transports import Transport
from laurels.console.views import PAGES, first_page
from laurels.console.views.waiting import NavigationCounts
from laurels.console.whole_answers import in_one_go
from laurels.logs import describe
from laurels.model.people import roles_with

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types laurels"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "Cache-Control": "no-store",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}
"""Sent with every answer."""

ALIVE = "/healthz"

log = structlog.get_logger(__name__)

_FORBIDDEN = HTTPStatus.FORBIDDEN
_PART = re.compile(r"[0-9A-Za-z-]{1,64}")
"""What a part of an address may be: a number, a digest, a word. Views ask the API at paths that are made of it, and
dots or slashes would lead to other calls.
"""
_IN_ADDRESS = ":/?#[]@!$&'()*+,;=%"
_MOST_BYTES = 64 * 1024
_MOST_FILE_BYTES = 12 * 1024 * 1024


class Setup(Struct, frozen=True, kw_only=True):
    """What a console is made of. `http` reaches the API, `sign` makes a person's token for it. `secret` (32 bytes)
    closes the cookies, which are called `cookie`; `secure`: they go over TLS alone. People sign in by `codes`, or by
    `oidc`. `charts` are the caller's to close.
    """

    http: Transport
    sign: Callable[[Person], str]
    codes: OneTimeCodes | None
    secret: bytes
    cookie: str
    charts: Charts
    secure: bool = False
    oidc: Oidc | None = None
    now: Clock = clock.now


def create_console(setup: Setup) -> ASGIApp:
    """The ASGI application. It opens and closes nothing."""
    console = _Console(setup)
    sessions = SessionCookies(
        secret=setup.secret,
        key=setup.cookie,
        max_age=STAYS // SECOND,
        httponly=True,
        samesite="lax",
        secure=setup.secure,
    )
    csrf = CSRFConfig(
        secret=hashlib.blake2b(setup.secret, digest_size=32, person=b"laurels-csrf").hexdigest(),
        cookie_name=_csrf_cookie(setup),
        cookie_httponly=True,
        cookie_samesite="lax",  # else a link in a chat would make a new one, and the forms that are open too old
        cookie_secure=setup.secure,
        exclude=["^/static/", f"^{ALIVE}$"],
    )
    app = Litestar(
        [
            *(console.handler(page) for page in PAGES),
            HTTPRouteHandler("/", http_method="GET", status_code=HTTPStatus.OK)(console.home),
            HTTPRouteHandler(SIGN_IN, http_method="GET", status_code=HTTPStatus.OK)(console.ask_who),
            HTTPRouteHandler(f"{SIGN_IN}/begin", http_method="GET", status_code=HTTPStatus.OK)(console.begin),
            HTTPRouteHandler(f"{SIGN_IN}/callback", http_method="GET", status_code=HTTPStatus.OK)(console.finish),
            HTTPRouteHandler(SIGN_IN, http_method="POST", status_code=HTTPStatus.OK)(console.sign_in),
            HTTPRouteHandler("/sign-out", http_method="POST", status_code=HTTPStatus.OK)(console.sign_out),
            HTTPRouteHandler(ALIVE, http_method="GET", status_code=HTTPStatus.OK)(console.alive),
            HTTPRouteHandler("/static/{name:str}", http_method="GET", status_code=HTTPStatus.OK)(console.static),
        ],
        exception_handlers={Exception: console.failed},
        middleware=[sessions.middleware, at_one_address, DefineMiddleware(FormTokens, config=csrf)],
        before_send=[_add_headers],
        request_class=ConsoleRequest,
        request_max_body_size=_MOST_BYTES,
        openapi_config=None,
        logging_config=None,
    )
    return counting(in_one_go(read_alone(app)))


async def _add_headers(message: Message, scope: Scope) -> None:  # noqa: ARG001 - as the framework calls it
    if message["type"] == "http.response.start":
        headers = MutableScopeHeaders.from_message(message)
        for name, value in HEADERS.items():
            headers.setdefault(name, value)


class _GivenTwice(HTTPException):
    """A field of a form or an address is there twice, and nobody knows which of them was meant."""

    status_code = HTTPStatus.UNPROCESSABLE_ENTITY


class _Console:
    """Answers requests for pages."""

    def __init__(self, setup: Setup) -> None:
        self._setup = setup
        self._entry = Authenticator(setup.codes, setup.oidc, setup.now)
        self._api = Api(setup.http, setup.sign)
        self._renderer = Renderer(setup.charts)
        self._zone = ShopZone()
        self._counts = NavigationCounts()
        self._static = static_files()
        self._csrf_cookie = _csrf_cookie(setup)

    def handler(self, page: Page) -> HTTPRouteHandler:
        """The framework's handler of a page."""

        async def handle(request: Request[Any, Any, Any]) -> Response[Any]:
            return await self._answer(page, request)

        name = f"{page.method} {page.path}"
        most = _MOST_FILE_BYTES if page.takes_file else _MOST_BYTES
        return HTTPRouteHandler(
            page.path, http_method=page.method, name=name, status_code=HTTPStatus.OK, request_max_body_size=most
        )(handle)

    async def _answer(self, page: Page, request: Request[Any, Any, Any]) -> Response[Any]:
        person = self._entry.who(request)
        if person is None or self._entry.is_to_check(request):
            return await self._sign_in_first(page, request, person)
        if not person.scopes & set(page.scopes):
            return self._forbidden(request, person, page.scopes)
        parts = {name: str(value) for name, value in request.path_params.items()}
        if not all(_PART.fullmatch(part) for part in parts.values()):
            raise HTTPException(status_code=HTTPStatus.NOT_FOUND)
        form, file = {}, None
        if page.method == "POST":
            _check_origin(request)
            sent = [*(await request.form()).multi_items()]
            form = _once(sent)
            file = await _upload(dict(sent).get("file"))
        api, now = self._api.for_page(person), self._setup.now()
        zone = request.state.zone = await self._zone.of(api, now, patient=page.method == "POST")
        if zone is None and page.method == "POST":  # the days of its form would be others
            return self._refused(request, person, ApiAway())
        ask = Ask(
            person=person,
            api=api,
            charts=self._setup.charts,
            path=parts,
            query=_once(request.query_params.multi_items()),
            form=form,
            file=file,
            seal=SessionSeal(self._setup.secret, f"{person.sub} {request.session['since']}"),
            now=now,
            zone=zone or NO_ZONE,
        )
        try:
            answer = await page.handle(ask)
        except (ApiRefused, ApiAway) as error:
            return self._refused(request, person, error)
        finally:
            if page.method == "POST":
                self._counts.forget(person)
        if isinstance(answer, Shown):
            counts = await self._counts.of(ask)
            answer = replace(answer, says={**answer.says, "counts": counts or {}, "is_counted": counts is not None})
        return self._answered(request, person, answer)

    async def _sign_in_first(self, page: Page, request: Request[Any, Any, Any], person: Person | None) -> Response[Any]:
        """Where to go before a page is shown to who is not signed in, or has to be looked at again. What was written
        into a form is shown, to be copied: browsers forget it with a page that is not to be kept. The way in leads back
        to the page with the form.
        """
        path = path_of(request) if page.method == "GET" else page_before(request)
        to = self._entry.sign_in_for(path) if person is None else check_again(path)
        if page.method == "GET":
            return self._answered(request, None, to)
        _check_origin(request)
        sent = _once([*(await request.form()).multi_items()])
        says = {"what": "signed-out" if person is None else "again", "written": _written(sent), "sign_in": to.to}
        return self._show(request, None, Shown(template="error.html", says=says, status=_FORBIDDEN))

    def _answered(
        self, request: Request[Any, Any, Any], person: Person | None, answer: Shown | Elsewhere | Download
    ) -> Response[Any]:
        match answer:
            case Elsewhere():
                return _redirect(answer.to)
            case Download():
                headers = {"Content-Disposition": f'attachment; filename="{answer.name}"'}
                if isinstance(answer.content, bytes):
                    return Response(answer.content, media_type=answer.media_type, headers=headers)
                return Stream(answer.content, media_type=answer.media_type, headers=headers)
            case Shown():
                return self._show(request, person, answer)

    async def home(self, request: Request[Any, Any, Any]) -> Response[Any]:
        """Go to the first page that the person may see."""
        person = self._entry.who(request)
        return _redirect(SIGN_IN if person is None else first_page(person))

    async def ask_who(self, request: Request[Any, Any, Any]) -> Response[Any]:
        """Ask whether the person whom the address would sign in is to be."""
        return self._show(request, None, await self._entry.ask_who(request))

    async def sign_in(self, request: Request[Any, Any, Any]) -> Response[Any]:
        """Sign a person in, once for each code."""
        _check_origin(request)
        found = await self._entry.use_code(request, str((await request.form()).get("code", "")))
        return self._show(request, None, found) if isinstance(found, Shown) else _redirect(first_page(found))

    async def begin(self, request: Request[Any, Any, Any]) -> Response[Any]:
        """Go to the identity provider."""
        return self._answered(request, None, await self._entry.begin(request))

    async def finish(self, request: Request[Any, Any, Any]) -> Response[Any]:
        """Come back from it."""
        return self._answered(request, None, await self._entry.finish(request))

    async def sign_out(self, request: Request[Any, Any, Any]) -> Response[Any]:
        """Forget the person."""
        _check_origin(request)
        request.clear_session()
        return _redirect(SIGN_IN)

    async def alive(self) -> Response[Any]:
        """Tell a proxy that this process answers, whoever asks. It looks at nothing: a page says what is away."""
        return Response(b'{"alive":true}', media_type=MediaType.JSON)

    async def static(self, request: Request[Any, Any, Any]) -> Response[Any]:
        """A file of ours."""
        file = self._static.get(str(request.path_params["name"]))
        if file is None:
            raise HTTPException(status_code=HTTPStatus.NOT_FOUND)
        headers = {"Cache-Control": "no-cache", "ETag": file.tag}
        if request.headers.get("if-none-match") == file.tag:
            return Response(None, status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
        return Response(file.content, media_type=file.media_type, headers=headers)

    def failed(self, request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
        """The answer to what the framework refuses, and to what nobody foresaw."""
        status = error.status_code if isinstance(error, HTTPException) else HTTPStatus.INTERNAL_SERVER_ERROR
        if not isinstance(error, HTTPException):
            log.error("console.failed", route=request.scope.get("path_template", ""), **describe(error))
        try:
            person = person_of(request.session, self._setup.now())
        except HTTPException:  # refused before the session was read
            person = None
        says: dict[str, Any] = {
            "what": "form" if isinstance(error, PermissionDeniedException) else str(int(status)),
            "was_form": request.method == "POST",
        }
        if isinstance(error, PermissionDeniedException) and is_own(request):
            sent = ScopeState.from_scope(request.scope).form
            says["written"] = _written(sent) if isinstance(sent, Mapping) else []
        if isinstance(error, _GivenTwice):
            says["detail"] = f"{error.detail}."
            if says["was_form"]:
                says["detail"] = f"Nothing was changed: {error.detail}. Go back, load the page anew, and send it again."
        elif status in words.REFUSALS:
            says["detail"] = words.REFUSALS[status]
        answer = self._show(request, person, Shown(template="error.html", says=says, status=status))
        if status == HTTPStatus.METHOD_NOT_ALLOWED and isinstance(error, HTTPException):
            answer.headers.update(error.headers or {})  # which methods it takes
        return answer

    def _forbidden(self, request: Request[Any, Any, Any], person: Person, scopes: Sequence[str]) -> Response[Any]:
        says = {"what": "403", "roles": roles_with(scopes)}
        return self._show(request, person, Shown(template="error.html", says=says, status=HTTPStatus.FORBIDDEN))

    def _refused(self, request: Request[Any, Any, Any], person: Person, error: ApiRefused | ApiAway) -> Response[Any]:
        if isinstance(error, ApiAway):
            status, what, request_id = int(HTTPStatus.SERVICE_UNAVAILABLE), "away", ""
        else:
            status, request_id = error.status, error.request_id
            what = "away" if status == HTTPStatus.SERVICE_UNAVAILABLE else str(int(status))
        says = {
            "what": what,
            "detail": error.message,
            "request_id": request_id,
            "was_form": request.method == "POST",
        }
        return self._show(request, person, Shown(template="error.html", says=says, status=status))

    def _show(self, request: Request[Any, Any, Any], person: Person | None, shown: Shown) -> Response[Any]:
        zone = request.state.get("zone", self._zone.known)  # the one by which the page was made
        token = ScopeState.from_scope(request.scope).csrf_token
        if not isinstance(token, str):  # refused before it was looked at: the one that the browser has goes on counting
            token = request.cookies.get(self._csrf_cookie, "")
        says = {
            **shown.says,
            "person": person,
            "csrf": token,
            "path": request.scope["path"],
            "is_zone_known": zone is not None,
            "is_refused": shown.status >= HTTPStatus.BAD_REQUEST and shown.template != "error.html",
        }
        text = self._renderer.render(shown.template, says, zone or NO_ZONE)
        return Response(text, status_code=shown.status, media_type=MediaType.HTML)


def _csrf_cookie(setup: Setup) -> str:
    return f"{setup.cookie}-csrf"


async def _upload(sent: object) -> Upload | None:
    """The file of a form; None where it has none, or none was chosen."""
    if not isinstance(sent, UploadFile) or not sent.filename:
        return None
    return Upload(sent.filename, await sent.read())


def _redirect(to: str) -> Response[Any]:
    """Where to go on; what a browser shows in letters beyond ASCII is sent in signs of an address."""
    return Response(None, status_code=HTTPStatus.SEE_OTHER, headers={"Location": quote(to, safe=_IN_ADDRESS)})


def _once(sent: Iterable[tuple[str, Any]]) -> dict[str, str]:
    """The texts of a form or an address by name. Raises where one is there twice."""
    found: dict[str, str] = {}
    for name, value in sent:
        if name in found:
            raise _GivenTwice(f"{name} is given more than once")
        if isinstance(value, str):
            found[name] = value
    return found


def _written(sent: Mapping[str, object]) -> list[tuple[str, str]]:
    """What a person wrote into a form, each text under what its field is called."""
    texts = [(label, sent.get(name)) for name, label in words.WRITTEN.items()]
    return [(label, text) for label, text in texts if isinstance(text, str) and text.strip()]


def _check_origin(request: Request[Any, Any, Any]) -> None:
    """Raise where another site's page sent the form; beside the form's token, which it cannot know."""
    if not is_own(request):
        raise PermissionDeniedException
