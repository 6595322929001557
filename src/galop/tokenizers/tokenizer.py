"""Text to token ids and back. Text that a user wrote never becomes a control token.

The dummy space (`dummy_space.py`) is put here, once for prompts, templates and texts of every kind (`encode_text`), and
left out again where text comes out (`Detokenizer`); what encodes a piece of a text (`encode`) knows nothing of it.
"""

from __future__ import annotations

import codecs
import json
import re
import threading
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from tokenizers import Tokenizer as _Tokenizer
from tokenizers.decoders import ByteLevel, DecodeStream
from tokenizers.models import Unigram

from galop.errors import ModelFileError
from galop.tokenizers.byte_pairs import BytePairEncoder
from galop.tokenizers.control import is_text
from galop.tokenizers.dummy_space import SPACE, DummySpace


def _byte_alphabet() -> dict[str, int]:
    """GPT-2's printable stand-in for each byte (Radford et al., 2019)."""
    printable = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    others = [b for b in range(256) if b not in printable]
    return {chr(b): b for b in printable} | {chr(256 + i): b for i, b in enumerate(others)}


BYTE_OF = _byte_alphabet()


_ENDINGS = (KeyboardInterrupt, SystemExit, GeneratorExit, MemoryError)


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())[:120]


SLICE = 1 << 14  # characters
CUT = 16  # tokens more, at most, that a text may have when it is cut in two


