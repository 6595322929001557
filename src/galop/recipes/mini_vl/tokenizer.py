"""The tokenizer of the model that sees: byte-level BPE, every digit one token, with Qwen3-VL's control tokens."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from pathlib import Path
from random import Random
from typing import Any

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

from galop.tokenizers.pre_tokenizers import PRE_TOKENIZERS

VOCABULARY = 1536
SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|vision_start|>", "<|vision_end|>", "<|image_pad|>",
           "<|video_pad|>"]  # fmt: skip
CONTROL = [*SPECIAL, "<think>", "</think>"]
PICTURE_AT = 4  # tokens before the picture's first: "<|im_start|>", "user", a line's end, "<|vision_start|>"
THINK_OPEN, THINK_CLOSE = "<think>\n", "\n</think>\n\n"
ASSISTANT = "<|im_start|>assistant\n"
HERE = files("galop.recipes.mini_vl")


def train(samples: int = 20_000) -> Tokenizer:
    """Learns the merges from questions and answers; the same each time."""
    from galop.recipes.mini_vl.problems import texts

    found = texts(Random("tokenizer"), samples) + ["user\n", "assistant\n", "system\n", "\n\n"] * samples
    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.NFC()
    split = pre_tokenizers.Split(Regex(PRE_TOKENIZERS["qwen2"].patterns[0]), "isolated")
    level = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([split, level])
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY - len(CONTROL), initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False
    )
    tokenizer.train_from_iterator(found, trainer)
    tokenizer.add_special_tokens([AddedToken(t, special=True, normalized=False) for t in SPECIAL])
    tokenizer.add_tokens([AddedToken(t, special=False, normalized=False) for t in CONTROL[len(SPECIAL) :]])
    return tokenizer


@cache
def load() -> Tokenizer:
    """The tokenizer as it comes with galop."""
    return Tokenizer.from_str((HERE / "tokenizer.json").read_text("utf-8"))


@cache
def encode(text: str) -> tuple[int, ...]:
    """Ids of a text; names of control tokens in it become these tokens."""
    return tuple(load().encode(text, add_special_tokens=False).ids)


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


def save(folder: Path) -> None:
    """Writes the tokenizer and template in the Hugging Face layout."""
    (folder / "tokenizer.json").write_text((HERE / "tokenizer.json").read_text("utf-8"), "utf-8")
    (folder / "chat_template.jinja").write_text(template(), "utf-8")
    about: dict[str, Any] = {
        "tokenizer_class": "PreTrainedTokenizerFast", "eos_token": "<|im_end|>", "pad_token": "<|endoftext|>",
        "model_max_length": 1024,
    }  # fmt: skip
    (folder / "tokenizer_config.json").write_text(json.dumps(about, indent=1), "utf-8")
