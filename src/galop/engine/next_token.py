"""From a sequence's logits to its next token: what it may be, what is sampled, what must follow."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from galop.engine.sampling import SampledToken, sample
from galop.engine.sequence import Outcome, TokenSequence
from galop.errors import ConstraintError, GalopError
from galop.ops.plan import Array
from galop.tokenizers.constraint import Mask, forbid, full_mask


def append_next(sequence: TokenSequence, logits: Array, counts: Counter[str]) -> Outcome:
    """Samples a token from float32 logits [vocabulary], which are changed, and appends it with those it forces.

    Gives why the sequence ends with it, if it does: an error too, which is that of this sequence alone.
    """
    how = sequence.sampling
    history: Sequence[int] = sequence.tokens if how.penalises else ()
    prompt_length = len(sequence.prompt) if how.penalises else 0
    if history and sequence.soft:  # a picture's tokens are none that can be sampled
        history = [token for token in history if token >= 0]
        prompt_length -= sum(one.count for one in sequence.soft)
    constraint = sequence.constraint
    for token, bias in sequence.logit_bias.items():
        logits[token] += bias
    try:
        mask = token_mask(sequence, len(logits))
        sampled = sample(logits, how, len(sequence.tokens), history, prompt_length, mask, sequence.logprobs)
        counts["generation_tokens"] += 1
        if constraint:
            sampled = replace(sampled, token=constraint.interpret(sampled.token))
        outcome = sequence.append(sampled)
        for token in constraint.accept(sampled.token) if constraint and outcome is None else ():
            outcome = outcome or sequence.append(SampledToken(token))
    except GalopError as error:
        return error
    return outcome


def token_mask(sequence: TokenSequence, vocabulary: int) -> Mask | None:
    """A bit for each token that may come next; None where all may.

    `banned` and `min_tokens` give way where they would leave nothing. Raises ConstraintError if the sequence's own mask
    and its constraint have no token in common.
    """
    mask = _constraint_mask(sequence)
    forbidden = list(sequence.stop_ids) if sequence.completion_tokens < sequence.min_tokens else []
    completion = sequence.tokens[len(sequence.prompt) :] if sequence.banned else []
    forbidden += [ids[-1] for ids in sequence.banned if len(ids) == 1 or completion[1 - len(ids) :] == [*ids[:-1]]]
    if not forbidden:
        return mask
    rest = full_mask(vocabulary) if mask is None else mask.copy()
    for token in forbidden:
        forbid(rest, token)
    return rest if rest.any() else mask


def _constraint_mask(sequence: TokenSequence) -> Mask | None:
    allowed = sequence.constraint.mask() if sequence.constraint else None
    if allowed is None or sequence.mask is None:
        return sequence.mask if allowed is None else allowed
    both: Mask = sequence.mask & allowed
    if not both.any():
        raise ConstraintError("no token that is allowed fits what the answer is held to")
    return both
