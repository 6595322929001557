"""uvicorn's HTTP protocol with what it lacks: deadlines for receiving a request, limits on all that is no body, and the
framing that RFC 9112 asks a server to refuse."""

from __future__ import annotations

import asyncio
import json
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from galop.server.transport.guard import MAX_BODY, MAX_FILE

HEAD_SECONDS = 10.0
BODY_SECONDS = 60.0
LINGER_SECONDS = 1.0  # for which what still comes is read after a refusal, or a reset would take the refusal with it
HEAD_BYTES = 16 << 10
FRAMING_BYTES = 64 << 10  # of chunk sizes, extensions and trailers, beyond as many bytes as the body has
UNREAD_BYTES = MAX_FILE + MAX_BODY  # of a body, after which a connection is closed whatever has been answered
MOST_PIPELINED = 64
TOO_LARGE = 431, "headers_too_large", "the request's head is too large"
LATE = 408, "request_timeout", "the request did not arrive in time"


class Connection(HttpToolsProtocol):
    """A request's head has to arrive within HEAD_SECONDS of its first byte or of the connection, then its body.

    Trailers are read and dropped. What is refused here is answered once the requests before it have their answers, and
    nothing after it is taken for a request.
    """

    _timer: asyncio.TimerHandle | None = None
    _in_head = True  # or between two requests
    _started = False  # whether a request has
    _head = 0  # bytes of a head that is not complete
    _body = 0  # bytes of the body so far
    _framing = 0  # bytes around it
    _parts: list[bytes]  # of the body, not handed on yet
    _refusal: bytes | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begins to wait for a request."""
        super().connection_made(transport)
        self._parts = []
        self._within(HEAD_SECONDS)

    def connection_lost(self, exc: Exception | None) -> None:
        """Waits no more."""
        self._within(0)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Reads bytes, and looks at limits and framing after each."""
        if self._refusal is not None or (not self._started and not data.strip(b"\r\n")):
            return  # empty lines may stand before a request (RFC 9112, 2.2)
        self._unset_keepalive_if_required()
        request, body = None if self._in_head else self.cycle, self._body
        if self._in_head:
            self._head += len(data)
            if self._timer is None:
                self._within(HEAD_SECONDS)
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self._upgrade(data[upgrade.args[0] :])
            return
        except httptools.HttpParserError:
            self._refuse(400, "invalid_value", "this is no HTTP request")
            return
        self._hand_on()
        if self._in_head:
            if self._head > HEAD_BYTES:
                self._refuse(*TOO_LARGE)
        elif request and request is self.cycle:
            self._framing += len(data) - (self._body - body)
            if self._framing > FRAMING_BYTES + self._body:
                self._refuse(400, "invalid_value", "the body's chunks and trailers take more bytes than the body")
            elif self._body > UNREAD_BYTES:
                self._refuse(413, "body_too_large", f"a request may have {MAX_FILE >> 20} MiB")

    def on_message_begin(self) -> None:
        """The parser's word for the first byte of a request."""
        if self._refusal is None:
            self._started = True
            self._within(HEAD_SECONDS)
            super().on_message_begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keeps a header; a trailer is dropped."""
        if self._in_head and self._refusal is None:  # or it is a trailer
            super().on_header(name, value.rstrip(b" \t"))

    def on_headers_complete(self) -> None:
        """Judges the head, then hands the request on."""
        if self._refusal is not None:
            return
        size = len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)
        if size > HEAD_BYTES:
            self._refuse(*TOO_LARGE)
        elif wrong := self._wrong():
            self._refuse(*wrong)
        elif len(self.pipeline) >= MOST_PIPELINED:
            self._refuse(429, "too_many_requests", "too many requests wait on this connection")
        else:
            self._in_head, self._head, self._body, self._framing = False, 0, 0, 0
            self._within(BODY_SECONDS)
            if self._should_upgrade() or not self.parser.should_upgrade():
                super().on_headers_complete()

    def _wrong(self) -> tuple[int, str, str] | None:
        """What is wrong with the framing, by RFC 9112, sections 3.2 and 6."""
        lengths = [value for name, value in self.headers if name == b"content-length"]
        codings = [
            coding.strip(b" \t").lower()
            for name, value in self.headers
            if name == b"transfer-encoding"
            for coding in value.split(b",")
        ]
        bad = 400, "invalid_value"
        if len(lengths) + bool(codings) > 1:
            return *bad, "the request says its length twice"
        if codings and self.parser.get_http_version() != "1.1":
            return *bad, "transfer codings are of HTTP/1.1"
        if codings and (codings[-1] != b"chunked" or codings.count(b"chunked") > 1):
            return *bad, "the last transfer coding, and no other, has to be chunked"
        if len(codings) > 1:
            return 501, "unsupported_transfer_coding", "no transfer coding but chunked is understood"
        if self.parser.get_method() == b"CONNECT":
            return 405, "method_not_allowed", "this server is no proxy"
        if not self.url.startswith((b"/", b"*")):  # the whole URL, as to a proxy
            try:
                host = urlsplit(self.url).netloc
            except ValueError:
                host = b""
            if [value.strip().lower() for name, value in self.headers if name == b"host"] != [host.lower()]:
                return *bad, "the request names two hosts"
        return None

    def on_body(self, body: bytes) -> None:
        """Collects a piece of the body."""
        self._body += len(body)
        self._parts.append(body)

    def _hand_on(self) -> None:
        """The body as one piece, however many chunks it came in."""
        if self._parts and self._refusal is None:
            super().on_body(b"".join(self._parts))
        self._parts.clear()

    def on_message_complete(self) -> None:
        """Hands the body on, and waits for the next request."""
        if self._refusal is not None or (self.parser.should_upgrade() and not self._should_upgrade()):
            return
        self._within(0)
        self._hand_on()
        self._in_head, self._started = True, False
        super().on_message_complete()

    def _upgrade(self, rest: bytes) -> None:
        """To a web socket; any other request is read as if it had not asked (RFC 9110, 7.8): Java's clients ask for
        HTTP/2 with every body they send, which the parser would then take for the next request."""
        self._hand_on()
        if self._refusal is not None:
            return
        if self._should_upgrade():
            self.handle_websocket_upgrade()
            return
        version = self.parser.get_http_version().encode()
        lines = [self.parser.get_method() + b" " + self.url + b" HTTP/" + version]
        for name, value in self.headers:
            if name == b"connection":
                value = b",".join(token for token in value.split(b",") if token.strip().lower() != b"upgrade")
            if name != b"upgrade":
                lines.append(name + b": " + value)
        self._in_head = True
        self.parser = httptools.HttpRequestParser(self)
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)  # as uvicorn has it
        self.data_received(b"\r\n".join([*lines, b"", rest]))

    def on_response_complete(self) -> None:
        """Closes after the last answer where a request was refused."""
        last = not self.pipeline
        super().on_response_complete()
        if last and self._refusal is not None:
            self._end()

    def _within(self, seconds: float) -> None:
        if self._timer:
            self._timer.cancel()
        self._timer = self.loop.call_later(seconds, self._refuse, *LATE) if seconds else None

    def _refuse(self, status: int, code: str, message: str) -> None:
        self._within(0)
        if self._refusal is not None or self.transport is None or self.transport.is_closing():
            return
        error = {"message": message, "type": "invalid_request_error", "param": None, "code": code}
        body = json.dumps({"error": error})
        self._refusal = (
            f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\ncontent-type: application/json\r\n"
            f"content-length: {len(body)}\r\nconnection: close\r\n\r\n{body}"
        ).encode()
        current = None if self._in_head else self.cycle  # whose request it is
        if current and self.pipeline and self.pipeline[0][0] is current:
            self.pipeline.popleft()
        elif current or self.cycle is None or self.cycle.response_complete:
            if current and current.response_started:
                self._refusal = b""  # there is one answer already
            if current:
                current.disconnected = True
                current.message_event.set()
            self._end()

    def _end(self) -> None:
        self.flow.resume_reading()
        if self._refusal:
            self.transport.write(self._refusal)
            if self.transport.can_write_eof():
                self.transport.write_eof()
            self.loop.call_later(LINGER_SECONDS, self.transport.close)
        else:
            self.transport.close()


def server_options() -> dict[str, Any]:
    """Options of uvicorn.Config that go with it."""
    return {"http": Connection, "timeout_keep_alive": 30, "limit_concurrency": 2200, "backlog": 2048}
