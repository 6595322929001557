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

from galop.chat.template import capabilities_of
from galop.server.errors import ApiError
from galop.server.loaded import Models, Resident
from galop.server.replies import Server
from galop.server.wire import LINES, EventStream, StrictRoute, whole
from galop.store import Source
from galop.store.facts import Facts, facts_left, facts_of, read_facts
from galop.version import __version__

API_LEVEL = "0.14.0"  # of Ollama, what clients judge by: the first that speaks Anthropic's Messages too
FOR_EVER = timedelta(days=36_500)  # what `ollama ps` shows as Forever
LONGEST = 1 << 16  # of a metadata value in /api/show


class Named(BaseModel):
    """Requests about one model; `name` is what `model` was called once."""

    model_config = ConfigDict(strict=True, extra="ignore")
    model: str | None = None
    name: str | None = None

    @property
    def called(self) -> str:
        """Raises ApiError where it is missing."""
        if called := self.model or self.name:
            return called
        raise ApiError(400, "invalid_value", "model is required", "model")


class ShowRequest(Named):
    verbose: bool | None = None


class PullRequest(Named):
    stream: bool | None = None


class CopyRequest(BaseModel):
    model_config = ConfigDict(strict=True, extra="ignore")
    source: str
    destination: str


def routes(server: Server) -> APIRouter:
    router = APIRouter(route_class=StrictRoute)

    @router.get("/tags")
    async def tags(request: Request) -> dict[str, Any]:
        """The models on this machine."""
        sources = server.models.visible(request.state.key).values()
        here = [s for s in sources if s.path and s.path.exists()]  # another may be gone, and the rest is still there
        return {"models": await asyncio.to_thread(lambda: [listed(s, facts_left(s)) for s in here])}

    @router.get("/ps")
    async def ps(request: Request) -> dict[str, Any]:
        """The models in memory."""
        visible = server.models.visible(request.state.key)
        there = [(r, visible[r.name]) for r in server.models.residents.values() if r.name in visible]
        return {"models": await asyncio.to_thread(lambda: [running(server.models, r, s) for r, s in there])}

    @router.post("/show")
    async def show(request: Request, body: ShowRequest) -> Response:
        """What is known of a model, without loading it."""
        source = server.models.find(body.called, request.state.key)
        return whole(asyncio.to_thread(shown, source, bool(body.verbose)))

    @router.post("/pull", response_model=None, responses=LINES)
    async def pull(request: Request, body: PullRequest) -> Response:
        """Tells that a model is here; one that is not is not fetched by a request."""
        try:
            source = server.models.find(body.called, request.state.key)
        except ApiError as error:
            name = body.called[:200]
            error.message = (
                f"model {name!r} not found, and a request downloads nothing; on the server's machine: galop pull NAME"
            )
            raise
        facts = await asyncio.to_thread(facts_of, source)
        layer = {"digest": f"sha256:{facts.digest}", "total": facts.bytes, "completed": facts.bytes}
        if body.stream is False:
            return JSONResponse({"status": "success"})
        steps: list[dict[str, Any]] = [
            {"status": "pulling manifest"}, {"status": f"pulling {facts.digest[:12]}", **layer},
            {"status": "verifying sha256 digest"}, {"status": "writing manifest"}, {"status": "success"},
        ]  # fmt: skip

        async def lines() -> AsyncIterator[str]:
            for step in steps:
                yield json.dumps(step) + "\n"

        return EventStream(lines(), media_type="application/x-ndjson", ping="")

    @router.delete("/delete", response_model=None, include_in_schema=False)
    async def delete(request: Request, body: Named) -> Response:
        """Refused: models are removed on the server's machine."""
        server.models.find(body.called, request.state.key)
        raise fixed("deletes no models", "galop rm NAME")

    @router.post("/copy", response_model=None, include_in_schema=False)
    async def copy(request: Request, body: CopyRequest) -> Response:
        """Refused: names are the catalogue's and the files'."""
        server.models.find(body.source, request.state.key)
        raise fixed("gives models no other names", "galop list")

    @router.post("/create", response_model=None, include_in_schema=False)
    async def create(request: Request, body: Named) -> Response:
        """Refused: a request makes no models."""
        raise fixed("makes no models", "galop pull NAME")

    @router.post("/push", response_model=None, include_in_schema=False)
    async def push(request: Request, body: Named) -> Response:
        """Refused: nothing leaves this machine."""
        raise fixed("sends models nowhere", "galop list")

    @router.get("/blobs/{digest}", include_in_schema=False)
    async def blob(digest: str) -> Response:
        """What is asked (by HEAD) before a file is sent; none is here."""
        return Response(status_code=404)

    @router.post("/blobs/{digest}", response_model=None, include_in_schema=False)
    async def send_blob(digest: str) -> Response:
        """Refused: files are not taken."""
        raise fixed("takes no files", "galop pull NAME")

    @router.get("/version")
    async def version() -> dict[str, str]:
        """The level of Ollama's interface that is spoken, and the version of Galop."""
        return {"version": API_LEVEL, "galop": __version__}

    return router


