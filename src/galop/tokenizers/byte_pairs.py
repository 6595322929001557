"""Encodes by the native byte pairs what the `tokenizers` library need not be loaded for.

Reading a vocabulary of 150,000 tokens takes the library a third of a second, in which nothing else of Python runs, and
100 MB; here 20 ms. The library's own normalizer and pre-tokenizer, which take no time to make, cut a text into pieces,
so what is done otherwise is the merging alone: for byte-level BPE, as nearly all models have it, where added tokens are
control tokens found as they are written.
"""

from __future__ import annotations

import json
import re
from typing import Any

from tokenizers import Tokenizer as _Library

from galop import native

LONGEST = 1 << 14  # characters of a text; longer ones are the library's, which lets other threads go on meanwhile


class BytePairEncoder:
    """A byte-level BPE tokenizer. Raises ValueError for any other tokenizer.json."""

    def __init__(self, description: str) -> None:
        self._pairs = native.BytePairs(description)
        rest: dict[str, Any] = json.loads(self._pairs.rest)
        added, model = rest.pop("added_tokens", None) or [], rest["model"]
        if not _is_plain(model):
            raise ValueError("it is no byte-level BPE")
        if not _cuts_into_bytes(rest.get("pre_tokenizer")) or (rest.get("decoder") or {}).get("type") != "ByteLevel":
            raise ValueError("its pieces are not made of bytes")
        self._added = self._place(added)
        self._names = {id: name for name, id in self._added.items()}
        names = sorted(self._added, key=len, reverse=True)  # the longest one that begins somewhere
        self._control = re.compile(f"({'|'.join(map(re.escape, names))})") if names else None
        self._shell = _Library.from_str(json.dumps({**rest, "added_tokens": []}))

    def _place(self, added: list[dict[str, Any]]) -> dict[str, int]:
        """Ids of added tokens, which are in the vocabulary or follow it. Raises ValueError where the library might have
        others, or find them in another way than as they are written."""
        placed: dict[str, int] = {}
        later = len(self._pairs)
        for token in added:
            name, id = token["content"], token["id"]
            if not name or not token.get("special") or any(token.get(k) for k in ("lstrip", "rstrip", "single_word")):
                raise ValueError("an added token is found otherwise than as it is written")
            if token.get("normalized"):
                raise ValueError("an added token is found in what a text is normalised to")
            if (known := self._pairs.id(name)) is None:
                known, later = later, later + 1
            if known != id or name in placed:
                raise ValueError("an added token has an id that the library does not give it")
            placed[name] = id
        if later > len(self._pairs) <= self._pairs.largest_id:
            raise ValueError("the vocabulary has gaps, and added tokens follow it")
        return placed

    @property
    def decoder(self) -> Any:
        """The library's decoder."""
        return self._shell.decoder

    def encode(self, text: str, plain: bool) -> list[int] | None:
        """Ids of a text, in which control tokens are meant unless it is `plain`; None for one that is left to the
        library: a long one, one in which a control token came about by itself, or a byte is no token."""
        if len(text) > LONGEST:
            return None
        ids: list[int] = []
        parts = [text] if plain or self._control is None else self._control.split(text)
        for i, part in enumerate(parts):
            if i % 2:
                ids.append(self._added[part])
                continue
            try:
                found = self._encode_part(part)
            except ValueError:
                return None
            if not self._names.keys().isdisjoint(found):
                return None
            ids += found
        return ids

    def _encode_part(self, text: str) -> list[int]:
        normalizer = self._shell.normalizer
        text = normalizer.normalize_str(text) if normalizer and text else text
        return (
            self._pairs.encode([piece for piece, _ in self._shell.pre_tokenizer.pre_tokenize_str(text)]) if text else []
        )

    def id(self, token: str) -> int | None:
        """The id of a token by its name; None where there is none."""
        return self._added.get(token, self._pairs.id(token))

    def name(self, id: int) -> str | None:
        """The name of a token by its id; None where there is none."""
        return self._names.get(id) or self._pairs.token(id)


def _is_plain(model: dict[str, Any]) -> bool:
    """Whether merges alone decide."""
    others = ("dropout", "unk_token", "continuing_subword_prefix", "end_of_word_suffix", "byte_fallback")
    return model.get("type") == "BPE" and not any(model.get(key) for key in others)


def _cuts_into_bytes(part: Any) -> bool:
    """Whether the last step of a pre-tokenizer spells pieces in stand-ins for bytes."""
    while isinstance(part, dict) and part.get("type") == "Sequence" and part.get("pretokenizers"):
        part = part["pretokenizers"][-1]
    return isinstance(part, dict) and part.get("type") == "ByteLevel"
