"""The server: every dialect on one port."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp

from galop.errors import GalopError
from galop.server import anthropic, llama, ollama, openai, responses, tokens, vectors
from galop.server.api_keys import KeyFile
from galop.server.errors import ApiError, api_error, explained
from galop.server.guard import Guard
from galop.server.loaded import Models
from galop.server.replies import Server
from galop.server.wire import written
from galop.version import __version__
from galop.web.conversations import Conversations


def create(
    models: Models,
    keys: KeyFile,
    hosts: Iterable[str] = (),
    origins: Iterable[str] = (),
    conversations: Conversations | None = None,
    closed: bool = False,
) -> ASGIApp:
    """The whole application, guarded; with the page where there is somewhere to keep its conversations."""
    server = Server(models)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        idle = asyncio.create_task(models.unload_idle())
        yield
        idle.cancel()
        await models.close()

    app = FastAPI(title="Galop", version=__version__, lifespan=lifespan, redirect_slashes=False, docs_url=None,
                  redoc_url=None, openapi_url=None)  # fmt: skip
    for dialect in (openai, responses, anthropic, ollama, llama, vectors, tokens):
        app.include_router(dialect.routes(server), responses=ERRORS)

    @app.get("/health", tags=["Server"])
    async def health() -> dict[str, str]:
        """Whether the server lives."""
        return {"status": "ok"}

    @app.get("/ready", tags=["Server"])
    async def ready() -> dict[str, Any]:
        """The models in memory."""
        return {"status": "ok", "loaded": len(models.residents)}

    @app.get("/metrics", tags=["Server"], response_class=PlainTextResponse)
    async def metrics() -> Response:
        """For Prometheus."""
        return PlainTextResponse(server.metrics.text(models), media_type="text/plain; version=0.0.4")

    @app.get("/openapi.json", include_in_schema=False)
    async def description() -> Response:
        return Response(await asyncio.to_thread(lambda: written(app.openapi())), media_type="application/json")

    @app.exception_handler(HTTPException)
    async def refused(request: Request, error: HTTPException) -> Response:
        if not isinstance(error, ApiError):
            code = {404: "not_found", 405: "method_not_allowed"}.get(error.status_code, "invalid_value")
            error = ApiError(error.status_code, code, f"{request.method} {request.url.path[:200]}: {error.detail}")
        return error.response(request.url.path)

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> Response:
        return explained(error).response(request.url.path)

    @app.exception_handler(GalopError)
    @app.exception_handler(MemoryError)
    @app.exception_handler(Exception)
    async def failed(request: Request, error: Exception) -> Response:
        return api_error(error).response(request.url.path)

    if conversations:
        from galop.web.page import mount

        mount(app, server, conversations)
    return llama.WithoutPrefix(Guard(app, keys, hosts, origins, closed))


ERRORS: dict[int | str, dict[str, Any]] = {
    status: {"description": text, "content": {"application/json": {"schema": {"type": "object"}}}}
    for status, text in {
        400: "The request is wrong; the error says where.", 401: "A key is needed.", 403: "Not allowed.",
        404: "There is no such model.", 413: "Too large.", 415: "Not JSON.", 422: "Not used; see 400.",
        429: "Too many requests; see Retry-After.", 500: "The server's fault.", 503: "Memory is short.",
    }.items()
}  # fmt: skip
