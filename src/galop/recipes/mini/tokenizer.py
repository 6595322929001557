"""The mini family's tokenizer: byte-level BPE, every digit alone, with Qwen3's control tokens and template."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from pathlib import Path
from random import Random
from typing import Any

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

from galop.recipes.mini.tasks import Problem, draw
from galop.tokenizers.pre_tokenizers import PRE_TOKENIZERS

VOCABULARY = 512
CONTROL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<think>", "</think>"]
NO_THINK = " /no_think"
THINK_OPEN, THINK_CLOSE = "<think>\n", "\n</think>\n\n"
ASSISTANT = "<|im_start|>assistant\n"
HERE = files("galop.recipes.mini")


def train(samples: int = 20_000) -> Tokenizer:
    """Learns the merges from problems; the same each time."""
    random = Random("tokenizer")
    texts = (f"{p.question}\n{p.thinking}\n{p.answer}\n" for p in (draw(random) for _ in range(samples)))
    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.NFC()
    split = pre_tokenizers.Split(Regex(PRE_TOKENIZERS["qwen2"].patterns[0]), "isolated")
    level = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([split, level])
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY - len(CONTROL), initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False
    )
    tokenizer.train_from_iterator(texts, trainer)
    # As in Qwen3: a decoder that skips special tokens keeps the marks of thinking.
    tokenizer.add_special_tokens([AddedToken(t, special=True, normalized=False) for t in CONTROL[:3]])
    tokenizer.add_tokens([AddedToken(t, special=False, normalized=False) for t in CONTROL[3:]])
    return tokenizer


@cache
def load() -> Tokenizer:
    """The tokenizer as it comes with galop."""
    return Tokenizer.from_str((HERE / "tokenizer.json").read_text("utf-8"))


def encode(text: str) -> list[int]:
    """Ids of a text; names of control tokens in it become these tokens."""
    ids: list[int] = load().encode(text, add_special_tokens=False).ids
    return ids


def decode(ids: list[int]) -> str:
    """The text of ids, control tokens too."""
    return str(load().decode(ids, skip_special_tokens=False))


@cache
def ids() -> dict[str, int]:
    """The ids of the control tokens."""
    vocabulary: dict[str, int] = load().get_vocab()
    return {token: vocabulary[token] for token in CONTROL}


def template() -> str:
    """The chat template, in Jinja."""
    return (HERE / "chat_template.jinja").read_text("utf-8")


def prompt(question: str) -> str:
    """What the template makes of a question."""
    return f"<|im_start|>user\n{question}<|im_end|>\n{ASSISTANT}"


def reply(problem: Problem, thinks: bool) -> list[tuple[str, bool]]:
    """What the template makes of a reply, in parts, and whether each is to be learnt."""
    if not thinks:
        return [(f"{THINK_OPEN}{THINK_CLOSE}{problem.answer}<|im_end|>", True)]
    working = [(piece.text, piece.learnt) for piece in problem.working]
    return [(THINK_OPEN, True), *working, (f"{THINK_CLOSE}{problem.answer}<|im_end|>", True)]


def save(folder: Path) -> None:
    """Writes the tokenizer and template in the Hugging Face layout."""
    (folder / "tokenizer.json").write_text((HERE / "tokenizer.json").read_text("utf-8"), "utf-8")
    (folder / "chat_template.jinja").write_text(template(), "utf-8")
    about: dict[str, Any] = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "eos_token": "<|im_end|>",
        "pad_token": "<|endoftext|>",
        "model_max_length": 1024,
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(about, indent=1), "utf-8")
