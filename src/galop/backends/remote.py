"""A model behind an OpenAI-dialect interface, as something that answers conversations."""

from __future__ import annotations

import json
import os
import random
import re
import time
from collections.abc import Callable, Iterator, Sequence
from email.utils import parsedate_to_datetime
from typing import Any, Literal, Unpack

import httpx2

from galop.backends.events import Done, Event, Text
from galop.backends.protocol import Capabilities, ChatOptions
from galop.backends.registry import Offer, Vendor, registry
from galop.chat.messages import Message
from galop.chat.thinking import Thinking, ThinkingSplitter, ThinkingSupport
from galop.chat.tools import Tool, ToolCall
from galop.engine.sampling import Sampling
from galop.errors import GalopError
from galop.version import __version__

TRIES = 5
ROOM = 16_000  # tokens
LONGEST_WAIT = 120.0  # seconds that a server may ask to come back after
SILENCE = 180.0  # seconds between two pieces of a reply, the first included: it may think meanwhile
LONGEST = 1800.0  # seconds of a reply
LARGEST = 16 << 20  # bytes of a reply
HIDDEN = 16_384  # tokens more where a model thinks as long as it likes and its limit counts that
OF_THE_QUESTION = {400, 413, 422}  # it is refused, and others may not be
PASSING = {408, 409, 425, 429, 500, 502, 503, 504, 520, 522, 524, 529}


class RemoteError(GalopError):
    """What an interface answered instead of a reply.

    `passing` is what may be over another time, `of_question` what another question may not meet.
    """

    def __init__(self, message: str, passing: bool, of_question: bool = False) -> None:
        super().__init__(message)
        self.passing = passing
        self.of_question = of_question


