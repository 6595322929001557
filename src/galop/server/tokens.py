"""Texts to tokens and back."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Request
from pydantic import Field

from galop.chat.thinking import Thinking
from galop.server.errors import ApiError
from galop.server.replies import Body, Messages, Server, check_ids
from galop.server.wire import StrictRoute


class TokenizeRequest(Body):
    content: str | None = None
    prompt: str | None = None
    messages: Messages | None = None


class DetokenizeRequest(Body):
    tokens: Annotated[list[int], Field(max_length=1 << 20)]


def routes(server: Server) -> APIRouter:
    router = APIRouter(route_class=StrictRoute, tags=["Tokens"])

    @router.post("/tokenize")
    async def tokenize(request: Request, body: TokenizeRequest) -> dict[str, Any]:
        """Ids of a text (`content` or `prompt`), or of a conversation as its template makes it."""
        if body.messages:
            reply = await server.chat(request.state.key, body.model, body.messages, Thinking())
            await reply.held.aclose()
            ids, context = reply.prompt, reply.model.context
        else:
            text = body.content if body.content is not None else body.prompt
            if text is None:
                raise ApiError(400, "invalid_value", "give content, prompt or messages", "content")
            resident, held = await server.open(request.state.key, body.model)
            async with held:
                ids = await asyncio.to_thread(resident.model.tokenizer.encode, text)
                context = resident.model.context
        return {"tokens": ids, "count": len(ids), "max_model_len": context}

    @router.post("/detokenize")
    async def detokenize(request: Request, body: DetokenizeRequest) -> dict[str, str]:
        """The text of ids, control tokens left out."""
        resident, held = await server.open(request.state.key, body.model)
        async with held:
            check_ids(resident.model, body.tokens, "tokens")
            text = await asyncio.to_thread(resident.model.tokenizer.decode, body.tokens)
        return {"content": text, "prompt": text}

    return router
