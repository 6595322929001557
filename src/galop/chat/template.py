"""Renders messages with the checkpoint's own chat template and encodes the prompt, like `apply_chat_template`.

What users wrote cannot become a control token: it is marked before rendering and encoded as plain text after."""

from __future__ import annotations

import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from galop.chat.messages import Message
from galop.chat.renderer import Renderer
from galop.chat.template_capabilities import TemplateCapabilities
from galop.chat.thinking_tags import TAGS, THINK, ThinkingTags
from galop.errors import TemplateError
from galop.tokenizers.control import ControlNames
from galop.tokenizers.tokenizer import Tokenizer

PromptEnd = Literal["begin", "continue", "none"]
"""What a prompt ends with: the opening of a reply (`add_generation_prompt`), the last message left open
(`continue_final_message`), or nothing."""


class ChatTemplate:
    """The template of one checkpoint (None where it has none) and the tokenizer its prompts are for."""

    def __init__(self, source: str | None, tokenizer: Tokenizer, renderer: Renderer | None = None) -> None:
        self.source = source
        self.tokenizer = tokenizer
        self.renderer = renderer or Renderer()
        self.control = ControlNames(tokenizer.added) if tokenizer.added else None

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
        wrapped in marks that no text can hold by chance, and what is between marks is encoded as plain text.
        """
        nonce = secrets.token_hex(8)
        opening, closing = f"\ufdd0{nonce}\ufdd1", f"\ufdd2{nonce}\ufdd3"  # noncharacters, never interchanged
        tags = self.capabilities.tags if self.source else TAGS[THINK]
        marker = Marker(self.control, opening, closing, tags)
        marked = [marker.mark_message(m) for m in messages]
        cut = f"\ufdd4{nonce}\ufdd5"
        if end != "begin":
            variables["add_generation_prompt"] = False
        if end == "continue":
            last = marked[-1]
            key = "content" if last.get("content") or not last.get("reasoning_content") else "reasoning_content"
            last[key] = f"{last.get(key) or ''}{cut}"
        rendered = self.render(marked, **{k: marker.mark(v) for k, v in variables.items()})
        if end == "continue":
            rendered, found, _ = rendered.rpartition(cut)
            if not found:
                failure = TemplateError("this model's chat template cannot leave the last message open to be continued")
                failure.refused = True
                raise failure
            rendered = rendered.replace(cut, "")
        parts = re.split(f"{opening}(.*?){closing}", rendered, flags=re.DOTALL)
        ids = self.tokenizer.encode_text(
            # What is between marks is plain; a mark may be left that the template cut from its partner.
            (part.replace(opening, "").replace(closing, ""), i % 2 == 0)
            for i, part in enumerate(parts)
        )
        if not ids:
            raise TemplateError("the chat template gave an empty prompt")
        return ids


@dataclass(frozen=True)
class Marker:
    """Wraps control tokens, and what could become one beside its neighbour, in every string of a value."""

    control: ControlNames | None
    opening: str
    closing: str
    tags: ThinkingTags = TAGS[THINK]

    def mark_message(self, message: Message) -> Message:
        """The message, marked; the tags of thinking in a reply of the history stay what they are. Calls that
        `adapt_messages` has written are put after its content."""
        message = dict(message)
        opening, calls, closing = message.pop("written_calls", ("", "", ""))
        marked: Message = self.mark(message)
        if message.get("role") == "assistant" and isinstance(message.get("content"), str):
            parts = re.split(f"({re.escape(self.tags.open)}|{re.escape(self.tags.close)})", message["content"])
            said = "".join(p if i % 2 else self.mark(p) for i, p in enumerate(parts))
            marked["content"] = f"{said}{opening}{self.mark(calls)}{closing}"
        return marked

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
