"""Galop's lanes as models of inspect-ai (`inspect eval task.py --model galop/qwen3:0.6b`), and its tasks as sets.

inspect runs such a race and keeps its own log of it beside the record, for `inspect view`.
"""

from __future__ import annotations

import atexit
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import anyio
import inspect_ai
from inspect_ai.log import EvalSample, list_eval_logs, read_eval_log
from inspect_ai.model import (
    ChatCompletionChoice,
    ChatMessage,
    ChatMessageAssistant,
    ChatMessageTool,
    Content,
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

from galop.backends.local import Done, Event, Text
from galop.chat.template import Message
from galop.chat.thinking import Thinking
from galop.chat.tools import ToolCall
from galop.engine.sampling import Sampling
from galop.machine import private_folder
from galop.race.lane import LaneError, Spec, opened
from galop.race.record import Line, Record
from galop.race.sets import Question, SetError

OPENED: list[GalopAPI] = []


@atexit.register
def close_all() -> None:
    while OPENED:
        OPENED.pop().close()


class GalopAPI(ModelAPI):  # type: ignore[misc]
    """One lane, whose questions come one at a time, so that its times mean something."""

    def __init__(
        self,
        model_name: str,
        base_url: str | None = None,
        api_key: str | None = None,
        config: GenerateConfig = GenerateConfig(),  # noqa: B008
        **_: Any,
    ) -> None:
        super().__init__(model_name, base_url, api_key, [], config)
        spec = Spec.named(model_name)
        if spec.way.name not in ("plain", "think"):
            raise LaneError(f"{model_name}: an inspect task brings its own tools; race it plain or with think:TOKENS")
        self.thinking = Thinking(on=True, budget=spec.way.amount) if spec.way.name == "think" else Thinking(on=False)
        self.speaker, self.about = opened(spec, together=1)
        OPENED.append(self)

    def max_connections(self) -> int:
        return 1

    def connection_key(self) -> str:
        return str(self.model_name)

    async def count_text_tokens(self, text: str) -> int:
        return len(text) // 3  # the built-in counter would download a table

    async def generate(
        self, input: list[ChatMessage], tools: list[ToolInfo], tool_choice: ToolChoice, config: GenerateConfig
    ) -> ModelOutput:
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
        usual = self.speaker.sampling_for(self.thinking) if self.thinking.on else Sampling()
        sampling = replace(usual, **given)
        wanted = choice.name if isinstance(choice, ToolFunction) else "required" if choice == "any" else "auto"
        offered = [] if choice == "none" else [tool_of(tool) for tool in tools]
        asked = [message_of(m) for m in messages]
        options = {"sampling": sampling, "max_tokens": config.max_tokens or 2048, "tool_choice": wanted}
        return list(self.speaker.chat(asked, self.thinking, offered, **options))

    def close(self) -> None:
        """Frees the model's memory; inspect itself keeps what it has made until the end."""
        if hasattr(speaker := self.__dict__.pop("speaker", None), "close"):
            speaker.close()


@modelapi(name="galop")  # type: ignore[untyped-decorator]
def galop() -> Callable[..., GalopAPI]:
    return GalopAPI


def tool_of(tool: ToolInfo) -> dict[str, Any]:
    parameters = tool.parameters.model_dump(exclude_none=True)
    function = {"name": tool.name, "description": tool.description, "parameters": parameters}
    return {"type": "function", "function": function}


def message_of(message: ChatMessage) -> Message:
    if isinstance(message, ChatMessageTool):
        return {
            "role": "tool",
            "name": message.function or "",
            "content": f"Error: {message.error.message}" if message.error else message.text,
        }
    said: Message = {"role": message.role, "content": message.text}
    if isinstance(message, ChatMessageAssistant) and message.tool_calls:
        said["tool_calls"] = [
            {"type": "function", "function": {"name": c.function, "arguments": c.arguments}} for c in message.tool_calls
        ]
    return said


def output_of(name: str, events: list[Event]) -> ModelOutput:
    texts = [e for e in events if isinstance(e, Text)]
    thought = "".join(t.text for t in texts if t.thinking)
    said: list[Content] = [ContentReasoning(reasoning=thought)] if thought else []
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


def questions(task: str, limit: int) -> list[Question]:
    """The samples of an inspect task. Raises SetError."""
    from inspect_ai._eval.loader import load_tasks

    try:
        found = load_tasks([task.removeprefix("inspect:")])
    except Exception as error:  # a task is code of its own
        raise SetError(f"{task} cannot be loaded: {error}") from None
    if len(found) != 1:
        raise SetError(f"{task} is {len(found)} tasks; name one as inspect:FILE.py@TASK")
    samples = list(found[0].dataset)[: limit or None]
    return [
        Question(str(s.id if s.id is not None else i + 1), str((s.metadata or {}).get("kind", i + 1)),
                 s.input if isinstance(s.input, str) else "\n".join(m.text for m in s.input),
                 s.target if isinstance(s.target, str) else "; ".join(s.target))
        for i, s in enumerate(samples)
    ]  # fmt: skip


def run(record: Record, index: int, tell: Callable[[int, Line], None]) -> None:
    """One lane through inspect, which goes on with its own log if it was interrupted; its samples become answers."""
    lane = record.lanes[index]
    logs = record.folder / f"inspect-{index + 1}"
    private_folder(logs)
    started = list_eval_logs(str(logs))  # the newest first
    before = read_eval_log(started[0]) if started else None
    task = str(record.about["set"]).removeprefix("inspect:")
    quiet: dict[str, Any] = {"log_dir": str(logs), "display": "none", "max_samples": 1, "fail_on_error": False,
                             "log_buffer": 1}  # fmt: skip
    if before is not None and (before.status != "success" or any(s.error for s in before.samples or [])):
        [log] = inspect_ai.eval_retry(before, **quiet)
    elif before is not None:
        log = before
    else:
        [log] = inspect_ai.eval(task, model=f"galop/{lane.name}", limit=len(record.questions), **quiet)
    log = read_eval_log(log.location)
    for lane_model in OPENED:
        record.add(index, {"setup": lane_model.about})
    close_all()
    left = {q.id for q in record.left(index)}
    for sample in log.samples or []:
        if str(sample.id) in left:
            line = line_of(sample)
            record.add(index, line)
            tell(index, line)
    if log.status == "cancelled":
        raise KeyboardInterrupt
    if log.status == "error":
        raise LaneError(f"{lane.name}: inspect-ai says: {log.error.message[:300] if log.error else 'error'}")


def line_of(sample: EvalSample) -> Line:
    """A sample's line of the record. Its first score tells whether it is right: C, or at least 0.5."""
    line: Line = {"id": str(sample.id), "begun": 0.0}
    if sample.error:
        return {**line, "error": sample.error.message[:300], "passing": True, "seconds": sample.total_time or 0.0}
    score = next(iter((sample.scores or {}).values()), None)
    value = score.value if score else "I"
    right = value == "C" if isinstance(value, str) else isinstance(value, (int, float)) and value >= 0.5
    usage = list(sample.model_usage.values())
    output = sample.output
    extra = output.metadata or {}
    thoughts = [
        c.reasoning for choice in output.choices if not isinstance(choice.message.content, str)
        for c in choice.message.content if isinstance(c, ContentReasoning)
    ]  # fmt: skip
    return {
        **line, "text": output.completion, "thinking": "\n".join(thoughts), "calls": [], "replies": len(usage),
        "prompt_tokens": sum(u.input_tokens for u in usage), "cached_tokens": 0,
        "tokens": sum(u.output_tokens for u in usage),
        "thinking_tokens": sum(u.reasoning_tokens or 0 for u in usage),
        "first_token_seconds": extra.get("first_token_seconds", 0.0),
        "answer_seconds": extra.get("answer_seconds", 0.0), "cut_off": output.stop_reason == "max_tokens",
        "seconds": round(sample.working_time or sample.total_time or 0.0, 4),
        "right": right, "value": str(score.answer)[:200] if score and score.answer else None,
        "slip": "" if right else "wrong", "memory": None, "cpu_seconds": None,
    }  # fmt: skip
