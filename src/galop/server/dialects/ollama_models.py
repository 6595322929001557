"""Ollama's routes about models: which there are, what they are, and that a request changes none of them."""

from __future__ import annotations

import asyncio
import json
import math
from array import array
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import Any

import numpy as np
from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict
from starlette.responses import JSONResponse, Response

from galop.chat.renderer import capabilities_of
from galop.server.errors import ApiError
from galop.server.model_pool import ModelPool, Resident
from galop.server.service import Service, split_name
from galop.server.transport.json_body import StrictRoute
from galop.server.transport.streaming import JSON_LINES, EventStream, json_response
from galop.store import Source
from galop.store.model_info import ModelInfo, find_info, get_info, parse_info
from galop.version import __version__

API_LEVEL = "0.14.0"  # of Ollama, what clients judge by: the first that speaks Anthropic's Messages too
FOR_EVER = timedelta(days=36_500)  # what `ollama ps` shows as Forever
LONGEST = 1 << 16  # of a metadata value in /api/show


class OllamaModelRequest(BaseModel):
    """Requests about one model; `name` is what `model` was called once."""

    model_config = ConfigDict(strict=True, extra="ignore")
    model: str | None = None
    name: str | None = None

    @property
    def model_name(self) -> str:
        """The model's name. Raises ApiError (400) where it is missing."""
        if name := self.model or self.name:
            return name
        raise ApiError(400, "invalid_value", "model is required", "model")


class OllamaShowRequest(OllamaModelRequest):
    """What is known of a model."""

    verbose: bool | None = None


class OllamaPullRequest(OllamaModelRequest):
    """A model to have here."""

    stream: bool | None = None


class OllamaCopyRequest(BaseModel):
    """Another name for a model."""

    model_config = ConfigDict(strict=True, extra="ignore")
    source: str
    destination: str


def routes(service: Service) -> APIRouter:
    """Those of `/api` that are about models."""
    router = APIRouter(route_class=StrictRoute)

    @router.get("/tags")
    async def tags(request: Request) -> dict[str, Any]:
        """The models on this machine."""
        sources = service.models.visible(request.state.key).values()
        here = [s for s in sources if s.path and s.path.exists()]  # another may be gone, and the rest is still there
        return {"models": await asyncio.to_thread(lambda: [describe_model(s, find_info(s)) for s in here])}

    @router.get("/ps")
    async def ps(request: Request) -> dict[str, Any]:
        """The models in memory."""
        visible = service.models.visible(request.state.key)
        there = [(r, visible[r.name]) for r in service.models.residents.values() if r.name in visible]
        return {"models": await asyncio.to_thread(lambda: [describe_loaded(service.models, r, s) for r, s in there])}

    @router.post("/show")
    async def show(request: Request, body: OllamaShowRequest) -> Response:
        """What is known of a model, without loading it."""
        source = service.models.find(split_name(body.model_name)[0], request.state.key)
        return json_response(asyncio.to_thread(show_model, source, bool(body.verbose)))

    @router.post("/pull", response_model=None, responses=JSON_LINES)
    async def pull(request: Request, body: OllamaPullRequest) -> Response:
        """Tells that a model is here; one that is not is not fetched by a request."""
        try:
            source = service.models.find(body.model_name, request.state.key)
        except ApiError as error:
            name = body.model_name[:200]
            error.message = (
                f"model {name!r} not found, and a request downloads nothing; on the server's machine: galop pull NAME"
            )
            raise
        info = await asyncio.to_thread(get_info, source)
        layer = {"digest": f"sha256:{info.digest}", "total": info.bytes, "completed": info.bytes}
        if body.stream is False:
            return JSONResponse({"status": "success"})
        steps: list[dict[str, Any]] = [
            {"status": "pulling manifest"}, {"status": f"pulling {info.digest[:12]}", **layer},
            {"status": "verifying sha256 digest"}, {"status": "writing manifest"}, {"status": "success"},
        ]  # fmt: skip

        async def lines() -> AsyncIterator[str]:
            for step in steps:
                yield json.dumps(step) + "\n"

        return EventStream(lines(), media_type="application/x-ndjson", ping="")

    @router.delete("/delete", response_model=None, include_in_schema=False)
    async def delete(request: Request, body: OllamaModelRequest) -> Response:
        """Refused: models are removed on the server's machine."""
        service.models.find(body.model_name, request.state.key)
        raise not_allowed("deletes no models", "galop rm NAME")

    @router.post("/copy", response_model=None, include_in_schema=False)
    async def copy(request: Request, body: OllamaCopyRequest) -> Response:
        """Refused: names are the catalogue's and the files'."""
        service.models.find(body.source, request.state.key)
        raise not_allowed("gives models no other names", "galop list")

    @router.post("/create", response_model=None, include_in_schema=False)
    async def create(request: Request, body: OllamaModelRequest) -> Response:
        """Refused: a request makes no models."""
        raise not_allowed("makes no models", "galop pull NAME")

    @router.post("/push", response_model=None, include_in_schema=False)
    async def push(request: Request, body: OllamaModelRequest) -> Response:
        """Refused: nothing leaves this machine."""
        raise not_allowed("sends models nowhere", "galop list")

    @router.get("/blobs/{digest}", include_in_schema=False)
    async def blob(digest: str) -> Response:
        """What is asked (by HEAD) before a file is sent; none is here."""
        return Response(status_code=404)

    @router.post("/blobs/{digest}", response_model=None, include_in_schema=False)
    async def send_blob(digest: str) -> Response:
        """Refused: files are not taken."""
        raise not_allowed("takes no files", "galop pull NAME")

    @router.get("/version")
    async def version() -> dict[str, str]:
        """The level of Ollama's interface that is spoken, and the version of Galop."""
        return {"version": API_LEVEL, "galop": __version__}

    return router


