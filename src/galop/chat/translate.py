"""Translation sentence by sentence: cuts a text as it comes in, and makes the prompt for each sentence.

Markdown and code are copied as they are."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from galop.chat.content import make_content
from galop.chat.messages import Message
from galop.pictures.picture import Picture

MARK = re.compile(r"^(\s*(?:(?:#{1,6}|[-*+]|\d+[.)]|>)\s+)+)")
FENCE = re.compile(r"^\s{0,3}(```|~~~)")
RULE = re.compile(r"^\s*([-*_=|:]\s*){3,}$")
# A sentence ends at its mark when a space and no small letter follows: "approx. 5 km" and "e.g. this" go on.
SENTENCE = re.compile(r"(?<=[.!?…])[\"')\]»”]*\s+(?=[^\sa-z0-9])")
ABBREVIATED = re.compile(
    r"(?:\b(?:e\.g|i\.e|etc|cf|vs|approx|Mr|Mrs|Ms|Dr|Prof|St|No|Fig|Eq|M|Mme|p\. ex)\.|\b[A-Z]\.)$"
)


@dataclass(frozen=True)
class Segment:
    """A part of a text: a sentence to translate, or what is copied."""

    text: str
    sentence: bool


def segments(lines: Iterable[str]) -> Iterator[Segment]:
    """Parts of a text in order, each as soon as it is whole. Lines of one paragraph become one."""
    paragraph = ""
    fence = ""
    for raw in lines:
        line = raw.rstrip("\r\n")
        opening = FENCE.match(line)
        structural = bool(fence or opening or not line.strip() or RULE.match(line) or MARK.match(line) or "|" in line)
        if structural and paragraph:
            yield from _sentences(paragraph)
            yield Segment("\n", False)
            paragraph = ""
        if fence or opening:
            yield Segment(line + "\n", False)
            if opening:
                fence = "" if fence == opening[1] else fence or opening[1]
        elif not line.strip() or RULE.match(line):
            yield Segment(line + "\n", False)
        elif mark := MARK.match(line):
            yield Segment(mark[1], False)
            yield from _sentences(line[mark.end() :])
            yield Segment("\n", False)
        elif "|" in line:
            yield from _cells(line)
        else:
            paragraph = f"{paragraph} {line.strip()}" if paragraph else line.strip()
            *whole, paragraph = _split(paragraph)
            for sentence in whole:
                yield Segment(sentence, True)
                yield Segment(" ", False)
    if paragraph:
        yield from _sentences(paragraph)
        yield Segment("\n", False)


def _cells(line: str) -> Iterator[Segment]:
    for part in re.split(r"(\s*\|\s*)", line):
        if part:
            yield Segment(part, not re.fullmatch(r"\s*\|\s*|[\W\d]+", part))
    yield Segment("\n", False)


def _sentences(text: str) -> Iterator[Segment]:
    for i, sentence in enumerate(_split(text)):
        if i:
            yield Segment(" ", False)
        # Numbers, addresses and code alone say the same in every language.
        yield Segment(sentence, not re.fullmatch(r"[\W\d]*|https?://\S+|`[^`]*`", sentence))


def _split(text: str) -> list[str]:
    parts: list[str] = []
    for part in SENTENCE.split(text):
        if parts and ABBREVIATED.search(parts[-1]):
            parts[-1] += " " + part
        else:
            parts.append(part)
    return parts


def picture_prompt(picture: Picture, language: str) -> list[Message]:
    """Messages that ask for the translation of what is written in a picture, line by line."""
    asked = f"Translate all text that is written in this picture into {language}, line by line."
    return [
        {
            "role": "system",
            "content": f"You are a translator. Reply with the translation into {language} and nothing else; where a "
            "picture has no text on it, say so in that language.",
        },
        {"role": "user", "content": make_content([picture, asked])},
    ]


def translation_prompt(sentence: str, language: str) -> list[dict[str, str]]:
    """Messages that ask for the translation of a sentence; `language` by its own name, such as Français."""
    return [
        {
            "role": "system",
            "content": f"You are a translator. Reply with the translation into {language} and nothing else.",
        },
        {"role": "user", "content": f"Translate into {language}:\n{sentence}"},
    ]
