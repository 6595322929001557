"""Embeddings and reranking by decoder models: Qwen3-Embedding's last-token pooling, Qwen3-Reranker's yes or no."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable, Sequence
from typing import Annotated, Any, Literal

import numpy as np
from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from galop.backends.local import Done, Failed, Model
from galop.chat.thinking import Thinking
from galop.engine.sampling import Sampling
from galop.errors import ContextLengthError
from galop.ops.plan import Array
from galop.server.errors import ApiError
from galop.server.replies import Body, Server, check_length, ids_of
from galop.server.wire import StrictRoute, whole

MOST_INPUTS = 2048
MOST_TOKENS = 1 << 19  # of all texts of a request
Take = Callable[[Array, Array], Any]
JUDGE = (
    "Judge whether the Document meets the requirements based on the Query and the Instruct provided. "
    'Note that the answer can only be "yes" or "no".'
)
INSTRUCTION = "Given a web search query, retrieve relevant passages that answer the query"


class EmbeddingsRequest(Body):
    input: (
        str
        | Annotated[list[str | list[int]], Field(min_length=1, max_length=MOST_INPUTS)]
        | Annotated[list[int], Field(min_length=1)]
    )
    encoding_format: Literal["float", "base64"] | None = None
    dimensions: Annotated[int, Field(ge=1)] | None = Field(None, description="Keep only the first so many values.")

    @property
    def texts(self) -> Sequence[str | list[int]]:
        one = isinstance(self.input, str) or isinstance(self.input[0], int)
        return [self.input] if one else self.input  # type: ignore[return-value,list-item]


class Document(BaseModel):
    model_config = ConfigDict(strict=True, extra="ignore")
    text: str


class RerankRequest(Body):
    query: Annotated[str, Field(min_length=1)]
    documents: Annotated[list[str | Document], Field(min_length=1, max_length=MOST_INPUTS)]
    top_n: Annotated[int, Field(ge=1)] | None = None
    return_documents: bool | None = None
    instruction: str | None = None


def routes(server: Server) -> APIRouter:
    router = APIRouter(prefix="/v1", route_class=StrictRoute, tags=["Vectors"])

    @router.post("/embeddings", response_model=None)
    async def embeddings(request: Request, body: EmbeddingsRequest) -> Response:
        """A vector of length 1 for each text: the last hidden state of its end."""

        async def answer() -> dict[str, Any]:
            key = request.state.key
            resident, held = await server.open(key, body.model)
            async with held:
                model = resident.model
                if body.dimensions and body.dimensions > model.engine.hidden_size:
                    message = f"this model's vectors have {model.engine.hidden_size} values"
                    raise ApiError(400, "invalid_value", message, "dimensions")
                given = body.texts
                await asyncio.to_thread(check_length, model, given, "input", most=MOST_TOKENS)
                ids = [await asyncio.to_thread(with_end, model, text) for text in given]
                count = sum(map(len, ids))
                with server.metered(key, count):
                    vectors = await read_all(model, ids, key.hash, lambda _, hidden: hidden.copy())
            form = body.encoding_format
            data = await asyncio.to_thread(lambda: [shaped(v[: body.dimensions], form) for v in vectors])
            return {
                "object": "list",
                "model": resident.name,
                "data": [{"object": "embedding", "index": i, "embedding": v} for i, v in enumerate(data)],
                "usage": {"prompt_tokens": count, "total_tokens": count},
            }

        return whole(answer())

    async def rerank(request: Request, body: RerankRequest) -> Response:
        """How well each document answers a query, from 0 to 1: the share of "yes" against "no"."""

        async def answer() -> dict[str, Any]:
            key = request.state.key
            resident, held = await server.open(key, body.model)
            async with held:
                model = resident.model
                yes, no = (model.tokenizer.encode(word)[0] for word in ("yes", "no"))
                texts = [d if isinstance(d, str) else d.text for d in body.documents]
                about = f"<Instruct>: {body.instruction or INSTRUCTION}\n<Query>: {body.query}\n<Document>: "

                await asyncio.to_thread(check_length, model, texts, "documents", most=MOST_TOKENS)
                await asyncio.to_thread(check_length, model, [about] * len(texts), "query", most=MOST_TOKENS)

                def prompt(text: str) -> list[int]:
                    said = [{"role": "system", "content": JUDGE}, {"role": "user", "content": about + text}]
                    return model.template.encode(said, **Thinking(on=False).variables(model.thinking_support))

                def score(logits: Array, _: Array) -> float:
                    return float(1 / (1 + np.exp(np.float64(logits[no]) - np.float64(logits[yes]))))

                ids = [await asyncio.to_thread(prompt, text) for text in texts]
                count = sum(map(len, ids))
                with server.metered(key, count):
                    scores = await read_all(model, ids, key.hash, score)
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

        return whole(answer())

    router.post("/rerank", response_model=None)(rerank)
    return router


def with_end(model: Model, text: str | list[int], empty: bool = False) -> list[int]:
    """Ids of a text and the token that ends it, in whose state the model has gathered what came before; `empty` lets
    a text be that token alone. Raises ApiError."""
    end = model.tokenizer.id(model.tokenizer.eos_token)
    if empty and not text and end is not None:
        return [end]
    ids = ids_of(model, text, "input", control=False)
    return [*ids, end] if isinstance(text, str) and end is not None and ids[-1] != end else ids


def shaped(vector: Array, encoding: str | None) -> list[float] | str:
    vector = vector / max(float(np.linalg.norm(vector)), 1e-12)
    if encoding == "base64":
        return base64.b64encode(vector.astype("<f4").tobytes()).decode()
    values: list[float] = vector.tolist()
    return values


async def read_all(model: Model, prompts: list[list[int]], client: str, take: Take) -> list[Any]:
    """What `take` makes of the logits and the hidden state after each prompt. Raises ContextLengthError and others."""
    for ids in prompts:
        if len(ids) >= model.context:
            raise ContextLengthError(
                f"a text has {len(ids)} tokens and the context holds {model.context}",
                n_prompt_tokens=len(ids),
                n_ctx=model.context,
            )
    loop = asyncio.get_running_loop()
    results: list[Any] = [None] * len(prompts)

    async def read(i: int) -> None:
        ended: asyncio.Future[Any] = loop.create_future()

        def settle(event: Done | Failed) -> None:
            if not ended.done():
                ended.set_result(event)

        def emit(event: Any) -> None:
            if isinstance(event, (Done, Failed)):
                loop.call_soon_threadsafe(settle, event)

        def keep(logits: Array, hidden: Array) -> None:
            results[i] = take(logits, hidden)

        answer = model.submit(prompts[i], emit, Sampling(), 0, client=client, on_read=keep)
        try:
            if isinstance(event := await ended, Failed):
                raise event.error
        finally:
            model.scheduler.cancel(answer.sequence)

    together = model.scheduler.parallel
    for start in range(0, len(prompts), together):  # never more than may run at once, so none is refused for the queue
        tasks = [asyncio.ensure_future(read(i)) for i in range(start, min(start + together, len(prompts)))]
        try:
            await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
    return results
