"""Reads the streamed reply of an OpenAI-compatible API."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any, Literal

import httpx2

from galop.backends.events import Done, Event, Text
from galop.backends.registry import Quirks
from galop.backends.remote_errors import RetryLater, error_message
from galop.chat.thinking import ThinkingSplitter
from galop.chat.tools import ToolCall
from galop.errors import RemoteError

LONGEST = 1800.0  # seconds of a reply
LARGEST = 16 << 20  # bytes of a reply


class ReplyStream:
    """One reply of a vendor's as it comes in, bounded in bytes and time; `start` is when it was asked for."""

    def __init__(self, vendor: str, quirks: Quirks, start: float) -> None:
        self.vendor = vendor
        self.quirks = quirks
        self.start = start
        self.model = ""  # that it names
        self.first = 0.0
        self.reason: Literal["stop", "length"] | None = None
        self.usage: dict[str, Any] = {}
        self.pieces = 0
        self.calls: dict[int, dict[str, str]] = {}
        self.thoughts: list[str] = []
        self.content: list[str] = []

    def read(self, reply: httpx2.Response) -> list[Event]:
        """All its events. Raises RetryLater where it breaks off or is no reply, RemoteError where it goes too far."""
        for line in self._lines(reply):
            data = line.removeprefix("data:").strip()
            if not line.startswith("data:") or not data:
                continue
            if data == "[DONE]":
                break
            try:
                self._chunk(json.loads(data))
            except (ValueError, RecursionError, TypeError, AttributeError, LookupError):
                raise RetryLater(f"{self.vendor} sent what is no piece of a reply: {data[:80]!r}") from None
        if self.reason is None:
            raise RetryLater(f"{self.vendor} broke off in the middle of a reply")
        return self._events()

    def _lines(self, reply: httpx2.Response) -> Iterator[str]:
        """Bounded in bytes and in time, whether or not a line ever ends."""
        size, rest = 0, b""
        for piece in reply.iter_bytes():
            size += len(piece)
            if size > LARGEST:
                raise RemoteError(f"{self.vendor} sent more than {LARGEST >> 20} MiB for one reply", False)
            if time.monotonic() - self.start > LONGEST:
                raise RemoteError(f"{self.vendor} was not done after {LONGEST:.0f} s", passing=True)
            *lines, rest = (rest + piece).split(b"\n")
            yield from (line.decode("utf-8", "replace").rstrip("\r") for line in lines)
        yield rest.decode("utf-8", "replace")

    def _chunk(self, chunk: dict[str, Any]) -> None:
        if error := chunk.get("error"):
            raise RetryLater(f"{self.vendor} broke off: {error_message(json.dumps(error))}")
        self.model = str(chunk.get("model") or self.model)[:200]
        self.usage = chunk.get("usage") or self.usage
        for choice in chunk.get("choices") or []:
            delta = choice.get("delta") or {}
            thought = delta.get("reasoning_content") or delta.get("reasoning")
            if isinstance(thought, str):
                self.thoughts.append(thought)
            if isinstance(delta.get("content"), str):
                self.content.append(delta["content"])
            for piece in delta.get("tool_calls") or []:
                call = self.calls.setdefault(int(piece.get("index") or 0), {"name": "", "arguments": ""})
                function = piece.get("function") or {}
                call["name"] += function.get("name") or ""
                call["arguments"] += function.get("arguments") or ""
            if delta.get("content") or thought or delta.get("tool_calls"):
                self.first = self.first or time.monotonic()
                self.pieces += 1
            if finish := choice.get("finish_reason"):
                self.reason = "length" if finish in ("length", "max_tokens") else "stop"

    def _events(self) -> list[Event]:
        end = time.monotonic()
        first = self.first or end
        content = "".join(self.content)
        if self.quirks.thoughts == "tag":
            content = content.replace("<thought>", "<think>").replace("</thought>", "</think>")
        pieces = [(True, "".join(self.thoughts)), *ThinkingSplitter(False).push(content, final=True)]
        events: list[Event] = [Text(text, thinking=thinking) for thinking, text in pieces if text]
        for _, call in sorted(self.calls.items()):
            try:
                arguments = json.loads(call["arguments"] or "{}")
            except (ValueError, RecursionError):
                arguments = None
            if isinstance(arguments, dict):
                events.append(ToolCall(call["name"], arguments))
            else:
                events.append(Text(f"{call['name']}({call['arguments']})"))  # no call, but the model said so
        prompt, total = int(self.usage.get("prompt_tokens") or 0), int(self.usage.get("total_tokens") or 0)
        # llama-cpp-python's server, for one, does not count when it streams; it sends a piece for each token.
        written = int(self.usage.get("completion_tokens") or 0) if self.usage else self.pieces
        details = self.usage.get("completion_tokens_details") or {}
        cached = (self.usage.get("prompt_tokens_details") or {}).get("cached_tokens") or 0
        # Some count thinking among the tokens written, some beside them; the total has it in either case.
        events.append(
            Done(
                self.reason or "stop",
                prompt,
                int(cached),
                max(written, total - prompt),
                first - self.start,
                end - first,
                first - self.start,
                thinking_tokens=int(details.get("reasoning_tokens") or 0),
            )
        )
        return events
