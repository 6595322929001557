"""The stages of the Qwen3 report in miniature; each gives what a step of the training loop does."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random

import torch
import torch.nn.functional as F
from torch import Tensor

from galop.errors import GalopError
from galop.recipes.mini import data, tokenizer
from galop.recipes.mini.data import IGNORED, Batch, Example
from galop.recipes.mini.model import Mini
from galop.recipes.mini.sample import Reply, sample
from galop.recipes.mini.tasks import Problem, correct, draw
from galop.recipes.mini.train import Step, write

WORKED = 0.7  # of the documents of pre-training show how the answer comes about
TURNS = 0.15  # of the conversations have a second question
GROUP_SIZE = 16  # answers to one question, whose mean reward is the baseline
EDGE = [
    ("multiply", "4x3"),
    ("multiply", "4x4"),
    ("convert", "4"),
    ("formula", "3"),
    ("multiply", "3x3"),
    ("convert", "3"),
]
EDGE_SHARE = 0.75  # of the problems of reinforcement

Stepper = Callable[[int], Step]


# Learning from text: pre-training, cold start, fusion, and distillation from what a teacher wrote.


def pretraining(random: Random, tasks: Sequence[str]) -> Example:
    return data.document(draw(random, tasks=tasks), random.random() < WORKED)


def cold_start(random: Random, tasks: Sequence[str]) -> Example:
    """Conversations in which every answer is thought out."""
    turns = 2 if random.random() < TURNS else 1
    problems = [draw(random, tasks=tasks) for _ in range(turns)]
    return data.conversation([(p.question, tokenizer.reply(p, thinks=True)) for p in problems])


def supervised(make: Callable[[Random], Example], seed: str, tokens: int) -> Callable[[Mini, int], Stepper]:
    """Next-token prediction on what `make` draws."""

    def stage(model: Mini, first: int) -> Stepper:
        source = data.batches(make, seed, tokens, first)

        def step(number: int) -> Step:
            batch = next(source)
            return Step(cross_entropy(model, batch), batch.tokens.numel())

        return step

    return stage


def cross_entropy(model: Mini, batch: Batch) -> Tensor:
    wanted = batch.targets != IGNORED
    return F.cross_entropy(model.logits(model(batch.tokens)[wanted]), batch.targets[wanted])


# Thinking-mode fusion: what a model thought rightly, beside answers without thought, by switch or template. On a
# larger model's thoughts the same is distillation off policy.


def fusion(kept: Path, tasks: Sequence[str]) -> Callable[[Random], Example]:
    """Half of the replies are of `kept`, which `keep_right` wrote, half do without thought."""
    thought = [json.loads(line) for line in kept.read_text("utf-8").splitlines()]

    def turn(random: Random) -> tuple[str, list[tuple[str, bool]]]:
        if random.random() < 0.5:
            one = random.choice(thought)
            return one["question"] + (" /think" if random.random() < 0.2 else ""), [(one["reply"], True)]
        problem = draw(random, tasks=tasks)
        return problem.question + tokenizer.NO_THINK, tokenizer.reply(problem, thinks=False)

    def make(random: Random) -> Example:
        return data.conversation([turn(random) for _ in range(2 if random.random() < TURNS else 1)])

    return make


def keep_right(model: Mini, path: Path, count: int, seed: int, tasks: Sequence[str], rows: int = 256) -> None:
    """Writes `count` right replies of a model to training problems, drawn at temperature 0.8: rejection sampling."""
    lines: list[str] = []
    random = Random(f"keep {seed}")
    turn = 0
    while len(lines) < count:
        problems = [draw(random, tasks=tasks) for _ in range(rows)]
        prompts = [tokenizer.encode(tokenizer.prompt(p.question)) for p in problems]
        for problem, reply in zip(problems, sample(model, prompts, 0.8, seed * 100_003 + turn), strict=True):
            if correct(problem, reply.answer):
                lines.append(json.dumps({"question": problem.question, "reply": reply.text}))
        turn += 1
        if not lines:
            raise GalopError(f"{path}: not one of {rows} replies was right, so there is nothing to learn from")
    write(path, ("\n".join(lines[:count]) + "\n").encode())


# Reinforcement: GRPO with the exact checker for a reward, on policy, one step a batch, no KL term, the mean of the
# group taken off the reward, the loss a mean over tokens.


def reinforcement(seed: int, rows: int, tasks: Sequence[str]) -> Callable[[Mini, int], Stepper]:
    """`rows` replies a step in groups of GROUP_SIZE; most problems are of the hardest levels."""

    def stage(model: Mini, first: int) -> Stepper:
        def step(number: int) -> Step:
            random = Random(f"reinforce {seed} {number}")
            problems = [hard(random, tasks) for _ in range(rows // GROUP_SIZE)]
            asked = [p for p in problems for _ in range(GROUP_SIZE)]
            prompts = [tokenizer.encode(tokenizer.prompt(p.question)) for p in asked]
            replies = sample(model, prompts, 1.0, seed * 100_003 + number)
            rewards = torch.tensor([float(correct(p, r.answer)) for p, r in zip(asked, replies, strict=True)])
            gain = (rewards.view(-1, GROUP_SIZE) - rewards.view(-1, GROUP_SIZE).mean(1, keepdim=True)).view(-1)
            drawn = sum(len(p) + len(r.ids) for p, r in zip(prompts, replies, strict=True))
            shown = {
                "reward": float(rewards.mean()),
                "thinking": sum(r.thinking_tokens for r in replies) / len(replies),
            }
            telling = [i for i in range(len(asked)) if gain[i] != 0]
            if not telling:
                return Step(torch.zeros(()), 0, drawn, shown)
            batch = continued([prompts[i] for i in telling], [replies[i] for i in telling])
            wanted = batch.targets != IGNORED
            logs = F.cross_entropy(model.logits(model(batch.tokens)[wanted]), batch.targets[wanted], reduction="none")
            weight = gain[torch.tensor(telling)][:, None].expand_as(batch.targets)[wanted]
            return Step((logs * weight).sum() / len(logs), batch.tokens.numel(), drawn, shown)

        return step

    return stage


def hard(random: Random, tasks: Sequence[str]) -> Problem:
    edge = [at for at in EDGE if at[0] in tasks]
    task, level = random.choice(edge) if edge and random.random() < EDGE_SHARE else (None, None)
    return draw(random, task=task, level=level, tasks=tasks)


def continued(prompts: list[list[int]], replies: list[Reply]) -> Batch:
    """Prompts with what the model drew after them as targets."""
    return data.padded([(p + r.ids, [False] * len(p) + r.drawn) for p, r in zip(prompts, replies, strict=True)])


# Strong-to-weak distillation on policy: the student writes, and is drawn to the teacher's odds for every token.


def distillation(teacher: Mini, seed: int, rows: int, tasks: Sequence[str]) -> Callable[[Mini, int], Stepper]:
    """Reverse KL divergence over the whole vocabulary, a mean over the tokens that the student drew."""
    teacher.eval()

    def stage(model: Mini, first: int) -> Stepper:
        def step(number: int) -> Step:
            random = Random(f"distil {seed} {number}")
            problems = [hard(random, tasks) for _ in range(rows)]
            thinks = [random.random() < 0.75 for _ in problems]
            prompts = [
                tokenizer.encode(tokenizer.prompt(p.question + ("" if t else tokenizer.NO_THINK)))
                for p, t in zip(problems, thinks, strict=True)
            ]
            replies = sample(model, prompts, 1.0, seed * 100_003 + number)
            right = sum(correct(p, r.answer) for p, r in zip(problems, replies, strict=True)) / rows
            batch = continued(prompts, replies)
            wanted = batch.targets != IGNORED
            mine = model.logits(model(batch.tokens)[wanted]).log_softmax(-1)
            with torch.no_grad():
                theirs = teacher.logits(teacher(batch.tokens)[wanted]).log_softmax(-1)
            loss = (mine.exp() * (mine - theirs)).sum(-1).mean()
            drawn = sum(len(p) + len(r.ids) for p, r in zip(prompts, replies, strict=True))
            return Step(loss, batch.tokens.numel(), drawn, {"reward": right})

        return step

    return stage
