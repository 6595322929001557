"""Thinking apart from the answer, as text streams."""

from __future__ import annotations

from collections.abc import Sequence

from galop.chat.tokenizer import Tokenizer

OPEN, CLOSE = "<think>", "</think>"


def begins_in_thought(tokenizer: Tokenizer, prompt: Sequence[int]) -> bool:
    """Whether the template has opened the thinking itself (R1's does, and leaves the model to close it)."""
    opening, closing = tokenizer.id(OPEN), tokenizer.id(CLOSE)
    last = next((id for id in reversed(prompt[-8:]) if id in (opening, closing)), None)
    return last is not None and last == opening


class ThinkingSplitter:
    """Splits a stream into (thinking, text) pieces. Only a tag the reply begins with opens the thinking."""

    def __init__(self, thinking: bool = False) -> None:
        self._state = "thinking" if thinking else "start"
        self._held = ""
        self._thought = False  # whether any of the thinking has been told

    def push(self, text: str, final: bool = False) -> list[tuple[bool, str]]:
        self._held += text
        pieces: list[tuple[bool, str]] = []
        if self._state == "start":
            begun = self._held.lstrip()
            if begun.startswith(OPEN):
                self._state, self._held = "thinking", begun[len(OPEN) :]
            elif not final and OPEN.startswith(begun):
                return pieces
            else:
                self._state = "answer"
        if self._state == "thinking":
            self._held = self._held if self._thought else self._held.lstrip("\n")
            at = self._held.find(CLOSE)
            if at < 0:
                keep = 0 if final else _pending(self._held)
                ready, self._held = self._held[: len(self._held) - keep], self._held[len(self._held) - keep :]
                self._thought = self._thought or bool(ready)
                return [(True, ready)] if ready else pieces
            if thought := self._held[:at].rstrip("\n"):
                pieces.append((True, thought))
            self._state, self._held = "closed", self._held[at + len(CLOSE) :]
        if self._state == "closed":  # line breaks between the thinking and the answer belong to neither
            self._held = self._held.lstrip("\n")
            if not self._held:
                return pieces
            self._state = "answer"
        if self._held:
            pieces.append((False, self._held))
            self._held = ""
        return pieces


def _pending(text: str) -> int:
    """Characters at the end that may begin the closing tag, with the line breaks before it."""
    n = next((n for n in range(min(len(text), len(CLOSE) - 1), 0, -1) if CLOSE.startswith(text[-n:])), 0)
    return len(text) - len(text[: len(text) - n].rstrip("\n"))