def not_allowed(what: str, instead: str) -> ApiError:
    """The refusal (403) of what only the owner does, at the machine."""
    return ApiError(403, "not_allowed", f"this server {what} when asked over HTTP; see on its machine: {instead}")


def timestamp(moment: datetime) -> str:
    """As Ollama writes moments, in UTC."""
    return moment.isoformat().replace("+00:00", "Z")


def human_number(n: int) -> str:
    """As Ollama writes numbers of parameters: 494.03M, 7.6B."""
    for size, unit, digits in ((10**9, "B", 1), (10**6, "M", 2)):
        if n >= size:
            return f"{n // size}{unit}" if n % size == 0 else f"{n / size:.{digits}f}{unit}"
    return f"{n / 1000:.0f}K" if n >= 1000 else str(n)


def capabilities(info: ModelInfo) -> list[str]:
    """`embedding` stands for models that do nothing else: Ollama's command line never talks to those."""
    if info.only_embeds:
        return ["embedding"]
    can = ["completion"]
    if info.template:
        can.append("tools")  # where the template knows none, the system's words tell of them
    if info.template and capabilities_of(info.template).thinking:
        can.append("thinking")
    if info.infills:
        can.append("insert")
    if info.sees:
        can.append("vision")
    return can


def details(source: Source, info: ModelInfo) -> dict[str, Any]:
    """The `details` of a model."""
    family = info.architecture or source.name.split(":")[0]
    count = source.entry.parameters if source.entry else info.parameters
    lengths = {name: info.number(name) for name in ("context_length", "embedding_length")}
    return {
        "parent_model": "",
        "format": info.format,
        "family": family,
        "families": [family],
        "parameter_size": human_number(count) if count else "",
        "quantization_level": info.quantisation or "unknown",
        **{name: length for name, length in lengths.items() if length},
    }


def describe_model(source: Source, info: ModelInfo) -> dict[str, Any]:
    """An entry of `/api/tags`."""
    return {
        "name": source.name,
        "model": source.name,
        "modified_at": timestamp(datetime.fromtimestamp(info.modified, UTC)),
        "size": info.bytes,
        "digest": info.digest,
        "details": details(source, info),
        "capabilities": capabilities(info),
    }


def describe_loaded(models: ModelPool, resident: Resident, source: Source) -> dict[str, Any]:
    """An entry of `/api/ps`."""
    left = models.keep_seconds(resident) - (0 if resident.users else monotonic() - resident.used)
    return {
        **{
            k: v
            for k, v in describe_model(source, find_info(source)).items()
            if k not in ("modified_at", "capabilities")
        },
        "size": resident.model.memory,
        "size_vram": 0,
        "expires_at": timestamp(datetime.now(UTC) + min(timedelta(seconds=min(left, 1e10)), FOR_EVER)),
        "context_length": resident.model.context,
    }


def show_model(source: Source, verbose: bool) -> dict[str, Any]:
    """What `/api/show` answers; `verbose` adds the tokenizer's data and the tensors."""
    info = get_info(source)
    entry = source.entry
    count = entry.parameters if entry else info.parameters
    licence = entry.licence if entry else str(info.metadata.get("general.license", ""))
    known = {
        "general.architecture": info.architecture,
        "general.basename": source.name.split(":")[0],
        "general.parameter_count": count,
    }
    parameters = "\n".join(f"{name:30} {json.dumps(value)}" for name, value in settings(source, info).items())
    answer: dict[str, Any] = {
        "license": licence,
        "modelfile": f"# galop's own account of {source.name}\nFROM {source.name}\n",
        "parameters": parameters,
        "template": info.template,
        "details": details(source, info),
        "model_info": {**known, **public_metadata(info.metadata)},
        "capabilities": capabilities(info),
        "modified_at": timestamp(datetime.fromtimestamp(info.modified, UTC)),
    }
    if verbose and source.path:
        whole = parse_info(source.path)
        answer["model_info"] |= public_metadata(whole.metadata)
        answer["tensors"] = [
            {"name": name, "type": tensor.quant_type, "shape": tensor.shape[::-1]}
            for name, tensor in whole.tensors.items()
        ]
    return answer


def public_metadata(metadata: dict[str, Any]) -> dict[str, Any]:
    """Metadata but for what stands elsewhere, and what JSON cannot hold."""
    known = {}
    for key, value in metadata.items():
        if isinstance(value, (np.ndarray, array)):
            numbers = np.asarray(value)
            value = numbers.tolist() if np.isfinite(numbers).all() else None
        elif (isinstance(value, float) and not math.isfinite(value)) or (
            isinstance(value, str) and len(value) > LONGEST
        ):
            value = None
        if value is not None and key not in ("general.name", "tokenizer.chat_template"):
            known[key] = value
    return known


def settings(source: Source, info: ModelInfo) -> dict[str, Any]:
    """The sampling settings of a reply where a request has none, by Ollama's names."""
    modes = source.entry.sampling if source.entry else {}
    card = modes.get("thinking") or modes.get("chat") or info.generation
    names = {"repetition_penalty": "repeat_penalty"}
    wanted = ("temperature", "top_k", "top_p", "min_p", "repetition_penalty", "presence_penalty", "frequency_penalty")
    return {names.get(name, name): card[name] for name in wanted if isinstance(card.get(name), (int, float))}
