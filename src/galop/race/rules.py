"""What a reply may have to keep to, such as so many words or one JSON object."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any


def words_of(text: str) -> list[str]:
    """Its words, each with its apostrophes and hyphens."""
    return re.findall(r"[^\W_]+(?:['’-][^\W_]+)*", text)


def is_json(text: str, keys: list[str]) -> bool:
    """Whether it is one JSON object of exactly these keys, all with texts; a code fence around it is allowed."""
    fenced = re.fullmatch(r"\s*```(?:json)?\s*(.*?)```\s*", text, re.DOTALL)
    try:
        found = json.loads(fenced[1] if fenced else text)
    except (ValueError, RecursionError):
        return False
    return isinstance(found, dict) and sorted(found) == keys and all(isinstance(v, str) for v in found.values())


RULES: dict[str, Callable[[str, Any], bool]] = {
    "words": lambda text, count: len(words_of(text)) == count,
    "bullets": lambda text, count: [x[:2] for x in text.strip().splitlines()] == ["- "] * count,
    "contains": lambda text, word: word in [w.lower() for w in words_of(text)],
    "lower": lambda text, _: text == text.lower() and bool(text.strip()),
    "json": is_json,
    "first": lambda text, word: [w.lower() for w in words_of(text)[:1]] == [word],
    "last": lambda text, word: [w.lower() for w in words_of(text)[-1:]] == [word],
}
"""Each takes the reply and a value; questions carry them by name."""