class Tokenizer:
    """A tokenizer.json, its control tokens known by name. Raises ModelFileError if the library cannot read it."""

    def __init__(
        self,
        description: str,
        bos_token: str = "",
        eos_token: str = "",
        add_bos: bool = False,
        dummy_space: DummySpace = "",
    ) -> None:
        try:
            # The library matches every added token in plain text unless it is special and told not to; Qwen's
            # <think> and <tool_call> are not special. Only this part of the JSON is parsed: the rest takes long.
            at = re.search(r'"added_tokens"\s*:\s*', description)
            added, end = json.JSONDecoder().raw_decode(description, at.end()) if at else ([], 0)
            self.hidden = {t["id"] for t in added if t["special"]}
            text = {t["content"] for t in added if not t["special"] and is_text(t["content"])}
            self.added = {t["content"]: t["id"] for t in added if t["content"] not in text}
            self._written = {t["content"] for t in added}  # as they stand, not in an alphabet for bytes
            if at and len(self.hidden) + len(text) < len(added):
                special = [{**t, "special": t["content"] not in text} for t in added]
                description = description[: at.end()] + json.dumps(special, ensure_ascii=False) + description[end:]
            self._description = description
            self._lock = threading.RLock()
            self._library: _Tokenizer | None = None
            try:
                self._pairs: BytePairEncoder | None = BytePairEncoder(description)
            except (ValueError, KeyError, TypeError):
                self._pairs = None
            decoder = self._pairs.decoder if self._pairs else self._tokenizer.decoder
            self.byte_level = isinstance(decoder, ByteLevel)
            # As Llama 2 and the first Mistrals have it: bytes that no token spells have tokens of their own.
            self.sentencepiece = decoder is not None and decoder.decode(["a", "\u2581b", "<0x43>"]) == "a bC"
            # Whether the bytes of a text are those of its tokens; unigram models drop a space that each begins with.
            self.piecewise = self.byte_level or (self.sentencepiece and not isinstance(self._tokenizer.model, Unigram))
            for token in added:
                if self.id(token["content"]) != token["id"]:
                    raise ValueError(f"the added token {token['content'][:40]!r} cannot have the id {token['id']}")
        except _ENDINGS:
            raise
        except BaseException as error:  # the library raises bare Exception, and where it panics not even that
            raise ModelFileError(f"the tokenizer cannot be read: {_one_line(error)}") from None
        self._name_of = {id: name for name, id in self.added.items()}
        # By these ids alone an added token could come out of plain text: white space is what it says it is.
        self._control = frozenset(id for id, name in self._name_of.items() if not name.isspace())
        self._unknown = self._unknown_id(description)
        self.bos_token, self.eos_token, self.add_bos, self.dummy_space = bos_token, eos_token, add_bos, dummy_space

    @property
    def _tokenizer(self) -> _Tokenizer:
        """The library's, read when it is first wanted."""
        if self._library is None:
            with self._lock:
                library = _Tokenizer.from_str(self._description)
                library.no_padding()
                library.no_truncation()
                self._library = self._library or library
        return self._library

    def prepare(self) -> None:
        """Reads what is only wanted for long texts, so that nobody waits for it later. Raises ModelFileError."""
        try:
            _ = self._tokenizer
        except _ENDINGS:
            raise
        except BaseException as error:
            raise ModelFileError(f"the tokenizer cannot be read: {_one_line(error)}") from None

    def _unknown_id(self, description: str) -> int | None:
        """The token of what has none, which it is no control token for."""
        if self._pairs:
            return None
        if isinstance(self._tokenizer.model, Unigram):
            found = re.search(r'"unk_id"\s*:\s*(\d+)', description)
            return int(found[1]) if found else None
        return self.id(getattr(self._tokenizer.model, "unk_token", None) or "")

    def encode(self, text: str) -> list[int]:
        """Ids of a piece of plain text: whatever looks like a control token is spelled out. Raises ModelFileError."""
        ids = self._pairs.encode(text, plain=True) if self._pairs else None
        return self._spell_out(text, self._encode(text, plain=True), plain=True) if ids is None else ids

    def encode_control(self, text: str) -> list[int]:
        """Ids of a piece of text in which control tokens are meant. Raises ModelFileError."""
        ids = self._pairs.encode(text, plain=False) if self._pairs else None
        return self._spell_out(text, self._encode(text, plain=False), plain=False) if ids is None else ids

    def encode_text(self, parts: Iterable[tuple[str, bool] | list[int]], bos: bool = True) -> list[int]:
        """Ids of a whole text in parts, each with whether control tokens are meant in it, or ids already: with the
        dummy space, where there is one, and, if `bos`, after the BOS that the model wants. Raises ModelFileError."""
        ids: list[int] = []
        for part in parts:
            if isinstance(part, list):
                ids += part
                continue
            text, control = part
            if text and not self.dummy_space:
                ids += self.encode_control(text) if control else self.encode(text)
            for piece in () if not self.dummy_space else self._pieces(text) if control else (text,):
                if isinstance(piece, int):
                    ids.append(piece)
                elif piece:
                    ids += self.encode(f" {piece}" if self._wants_space(piece, ids) else piece)
        return self.with_bos(ids) if bos else ids

    def _pieces(self, text: str) -> Iterator[str | int]:
        """Plain text and the ids of control tokens, in turn."""
        encoding = self._encode(text, plain=False)
        done = 0
        for id, (start, end) in zip(encoding.ids, encoding.offsets, strict=True):
            if id in self._control and text[start:end].strip() == self._name_of[id].strip():
                yield text[done:start]
                yield id
                done = end
        yield text[done:]

    def _wants_space(self, piece: str, before: list[int]) -> bool:
        if self.dummy_space != "prepend" and piece[0] in (" ", SPACE):
            return False
        return not before or (self.dummy_space != "first" and before[-1] in self._control)

    def has_dummy_space(self, before: Sequence[int]) -> bool:
        """Whether a space at the beginning of what follows these ids is none of the text."""
        if not self.dummy_space or not before:
            return bool(self.dummy_space)
        return before[-1] == self.id(self.bos_token) if self.dummy_space == "first" else before[-1] in self._control

    def with_bos(self, ids: list[int]) -> list[int]:
        """Ids after a BOS, where the model wants one and they have none."""
        bos = self.id(self.bos_token) if self.add_bos else None
        return ids if bos is None or ids[:1] == [bos] else [bos, *ids]

    def _spell_out(self, text: str, encoding: Any, plain: bool) -> list[int]:
        """The ids without control tokens that only came about, by normalisation or as words: these are spelled out."""
        ids: list[int] = encoding.ids
        if self._control.isdisjoint(ids):
            return ids
        kept: list[int] = []
        for id, (start, end) in zip(ids, encoding.offsets, strict=True):
            written = text[start:end]
            is_name = id in self._control and written.strip() == self._name_of[id].strip()
            if id in self._control and (is_name if id == self._unknown else plain or not is_name):
                middle = len(written) // 2
                kept += self.encode(written[:middle]) + self.encode(written[middle:]) if middle else []
            else:
                kept.append(id)
        return kept

    def _encode(self, text: str, plain: bool) -> Any:
        try:
            with self._lock:  # the flag is the library's, for all threads
                self._tokenizer.encode_special_tokens = plain
                # Other threads can go on meanwhile, as they cannot while `encode` works.
                return self._tokenizer.encode_batch([text], add_special_tokens=False)[0]
        except _ENDINGS:
            raise
        except BaseException as error:
            raise ModelFileError(f"the model's tokenizer fails on this text: {_one_line(error)}") from None

    def count_at_least(self, texts: Iterable[str], most: int, plain: bool = True) -> int:
        """A lower bound of the tokens that texts have, counted slice by slice and no further than past `most`.

        Raises ModelFileError.
        """
        count = 0
        for text in texts:
            for start in range(0, len(text), SLICE):
                count += max(0, len(self._encode(text[start : start + SLICE], plain)) - (CUT if start else 1))
                if count > most:
                    return count
        return count

    def vocabulary_size(self, rows: int) -> int:
        """Tokens of a vocabulary of `rows` rows; those above are padding that no text encodes to."""
        return next((i + 1 for i in range(rows - 1, -1, -1) if self._token_name(i) is not None), rows)

    def _token_name(self, id: int) -> str | None:
        name: str | None = self._pairs.name(id) if self._pairs else self._tokenizer.id_to_token(id)
        return name

    def id(self, token: str) -> int | None:
        """The id of a token by its name, be it a control token or of the vocabulary; None where there is none."""
        id: int | None = self._pairs.id(token) if self._pairs else self._tokenizer.token_to_id(token)
        return id

    def token_bytes(self, id: int) -> bytes:
        """The bytes a token stands for; a control token's are its name, an unknown id's are empty."""
        token = self._token_name(id)
        if token is None:
            return b""
        if token not in self.added and self.sentencepiece:
            byte = re.fullmatch("<0x([0-9A-F]{2})>", token)
            return bytes([int(byte[1], 16)]) if byte else str(token).replace(SPACE, " ").encode()
        if token in self._written or any(c not in BYTE_OF for c in token):
            return str(token).encode()
        return bytes(BYTE_OF[c] for c in token)

    def decode(self, ids: Iterable[int], control: bool = False) -> str:
        """The text of ids, control tokens left out unless `control`. Raises ModelFileError."""
        stream = Detokenizer(self, self.added if control else ())
        return "".join([stream.push(id) for id in ids]) + stream.finish()


