"""What a request says: its cookies, its query, its form, and which page sent it.

They are read here, for this request alone. The framework keeps what it read of the last thousand of each, whoever sent
them: gigabytes, where somebody sends what is made for it, and the words of people who were erased meanwhile.
"""

from typing import Any
from urllib.parse import SplitResult, parse_qsl, urlsplit

from litestar import Request
from litestar.datastructures import FormMultiDict
from litestar.enums import RequestEncodingType
from litestar.exceptions import ClientException, NotFoundException, PermissionDeniedException
from litestar.types import ASGIApp, Empty, Receive, Scope, Send
from litestar.utils.scope.state import ScopeState

MOST_FIELDS = 1000
"""Fields of a form: many times what any page has. Megabytes of them would hold everybody for seconds."""

MOST_OF_A_STRANGER = 64 * 1024
"""Bytes of a form that are read of who has not signed in: what was written into it is shown, and no file is taken."""


def read_alone(app: ASGIApp) -> ASGIApp:
    """The same application, which is told the cookies and the query of each request, and reads neither itself. Files of
    a form are closed at the end, whatever became of it.
    """

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        state = ScopeState.from_scope(scope)
        state.cookies = _cookies(scope)
        state.parsed_query = tuple(parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True))
        try:
            await app(scope, receive, send)
        finally:
            if state.form is not Empty:
                await FormMultiDict.from_form_data(dict(state.form)).close()

    return answer


def at_one_address(app: ASGIApp) -> ASGIApp:
    """The same application, for requests that name one host and spell a path as the pages here do: rules of a proxy in
    front know a path and a host by what was sent. Raises `ClientException` for two hosts, `NotFoundException` for
    another spelling, such as `//log`, `/log/` and `/%6cog`.
    """

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        if sum(name == b"host" for name, _ in scope["headers"]) > 1:
            raise ClientException("Two hosts are named.")
        path = scope["raw_path"]
        if b"%" in path or (path != b"/" and not all(path[1:].split(b"/"))):
            raise NotFoundException
        await app(scope, receive, send)

    return answer


class ConsoleRequest(Request[Any, Any, Any]):
    """A request of a browser."""

    async def form(self) -> FormMultiDict:
        """The fields of its form; none where it has none. Raises `ClientException` for what no browser sends, and
        `PermissionDeniedException` for more than is read of a stranger, before any of it is.
        """
        state = ScopeState.from_scope(self.scope)
        session: Any = self.scope.get("session")
        is_stranger = not isinstance(session, dict) or "person" not in session
        if is_stranger and self._may_be_longer_than(MOST_OF_A_STRANGER):
            raise PermissionDeniedException
        try:
            if state.form is Empty and self.content_type[0] == RequestEncodingType.URL_ENCODED:
                state.form = _fields(await self.body())
            return await super().form()
        except (ValueError, LookupError) as error:  # too many fields; one that is not in the charset that it names
            raise ClientException("This is no form.") from error

    def _may_be_longer_than(self, size: int) -> bool:
        """Whether its body is, or does not say how long it is."""
        length = self.content_length
        return "transfer-encoding" in self.headers if length is None else length > size


def path_of(request: Request[Any, Any, Any]) -> str:
    """The address that was asked for, with its query, as it was sent."""
    path, query = (request.scope[part].decode("latin-1") for part in ("raw_path", "query_string"))
    return f"{path}?{query}" if query else path


def page_before(request: Request[Any, Any, Any]) -> str:
    """The page of this console that sent a form, as the browser says; the first one where it does not."""
    page = _parts(request.headers.get("referer", ""))
    if page is None or page.netloc != request.headers.get("host") or not page.path:
        return "/"
    return f"{page.path}?{page.query}" if page.query else page.path


def is_own(request: Request[Any, Any, Any]) -> bool:
    """Whether a page of this console sent a form, as far as the browser says."""
    site = request.headers.get("sec-fetch-site", "same-origin")
    origin = request.headers.get("origin")
    if not origin:
        return site in {"same-origin", "none"}
    page = _parts(origin)
    return site in {"same-origin", "none"} and page is not None and page.netloc == request.headers.get("host")


def _parts(address: str) -> SplitResult | None:
    """An address in parts; None for what is none."""
    try:
        return urlsplit(address)
    except ValueError:
        return None


def _cookies(scope: Scope) -> dict[str, str]:
    """Cookies by name. Ours are of plain letters, so nothing in them is resolved."""
    sent = b"; ".join(value for name, value in scope["headers"] if name == b"cookie").decode("latin-1")
    pairs = (each.partition("=") for each in sent.split(";"))
    return {name.strip(): value.strip().strip('"') for name, _, value in pairs}


def _fields(encoded: bytes) -> dict[str, Any]:
    """The text of each field, or its texts. Raises `ValueError` for more than `MOST_FIELDS`."""
    fields: dict[str, list[str]] = {}
    for name, value in parse_qsl(encoded.decode("latin-1"), keep_blank_values=True, max_num_fields=MOST_FIELDS):
        fields.setdefault(name, []).append(value)
    return {name: values if len(values) > 1 else values[0] for name, values in fields.items()}
