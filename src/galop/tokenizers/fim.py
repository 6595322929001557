"""Fill-in-the-middle: the prompt with which a code model writes what belongs between two texts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from galop.tokenizers.tokenizer import Tokenizer

# Names of the tokens before the prefix, the suffix and the middle.
FIM_TOKENS: tuple[tuple[str, ...], ...] = (
    ("<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>"),  # Qwen2.5-Coder, CodeGemma, Granite 4
    ("<fim_prefix>", "<fim_suffix>", "<fim_middle>"),  # StarCoder, Granite
    ("<fim-prefix>", "<fim-suffix>", "<fim-middle>"),  # SantaCoder
    ("<｜fim▁begin｜>", "<｜fim▁hole｜>", "<｜fim▁end｜>"),  # DeepSeek
    ("▁<PRE>", "▁<SUF>", "▁<MID>"),  # Code Llama
    ("<PRE>", "<SUF>", "<MID>"),
    ("<|code_prefix|>", "<|code_suffix|>", "<|code_middle|>"),  # GLM-4
    ("<|prefix|>", "<|suffix|>", "<|middle|>"),
    ("<[fim-prefix]>", "<[fim-suffix]>", "<[fim-middle]>"),  # Seed-Coder
    ("[PREFIX]", "[SUFFIX]"),  # Codestral, which needs no third
)
SUFFIX_FIRST = ("<[fim-prefix]>", "[PREFIX]")
REPOSITORY = ("<|repo_name|>", "<repo_name>", "<reponame>", "<|fim_repo|>", "<fim_repo>", "<fim-repo>", "<REPO>")
FILE = ("<|file_sep|>", "<file_sep>", "<|file_separator|>")
PAD = ("<|fim_pad|>", "<fim_pad>", "<fim-pad>", "<PAD>", "[PAD]", "▁<EOT>", "<EOT>", "<|endoftext|>")


@dataclass(frozen=True)
class Fim:
    """Token ids; `ends` are those with which an answer goes beyond the middle."""

    prefix: int
    suffix: int
    middle: int | None
    suffix_first: bool
    repository: int | None
    file: int | None
    ends: frozenset[int]

    def prompt(self, before: Sequence[int], after: Sequence[int]) -> list[int]:
        """What is to be continued with the middle."""
        first, last = [self.prefix, *before], [self.suffix, *after]
        if self.suffix_first:
            first, last = last, first
        return [*first, *last] if self.middle is None else [*first, *last, self.middle]

    def matches(self, prompt: Sequence[int]) -> bool:
        """Whether a prompt asks for a middle, be it from `prompt` or written with the control tokens."""
        return self.suffix in prompt and (self.prefix in prompt if self.middle is None else self.middle in prompt)


def find_fim(tokenizer: Tokenizer, known: Mapping[str, int]) -> Fim | None:
    """By the names of its tokens, else by those that the model's file names (`pre`, `suf`, `mid`, `pad`, `rep`, `sep`);
    None for a model that was not made for it."""

    def first(names: Sequence[str]) -> int | None:
        return next((id for name in names if (id := tokenizer.id(name)) is not None), None)

    found = next((names for names in FIM_TOKENS if None not in map(tokenizer.id, names)), None)
    ids = [tokenizer.id(name) for name in found] if found else [known.get(key) for key in ("pre", "suf", "mid")]
    prefix, suffix, middle = [*ids, None][:3]
    if prefix is None or suffix is None or (middle is None and not found):
        return None
    repository = known.get("rep", first(REPOSITORY))
    file = known.get("sep", first(FILE))
    pads = [known.get("pad"), *(tokenizer.id(name) for name in PAD)]
    ends = {id for id in (prefix, suffix, middle, repository, file, *pads) if id is not None}
    return Fim(prefix, suffix, middle, bool(found and found[0] in SUFFIX_FIRST), repository, file, frozenset(ends))
