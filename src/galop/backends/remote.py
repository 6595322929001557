"""The backend of a model behind an OpenAI-compatible API: its key, retries and errors."""

from __future__ import annotations

import os
import random
import re
import ssl
import time
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from typing import Any, Unpack

import httpx2

from galop.backends.events import Event
from galop.backends.protocol import Capabilities, ChatOptions
from galop.backends.registry import Offer, Vendor, registry
from galop.backends.remote_errors import (
    OF_THE_QUESTION,
    PASSING,
    RetryLater,
    error_message,
    read_beginning,
    seconds_until,
)
from galop.backends.remote_request import chat_request
from galop.backends.remote_stream import ReplyStream
from galop.chat.messages import Message
from galop.chat.thinking import Thinking, ThinkingSupport
from galop.chat.tools import Tool
from galop.engine.sampling import Sampling
from galop.errors import RemoteError
from galop.version import __version__

TRIES = 5
FIRST_PAUSE = 1.0  # seconds at most before the second try, where the server does not say; then twice as many
ROOM = 16_000  # tokens
LONGEST_WAIT = 120.0  # seconds that a server may ask to come back after
SILENCE = 180.0  # seconds between two pieces of a reply, the first included: it may think meanwhile


class Remote:
    """One model of one vendor. Keys come from the environment or the keyring, and go to that vendor's address alone."""

    def __init__(self, vendor: Vendor, model: str, url: str = "") -> None:
        self.vendor = vendor
        self.url = (url or vendor.url).rstrip("/")
        self.key = find_key(vendor)
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
        """What its interface accepts; whether the model keeps to it is not known."""
        quirk = self.offer.quirks.thinking
        support = None if quirk == "none" else ThinkingSupport("" if quirk == "always" else quirk, default=True)
        return Capabilities(thinking=support, sees=True)  # or its interface says so

    @property
    def price(self) -> tuple[float, float] | None:
        """Dollars per million tokens, read and written, of the registry."""
        return self.offer.price

    def room(self, messages: Sequence[Message], tools: Sequence[Tool] = ()) -> int:
        """Tokens that may still follow a conversation: a guess, since its context length is not known."""
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
        body = chat_request(self.offer, messages, thinking or Thinking(), tools, choice, sampling, limit)
        for attempt in range(TRIES):
            try:
                events = self._reply(body)
                break
            except RetryLater as again:
                if attempt + 1 == TRIES or (again.after or 0) > LONGEST_WAIT:
                    raise RemoteError(self._hide_key(f"{again} ({attempt + 1} tries)"), passing=True) from None
                pause = again.after if again.after is not None else FIRST_PAUSE * 2**attempt * random.uniform(0.5, 1.0)
                self.waited += pause
                time.sleep(pause)
        yield from events

    def _client(self) -> httpx2.Client:
        headers = {"user-agent": f"galop/{__version__}"} | ({"authorization": f"Bearer {self.key}"} if self.key else {})
        timeout = httpx2.Timeout(20.0, read=SILENCE)
        # A redirection could carry the key elsewhere.
        return httpx2.Client(headers=headers, timeout=timeout, follow_redirects=False, verify=trusted_certificates())

    def _reply(self, body: dict[str, Any]) -> list[Event]:
        start = time.monotonic()
        try:
            with self._client() as client, client.stream("POST", f"{self.url}/chat/completions", json=body) as reply:
                if reply.status_code != 200:
                    self._raise_for_status(reply.status_code, reply.headers.get("retry-after"), read_beginning(reply))
                stream = ReplyStream(self.vendor.name, self.offer.quirks, start)
                try:
                    return stream.read(reply)
                finally:
                    self.answered_by = stream.model or self.answered_by
        except httpx2.TimeoutException:
            raise RetryLater(f"{self.vendor.name} was silent for {SILENCE:.0f} s") from None
        except httpx2.InvalidURL:
            raise RemoteError(f"{self.url!r} is not an address", passing=False) from None
        except httpx2.HTTPError as error:
            raise RetryLater(self._hide_key(f"{self.vendor.name} at {self.url} cannot be reached: {error}")) from None

    def _raise_for_status(self, status: int, after: str | None, text: str) -> None:
        """Raises RetryLater or RemoteError for a status that is no success."""
        said = self._hide_key(error_message(text))
        if status in PASSING:
            raise RetryLater(f"{self.vendor.name} answered {status}: {said}", seconds_until(after or ""))
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

    def _hide_key(self, text: str) -> str:
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


@cache
def trusted_certificates() -> ssl.SSLContext:
    """Whom this machine trusts, read once: every time anew it would cost more than all else that asking takes."""
    return httpx2.create_ssl_context()


def find_key(vendor: Vendor) -> str:
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
