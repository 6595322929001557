"""A step of the training: two parts of a batch, each in a thread of its own, so that two cores are kept busy without
waiting for each other inside every operation; the sum is the same whatever the number of threads."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.optim import AdamW, Optimizer

from galop.recipes.mini.data import IGNORED
from galop.recipes.mini.muon import Muon
from galop.recipes.mini.train import Stage, Stepper, StepResult
from galop.recipes.mini_vl.collect import Material
from galop.recipes.mini_vl.data import PictureBatch, part
from galop.recipes.mini_vl.model import MiniVL

PARTS = 2
MARK_WEIGHT = 0.15


@dataclass
class PartResult:
    """Sums over a part of a step."""

    gradients: list[Tensor]
    loss: float = 0.0
    marked: float = 0.0
    learnt: int = 0
    tokens: int = 0
    patches: int = 0
    right: Counter[str] = field(default_factory=Counter)  # conversations with all answers right, by task
    of: Counter[str] = field(default_factory=Counter)


def optimizers(model: MiniVL, rate: float) -> list[Optimizer]:
    """Muon for the matrices inside blocks and layers, AdamW for the rest."""
    inner: list[Tensor] = []
    outer: list[Tensor] = []
    for name, weight in model.named_parameters():
        is_inner = weight.dim() == 2 and (".layers." in name or ".blocks." in name)
        (inner if is_inner else outer).append(weight)
    return [
        Muon(inner, lr=rate, weight_decay=0.1),
        AdamW(outer, lr=rate * 0.3, betas=(0.9, 0.95), weight_decay=0.0, eps=1e-10),
    ]


def mark_loss(model: MiniVL, batch: PictureBatch, patches: Tensor) -> Tensor:
    """How badly patches say what they are the middle of: a sum over all, divided by how many are.

    Where a thing is and which one guides the tower long before answers do.
    """
    patch = model.sizes.tower.patch
    rows, columns = batch.pictures.shape[1] // patch, batch.pictures.shape[2] // patch
    logits = model.name_patches(patches, rows, columns).float()
    each = F.cross_entropy(logits.flatten(0, 1), batch.marks.flatten(), reduction="none")
    return each.sum() / (batch.marks > 0).sum().clamp(min=1)


def losses(model: MiniVL, batch: PictureBatch) -> tuple[Tensor, Tensor, int, list[bool]]:
    """The sum over the tokens that are to be learnt, `mark_loss`, how many these tokens are, and which rows have all
    answers right."""
    wanted = batch.targets != IGNORED
    hidden, patches = model(batch.pictures, batch.tokens)
    logits = model.logits(hidden[wanted]).float()
    targets = batch.targets[wanted]
    with torch.no_grad():
        wrong = torch.zeros_like(batch.answers)
        wrong[wanted] = logits.argmax(-1) != targets
        right = ~(wrong & batch.answers).any(1)
    loss = F.cross_entropy(logits, targets, reduction="sum")
    return loss, mark_loss(model, batch, patches), len(targets), right.tolist()


def learn(material: Material, name: str, seed: int, rows: int, threads: int, device: str) -> Stage:
    """Next-token prediction on `rows` pictures a step, drawn as the stage of that name has them."""

    def stage(model: MiniVL, first: int) -> Stepper:
        weights = list(model.parameters())
        pool = ThreadPoolExecutor(threads)

        def run(step: int, number: int) -> PartResult:
            made = PartResult([torch.zeros_like(w) for w in weights])
            for batch in part(material, name, seed, step, number, rows // PARTS):
                there = batch.to(device)
                with torch.autocast(device, torch.bfloat16, enabled=device != "cpu"):
                    loss, marked, count, right = losses(model, there)
                    total = loss + MARK_WEIGHT * marked * count
                for sum_of, gradient in zip(made.gradients, torch.autograd.grad(total, weights), strict=True):
                    sum_of += gradient
                made.loss += loss.item()
                made.marked += marked.item() * count
                made.learnt += count
                made.tokens += batch.tokens.numel()
                made.patches += batch.pictures[..., 0].numel() // model.sizes.tower.patch**2
                for task, good in zip(batch.tasks, right, strict=True):
                    made.of[task] += 1
                    made.right[task] += good
            return made

        def step(number: int) -> StepResult:
            parts = list(pool.map(lambda i: run(number, i), range(PARTS)))
            learnt = sum(one.learnt for one in parts)
            for i, weight in enumerate(weights):
                weight.grad = sum((one.gradients[i] for one in parts[1:]), parts[0].gradients[i]) / learnt
            right, of = sum((one.right for one in parts), Counter()), sum((one.of for one in parts), Counter())
            tokens, patches = sum(one.tokens for one in parts), sum(one.patches for one in parts)
            figures = {task: right[task] / of[task] for task in sorted(of)}
            figures["marks"] = sum(one.marked for one in parts) / learnt
            flops = 6.0 * (model.text_size * tokens + model.tower_size * patches)
            return StepResult(sum(one.loss for one in parts) / learnt, tokens, flops, figures)

        return step

    return stage
