"""The part of Ollama's API that its command line and libraries need to talk."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import JSONResponse, Response

from galop import __version__
from galop.chat.form import Form
from galop.chat.thinking import Thinking
from galop.model import Done
from galop.server.errors import ApiError
from galop.server.replies import (
    MAX_STOPS,
    MAX_TOOLS,
    Body,
    CallPiece,
    ChatMessage,
    Drawing,
    Messages,
    Piece,
    Reply,
    Server,
    StopString,
    ToolIn,
    ToolUse,
    begun,
    compact,
    form_of,
    stops,
)
from galop.server.wire import LINES, EventStream, StrictRoute, whole
from galop.store.catalogue import human_count

THINKING = bool | Annotated[str, Field(pattern="^(low|medium|high|max)$")]


class Options(Drawing):
    num_predict: int | None = None
    num_ctx: int | None = None
    stop: StopString | Annotated[list[StopString], Field(max_length=MAX_STOPS)] | None = None


class Common(Body):
    options: Options | None = None
    stream: bool | None = None
    think: THINKING | None = None
    format: str | dict[str, Any] | None = None
    keep_alive: Any = None

    def thoughts(self) -> Thinking:
        if isinstance(self.think, str):
            return Thinking.asked(None, self.think, None)
        return Thinking(self.think)


class ChatRequest(Common):
    messages: Annotated[list[ChatMessage], Field(max_length=4096, default_factory=list)]
    tools: Annotated[list[ToolIn], Field(max_length=MAX_TOOLS)] | None = None

    def tool_use(self) -> ToolUse:
        return ToolUse.asked([tool.function for tool in self.tools or []], "auto", None)


class GenerateRequest(Common):
    prompt: str = ""
    system: str | None = None
    raw: bool | None = None


class ShowRequest(BaseModel):
    model_config = ConfigDict(strict=True, extra="ignore")
    model: str | None = None
    name: str | None = None


def routes(server: Server) -> APIRouter:
    router = APIRouter(prefix="/api", route_class=StrictRoute, tags=["Ollama"])

    async def answer(reply: Reply, body: Common, field: str, form: Form | None) -> Response:
        options = body.options or Options(model=None)
        limit = options.num_predict if options.num_predict and options.num_predict > 0 else None
        stop = stops(options.stop)
        await begun(
            reply,
            lambda: {"sampling": options.sampling(reply.model, reply.thinking), "max_tokens": limit, "stop": stop},
            form,
        )
        writer = LineWriter(reply, field)
        if body.stream is not False:
            return EventStream(writer.stream(), writer.failure, "application/x-ndjson", ping="")
        return whole(writer.whole())

    async def touch(request: Request, body: Common, field: str) -> Response:
        """An empty request loads a model; with keep_alive 0 it unloads it."""
        resident, held = await server.open(request.state.key, body.model)
        await held.aclose()
        reason = "load"
        if body.keep_alive in (0, "0", "0s") and not resident.users:
            await server.models.unload(resident)
            reason = "unload"
        return JSONResponse({**head(resident.name), **empty(field), "done": True, "done_reason": reason})

    @router.post("/chat", response_model=None, responses=LINES)
    async def chat(request: Request, body: ChatRequest) -> Response:
        """Answers a conversation, in lines of JSON unless told otherwise."""
        body.refuse()
        if not body.messages:
            return await touch(request, body, "message")
        form = form_of(body.format, "format")
        reply = await server.chat(request.state.key, body.model, body.messages, body.thoughts(), tools=body.tool_use())
        return await answer(reply, body, "message", form)

    @router.post("/generate", response_model=None, responses=LINES)
    async def generate(request: Request, body: GenerateRequest) -> Response:
        """Answers a prompt, or continues it as it is when `raw`."""
        body.refuse("images", "suffix", "template", "context")
        if not body.prompt:
            return await touch(request, body, "response")
        form = form_of(body.format, "format")
        if body.raw:
            reply = await server.text(request.state.key, body.model, body.prompt)
            return await answer(reply, body, "response", form)
        said: Messages = [ChatMessage(role="system", content=body.system)] if body.system else []
        said.append(ChatMessage(role="user", content=body.prompt))
        reply = await server.chat(request.state.key, body.model, said, body.thoughts())
        return await answer(reply, body, "response", form)

    @router.get("/tags")
    async def tags(request: Request) -> dict[str, Any]:
        """The models on this machine."""
        return {"models": [listed(name, source) for name, source in server.models.visible(request.state.key).items()]}

    @router.get("/ps")
    async def ps(request: Request) -> dict[str, Any]:
        """The models in memory."""
        visible = server.models.visible(request.state.key)
        return {
            "models": [
                {**listed(r.name, visible[r.name]), "size": r.model.memory, "size_vram": 0}
                for r in server.models.residents.values() if r.name in visible
            ]
        }  # fmt: skip

    @router.post("/show")
    async def show(request: Request, body: ShowRequest) -> dict[str, Any]:
        """What is known of a model without loading it."""
        source = server.models.find(body.model or body.name, request.state.key)
        entry = source.entry
        return {
            "license": entry.licence if entry else "",
            "details": listed(source.name, source)["details"],
            "capabilities": ["completion", "tools"],
            "model_info": {"general.parameter_count": entry.parameters if entry else 0},
        }

    @router.get("/version")
    async def version() -> dict[str, str]:
        return {"version": __version__}

    return router


def head(name: str) -> dict[str, Any]:
    return {"model": name, "created_at": datetime.now(UTC).isoformat().replace("+00:00", "Z")}


def empty(field: str, text: str = "", thought: str = "", calls: Sequence[CallPiece] = ()) -> dict[str, Any]:
    thinking = {"thinking": thought} if thought else {}
    if field == "message":
        functions = [{"function": {"name": c.call.name, "arguments": c.call.arguments}} for c in calls]
        called = {"tool_calls": functions} if functions else {}
        return {"message": {"role": "assistant", "content": text, **thinking, **called}}
    return {"response": text, **thinking}


def listed(name: str, source: Any) -> dict[str, Any]:
    entry = source.entry
    family = name.split(":")[0]
    changed = source.path.stat().st_mtime if source.path and source.path.exists() else 0
    return {
        "name": name,
        "model": name,
        "size": entry.bytes if entry else 0,
        "digest": "",
        "modified_at": datetime.fromtimestamp(changed, UTC).isoformat(),
        "details": {"format": "gguf", "family": family, "families": [family],
                    "parameter_size": human_count(entry.parameters).replace(" ", "") if entry else "",
                    "quantization_level": ""},
    }  # fmt: skip


class LineWriter:
    def __init__(self, reply: Reply, field: str) -> None:
        self.reply = reply
        self.field = field

    def failure(self, error: ApiError) -> str:
        return compact({"error": error.message}) + "\n"

    def last(self, text: str = "", thought: str = "", calls: Sequence[CallPiece] = ()) -> dict[str, Any]:
        done: Done = self.reply.ends[0]
        nano = 1_000_000_000
        return {
            **head(self.reply.resident.name),
            **empty(self.field, text, thought, calls),
            "done": True,
            "done_reason": "length" if done.reason == "length" else "stop",
            "total_duration": int((done.first_token_seconds + done.answer_seconds) * nano),
            "load_duration": 0,
            "prompt_eval_count": done.prompt_tokens,
            "prompt_eval_duration": int(done.prompt_seconds * nano),
            "eval_count": done.answer_tokens,
            "eval_duration": int(done.answer_seconds * nano),
        }

    async def stream(self) -> AsyncIterator[str]:
        async with aclosing(self.reply.pieces()) as pieces:
            async for piece in pieces:
                if isinstance(piece, CallPiece):
                    said = empty(self.field, calls=[piece])
                    yield compact({**head(self.reply.resident.name), **said, "done": False}) + "\n"
                elif isinstance(piece, Piece):
                    text, thought = ("", piece.text) if piece.thinking else (piece.text, "")
                    said = empty(self.field, text, thought)
                    yield compact({**head(self.reply.resident.name), **said, "done": False}) + "\n"
        yield compact(self.last()) + "\n"

    async def whole(self) -> dict[str, Any]:
        [said] = await self.reply.whole()
        return self.last(said.text, said.thought, said.calls)
