"""Pieces of Lark grammars as llguidance reads them: literals, regexes, choices and repetitions.

Syntax: https://github.com/guidance-ai/llguidance/blob/main/docs/syntax.md."""

from __future__ import annotations

import json
import re

EMPTY = '""'


def literal(text: str) -> str:
    """A text as a string literal."""
    return json.dumps(text, ensure_ascii=False)


def regex(text: str) -> str:
    """A text as a regex that matches it alone."""
    return "".join(c if (c.isalnum() and c.isascii()) or c in '_ <>="' else rf"\x{{{ord(c):x}}}" for c in text)


def between_slashes(regex: str) -> str:
    """A regex as it stands between the slashes of a terminal."""
    return re.sub(r"\\.|/", lambda m: r"\/" if m[0] == "/" else m[0], regex, flags=re.DOTALL).replace("\n", r"\n")


def choice(name: str, count: int) -> str:
    """Any of the rules NAME0, NAME1, ... of which there are `count`."""
    return " | ".join(f"{name}{i}" for i in range(count))


def repeat(rule: str, most: int) -> str:
    """`rule` any number of times up to `most`."""
    return f"({rule}){{0,{most}}}" if most else ""


def sequence(name: str, items: list[tuple[str, bool]], separator: str = "", more: str = "") -> list[str]:
    """Rules for items (a rule, and whether it is required) in their order, those that are not required left out at
    will, then any number of `more`. NAMEf0 is the one to start with."""
    rules = []
    count = len(items)
    for after_first, kind in ((False, "f"), (True, "s")):
        between = f"{separator} " if separator and after_first else ""
        for i, (item, required) in enumerate(items):
            rest = f"{name}s{i + 1}"
            rules.append(f"{name}{kind}{i}: {between}{item} {rest}" + ("" if required else f" | {name}{kind}{i + 1}"))
        tail = f"({between}{more} {f'({separator} {more})*' if separator and not after_first else ''})" if more else ""
        if more and separator and after_first:
            tail = f"({separator} {more})*"
        elif more:
            tail += "?" if separator else "*"
        rules.append(f"{name}{kind}{count}: {tail or EMPTY}")
    return rules
