"""OpenAI's Batch API, and the Files API as far as batches need it."""

from __future__ import annotations

import asyncio
import re
import shutil
from collections.abc import Sequence
from typing import Annotated, Any, Literal, TypeVar

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.datastructures import UploadFile
from starlette.responses import FileResponse, Response

from galop.server.batches.files import StoredFile
from galop.server.batches.stored import Batches, StoredBatch
from galop.server.errors import ApiError
from galop.server.transport.json_body import StrictRoute

WINDOW = re.compile(r"([1-9]\d{0,2})([hd])")
HOUR = 3600
PURPOSES = ("batch", "user_data", "vision", "assistants")  # of files: requests, or what a prompt shows by its file_id
Item = TypeVar("Item", StoredFile, StoredBatch)


class BatchBody(BaseModel):
    """What makes a batch of a file."""

    model_config = ConfigDict(strict=True, extra="ignore")
    input_file_id: str
    endpoint: Literal["/v1/chat/completions", "/v1/completions", "/v1/embeddings", "/v1/responses"]
    completion_window: str = "24h"
    metadata: Annotated[dict[Annotated[str, Field(max_length=64)], Annotated[str, Field(max_length=512)]],
                        Field(max_length=16)] | None = None  # fmt: skip


def routes(batches: Batches) -> APIRouter:
    """`/v1/files` and `/v1/batches`."""
    router = APIRouter(prefix="/v1", route_class=StrictRoute, tags=["Batches"])
    files = batches.files

    @router.post("/files", response_model=None)
    async def upload(request: Request) -> dict[str, Any]:
        """Keeps a file of requests, or one to be shown in prompts, sent as a form with `file` and `purpose`."""
        form = await request.form(max_files=1, max_fields=20)
        file, purpose = form.get("file"), form.get("purpose")
        if not isinstance(file, UploadFile):
            raise ApiError(400, "invalid_value", "a form with a file in its field `file` is needed", "file")
        if purpose not in PURPOSES:
            message = f"purpose has to be {', '.join(PURPOSES[:-1])} or {PURPOSES[-1]}, not {str(purpose)[:60]!r}"
            raise ApiError(400, "invalid_value", message, "purpose")
        name = (file.filename or "requests.jsonl")[:255]
        stored = await asyncio.to_thread(
            files.add, request.state.key.hash, name, str(purpose), lambda kept: shutil.copyfileobj(file.file, kept)
        )
        return stored.describe()

    @router.get("/files")
    async def list_files(
        request: Request,
        purpose: str = "",
        after: str = "",
        limit: Annotated[int, Query(ge=1, le=10000)] = 10000,
        order: Literal["asc", "desc"] = "desc",
    ) -> dict[str, Any]:
        """The key's files."""
        found = await asyncio.to_thread(files.list, request.state.key.hash)
        found = [file for file in found if purpose in ("", file.purpose)]
        return page(found if order == "desc" else found[::-1], after, limit)

    @router.get("/files/{name}")
    async def show_file(request: Request, name: str) -> dict[str, Any]:
        """One of them."""
        return files.find(request.state.key.hash, name).describe()

    @router.get("/files/{name}/content", response_model=None)
    async def read_file(request: Request, name: str) -> Response:
        """What is in it."""
        found = files.find(request.state.key.hash, name)
        return FileResponse(files.path(found), media_type="application/octet-stream", filename=found.filename)

    @router.delete("/files/{name}")
    async def delete_file(request: Request, name: str) -> dict[str, Any]:
        """Removes it."""
        files.remove(request.state.key.hash, name)
        return {"id": name, "object": "file", "deleted": True}

    @router.post("/batches")
    async def create(request: Request, body: BatchBody) -> dict[str, Any]:
        """Begins to answer the requests of a file."""
        window = WINDOW.fullmatch(body.completion_window)
        if not window:
            raise ApiError(400, "invalid_value", "completion_window is a time such as 24h or 7d", "completion_window")
        seconds = int(window[1]) * HOUR * (24 if window[2] == "d" else 1)
        made = batches.create(
            request.state.key, body.input_file_id, body.endpoint, (body.completion_window, seconds), body.metadata
        )
        return made.describe()

    @router.get("/batches")
    async def list_batches(
        request: Request, after: str = "", limit: Annotated[int, Query(ge=1, le=100)] = 20
    ) -> dict[str, Any]:
        """The key's batches."""
        return page(await asyncio.to_thread(batches.list, request.state.key), after, limit)

    @router.get("/batches/{name}")
    async def show_batch(request: Request, name: str) -> dict[str, Any]:
        """One of them."""
        return batches.find(request.state.key, name).describe()

    @router.post("/batches/{name}/cancel")
    async def cancel(request: Request, name: str) -> dict[str, Any]:
        """Ends it; what is answered can be had."""
        return batches.cancel(request.state.key, name).describe()

    return router


def page(items: Sequence[Item], after: str, limit: int) -> dict[str, Any]:
    """The first items after one, as OpenAI's lists have them."""
    names = [item.id for item in items]
    begin = names.index(after) + 1 if after in names else 0
    shown = [item.describe() for item in items[begin : begin + limit]]
    ends = {"first_id": shown[0]["id"] if shown else None, "last_id": shown[-1]["id"] if shown else None}
    return {"object": "list", "data": shown, "has_more": begin + limit < len(items), **ends}
