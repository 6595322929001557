"""Harmony, gpt-oss's format of replies: messages with headers, of which some are thinking, some calls, some text.

Format: https://cookbook.openai.com/articles/openai-harmony."""

from __future__ import annotations

import re
from collections.abc import Callable

from galop.chat import lark
from galop.chat.response_format import ResponseFormat
from galop.chat.text_ends import overlap
from galop.errors import ConstraintError

START, CHANNEL, MESSAGE, CONSTRAIN = "<|start|>", "<|channel|>", "<|message|>", "<|constrain|>"
END, CALL, RETURN = "<|end|>", "<|call|>", "<|return|>"
ANSWER = f"{CHANNEL}final{MESSAGE}"
"""The header of an answer."""
LONGEST_HEADER = 256  # characters
_ENDS = re.compile("|".join(map(re.escape, (END, CALL, RETURN, START, CHANNEL))))
_OPENINGS = (START, CHANNEL, " to=", "assistant")  # of a header


class HarmonySplitter:
    """Splits a stream of messages into thinking and answer, without their headers; those of calls stay where the reply
    may have `calls`. `opened` says that the prompt has opened the thinking."""

    def __init__(self, opened: bool, calls: bool) -> None:
        self._kind = "analysis" if opened else ""  # of the message that is being read; "" within a header
        self._calls = calls
        self._buffer = ""

    def push(self, text: str, final: bool = False) -> list[tuple[bool, str]]:
        """The pieces that `text` completes, each with whether it is thinking. A possible mark waits, unless `final`."""
        self._buffer += text
        pieces: list[tuple[bool, str]] = []
        before = None
        while before != (self._kind, len(self._buffer)):
            before = (self._kind, len(self._buffer))
            pieces += self._body(final) if self._kind else self._header(final)
        return [piece for piece in pieces if piece[1]]

    def _header(self, final: bool) -> list[tuple[bool, str]]:
        buffer = self._buffer
        begins = any(buffer.startswith(o) or o.startswith(buffer) for o in _OPENINGS)
        at = buffer.find(MESSAGE, 0, LONGEST_HEADER)
        if begins and at >= 0:
            header = buffer[: at + len(MESSAGE)]
            called = "to=functions." in header
            self._kind = "call" if called else "analysis" if f"{CHANNEL}analysis" in header else "answer"
            self._buffer = buffer[len(header) :]
            return [(False, header)] if called and self._calls else []
        if final and begins and len(buffer) > 2:
            self._buffer = ""  # a header that was cut off
        elif buffer and (not begins or final or len(buffer) > LONGEST_HEADER):
            self._kind = "answer"
        return []

    def _body(self, final: bool) -> list[tuple[bool, str]]:
        buffer, thinking = self._buffer, self._kind == "analysis"
        if found := _ENDS.search(buffer):
            self._kind = ""
            self._buffer = buffer[found.start() if found[0] in (START, CHANNEL) else found.end() :]
            return [(thinking, buffer[: found.start()])]
        keep = 0 if final else max(overlap(buffer, mark) for mark in (END, CALL, RETURN, START, CHANNEL))
        self._buffer = buffer[len(buffer) - keep :]
        return [(thinking, buffer[: len(buffer) - keep])]


def answer_form(form: ResponseFormat, id_of: Callable[[str], int | None]) -> ResponseFormat:
    """`form` for the text of an answer, after its header. Raises ConstraintError for a grammar, which has no place for
    the header, and for a schema that cannot be followed."""
    if form.kind == "lark":
        raise ConstraintError("a grammar cannot be followed by this model, whose answers have headers; take a schema")
    marks = [lark.literal(mark) if (id := id_of(mark)) is None else f"<[{id}]>" for mark in (CHANNEL, MESSAGE)]
    reply = ResponseFormat("lark", f'start: {marks[0]} "final" {marks[1]} text\ntext: /(?s:.*)/', form.field)
    return reply.with_text(form)
