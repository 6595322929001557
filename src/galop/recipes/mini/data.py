"""Problems as token ids, in batches of equal weight; what a step sees follows from the seed and its number alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from random import Random

import torch
from torch import Tensor

from galop.recipes.mini import tokenizer
from galop.recipes.mini.tasks import Problem

GROUP = 16  # batches that are drawn and sorted by length together, so that little is padded
IGNORED = -100

Example = tuple[list[int], list[bool]]
"""Token ids, and which of them are to be learnt."""


@dataclass(frozen=True)
class TrainingBatch:
    """Token ids, and the next of each."""

    tokens: Tensor  # [B, T], padded on the right
    targets: Tensor  # [B, T]: the next token, or IGNORED


def encode_parts(parts: list[tuple[str, bool]]) -> Example:
    """Parts of a text, each learnt or not, as an example."""
    ids: list[int] = []
    learnt: list[bool] = []
    for text, is_learnt in parts:
        piece = tokenizer.encode(text)
        ids += piece
        learnt += [is_learnt] * len(piece)
    return ids, learnt


def document(problem: Problem, worked: bool) -> Example:
    """Plain text, for pre-training: all of it is learnt but what is wrong."""
    working = [(piece.text, piece.learnt) for piece in problem.working] if worked else []
    if working:
        working.append(("\n", True))
    return encode_parts([(f"{problem.question}\n", True), *working, (f"{problem.answer}<|endoftext|>", True)])


def conversation(turns: list[tuple[str, list[tuple[str, bool]]]]) -> Example:
    """Questions, each with its reply; only replies are learnt."""
    parts: list[tuple[str, bool]] = []
    for i, (question, reply) in enumerate(turns):
        parts += [(("\n" if i else "") + tokenizer.prompt(question), False), *reply]
    return encode_parts(parts)


def batches(make: Callable[[Random], Example], seed: str, tokens: int, start: int = 0) -> Iterator[TrainingBatch]:
    """Batches of about `tokens` token ids each, from number `start` on."""
    for group in range(start // GROUP, 1 << 40):
        random = Random(f"{seed} {group}")
        examples: list[Example] = []
        drawn = 0
        while drawn < tokens * GROUP:
            examples.append(make(random))
            drawn += len(examples[-1][0])
        examples.sort(key=lambda e: len(e[0]))
        cut = [pad(rows) for rows in split(examples, drawn / GROUP)]
        random.shuffle(cut)
        yield from cut[max(0, start - group * GROUP) :]


def split(examples: list[Example], tokens: float) -> Iterator[list[Example]]:
    """GROUP runs of neighbours with about `tokens` token ids each."""
    rows: list[Example] = []
    done, count = 0, 1
    for example in examples:
        rows.append(example)
        done += len(example[0])
        if done >= count * tokens - 1 and count < GROUP:
            yield rows
            rows, count = [], count + 1
    yield rows


def pad(examples: list[Example]) -> TrainingBatch:
    """Examples as one batch, as wide as the longest."""
    width = max(len(ids) for ids, _ in examples) - 1
    tokens = torch.full((len(examples), width), tokenizer.ids()["<|endoftext|>"])
    targets = torch.full((len(examples), width), IGNORED)
    for row, (ids, learnt) in enumerate(examples):
        tokens[row, : len(ids) - 1] = torch.tensor(ids[:-1])
        wanted = [i if is_learnt else IGNORED for i, is_learnt in zip(ids[1:], learnt[1:], strict=True)]
        targets[row, : len(ids) - 1] = torch.tensor(wanted)
    return TrainingBatch(tokens, targets)