class Remote:
    """One model of one vendor. Keys come from the environment or the keyring, and go to that vendor's address alone."""

    def __init__(self, vendor: Vendor, model: str, url: str = "") -> None:
        self.vendor = vendor
        self.url = (url or vendor.url).rstrip("/")
        self.key = key_of(vendor)
        self.model = model or self._only_model()
        self.offer = registry().offers.get((vendor.prefix, self.model)) or Offer(
            vendor.prefix, self.model, quirks=vendor.quirks
        )
        self.answered_by = ""  # the model that the last reply names
        self.waited = 0.0  # seconds between tries, so far

    @property
    def name(self) -> str:
        """As its vendor calls it."""
        return self.model

    @property
    def capabilities(self) -> Capabilities:
        """What its interface lets one ask for; whether it keeps to it, nobody says."""
        quirk = self.offer.quirks.thinking
        style = None if quirk == "none" else ThinkingSupport("" if quirk == "always" else quirk, default=True)
        return Capabilities(thinking=style)

    @property
    def price(self) -> tuple[float, float] | None:
        """Dollars per million tokens, read and written, of the registry."""
        return self.offer.price

    def room(self, messages: Sequence[Message], tools: Sequence[Tool] = ()) -> int:
        """Tokens that may still follow a conversation: a guess, since nobody tells how long its context is."""
        return ROOM

    def sampling_for(self, thinking: Thinking | None) -> Sampling:
        """Temperature 1, which is the default of every vendor."""
        return Sampling(temperature=1.0)

    def close(self) -> None:
        """Nothing is held between two replies."""

    def chat(
        self,
        messages: Sequence[Message],
        thinking: Thinking | None = None,
        tools: Sequence[Tool] = (),
        *,
        cancelled: Callable[[], bool] = lambda: False,
        **options: Unpack[ChatOptions],
    ) -> Iterator[Event]:
        """A whole reply; whatever fails in passing is tried again. Raises RemoteError.

        Of the options `tool_choice`, `sampling` and `max_tokens` are followed.
        """
        choice, sampling, limit = options.get("tool_choice", "auto"), options.get("sampling"), options.get("max_tokens")
        body = self.body(messages, thinking or Thinking(), tools, choice, sampling, limit)
        for attempt in range(TRIES):
            try:
                events = self._reply(body)
                break
            except Again as again:
                if attempt + 1 == TRIES or (again.after or 0) > LONGEST_WAIT:
                    raise RemoteError(self._clean(f"{again} ({attempt + 1} tries)"), passing=True) from None
                pause = again.after if again.after is not None else 2**attempt * random.uniform(0.5, 1.0)
                self.waited += pause
                time.sleep(pause)
        yield from events

    def body(
        self,
        messages: Sequence[Message],
        thinking: Thinking,
        tools: Sequence[Tool],
        tool_choice: str,
        sampling: Sampling | None,
        max_tokens: int | None,
    ) -> dict[str, Any]:
        """What is sent."""
        quirks = self.offer.quirks
        body: dict[str, Any] = {
            "model": self.model, "messages": numbered(messages, quirks.give_back), "stream": True,
            "stream_options": {"include_usage": True},
        }  # fmt: skip
        if sampling and quirks.temperature:
            body |= {"temperature": sampling.temperature, "top_p": sampling.top_p}
        if sampling and quirks.seed:
            body["seed"] = sampling.seed
        if tools:
            named = tool_choice not in ("auto", "required", "none")
            choice = {"type": "function", "function": {"name": tool_choice}} if named else tool_choice
            body |= {"tools": list(tools), "tool_choice": choice}
        wanted = thinking.on is not False and thinking.budget != 0
        if quirks.thinking == "effort" and thinking.on is not None:
            body["reasoning_effort"] = effort(quirks.efforts, wanted, thinking.budget)
        elif quirks.thinking == "toggle" and thinking.on is not None:
            body["enable_thinking"] = wanted
            if wanted and thinking.budget:
                body["thinking_budget"] = thinking.budget
        elif quirks.thinking == "type" and thinking.on is not None:
            body["thinking"] = {"type": "enabled" if wanted else "disabled"}
        elif quirks.thinking == "template" and thinking.on is not None:
            body["chat_template_kwargs"] = {"enable_thinking": wanted}
        elif quirks.thinking == "google":
            budget = min(max(thinking.budget or 0 if wanted else 0, quirks.least), quirks.most)
            config = {"thinking_budget": budget, "include_thoughts": True}
            body["extra_body"] = {"google": {"thinking_config": config}}
        if max_tokens:
            told = body.get("reasoning_effort", "none") != "none" or body.get("thinking") == {"type": "enabled"}
            body[quirks.limit] = max_tokens + (HIDDEN if told or quirks.thinking == "always" else 0)
        return body

    def _client(self) -> httpx2.Client:
        headers = {"user-agent": f"galop/{__version__}"} | ({"authorization": f"Bearer {self.key}"} if self.key else {})
        timeout = httpx2.Timeout(20.0, read=SILENCE)
        # A redirection could carry the key elsewhere.
        return httpx2.Client(headers=headers, timeout=timeout, follow_redirects=False)

    def _reply(self, body: dict[str, Any]) -> list[Event]:
        start = time.monotonic()
        try:
            with self._client() as client, client.stream("POST", f"{self.url}/chat/completions", json=body) as reply:
                if reply.status_code != 200:
                    self._refused(reply.status_code, reply.headers.get("retry-after"), bounded(reply))
                return Reading(self, start).read(reply)
        except httpx2.TimeoutException:
            raise Again(f"{self.vendor.name} was silent for {SILENCE:.0f} s") from None
        except httpx2.InvalidURL:
            raise RemoteError(f"{self.url!r} is not an address", passing=False) from None
        except httpx2.HTTPError as error:
            raise Again(self._clean(f"{self.vendor.name} at {self.url} cannot be reached: {error}")) from None

    def _refused(self, status: int, after: str | None, text: str) -> None:
        """Raises Again or RemoteError for a status that is no success."""
        said = self._clean(message_of(text))
        if status in PASSING:
            raise Again(f"{self.vendor.name} answered {status}: {said}", seconds_until(after or ""))
        hints = {
            401: f"; set {self.vendor.key} to a valid key" if self.vendor.key else "",
            403: "; the key may not use this model",
            404: f"; does {self.model} still exist? The registry of {registry().dated} "
            + (f"says it ended on {self.offer.ends}, followed by {self.offer.replaced_by}" if self.offer.ends
               else "does not say that it ended"),
        }  # fmt: skip
        raise RemoteError(
            f"{self.vendor.name} answered {status} to {self.model}: {said}{hints.get(status, '')}",
            passing=False, of_question=status in OF_THE_QUESTION,
        )  # fmt: skip

    def _clean(self, text: str) -> str:
        """Without the key, which some servers give back in their errors, even in part."""
        if self.key:
            text = text.replace(self.key, "[key]")
        return re.sub(r"\b(?:sk|xai|gsk|AIza)[-_A-Za-z0-9*.]{6,}", "[key]", text)

    def _only_model(self) -> str:
        """What a server that names no model has."""
        try:
            with self._client() as client:
                reply = client.get(f"{self.url}/models")
                return str(reply.json()["data"][0]["id"])
        except (httpx2.HTTPError, httpx2.InvalidURL, ValueError, LookupError, TypeError):
            raise RemoteError(
                f"{self.url} does not list its models; is that an OpenAI-dialect server? Name one as {self.url}#MODEL",
                passing=False,
            ) from None


class Again(Exception):
    """Something that may go better the next time, after so many seconds."""

    def __init__(self, message: str, after: float | None = None) -> None:
        super().__init__(message)
        self.after = after


