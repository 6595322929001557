"""Anthropic's Message Batches: requests of Messages, answered in the background as those of a file are."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response, StreamingResponse

from galop.server.api_keys import ApiKey
from galop.server.batches.requests import BatchFileError, parse_request
from galop.server.batches.stored import UNFINISHED, Batches, StoredBatch
from galop.server.dialects.anthropic_lists import write_page, write_time
from galop.server.errors import ApiError
from galop.server.transport.json_body import StrictRoute, compact_json

ENDPOINT = "/v1/messages"
WINDOW = ("24h", 86400)
LEFT = {"cancelled": "canceled", "expired": "expired", "failed": "errored"}  # requests that a batch ended without


class BatchedMessage(BaseModel):
    """One request of a batch."""

    model_config = ConfigDict(strict=True, extra="ignore")
    custom_id: Annotated[str, Field(pattern=r"^[a-zA-Z0-9_-]{1,64}$")]
    params: dict[str, Any]


class MessageBatchBody(BaseModel):
    """What is to be answered."""

    model_config = ConfigDict(strict=True, extra="ignore")
    requests: Annotated[list[BatchedMessage], Field(min_length=1, max_length=100_000)]


def routes(batches: Batches) -> APIRouter:
    """`/v1/messages/batches`."""
    router = APIRouter(prefix="/v1/messages/batches", route_class=StrictRoute, tags=["Anthropic"])

    def find(key: ApiKey, name: str) -> StoredBatch:
        batch = batches.find(key, name)
        if batch.endpoint != ENDPOINT:
            raise ApiError(404, "not_found", f"{name} is no batch of messages; /v1/batches/{name} tells of it")
        return batch

    @router.post("")
    async def create(request: Request, body: MessageBatchBody) -> dict[str, Any]:
        """Begins to answer requests of Messages."""
        key = request.state.key
        lines = await asyncio.to_thread(write_lines, body.requests)
        source = await asyncio.to_thread(
            batches.files.add, key.hash, "messages.jsonl", "batch", lambda file: file.writelines(lines)
        )
        return describe(batches.create(key, source.id, ENDPOINT, WINDOW, None, len(lines)), request)

    @router.get("")
    async def list_batches(
        request: Request, limit: Annotated[int, Query(ge=1, le=1000)] = 20, after_id: str = "", before_id: str = ""
    ) -> dict[str, Any]:
        """The key's batches of messages."""
        found = await asyncio.to_thread(batches.list, request.state.key)
        shown = [describe(batch, request) for batch in found if batch.endpoint == ENDPOINT]
        return write_page(shown, limit, after_id, before_id)

    @router.get("/{name}")
    async def show(request: Request, name: str) -> dict[str, Any]:
        """One of them."""
        return describe(find(request.state.key, name), request)

    @router.get("/{name}/results", response_model=None)
    async def results(request: Request, name: str) -> Response:
        """What came of each request, a line of JSON each."""
        batch = find(request.state.key, name)
        if batch.status in UNFINISHED:
            raise ApiError(404, "not_found", f"the batch {name} has not ended yet, so it has no results")
        return StreamingResponse(read_results(batches, batch), media_type="application/x-jsonl")

    @router.post("/{name}/cancel")
    async def cancel(request: Request, name: str) -> dict[str, Any]:
        """Ends it; what is answered can be had."""
        return describe(batches.cancel(request.state.key, find(request.state.key, name).id), request)

    @router.delete("/{name}")
    async def delete(request: Request, name: str) -> dict[str, Any]:
        """Removes one that has ended, with its requests and results."""
        batches.remove(request.state.key, find(request.state.key, name).id)
        return {"id": name, "type": "message_batch_deleted"}

    return router


def write_lines(requests: list[BatchedMessage]) -> list[bytes]:
    """The lines of a file of requests. Raises ApiError (400) for what none can be made of."""
    lines: list[bytes] = []
    known: set[str] = set()
    for number, request in enumerate(requests):
        asked = {"custom_id": request.custom_id, "method": "POST", "url": ENDPOINT, "body": request.params}
        lines.append(compact_json(asked).encode() + b"\n")
        try:
            parse_request(lines[-1], Path("requests"), number + 1)
        except BatchFileError as error:
            said = str(error).partition(": ")[2].replace("body", "params")
            raise ApiError(400, "invalid_value", f"requests[{number}]: {said}", "requests") from None
        if request.custom_id in known:
            raise ApiError(
                400, "invalid_value", f"requests[{number}]: {request.custom_id!r} is there twice", "requests"
            )
        known.add(request.custom_id)
    return lines


def describe(batch: StoredBatch, request: Request) -> dict[str, Any]:
    """A batch as the client of a request sees it."""
    ended = batch.status not in UNFINISHED
    at = {name: write_time(seconds) for name, seconds in batch.times.items()}
    counts = dict.fromkeys(("processing", "succeeded", "errored", "canceled", "expired"), 0)
    if ended:
        counts |= {"succeeded": batch.completed, "errored": batch.failed}
        counts[LEFT.get(batch.status, "errored")] += batch.total - batch.completed - batch.failed
    else:
        counts["processing"] = batch.total
    return {
        "id": batch.id, "type": "message_batch", "request_counts": counts,
        "processing_status": "ended" if ended else "canceling" if batch.status == "cancelling" else "in_progress",
        "created_at": write_time(batch.created_at), "expires_at": write_time(batch.expires_at), "archived_at": None,
        "ended_at": at.get(batch.status) if ended else None, "cancel_initiated_at": at.get("cancelling"),
        "results_url": f"{str(request.base_url).rstrip('/')}{ENDPOINT}/batches/{batch.id}/results" if ended else None,
    }  # fmt: skip


def read_results(batches: Batches, batch: StoredBatch) -> Iterator[str]:
    """The lines of results: those that succeeded, those that did not, and what the batch ended without."""
    known: set[str] = set()
    for answer in batches.read(batch, batch.output_file_id, batch.error_file_id):
        if response := answer["response"]:
            known.add(answer["custom_id"])
            body = response["body"]
            done = {"type": "succeeded", "message": body} if response["status_code"] < 400 else failed(body)
            yield compact_json({"custom_id": answer["custom_id"], "result": done}) + "\n"
    why = batch.errors[0]["message"] if batch.errors else "it was not answered"
    left = {"type": LEFT.get(batch.status, "errored")}
    if left["type"] == "errored":
        left = failed({"type": "error", "error": {"type": "api_error", "message": why}})
    for asked in batches.read(batch, batch.input_file_id):
        if asked["custom_id"] not in known:
            yield compact_json({"custom_id": asked["custom_id"], "result": left}) + "\n"


def failed(error: dict[str, Any]) -> dict[str, Any]:
    """The result of a request that was answered with an error."""
    return {"type": "errored", "error": error}
