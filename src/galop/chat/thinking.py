"""Thinking (reasoning) in a reply: what a request asks for, the budget that ends it, the split from the answer."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from galop.chat.harmony import ANSWER
from galop.chat.template_capabilities import TemplateCapabilities
from galop.chat.text_ends import overlap
from galop.chat.thinking_tags import TAGS, THINK, ThinkingTags
from galop.ops.plan import Array
from galop.tokenizers.constraint import Constraint, allow, forbid, full_mask
from galop.tokenizers.tokenizer import Tokenizer

ANSWER_TOKENS = 512  # reserved for the answer where the reply's length is limited, but no more than half of it
EFFORTS = {"none": 0, "minimal": 512, "low": 1024, "medium": 8192, "high": 24_576, "xhigh": None, "max": None}
"""Tokens of thinking by `reasoning_effort`."""
BUDGET_SPENT = (
    "\n\nConsidering the limited time by the user, I have to give the solution based on the thinking directly now."
)
"""What the Qwen3 report has the model say when its budget is spent (section 4.3)."""


@dataclass(frozen=True)
class ThinkingSupport:
    """What a template that knows thinking lets be chosen."""

    variable: str  # the template variable that turns thinking on and off; "" where nothing does
    default: bool  # whether the model thinks without it
    effort: bool = False  # whether the variable `reasoning_effort` says how much
    budget: bool = False  # whether the variable `thinking_budget` does, in tokens, 0 for none
    tags: ThinkingTags = TAGS[THINK]  # between which it thinks


def thinking_support(can: TemplateCapabilities) -> ThinkingSupport | None:
    """Of a template with these capabilities; None for one that knows no thinking."""
    if not can.thinking:
        return None
    return ThinkingSupport(can.thinking_variable, can.thinks_by_default, can.efforts, can.budgets, can.tags)


@dataclass(frozen=True)
class Thinking:
    """What is asked of a reply: to think or not (None leaves it to the template), and the most tokens of thinking."""

    on: bool | None = None
    budget: int | None = None

    @classmethod
    def from_request(cls, on: bool | None, effort: str | None, budget: int | None) -> Thinking:
        """From the fields of a request; `effort` is one of EFFORTS, and a budget goes before it."""
        if effort is not None:
            on = effort != "none" if on is None else on
            budget = EFFORTS[effort] if budget is None else budget
        return cls(on, budget)

    def variables(self, support: ThinkingSupport | None) -> dict[str, Any]:
        """The template variables that ask for this."""
        if support is None or self == Thinking():
            return {}
        on = self.on is not False and self.budget != 0
        effort = {"reasoning_effort": self._effort if on else "low"} if support.effort else {}
        budget = {"thinking_budget": self.budget if on else 0} if support.budget and (self.budget or not on) else {}
        return {**({support.variable: on} if support.variable else {}), **effort, **budget}

    @property
    def _effort(self) -> str:
        """The least effort whose tokens the budget is not more than."""
        limits = ((effort, EFFORTS[effort]) for effort in ("low", "medium"))
        return next((e for e, most in limits if self.budget is not None and most and self.budget <= most), "high")

    def will_think(self, support: ThinkingSupport | None) -> bool:
        """Whether the reply will have thinking."""
        if support is None:
            return False
        if support.tags.messages or support.budget:
            return self.on is not False and self.budget != 0
        return bool(self.variables(support).get(support.variable, support.default))

    def opening(self, support: ThinkingSupport | None) -> str:
        """What a prompt ends with so that the reply has thinking or has none, where the template does not say so."""
        if support is None or not support.tags.messages:
            return ""
        tags = support.tags
        return tags.opening if self.will_think(support) else f"{tags.opening}{tags.close}{tags.before_answer}"


class ThinkingBudget(Constraint):
    """Ends the thinking when `budget` tokens of it are spent, or the model ends its reply there: an answer is owed.
    From there on the constraint `answer` holds, if there is one.

    `limit` is the most tokens of the reply, some of which are reserved for the answer; `opened` says that the template
    has opened the thinking. What a model thinks without tags is not known as thinking.
    """

    def __init__(
        self,
        tokenizer: Tokenizer,
        opened: bool,
        budget: int | None,
        limit: int,
        answer: Constraint | None = None,
        stop_ids: Collection[int] = (),
        rows: int = 0,
        tags: ThinkingTags = TAGS[THINK],
    ) -> None:
        self._stops = stop_ids
        self._rows = rows  # of the vocabulary; where given, thinking that was closed for the model stays closed
        self._open, self._close = tokenizer.id(tags.open), tokenizer.id(tags.close)
        self._breaks = tokenizer.encode("\n")
        before_answer = tags.before_answer + (ANSWER if tags.messages and answer is None else "")
        self._before_answer = tokenizer.encode_control(before_answer) if before_answer else []
        self._shut = not tags.messages  # what closes their thinking may end other messages
        ending = f"\n{tags.close}{before_answer}"
        self._closing = tokenizer.encode_control(f"{BUDGET_SPENT}{ending}")
        # A vocabulary that has to spell the sentence was never taught with words.
        if 4 * len(self._closing) > limit or 2 * len(self._closing) > len(BUDGET_SPENT):
            self._closing = tokenizer.encode_control(ending)
        most = limit - min(ANSWER_TOKENS, limit // 2) - len(self._closing)
        self._budget = most if budget is None else min(budget, most)
        self._answer = answer
        self._state = "thinking" if opened else "start"
        self._opened = False  # by the last token
        self._closed = False  # by this constraint
        self.thought = 0  # tokens of thinking so far, but for the line break after the tag

    @property
    def answer(self) -> Constraint | None:
        """What holds once the thinking is over."""
        return self._answer

    @property
    def tokens_left(self) -> int | None:
        """How many tokens of thinking may follow; None where it is over."""
        return None if self._state == "answer" else max(1, self._budget - self.thought)

    @property
    def barred(self) -> int | None:
        """The tag that may not come any more, since this constraint has closed the thinking."""
        return self._close if self._state == "answer" and self._closed and self._shut else None

    @property
    def closing(self) -> int | None:
        """The tag that closes the thinking."""
        return self._close

    def mask(self) -> Array | None:
        """None within the thinking; then the answer's, from which the tag that closes thinking is taken where this
        constraint has closed it."""
        if self._state == "thinking":
            return None
        mask = self._answer.mask() if self._answer else None
        if self._state == "start" and mask is not None and self._open is not None:
            mask = mask.copy()
            allow(mask, self._open)
        elif self._closed and self._shut and self._close is not None and self._rows:
            mask = full_mask(self._rows) if mask is None else mask.copy()
            forbid(mask, self._close)
        return mask

    def interpret(self, token: int) -> int:
        """Within the thinking, the tag that closes it for a token that would end the reply."""
        if self._state == "thinking":
            self._closed = token in self._stops and self._close is not None
            return self._close if self._closed and self._close is not None else token
        return self._answer.interpret(token) if self._answer else token

    def accept(self, token: int) -> Sequence[int]:
        """Counts a token; gives the words that close the thinking once its budget is spent."""
        if self._state == "start":
            if self._answer is None and [token] == self._breaks:
                return ()  # which GLM-4.6 writes before it thinks
            self._state = "thinking" if token == self._open else "answer"
            self._opened = token == self._open
        elif self._state == "thinking" and token == self._close:
            self._state = "answer"
            return self._before_answer if self._answer or self._closed else ()
        elif self._state == "thinking":
            self.thought += not (self._opened and [token] == self._breaks)
            self._opened = False
        if self._state == "thinking":
            if self.thought < self._budget:
                return ()
            self._state, self._closed = "answer", True
            return self._closing
        return self._answer.accept(token) if self._answer else ()


def starts_thinking(
    tokenizer: Tokenizer, prompt: Sequence[int], stop_ids: Collection[int] = (), tags: ThinkingTags = TAGS[THINK]
) -> bool:
    """Whether the last turn of a prompt, which begins after the last of `stop_ids`, has opened the thinking (R1's
    template does, and so does a turn that is continued in the middle of its thinking) and left it to the model to close
    it."""
    opening, closing = tokenizer.id(tags.open), tokenizer.id(tags.close)
    last = next((id for id in reversed(prompt) if id in (opening, closing) or id in stop_ids), None)
    if last is None or last != opening:
        return False
    title = tokenizer.encode_control(tags.opening) if tags.messages else [last]
    at = len(prompt) - 1 - list(reversed(prompt)).index(last)
    return list(prompt[at : at + len(title)]) == title


class ThinkingSplitter:
    """Splits a stream of text into thinking and answer. Only a tag that the reply begins with opens the thinking,
    unless the prompt has (`thinking`) or the model does it `again`."""

    def __init__(self, thinking: bool = False, tags: ThinkingTags = TAGS[THINK]) -> None:
        self._tags = tags
        self._reading = {
            "start": self._start, "thinking": self._think, "closed": self._skip_breaks, "answer": self._answer,
        }  # fmt: skip
        self._state = "thinking" if thinking else "start"
        self._titled = bool(tags.title) and not thinking  # whether the title of the thinking is still to come
        self._buffer = ""
        self._thought = False  # whether a piece of thinking has come

    def push(self, text: str, final: bool = False) -> list[tuple[bool, str]]:
        """The pieces that `text` completes, each with whether it is thinking. A possible tag waits, unless `final`."""
        self._buffer += text
        pieces: list[tuple[bool, str]] = []
        before = None
        while before != (self._state, len(self._buffer)):
            before = (self._state, len(self._buffer))
            pieces += self._reading[self._state](final)
        return [piece for piece in pieces if piece[1]]

    def _open(self, rest: str) -> None:
        self._state, self._buffer, self._thought, self._titled = "thinking", rest, False, bool(self._tags.title)

    def _start(self, final: bool) -> list[tuple[bool, str]]:
        start = self._buffer.lstrip()
        if start.startswith(self._tags.open):
            self._open(start[len(self._tags.open) :])
        elif final or not self._tags.open.startswith(start):
            self._state = "answer"
        return []

    def _think(self, final: bool) -> list[tuple[bool, str]]:
        if self._titled:
            if self._tags.title.startswith(self._buffer) and len(self._buffer) < len(self._tags.title) and not final:
                return []
            self._buffer, self._titled = self._buffer.removeprefix(self._tags.title), False
        close = self._tags.close
        self._buffer = self._buffer if self._thought else self._buffer.lstrip("\n")
        at = self._buffer.find(close)
        if at < 0:
            keep = 0 if final else _pending_length(self._buffer, close)
            ready, self._buffer = self._buffer[: len(self._buffer) - keep], self._buffer[len(self._buffer) - keep :]
            self._thought = self._thought or bool(ready)
            return [(True, ready)]
        thought = self._buffer[:at].rstrip("\n")
        self._state, self._buffer = "closed", self._buffer[at + len(close) :]
        return [(True, thought)]

    def _skip_breaks(self, final: bool) -> list[tuple[bool, str]]:
        self._buffer = self._buffer.lstrip("\n")  # line breaks between the thinking and the answer belong to neither
        self._state = "answer" if self._buffer else "closed"
        return []

    def _answer(self, final: bool) -> list[tuple[bool, str]]:
        text, opening = self._buffer, self._tags.open
        if not self._tags.again:
            self._buffer = ""
            return [(False, text)]
        at = text.find(opening)
        if at >= 0:
            self._open(text[at + len(opening) :])
            return [(False, text[:at])]
        keep = 0 if final else overlap(text, opening)
        self._buffer = text[len(text) - keep :]
        return [(False, text[: len(text) - keep])]


def _pending_length(text: str, close: str) -> int:
    """Characters at the end that may begin the closing tag, with the line breaks before it."""
    n = overlap(text, close)
    return len(text) - len(text[: len(text) - n].rstrip("\n"))
