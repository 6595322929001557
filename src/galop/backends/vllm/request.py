"""What vLLM is asked for: a completion of token ids, held to what the door's own engine would hold it to."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from galop.chat import lark
from galop.chat.response_format import JSON, ResponseFormat
from galop.chat.thinking import ThinkingBudget
from galop.engine.sequence import TokenSequence
from galop.errors import VllmError
from galop.tokenizers.constraint import Constraint, Mask
from galop.tokenizers.tokenizer import Tokenizer

BAN = -100.0  # the least bias that vLLM adds to a logit
HEADER = "%llguidance"
# How JSON is written: the llguidance of vLLM's time (1.7) counts no blanks, and a small model may write them for ever.
FLEXIBLE = r'"whitespace_pattern": "(?:[^"\\]|\\.)*"'
PLAIN = '"whitespace_flexible": false, "item_separator": ", ", "key_separator": ": "'
SEEDS = 1 << 63  # vLLM's seeds are below


@dataclass(frozen=True)
class VllmConstraint(Constraint):
    """An `AnswerConstraint` that vLLM keeps: here it is the form alone, in the words of its `structured_outputs`."""

    outputs: tuple[str, str]

    def mask(self) -> Mask | None:
        """Nothing: it is masked there."""
        return None

    def accept(self, token: int) -> tuple[int, ...]:
        """Nothing."""
        return ()

    def copy(self) -> VllmConstraint:
        """The same, since it has no state."""
        return self


def write_form(form: ResponseFormat, guided: bool) -> tuple[str, str] | None:
    """The key and value of `structured_outputs` for a form; None where a server without llguidance has none.

    Raises ConstraintError for a schema that cannot be followed.
    """
    if not guided:
        return {"regex": ("regex", form.text), "schema": ("json", form.text)}.get(form.kind)
    if form.kind == "lark":
        grammar = form.text
    elif form.kind == "regex":
        grammar = f"start: /{lark.between_slashes(form.text)}/"
    else:
        grammar = f"start: %json {json.dumps({**form.schema(), 'x-guidance': JSON})}"
    grammar = re.sub(FLEXIBLE, PLAIN, grammar)
    # By its first line vLLM knows that no other library is meant.
    return "grammar", grammar if grammar.lstrip().startswith(HEADER) else f"{HEADER} {{}}\n{grammar}"


@dataclass(frozen=True)
class Stage:
    """What of a request changes as its answer goes on: within the thinking nothing is held to a form, and what closes
    it ends the stage."""

    outputs: tuple[str, str] | None = None
    barred: int | None = None
    ends_with: int | None = None
    most: int | None = None  # tokens; not part of what tells stages apart

    def differs(self, other: Stage) -> bool:
        """Whether vLLM has to be asked anew."""
        return (self.outputs, self.barred, self.ends_with) != (other.outputs, other.barred, other.ends_with)


def stage_of(constraint: Constraint | None) -> Stage:
    """The stage that a sequence's constraint is in."""
    if isinstance(constraint, VllmConstraint):
        return Stage(constraint.outputs)
    if not isinstance(constraint, ThinkingBudget):
        return Stage()
    answer = constraint.answer
    if (left := constraint.tokens_left) is None:
        return Stage(answer.outputs if isinstance(answer, VllmConstraint) else None, constraint.barred)
    # Without a form, thinking that ends by itself goes over into the answer in one stream.
    return Stage(ends_with=constraint.closing if answer else None, most=left + 1)


def completion_request(
    model: str, sequence: TokenSequence, stage: Stage, tokenizer: Tokenizer, ignore_eos: bool, allowed: list[int] | None
) -> dict[str, Any]:
    """The body of a request for the tokens that follow a sequence's, streamed."""
    how, done = sequence.sampling, sequence.completion_tokens
    left = max(1, sequence.max_tokens - done)
    bias = {str(token): value for token, value in sequence.logit_bias.items()}
    alone = [ids[0] for ids in sequence.banned if len(ids) == 1]
    bias |= {str(token): BAN for token in (*alone, *(() if stage.barred is None else (stage.barred,)))}
    words = [tokenizer.decode(ids) for ids in sequence.banned if len(ids) > 1]
    ends = sequence.stop_ids.union(() if stage.ends_with is None else (stage.ends_with,))
    body: dict[str, Any] = {
        "model": model,
        "prompt": sequence.tokens,
        "max_tokens": left if stage.most is None else min(left, stage.most),
        "stream": True,
        "stream_options": {"include_usage": True},
        "return_token_ids": True,
        "temperature": how.temperature,
        "top_k": how.top_k,
        "top_p": how.top_p or 1e-9,  # vLLM's is above 0
        "min_p": how.min_p,
        "repetition_penalty": how.repetition_penalty,
        "presence_penalty": how.presence_penalty,
        "frequency_penalty": how.frequency_penalty,
        "seed": (how.seed + done) % SEEDS,  # or a second request would draw as the first did
        "stop_token_ids": sorted(ends),
        "ignore_eos": ignore_eos,
        "min_tokens": min(left, max(0, sequence.min_tokens - done)),
    }
    if stage.outputs:
        body["structured_outputs"] = dict([stage.outputs])
    if bias:
        body["logit_bias"] = bias
    if words:
        body["bad_words"] = sorted(set(words))
    if allowed is not None:
        body["allowed_token_ids"] = allowed
    if sequence.client:
        body["cache_salt"] = sequence.client
    wanted = sequence.logprobs
    if sequence.needs_prompt_scores:
        body["echo"] = True
        wanted = max(wanted, sequence.prompt_logprobs or 0, 1)
    if wanted:
        body |= {"logprobs": wanted, "return_tokens_as_token_ids": True}
    return body


def refuse(sequence: TokenSequence) -> None:
    """Raises VllmError for what vLLM's interface has no way to do."""
    if sequence.on_prompt_end:
        raise VllmError(
            "vLLM shows no hidden states of a model that writes, so it makes no vectors and ranks nothing here; ask a "
            "model that Galop runs itself",
            refused=True,
        )
    how = sequence.sampling
    for name, value in (("presence_penalty", how.presence_penalty), ("frequency_penalty", how.frequency_penalty)):
        if not -2 <= value <= 2:
            raise VllmError(f"{name} = {value:g} is not between -2 and 2, as vLLM wants it", refused=True)
