"""Compiles grammars in a child process: `python -m galop.chat.grammar_child` answers a line of JSON with one.

A grammar may come from a stranger, and a deep or vast one takes the process with it that compiles it. What compiles
here, with less memory, stack and time than `constraint` has, compiles there too.
"""

from __future__ import annotations

import contextlib
import json
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future
from functools import lru_cache
from typing import Any

from llguidance import LLMatcher, LLParserLimits, LLTokenizer, TokenizerWrapper

from galop.child import answer_lines

MEMORY = 512 << 20  # of this process
SECONDS = 5.0  # of computing, to compile one
STACK = 32 << 20  # of the thread that compiles; a deep grammar is deep in calls
LIMITS = LLParserLimits(
    max_grammar_size=200_000,
    max_items_in_row=20_000,
    initial_lexer_fuel=2_000_000,
    max_lexer_states=50_000,
    verbose_errors=False,
)


def call_with_stack(size: int, work: Callable[[], Any]) -> Any:
    """What `work` returns or raises, in a thread with a stack of `size` bytes."""
    found: Future[Any] = Future()

    def run() -> None:
        try:
            found.set_result(work())
        except BaseException as error:  # a panic in Rust is no Exception
            found.set_exception(error)

    before = threading.stack_size(size)
    thread = threading.Thread(target=run)
    thread.start()
    threading.stack_size(before)
    return found.result()


def compile_grammar(tokenizer: LLTokenizer, grammar: str) -> LLMatcher:
    """A matcher for a grammar, with its first mask computed, since some errors come up only then; `is_error()` says
    whether it failed."""
    matcher = LLMatcher(tokenizer, grammar, log_level=0, limits=LIMITS)
    if not matcher.is_error():
        matcher.compute_bitmask()
    return matcher


class ByteVocabulary:
    """A vocabulary of single bytes and control tokens, as llguidance takes it: enough to tell whether a grammar
    compiles, and small enough to send along."""

    def __init__(self, rows: int, control: dict[str, int], end: int) -> None:
        self.eos_token_id, self.bos_token_id = end, None
        self.tokens = [b""] * rows
        for name, id in control.items():
            self.tokens[id] = name.encode()
        self.special_token_ids = sorted(control.values())
        free = (i for i in range(rows) if not self.tokens[i])
        self.of = dict(zip(range(256), free, strict=False))
        for byte, id in self.of.items():
            self.tokens[id] = bytes([byte])

    def __call__(self, text: str) -> list[int]:
        """A token for each byte that has one."""
        return [self.of[byte] for byte in text.encode() if byte in self.of]


@lru_cache(maxsize=4)
def tokenizer_of(description: str) -> LLTokenizer:
    """The tokenizer of a vocabulary that `constraint.GrammarCompiler` describes as JSON."""
    rows, control, ends = json.loads(description)
    return LLTokenizer(TokenizerWrapper(ByteVocabulary(rows, control, ends[0])), rows, ends)


def peak() -> int:
    """The most bytes of memory that this process has had; 0 where that is not known."""
    with contextlib.suppress(ImportError):  # Windows
        import resource

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << (0 if sys.platform == "darwin" else 10)
    return 0


def answer(request: dict[str, Any]) -> dict[str, Any]:
    """{"grammar", "vocabulary"} to {"grown": bytes of memory it took} or {"error": what llguidance says}."""
    tokenizer = tokenizer_of(json.dumps(request["vocabulary"]))
    before = peak()
    matcher: LLMatcher = call_with_stack(STACK, lambda: compile_grammar(tokenizer, request["grammar"]))
    if matcher.is_error():
        return {"error": matcher.get_error()}
    matcher.deep_copy().compute_bitmask()
    return {"grown": peak() - before}


def main() -> None:
    """The child's loop."""
    answer_lines(answer, MEMORY, SECONDS)


if __name__ == "__main__":
    main()
