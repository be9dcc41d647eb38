"""Connections: HTTP/1.1 as uvicorn speaks it with httptools, with the limits that both leave to others.

httptools takes heads of any size and as many requests as arrive in one piece; uvicorn queues all of those, waits for
ever for the rest of a request, and for ever for a client that does not read. Here a head has a size; a request has a
time in which to arrive, and an answer one in which to be taken; the parser is given one request at a time, and nothing
is read behind one that is not answered yet. What is refused before the application sees it is a problem document too.
"""

import asyncio
from http import HTTPStatus
from typing import Any
from urllib.parse import unquote

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from laurels.http.problems import TYPES, Refusal, problem_of
from laurels.http.serving.capacity import Capacity, refused
from laurels.http.serving.exchange import Exchange
from laurels.http.serving.flow import Flow
from laurels.http.serving.framing import body_bytes, refusal

MAX_HEAD_BYTES = 32 * 1024
"""Address and headers together: the longest token takes 8 kB of it, the longest `min_version` 6 kB. As much may come
between two pieces of a body sent in chunks, or behind the last: sizes, what extends them, and trailers.
"""

MAX_PATH_BYTES = 2048
"""The longest path names two ids of 255 bytes, each byte of them three characters. To resolve percent signs takes the
processor time of a hundred requests for a path as long as a head may be, and no token is asked before.
"""

HEAD_WITHIN_S = 15.0
"""How long a head may take to arrive, counted from the connection or from its first byte."""

REQUEST_WITHIN_S = 120.0
"""How long a whole request may take to arrive: 16 MB at 1.2 Mbit/s."""

TAKEN_WITHIN_S = 30.0
"""How long what the system would not take at once may wait for the client to read: 1 MB at 0.3 Mbit/s."""

MOST_QUEUED = 4
"""Requests that may have got through the parser behind one that is being answered. One at a time does, unless a client
ends lines by LF alone, or sends chunks.
"""

_HEAD_END = b"\r\n\r\n"
_SPLIT = len(_HEAD_END) - 1
_LEAST_HEAD = len(b"GET / HTTP/1.1")
_CHUNKS_AT_ONCE = 4096
_THROW_AWAY_EVERY_S = 0.02


