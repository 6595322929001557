"""Thinking apart from the answer, wherever the stream is cut."""

from __future__ import annotations

import pytest

from galop.chat.thinking import ThinkingSplitter

CASES = [
    ("<think>\nHm.\n</think>\n\nYes.", False, "Hm.", "Yes."),
    ("Hm. So </thin is no tag\n</think>\nYes.", True, "Hm. So </thin is no tag", "Yes."),
    ("<think>\n\n</think>\n\nYes.", False, "", "Yes."),
    ("Yes, <think> is a tag.", False, "", "Yes, <think> is a tag."),
    ("  \nYes.", False, "", "  \nYes."),
    ("<thin", False, "", "<thin"),
    ("<think>\ncut off", False, "cut off", ""),
    ("<think>a</think>b</think>c", False, "a", "b</think>c"),
    ("", False, "", ""),
]


@pytest.mark.parametrize(("text", "opened", "thought", "answer"), CASES)
def test_every_way_of_cutting_gives_the_same(text: str, opened: bool, thought: str, answer: str) -> None:
    for step in (1, 2, 3, 5, 7, 100):
        for offset in range(min(step, len(text) + 1)):
            splitter = ThinkingSplitter(opened)
            pieces = [text[:offset], *(text[i : i + step] for i in range(offset, len(text), step))]
            found = [part for piece in pieces for part in splitter.push(piece)] + splitter.push("", final=True)
            assert "".join(t for thinking, t in found if thinking) == thought, (step, offset)
            assert "".join(t for thinking, t in found if not thinking) == answer, (step, offset)
            order = [thinking for thinking, _ in found]
            assert order == sorted(order, reverse=True)  # never back to thinking
