"""Byte-level BPE: the kind `gpt2`, whose pre-tokenizer a word names."""

from __future__ import annotations

from typing import Any

from galop.errors import ModelFileError
from galop.tokenizers.gguf.vocabulary import UNUSED, Part, Vocabulary, bpe, description, in_sequence
from galop.tokenizers.pre_tokenizers import PRE_TOKENIZERS, PreTokenizer


def choose_pre_tokenizer(metadata: dict[str, Any], file: str, of_family: str) -> tuple[PreTokenizer, str]:
    """How a file splits text, and what to tell of a file that does not say it: then as its family does (`of_family`),
    or as its vocabulary looks. Raises ModelFileError for a pre-tokenizer that is not known."""
    pre, note = metadata.get("tokenizer.ggml.pre"), ""
    if pre in (None, "default"):
        pre = of_family or _guess(metadata)
        note = (
            f"{file} does not say how it splits text (tokenizer.ggml.pre); it is read like {pre!r}, and if that is "
            "wrong answers get worse: take a newer conversion"
        )
    if not isinstance(pre, str) or pre not in PRE_TOKENIZERS:
        raise ModelFileError(
            f"{file}: the tokenizer 'gpt2' with pre-tokenizer {str(pre)[:60]!r} is not supported; these are: "
            f"{', '.join(sorted(PRE_TOKENIZERS))}"
        )
    return PRE_TOKENIZERS[pre], note


def _guess(metadata: dict[str, Any]) -> str:
    """The pre-tokenizer of a file that names none, by its vocabulary."""
    tokens = metadata.get("tokenizer.ggml.tokens")
    return "llama-bpe" if isinstance(tokens, list) and "<|begin_of_text|>" in tokens else "gpt-2"


def describe_byte_level(vocabulary: Vocabulary, split: PreTokenizer) -> Part:
    """The contents of its tokenizer.json. Raises ModelFileError for merges that are missing or malformed."""
    splits = [
        {"type": "Split", "pattern": {"Regex": pattern}, "behavior": "Isolated", "invert": False}
        for pattern in split.patterns
    ]
    byte_level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": False}
    used = {t: i for t, i in vocabulary.ids.items() if vocabulary.kinds[i] != UNUSED}
    return description(
        bpe(used, vocabulary.merges(), ignore_merges=split.ignore_merges),
        vocabulary.added,
        normalizer={"type": "NFC"} if split.nfc else None,
        pre_tokenizer=in_sequence("pretokenizers", *splits, byte_level),
        decoder=byte_level,
    )
