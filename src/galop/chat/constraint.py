"""Answers held to a JSON schema, a regex or a Lark grammar, by llguidance."""

from __future__ import annotations

import json
from collections.abc import Sequence

import numpy as np
from llguidance import LLMatcher, LLParserLimits, LLTokenizer, TokenizerWrapper

from galop.chat.form import BLANKS, Form, enforceable
from galop.chat.tokenizer import Tokenizer
from galop.engine.scheduler import Guide
from galop.errors import ConstraintError
from galop.ops.plan import Array

LONGEST = 1 << 20  # characters of a schema or grammar
DEEPEST = 64  # levels of a schema
LIMITS = LLParserLimits(max_grammar_size=200_000, initial_lexer_fuel=2_000_000)


def grammar_of(form: Form) -> str:
    """As llguidance wants it. Raises ConstraintError for what is too long, too deep or no JSON."""
    if len(form.text) > LONGEST:
        raise ConstraintError(f"the {form.kind} has {len(form.text)} characters; at most {LONGEST} are taken")
    if form.kind == "regex":
        return LLMatcher.grammar_from_regex(form.text)
    if form.kind == "lark":
        return LLMatcher.grammar_from_lark(form.text)
    try:
        schema = json.loads(form.text)
        if depth(schema) > DEEPEST:
            raise ConstraintError(f"the schema is nested deeper than {DEEPEST} levels")
        return LLMatcher.grammar_from_json_schema(json.dumps(enforceable(schema)), {"whitespace_pattern": BLANKS})
    except (ValueError, RecursionError) as error:
        raise ConstraintError(f"the schema is not JSON: {str(error)[:200]}") from None


def depth(value: object) -> int:
    """Of a JSON value, DEEPEST + 1 at most."""
    level, here = 0, [value]
    while here and level <= DEEPEST:
        level += 1
        inside = [v.values() if isinstance(v, dict) else v for v in here if isinstance(v, (dict, list))]
        here = [v for values in inside for v in values]
    return level


class Constraints:
    """Compiles what answers of one model are held to."""

    def __init__(self, tokenizer: Tokenizer, rows: int, stop_ids: Sequence[int]) -> None:
        if not stop_ids or not tokenizer.byte_level:
            raise ConstraintError(
                "answers of this model cannot be held to a form: its vocabulary is not byte-level BPE"
            )
        self._rows = rows
        self._stop = stop_ids[0]
        vocabulary = _Vocabulary(tokenizer, rows, self._stop)
        self._tokenizer = LLTokenizer(TokenizerWrapper(vocabulary), rows, list(stop_ids))
        blank = np.array([bool(t) and t.isspace() for t in vocabulary.tokens])
        self._blank = bits(blank, rows)

    def compile(self, form: Form) -> Constraint:
        """Raises ConstraintError for what llguidance does not understand, or only at more cost than it is given."""
        matcher = LLMatcher(self._tokenizer, grammar_of(form), log_level=0, limits=LIMITS)
        if matcher.is_error():
            raise ConstraintError(f"the {form.kind} cannot be followed: {reason(matcher)}")
        return Constraint(matcher, self._blank, self._stop)


class Constraint(Guide):
    """The guide of one answer. Where it may end, white space that its form has no place for ends it: most models write
    some before their end token, and would have to go on if they could not."""

    def __init__(self, matcher: LLMatcher, blank: Array, stop: int) -> None:
        self._matcher = matcher
        self._blank = blank  # a bit for each token that is white space
        self._stop = stop
        self._begun = False
        self._ends: Array | None = None  # tokens that now mean the end

    def copy(self) -> Constraint:
        return Constraint(self._matcher.deep_copy(), self._blank, self._stop)

    def mask(self) -> Array:
        mask = np.frombuffer(self._matcher.compute_bitmask(), np.uint32)[: len(self._blank)]
        self._check()
        self._ends = self._blank & ~mask if self._begun and has(mask, self._stop) else None
        return mask if self._ends is None else mask | self._ends

    def meant(self, drawn: int) -> int:
        return self._stop if self._ends is not None and has(self._ends, drawn) else drawn

    def took(self, token: int) -> Sequence[int]:
        self._begun = True
        self._matcher.consume_token(token)
        forced = self._matcher.compute_ff_tokens()
        if forced:
            self._matcher.consume_tokens(forced)
        self._check()
        return [*forced, self._stop] if self._matcher.is_stopped() else forced

    def _check(self) -> None:
        if self._matcher.is_error():
            raise ConstraintError(f"the answer cannot be held to its form any more: {reason(self._matcher)}")


def bits(flags: Array, rows: int) -> Array:
    """As a mask has them: uint32 [rows / 32]."""
    padded = np.zeros(-(-rows // 32) * 32, bool)
    padded[: len(flags)] = flags
    return np.packbits(padded, bitorder="little").view(np.uint32)


def has(mask: Array, token: int) -> bool:
    return bool(mask[token // 32] >> token % 32 & 1)


def reason(matcher: LLMatcher) -> str:
    return " ".join(matcher.get_error().split())[:300]


class _Vocabulary:
    """A tokenizer as llguidance wants to see it."""

    def __init__(self, tokenizer: Tokenizer, rows: int, eos: int) -> None:
        self.eos_token_id, self.bos_token_id = eos, None
        self.tokens = [tokenizer.token_bytes(i) for i in range(rows)]
        self.special_token_ids = sorted(tokenizer.added.values())
        self._tokenizer = tokenizer

    def __call__(self, text: str) -> list[int]:
        return self._tokenizer.encode(text)