class Detokenizer:
    """Text as tokens arrive, never half a character; what never becomes one is U+FFFD. Control tokens are left out but
    for those `shown`, and so is the dummy space; `before` are the ids that the text follows."""

    def __init__(self, tokenizer: Tokenizer, shown: Iterable[str] = (), before: Sequence[int] = ()) -> None:
        self.tokenizer = tokenizer
        self.hidden = tokenizer.hidden - {tokenizer.id(name) for name in shown}
        self.decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self.stream = None if tokenizer.piecewise else DecodeStream(skip_special_tokens=False)
        self._dummy_space = tokenizer.has_dummy_space(before)

    def push(self, id: int) -> str:
        """What another token adds to the text that is whole. Raises ModelFileError if the tokenizer fails on it."""
        dummy_space, self._dummy_space = self._dummy_space, self.tokenizer.has_dummy_space([id])
        if id in self.hidden:
            self._dummy_space |= dummy_space
            return ""
        if self.stream is not None:
            try:
                return self.stream.step(self.tokenizer._tokenizer, id) or ""
            except _ENDINGS:
                raise
            except BaseException as error:
                raise ModelFileError(f"the model's tokenizer fails on its own token {id}: {_one_line(error)}") from None
        data = self.tokenizer.token_bytes(id)
        return self.decoder.decode(data.removeprefix(b" ") if dummy_space else data)

    def finish(self) -> str:
        """What is left of an unfinished character."""
        return self.decoder.decode(b"", final=True)
