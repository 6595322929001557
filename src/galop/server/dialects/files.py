"""The Files API as batches and prompts need it, in OpenAI's shape or in Anthropic's."""

from __future__ import annotations

import asyncio
import mimetypes
import shutil
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from starlette.datastructures import UploadFile
from starlette.responses import FileResponse, Response

from galop.server.batches.files import KEPT_SECONDS, Files, StoredFile
from galop.server.dialects.anthropic_lists import is_anthropic, write_page, write_time
from galop.server.dialects.openai_batches import page
from galop.server.errors import ApiError
from galop.server.transport.json_body import StrictRoute

PURPOSES = ("batch", "user_data", "vision", "assistants")  # requests, or what a prompt shows by its file_id
LEAST_SECONDS = 3600  # that a file is kept
EXPIRY = ("expires_after[seconds]", "expires_in_seconds")  # fields that say for how long, OpenAI's and Anthropic's


def routes(files: Files) -> APIRouter:
    """`/v1/files`."""
    router = APIRouter(prefix="/v1/files", route_class=StrictRoute, tags=["Files"])

    @router.post("", response_model=None)
    async def upload(request: Request) -> dict[str, Any]:
        """Keeps a file of requests, or one to be shown in prompts, sent as a form with `file` and `purpose`, of which
        Anthropic's clients know the latter alone."""
        form = await request.form(max_files=1, max_fields=20)
        file, purpose = form.get("file"), form.get("purpose", "user_data" if is_anthropic(request) else None)
        if not isinstance(file, UploadFile):
            raise ApiError(400, "invalid_value", "a form with a file in its field `file` is needed", "file")
        if purpose not in PURPOSES:
            message = f"purpose has to be {', '.join(PURPOSES[:-1])} or {PURPOSES[-1]}, not {str(purpose)[:60]!r}"
            raise ApiError(400, "invalid_value", message, "purpose")
        name = (file.filename or "requests.jsonl")[:255]
        wanted = next((str(form[field]) for field in EXPIRY if field in form), str(KEPT_SECONDS))
        if not wanted.isdecimal() or int(wanted[:12]) < LEAST_SECONDS:
            raise ApiError(400, "invalid_value", f"a file is kept for {LEAST_SECONDS} seconds at least", EXPIRY[0])
        stored = await asyncio.to_thread(
            files.add, request.state.key.hash, name, str(purpose), lambda kept: shutil.copyfileobj(file.file, kept),
            min(int(wanted[:12]), KEPT_SECONDS),
        )  # fmt: skip
        return describe(stored, request)

    @router.get("")
    async def list_files(
        request: Request,
        purpose: str = "",
        after: str = "",
        limit: Annotated[int, Query(ge=1, le=10000)] = 10000,
        order: Literal["asc", "desc"] = "desc",
        ids: Annotated[list[str] | None, Query(alias="ids[]")] = None,
        next_page: Annotated[str, Query(alias="page")] = "",
        after_id: str = "",
        before_id: str = "",
    ) -> dict[str, Any]:
        """The key's files."""
        found = await asyncio.to_thread(files.list, request.state.key.hash)
        found = [file for file in found if purpose in ("", file.purpose) and (ids is None or file.id in ids)]
        if is_anthropic(request):
            return write_page([describe(file, request) for file in found], limit, next_page or after_id, before_id)
        return page(found if order == "desc" else found[::-1], after, limit)

    @router.get("/{name}")
    async def show_file(request: Request, name: str) -> dict[str, Any]:
        """One of them."""
        return describe(files.find(request.state.key.hash, name), request)

    @router.get("/{name}/content", response_model=None)
    async def read_file(request: Request, name: str) -> Response:
        """What is in it."""
        found = files.find(request.state.key.hash, name)
        return FileResponse(files.path(found), media_type="application/octet-stream", filename=found.filename)

    @router.delete("/{name}")
    async def delete_file(request: Request, name: str) -> dict[str, Any]:
        """Removes it."""
        files.remove(request.state.key.hash, name)
        deleted = {"type": "file_deleted"} if is_anthropic(request) else {"object": "file", "deleted": True}
        return {"id": name, **deleted}

    return router


def describe(file: StoredFile, request: Request) -> dict[str, Any]:
    """What the client of a request sees of a file."""
    if not is_anthropic(request):
        return file.describe()
    return {
        "id": file.id, "type": "file", "filename": file.filename, "size_bytes": file.bytes, "downloadable": True,
        "mime_type": mimetypes.guess_type(file.filename)[0] or "application/octet-stream",
        "created_at": write_time(file.created_at), "expires_at": write_time(file.expires_at),
    }  # fmt: skip
