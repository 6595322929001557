"""Lark rules for arguments that are written in tags (`tag_style`)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from galop.chat import lark
from galop.chat.argument_grammar import is_text, json_rule, text_bounds
from galop.chat.tag_style import TagStyle
from galop.chat.tool_schema import FlatSchema, ToolSchema, alternatives, flatten, subschema

LINE = 'LINE: "\\n"'
"""That rules of a loose style refer to."""
NAME = "/[A-Za-z_][A-Za-z0-9_.-]{0,63}/"


class TagRules:
    """Rules for the arguments of tools. `marks` are control tokens of the vocabulary in Lark, by their names."""

    def __init__(self, style: TagStyle, marks: Mapping[str, str]) -> None:
        self.style = style
        self.marks = marks
        self._names = re.compile("|".join(map(re.escape, sorted(marks, key=len, reverse=True))) or r"(?!)")

    def tag(self, text: str) -> str:
        """A tag in Lark, the control tokens in it as such."""
        parts, at = [], 0
        for found in self._names.finditer(text):
            parts += [self._literal(text[at : found.start()]), self.marks[found[0]]]
            at = found.end()
        return " ".join(part for part in (*parts, self._literal(text[at:])) if part)

    def _literal(self, text: str) -> str:
        if not text:
            return ""
        pieces = re.split(r"(\n)", text) if self.style.loose else [text]
        return " ".join("LINE?" if p == "\n" and self.style.loose else lark.literal(p) for p in pieces if p)

    def arguments(self, name: str, tool: ToolSchema) -> list[str]:
        """Rules for all arguments of a tool, of which `name` is the first. Raises ConstraintError for a strict tool
        whose schema cannot be said in tags."""
        objects = flatten(tool) or [FlatSchema({}, frozenset(), None)]
        rules = [f"{name}: " + " | ".join(f"{name}o{i}f0" for i in range(len(objects)))]
        for i, one in enumerate(objects):
            items = []
            for j, (key, schema) in enumerate(one.properties.items()):
                rule = f"{name}o{i}v{j}"
                rules += self._argument(rule, lark.literal(key), schema, tool)
                items.append((rule, key in one.required))
            more = ""
            if one.more is not None:
                more = f"{name}o{i}n"
                rules += self._argument(more, NAME, one.more, tool)
            rules += lark.sequence(f"{name}o{i}", items, more=more)
        return rules

    def _argument(self, rule: str, key: str, schema: Any, tool: ToolSchema) -> list[str]:
        """Rules for one argument with its tags; `key` is its name in Lark."""
        choice = alternatives(schema, tool.schema)
        texts = [one for one in choice if is_text(one) or isinstance(one.get("const"), str)]
        others = [one for one in choice if one not in texts]
        rules: list[str] = []
        ways: list[str] = []
        if texts:
            written, more = self._texts(rule, texts)
            ways.append(f"{self._opening(key, True)} ({written})")
            rules += more
        # A value that may be any text has no need of another way, unless its tag says which it is.
        free = any(is_text(one) and not text_bounds(one) for one in texts)
        if others and not (free and "{text}" not in self.style.parameter):
            whole = schema if len(others) == len(choice) else {"anyOf": others}
            value = json_rule(tool, subschema(tool.schema, whole))
            ways.append(f"{self._opening(key, False)} {value} {self.tag(self.style.parameter_end)}")
        return [f"{rule}: {' | '.join(ways)}", *rules]

    def _opening(self, key: str, text: bool) -> str:
        before, _, after = self.style.parameter.replace("{text}", "true" if text else "false").partition("{name}")
        return f"{self.tag(before)} {key} {self.tag(after)}"

    def _texts(self, rule: str, texts: list[dict[str, Any]]) -> tuple[str, list[str]]:
        """What stands for texts of these schemas, with the tag after them, and rules for it."""
        if any(is_text(one) and not text_bounds(one) for one in texts):
            return f"{rule}t", self._until_end(f"{rule}t", "")
        ways, rules = [], []
        for i, one in enumerate(texts):
            if isinstance(const := one.get("const"), str):
                ways.append(f"{lark.literal(const) if const else ''} {self.tag(self.style.parameter_end)}")
            else:
                ways.append(f"{rule}t{i}")
                rules += self._until_end(f"{rule}t{i}", " & ".join(text_bounds(one)))
        return " | ".join(ways), rules

    def _until_end(self, rule: str, limits: str) -> list[str]:
        """A text up to and with the tag that ends it. `limits` are regexes in Lark."""
        end, terminal = self.style.parameter_end, rule.upper()
        if token := self._names.search(end):  # which no text holds, so that the text may be as long as it will
            before, rest = end[: token.start()], self.tag(end[token.start() :])
            if limits:
                body = f"({limits}) {lark.literal(before)}" if before else f"{limits} & /(?s:.+)/"
            else:
                body = f"/(?s:.*){lark.regex(before)}/" if before else "/(?s:.+)/"
            return [f"{rule}: {terminal}{'' if before or limits else '?'} {rest}", f"{terminal}: {body}"]
        tag, after = (end.rstrip("\n"), end[len(end.rstrip("\n")) :]) if self.style.loose else (end, "")
        following = f" {self.tag(after)}" if after else ""
        if not limits:
            return [f"{rule}: {rule}e{following}", f"{rule}e[lazy]: /(?s:.*){lark.regex(tag)}/"]
        return [
            f"{rule}: {rule}e{following}",
            f"{rule}e[lazy]: {terminal}",
            f"{terminal}: ({limits}) {lark.literal(tag)}",
        ]
