"""The outermost layer of the server: host, origin, API key, type and size of the body, before all else."""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Iterable
from contextlib import suppress
from ipaddress import ip_address
from typing import Any
from urllib.parse import parse_qs, urlsplit

from starlette.requests import cookie_parser
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from galop.errors import GalopError
from galop.server.api_keys import ANYONE, ApiKey, KeyFile
from galop.server.errors import ApiError, api_error

HOST = re.compile(r"(?:\[([0-9a-f:.]+)(?:%[\w.-]+)?\]|([a-z0-9._-]+))(?::(\d{0,5}))?", re.ASCII | re.IGNORECASE)
LOOPBACK = ("localhost", "127.0.0.1", "::1")
MAX_BODY = 32 << 20
FILES, MAX_FILE = "/v1/files", 200 << 20  # where files are sent, and how large they may be
PUBLIC = ("/health", "/ready")  # all that answers without a key
PAGE = ("/", "/_nicegui", "/static", "/favicon.ico")  # what a browser loads: a cookie opens these
COOKIE = "galop_session"
# What clients call a body of JSON that they do not call JSON.
UNNAMED = (b"", b"application/x-www-form-urlencoded", b"text/plain", b"text/json", b"application/octet-stream")
SESSION_SECONDS = 7 * 86400

LOGIN = """<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Galop</title><style>
body{font:16px system-ui;max-width:22rem;margin:20vh auto;padding:0 1rem;color-scheme:light dark}
input,button{font:inherit;width:100%;box-sizing:border-box;padding:.6rem;margin:.3rem 0}</style>
<h1>Galop</h1><form method="post" action="/login"><label>API key <input type="password" name="key" autofocus required
autocomplete="current-password"></label><button>Enter</button><p role="alert">MESSAGE</p></form></html>"""


