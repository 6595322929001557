"""The server: every dialect on one port."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp

from galop.errors import GalopError
from galop.machine import data_directory
from galop.server.api_keys import KeyFile
from galop.server.batches.stored import Batches
from galop.server.dialects import (
    anthropic,
    anthropic_batches,
    embeddings,
    files,
    llama_server,
    model_list,
    ollama,
    openai_batches,
    openai_chat,
    openai_completions,
    openai_responses,
    tokenize,
)
from galop.server.errors import ApiError, api_error
from galop.server.model_pool import ModelPool
from galop.server.service import Service
from galop.server.transport.guard import Guard
from galop.server.transport.json_body import write_json
from galop.server.transport.validation import validation_error
from galop.version import __version__


def create(
    models: ModelPool,
    keys: KeyFile,
    hosts: Iterable[str] = (),
    origins: Iterable[str] = (),
    closed: bool = False,
    mount: Callable[[FastAPI, Service], None] | None = None,
) -> ASGIApp:
    """The whole application, guarded; `mount` adds what else answers at this port, such as the page."""
    batches = Batches(data_directory() / "batches", keys, models.limits.parallel)
    service = Service(models, files=batches.files)
    app = create_unguarded(service, batches)
    if mount:
        mount(app, service)
    return llama_server.WithoutPrefix(Guard(app, keys, hosts, origins, closed))


def create_unguarded(service: Service, batches: Batches | None = None) -> FastAPI:
    """All routes, for who says himself whose each request is (`request.state.key`)."""
    models = service.models

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        idle = asyncio.create_task(models.unload_idle())
        if batches:
            batches.start(app)
        try:
            yield
        finally:
            if batches:
                await batches.stop()
            idle.cancel()
            await asyncio.to_thread(service.planner.close)
            await models.close()

    app = FastAPI(title="Galop", version=__version__, lifespan=lifespan, redirect_slashes=False, docs_url=None,
                  redoc_url=None, openapi_url=None)  # fmt: skip
    for dialect in DIALECTS:
        app.include_router(dialect.routes(service), responses=ERRORS)
    if batches:
        for router in (files.routes(batches.files), openai_batches.routes(batches), anthropic_batches.routes(batches)):
            app.include_router(router, responses=ERRORS)

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
        return PlainTextResponse(service.metrics.text(models), media_type="text/plain; version=0.0.4")

    @app.get("/openapi.json", include_in_schema=False)
    async def description() -> Response:
        return Response(await asyncio.to_thread(lambda: write_json(app.openapi())), media_type="application/json")

    @app.exception_handler(HTTPException)
    async def answer_http_error(request: Request, error: HTTPException) -> Response:
        if not isinstance(error, ApiError):
            code = {404: "not_found", 405: "method_not_allowed"}.get(error.status_code, "invalid_value")
            error = ApiError(error.status_code, code, f"{request.method} {request.url.path[:200]}: {error.detail}")
        return error.response(request.url.path)

    @app.exception_handler(RequestValidationError)
    async def answer_invalid(request: Request, error: RequestValidationError) -> Response:
        return validation_error(error).response(request.url.path)

    @app.exception_handler(GalopError)
    @app.exception_handler(MemoryError)
    @app.exception_handler(Exception)
    async def answer_failure(request: Request, error: Exception) -> Response:
        return api_error(error).response(request.url.path)

    return app


DIALECTS = (
    openai_chat, openai_completions, model_list, openai_responses, anthropic, ollama, llama_server, embeddings,
    tokenize,
)  # fmt: skip
ERRORS: dict[int | str, dict[str, Any]] = {
    status: {"description": text, "content": {"application/json": {"schema": {"type": "object"}}}}
    for status, text in {
        400: "The request is wrong; the error says where.", 401: "A key is needed.", 403: "Not allowed.",
        404: "There is no such model.", 413: "Too large.", 415: "Not JSON.", 422: "Not used; see 400.",
        429: "Too many requests; see Retry-After.", 500: "The server's fault.", 503: "Memory is short.",
    }.items()
}  # fmt: skip
