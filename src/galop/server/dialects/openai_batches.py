"""OpenAI's Batch API."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from typing import Annotated, Any, Literal, TypeVar

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from galop.server.batches.files import StoredFile
from galop.server.batches.stored import Batches, StoredBatch
from galop.server.errors import ApiError
from galop.server.transport.json_body import StrictRoute

WINDOW = re.compile(r"([1-9]\d{0,2})([hd])")
HOUR = 3600
Item = TypeVar("Item", StoredFile, StoredBatch)


class BatchBody(BaseModel):
    """What makes a batch of a file."""

    model_config = ConfigDict(strict=True, extra="ignore")
    input_file_id: str
    endpoint: Literal["/v1/chat/completions", "/v1/completions", "/v1/embeddings", "/v1/rerank", "/v1/responses",
                      "/v1/messages"]  # fmt: skip
    completion_window: str = "24h"
    metadata: Annotated[dict[Annotated[str, Field(max_length=64)], Annotated[str, Field(max_length=512)]],
                        Field(max_length=16)] | None = None  # fmt: skip


def routes(batches: Batches) -> APIRouter:
    """`/v1/batches`."""
    router = APIRouter(prefix="/v1", route_class=StrictRoute, tags=["Batches"])

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
