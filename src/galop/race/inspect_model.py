"""Galop's contenders as models of inspect-ai: `inspect eval task.py --model galop/qwen3:0.6b`."""

from __future__ import annotations

import atexit
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import anyio
from inspect_ai.model import (
    ChatCompletionChoice,
    ChatMessage,
    ChatMessageAssistant,
    ChatMessageTool,
    ContentImage,
    ContentReasoning,
    ContentText,
    GenerateConfig,
    ModelAPI,
    ModelOutput,
    ModelUsage,
    modelapi,
)
from inspect_ai.tool import ToolCall as InspectToolCall
from inspect_ai.tool import ToolChoice, ToolFunction, ToolInfo

from galop.backends.events import Done, Event, Text
from galop.chat.content import Content, make_content
from galop.chat.messages import Message
from galop.chat.thinking import Thinking
from galop.chat.tools import ToolCall
from galop.engine.sampling import Sampling
from galop.pictures.picture import Picture, open_file, parse_data
from galop.race.contender import Contender, ContenderError, open_contender

OPEN: list[GalopAPI] = []


@atexit.register
def close_all() -> None:
    """Frees the memory of all models that inspect has made."""
    while OPEN:
        OPEN.pop().close()


class GalopAPI(ModelAPI):  # type: ignore[misc]
    """One contender, whose questions come one at a time, so that its times mean something."""

    def __init__(
        self,
        model_name: str,
        base_url: str | None = None,
        api_key: str | None = None,
        config: GenerateConfig = GenerateConfig(),  # noqa: B008
        **_: object,
    ) -> None:
        """Raises ContenderError for a strategy that brings tools or asks more than once."""
        super().__init__(model_name, base_url, api_key, [], config)
        contender = Contender.parse(model_name)
        if contender.strategy.name not in ("plain", "think"):
            raise ContenderError(
                f"{model_name}: an inspect task brings its own tools; race it plain or with think:TOKENS"
            )
        strategy = contender.strategy
        self.thinking = Thinking(on=True, budget=strategy.amount) if strategy.name == "think" else Thinking(on=False)
        self.backend, self.about = open_contender(contender, together=1)
        OPEN.append(self)

    def max_connections(self) -> int:
        """One question at a time."""
        return 1

    def connection_key(self) -> str:
        """Models of one name share a queue."""
        return str(self.model_name)

    async def count_text_tokens(self, text: str) -> int:
        """About; the built-in counter would download a table."""
        return len(text) // 3

    async def generate(
        self, input: list[ChatMessage], tools: list[ToolInfo], tool_choice: ToolChoice, config: GenerateConfig
    ) -> ModelOutput:
        """One reply."""
        start = time.monotonic()
        events = await anyio.to_thread.run_sync(partial(self._answer, input, tools, tool_choice, config))
        output = output_of(str(self.model_name), events)
        output.time = time.monotonic() - start
        return output

    def _answer(
        self, messages: list[ChatMessage], tools: list[ToolInfo], choice: ToolChoice, config: GenerateConfig
    ) -> list[Event]:
        given = {name: getattr(config, name) for name in ("temperature", "top_p", "top_k", "seed")}
        given = {name: value for name, value in given.items() if value is not None}
        usual = self.backend.sampling_for(self.thinking) if self.thinking.on else Sampling()
        sampling = replace(usual, **given)
        wanted = choice.name if isinstance(choice, ToolFunction) else "required" if choice == "any" else "auto"
        offered = [] if choice == "none" else [tool_of(tool) for tool in tools]
        asked = [message_of(m) for m in messages]
        most = config.max_tokens or 2048
        return list(
            self.backend.chat(asked, self.thinking, offered, sampling=sampling, max_tokens=most, tool_choice=wanted)
        )

    def close(self) -> None:
        """Frees the model's memory; inspect itself keeps what it has made until the end."""
        if backend := self.__dict__.pop("backend", None):
            backend.close()


@modelapi(name="galop")  # type: ignore[untyped-decorator]
def galop() -> Callable[..., GalopAPI]:
    """What inspect finds by the entry point of that name."""
    return GalopAPI


def tool_of(tool: ToolInfo) -> dict[str, Any]:
    """A tool of inspect's, as OpenAI's API describes one."""
    parameters = tool.parameters.model_dump(exclude_none=True)
    function = {"name": tool.name, "description": tool.description, "parameters": parameters}
    return {"type": "function", "function": function}


def message_of(message: ChatMessage) -> Message:
    """A message of inspect's, as templates take one."""
    if isinstance(message, ChatMessageTool):
        return {
            "role": "tool",
            "name": message.function or "",
            "content": f"Error: {message.error.message}" if message.error else message.text,
        }
    said: Message = {"role": message.role, "content": content_of(message)}
    if isinstance(message, ChatMessageAssistant) and message.tool_calls:
        said["tool_calls"] = [
            {"type": "function", "function": {"name": c.function, "arguments": c.arguments}} for c in message.tool_calls
        ]
    return said


def content_of(message: ChatMessage) -> Content:
    """What a message says and shows. Raises PictureError for a picture that cannot be read, or is a URL."""
    if isinstance(message.content, str):
        return message.content
    parts: list[str | Picture] = []
    for part in message.content:
        if isinstance(part, ContentText):
            parts.append(part.text)
        elif isinstance(part, ContentImage):
            local = "://" not in part.image and not part.image.startswith("data:")
            parts.append(open_file(Path(part.image)) if local else parse_data(part.image))
    return make_content(parts)


def output_of(name: str, events: list[Event]) -> ModelOutput:
    """A reply's events, as inspect takes a reply."""
    texts = [e for e in events if isinstance(e, Text)]
    thought = "".join(t.text for t in texts if t.thinking)
    said: list[ContentReasoning | ContentText] = [ContentReasoning(reasoning=thought)] if thought else []
    said.append(ContentText(text="".join(t.text for t in texts if not t.thinking)))
    calls = [
        InspectToolCall(id=f"call_{i}", function=e.name, arguments=e.arguments)
        for i, e in enumerate(events) if isinstance(e, ToolCall)
    ]  # fmt: skip
    done = next(e for e in reversed(events) if isinstance(e, Done))
    reason = "max_tokens" if done.reason == "length" else "tool_calls" if calls else "stop"
    message = ChatMessageAssistant(content=said, tool_calls=calls or None, model=name, source="generate")
    return ModelOutput(
        model=name,
        choices=[ChatCompletionChoice(message=message, stop_reason=reason)],
        usage=ModelUsage(
            input_tokens=done.prompt_tokens,
            output_tokens=done.answer_tokens,
            total_tokens=done.prompt_tokens + done.answer_tokens,
            reasoning_tokens=done.thinking_tokens or None,
        ),
        metadata={"first_token_seconds": done.first_token_seconds, "answer_seconds": done.answer_seconds},
    )
