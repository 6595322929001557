"""The list of models, in OpenAI's shape or in Anthropic's."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request

from galop.agent.planner import can_compute
from galop.server.dialects.anthropic_lists import is_anthropic, write_page, write_time
from galop.server.model_pool import ModelPool
from galop.server.service import SUFFIX, Service, split_name
from galop.server.transport.json_body import StrictRoute
from galop.store import Source
from galop.store.model_info import find_info


def routes(service: Service) -> APIRouter:
    """`/v1/models`."""
    router = APIRouter(prefix="/v1", route_class=StrictRoute, tags=["OpenAI"])

    @router.get("/models")
    async def models(
        request: Request,
        limit: Annotated[int, Query(ge=1, le=1000)] = 1000,
        after_id: str = "",
        before_id: str = "",
    ) -> dict[str, Any]:
        """What may be asked for: models that are on this machine. Anthropic's clients get their own shape, in pages."""
        sources = service.models.visible(request.state.key).values()
        data = await asyncio.to_thread(describe_models, service.models, list(sources))
        if is_anthropic(request):
            return write_page([anthropic_model(entry) for entry in data], limit, after_id, before_id)
        return {"object": "list", "data": data}

    @router.get("/models/{name:path}")
    async def model(request: Request, name: str) -> dict[str, Any]:
        """One of them."""
        plain, suffix = split_name(name or "/")
        source = service.models.find(plain, request.state.key)
        described = await asyncio.to_thread(service.models.describe, source)
        described["id"] += suffix
        return anthropic_model(described) if is_anthropic(request) else described

    return router


def describe_models(models: ModelPool, sources: Sequence[Source]) -> list[dict[str, Any]]:
    """An entry for each, and one more for those that write, by the name at which technical questions are computed."""
    entries = [models.describe(source) for source in sources]
    writers = {s.name for s in sources if not (s.path and find_info(s).only_embeds)} if can_compute() else set()
    return [*entries, *({**e, "id": e["id"] + SUFFIX} for e in entries if e["id"] in writers)]


def anthropic_model(described: dict[str, Any]) -> dict[str, Any]:
    """An entry of the list of models in Anthropic's shape."""
    return {"type": "model", "id": described["id"], "display_name": described["id"],
            "created_at": write_time(described["created"]), "lifecycle": "active",
            "max_input_tokens": described["context_length"],
            "capabilities": anthropic_capabilities(described["architecture"])}  # fmt: skip


def anthropic_capabilities(architecture: dict[str, list[str]]) -> dict[str, Any]:
    """What a model can do, in Anthropic's shape, where every capability it knows has to be named."""
    writes = "text" in architecture["output_modalities"]

    def can(yes: bool, **details: Any) -> dict[str, Any]:
        return {"supported": yes, **details}

    thinking = {name: can(writes) for name in ("adaptive", "disabled", "enabled")}
    return {
        "batch": can(writes), "citations": can(False), "code_execution": can(False), "context_management": can(False),
        "effort": can(writes, **{name: can(writes) for name in ("low", "medium", "high", "xhigh", "max")}),
        "image_input": can("image" in architecture["input_modalities"]), "pdf_input": can(writes),
        "server_tools": can(False, code_execution=can(False), web_search=can(False)),
        "structured_outputs": can(writes),
        "thinking": can(writes, types={**thinking, "between_tools": can(False)}),
    }  # fmt: skip
