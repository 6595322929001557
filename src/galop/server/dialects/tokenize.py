"""Texts to tokens and back."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Request
from pydantic import Field
from starlette.responses import Response

from galop.backends.protocol import TokenBackend
from galop.chat.thinking import Thinking
from galop.server.errors import ApiError
from galop.server.request.fields import MAX_TOOLS, RequestBody
from galop.server.request.messages import Messages, resolve_turn
from galop.server.request.prompts import check_ids, check_length
from galop.server.request.tools import FunctionTool, ToolSelection
from galop.server.service import Service
from galop.server.transport.json_body import StrictRoute
from galop.server.transport.streaming import json_response


class TokenizeRequest(RequestBody):
    """`content` and its options are llama-server's; `prompt`, `messages` and theirs are vLLM's."""

    content: str | None = None
    add_special: bool | None = Field(None, description="Begin with BOS, where the model wants one.")
    parse_special: bool | None = Field(None, description="Control tokens in the text are meant; true by default.")
    with_pieces: bool | None = None
    prompt: str | None = None
    add_special_tokens: bool | None = None
    return_token_strs: bool | None = None
    messages: Messages | None = None
    tools: Annotated[list[FunctionTool], Field(max_length=MAX_TOOLS)] | None = None
    continue_final_message: bool | None = None
    add_generation_prompt: bool | None = None
    chat_template_kwargs: dict[str, Any] | None = None


class DetokenizeRequest(RequestBody):
    """Ids to make a text of."""

    tokens: Annotated[list[int], Field(max_length=1 << 20)]


def routes(service: Service) -> APIRouter:
    """`/tokenize` and `/detokenize`."""
    router = APIRouter(route_class=StrictRoute, tags=["Tokens"])

    @router.post("/tokenize", response_model=None)
    async def tokenize(request: Request, body: TokenizeRequest) -> Response:
        """Ids of a text (`content` or `prompt`), or of a conversation as its template makes it."""
        if body.messages:
            turn = resolve_turn(body.messages, body.continue_final_message, body.add_generation_prompt)
            tools = ToolSelection.choose([tool.function for tool in body.tools or []], "auto", None)
            reply = await service.chat(
                request.state.key, body.model, body.messages, Thinking(), body.chat_template_kwargs, tools, turn
            )
            await reply.lease.aclose()
            model, ids = reply.model, reply.prompt
        else:
            text = body.content if body.content is not None else body.prompt
            if text is None:
                raise ApiError(400, "invalid_value", "give content, prompt or messages", "content")
            begin = body.add_special if body.content is not None else body.add_special_tokens is not False
            resident, lease = await service.open(request.state.key, body.model)
            async with lease:
                model = resident.model
                special = body.parse_special is not False
                await asyncio.to_thread(check_length, model, text, "content", not special)
                ids = await asyncio.to_thread(model.encode, text, special, bool(begin))

        def write() -> dict[str, Any]:
            pieces = [token_text(model, id) for id in ids] if body.with_pieces or body.return_token_strs else []
            fields: dict[str, Any] = {"tokens": ids, "count": len(ids), "max_model_len": model.context}
            if body.with_pieces:
                fields["tokens"] = [{"id": id, "piece": text} for id, text in zip(ids, pieces, strict=True)]
            if body.return_token_strs:
                fields["token_strs"] = [
                    p if isinstance(p, str) else bytes(p).decode("utf-8", "replace") for p in pieces
                ]
            return fields

        with service.limiter.charge_for(request.state.key, len(ids)):
            return json_response(asyncio.to_thread(write))

    @router.post("/detokenize")
    async def detokenize(request: Request, body: DetokenizeRequest) -> dict[str, str]:
        """The text of ids, control tokens by their names."""
        resident, lease = await service.open(request.state.key, body.model)
        async with lease:
            await asyncio.to_thread(check_ids, resident.model, body.tokens, "tokens")
            with service.limiter.charge_for(request.state.key, len(body.tokens)):
                text = await asyncio.to_thread(resident.model.tokenizer.decode, body.tokens, True)
        return {"content": text, "prompt": text}

    return router


def token_text(model: TokenBackend, id: int) -> str | list[int]:
    """The text of a token, or its bytes where they are only a part of a character."""
    data = model.tokenizer.token_bytes(id)
    try:
        return data.decode()
    except UnicodeDecodeError:
        return list(data)
