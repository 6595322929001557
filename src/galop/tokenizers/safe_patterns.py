"""Whether a stranger's regular expression can be let near a matcher that backtracks, judged by its form alone."""

from __future__ import annotations

import re
from dataclasses import dataclass

MAX_PATTERN = 4096  # characters


def is_safe(pattern: str) -> bool:
    """Whether a backtracking matcher cannot take exponential time or memory over it.

    Nothing of varying length may be repeated as a whole, no more than two open repetitions may follow each other, and
    nothing refers back.
    """
    if re.search(r"\\[1-9gk]|\(\?[R&P(~{\d+-]|\(\*|\\[KGXR]", pattern) or len(pattern) > MAX_PATTERN:
        return False
    groups = [_Group()]
    closed: _Group | None = None
    at = 0
    while at < len(pattern):
        mark = pattern[at]
        if at and (quantifier := _QUANTIFIER.match(pattern, at)):
            low, comma, high = quantifier[0].strip("{}").partition(",")
            open_end = quantifier[0] in "*+" or bool(comma and not high)
            exact = low.isdigit() and not comma
            counted = max([int(n) for n in (low, high) if n.isdigit()], default=0)
            if counted > 64 or (closed and (open_end or counted > 1) and (closed.most or closed.choice)):
                return False
            groups[-1].open += open_end
            groups[-1].choice |= not exact
            at = quantifier.end()
            at += pattern[at : at + 1] in ("?", "+") if at < len(pattern) else 0  # lazy, possessive
            closed = None
        elif mark == "\\":
            escape = _ESCAPE.match(pattern, at)
            closed, at = None, escape.end() if escape else at + 2
        elif mark == "[":
            closed, at = None, _class_end(pattern, at)
        elif mark == "(":
            groups.append(_Group())
            closed, at = None, at + 1
            if head := _GROUP_HEAD.match(pattern, at):
                at = head.end()
        elif mark == ")":
            if len(groups) == 1:
                return False
            closed, at = groups.pop(), at + 1
            groups[-1].open += closed.most
            groups[-1].choice |= closed.choice
        elif mark == "|":
            groups[-1].longest, groups[-1].open = groups[-1].most, 0
            groups[-1].choice |= len(groups) > 1
            closed, at = None, at + 1
        else:
            closed, at = None, at + 1
        if groups[-1].most > 2:
            return False
    return len(groups) == 1


_QUANTIFIER = re.compile(r"[*+?]|\{\d*,?\d*\}")
_ESCAPE = re.compile(r"\\[pP]\{[^}]*\}|\\x\{[^}]*\}|\\.", re.DOTALL)
_GROUP_HEAD = re.compile(r"\?(?:<?[=!]|[:>]|[a-zA-Z]+:)")


@dataclass
class _Group:
    """Of a regular expression: open repetitions in the branch at hand and in its longest before, whether it varies."""

    open: int = 0
    longest: int = 0
    choice: bool = False

    @property
    def most(self) -> int:
        return max(self.open, self.longest)


def _class_end(pattern: str, at: int) -> int:
    """Where the bracket expression that begins at `at` ends."""
    depth, at = 1, at + 1
    at += pattern[at : at + 1] == "^"
    at += pattern[at : at + 1] == "]"
    while at < len(pattern) and depth:
        depth += {"[": 1, "]": -1}.get(pattern[at], 0)
        at += 2 if pattern[at] == "\\" else 1
    return at
