"""A local server that speaks OpenAI's dialect and misbehaves as it is told."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Scripted:
    """`answers` are taken one by one, the last for ever; what was asked is kept."""

    url: str = ""
    answers: list[Callable[[BaseHTTPRequestHandler], None]] = field(default_factory=list)
    asked: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)

    def next(self) -> Callable[[BaseHTTPRequestHandler], None]:
        """The answer to the next request."""
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


def chunk(model: str = "fake-1", finish: str | None = None, usage: dict[str, Any] | None = None, **delta: Any) -> str:
    """An event of a streamed reply: a delta, or the usage."""
    data: dict[str, Any] = {"model": model, "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}
    if usage:
        data = {"model": model, "choices": [], "usage": usage}
    return f"data: {json.dumps(data)}\n\n"


USAGE = {"prompt_tokens": 20, "completion_tokens": 7, "total_tokens": 27}


def says(text: str, model: str = "fake-1", usage: dict[str, Any] = USAGE, **more: Any) -> Callable[..., None]:
    """An answer that streams a text, after a delta for each of `more`."""
    parts = [chunk(model, role="assistant"), *(chunk(model, **{k: v}) for k, v in more.items())]
    return streams(
        [*parts, chunk(model, content=text), chunk(model, "stop"), chunk(model, usage=usage), "data: [DONE]\n\n"]
    )


def streams(parts: list[str], pause: float = 0.0) -> Callable[..., None]:
    """An answer that sends these parts, and pauses after each."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("content-type", "text/event-stream")
        handler.end_headers()
        for part in parts:
            handler.wfile.write(part.encode())
            handler.wfile.flush()
            time.sleep(pause)

    return answer


def status(code: int, message: str = "no", **headers: str) -> Callable[..., None]:
    """An answer of an error with this status; names of headers have underscores."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        body = json.dumps({"error": {"message": message}}).encode()
        handler.send_response(code)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.send_header("content-length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    return answer


@contextmanager
def scripted(*answers: Callable[..., None]) -> Iterator[Scripted]:
    """The server, which gives these answers."""
    state = Scripted(answers=list(answers))

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.0"  # a reply ends where the connection does

        def do_GET(self) -> None:
            body = json.dumps({"data": [{"id": "fake-1"}]}).encode()
            self.send_response(200)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_POST(self) -> None:
            length = int(self.headers["content-length"])
            state.asked.append(json.loads(self.rfile.read(length)))
            state.headers.append({k.lower(): v for k, v in self.headers.items()})
            state.next()(self)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state.url = f"http://127.0.0.1:{server.server_port}/v1"
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
