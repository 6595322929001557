"""Text to token ids and back. Text that a user wrote never becomes a control token."""

from __future__ import annotations

import codecs
import json
import re
import threading
from collections.abc import Iterable

from tokenizers import Tokenizer as _Tokenizer
from tokenizers.decoders import ByteLevel, DecodeStream

from galop.errors import ModelFileError


def _byte_alphabet() -> dict[str, int]:
    """GPT-2's printable stand-in for each byte (Radford et al., 2019)."""
    printable = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    others = [b for b in range(256) if b not in printable]
    return {chr(b): b for b in printable} | {chr(256 + i): b for i, b in enumerate(others)}


BYTE_OF = _byte_alphabet()


class Tokenizer:
    """A tokenizer.json, its control tokens known by name."""

    def __init__(self, description: str, bos_token: str = "", eos_token: str = "", add_bos: bool = False) -> None:
        try:
            # The library matches every added token in plain text unless it is special and told not to; Qwen's
            # <think> and <tool_call> are not special. Only this part of the JSON is parsed: the rest takes long.
            at = re.search(r'"added_tokens"\s*:\s*', description)
            added, end = json.JSONDecoder().raw_decode(description, at.end()) if at else ([], 0)
            self.added = {t["content"]: t["id"] for t in added}
            self.hidden = {t["id"] for t in added if t["special"]}
            if at and len(self.hidden) < len(added):
                special = json.dumps([{**t, "special": True} for t in added], ensure_ascii=False)
                description = description[: at.end()] + special + description[end:]
            self._tokenizer = _Tokenizer.from_str(description)
            self.byte_level = isinstance(self._tokenizer.decoder, ByteLevel)
        except Exception as error:  # the library raises bare Exception
            raise ModelFileError(f"the tokenizer cannot be read: {str(error)[:120]}") from None
        self._lock = threading.Lock()
        self.bos_token, self.eos_token, self.add_bos = bos_token, eos_token, add_bos

    def encode(self, text: str) -> list[int]:
        """Ids of plain text: whatever looks like a control token is spelled out."""
        return self._encode(text, plain=True)

    def encode_control(self, text: str) -> list[int]:
        """Ids of text from a template, in which control tokens are meant."""
        return self._encode(text, plain=False)

    def _encode(self, text: str, plain: bool) -> list[int]:
        with self._lock:  # the flag is the library's, for all threads
            self._tokenizer.encode_special_tokens = plain
            ids: list[int] = self._tokenizer.encode(text, add_special_tokens=False).ids
        return ids

    def size(self, rows: int) -> int:
        """Of a vocabulary of `rows` rows, those from here on are padding that no text encodes to."""
        return next((i + 1 for i in range(rows - 1, -1, -1) if self._tokenizer.id_to_token(i) is not None), rows)

    def id(self, token: str) -> int | None:
        id: int | None = self._tokenizer.token_to_id(token)
        return id

    def token_bytes(self, id: int) -> bytes:
        """The bytes a token stands for; a control token's are its name, an unknown id's are empty."""
        token = self._tokenizer.id_to_token(id)
        if token is None:
            return b""
        if token in self.added or any(c not in BYTE_OF for c in token):
            return str(token).encode()
        return bytes(BYTE_OF[c] for c in token)

    def decode(self, ids: Iterable[int], control: bool = False) -> str:
        """The text of ids, control tokens left out unless `control`."""
        stream = Detokeniser(self, self.added if control else ())
        return "".join([stream.push(id) for id in ids]) + stream.finish()


class Detokeniser:
    """Text as tokens arrive, never half a character; what never becomes one is U+FFFD. Control tokens are left out but
    for those `shown`."""

    def __init__(self, tokenizer: Tokenizer, shown: Iterable[str] = ()) -> None:
        self.tokenizer = tokenizer
        self.hidden = tokenizer.hidden - {tokenizer.id(name) for name in shown}
        self.decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self.stream = None if tokenizer.byte_level else DecodeStream(skip_special_tokens=False)

    def push(self, id: int) -> str:
        if id in self.hidden:
            return ""
        if self.stream is not None:
            return self.stream.step(self.tokenizer._tokenizer, id) or ""
        return self.decoder.decode(self.tokenizer.token_bytes(id))

    def finish(self) -> str:
        """What is left of an unfinished character."""
        return self.decoder.decode(b"", final=True)