def fixed(what: str, instead: str) -> ApiError:
    return ApiError(403, "not_allowed", f"this server {what} when asked over HTTP; see on its machine: {instead}")


def timestamp(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")


def human_number(n: int) -> str:
    """As Ollama writes numbers of parameters: 494.03M, 7.6B."""
    for size, unit, digits in ((10**9, "B", 1), (10**6, "M", 2)):
        if n >= size:
            return f"{n // size}{unit}" if n % size == 0 else f"{n / size:.{digits}f}{unit}"
    return f"{n / 1000:.0f}K" if n >= 1000 else str(n)


def capabilities(facts: Facts) -> list[str]:
    """`embedding` stands for models that do nothing else: Ollama's command line never talks to those."""
    if f"{facts.architecture}.pooling_type" in facts.metadata:
        return ["embedding"]
    can = ["completion"]
    if facts.template:
        can.append("tools")  # where the template knows none, the system's words tell of them
    if facts.template and capabilities_of(facts.template).thinking:
        can.append("thinking")
    if facts.infills:
        can.append("insert")
    return can


def details(source: Source, facts: Facts) -> dict[str, Any]:
    family = facts.architecture or source.name.split(":")[0]
    count = source.entry.parameters if source.entry else facts.parameters
    lengths = {name: facts.number(name) for name in ("context_length", "embedding_length")}
    return {
        "parent_model": "",
        "format": facts.format,
        "family": family,
        "families": [family],
        "parameter_size": human_number(count) if count else "",
        "quantization_level": facts.quantisation or "unknown",
        **{name: length for name, length in lengths.items() if length},
    }


def listed(source: Source, facts: Facts) -> dict[str, Any]:
    return {
        "name": source.name,
        "model": source.name,
        "modified_at": timestamp(datetime.fromtimestamp(facts.modified, UTC)),
        "size": facts.bytes,
        "digest": facts.digest,
        "details": details(source, facts),
        "capabilities": capabilities(facts),
    }


def running(models: Models, resident: Resident, source: Source) -> dict[str, Any]:
    left = models.kept(resident) - (0 if resident.users else monotonic() - resident.used)
    return {
        **{k: v for k, v in listed(source, facts_left(source)).items() if k not in ("modified_at", "capabilities")},
        "size": resident.model.memory,
        "size_vram": 0,
        "expires_at": timestamp(datetime.now(UTC) + min(timedelta(seconds=min(left, 1e10)), FOR_EVER)),
        "context_length": resident.model.context,
    }


def shown(source: Source, verbose: bool) -> dict[str, Any]:
    facts = facts_of(source)
    entry = source.entry
    count = entry.parameters if entry else facts.parameters
    licence = entry.licence if entry else str(facts.metadata.get("general.license", ""))
    known = {
        "general.architecture": facts.architecture,
        "general.basename": source.name.split(":")[0],
        "general.parameter_count": count,
    }
    parameters = "\n".join(f"{name:30} {json.dumps(value)}" for name, value in settings(source, facts).items())
    answer: dict[str, Any] = {
        "license": licence,
        "modelfile": f"# galop's own account of {source.name}\nFROM {source.name}\n",
        "parameters": parameters,
        "template": facts.template,
        "details": details(source, facts),
        "model_info": {**known, **public(facts.metadata)},
        "capabilities": capabilities(facts),
        "modified_at": timestamp(datetime.fromtimestamp(facts.modified, UTC)),
    }
    if verbose and source.path:
        read = read_facts(source.path)
        answer["model_info"] |= public(read.metadata)
        answer["tensors"] = [
            {"name": name, "type": tensor.quant_type, "shape": tensor.shape[::-1]}
            for name, tensor in read.tensors.items()
        ]
    return answer


def public(metadata: dict[str, Any]) -> dict[str, Any]:
    """Metadata but for what is told elsewhere, and what JSON cannot hold."""
    told = {}
    for key, value in metadata.items():
        if isinstance(value, (np.ndarray, array)):
            numbers = np.asarray(value)
            value = numbers.tolist() if np.isfinite(numbers).all() else None
        elif (isinstance(value, float) and not math.isfinite(value)) or (
            isinstance(value, str) and len(value) > LONGEST
        ):
            value = None
        if value is not None and key not in ("general.name", "tokenizer.chat_template"):
            told[key] = value
    return told


def settings(source: Source, facts: Facts) -> dict[str, Any]:
    """The settings a reply is drawn with where a request says nothing, by Ollama's names."""
    modes = source.entry.sampling if source.entry else {}
    card = modes.get("thinking") or modes.get("chat") or facts.generation
    names = {"repetition_penalty": "repeat_penalty"}
    wanted = ("temperature", "top_k", "top_p", "min_p", "repetition_penalty", "presence_penalty", "frequency_penalty")
    return {names.get(name, name): card[name] for name in wanted if isinstance(card.get(name), (int, float))}
