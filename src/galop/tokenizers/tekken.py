"""tekken.json, in which Mistral keeps a vocabulary: tokens as bytes, by rank, without a tokenizer.json's merges.

A pair is merged where the joined bytes have a rank, the lowest first (as tiktoken does), so the merge that makes a
token is the last one when its own bytes are put together.
"""

from __future__ import annotations

import base64
import binascii
from typing import Any

from galop.errors import ModelFileError
from galop.tokenizers.gguf.vocabulary import Part, bpe, description, in_sequence
from galop.tokenizers.tokenizer import BYTE_OF

FILE = "tekken.json"
MAX_TOKENS = 1 << 20
MAX_EFFORT = 1 << 26  # the squares of all tokens' lengths together; 8 million is usual
# Of files that do not list them; the rest are <SPECIAL_20> and so on.
SPECIAL = (
    "<unk> <s> </s> [INST] [/INST] [AVAILABLE_TOOLS] [/AVAILABLE_TOOLS] [TOOL_RESULTS] [/TOOL_RESULTS] [TOOL_CALLS] "
    "[IMG] <pad> [IMG_BREAK] [IMG_END] [PREFIX] [MIDDLE] [SUFFIX] [SYSTEM_PROMPT] [/SYSTEM_PROMPT] [TOOL_CONTENT]"
).split()  # fmt: skip
BYTE_NAME = {byte: name for name, byte in BYTE_OF.items()}


def describe_tekken(whole: dict[str, Any]) -> Part:
    """The contents of a tokenizer.json with the same tokens. Raises ModelFileError for a file that is none."""

    def reject(reason: str) -> ModelFileError:
        return ModelFileError(f"{FILE}: {reason}")

    config = whole.get("config")
    if not isinstance(config, dict) or not isinstance(config.get("pattern"), str):
        raise reject("it has no config with a pattern")
    rows, count = config.get("default_vocab_size"), config.get("default_num_special_tokens")
    if type(rows) is not int or type(count) is not int or not 0 <= count < rows <= MAX_TOKENS:
        raise reject("default_vocab_size and default_num_special_tokens are not sensible")
    special = [f"<SPECIAL_{i}>" for i in range(count)]
    listed = whole.get("special_tokens") or [{"rank": i, "token_str": name} for i, name in enumerate(SPECIAL)]
    for token in listed if isinstance(listed, list) else []:
        place, name = (token.get(key) if isinstance(token, dict) else None for key in ("rank", "token_str"))
        if type(place) is not int or not 0 <= place < count or not isinstance(name, str) or not name:
            raise reject("a special token has no place or no name")
        special[place] = name
    ranks = _ranks(whole.get("vocab"), rows - count)
    if ranks is None:
        raise reject("its vocabulary is not a list of byte strings by rank that begins with all bytes")
    if sum(len(token) ** 2 for token in ranks) > MAX_EFFORT:
        raise reject("its tokens are too long to be a vocabulary's")
    names = {token: "".join(BYTE_NAME[byte] for byte in token) for token in ranks}
    byte_level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": False}
    split = {"type": "Split", "pattern": {"Regex": config["pattern"]}, "behavior": "Isolated", "invert": False}
    ids = {name: i for i, name in enumerate(special)} | {names[t]: count + rank for t, rank in ranks.items()}
    if len(ids) != count + len(ranks):
        raise reject("a token appears twice")
    flags = dict.fromkeys(("single_word", "lstrip", "rstrip", "normalized"), False)
    return description(
        bpe(ids, [[names[a], names[b]] for a, b in recover_merges(ranks)], ignore_merges=True),
        [{"id": i, "content": name, **flags, "special": True} for i, name in enumerate(special)],
        normalizer=None,
        pre_tokenizer=in_sequence("pretokenizers", split, byte_level),
        decoder=byte_level,
    )


def _ranks(vocabulary: Any, count: int) -> dict[bytes, int] | None:
    """The first `count` tokens by their bytes; None where they are malformed."""
    ranks: dict[bytes, int] = {}
    for rank, token in enumerate(vocabulary[:count] if isinstance(vocabulary, list) else []):
        data = token.get("token_bytes") if isinstance(token, dict) else None
        if not isinstance(data, str) or token.get("rank") != rank:
            return None
        try:
            ranks[base64.b64decode(data, validate=True)] = rank
        except (binascii.Error, ValueError):
            return None
    whole = len(ranks) == min(count, len(vocabulary)) if isinstance(vocabulary, list) else False
    return ranks if whole and b"" not in ranks and all(bytes([byte]) in ranks for byte in range(256)) else None


def recover_merges(ranks: dict[bytes, int]) -> list[tuple[bytes, bytes]]:
    """The two parts that each token is joined from, in the order of ranks; a token that none give is left out."""
    merges = []
    for token, rank in ranks.items():
        parts = [token[i : i + 1] for i in range(len(token))]
        while len(parts) > 2:
            best, at = min((ranks.get(parts[i] + parts[i + 1], rank), i) for i in range(len(parts) - 1))
            if best >= rank:
                break
            parts[at : at + 2] = [parts[at] + parts[at + 1]]
        if len(parts) == 2:
            merges.append((parts[0], parts[1]))
    return merges