class Connection(HttpToolsProtocol):
    """One client's connection."""

    flow: Flow
    is_admitted = False
    """Whether it was counted among those that may stay before it came here."""

    def __init__(self, capacity: Capacity, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self.idle_since: float | None = None
        self._capacity = capacity
        self._is_between = True
        self._in_head = True
        self._head_tail = b""
        self._body_left: int | None = 0
        self._since_body = 0
        self._is_body_skipped = False
        self._resumes = False
        self._waiting = b""
        self._waiting_from = 0
        self._arrived = 0
        self._arriving_since: float | None = None
        self._unread_since: float | None = None
        self._refusal = HTTPStatus.BAD_REQUEST
        self._refused = False
        self._last_words = b""
        self._is_ended = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to wait for a request; where there are too many connections already, say so and hang up."""
        self._arriving_since = self.loop.time()
        super().connection_made(transport)  # type: ignore[arg-type]
        self.flow = Flow(self.transport)
        self._capacity.enter()
        if not self.is_admitted and not self._capacity.has_room(len(self.connections)):
            self.refuse_full()

    def refuse_full(self) -> None:
        """Say that there are too many connections, and hang up."""
        self._refuse(HTTPStatus.SERVICE_UNAVAILABLE)
        self.transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget what waited."""
        self._drop_waiting()
        self._capacity.leave()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take what arrived."""
        if self.transport.is_closing():
            return
        if self._refused:  # a client that goes on and on gets one look each time, not the loop for itself
            self.flow.hold()
            self.loop.call_later(_THROW_AWAY_EVERY_S, self._throw_away)
        elif self._waiting:  # reading is paused, so this is what was on its way already
            self._wait(self._waiting[self._waiting_from :] + data, 0)
        else:
            self._read(data, 0)

    def eof_received(self) -> bool:  # type: ignore[override]  # uvicorn lets go of the connection, and of its answers
        """Go on until all that came whole is answered, where the client sends nothing more: it may have closed its own
        half alone. A stream that is under way ends: nobody says so otherwise who closed both.
        """
        self._is_ended |= self._is_between and self._is_answering() and not self.cycle.response_started
        return self._is_ended

    def resume_writing(self) -> None:
        """Go on with what waited for the client to read."""
        super().resume_writing()
        self._go_on()

    def on_message_begin(self) -> None:
        """Begin a head."""
        if self._resumes:
            return
        self._is_between = False
        self._in_head = True
        self._since_body = 0
        super().on_message_begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header; trailers are of no use to anybody here, and come too late to be told."""
        if self._in_head:
            name = name.lower()
            if name == b"expect" and value.lower() == b"100-continue":
                self.expect_100_continue = True
            self.headers.append((name, value))

    def on_headers_complete(self) -> None:
        """Hand the request on, unless its head is too large, too many wait, or its target has a fragment."""
        if self._resumes:
            self._resumes = False
            return
        if self._arrived > MAX_HEAD_BYTES and self._head_bytes() > MAX_HEAD_BYTES:
            self._refusal = self._too_large()
            raise ValueError("the head is too large")  # stops the parser
        if len(self.url) > MAX_PATH_BYTES and len(self.url.partition(b"?")[0]) > MAX_PATH_BYTES:
            self._refusal = HTTPStatus.REQUEST_URI_TOO_LONG
            raise ValueError("the path is too long")
        if len(self.pipeline) >= MOST_QUEUED:
            self._refusal = HTTPStatus.TOO_MANY_REQUESTS
            raise ValueError("too many requests wait")
        if b"#" in self.url:  # else all behind it would be dropped: `/order/Web#1001` would be the order `Web`
            raise ValueError("a request names no fragment")
        self._in_head = False
        self._body_left = body_bytes(self.headers)
        self._is_body_skipped = self._body_left != 0 and self.parser.should_upgrade()
        self._begin_exchange()

    def _begin_exchange(self) -> None:
        """Begin to answer, or queue behind what is being answered. uvicorn's own way, for no other protocol."""
        version, scope = self.parser.get_http_version(), self.scope
        before: RequestResponseCycle | None = self.cycle  # uvicorn's type leaves out that there is none at first
        scope["method"] = self.parser.get_method().decode("ascii")
        if version != "1.1":
            scope["http_version"] = version
            self.expect_100_continue = False  # an older client, or proxy, takes what it is sent first for the answer
        target = httptools.parse_url(self.url)
        path = target.path.decode("ascii")
        scope["path"] = unquote(path) if "%" in path else path
        scope["raw_path"] = target.path
        scope["query_string"] = target.query or b""
        self.cycle = Exchange(self, keep_alive=version != "1.0" and self.parser.should_keep_alive())
        if before is None or before.response_complete:
            self._start_asgi_task(self.cycle, self.app)
        else:
            self.flow.pause_reading()
            self.pipeline.appendleft((self.cycle, self.app))

    def on_body(self, body: bytes) -> None:
        """Take a piece of a body."""
        self._since_body = 0
        if self._body_left is not None:
            self._body_left -= len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Note that the request is here."""
        if self._is_body_skipped:
            return
        self._is_between = True
        self._arrived = 0
        self._arriving_since = None
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """Go on with what waited for the answer. When nothing comes any more, `enforce_timeouts` ends the connection:
        the server has it called each second, which costs less than a timer for each answer.
        """
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())
        elif self._last_words:
            self._end_with(self._last_words)
        else:
            self.idle_since = self.loop.time()
            self._go_on()
            is_owed = self._refused or (self._is_between and self._is_answering())
            if self._is_ended and not is_owed:
                self.transport.close()

    def is_quiet(self) -> bool:
        """Whether the connection is open, nothing of a request has arrived that is not answered, and every answer is
        with the system.
        """
        is_owed = self._is_answering() or self.pipeline or self._waiting or not self._is_between
        is_ending = self._refused or self.transport.is_closing()
        return not (is_owed or is_ending or self._arriving_since is not None or self.transport.get_write_buffer_size())

    def close(self) -> None:
        """End the connection, once what was written is sent."""
        self.transport.close()

    def abort(self) -> None:
        """End the connection; what was not sent is lost."""
        self.transport.abort()

    def enforce_timeouts(self, now: float) -> None:
        """Cut off a client that does not read, refuse a request that takes too long to arrive, and close a connection
        on which none comes. `now` is in seconds of the loop's clock.
        """
        if self._is_unread_for(now) > TAKEN_WITHIN_S:
            refused("not-read")
            self.transport.abort()
        elif self.idle_since is not None and now - self.idle_since > self.timeout_keep_alive:
            self.transport.close()
        else:
            within = HEAD_WITHIN_S if self._in_head or self._refused else REQUEST_WITHIN_S
            if self._arriving_since is not None and now - self._arriving_since > within:
                if self._refused:
                    self.transport.close()
                else:
                    self._refuse(HTTPStatus.REQUEST_TIMEOUT)

    def _is_unread_for(self, now: float) -> float:
        """Seconds for which the client has left something unread that the system would not take either."""
        if self.transport.get_write_buffer_size() == 0:
            self._unread_since = None
            return 0.0
        if self._unread_since is None:
            self._unread_since = now
        return now - self._unread_since

    def _read(self, data: bytes, begin: int) -> None:
        """Hand requests to the parser, one at a time; what lies behind one that is not answered yet waits.

        A piece ends with a head, so no second head is in it. Bodies go whole, by their length; chunks in small pieces,
        because where they end is for the parser to say.
        """
        self.idle_since = None
        while begin < len(data):
            if self._is_between and (self._is_answering() or self.flow.write_paused):
                self._wait(data, begin)
                return
            if self._arriving_since is None:
                self._arriving_since = self.loop.time()
            end = self._piece_end(data, begin)
            self._arrived += end - begin
            if self._body_left is None:
                self._since_body += end - begin
            self._parse(data if end - begin == len(data) else memoryview(data)[begin:end])
            self._head_tail = (self._head_tail + data[begin:end])[-_SPLIT:] if self._in_head else b""
            if (self._arrived if self._in_head else self._since_body) > MAX_HEAD_BYTES:
                self._refuse(self._too_large(), in_turn=True)
            if self._refused or self.transport.is_closing():
                return
            begin = end
        if self.flow.is_held:  # else it may be paused since nobody takes the body yet, and has to stay so
            self.flow.release()

    def _parse(self, piece: bytes | memoryview) -> None:
        try:
            self.parser.feed_data(piece)
        except httptools.HttpParserUpgrade:  # Laurels takes no other protocol, and answers as if not asked
            if self._is_body_skipped:
                self._resume_at_body()
        except httptools.HttpParserError:
            self._refuse(self._refusal, in_turn=True)

    def _resume_at_body(self) -> None:
        """Go on with a parser that nobody asked for another protocol. The one that was asked ends with the head, and
        would take the body for the next request, which whoever stands before Laurels knows nothing of.
        """
        self._is_body_skipped = False
        self._resumes = True
        length = b"transfer-encoding: chunked" if self._body_left is None else b"content-length: %d" % self._body_left
        self.parser = httptools.HttpRequestParser(self)
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)  # as uvicorn does
        self.parser.feed_data(b"POST / HTTP/1.1\r\n%s\r\n\r\n" % length)

    def _piece_end(self, data: bytes, begin: int) -> int:
        """Where the piece ends that the parser is given next."""
        if self._is_between or self._in_head:
            joint = self._head_tail + data[begin : begin + _SPLIT]
            if self._head_tail and (ends := joint.find(_HEAD_END)) >= 0:
                return begin + ends + len(_HEAD_END) - len(self._head_tail)
            end = data.find(_HEAD_END, begin + _LEAST_HEAD if self._is_between else begin)
            return len(data) if end < 0 else end + len(_HEAD_END)
        if self._body_left is None:
            return min(len(data), begin + _CHUNKS_AT_ONCE)
        return min(len(data), begin + max(1, self._body_left))

    def _wait(self, data: bytes, begin: int) -> None:
        """Keep what arrived, and read nothing more until `_go_on`."""
        self._drop_waiting()
        if not self._capacity.wait(len(data)):
            self._refuse(HTTPStatus.TOO_MANY_REQUESTS)
            return
        self._waiting, self._waiting_from = data, begin
        self.flow.hold()

    def _go_on(self) -> None:
        """Take the next of what waits."""
        if self._waiting and not self._is_answering() and not self._refused and not self.transport.is_closing():
            data, begin = self._waiting, self._waiting_from
            self._drop_waiting()
            self._read(data, begin)

    def _drop_waiting(self) -> None:
        self._capacity.go_on(len(self._waiting))
        self._waiting, self._waiting_from = b"", 0

    def _is_answering(self) -> bool:
        cycle: RequestResponseCycle | None = self.cycle  # uvicorn's type leaves out that there is none at first
        return cycle is not None and not cycle.response_complete

    def _throw_away(self) -> None:
        """Read on what nobody wants."""
        if not self.transport.is_closing():
            self.flow.release()

    def _head_bytes(self) -> int:
        return len(self.url) + sum(len(name) + len(value) + len(b": \r\n") for name, value in self.headers)

    def _too_large(self) -> HTTPStatus:
        if len(self.url or b"") > MAX_HEAD_BYTES // 2:
            return HTTPStatus.REQUEST_URI_TOO_LONG
        return HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE

    def _refuse(self, status: HTTPStatus, *, in_turn: bool = False) -> None:
        """Answer where nothing else is being answered on this connection, and end it; `in_turn`: once all that came
        whole before is answered.

        What the client still sends is read and thrown away until it hangs up, piece by piece and at most as long as for
        a head: closed at once, the connection would be reset, and the answer lost on its way.
        """
        if self._refused or self.transport.is_closing():
            return
        self._refused = True
        problem = problem_of(Refusal(status), "/")[0]
        refused(problem.type.removeprefix(TYPES))
        self._drop_waiting()
        self.flow.release()
        self.idle_since = None
        self._arriving_since = self.loop.time()
        cycle: RequestResponseCycle | None = self.cycle
        is_behind = self._in_head or self._is_between
        if cycle is None or cycle.response_complete:
            nothing_else = True
        else:
            nothing_else = not (is_behind or self.pipeline or cycle.response_started)
        if nothing_else:
            if cycle is not None:  # whoever is at work on the answer has nobody left to give it to
                cycle.disconnected = True
                cycle.message_event.set()
            self._end_with(refusal(problem))
        elif in_turn and (is_behind or self.pipeline):
            if not is_behind:
                self.pipeline.popleft()  # the one that is refused, which waited its turn
            self._last_words = refusal(problem)
        else:
            self.transport.close()

    def _end_with(self, refusal: bytes) -> None:
        self.transport.write(refusal)
        if self._is_ended:
            self.transport.close()
        else:
            self.transport.write_eof()
