"""The answer that a reply ends with: what stands after its last `ANSWER:`, else what is boxed."""

from __future__ import annotations

import re
import unicodedata


def find_answer(text: str) -> str | None:
    """Without its marker; None where there is none."""
    found = re.findall(r"(?:ANSWER|RÉPONSE|REPONSE)\**\s*:\s*\**\s*(.+)", text, re.IGNORECASE)
    found = found or re.findall(r"\\boxed\{((?:[^{}]|\{[^{}]*\})*)\}", text)
    return found[-1].strip() if found else None


def last_line(text: str) -> str:
    """The last line that says something; "" where none does."""
    return next((line for line in reversed(text.splitlines()) if line.strip()), "")


def normalise_words(text: str) -> str:
    """Without what does not tell two answers apart: capitals, spaces, markup, a full stop, a leading article."""
    text = unicodedata.normalize("NFKC", text).casefold().strip().strip("*`\"'$ ").rstrip(".!").strip("*`\"'$ ")
    return re.sub(r"^(?:the|an?) (?=\w)", "", re.sub(r"\s+", " ", text))
