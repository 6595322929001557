"""Rate limits: how many tokens each API key has used within the last minute, and may still use."""

from __future__ import annotations

import math
import time
from collections import Counter, deque
from collections.abc import Iterator
from contextlib import contextmanager

from galop.server.api_keys import ApiKey
from galop.server.errors import ApiError

LEAST_ANSWER = 256  # tokens an answer has to have left of a key's minute, if it asks for more
MINUTE = 60.0  # seconds
UNDER_WAY_SECONDS = 2  # until who asks for what is held for others may try again


class RateLimiter:
    """Tokens each key has used within the last minute, and those held for requests that are under way."""

    def __init__(self) -> None:
        self._used: dict[str, deque[tuple[float, int]]] = {}
        self._held: Counter[str] = Counter()

    def check(self, key: ApiKey, tokens: int = 1) -> None:
        """Raises ApiError (429, with Retry-After) where a key may not use so many tokens now."""
        if wait := self.wait(key, tokens):
            message = f"this key may use {key.tokens_per_minute} tokens per minute; try again in {wait} s"
            raise ApiError(429, "rate_limit_exceeded", message, retry_after=wait)

    def reserve(self, key: ApiKey, prompt: int, answers: int = 0, each: int = 0) -> int:
        """Holds tokens of a key's minute for a request, until they are settled; returns how many.

        They are as many as it asks for, or fewer for its answers where fewer are left. Raises ApiError (429) where
        those are too few.
        """
        limit = key.tokens_per_minute
        wanted = prompt + answers * each
        if limit:
            if prompt + min(answers, wanted - prompt) > limit:
                message = f"this takes {prompt} tokens to read, and this key may use {limit} per minute"
                raise ApiError(429, "rate_limit_exceeded", message, param="model")
            self.check(key, min(prompt + answers * min(each, LEAST_ANSWER, limit // 8), limit))
            wanted = min(wanted, self.free(key))
        self.hold(key, wanted)
        return wanted

    @contextmanager
    def charge_for(self, key: ApiKey, tokens: int) -> Iterator[None]:
        """For work that only reads; what fails costs nothing. Raises ApiError (429) where the key has too few left."""
        held, used = self.reserve(key, tokens), tokens
        try:
            yield
        except Exception:
            used = 0
            raise
        finally:
            self.settle(key, held, used)

    def free(self, key: ApiKey) -> int:
        """Tokens that may be used now."""
        return key.tokens_per_minute - self._held[key.hash] - sum(tokens for _, tokens in self._recent(key))

    def wait(self, key: ApiKey, tokens: int = 1) -> int:
        """Seconds until so many tokens may be used; 0 if they may now."""
        if not key.tokens_per_minute or self.free(key) >= tokens:
            return 0
        used = self._recent(key)
        total = sum(tokens for _, tokens in used)
        for when, spent in used:
            if total + tokens <= key.tokens_per_minute:
                break
            total -= spent
            if total + tokens <= key.tokens_per_minute:
                return max(1, math.ceil(when + MINUTE - time.monotonic()))
        return UNDER_WAY_SECONDS

    def hold(self, key: ApiKey, tokens: int) -> None:
        """Counts tokens as used until `settle`."""
        if key.tokens_per_minute:
            self._held[key.hash] += tokens

    def settle(self, key: ApiKey, held: int, used: int) -> None:
        """Replaces what was held by what was used."""
        if key.tokens_per_minute:
            self._held[key.hash] -= held
            self.charge(key, used)

    def charge(self, key: ApiKey, tokens: int) -> None:
        """Counts tokens as used from now on for a minute."""
        if key.tokens_per_minute and tokens:
            self._used.setdefault(key.hash, deque()).append((time.monotonic(), tokens))

    def _recent(self, key: ApiKey) -> deque[tuple[float, int]]:
        used = self._used.get(key.hash, deque())
        while used and used[0][0] <= time.monotonic() - MINUTE:
            used.popleft()
        return used
