"""How families write the arguments of a call in tags, one tag a value: what readers look for and grammars hold to."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property

LONGEST_NAME = 128


@dataclass(frozen=True)
class TagStyle:
    """The tags of one family. `{name}` stands for the name of a tool or an argument, `{text}` for "true" where a value
    is text and "false" where it is not."""

    function: str  # before the arguments
    function_end: str  # after them
    parameter: str  # before a value
    parameter_end: str  # after it
    closing: str  # of the calls
    loose: bool = False  # whether the line breaks in these may be left out

    @cached_property
    def function_pattern(self) -> re.Pattern[str]:
        """Finds where a call begins; its group 1 is the name."""
        return re.compile(rf"\s*{_pattern(self.function)}")

    @cached_property
    def parameter_pattern(self) -> re.Pattern[str]:
        """Finds where a value begins; its group 1 is the name, `text` what is said of it being text."""
        return re.compile(rf"\s*{_pattern(self.parameter)}")

    @cached_property
    def value_end(self) -> re.Pattern[str]:
        """Finds where a value ends: at its tag, where another value or the end of the call follows."""
        after = [self.parameter.partition("{name}")[0], self.function_end, self.closing]
        follows = "|".join(re.escape(tag.strip()) for tag in after if tag)
        return re.compile(rf"{re.escape(self.parameter_end.strip())}\s*(?=(?:{follows})|\Z)|\Z")

    @cached_property
    def calls_end(self) -> re.Pattern[str]:
        """Finds where calls end."""
        last = re.escape(self.function_end.strip()) or rf"(?:{re.escape(self.parameter_end.strip())}|\A\s*[^\s<]+)"
        return re.compile(rf"{last}\s*{re.escape(self.closing)}")

    @cached_property
    def unclosed_end(self) -> re.Pattern[str]:
        """Finds the end of a whole call after which nothing closes the calls."""
        return re.compile(rf"{re.escape((self.function_end or self.parameter_end).strip())}\s*\Z")

    def may_begin(self, text: str) -> bool:
        """Whether a call begins with this text, or with what it may become."""
        text, start = text.lstrip(), self.function.partition("{name}")[0]
        if not start.startswith(text) and not text.startswith(start):
            return False
        name = self.function_pattern.match(text)
        if not name:
            return len(text) < len(start) + LONGEST_NAME
        rest = text[name.end() :].lstrip()
        after = (self.parameter.partition("{name}")[0], self.function_end.strip() or self.closing)
        return any(tag.startswith(rest[: len(tag)]) for tag in after)


def _pattern(tag: str) -> str:
    before, _, after = tag.strip().partition("{name}")
    after = re.escape(after).replace(re.escape("{text}"), "(?P<text>true|false)").replace("\\\n", r"\s*")
    return rf"{re.escape(before)}([^\s<>\"]+){after}"


CODER = TagStyle("<function={name}>\n", "</function>", "<parameter={name}>\n", "\n</parameter>\n", "</tool_call>")
GLM = TagStyle("{name}\n", "", "<arg_key>{name}</arg_key>\n<arg_value>", "</arg_value>\n", "</tool_call>", loose=True)
SEED = TagStyle("<function={name}>\n", "</function>", "<parameter={name}>", "</parameter>\n", "</seed:tool_call>")
DSML = TagStyle(
    '<｜DSML｜invoke name="{name}">\n', "</｜DSML｜invoke>\n",
    '<｜DSML｜parameter name="{name}" string="{text}">', "</｜DSML｜parameter>\n", "</｜DSML｜function_calls>",
)  # fmt: skip
