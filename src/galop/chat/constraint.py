"""Constrains answers to a JSON schema, a regex or a Lark grammar, with llguidance (structured output).

A grammar is compiled in a child process first (`grammar_child`), then here; each answer gets a copy of the matcher."""

from __future__ import annotations

import hashlib
import json
import re
import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from llguidance import LLMatcher, LLTokenizer, TokenizerWrapper

from galop.chat.grammar_child import SECONDS, STACK, call_with_stack, compile_grammar
from galop.chat.response_format import JSON, ResponseFormat
from galop.child import BUSY, Child
from galop.errors import ConstraintError
from galop.ops.plan import Array
from galop.tokenizers.constraint import Constraint, allows, bit_mask
from galop.tokenizers.tokenizer import Tokenizer

LONGEST = 1 << 20  # characters of a schema or grammar
CACHED = 32  # grammars that stay compiled,
SMALL = 16 << 20  # of those that take so many bytes at most


def grammar_of(form: ResponseFormat) -> str:
    """A response format as llguidance takes it. Raises ConstraintError for what is too long, too deep or no JSON."""
    if len(form.text) > LONGEST:
        raise ConstraintError(f"the {form.label} has {len(form.text)} characters; at most {LONGEST} are taken")
    try:
        form.text.encode()
    except UnicodeEncodeError:
        raise ConstraintError(f"the {form.label} holds half a character") from None
    if form.kind == "regex":
        return LLMatcher.grammar_from_regex(form.text)
    if form.kind == "lark":
        return LLMatcher.grammar_from_lark(form.text)
    return LLMatcher.grammar_from_json_schema(json.dumps({**form.schema(), "x-guidance": JSON}))


class GrammarCompiler:
    """Compiles the response formats of one model, whose logits have `rows` entries. Raises ConstraintError for a
    tokenizer whose tokens' bytes are not known, or that has no stop token."""

    def __init__(self, tokenizer: Tokenizer, rows: int, stop_ids: Sequence[int]) -> None:
        if not stop_ids or not (tokenizer.byte_level or tokenizer.sentencepiece):
            raise ConstraintError(
                "answers of this model cannot be held to a form: the bytes of its tokens are not known"
            )
        self._stop = stop_ids[0]
        vocabulary = _Vocabulary(tokenizer, rows, self._stop)
        self._tokenizer = LLTokenizer(TokenizerWrapper(vocabulary), rows, list(stop_ids))
        blank = np.array([bool(t) and t.isspace() for t in vocabulary.tokens])
        self._blank = bit_mask(blank, rows)
        self._vocabulary = [rows, {n: i for n, i in tokenizer.added.items() if i < rows}, list(stop_ids)]
        self._cache: OrderedDict[bytes, LLMatcher] = OrderedDict()
        self._lock = threading.Lock()
        self._child = Child("galop.chat.grammar_child", BUSY * SECONDS)

    def compile(self, form: ResponseFormat) -> GrammarConstraint:
        """The constraint of one answer; grammars met before come from a cache. Raises ConstraintError for what
        llguidance does not understand, or only with more memory or time than it is given."""
        grammar = grammar_of(form)
        key = hashlib.sha256(grammar.encode()).digest()
        with self._lock:
            matcher = self._cache.get(key)
            if matcher:
                self._cache.move_to_end(key)
                return GrammarConstraint(matcher.deep_copy(), self._blank, self._stop)
        proof = self._child.ask({"grammar": grammar, "vocabulary": self._vocabulary})
        if proof is None:
            raise ConstraintError(f"the {form.label} was given up: it is too deep, or takes too much to compile")
        if "error" in proof:
            raise ConstraintError(f"the {form.label} cannot be followed: {reason(proof['error'])}")
        matcher = catch_panic(lambda: call_with_stack(2 * STACK, lambda: compile_grammar(self._tokenizer, grammar)))
        if matcher.is_error():
            raise ConstraintError(f"the {form.label} cannot be followed: {reason(matcher.get_error())}")
        with self._lock:
            if proof["grown"] <= SMALL:
                self._cache[key] = matcher.deep_copy()
            if len(self._cache) > CACHED:
                self._cache.popitem(last=False)
        return GrammarConstraint(matcher, self._blank, self._stop)

    def start(self) -> None:
        """Starts the child process now rather than when it is first needed."""
        self._child.start()

    def close(self) -> None:
        """Ends the child process."""
        self._child.close()


