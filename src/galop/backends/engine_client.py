"""A model whose tokens other processes compute: its prompts, forms and streams are made here, all over one `submit`."""

from __future__ import annotations

import asyncio
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Coroutine, Iterator, Sequence
from concurrent.futures import Future
from queue import SimpleQueue
from typing import Any, Self, Unpack

from galop.backends.events import Done, Emit, Event, Failure, StreamEvent
from galop.backends.processor import Processor
from galop.backends.protocol import ChatOptions, Completion, GenerationRequest
from galop.chat.messages import Message
from galop.chat.thinking import Thinking
from galop.chat.tools import Tool, ToolCallDelta, check_tools
from galop.errors import GalopError
from galop.tokenizers.tokenizer import Tokenizer
from galop.weights.pack import ModelCard


class EngineClient(Processor, ABC):
    """What is the same in a `TokenBackend` wherever its engine is. Answers come in an event loop of its own."""

    def __init__(self, card: ModelCard, tokenizer_json: str, vocabulary_size: int) -> None:
        words = tokenizer_json, card.bos_token, card.eos_token, card.add_bos, card.dummy_space
        super().__init__(card, Tokenizer(*words), vocabulary_size)
        self.answered_by, self.waited, self.price = "", 0.0, None  # what only a model behind an interface has
        self._loop = asyncio.new_event_loop()
        self._thread: threading.Thread | None = None

    @property
    @abstractmethod
    def context(self) -> int:
        """The most tokens of a prompt and its answer."""

    @abstractmethod
    def submit(self, request: GenerationRequest, emit: Emit) -> Completion:
        """Sends a request to the engine; `emit` gets its events, from another thread. Raises GalopError."""

    def stream(self, request: GenerationRequest) -> Iterator[Event]:
        """The events of a request's answer, which end in `Done`. Raises what `submit` raises, and the error of an
        answer that fails."""
        events: SimpleQueue[StreamEvent] = SimpleQueue()
        completion = self.submit(request, events.put)
        try:
            while True:
                event = events.get()
                if isinstance(event, Failure):
                    raise event.error
                if not isinstance(event, ToolCallDelta):  # the whole call follows
                    yield event
                if isinstance(event, Done):
                    return
        finally:
            completion.cancel()

    def chat(
        self,
        messages: Sequence[Message],
        thinking: Thinking | None = None,
        tools: Sequence[Tool] = (),
        *,
        cancelled: Callable[[], bool] = lambda: False,
        **options: Unpack[ChatOptions],
    ) -> Iterator[Event]:
        """Answers a conversation. Raises TemplateError, ContextLengthError, ConstraintError, others of the engine."""
        choice, thinking = options.get("tool_choice", "auto"), thinking or Thinking()
        check_tools(tools, choice)
        prompt = self.prompt(messages, thinking, tools)
        constraint = self.constraint(options.get("form"), tools, choice, options.get("parallel_tool_calls", True))
        yield from self.stream(
            GenerationRequest(
                prompt, options.get("sampling"), options.get("max_tokens"), options.get("stop", ()), thinking=thinking,
                tools=tools, constraint=constraint, cancelled=cancelled, speculate=options.get("speculate", True),
            )
        )  # fmt: skip

    def room(self, messages: Sequence[Message], tools: Sequence[Tool] = ()) -> int:
        """Tokens that may still follow a conversation."""
        return self.context - len(self.prompt(messages, Thinking(), tools))

    def _start_loop(self, watch: Coroutine[Any, Any, None]) -> None:
        """From now on a thread runs the loop, and in it `watch`, until `close`."""
        self._thread = threading.Thread(target=self._loop.run_forever, name="galop-answers", daemon=True)
        self._thread.start()
        asyncio.run_coroutine_threadsafe(watch, self._loop)

    def _run_answer(self, answer: Coroutine[Any, Any, None]) -> Future[None]:
        """Has an answer come in the loop. Raises GalopError where that has ended."""
        try:
            return asyncio.run_coroutine_threadsafe(answer, self._loop)
        except RuntimeError:
            answer.close()
            raise GalopError("the model was unloaded") from None

    async def _end_connections(self) -> None:
        """What is to be done in the loop after the last answer."""

    def close(self) -> None:
        """Ends what is under way, the loop, and the processes of the template and of the constraints."""
        if self._thread:
            asyncio.run_coroutine_threadsafe(self._end_tasks(), self._loop).result()
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
        self._loop.close()
        super().close()

    async def _end_tasks(self) -> None:
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        await self._end_connections()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
