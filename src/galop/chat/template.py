"""Renders messages with the checkpoint's own chat template and encodes the prompt, like `apply_chat_template`.

What users wrote cannot become a control token: it is marked before rendering and encoded as plain text after."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from galop.chat.content import pictures_of
from galop.chat.messages import Message
from galop.chat.renderer import Renderer
from galop.chat.template_capabilities import TemplateCapabilities
from galop.chat.thinking_tags import TAGS, THINK, ThinkingTags
from galop.errors import BlindModelError, TemplateError
from galop.pictures.picture import Picture
from galop.tokenizers.control import ControlNames
from galop.tokenizers.tokenizer import Tokenizer

PromptEnd = Literal["begin", "continue", "none"]
"""What a prompt ends with: the opening of a reply (`add_generation_prompt`), the last message left open
(`continue_final_message`), or nothing."""


class Sight(Protocol):
    """How pictures stand in a model's prompts."""

    @property
    def marker(self) -> str:
        """What its template writes for a picture."""

    def place(self, picture: Picture) -> list[str | list[int]]:
        """What takes the marker's place: texts in which control tokens are meant, and ids of the picture's tokens.

        Raises PictureError for one that cannot be looked at."""


class ChatTemplate:
    """The template of one checkpoint (None where it has none) and the tokenizer its prompts are for."""

    def __init__(self, source: str | None, tokenizer: Tokenizer, renderer: Renderer | None = None) -> None:
        self.source = source
        self.tokenizer = tokenizer
        self.renderer = renderer or Renderer()
        self.control = ControlNames(tokenizer.added) if tokenizer.added else None
        self.sight: Sight | None = None  # of a model that sees

    @property
    def capabilities(self) -> TemplateCapabilities:
        """What the template can do; rendered once, then known."""
        return self.renderer.capabilities(self.source) if self.source else TemplateCapabilities()

    def render(self, messages: Sequence[Message], **variables: object) -> str:
        """The prompt as text; `variables` are the template's. Raises TemplateError."""
        if self.source is None:
            raise TemplateError("this model has no chat template; use it with raw text (galop run --raw)")
        # transformers gives templates `tools=None`; those that fail of it get no such variable.
        tools = {} if self.capabilities.needs_tools else {"tools": None}
        return self.renderer.render(
            self.source,
            {
                "messages": list(messages),
                "add_generation_prompt": True,
                "documents": None,
                **tools,
                "bos_token": self.tokenizer.bos_token,
                "eos_token": self.tokenizer.eos_token,
                **variables,
            },
        )

    def encode(self, messages: Sequence[Message], end: PromptEnd = "begin", /, **variables: object) -> list[int]:
        """The prompt as token ids, with one BOS where the model wants one. Raises TemplateError.

        With "continue", the last message is cut right after what it says (its content, or its thinking where it has
        nothing else), as transformers' `continue_final_message` does.

        Whatever in a message or variable looks like a control token, or could become one beside its neighbour, is
        wrapped in marks that no text can hold by chance, and what is between marks is encoded as plain text. For each
        picture the template writes its family's marker, in whose place its tokens come. Raises BlindModelError for
        pictures where there is no `sight`, and what that raises.
        """
        nonce = secrets.token_hex(8)
        opening, closing = f"\ufdd0{nonce}\ufdd1", f"\ufdd2{nonce}\ufdd3"  # noncharacters, never interchanged
        tags = self.capabilities.tags if self.source else TAGS[THINK]
        pictures = pictures_of(messages)
        if pictures and self.sight is None:
            raise BlindModelError("this model")
        shown = f"\ufdd6{nonce}\ufdd7"  # a picture, where the template itself renders none
        marker = Marker(self.control, opening, closing, tags, "" if self.capabilities.content != "text" else shown)
        marked = [marker.mark_message(m) for m in messages]
        cut = f"\ufdd4{nonce}\ufdd5"
        if end != "begin":
            variables["add_generation_prompt"] = False
        if end == "continue":
            last = marked[-1]
            key = "content" if last.get("content") or not last.get("reasoning_content") else "reasoning_content"
            if isinstance(last.get(key), list):
                last[key] = [*last[key], {"type": "text", "text": cut}]
            else:
                last[key] = f"{last.get(key) or ''}{cut}"
        rendered = self.render(marked, **{k: marker.mark(v) for k, v in variables.items()})
        if end == "continue":
            rendered, found, _ = rendered.rpartition(cut)
            if not found:
                failure = TemplateError("this model's chat template cannot leave the last message open to be continued")
                failure.refused = True
                raise failure
            rendered = rendered.replace(cut, "")
        parts: list[tuple[str, bool] | list[int]] = []
        left = iter(pictures)
        for i, part in enumerate(re.split(f"{opening}(.*?){closing}", rendered, flags=re.DOTALL)):
            # What is between marks is plain; a mark may be left that the template cut from its partner.
            text = part.replace(opening, "").replace(closing, "")
            if i % 2 or not pictures or not self.sight:
                parts.append((text, i % 2 == 0))
            else:
                parts += _place(text.replace(shown, self.sight.marker), self.sight, left)
        if next(left, None) is not None:
            raise TemplateError("the chat template left out a picture")
        ids = self.tokenizer.encode_text(parts)
        if not ids:
            raise TemplateError("the chat template gave an empty prompt")
        return ids


