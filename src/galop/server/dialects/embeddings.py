"""Embeddings, by encoders as their files pool and by decoders as Qwen3-Embedding does (the last token); reranking by
decoders, as Qwen3-Reranker does (yes or no)."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Annotated, Any, Literal

import numpy as np
from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from galop.chat.thinking import Thinking
from galop.ops.plan import Array
from galop.server.errors import ApiError
from galop.server.pooling import embed_prompts, encode_text, prefill_prompts, unit_vector
from galop.server.request.fields import RequestBody, TextsAlone
from galop.server.request.prompts import check_length, require_writer
from galop.server.service import Service
from galop.server.transport.json_body import StrictRoute
from galop.server.transport.streaming import json_response

MOST_INPUTS = 2048
MOST_TOKENS = 1 << 19  # of all texts of a request
JUDGE = (
    "Judge whether the Document meets the requirements based on the Query and the Instruct provided. "
    'Note that the answer can only be "yes" or "no".'
)
INSTRUCTION = "Given a web search query, retrieve relevant passages that answer the query"


class EmbeddingsRequest(RequestBody):
    """Texts to embed, or their ids."""

    input: Annotated[
        str
        | Annotated[list[str | list[int]], Field(min_length=1, max_length=MOST_INPUTS)]
        | Annotated[list[int], Field(min_length=1)],
        TextsAlone,
    ]
    encoding_format: Literal["float", "base64"] | None = None
    dimensions: Annotated[int, Field(ge=1)] | None = Field(None, description="Keep only the first so many values.")

    @property
    def texts(self) -> Sequence[str | list[int]]:
        """One or several, each a text or token ids."""
        one = isinstance(self.input, str) or isinstance(self.input[0], int)
        return [self.input] if one else self.input  # type: ignore[return-value,list-item]


class Document(BaseModel):
    """A document as an object."""

    model_config = ConfigDict(strict=True, extra="ignore")
    text: str


class RerankRequest(RequestBody):
    """Documents to order by how well they answer a query."""

    query: Annotated[str, Field(min_length=1)]
    documents: Annotated[list[str | Document], Field(min_length=1, max_length=MOST_INPUTS)]
    top_n: Annotated[int, Field(ge=1)] | None = None
    return_documents: bool | None = None
    instruction: str | None = None


def routes(service: Service) -> APIRouter:
    """`/v1/embeddings` and `/v1/rerank`."""
    router = APIRouter(prefix="/v1", route_class=StrictRoute, tags=["Vectors"])

    @router.post("/embeddings", response_model=None)
    async def embeddings(request: Request, body: EmbeddingsRequest) -> Response:
        """A vector of length 1 for each text: the last hidden state of its end."""
        body.refuse_pictures()

        async def answer() -> dict[str, Any]:
            key = request.state.key
            resident, lease = await service.open(key, body.model)
            async with lease:
                model = resident.model
                if body.dimensions and body.dimensions > model.capabilities.embedding_size:
                    message = f"this model's vectors have {model.capabilities.embedding_size} values"
                    raise ApiError(400, "invalid_value", message, "dimensions")
                given = body.texts
                await asyncio.to_thread(check_length, model, given, "input", most=MOST_TOKENS)
                ids = [await asyncio.to_thread(encode_text, model, text) for text in given]
                count = sum(map(len, ids))
                with service.limiter.charge_for(key, count):
                    vectors = await embed_prompts(model, ids, key.hash)
            form = body.encoding_format
            data = await asyncio.to_thread(lambda: [unit_vector(v[: body.dimensions], form) for v in vectors])
            return {
                "object": "list",
                "model": resident.name,
                "data": [{"object": "embedding", "index": i, "embedding": v} for i, v in enumerate(data)],
                "usage": {"prompt_tokens": count, "total_tokens": count},
            }

        return json_response(answer())

    async def rerank(request: Request, body: RerankRequest) -> Response:
        """How well each document answers a query, from 0 to 1: the share of "yes" against "no"."""
        body.refuse_pictures()

        async def answer() -> dict[str, Any]:
            key = request.state.key
            resident, lease = await service.open(key, body.model)
            async with lease:
                model = resident.model
                require_writer(model)
                yes, no = (model.tokenizer.encode(word)[0] for word in ("yes", "no"))
                texts = [d if isinstance(d, str) else d.text for d in body.documents]
                about = f"<Instruct>: {body.instruction or INSTRUCTION}\n<Query>: {body.query}\n<Document>: "

                await asyncio.to_thread(check_length, model, texts, "documents", most=MOST_TOKENS)
                await asyncio.to_thread(check_length, model, [about] * len(texts), "query", most=MOST_TOKENS)

                def prompt(text: str) -> list[int]:
                    messages = [{"role": "system", "content": JUDGE}, {"role": "user", "content": about + text}]
                    return model.prompt(messages, Thinking(on=False))

                def score(logits: Array, _: Array) -> float:
                    return float(1 / (1 + np.exp(np.float64(logits[no]) - np.float64(logits[yes]))))

                ids = [await asyncio.to_thread(prompt, text) for text in texts]
                count = sum(map(len, ids))
                with service.limiter.charge_for(key, count):
                    scores = await prefill_prompts(model, ids, key.hash, score)
            order = sorted(range(len(scores)), key=lambda i: -scores[i])[: body.top_n]
            return {
                "id": "",
                "model": resident.name,
                "results": [
                    {"index": i, "relevance_score": scores[i]}
                    | ({"document": {"text": texts[i]}} if body.return_documents else {})
                    for i in order
                ],
                "usage": {"prompt_tokens": count, "total_tokens": count},
            }

        return json_response(answer())

    router.post("/rerank", response_model=None)(rerank)
    return router
