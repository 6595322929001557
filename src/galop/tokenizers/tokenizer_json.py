"""What a stranger's tokenizer.json may hold, before the `tokenizers` library sees it.

The library panics, aborts or works without end on descriptions that it takes for valid. So only the parts that
tokenizers of language models are made of may appear, each with its numbers bounded; what cannot be judged by looking, a
regular expression that is not known, is tried out in a child process (`galop.tokenizers.probe`).
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Iterator
from typing import Any

from galop.errors import ModelFileError
from galop.tokenizers.charsmap import MAX_EXPANSION, check_charsmap
from galop.tokenizers.control import is_text
from galop.tokenizers.gguf.vocabulary import MAX_ADDED_TOKEN, MAX_TOKEN, MERGES_PER_TOKEN
from galop.tokenizers.pre_tokenizers import PRE_TOKENIZERS
from galop.tokenizers.probe import try_out
from galop.tokenizers.safe_patterns import MAX_PATTERN, is_safe
from galop.tokenizers.stops import is_marked
from galop.tokenizers.tokenizer import BYTE_OF

MAX_TOKENS = 1 << 20
MAX_ADDED = 1 << 18
MAX_STEPS = 24  # of a normalizer, pre-tokenizer or decoder
MAX_GROWTH = 64  # characters a normalizer may make of one

Part = dict[str, Any]
Reject = Callable[[str], ModelFileError]
Fields = dict[str, Callable[[Any], bool]]  # of a part, by name, and what each may be

# The fields of each part and what they may be; a part that is not here is not run.
NORMALIZER_PARTS: dict[str, Fields] = {
    "NFC": {}, "NFD": {}, "NFKC": {}, "NFKD": {}, "Nmt": {}, "Lowercase": {}, "StripAccents": {}, "ByteLevel": {},
    "Strip": {"strip_left": lambda v: type(v) is bool, "strip_right": lambda v: type(v) is bool},
    "Prepend": {"prepend": lambda v: isinstance(v, str) and len(v) <= 64},
    "Replace": {"pattern": lambda v: bool(_pattern(v)), "content": lambda v: isinstance(v, str) and len(v) <= 64},
    "BertNormalizer": {
        "clean_text": lambda v: type(v) is bool, "handle_chinese_chars": lambda v: type(v) is bool,
        "strip_accents": lambda v: v is None or type(v) is bool, "lowercase": lambda v: type(v) is bool,
    },
    "Precompiled": {"precompiled_charsmap": lambda v: isinstance(v, str) and _is_charsmap(v)},
}  # fmt: skip
_METASPACE: Fields = {
    "replacement": lambda v: isinstance(v, str) and len(v) == 1,
    "prepend_scheme": lambda v: v in ("first", "never", "always"),
    "add_prefix_space": lambda v: type(v) is bool,
    "split": lambda v: type(v) is bool,
    "str_rep": lambda v: isinstance(v, str) and len(v) <= 4,
}
_BYTES: Fields = {key: (lambda v: type(v) is bool) for key in ("add_prefix_space", "trim_offsets", "use_regex")}
_BEHAVIOURS = ("Removed", "Isolated", "MergedWithPrevious", "MergedWithNext", "Contiguous")
PRE_TOKENIZER_PARTS: dict[str, Fields] = {
    "BertPreTokenizer": {}, "Whitespace": {}, "WhitespaceSplit": {}, "UnicodeScripts": {},
    "ByteLevel": _BYTES,
    "Metaspace": _METASPACE,
    "Digits": {"individual_digits": lambda v: type(v) is bool},
    "Punctuation": {"behavior": lambda v: v in _BEHAVIOURS},
    "CharDelimiterSplit": {"delimiter": lambda v: isinstance(v, str) and len(v) == 1},
    "Split": {
        "pattern": lambda v: bool(_pattern(v)), "behavior": lambda v: v in _BEHAVIOURS,
        "invert": lambda v: type(v) is bool,
    },
}  # fmt: skip
DECODER_PARTS: dict[str, Fields] = {
    "ByteFallback": {}, "Fuse": {},
    "ByteLevel": _BYTES,
    "Metaspace": _METASPACE,
    "Replace": NORMALIZER_PARTS["Replace"],
    "Strip": {
        "content": lambda v: isinstance(v, str) and len(v) == 1,
        "start": lambda v: type(v) is int and 0 <= v <= 64, "stop": lambda v: type(v) is int and 0 <= v <= 64,
    },
    "WordPiece": {"prefix": lambda v: isinstance(v, str) and len(v) <= 64, "cleanup": lambda v: type(v) is bool},
}  # fmt: skip

KNOWN = {pattern for known in PRE_TOKENIZERS.values() for pattern in known.patterns}


def sanitize(whole: Part, rows: int) -> str:
    """The same tokenizer as JSON, with nothing that pads, cuts or adds to a text, for a vocabulary of `rows` rows.

    A tokenizer that cannot be judged by looking is tried out in a child process. Raises ModelFileError for what is not
    known to be harmless.
    """

    def reject(reason: str) -> ModelFileError:
        return ModelFileError(f"tokenizer.json: {reason}")

    normalizers = _check_steps(whole.get("normalizer"), "normalizers", NORMALIZER_PARTS, reject)
    pre_tokenizers = _check_steps(whole.get("pre_tokenizer"), "pretokenizers", PRE_TOKENIZER_PARTS, reject)
    decoders = _check_steps(whole.get("decoder"), "decoders", DECODER_PARTS, reject)
    for steps in (normalizers, decoders):
        growth = 1.0
        for step in steps:
            if step["type"] == "Replace":
                growth *= max(1.0, len(step.get("content", "")) / _shortest(step.get("pattern")))
            growth *= MAX_EXPANSION / 2 if step["type"] == "Precompiled" else 1
        if growth > MAX_GROWTH:
            raise reject(f"its replacements would make {growth:.0f} characters of one")
    _check_model(whole.get("model"), rows, reject)
    added = _check_added(whole.get("added_tokens") or [], rows, reject)
    kept = {key: whole.get(key) for key in ("version", "normalizer", "pre_tokenizer", "decoder", "model")}
    sound = json.dumps(
        {"truncation": None, "padding": None, "post_processor": None, "added_tokens": added, **kept}, ensure_ascii=False
    )
    steps = [*normalizers, *pre_tokenizers, *decoders]
    patterns = [found for step in steps if (found := _pattern(step.get("pattern")))]
    strange = [text for kind, text in patterns if kind == "Regex" and text not in KNOWN]
    for text in strange:
        if not is_safe(text):
            raise reject(f"the regular expression {text[:60]!r} could take endless time")
    if strange or whole["model"]["type"] != "BPE":
        try_out(sound, "".join(strange))
    return sound


def _is_charsmap(text: str) -> bool:
    try:
        return not check_charsmap(base64.b64decode(text, validate=True))
    except (binascii.Error, ValueError):
        return False


def token_ids(whole: Part, also: str = "") -> dict[str, int]:
    """The control tokens of a tokenizer.json by name, and `also` from its vocabulary, as far as it is well formed."""
    added, model = whole.get("added_tokens"), whole.get("model")
    vocabulary = model.get("vocab") if isinstance(model, dict) else None
    ids = {also: vocabulary[also]} if isinstance(vocabulary, dict) and type(vocabulary.get(also)) is int else {}
    for token in added if isinstance(added, list) else []:
        if not isinstance(token, dict) or not isinstance(token.get("content"), str) or type(token.get("id")) is not int:
            continue
        if token.get("special") is True or is_marked(token["content"]):
            ids[token["content"]] = token["id"]
    return ids


def _check_steps(part: Any, inner: str, known: dict[str, Fields], reject: Reject) -> list[Part]:
    """The parts of a sequence, in order. Raises ModelFileError if one is not known or a field of it is not sound."""

    def walk(part: Any, depth: int) -> Iterator[Part]:
        if not isinstance(part, dict) or depth > 8:
            raise reject(f"one of its {inner} is no object, or too deep within others")
        if part.get("type") == "Sequence":
            within = part.get(inner)
            if not isinstance(within, list) or len(within) > MAX_STEPS:
                raise reject(f"its {inner} are not a list of at most {MAX_STEPS}")
            for one in within:
                yield from walk(one, depth + 1)
        else:
            yield part

    if part is None:
        return []
    steps: list[Part] = []
    for step in walk(part, 0):
        steps.append(step)
        kind = step.get("type")
        if not isinstance(kind, str) or kind not in known:
            raise reject(f"{str(kind)[:40]!r} among its {inner} is not supported; these are: {', '.join(known)}")
        for field, value in step.items():
            if field != "type" and not (field in known[kind] and known[kind][field](value)):
                raise reject(f"{field} = {str(value)[:40]!r} of {kind} is not sensible")
        if kind == "Precompiled" and "precompiled_charsmap" not in step:  # without which the library panics
            raise reject(f"{kind} among its {inner} has no precompiled_charsmap")
    if len(steps) > MAX_STEPS:
        raise reject(f"it has more than {MAX_STEPS} {inner}")
    return steps


def _pattern(value: Any) -> tuple[str, str] | None:
    """Its kind and text, if it is one."""
    if isinstance(value, dict) and len(value) == 1:
        ((kind, text),) = value.items()
        if kind in ("String", "Regex") and isinstance(text, str) and 0 < len(text) <= MAX_PATTERN:
            return kind, text
    return None


def _shortest(pattern: Any) -> int:
    """Characters that a match of it takes at least, as far as is known."""
    kind, text = _pattern(pattern) or ("", "")
    return len(text) if kind == "String" else 1


def _check_model(model: Any, rows: int, reject: Reject) -> None:
    """Raises ModelFileError for a model that is not known to be harmless; what it leaves open is settled in place."""
    if not isinstance(model, dict):
        raise reject("it has no model")
    kind = model.setdefault("type", "BPE" if "merges" in model else None)
    vocabulary = model.get("vocab")
    if kind == "Unigram":
        if not isinstance(vocabulary, list) or not all(
            isinstance(entry, list) and len(entry) == 2 and isinstance(entry[0], str) and _number(entry[1])
            for entry in vocabulary
        ):
            raise reject("its vocabulary is not a list of tokens and their scores")
        unknown = model.get("unk_id")
        if type(unknown) is not int or not 0 <= unknown < len(vocabulary):
            raise reject("it has no unknown token, so it cannot encode every text")
        tokens, largest = [entry[0] for entry in vocabulary], len(vocabulary) - 1
    elif kind in ("BPE", "WordLevel", "WordPiece"):
        if not isinstance(vocabulary, dict) or not all(type(i) is int and i >= 0 for i in vocabulary.values()):
            raise reject("its vocabulary is not an object of tokens and their ids")
        if len(set(vocabulary.values())) != len(vocabulary):
            raise reject("two tokens of its vocabulary have the same id")
        tokens, largest = list(vocabulary), max(vocabulary.values(), default=-1)
        unknown = model.get("unk_token")
        if kind == "BPE" and (unknown == "" or all(stand_in in vocabulary for stand_in in BYTE_OF)):
            unknown = model["unk_token"] = None  # GPT-2's is empty, and bytes are all known
        known = isinstance(unknown, str) and unknown in vocabulary
        if not known and (unknown is not None or kind != "BPE"):
            raise reject(f"its unknown token {str(unknown)[:40]!r} is not in its vocabulary")
    else:
        raise reject(f"a model of type {str(kind)[:40]!r} is not supported")
    if not tokens or len(tokens) > MAX_TOKENS or max(map(len, tokens)) > MAX_TOKEN:
        raise reject(
            f"its vocabulary is empty, has more than {MAX_TOKENS} tokens or one of over {MAX_TOKEN} characters"
        )
    if largest >= rows:
        raise reject(f"a token has the id {largest}, the model's vocabulary has {rows} rows")
    longest = model.get("max_input_chars_per_word", 100)
    if kind == "WordPiece" and not (type(longest) is int and 0 < longest <= 1000):
        raise reject(f"max_input_chars_per_word = {str(longest)[:40]} is not sensible")
    if kind == "BPE":
        if model.get("continuing_subword_prefix") or model.get("end_of_word_suffix"):
            raise reject("continuing_subword_prefix and end_of_word_suffix are not supported")
        model["dropout"] = None  # it makes what a text encodes to a matter of luck
        _check_merges(model.get("merges"), vocabulary, reject)


def _check_merges(merges: Any, vocabulary: Any, reject: Reject) -> None:
    if not isinstance(merges, list) or len(merges) > MERGES_PER_TOKEN * len(vocabulary):
        raise reject(f"its merges are not a list of at most {MERGES_PER_TOKEN} for each token")
    for merge in merges:
        pair = merge.split(" ") if isinstance(merge, str) else merge
        if not isinstance(pair, list) or len(pair) != 2 or not isinstance(pair[0], str) or not isinstance(pair[1], str):
            raise reject(f"the merge {str(merge)[:40]!r} is not two tokens")
        if pair[0] not in vocabulary or pair[1] not in vocabulary or pair[0] + pair[1] not in vocabulary:
            raise reject(f"the merge {str(merge)[:40]!r} does not join tokens of the vocabulary")


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e9


def _check_added(added: Any, rows: int, reject: Reject) -> list[Part]:
    """Added tokens that the model has rows for, found only as they are written and never in what a text turns into,
    but for white space and HTML, which are text."""
    if not isinstance(added, list) or len(added) > MAX_ADDED:
        raise reject(f"its added tokens are not a list of at most {MAX_ADDED}")
    kept: dict[str, Part] = {}
    for token in added:
        if not isinstance(token, dict):
            raise reject("an added token is not an object")
        id, content = token.get("id"), token.get("content")
        if type(id) is not int or id < 0 or not isinstance(content, str) or not content:
            raise reject(f"the added token {str(content)[:40]!r} has no name or no id")
        if len(content) > MAX_ADDED_TOKEN:
            raise reject(
                f"the added token {content[:20]!r}... has {len(content)} characters, at most {MAX_ADDED_TOKEN} may be"
            )
        flags = {flag: token.get(flag, False) for flag in ("single_word", "lstrip", "rstrip", "special", "normalized")}
        if any(type(value) is not bool for value in flags.values()):
            raise reject(f"the added token {content[:40]!r} has a flag that is neither true nor false")
        if content in kept:
            raise reject(f"the added token {content[:40]!r} is there twice")
        if id < rows:
            flags["normalized"] &= not flags["special"] and is_text(content)
            kept[content] = {"id": id, "content": content, **flags}
    return sorted(kept.values(), key=lambda token: token["id"])
