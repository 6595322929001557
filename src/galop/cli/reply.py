"""A reply at a terminal: asking a model with the settings of a conversation, and printing what comes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from galop.agent import loop
from galop.agent.planner import plan_apart, user_texts
from galop.agent.toolbox import Toolbox, ToolResult, format_call
from galop.backends.events import Done, Event, Prefill, Text
from galop.backends.protocol import Backend, ChatOptions, TokenBackend
from galop.chat.messages import Message
from galop.chat.response_format import ResponseFormat
from galop.chat.thinking import Thinking
from galop.chat.tools import ToolCall
from galop.cli.errors import UsageError
from galop.cli.screen import note
from galop.cli.tools import ask_permission
from galop.engine.sampling import Sampling
from galop.machine import peak_memory
from galop.terminal import ReplyPrinter

if TYPE_CHECKING:
    from galop.science.planning.answer import Answer


@dataclass
class ChatSession:
    """A model and how it is asked, which may change between two replies."""

    model: TokenBackend
    name: str
    chosen: dict[str, Any] = field(default_factory=dict)  # sampling parameters that go before the model card's
    system: str = ""
    max_tokens: int | None = None
    thinking: Thinking = field(default_factory=Thinking)
    form: ResponseFormat | None = None
    toolbox: Toolbox | None = None
    science: bool = False  # whether technical questions are computed

    @property
    def sampling(self) -> Sampling:
        """The model card's settings but for those that were chosen. With tools and no thinking the likeliest token is
        taken: a small model else loses its thread after the right call."""
        usual = self.model.sampling_for(self.thinking)
        if self.toolbox and not self.thinking.will_think(self.model.capabilities.thinking):
            usual = replace(usual, temperature=0.0)
        return replace(usual, **self.chosen)

    def opening(self) -> list[Message]:
        """What a conversation begins with: the system message, if there is one."""
        return [{"role": "system", "content": self.system}] if self.system else []

    def reply(
        self, messages: list[Message], cancelled: Callable[[], bool] = lambda: False
    ) -> Iterator[Event | ToolResult | Answer]:
        """A reply to a conversation, to which calls, their results and the answer are added where there are tools."""
        options: ChatOptions = {"sampling": self.sampling, "max_tokens": self.max_tokens, "form": self.form}
        answer = None
        if self.science:
            from galop.agent import science

            answer = plan_apart(user_texts(messages))
        if answer and not answer.is_own:
            yield from science.tell(answer)
        elif self.toolbox:
            yield from loop.converse(
                self.model, messages, self.toolbox, self.thinking, ask_permission, cancelled=cancelled, **options
            )
        else:
            said = self.model.chat(messages, self.thinking, cancelled=cancelled, **options)
            yield from science.mark(answer, said) if answer and not self.form else said


def check_thinking(model: Backend, thinking: Thinking) -> None:
    """Raises UsageError where the model cannot think, or not think, as it is to."""
    support = model.capabilities.thinking
    if support is None and (thinking.on or thinking.budget):
        raise UsageError(f"{model.name} does not think; ask it without")
    if support and not support.variable and thinking.on is False:
        raise UsageError(f"{model.name} always thinks; --think-budget 0 lets it think as little as can be")


@dataclass
class PrintedReply:
    """A reply when it has ended: its thinking, its text, what it took, the results of tools or what was computed."""

    done: Done
    thinking: str = ""
    text: str = ""
    results: list[ToolResult] = field(default_factory=list)
    answer: Answer | None = None


def print_reply(events: Iterable[Event | ToolResult | Answer], quiet: bool = False) -> PrintedReply:
    """Prints a reply as it comes: its text on standard output, all else on standard error."""
    thought, answer, results, printer = "", "", [], ReplyPrinter()
    done: Done | None = None
    computed: Answer | None = None
    for event in events:
        if isinstance(event, Prefill):
            printer.read(event.done, event.total)
        elif isinstance(event, Text):
            if not quiet:
                printer.text(event.text, event.thinking)
            thought += event.text if event.thinking else ""
            answer += "" if event.thinking else event.text
        elif isinstance(event, ToolResult):
            results.append(event)
            if not quiet:
                note(f"\n{format_call(event.call)}\n  " + event.text.replace("\n", "\n  "))
        elif isinstance(event, Done):
            done = event if done is None else done.and_then(event)
        elif not isinstance(event, ToolCall):
            computed = event
            if not quiet and (details := event.details()):
                print(flush=True)
                note(details)
    assert done is not None
    return PrintedReply(done, thought, answer, results, computed)


def figures(done: Done) -> dict[str, Any]:
    """What a reply took, for programs."""
    return {
        "reason": done.reason,
        "prompt_tokens": done.prompt_tokens,
        "cached_tokens": done.cached_tokens,
        "answer_tokens": done.answer_tokens,
        "thinking_tokens": done.thinking_tokens,
        "prompt_tokens_per_second": round(done.prompt_rate, 2),
        "answer_tokens_per_second": round(done.answer_rate, 2),
        "first_token_seconds": round(done.first_token_seconds, 4),
        "peak_memory_bytes": peak_memory(),
    }


def figures_line(done: Done) -> str:
    """What a reply took, for the person."""
    cached = f" ({done.cached_tokens} reused)" if done.cached_tokens else ""
    thought = f" ({done.thinking_tokens} of thinking)" if done.thinking_tokens else ""
    why = {"length": " · cut off at the token limit", "cancelled": " · stopped"}.get(done.reason, "")
    if not done.prompt_tokens:  # nothing was asked of the model
        return f"the model was not asked · peak memory {peak_memory() / (1 << 20):.0f} MiB"
    parts = (
        f"{done.prompt_tokens} prompt tokens{cached} at {done.prompt_rate:.0f} tok/s",
        f"{done.answer_tokens} answer tokens{thought} at {done.answer_rate:.1f} tok/s",
        f"first token {done.first_token_seconds:.2f} s",
        f"peak memory {peak_memory() / (1 << 20):.0f} MiB",
    )
    return " · ".join(parts) + why
