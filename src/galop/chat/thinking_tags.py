"""The tags between which families of models think: one table, `TAGS`, that templates, replies and budgets go by."""

from __future__ import annotations

from dataclasses import dataclass

from galop.chat.harmony import CALL, CHANNEL, CONSTRAIN, END, MESSAGE, RETURN, START


@dataclass(frozen=True)
class ThinkingTags:
    """What opens and closes thinking in a reply. `open` and `close` are control tokens, or spelled like ones."""

    open: str
    close: str
    title: str = ""  # what follows the opening and is no thought
    before_answer: str = "\n\n"  # what the model writes between the closing tag and an answer
    again: bool = False  # whether a reply may open its thinking more than once, and later than with its first word
    messages: bool = False  # whether a reply consists of messages with headers (Harmony)
    alone: bool = False  # whether a template that names the closing tag alone thinks, too

    @property
    def tokens(self) -> tuple[str, ...]:
        """The control tokens by which thinking is told from an answer."""
        return (self.open, self.close, *((START, MESSAGE, CONSTRAIN, CALL, RETURN) if self.messages else ()))

    @property
    def opening(self) -> str:
        """What opens the thinking, as it is written."""
        return self.open + self.title


THINK = "think"
TAGS = {
    "harmony": ThinkingTags(
        CHANNEL, END, f"analysis{MESSAGE}", before_answer=f"{START}assistant", again=True, messages=True
    ),
    "gemma": ThinkingTags("<|channel>", "<channel|>", "thought\n", "", again=True),
    "mistral": ThinkingTags("[THINK]", "[/THINK]", before_answer=""),
    "seed": ThinkingTags("<seed:think>", "</seed:think>", before_answer="\n"),
    THINK: ThinkingTags("<think>", "</think>", alone=True),
}
"""By name; of those that a template names, the first is its model's."""


def find_tags(source: str) -> str:
    """The name in TAGS of the tags that a template names; THINK where it names none."""
    named = (name for name, tags in TAGS.items() if tags.close in source and (tags.alone or tags.open in source))
    return next(named, THINK)
