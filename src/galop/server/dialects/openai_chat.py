"""OpenAI's Chat Completions."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from galop.chat.thinking import Thinking
from galop.server.dialects.openai_common import ChunkWriter, CompletionFields
from galop.server.errors import ApiError
from galop.server.reply_events import CallDelta, Choice, TextDelta
from galop.server.request.fields import MAX_TOOLS, Budget, Effort, TokenLimit, first_limit
from galop.server.request.messages import Messages, resolve_turn
from galop.server.request.response_format import parse_response_format
from galop.server.request.tools import SCIENCE, ChatTool, FunctionTool, ScienceTool, ToolName, ToolSelection
from galop.server.service import Service
from galop.server.transport.json_body import StrictRoute
from galop.server.transport.streaming import EVENT_STREAM, respond
from galop.server.usage import token_logprobs


class OpenRouterReasoning(BaseModel):
    """OpenRouter's `reasoning`."""

    model_config = ConfigDict(strict=True, extra="ignore")
    effort: Effort | None = None
    max_tokens: Budget | None = None
    enabled: bool | None = None


class DeepSeekThinking(BaseModel):
    """DeepSeek's `thinking`."""

    model_config = ConfigDict(strict=True, extra="ignore")
    type: Literal["enabled", "disabled", "adaptive"] | None = None
    budget_tokens: Budget | None = None


class FunctionName(BaseModel):
    """A function that is meant."""

    model_config = ConfigDict(strict=True, extra="ignore")
    name: ToolName


class NamedTool(BaseModel):
    """The tool that has to be called."""

    model_config = ConfigDict(strict=True, extra="ignore")
    type: Literal["function"]
    function: FunctionName


class AllowedTools(BaseModel):
    """The tools that may be called, or have to."""

    model_config = ConfigDict(strict=True, extra="ignore")
    mode: Literal["auto", "required"] = "auto"
    tools: Annotated[list[NamedTool | ScienceTool], Field(max_length=MAX_TOOLS)]


class AllowedToolsChoice(BaseModel):
    """OpenAI's wrapping of these."""

    model_config = ConfigDict(strict=True, extra="ignore")
    type: Literal["allowed_tools"]
    allowed_tools: AllowedTools


class ChatCompletionRequest(CompletionFields):
    """A request of Chat Completions, with what other servers add to it."""

    messages: Messages
    max_completion_tokens: TokenLimit | None = None
    logprobs: bool | None = None
    top_logprobs: Annotated[int, Field(ge=0, le=20)] | None = None
    tools: Annotated[list[ChatTool], Field(max_length=MAX_TOOLS)] | None = None
    tool_choice: (
        Literal["auto", "none", "required", "any"] | NamedTool | ScienceTool | AllowedToolsChoice | None  # Mistral: any
    ) = None
    parallel_tool_calls: bool | None = None
    continue_final_message: bool | None = Field(None, description="Continue the last message, if an assistant's.")
    add_generation_prompt: bool | None = None
    chat_template_kwargs: dict[str, Any] | None = None
    reasoning_effort: Effort | None = None
    reasoning: OpenRouterReasoning | None = None  # OpenRouter's
    thinking: DeepSeekThinking | None = None  # DeepSeek's
    enable_thinking: bool | None = None  # DashScope's, with the next
    thinking_budget: Budget | None = None
    thinking_token_budget: Budget | None = None  # vLLM's

    def tool_selection(self) -> ToolSelection:
        """Which tools may or have to be called. Raises ApiError (400)."""
        functions = [t.function for t in self.tools or [] if isinstance(t, FunctionTool)]
        science = next((t for t in self.tools or [] if isinstance(t, ScienceTool)), None)
        parallel, chosen = self.parallel_tool_calls, self.tool_choice or "auto"
        if isinstance(chosen, NamedTool):
            return ToolSelection.choose(functions, "required", parallel, chosen.function.name)
        if isinstance(chosen, ScienceTool):
            return ToolSelection.choose(functions, "required", parallel, SCIENCE, science)
        if isinstance(chosen, AllowedToolsChoice):
            tools, chosen = chosen.allowed_tools.tools, chosen.allowed_tools.mode
            allowed = {tool.function.name for tool in tools if isinstance(tool, NamedTool)}
            functions = [f for f in functions if f.name in allowed]
            science = science if any(isinstance(tool, ScienceTool) for tool in tools) else None
        return ToolSelection.choose(functions, "required" if chosen == "any" else chosen, parallel, None, science)

    def thinking_settings(self) -> Thinking:
        """What the fields of all dialects say of thinking."""
        kwargs = self.chat_template_kwargs or {}
        reasoning, switch = self.reasoning or OpenRouterReasoning(), self.thinking or DeepSeekThinking()
        switches = [
            self.enable_thinking, kwargs.get("enable_thinking"), kwargs.get("thinking"),
            reasoning.enabled, switch.type and switch.type != "disabled",
        ]  # fmt: skip
        budgets = [self.thinking_budget, self.thinking_token_budget, reasoning.max_tokens, switch.budget_tokens]
        return Thinking.from_request(
            next((on for on in switches if isinstance(on, bool)), None),
            self.reasoning_effort or reasoning.effort,
            next((budget for budget in budgets if budget is not None), None),
        )