class Reading:
    """One reply as it comes in."""

    def __init__(self, remote: Remote, start: float) -> None:
        self.remote = remote
        self.start = start
        self.first = 0.0
        self.reason: Literal["stop", "length"] | None = None
        self.usage: dict[str, Any] = {}
        self.pieces = 0
        self.calls: dict[int, dict[str, str]] = {}
        self.thoughts: list[str] = []
        self.content: list[str] = []

    def read(self, reply: httpx2.Response) -> list[Event]:
        for line in self._lines(reply):
            data = line.removeprefix("data:").strip()
            if not line.startswith("data:") or not data:
                continue
            if data == "[DONE]":
                break
            try:
                self._chunk(json.loads(data))
            except (ValueError, RecursionError, TypeError, AttributeError, LookupError):
                raise Again(f"{self.remote.vendor.name} sent what is no piece of a reply: {data[:80]!r}") from None
        if self.reason is None:
            raise Again(f"{self.remote.vendor.name} broke off in the middle of a reply")
        return self._events()

    def _lines(self, reply: httpx2.Response) -> Iterator[str]:
        """Bounded in bytes and in time, whether or not a line ever ends."""
        size, rest = 0, b""
        for piece in reply.iter_bytes():
            size += len(piece)
            if size > LARGEST:
                raise RemoteError(f"{self.remote.vendor.name} sent more than {LARGEST >> 20} MiB for one reply", False)
            if time.monotonic() - self.start > LONGEST:
                raise RemoteError(f"{self.remote.vendor.name} was not done after {LONGEST:.0f} s", passing=True)
            *lines, rest = (rest + piece).split(b"\n")
            yield from (line.decode("utf-8", "replace").rstrip("\r") for line in lines)
        yield rest.decode("utf-8", "replace")

    def _chunk(self, chunk: dict[str, Any]) -> None:
        if error := chunk.get("error"):
            raise Again(f"{self.remote.vendor.name} broke off: {message_of(json.dumps(error))}")
        self.remote.answered_by = str(chunk.get("model") or self.remote.answered_by)[:200]
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
        if self.remote.offer.quirks.thoughts == "tag":
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


def key_of(vendor: Vendor) -> str:
    """From the environment, else from the keyring (service galop, the variable's name). Raises RemoteError."""
    if not vendor.key:
        return ""
    key = os.environ.get(vendor.key, "").strip()
    if not key:
        try:
            import keyring

            key = (keyring.get_password("galop", vendor.key) or "").strip()
        except Exception:  # no such package, or no keyring on this machine
            pass
    if not (key.isascii() and (key.isprintable() or not key)):
        raise RemoteError(f"{vendor.key} has characters in it that no key has; set it anew", passing=False)
    if key or vendor.prefix == "url":
        return key
    raise RemoteError(f"{vendor.name} needs a key; set {vendor.key}", passing=False)


def effort(efforts: Sequence[str], wanted: bool, budget: int | None) -> str:
    """The nearest that there is."""
    if not wanted:
        return "none" if "none" in efforts else efforts[0]
    usual = "medium" if budget is None else "low" if budget <= 1024 else "medium" if budget <= 8192 else "high"
    order = ["low", "medium", "high"]
    having = [e for e in efforts if e in order]
    return min(having, key=lambda e: abs(order.index(e) - order.index(usual)))


def numbered(messages: Sequence[Message], give_back: bool) -> list[Message]:
    """With the ids by which the interface ties results to calls, and arguments as text."""
    sent: list[Message] = []
    open_ids: list[str] = []
    made = 0
    for message in messages:
        message = dict(message)
        thought = message.pop("reasoning_content", None)
        if calls := message.get("tool_calls"):
            listed = []
            for call in calls:
                made += 1
                open_ids.append(f"call_{made}")
                function = call["function"]
                text = json.dumps(function["arguments"], ensure_ascii=False)
                listed.append({"id": open_ids[-1], "type": "function",
                               "function": {"name": function["name"], "arguments": text}})  # fmt: skip
            message["tool_calls"] = listed
            if give_back:
                message["reasoning_content"] = thought or ""
        elif message["role"] == "tool":
            message = {
                "role": "tool",
                "tool_call_id": open_ids.pop(0) if open_ids else "",
                "content": message["content"],
            }
        sent.append(message)
    return sent


def bounded(reply: httpx2.Response) -> str:
    """The beginning of a body."""
    found = b""
    for piece in reply.iter_bytes():
        found += piece
        if len(found) > 20_000:
            break
    return found.decode("utf-8", "replace")


def seconds_until(after: str) -> float | None:
    """What Retry-After asks for, as seconds or as a date (RFC 9110, 10.2.3); None for anything else."""
    if re.fullmatch(r"\d{1,6}(\.\d+)?", after):
        return float(after)
    try:
        return max(0.0, parsedate_to_datetime(after).timestamp() - time.time())
    except (ValueError, OverflowError):
        return None


def message_of(text: str) -> str:
    """What an error says, in at most 200 characters."""
    try:
        data = json.loads(text)
        data = data[0] if isinstance(data, list) else data
        inner = data.get("error", data)
        said = inner.get("message") if isinstance(inner, dict) else inner
    except (ValueError, LookupError, AttributeError, RecursionError):
        said = None
    return re.sub(r"\s+", " ", str(said or text)).strip()[:200] or "nothing"