class GrammarConstraint(Constraint):
    """Constrains one answer. Where the answer may end, white space that its grammar has no place for ends it: most
    models write some before their end token, and would have to go on if they could not."""

    def __init__(self, matcher: LLMatcher, blank: Array, stop: int) -> None:
        self._matcher = matcher
        self._blank = blank  # a bit for each token that is white space
        self._stop = stop
        self._started = False
        self._ends: Array | None = None  # tokens that now mean the end

    def copy(self) -> GrammarConstraint:
        """One more, in the same state."""
        return GrammarConstraint(self._matcher.deep_copy(), self._blank, self._stop)

    def mask(self) -> Array:
        """uint32 [rows / 32]: the tokens that the grammar allows next. Raises ConstraintError if it fails."""
        mask = np.frombuffer(catch_panic(self._matcher.compute_bitmask), np.uint32)[: len(self._blank)]
        self._check()
        self._ends = self._blank & ~mask if self._started and allows(mask, self._stop) else None
        return mask if self._ends is None else mask | self._ends

    def interpret(self, token: int) -> int:
        """The stop token for white space that ends the answer, else the token itself."""
        return self._stop if self._ends is not None and allows(self._ends, token) else token

    def accept(self, token: int) -> Sequence[int]:
        """Moves on by a token; gives those that the grammar leaves no choice about. Raises ConstraintError."""
        self._started = True
        forced = catch_panic(lambda: self._advance(token))
        self._check()
        return [*forced, self._stop] if self._matcher.is_stopped() else forced

    def _advance(self, token: int) -> list[int]:
        self._matcher.consume_token(token)
        forced = self._matcher.compute_ff_tokens()
        if forced:
            self._matcher.consume_tokens(forced)
        return forced

    def _check(self) -> None:
        if self._matcher.is_error():
            why = reason(self._matcher.get_error())
            raise ConstraintError(f"the answer cannot be held to its form any more: {why}")


def catch_panic(work: Callable[[], Any]) -> Any:
    """What `work` returns. Raises ConstraintError for a panic in Rust, which is no Exception in Python: it ends the
    answer and nothing else."""
    try:
        return work()
    except BaseException as error:
        if type(error).__name__ != "PanicException":
            raise
        raise ConstraintError("the form was given up: the grammar library failed on it") from None


REASONS = (
    (r"look-?arounds? not supported|look-around, including", "it looks around, as \\b does too"),
    (r"oneOf constraints", "options of oneOf may hold at once; take anyOf"),
    (r"min/maxProperties", "minProperties and maxProperties do not go with optional properties"),
    (r"patternProperty regexes", "patterns of patternProperties may match the same name"),
    (r"regex parse error.*error: ([^\n]{1,80})", r"a pattern is not understood: \1"),
    (r"(?:Resource|Anchor) '([^'\n]{1,80})", r"$ref points to \1, which is not in the schema"),
    (r"circular references", "$ref leads back to itself beside other keywords"),
    (r"too many digits|invalid multiple of", "multipleOf has too many digits"),
    (r"regex for (?:float|integer) range", "minimum or maximum has too many digits"),
    (r"[Tt]oo many (?:items|expressions)|Current row has|fuel", "it repeats too often, or has too many ways to go on"),
    (r"Regex is empty|Unsatisfiable schema|NoExtension", "nothing satisfies it"),
    (r"Unimplemented keys: \[\"([^\"]{1,60})", r"\1 cannot be followed"),
    (r"unknown special token: \"([^\"\n]{1,60})", r"there is no control token \1"),
)
"""What llguidance says, as a regex, and what is said for it."""


def reason(error: str) -> str:
    """An error of llguidance in a few words, without its parser's state."""
    for pattern, words in REASONS:
        if found := re.search(pattern, error, re.DOTALL):
            return found.expand(words)
    place = re.match(r"(?:at )?(\d+)\((\d+)\): ", error)
    first = " ".join(error[place.end() if place else 0 :].split("\n", 1)[0].split())[:160]
    return f"line {place[1]}, column {place[2]}: {first}" if place else first


class _Vocabulary:
    """A tokenizer as llguidance wants to see it."""

    def __init__(self, tokenizer: Tokenizer, rows: int, eos: int) -> None:
        self.eos_token_id, self.bos_token_id = eos, None
        self.tokens = [tokenizer.token_bytes(i) for i in range(rows)]
        self.special_token_ids = sorted(tokenizer.added.values())
        self._tokenizer = tokenizer
        if tokenizer.sentencepiece:  # which would begin a text with a space
            control = set(self.special_token_ids)
            self._of = {t: i for i, t in enumerate(self.tokens) if t and i not in control}
            self._longest = max(map(len, self._of), default=0)

    def __call__(self, text: str) -> list[int]:
        return self._longest_match(text.encode()) if self._tokenizer.sentencepiece else self._tokenizer.encode(text)

    def _longest_match(self, data: bytes) -> list[int]:
        """Ids of bytes, always the longest token that fits."""
        ids, at = [], 0
        while at < len(data):
            ends = range(min(at + self._longest, len(data)), at, -1)
            end = next((end for end in ends if data[at:end] in self._of), 0)
            if not end:
                break
            ids.append(self._of[data[at:end]])
            at = end
        return ids
