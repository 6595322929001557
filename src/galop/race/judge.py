"""Whether an answer is right: by the rules of its question, as a number in a unit, or by its words."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from galop.race.question import Question
from galop.race.rules import RULES
from galop.science.answers import find_answer, last_line, normalise_words


@dataclass(frozen=True)
class Judgement:
    """Whether an answer is right; what was read in it; if it is wrong, what the slip looks like."""

    right: bool
    value: float | str | None
    slip: str = ""


def judge(question: Question, reply: str) -> Judgement:
    """Whether a whole reply answers a question rightly."""
    if question.rules:
        broken = [name for name, wanted in question.rules if not RULES[name](reply, wanted)]
        return Judgement(not broken, None, ", ".join(broken))
    if question.unit is not None:
        from galop.science.score import judge_number

        assert not isinstance(question.answer, str)
        found = judge_number(reply, question.answer, question.unit, question.tolerance, question.language)
        return Judgement(found.right, found.value, found.slip)
    line = find_answer(reply)
    said = line if line is not None else last_line(reply)
    wanted = str(question.answer)
    if normalise_words(said) == normalise_words(wanted) or is_near(said, wanted, question.tolerance):
        return Judgement(True, said[:200])
    return Judgement(False, said[:200], "wrong" if line is not None or question.bare else "no answer line")


def is_near(said: str, wanted: str, tolerance: float) -> bool:
    """Whether both are one number each, and the same; what is said may have a word or a currency with it."""
    a, b = parse_plain_number(re.sub(r"[€£]|(?<=\d)\s*[^\W\d_]{2,}\.?$", "", said.strip())), parse_plain_number(wanted)
    return a is not None and b is not None and abs(a - b) <= max(tolerance * abs(b), 1e-9 * abs(b))


def parse_plain_number(text: str) -> float | None:
    """Of a text that is nothing else, but for markup. A comma before three digits parts thousands, else decimals."""
    text = re.sub(r"\\[,;!]|[\s_$*%]", "", text).replace("−", "-").rstrip(".")
    if re.fullmatch(r"[-+]?\d{1,3}(?:,\d{3})+(?:\.\d*)?", text):
        text = text.replace(",", "")
    elif text.count(",") == 1 and "." not in text:
        text = text.replace(",", ".")
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None
