"""WordPiece: the kind `bert`, in whose files ▁ begins a word and what goes on in one has no ##."""

from __future__ import annotations

from galop.errors import ModelFileError
from galop.tokenizers.dummy_space import SPACE
from galop.tokenizers.gguf.vocabulary import UNUSED, Part, Vocabulary, description

LONGEST_WORD = 100  # characters; a longer word is unknown


def describe_wordpiece(vocabulary: Vocabulary) -> Part:
    """The contents of its tokenizer.json. Raises ModelFileError."""
    unknown = vocabulary.token_id("unknown_token_id")
    name = "[UNK]" if unknown is None else vocabulary.tokens[unknown]
    words = {_written(token): i for token, i in vocabulary.ids.items() if vocabulary.kinds[i] != UNUSED}
    if len(words) != sum(kind != UNUSED for kind in vocabulary.kinds):
        raise ModelFileError(f"{vocabulary.file}: two of its tokens are the same part of a word")
    if name not in words:
        raise ModelFileError(f"{vocabulary.file}: its unknown token {name[:40]!r} is not in its vocabulary")
    lowercase = vocabulary.flag("normalizer.lowercase", default=True)
    return description(
        {"type": "WordPiece", "unk_token": name, "continuing_subword_prefix": "##",
         "max_input_chars_per_word": LONGEST_WORD, "vocab": words},
        vocabulary.added,
        normalizer={
            "type": "BertNormalizer", "clean_text": True, "handle_chinese_chars": True, "lowercase": lowercase,
            "strip_accents": vocabulary.flag("normalizer.strip_accents", lowercase),
        },
        pre_tokenizer={"type": "BertPreTokenizer"},
        decoder={"type": "WordPiece", "prefix": "##", "cleanup": True},
    )  # fmt: skip


def _written(token: str) -> str:
    """A token as vocab.txt has it."""
    if token.startswith("[") and token.endswith("]") and len(token) > 2:
        return token
    return token[1:] if token.startswith(SPACE) and len(token) > 1 else f"##{token}"