class Guard:
    """ASGI middleware. Without keys everybody who comes in by an allowed host may do everything.

    Where there have been keys once, or `closed` says so, a request needs one, even when the last has been removed.
    """

    def __init__(
        self, app: ASGIApp, keys: KeyFile, hosts: Iterable[str], origins: Iterable[str] = (), closed: bool = False
    ) -> None:
        self.app = app
        self.keys = keys
        self.closed = closed
        self.hosts = {canonical(host) for host in (*LOOPBACK, *hosts)}
        self.origins = set(origins)
        self.sessions: dict[str, tuple[str, float]] = {}  # cookie -> hash of the key, until when

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one ASGI connection."""
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        headers: dict[bytes, list[bytes]] = {}
        for name, value in scope["headers"]:
            headers.setdefault(name, []).append(value)
        request_id = secrets.token_hex(8)

        origin = headers.get(b"origin", [b""])[0]
        shared = [(b"access-control-allow-origin", origin), (b"vary", b"Origin")]
        foreign = origin.decode("latin-1") in self.origins

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                added = [(b"x-request-id", request_id.encode()), *SAFE, *(shared if foreign else [])]
                message["headers"] = [*message["headers"], *added]
            await send(message)

        reply: Send = answer
        try:
            self._host(headers)
            self._origin(scope, headers)
            if foreign and scope.get("method") == "OPTIONS":
                wanted = b",".join(headers.get(b"access-control-request-headers", [])).decode("latin-1")
                allowed = {**PREFLIGHT, "access-control-allow-headers": wanted}  # SDKs name a dozen of their own
                await Response(status_code=204, headers=allowed)(scope, receive, reply)
                return
            if scope["path"] == "/login" and scope["type"] == "http":
                await (await self._login(scope, headers, receive))(scope, receive, reply)
                return
            key = scope.setdefault("state", {})["key"] = self._key(scope, headers)
            if scope.get("method") == "HEAD":  # what GET answers, whose body uvicorn does not send
                scope = {**scope, "method": "GET"}
            if scope["type"] == "http":
                self._body(scope, headers)
                receive = _limit_body(receive, MAX_FILE if scope["path"] == FILES else MAX_BODY)
        except (ApiError, GalopError) as problem:
            error = api_error(problem)
            if scope["type"] == "websocket":
                await send({"type": "websocket.close", "code": 1008})
                return
            if error.status_code == 401 and scope["path"] == "/" and scope["method"] == "GET":
                await HTMLResponse(LOGIN.replace("MESSAGE", ""), 401)(scope, receive, reply)
                return
            await error.response(scope["path"])(scope, receive, reply)
            return
        if scope["type"] == "websocket":
            receive, reply = self._while_valid(key, receive, reply)
        await self.app(scope, receive, reply)

    def _while_valid(self, key: ApiKey, receive: Receive, send: Send) -> tuple[Receive, Send]:
        """A web socket both ways, which ends with the key that opened it."""
        ended = False

        async def end() -> None:
            nonlocal ended
            if not ended:
                ended = True
                await send({"type": "websocket.close", "code": 1008})

        async def receive_valid() -> Message:
            message = await receive()
            if message["type"] == "websocket.receive" and not self._valid(key):
                await end()
                return {"type": "websocket.disconnect", "code": 1008}
            return message

        async def send_valid(message: Message) -> None:
            if self._valid(key):
                await send(message)
            else:
                await end()

        return receive_valid, send_valid

    def _valid(self, key: ApiKey) -> bool:
        """Whether a key that was found still lets anybody in."""
        with suppress(GalopError):
            hashes = [known.hash for known in self.keys.keys()]  # noqa: SIM118
            return key.hash in hashes if key.hash else not (hashes or self.closed)
        return False

    def _host(self, headers: dict[bytes, list[bytes]]) -> None:
        """A page from elsewhere may point its own name at this machine; its requests then bear that name."""
        values = headers.get(b"host", [])
        match = HOST.fullmatch(values[0].decode("latin-1")) if len(values) == 1 else None
        if not match or int(match[3] or 0) > 65535 or canonical(match[1] or match[2]) not in self.hosts:
            raise ApiError(403, "host_not_allowed", "this host name is not served; name it with --allow-host")

    def _origin(self, scope: Scope, headers: dict[bytes, list[bytes]]) -> None:
        origin = headers.get(b"origin", [b""])[0].decode("latin-1")
        host = headers[b"host"][0].decode("latin-1")
        try:
            same = not origin or urlsplit(origin).netloc == host
        except ValueError:
            same = False
        if not same and origin not in self.origins:
            raise ApiError(403, "origin_not_allowed", "pages of this origin may not ask; name it with --allow-origin")
        if headers.get(b"sec-fetch-site", [b""])[0] == b"cross-site" and not origin and scope.get("method") == "POST":
            raise ApiError(403, "origin_not_allowed", "another site may not post here")

    def _key(self, scope: Scope, headers: dict[bytes, list[bytes]]) -> ApiKey:
        path = scope["path"]
        self.closed = self.closed or bool(self.keys.keys())
        if not self.closed or path in PUBLIC:
            return ANYONE
        given = [v.decode("latin-1") for v in headers.get(b"authorization", []) + headers.get(b"x-api-key", [])]
        if len(given) == 1:
            scheme, _, token = given[0].rpartition(" ")
            if (key := self.keys.find(token)) and scheme.lower() in ("", "bearer"):
                return key
        elif not given and any(path == p or (p != "/" and path.startswith(p)) for p in PAGE):
            cookies = cookie_parser(b"; ".join(headers.get(b"cookie", [])).decode("latin-1"))
            hashed, until = self.sessions.get(cookies.get(COOKIE, ""), ("", 0.0))
            keys = [k for k in self.keys.keys() if k.hash == hashed and until > time.monotonic()]  # noqa: SIM118
            if keys:
                return keys[0]
        raise ApiError(401, "invalid_api_key", "a key is needed, as `Authorization: Bearer KEY` or `X-Api-Key: KEY`")

    async def _login(self, scope: Scope, headers: dict[bytes, list[bytes]], receive: Receive) -> Response:
        if scope["method"] != "POST":
            return RedirectResponse("/", 303)
        body = b""
        more = True
        while more and len(body) < 4096:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
        key = self.keys.find(parse_qs(body.decode("latin-1")).get("key", [""])[0])
        if key is None:
            return HTMLResponse(LOGIN.replace("MESSAGE", "That is not a key of this server."), 401)
        cookie = secrets.token_urlsafe(32)
        now = time.monotonic()
        self.sessions = {c: s for c, s in self.sessions.items() if s[1] > now}
        self.sessions[cookie] = (key.hash, now + SESSION_SECONDS)
        answer = RedirectResponse("/", 303)
        secure = headers.get(b"x-forwarded-proto", [b""])[0] == b"https" or scope["scheme"] == "https"
        answer.set_cookie(COOKIE, cookie, SESSION_SECONDS, httponly=True, samesite="strict", secure=secure)
        return answer

    def _body(self, scope: Scope, headers: dict[bytes, list[bytes]]) -> None:
        """Only JSON is read, whatever it is called: curl and others name a form, or nothing. Files come as forms.

        Other names than JSON's are what a page may send anywhere without asking first, so they are taken only from
        what is no page of elsewhere: a browser tells by its Origin (see `_origin`), Sec-Fetch-Site or Referer.
        """
        if scope["method"] not in ("POST", "PUT", "PATCH", "DELETE") or scope["path"].startswith(PAGE[1:]):
            return
        if headers.get(b"content-encoding", [b"identity"])[0].lower() != b"identity":
            raise ApiError(415, "unsupported_media_type", "send the body as it is, not compressed")
        length, most = headers.get(b"content-length", [b"0"])[0], MAX_FILE if scope["path"] == FILES else MAX_BODY
        if length.isdigit() and int(length) > most:
            raise too_large(most)
        kind = headers.get(b"content-type", [b""])[0].split(b";")[0].strip().lower()
        if kind == b"application/json":
            return
        is_form = scope["path"] == FILES and kind == b"multipart/form-data"
        if kind not in UNNAMED and not is_form:
            raise ApiError(415, "unsupported_media_type", "send JSON, with Content-Type: application/json")
        if self._elsewhere(headers):
            raise ApiError(403, "origin_not_allowed", "another site may not post here")
        if is_form:
            return
        rest = [(name, value) for name, value in scope["headers"] if name != b"content-type"]
        scope["headers"] = [*rest, (b"content-type", b"application/json")]

    def _elsewhere(self, headers: dict[bytes, list[bytes]]) -> bool:
        """Whether a page of another site may have sent this; `_origin` has looked at Origin."""
        if b"origin" in headers:
            return False
        if b"sec-fetch-site" in headers:
            return headers[b"sec-fetch-site"][0] not in (b"same-origin", b"none")
        referer = headers.get(b"referer", [b""])[0].decode("latin-1")
        with suppress(ValueError):
            return bool(referer) and urlsplit(referer).netloc != headers[b"host"][0].decode("latin-1")
        return True


PREFLIGHT = {
    "access-control-allow-methods": "GET, HEAD, POST, DELETE, OPTIONS",
    "access-control-max-age": "600",
}
SAFE: list[tuple[bytes, bytes]] = [
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),
    (b"x-frame-options", b"DENY"),
]


def canonical(host: str) -> str:
    """One spelling of a host's name or address."""
    with suppress(ValueError):
        return ip_address(host.partition("%")[0]).compressed
    return host.lower().removesuffix(".")


def too_large(most: int = MAX_BODY) -> ApiError:
    """The refusal (413) of a body above so many bytes."""
    return ApiError(413, "body_too_large", f"a request may have {most >> 20} MiB")


def _limit_body(receive: Receive, most: int) -> Receive:
    size = 0

    async def limited() -> Message:
        nonlocal size
        message: dict[str, Any] = dict(await receive())
        size += len(message.get("body", b""))
        if size > most:
            raise too_large(most)
        return message

    return limited
