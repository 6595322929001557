"""uvicorn's HTTP protocol with what it lacks: deadlines for receiving a request, and a limit on its head."""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD_SECONDS = 10.0
BODY_SECONDS = 60.0
HEAD_BYTES = 16 << 10
TOO_LARGE = b"431 Request Header Fields Too Large", "headers_too_large", "the request's head is too large"


class Connection(HttpToolsProtocol):
    """A request's head has to arrive within HEAD_SECONDS of its first byte or of the connection, then its body."""

    _timer: asyncio.TimerHandle | None = None
    _head = 0  # bytes of a head that is not complete
    _in_head = True
    _refused = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._within(HEAD_SECONDS)

    def connection_lost(self, exc: Exception | None) -> None:
        self._within(0)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._in_head:
            self._head += len(data)
        if not self._refused:
            super().data_received(data)
        if self._in_head and self._head > HEAD_BYTES:
            self._refuse(*TOO_LARGE)

    def on_message_begin(self) -> None:
        self._in_head = True
        self._within(HEAD_SECONDS)
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._in_head, self._head = False, 0
        self._within(BODY_SECONDS)
        names = [name for name, _ in self.headers]
        if len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers) > HEAD_BYTES:
            self._refuse(*TOO_LARGE)
        elif names.count(b"content-length") + (b"transfer-encoding" in names) > 1:
            self._refuse(b"400 Bad Request", "invalid_value", "the request says its length twice")
        elif not self._refused:
            super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        if not self._refused:
            super().on_body(body)

    def on_message_complete(self) -> None:
        self._within(0)
        if not self._refused:
            super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        self._refuse(b"400 Bad Request", "invalid_value", msg)

    def _within(self, seconds: float) -> None:
        if self._timer:
            self._timer.cancel()
        late = b"408 Request Timeout", "request_timeout", "the request did not arrive in time"
        self._timer = self.loop.call_later(seconds, self._refuse, *late) if seconds else None

    def _refuse(self, status: bytes, code: str, message: str) -> None:
        self._within(0)
        if self._refused or self.transport is None or self.transport.is_closing():
            return
        self._refused = True
        body = f'{{"error":{{"message":"{message}","type":"invalid_request_error","param":null,"code":"{code}"}}}}'
        head = b"HTTP/1.1 %b\r\ncontent-type: application/json\r\ncontent-length: %d\r\nconnection: close\r\n\r\n"
        self.transport.write(head % (status, len(body)) + body.encode())
        self.transport.close()


def server_options() -> dict[str, Any]:
    """Options of uvicorn.Config that go with it."""
    return {"http": Connection, "timeout_keep_alive": 30, "limit_concurrency": 2200, "backlog": 2048}