def _place(text: str, sight: Sight, pictures: Iterator[Picture]) -> Iterator[tuple[str, bool] | list[int]]:
    """A part of a rendering, each marker in it replaced by the tokens of the next picture."""
    before, *rest = text.split(sight.marker)
    for after in rest:
        picture = next(pictures, None)
        for piece in [] if picture is None else sight.place(picture):
            if isinstance(piece, str):
                before += piece
            else:
                yield before, True
                yield piece
                before = ""
        before += after if picture is not None else sight.marker + after
    yield before, True


@dataclass(frozen=True)
class Marker:
    """Wraps control tokens, and what could become one beside its neighbour, in every string of a value."""

    control: ControlNames | None
    opening: str
    closing: str
    tags: ThinkingTags = TAGS[THINK]
    shown: str = ""  # stands for a picture in a text, for templates that render none

    def mark_message(self, message: Message) -> Message:
        """The message, marked; the tags of thinking in a reply of the history stay what they are. Calls that
        `adapt_messages` has written are put after its content."""
        message = dict(message)
        opening, calls, closing = message.pop("written_calls", ("", "", ""))
        content = message.get("content")
        marked: Message = self.mark({**message, "content": None} if isinstance(content, list) else message)
        says = message.get("role") == "assistant"
        if isinstance(content, list):
            marked["content"] = self._mark_parts(content, says)
        elif says and isinstance(content, str):
            marked["content"] = self._mark_reply(content)
        if calls:
            marked["content"] = f"{marked.get('content') or ''}{opening}{self.mark(calls)}{closing}"
        return marked

    def _mark_reply(self, said: str) -> str:
        parts = re.split(f"({re.escape(self.tags.open)}|{re.escape(self.tags.close)})", said)
        return "".join(p if i % 2 else self._mark_text(p) for i, p in enumerate(parts))

    def _mark_parts(self, content: list[Any], says: bool) -> Any:
        """A content in parts, as one text where pictures have to be `shown` in that."""
        parts: list[Any] = []
        for part in content:
            if "picture" in part:
                parts.append({"type": "image"})
            elif says and "text" in part:
                parts.append({**part, "text": self._mark_reply(part["text"])})
            else:
                parts.append(self.mark(part))
        if self.shown and {"type": "image"} in parts:
            return "".join(self.shown if part == {"type": "image"} else part["text"] for part in parts)
        return parts

    def mark(self, value: Any) -> Any:
        """The JSON value, marked in each of its strings."""
        if isinstance(value, str):
            return self._mark_text(value)
        if isinstance(value, list):
            return [self.mark(v) for v in value]
        if isinstance(value, dict):
            return {self.mark(k): self.mark(v) for k, v in value.items()}
        return value

    def _mark_text(self, text: str) -> str:
        parts, done = [], 0
        for start, end in self.control.spans(text) if self.control else ():
            parts += [text[done:start], self.opening, text[start:end], self.closing]
            done = end
        return "".join([*parts, text[done:]])