def routes(service: Service) -> APIRouter:
    """`/v1/chat/completions`."""
    router = APIRouter(prefix="/v1", route_class=StrictRoute, tags=["OpenAI"])

    @router.post("/chat/completions", response_model=None, responses=EVENT_STREAM)
    async def chat_completions(request: Request, body: ChatCompletionRequest) -> Response:
        """Answers a conversation."""
        body.refuse("functions")
        form = body.form(parse_response_format(body.response_format, "response_format"))
        if body.top_logprobs and not body.logprobs:
            raise ApiError(400, "invalid_value", "top_logprobs needs logprobs to be true", "top_logprobs")
        thinking, kwargs = body.thinking_settings(), body.chat_template_kwargs
        tools = body.tool_selection()
        turn = resolve_turn(body.messages, body.continue_final_message, body.add_generation_prompt)
        limit = first_limit(body.max_completion_tokens, body.max_tokens, body.n_predict)
        if limit == 0:
            raise ApiError(400, "invalid_value", "max_tokens has to be at least 1", "max_tokens")
        reply = await service.chat(request.state.key, body.model, body.messages, thinking, kwargs, tools, turn)
        logprobs = (body.top_logprobs or 0) if body.logprobs else None
        await reply.start(lambda: body.options(reply, limit, logprobs), form)
        return respond(ChatChunkWriter(reply, body), bool(body.stream))

    return router


class ChatChunkWriter(ChunkWriter):
    """A reply as a message of the assistant's."""

    id_prefix, kind, chunk_kind = "chatcmpl-", "chat.completion", "chat.completion.chunk"

    def first_delta(self, index: int) -> dict[str, Any]:
        """The role."""
        return {"index": index, "delta": {"role": "assistant", "content": ""}, "finish_reason": None}

    def delta(self, event: TextDelta | CallDelta) -> dict[str, Any]:
        """More text or thinking, or more of a tool call."""
        if isinstance(event, CallDelta):
            call: dict[str, Any] = {"function": {"arguments": event.text}}
            if not event.text:
                call = {"id": event.id, "type": "function", "function": {"name": event.name, "arguments": ""}}
                self.calls[event.index] += 1
            call = {"index": self.calls[event.index] - 1, **call}
            return {"index": event.index, "delta": {"tool_calls": [call]}, "finish_reason": None}
        # Half of the clients know one of these names for thinking, half the other.
        delta: dict[str, Any] = (
            {"reasoning_content": event.text, "reasoning": event.text} if event.thinking else {"content": event.text}
        )
        delta |= {"science": event.science} if event.science else {}
        choice: dict[str, Any] = {"index": event.index, "delta": delta, "finish_reason": None}
        if event.event.drawn:
            choice["logprobs"] = {"content": token_logprobs(self.reply.model, event.event), "refusal": None}
        return choice

    def last_delta(self, index: int, reason: str) -> dict[str, Any]:
        """The finish_reason."""
        return {"index": index, "delta": {}, "finish_reason": reason}

    def whole_choice(self, index: int, choice: Choice) -> dict[str, Any]:
        """The message, and how likely its tokens were."""
        content = None if choice.calls and not choice.text else choice.text
        message: dict[str, Any] = {"role": "assistant", "content": content, "refusal": None}
        if choice.calls:
            message["tool_calls"] = [
                {"id": call.id, "type": "function", "function": call.function} for call in choice.calls
            ]
        if choice.thinking:
            message |= {"reasoning_content": choice.thinking, "reasoning": choice.thinking}
        if choice.science:
            message["science"] = choice.science
        logprobs = None
        if any(e.drawn for e in choice.events):
            entries = [p for e in choice.events for p in token_logprobs(self.reply.model, e)]
            logprobs = {"content": entries, "refusal": None}
        return {"index": index, "message": message, "logprobs": logprobs}
