"""A small server that speaks the hub's protocol, and can lie, stall and cut off."""

from __future__ import annotations

import hashlib
import json
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

COMMIT = "0123456789abcdef0123456789abcdef01234567"


class Hub:
    """Serves `files[repo][name]`; `fault` changes how the next file is sent."""

    def __init__(self) -> None:
        self.files: dict[str, dict[str, bytes]] = {}
        self.gated: set[str] = set()
        self.fault: str = ""
        self.requests: list[tuple[str, str, str | None]] = []  # method, path, Range
        hub = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_: Any) -> None:
                pass

            def do_HEAD(self) -> None:
                self.handle_request(head=True)

            def do_GET(self) -> None:
                self.handle_request(head=False)

            def handle_request(self, head: bool) -> None:
                hub.requests.append((self.command, self.path, self.headers.get("Range")))
                path = self.path.split("?")[0]
                if match := re.fullmatch(r"/api/models/([^/]+/[^/]+)(/revision/[^/]+|/tree/[^/]+.*)?", path):
                    self.api(match[1], match[2] or "", head)
                elif match := re.fullmatch(r"/([^/]+/[^/]+)/resolve/[^/]+/(.+)", path):
                    self.file(match[1], match[2], head)
                else:
                    self.reply(404, b"", {})

            def api(self, repo: str, what: str, head: bool) -> None:
                if not self.allowed(repo):
                    return
                names = hub.files[repo]
                body: Any = {
                    "id": repo, "modelId": repo, "sha": COMMIT, "private": False, "tags": [], "downloads": 0, "likes": 0,
                    "siblings": [{"rfilename": name} for name in names],
                }  # fmt: skip
                if what.startswith("/tree"):
                    body = [
                        {"type": "file", "path": n, "size": len(d), "oid": hashlib.sha1(d).hexdigest()}
                        for n, d in names.items()
                    ]
                self.reply(200, b"" if head else json.dumps(body).encode(), {"Content-Type": "application/json"})

            def allowed(self, repo: str) -> bool:
                if repo in hub.gated:
                    self.reply(403, b"", {"X-Error-Code": "GatedRepo", "X-Error-Message": "gated"})
                elif repo not in hub.files:
                    self.reply(404, b"", {"X-Error-Code": "RepoNotFound", "X-Error-Message": "not found"})
                else:
                    return True
                return False

            def file(self, repo: str, name: str, head: bool) -> None:
                if not self.allowed(repo):
                    return
                data = hub.files[repo].get(name)
                if data is None:
                    self.reply(404, b"", {"X-Error-Code": "EntryNotFound", "X-Repo-Commit": COMMIT})
                    return
                headers = {
                    "X-Repo-Commit": COMMIT, "ETag": f'"{hashlib.sha256(data).hexdigest()}"', "Accept-Ranges": "bytes",
                    "X-Linked-Size": str(len(data)), "X-Linked-Etag": f'"{hashlib.sha256(data).hexdigest()}"',
                }  # fmt: skip
                if head:
                    self.reply(200, b"", headers, length=len(data))
                    return
                if hub.fault == "wrong bytes":
                    data = bytes(len(data))
                start = 0
                status = 200
                if wanted := re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range") or ""):
                    start, status = int(wanted[1]), 206
                    headers["Content-Range"] = f"bytes {start}-{len(data) - 1}/{len(data)}"
                part = data[start:]
                if hub.fault == "cut off":
                    hub.fault = ""
                    self.reply(status, part[: len(part) // 2], headers, length=len(part))
                    self.close_connection = True
                    return
                self.reply(status, part, headers)

            def reply(self, status: int, body: bytes, headers: dict[str, str], length: int | None = None) -> None:
                self.send_response(status)
                for key, value in headers.items():
                    self.send_header(key, value)
                self.send_header("Content-Length", str(len(body) if length is None else length))
                self.end_headers()
                self.wfile.write(body)

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
