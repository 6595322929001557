"""The stages of the Qwen3 report in miniature; each gives what a step of the training loop does."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import torch
import torch.nn.functional as F
from filelock import FileLock
from torch import Tensor

from galop.errors import GalopError
from galop.recipes.mini import data, tokenizer
from galop.recipes.mini.data import IGNORED, Example, TrainingBatch
from galop.recipes.mini.model import Mini, Size
from galop.recipes.mini.sample import SampledReply, answer_in, sample
from galop.recipes.mini.tasks import MEND, Problem, correct, draw, edge
from galop.recipes.mini.train import Stage, Stepper, StepResult, write

WORKED = 0.7  # of the documents of pre-training show how the answer comes about
TURNS = 0.15  # of the conversations have a second question
GROUP_SIZE = 16  # answers to one question, whose mean reward is the baseline
DRAWN_AT = 0.8  # the temperature of replies for fusion
THOUGHT = 0.7  # of the replies of fusion
MICRO_TOKENS = 8192  # of one backward pass; 300 kB of activations each with 11 million parameters
BALANCE = 0.01
EDGE_SHARE = 0.75  # of the problems of reinforcement


# Learning from text: pre-training, cold start, fusion, and distillation from what a teacher wrote.


def pretraining(random: Random, tasks: Sequence[str]) -> Example:
    """A problem as plain text, most with their working."""
    return data.document(draw(random, tasks=tasks), random.random() < WORKED)


def cold_start(random: Random, tasks: Sequence[str]) -> Example:
    """Conversations in which every answer is thought out."""
    turns = 2 if random.random() < TURNS else 1
    problems = [draw(random, tasks=tasks) for _ in range(turns)]
    return data.conversation([(p.question, tokenizer.reply(p, thinks=True)) for p in problems])


def refinement(random: Random, tasks: Sequence[str]) -> Example:
    """Mostly a hard problem, thought out."""
    problem = hard(random, tasks)
    return data.conversation([(problem.question, tokenizer.reply(problem, thinks=True))])


def learn_from_text(make: Callable[[Random], Example], seed: str, tokens: int) -> Callable[[Mini, int], Stepper]:
    """Next-token prediction on what `make` draws."""

    def stage(model: Mini, first: int) -> Stepper:
        source = data.batches(make, seed, tokens, first)

        def step(number: int) -> StepResult:
            batch = next(source)
            loss = cross_entropy(model, batch)
            descend(model, loss)
            count = batch.tokens.numel()
            return StepResult(loss.item(), count, cost(model.size, trained=count))

        return step

    return stage


def cross_entropy(model: Mini, batch: TrainingBatch) -> Tensor:
    """The mean over the tokens that are to be learnt."""
    wanted = batch.targets != IGNORED
    return F.cross_entropy(model.logits(model(batch.tokens)[wanted]), batch.targets[wanted])


def descend(model: Mini, loss: Tensor, share: float = 1.0) -> None:
    """Adds to the gradients what `loss` says, and that experts should share the work evenly."""
    (loss + BALANCE * share * model.balance() if model.size.experts else loss).backward()


def cost(size: Size, trained: int = 0, read: int = 0) -> float:
    """FLOPs of tokens trained on, and of tokens read or drawn, by the usual count of 6 and 2 for each parameter."""
    return float(size.parameters(active=True)) * (6 * trained + 2 * read)


# Thinking-mode fusion: what a model thought rightly, beside answers without thought, by switch or template. On a
# larger model's thoughts the same is distillation off policy.


Write = Callable[[list[str], int], tuple[list[str], int]]
"""From prompts and a seed to replies, each with the token that ended it, and how many tokens were read and drawn."""


@dataclass(frozen=True)
class Thinker:
    """Whose replies are learnt from. `open` has it ready to write while the context lasts; it is given the file in
    which right replies are kept, beside which others may be on the way."""

    size: Size
    open: Callable[[Path], AbstractContextManager[Write]]
    round: int = 256  # replies drawn at a time


def think_here(load: Callable[[], Mini], size: Size) -> Thinker:
    """A thinker within this process."""

    @contextmanager
    def opened(_: Path) -> Iterator[Write]:
        model = load()

        def write(prompts: list[str], seed: int) -> tuple[list[str], int]:
            asked = [tokenizer.encode(prompt) for prompt in prompts]
            replies = sample(model, asked, DRAWN_AT, seed)
            return [reply.text for reply in replies], tokens_of(asked, replies)

        yield write

    return Thinker(size, opened)


def fusion(
    thinker: Thinker,
    kept: Path,
    count: int,
    seed: int,
    tasks: Sequence[str],
    tokens: int,
    enough: Callable[[], bool],
    note_kept: Callable[[int], None],
) -> Stage:
    """Most replies are right ones of `thinker`, `count` of which are drawn into `kept`; the others do without thought.

    A fifth of the questions ask for thought by " /think"; half of those to be answered at once say " /no_think", the
    others have the empty block already before them.
    """

    def stage(model: Mini, first: int) -> Stepper | None:
        thought = keep_right(thinker, kept, count, seed, tasks, enough, note_kept)
        if len(thought["right"]) < count:
            return None

        def turn(random: Random) -> tuple[str, list[tuple[str, bool]]]:
            if random.random() < THOUGHT:
                question, reply = random.choice(thought["right"])
                return question + (" /think" if random.random() < 0.2 else ""), split_corrections(reply)
            problem = draw(random, tasks=tasks)
            if random.random() < 0.5:
                return problem.question + tokenizer.NO_THINK, tokenizer.reply(problem, thinks=False)
            empty = f"{tokenizer.THINK_OPEN}{tokenizer.THINK_CLOSE}"
            return problem.question, [(empty, False), (f"{problem.answer}<|im_end|>", True)]

        def make(random: Random) -> Example:
            return data.conversation([turn(random) for _ in range(2 if random.random() < TURNS else 1)])

        learn = learn_from_text(make, f"fuse {seed}", tokens)(model, first)

        def step(number: int) -> StepResult:
            made = learn(number)
            made.flops += thought["flops"] if number == 0 else 0  # drawing what is learnt from is part of the cost
            return made

        return step

    return stage


def split_corrections(reply: str) -> list[tuple[str, bool]]:
    """The parts of a reply; what the writer took back at once is not learnt."""
    parts = re.split(rf"(\d+(?: [A-Za-z]\S*)?)(?={MEND})", reply)
    return [(part, i % 2 == 0) for i, part in enumerate(parts) if part]


def keep_right(
    thinker: Thinker,
    path: Path,
    count: int,
    seed: int,
    tasks: Sequence[str],
    enough: Callable[[], bool],
    note_kept: Callable[[int], None],
) -> dict[str, Any]:
    """`count` right and well-formed replies to training problems: rejection sampling. Fewer when it is `enough`;
    `note_kept` is called with how many there are.

    Kept in `path` round by round, so that a killed run goes on with them. Raises GalopError if none is right.
    """
    with FileLock(f"{path}.lock"):
        kept: dict[str, Any] = {"rounds": 0, "flops": 0.0, "right": []}
        if path.exists():
            kept = json.loads(path.read_text("utf-8"))
        if len(kept["right"]) >= count or enough():
            return kept
        with thinker.open(path) as write_replies:
            while len(kept["right"]) < count and not enough():
                random = Random(f"keep {seed} {kept['rounds']}")
                problems = [draw(random, tasks=tasks) for _ in range(thinker.round)]
                prompts = [tokenizer.prompt(problem.question) for problem in problems]
                replies, tokens = write_replies(prompts, seed * 100_003 + kept["rounds"])
                for problem, reply in zip(problems, replies, strict=True):
                    whole = reply.startswith(tokenizer.THINK_OPEN) and reply.count("</think>") == 1
                    if whole and correct(problem, answer_in(reply)):
                        kept["right"].append([problem.question, reply])
                kept["flops"] += cost(thinker.size, read=tokens)
                kept["rounds"] += 1
                if not kept["right"]:
                    raise GalopError(
                        f"{path}: not one of {thinker.round} replies was right, so there is nothing to learn from"
                    )
                write(path, json.dumps(kept).encode())
                note_kept(len(kept["right"]))
        return kept


def tokens_of(prompts: list[list[int]], replies: list[SampledReply]) -> int:
    """Tokens that went through the model."""
    return sum(len(p) + len(r.ids) for p, r in zip(prompts, replies, strict=True))


# Reinforcement: GRPO with the exact checker for a reward, on policy, one step a batch, no KL term, the mean of the
# group taken off the reward, the loss a mean over tokens.


def reinforcement(seed: int, rows: int, tasks: Sequence[str]) -> Stage:
    """`rows` replies a step in groups of GROUP_SIZE; most problems are of the hardest levels."""

    def stage(model: Mini, first: int) -> Stepper:
        def step(number: int) -> StepResult:
            random = Random(f"reinforce {seed} {number}")
            problems = [hard(random, tasks) for _ in range(rows // GROUP_SIZE)]
            asked = [p for p in problems for _ in range(GROUP_SIZE)]
            prompts = [tokenizer.encode(tokenizer.prompt(p.question)) for p in asked]
            replies = sample(model, prompts, 1.0, seed * 100_003 + number)
            rewards = torch.tensor([float(correct(p, r.answer)) for p, r in zip(asked, replies, strict=True)])
            gain = (rewards.view(-1, GROUP_SIZE) - rewards.view(-1, GROUP_SIZE).mean(1, keepdim=True)).view(-1)
            figures = {
                "reward": float(rewards.mean()),
                "thinking": sum(r.thinking_tokens for r in replies) / len(replies),
            }
            made = StepResult(0.0, 0, cost(model.size, read=tokens_of(prompts, replies)), figures)
            informative = [i for i in range(len(asked)) if gain[i] != 0]
            total = sum(sum(replies[i].drawn) for i in informative)
            for rows_here, batch in micro_batches(informative, prompts, replies):
                wanted = batch.targets != IGNORED
                logits = model.logits(model(batch.tokens)[wanted])
                logs = F.cross_entropy(logits, batch.targets[wanted], reduction="none")
                weight = gain[rows_here][:, None].expand_as(batch.targets)[wanted]
                loss = (logs * weight).sum() / total
                descend(model, loss, len(logs) / total)
                made.loss += loss.item()
                made.tokens += batch.tokens.numel()
            made.flops += cost(model.size, trained=made.tokens)
            return made

        return step

    return stage


def hard(random: Random, tasks: Sequence[str]) -> Problem:
    """Mostly of the hardest levels, else any."""
    levels = edge(tasks)
    task, level = random.choice(levels) if levels and random.random() < EDGE_SHARE else (None, None)
    return draw(random, task=task, level=level, tasks=tasks)


def micro_batches(
    rows: list[int], prompts: list[list[int]], replies: list[SampledReply]
) -> Iterator[tuple[Tensor, TrainingBatch]]:
    """Prompts with what the model drew after them as targets, neighbours in length together: (row numbers, batch)."""
    ordered = sorted(rows, key=lambda i: len(prompts[i]) + len(replies[i].ids))
    while ordered:
        widest = len(prompts[ordered[-1]]) + len(replies[ordered[-1]].ids)
        here = ordered[-max(1, MICRO_TOKENS // widest) :]
        del ordered[-len(here) :]
        examples = [(prompts[i] + replies[i].ids, [False] * len(prompts[i]) + replies[i].drawn) for i in here]
        yield torch.tensor(here), data.pad(examples)


# Strong-to-weak distillation on policy: the student writes, and is drawn to the teacher's odds for every token.


def distillation(thinker: Callable[[], Mini], seed: int, rows: int, tasks: Sequence[str]) -> Stage:
    """Reverse KL divergence over the whole vocabulary, a mean over the tokens that the student drew."""

    def stage(model: Mini, first: int) -> Stepper:
        teacher = thinker().eval()

        def step(number: int) -> StepResult:
            random = Random(f"distil {seed} {number}")
            problems = [hard(random, tasks) for _ in range(rows)]
            thinks = [random.random() < 0.75 for _ in problems]
            prompts = [
                tokenizer.encode(tokenizer.prompt(p.question + ("" if t else tokenizer.NO_THINK)))
                for p, t in zip(problems, thinks, strict=True)
            ]
            replies = sample(model, prompts, 1.0, seed * 100_003 + number)
            right = sum(correct(p, r.answer) for p, r in zip(problems, replies, strict=True)) / rows
            made = StepResult(0.0, 0, cost(model.size, read=tokens_of(prompts, replies)), {"reward": right})
            total = sum(sum(reply.drawn) for reply in replies)
            for _, batch in micro_batches(list(range(rows)), prompts, replies):
                wanted = batch.targets != IGNORED
                mine = model.logits(model(batch.tokens)[wanted]).log_softmax(-1)
                with torch.no_grad():
                    theirs = teacher.logits(teacher(batch.tokens)[wanted]).log_softmax(-1)
                loss = (mine.exp() * (mine - theirs)).sum() / total
                descend(model, loss, len(mine) / total)
                made.loss += loss.item()
                made.tokens += batch.tokens.numel()
            made.flops += cost(model.size, trained=made.tokens) + cost(teacher.size, read=made.tokens)
            return made

        return step

    return stage
