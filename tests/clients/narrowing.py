"""A proxy that narrows what a model may answer at each step of a task, so that the smallest one gets through it.

Requests go on to a real server and its bytes come back as they are. In those that offer tools, the tool of the next
step is chosen, with a schema that leaves little room; when all steps are done, an answer in a form that soon ends.
"""

from __future__ import annotations

import json
import select
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

DONE: Any = {
    "type": "object",
    "properties": {"done": {"const": True}},
    "required": ["done"],
    "additionalProperties": False,
}
Narrow = Callable[[str, Any], Any]


@dataclass
class Steps:
    """Tools to be called in turn: the name of each, and the schema of each argument."""

    tools: list[tuple[str, dict[str, Any]]]

    def __call__(self, path: str, body: Any) -> Any:
        if not body.get("tools"):
            return body  # such as one for a title
        dialect = {"/v1/messages": messages, "/v1/responses": responses}.get(path, chat)
        return dialect(body, self.tools)


def schemas(steps: list[tuple[str, dict[str, Any]]], done: int) -> dict[str, Any]:
    """Of each step's tool, the same at every step where it can be, so that the prompts begin alike."""
    properties = {**dict(steps), steps[done][0]: steps[done][1]}
    return {
        name: {"type": "object", "properties": p, "required": list(p), "additionalProperties": False}
        for name, p in properties.items()
    }


def narrowed(tools: list[Any], key: str, wanted: dict[str, Any]) -> list[Any]:
    """The tools of the steps come last, with their schemas under a key."""
    rest = [tool for tool in tools if tool.get("name") not in wanted]
    return rest + [tool | {key: wanted[tool["name"]]} for tool in tools if tool.get("name") in wanted]


def messages(body: Any, steps: list[tuple[str, dict[str, Any]]]) -> Any:
    blocks = [b for m in body["messages"] if isinstance(m["content"], list) for b in m["content"]]
    done = sum(b["type"] == "tool_result" for b in blocks)
    if done >= len(steps):
        form = {"type": "json_schema", "schema": DONE}
        return body | {"tool_choice": {"type": "none"}, "output_config": {"format": form}}
    tools = narrowed(body["tools"], "input_schema", schemas(steps, done))
    return body | {"tools": tools, "tool_choice": {"type": "tool", "name": steps[done][0]}}


def responses(body: Any, steps: list[tuple[str, dict[str, Any]]]) -> Any:
    done = sum(item.get("type", "").endswith("_output") for item in body["input"])
    if done >= len(steps):
        return body | {
            "tool_choice": "none",
            "text": {"format": {"type": "json_schema", "name": "done", "schema": DONE}},
        }
    tools = narrowed(body["tools"], "parameters", schemas(steps, done))
    return body | {"tools": tools, "tool_choice": {"type": "function", "name": steps[done][0]}}


def chat(body: Any, steps: list[tuple[str, dict[str, Any]]]) -> Any:
    done = sum(m["role"] == "tool" for m in body["messages"])
    if done >= len(steps):
        form = {"type": "json_schema", "json_schema": {"name": "done", "schema": DONE}}
        return body | {"tool_choice": "none", "response_format": form}
    functions = narrowed([t["function"] for t in body["tools"]], "parameters", schemas(steps, done))
    tools = [{"type": "function", "function": function} for function in functions]
    return body | {"tools": tools, "tool_choice": {"type": "function", "function": {"name": steps[done][0]}}}


@dataclass
class Proxy:
    url: str
    narrow: Narrow
    bodies: list[Any] = field(default_factory=list)  # of what was narrowed, as the client sent it
    answering: threading.Event = field(default_factory=threading.Event)  # the server has begun to answer one


@contextmanager
def narrowing(port: int, narrow: Narrow) -> Iterator[Proxy]:
    """In front of the server at a port of this machine."""

    class Handler(BaseHTTPRequestHandler):
        def forward(self) -> None:
            data = self.rfile.read(int(self.headers.get("content-length") or 0))
            narrowed = False
            if data and self.command == "POST":
                body = json.loads(data)
                changed = narrow(self.path.partition("?")[0], body)
                if narrowed := changed is not body:
                    proxy.bodies.append(body)
                    data = json.dumps({**changed, "temperature": 0}).encode()
            head = [f"{self.command} {self.path} HTTP/1.1", f"Host: 127.0.0.1:{port}", "Connection: close"]
            dropped = ("host", "connection", "content-length", "transfer-encoding", "accept-encoding", "expect")
            head += [f"{name}: {value}" for name, value in self.headers.items() if name.lower() not in dropped]
            head += [f"Content-Length: {len(data)}"] if data else []
            with socket.create_connection(("127.0.0.1", port)) as server:
                server.sendall("\r\n".join([*head, "", ""]).encode("latin-1") + data)
                while True:
                    ready, _, _ = select.select([server, self.connection], [], [])
                    if self.connection in ready:  # it has gone, or would send more than one request
                        return
                    part = server.recv(65536)
                    if not part:
                        return
                    self.connection.sendall(part)
                    if narrowed and part.startswith(b"HTTP/1.1 200"):
                        proxy.answering.set()

        do_GET = do_POST = do_HEAD = forward

        def log_message(self, *args: Any) -> None:
            pass

        def handle_one_request(self) -> None:
            with suppress(OSError):
                super().handle_one_request()
            self.close_connection = True

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    proxy = Proxy(f"http://127.0.0.1:{server.server_address[1]}", narrow)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield proxy
    finally:
        server.shutdown()
        server.server_close()
