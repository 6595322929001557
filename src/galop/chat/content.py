"""What a message says: a text, or parts of which some are pictures.

A part is {"type": "text", "text": ...} or {"type": "image", "picture": a `Picture`}; a content without pictures is one
text wherever a template takes that.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from galop.errors import DocumentError
from galop.pictures.picture import Picture

Content = Any
"""A text, or a list of parts."""
LARGEST_TEXT = 1 << 20  # bytes of a file that is a text
FENCE = "`" * 4


def make_content(parts: Iterable[str | Picture]) -> Content:
    """The content of texts and pictures in order: one text where there are no pictures."""
    listed = [part for part in parts if part != ""]
    if not any(isinstance(part, Picture) for part in listed):
        return "".join(str(part) for part in listed)
    return [
        {"type": "image", "picture": part} if isinstance(part, Picture) else {"type": "text", "text": part}
        for part in listed
    ]


def quote_text(name: str, content: str) -> str:
    """A file's text as a part of a question."""
    return f"{name}:\n{FENCE}\n{content}\n{FENCE}"


def quote_file(name: str, data: bytes) -> str:
    """A file's text as a part of a question. Raises DocumentError for what is no text, or too long."""
    text = data.decode(errors="replace")
    if text.encode() != data or "\x00" in text:
        raise DocumentError(f"{name} is neither a PDF nor a picture nor a text in UTF-8, which is what can be read")
    if len(data) > LARGEST_TEXT:
        raise DocumentError(f"{name} has more than {LARGEST_TEXT >> 20} MiB, which is more than is read of a text")
    return quote_text(name, text)


def own_words(question: str) -> str:
    """A question without the files that `quote_text` put before it, if there is more to it."""
    return question.rpartition(f"\n{FENCE}\n\n")[2] or question


def text_of(content: Content) -> str:
    """The text of a content alone."""
    if isinstance(content, str):
        return content
    return "\n".join(part["text"] for part in content or () if isinstance(part, Mapping) and part.get("text"))


def pictures_in(content: Content) -> list[Picture]:
    """The pictures of a content, in order."""
    if not isinstance(content, list):
        return []
    return [part["picture"] for part in content if isinstance(part, Mapping) and "picture" in part]


def pictures_of(messages: Sequence[Mapping[str, Any]]) -> list[Picture]:
    """The pictures of a conversation, in order."""
    return [picture for message in messages for picture in pictures_in(message.get("content"))]


def join_contents(first: Content, second: Content) -> Content:
    """Two contents as one, a blank line between their texts."""
    if isinstance(first, str) and isinstance(second, str):
        return f"{first}\n\n{second}"
    return [*_parts(first), {"type": "text", "text": "\n\n"}, *_parts(second)]


def as_parts(messages: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Messages whose contents are all lists of parts, as some templates want them."""
    return [{**m, "content": _parts(m["content"])} if isinstance(m.get("content"), str) else dict(m) for m in messages]


def move_pictures(messages: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Messages in which all pictures are shown by the user: those of tools after the results of the turn, those of the
    system and of earlier answers at the beginning of the next question. No template that is not made for it renders
    them elsewhere."""
    moved: list[dict[str, Any]] = []
    of_tools: list[Picture] = []
    waiting: list[Picture] = []
    for number, message in enumerate(messages):
        role, content = message.get("role"), message.get("content")
        found = pictures_in(content)
        if role != "tool" and of_tools:
            moved.append(_shown_by_tools(of_tools))
            of_tools = []
        if role == "tool" and found:
            of_tools += found
            counted = "a picture" if len(found) == 1 else f"{len(found)} pictures"
            message = {**message, "content": text_of(content) or f"[{counted}, shown next]"}
        elif role == "user" and waiting:
            message = {**message, "content": [*make_content(waiting), *_parts(content)]}
            waiting = []
        elif found and role != "user" and (role == "system" or number + 1 < len(messages)):
            waiting += found
            message = {**message, "content": text_of(content)}
            if role == "system" and not message["content"]:
                continue
        moved.append(dict(message))
    if of_tools:
        moved.append(_shown_by_tools(of_tools))
    if waiting:
        moved.append({"role": "user", "content": make_content(waiting)})
    return moved


def _shown_by_tools(pictures: Sequence[Picture]) -> dict[str, Any]:
    shown = "picture that the tool gave:" if len(pictures) == 1 else "pictures that the tools gave:"
    return {"role": "user", "content": make_content([f"The {shown}\n", *pictures])}


def _parts(content: Content) -> list[Any]:
    return ([{"type": "text", "text": content}] if content else []) if isinstance(content, str) else list(content)
