"""Conversations about pictures as token ids, in batches; a step's follow from the seed and its number alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from random import Random

import numpy as np
import torch
from torch import Tensor

from galop.recipes.mini.data import IGNORED
from galop.recipes.mini_vl import tokenizer
from galop.recipes.mini_vl.collect import Material
from galop.recipes.mini_vl.problems import Size, draw
from galop.recipes.mini_vl.scene import MARKS, Drawn, Turn

SQUARE: Size = (64, 64)
SIZES: tuple[Size, ...] = ((48, 80), (80, 48), (48, 64), (64, 48), (32, 96), (32, 128), (48, 80), (64, 64), (32, 112))
PATCH, TOKEN = 8, 16  # pixels, a side
LONG = 64  # tokens after which no further question comes
THOUGHT = 0.55  # of the answers that take thought are thought out


@dataclass(frozen=True)
class Example:
    """`learnt` says which ids are to be learnt: 0 none, 1 thoughts, 2 answers."""

    task: str
    picture: Tensor  # uint8 [height, width, 3]
    ids: list[int]
    learnt: list[int]
    marks: Tensor  # [patches], row by row


@dataclass(frozen=True)
class PictureBatch:
    """Pictures, token ids, and the next of each."""

    tasks: list[str]
    pictures: Tensor  # uint8 [B, height, width, 3]
    tokens: Tensor  # [B, T], padded on the right
    targets: Tensor  # [B, T]: the next token, or IGNORED
    answers: Tensor  # [B, T]: whether the next token is of an answer
    marks: Tensor  # [B, patches], row by row: the number in MARKS of what is there

    def to(self, device: str) -> PictureBatch:
        """The same where a model is."""
        if device == "cpu":
            return self
        return replace(
            self, **{n: getattr(self, n).to(device) for n in ("pictures", "tokens", "targets", "answers", "marks")}
        )


def parts_of(turn: Turn, thinks: bool, given: bool) -> list[tuple[str, int]]:
    """A reply in parts: thought out, or at once, by an empty block that is `given` or not."""
    if thinks and turn.thinking:
        return [(f"{tokenizer.THINK_OPEN}{turn.thinking}{tokenizer.THINK_CLOSE}", 1), (f"{turn.answer}<|im_end|>", 2)]
    empty = f"{tokenizer.THINK_OPEN}{tokenizer.THINK_CLOSE}"
    return [(empty, 0 if given else 1), (f"{turn.answer}<|im_end|>", 2)]


def conversation(random: Random, drawn: Drawn) -> Example:
    """A picture and what is said about it, as the chat template has it."""
    picture = np.asarray(drawn.picture)
    count = picture.shape[0] * picture.shape[1] // TOKEN**2
    parts: list[tuple[str, int]] = [(f"<|im_start|>user\n<|vision_start|>{'<|image_pad|>' * count}<|vision_end|>", 0)]
    for i, turn in enumerate(drawn.turns):
        if i and sum(len(tokenizer.encode(text)) for text, _ in parts) > LONG:
            break
        if i:
            parts.append(("\n<|im_start|>user\n", 0))
        parts.append((f"{turn.question}<|im_end|>\n{tokenizer.ASSISTANT}", 0))
        thinks = bool(turn.thinking) and random.random() < THOUGHT
        parts += parts_of(turn, thinks, given=bool(turn.thinking) or random.random() < 0.5)
    ids: list[int] = []
    learnt: list[int] = []
    for text, how in parts:
        piece = tokenizer.encode(text)
        ids += piece
        learnt += [how] * len(piece)
    return Example(drawn.task, torch.from_numpy(picture.copy()), ids, learnt, mark_patches(drawn, *picture.shape[:2]))


def mark_patches(drawn: Drawn, height: int, width: int) -> Tensor:
    """What each patch is the middle of, by its number in MARKS."""
    rows, columns = height // PATCH, width // PATCH
    found = np.zeros((rows, columns), np.int64)
    for mark in drawn.marks:
        x, y = mark.x * columns, mark.y * rows
        if mark.reach:
            down, across = np.mgrid[:rows, :columns] + 0.5
            found[(down - y) ** 2 + (across - x) ** 2 <= (mark.reach * rows) ** 2] = MARKS[mark.what]
        found[min(rows - 1, max(0, int(y))), min(columns - 1, max(0, int(x)))] = MARKS[mark.what]
    return torch.from_numpy(found.ravel())


def pad(examples: list[Example]) -> PictureBatch:
    """Examples as one batch, as wide as the longest."""
    width = max(len(e.ids) for e in examples) - 1
    tokens = torch.full((len(examples), width), tokenizer.ids()["<|endoftext|>"])
    targets = torch.full((len(examples), width), IGNORED)
    answers = torch.zeros((len(examples), width), dtype=torch.bool)
    for row, e in enumerate(examples):
        size = len(e.ids) - 1
        tokens[row, :size] = torch.tensor(e.ids[:-1])
        how = torch.tensor(e.learnt[1:])
        targets[row, :size] = torch.where(how > 0, torch.tensor(e.ids[1:]), IGNORED)
        answers[row, :size] = how == 2
    pictures, marks = (torch.stack([getattr(e, name) for e in examples]) for name in ("picture", "marks"))
    return PictureBatch([e.task for e in examples], pictures, tokens, targets, answers, marks)


def part(
    material: Material, stage: str, seed: int, step: int, number: int, rows: int
) -> Iterator[PictureBatch]:  # fmt: skip
    """Part `number` of a step: that many pictures of one size in batches of like length. The first has squares."""
    random = Random(f"{stage} {seed} {step} {number}")
    size = SQUARE if number == 0 else random.choice(SIZES)
    examples = [conversation(random, draw(random, material, size, stage=stage)) for _ in range(rows)]
    examples.sort(key=lambda e: len(e.ids))
    count = max(1, rows // 2)
    for first in range(0, rows, count):
        yield pad(examples[first : first + count])
