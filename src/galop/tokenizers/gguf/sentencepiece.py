"""SentencePiece's BPE: the kind `llama`, which has scores for merges, and `gemma4`, which has the merges.

Spaces are ▁ (U+2581), what no token spells is written byte by byte, and nothing splits text beforehand. The space that
most of them put before a text is the tokenizer's matter (`dummy_space.py`), since a normalizer that did it would
also rewrite the patterns of user-defined tokens. Sennrich et al., arXiv 1508.07909; Kudo and Richardson, arXiv
1808.06226.
"""

from __future__ import annotations

from galop.errors import ModelFileError
from galop.tokenizers.control import is_text
from galop.tokenizers.dummy_space import SPACE
from galop.tokenizers.gguf.vocabulary import (
    BYTE_FALLBACK,
    MERGES_PER_TOKEN,
    NORMAL,
    UNUSED,
    USER_DEFINED,
    Part,
    Vocabulary,
    bpe,
    description,
    replace,
)  # fmt: skip

MAX_PIECE = 256  # characters of a token that merges make
NEVER_STRIPPED = ("<unk>", "<s>", "<|endoftext|>")  # of Phi-3's control tokens


def describe_sentencepiece(vocabulary: Vocabulary) -> Part:
    """The contents of a tokenizer.json for a vocabulary with scores. Raises ModelFileError."""
    vocabulary = _with_marked_spaces(vocabulary)
    return _describe(vocabulary, rebuild_merges(vocabulary))


def describe_gemma4(vocabulary: Vocabulary) -> Part:
    """The contents of a tokenizer.json for a vocabulary with merges of plain text. Raises ModelFileError."""
    return _describe(vocabulary, vocabulary.merges())


def _describe(vocabulary: Vocabulary, merges: list[list[str]]) -> Part:
    unknown = vocabulary.token_id("unknown_token_id")
    if unknown is None and vocabulary.kinds[0] not in (UNUSED, NORMAL):
        unknown = 0
    used = {t: i for t, i in vocabulary.ids.items() if vocabulary.kinds[i] != UNUSED}
    name = None if unknown is None else vocabulary.tokens[unknown]
    added = [{**token, "normalized": not token["special"] and is_text(token["content"])} for token in vocabulary.added]
    if vocabulary.metadata.get("general.architecture") == "phi3":  # white space after them is left out
        added = [{**token, "rstrip": token["content"] not in NEVER_STRIPPED} for token in added]
    return description(
        bpe(used, merges, unk_token=name if name in used else None, fuse_unk=True, byte_fallback=True),
        added,
        normalizer=replace(" ", SPACE),
        pre_tokenizer=None,
        decoder=BYTE_FALLBACK,
    )


def _with_marked_spaces(vocabulary: Vocabulary) -> Vocabulary:
    """User-defined tokens of spaces as text has them when it meets the model: converters write them as they look."""
    marked = [
        token.replace(" ", SPACE) if kind == USER_DEFINED else token
        for token, kind in zip(vocabulary.tokens, vocabulary.kinds, strict=True)
    ]
    twice = len(set(marked)) != len(marked)
    return vocabulary if twice else Vocabulary(vocabulary.file, vocabulary.metadata, marked, vocabulary.kinds)


def rebuild_merges(vocabulary: Vocabulary) -> list[list[str]]:
    """The merges that SentencePiece makes by score: every cut of a token into two, those of the best token first.

    Raises ModelFileError for tokens too long, or with too many cuts, to be a vocabulary's.
    """
    scores, kinds, file = vocabulary.scores(), vocabulary.kinds, vocabulary.file
    pieces = {
        token: i
        for token, i in vocabulary.ids.items()
        if kinds[i] == NORMAL or (kinds[i] == USER_DEFINED and is_text(token))
    }
    if longest := next((token for token in pieces if len(token) > MAX_PIECE), ""):
        raise ModelFileError(f"{file}: the token {longest[:20]!r}... is longer than {MAX_PIECE} characters")
    merges: list[list[str]] = []
    for token, _ in sorted(pieces.items(), key=lambda piece: (-scores[piece[1]], piece[1])):
        cuts = [
            (pieces[token[:at]], pieces[token[at:]])
            for at in range(1, len(token))
            if token[:at] in pieces and token[at:] in pieces
        ]
        merges += [[vocabulary.tokens[a], vocabulary.tokens[b]] for a, b in sorted(cuts)]
        if len(merges) > MERGES_PER_TOKEN * len(kinds):
            raise ModelFileError(f"{file}: its {len(kinds)} tokens can be put together in too many ways")
    return merges
