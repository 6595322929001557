"""Splits what a model says into text and calls of tools, however the stream is cut."""

from __future__ import annotations

import json
import re
from typing import Literal

from galop.chat.tools import (
    Schemas,
    ToolCall,
    ToolCallDelta,
    ToolCallFormat,
    call_of,
    checked,
    in_python,
    in_tags,
    mended,
)

LONGEST = 1 << 17  # characters of a call that are waited for
LONGEST_HEAD = 512  # before the object of a call
BLANKS = 256  # at the end of a text that are kept back, since a call may follow them
MARKUP = 3  # characters of an opening that are not told where a limit cut it
Piece = str | ToolCallDelta | ToolCall
GrammarScope = Literal["none", "opened", "all"]
"""Which calls a grammar holds: those with an opening, which is a control token, or every one."""

_FENCE = re.compile(r"\s*(?:```(?:json)?\s*)?")
_ARGUMENTS = re.compile(
    r'\{\s*(?:"type"\s*:\s*"function"\s*,\s*)?"name"\s*:\s*"([^"\\]+)"\s*,\s*"(?:arguments|parameters)"\s*:\s*(?=\{)'
)
_OBJECT = re.compile(r'\{\s*(?:"|\Z)')
_TAGGED = re.compile(
    r"</(?:function|parameter)>\s*</tool_call>|<function=[^<>\n]*>\s*</tool_call>|</tool_call>(?=\s*<tool_call>)"
)
_UNCLOSED = re.compile(r"</(?:function|parameter)>\s*\Z")
_CUT = re.compile(r"(?:</parameter>|<function=[^<>\n]*>)\s*</function>\s*\Z")
_FUNCTION = re.compile(r"</function>")
_KEPT = ("<function=", "<｜tool▁call▁begin｜>")  # openings that are a part of the call


class Brackets:
    """Finds where a JSON object or a Python list, which begins at `at` in a text that grows, comes to its end."""

    _json = re.compile(r'\\.|["{}\[\]<]', re.DOTALL)
    _python = re.compile(r"""\\.|["'{}\[\]()]""", re.DOTALL)

    def __init__(self, at: int, python: bool = False) -> None:
        self._pattern = self._python if python else self._json
        self._depth = 0
        self._quote = ""
        self.at = at  # up to where it was read
        self.broken = False  # by what stands in no object
        self._end = -1

    def end(self, text: str) -> int:
        """The index after it; -1 where it goes on."""
        if self._end >= 0:
            return self._end
        for found in self._pattern.finditer(text, self.at):
            mark = found[0]
            if self._quote:
                self._quote = "" if mark == self._quote else self._quote
            elif mark in "\"'":
                self._quote = mark
            elif mark in "{[(":
                self._depth += 1
            elif mark in "}])":
                self._depth -= 1
            else:
                self.broken = True
                return -1
            self.at = found.end()
            if not self._depth and not self._quote:
                self._end = self.at
                return self._end
        self.at = max(self.at, len(text) - text.endswith("\\"))
        return -1


class ToolCallParser:
    """Reads one reply. Where a grammar holds calls, their arguments come in parts as well.

    A call names a tool that was offered; what does not is text. A call that the reply's limit cuts off is not told.
    """

    def __init__(self, form: ToolCallFormat, schemas: Schemas, held: GrammarScope = "none") -> None:
        self._form, self._schemas, self._leads = form, schemas, held
        self._head, self._tail = re.compile(form.head), re.compile(form.tail)
        bare = {
            "": (),
            "first": ('{"name":"', '```json{"name":"', '```{"name":"'),
            "anywhere": ('{"name":"', '{"type":"function","name":"'),
            "list": ("[",),
        }
        end = "(" if form.bare == "list" else '"'
        self._bare = [start + name + end for start in bare[form.bare] for name in schemas]
        self._held = ""
        self._begun = False  # whether there has been any text
        self._after: tuple[str, ...] | None = None  # what may follow the call that was read last, and is no text
        self._raw: str | None = None  # what opened the call that is read; None for a text
        self._blanks = ""  # before that
        self._kind = ""  # of what is read
        self._alone = False  # whether it has no opening
        self._calls = 0  # made since then
        self._object = -1  # where the object of the call begins
        self._brackets = Brackets(0)
        self._tried = 0  # up to where an end was looked for
        self._told: _Told | None = None  # what was told of the call that is read
        self._made: set[tuple[str, str]] = set()

    def push(self, text: str, final: bool = False, cut: bool = False) -> list[Piece]:
        """Pieces of a reply; `final` for its last, `cut` where its limit ended it."""
        self._held += text
        pieces: list[Piece] = []
        before = None
        while (state := (self._raw, len(self._held), self._calls)) != before:
            before = state
            pieces += self._text(final, cut) if self._raw is None else self._body(final, cut)
        return [piece for piece in pieces if piece]

    def _text(self, final: bool, cut: bool) -> list[Piece]:
        """What comes before the next call; what may belong to its opening, or the blanks before it, is kept back."""
        if self._after is not None and not self._skipped(final):
            return []
        held = self._held
        at, _length, opening = min(
            ((at, -len(o), o) for o in self._form.openings if (at := held.find(o)) >= 0), default=(len(held), 0, "")
        )
        if (alone := self._alone_at(at)) < at:
            if self._is_call(held[alone:]):
                fence = _FENCE.match(held, alone)
                at, opening, self._alone = alone, fence[0] if fence else "", True
            elif not final:
                text = held[:alone].rstrip()
                self._held = held[len(text) :]
                return self._said(text)
            else:
                half = cut and len("".join(held[alone:].split())) >= MARKUP
                self._held = ""
                return self._said(held[:alone].rstrip() if half else held)
        if at < len(held):
            text = held[:at].rstrip()
            self._blanks, self._calls, self._object, self._tried, self._told = held[len(text) : at], 0, -1, 0, None
            self._alone = self._alone or opening in _KEPT
            self._raw, self._kind = "" if opening in _KEPT else opening, ""
            self._held = held[at + len(self._raw) :]
            return self._said(text)
        keep = max((overlap(held, o) for o in self._form.openings), default=0)
        if final:
            self._held = ""
            return self._said(held[: len(held) - keep] if cut and keep >= MARKUP else held)
        text = held[: len(held) - keep]
        bare = text.rstrip()
        text = bare if len(text) - len(bare) <= BLANKS else text
        self._held = held[len(text) :]
        return self._said(text)

    def _said(self, text: str) -> list[Piece]:
        self._begun = self._begun or bool(text)
        return [text]

    def _skipped(self, final: bool) -> bool:
        """Whether what may follow a call and is no text has come, and was dropped, or does not come."""
        rest, after = self._held.lstrip(), self._after or ()
        while found := next((end for end in after if rest.startswith(end)), None):
            rest = rest[len(found) :].lstrip()
        half = not rest or any(end.startswith(rest) for end in after)
        self._held, self._after = "" if half and final else rest, after if half else None
        return final or not half

    def _alone_at(self, end: int) -> int:
        """Where, before `end`, a call without an opening begins, or may begin; `end` for nowhere."""
        if not self._bare or (self._form.bare != "anywhere" and self._begun):
            return end
        if self._form.bare != "anywhere":
            at = end - len(self._held[:end].lstrip())
            return at if self._may_be_call(self._held[at:end]) else end
        begun = (found.start() for found in _OBJECT.finditer(self._held, 0, end))
        return next((at for at in begun if self._may_be_call(self._held[at:end])), end)

    def _may_be_call(self, text: str) -> bool:
        spelled = "".join(text[:LONGEST_HEAD].split())
        short = len(text) <= LONGEST_HEAD
        return any(spelled.startswith(b) or (short and b.startswith(spelled)) for b in self._bare)

    def _is_call(self, text: str) -> bool:
        spelled = "".join(text[:LONGEST_HEAD].split())
        return any(spelled.startswith(b) for b in self._bare)

    def _close(self, end: int, *after: str) -> list[Piece]:
        """The calls have been read up to `end`."""
        self._held, self._raw, self._alone = self._held[end:], None, False
        self._after = after
        return []

    def _fail(self, end: int | None = None) -> list[Piece]:
        """What was read up to `end` is no call, but text; after it there may be one."""
        end = len(self._held) if end is None else max(end, 1)
        text = self._held[:end] if self._calls else f"{self._blanks}{self._raw}{self._held[:end]}"
        self._held, self._raw, self._alone = self._held[end:], None, False
        return self._said(text)

    def _body(self, final: bool, cut: bool) -> list[Piece]:
        if not self._kind and (first := self._held.lstrip()[:1]):
            kind = self._form.kind
            json_in_tags = kind == "tags" and first == "{"
            built_in = self._raw == "<|python_tag|>" and first != "{"
            self._kind = "json" if json_in_tags else "python" if built_in else kind
        reading = {"json": self._objects, "tags": self._tags, "python": self._list}
        pieces = reading[self._kind](final, cut) if self._kind else []
        if pieces or self._raw is None or not (final or (len(self._held) > LONGEST and not self._told)):
            return pieces
        if cut or self._told:
            self._held, self._raw, self._alone = "", None, False
            return []
        return self._fail()

    def _objects(self, final: bool, cut: bool) -> list[Piece]:
        """Calls that are JSON objects, or names before objects."""
        held, closing = self._held, self._form.closing
        if self._object < 0:
            brace = held.find("{")
            closed = held.find(closing) if closing and not self._alone else -1
            if closed >= 0 and not 0 <= brace < closed:
                return self._close(closed + len(closing)) if self._calls else self._fail(closed + len(closing))
            if self._calls and self._alone and self._form.bare == "first":
                return self._close(0, "```" if "```" in str(self._raw) else closing)
            head = held[:brace] if brace >= 0 else held
            if brace >= 0 and self._head.fullmatch(head):
                self._object, self._brackets, self._told = brace, Brackets(brace), None
            elif brace >= 0 or len(head) > LONGEST_HEAD or self._over(head) or (final and self._calls):
                tail = self._tail.match(held)
                return self._close(tail.end() if tail else 0, *self._form.ends) if self._calls else self._fail()
            else:
                return []
        end = self._brackets.end(held)
        if self._brackets.broken:
            end = self._brackets.at
            return self._close(end) if self._told else self._fail(end)
        pieces = self._parts(end) if self._leads == "all" or (self._leads == "opened" and not self._alone) else []
        if end < 0:
            return pieces
        try:
            call = self._called(end)
        except (ValueError, RecursionError):
            return self._fail(end)
        self._made |= {(self._told.name, self._told.text)} if self._told else set()
        self._held, self._calls, self._object, self._told = held[end:], self._calls + 1, -1, None
        return [*pieces, call]

    def _called(self, end: int) -> ToolCall:
        """The call whose object ends at `end`. Raises ValueError where it is none."""
        if told := self._told:
            return ToolCall(told.name, mended(json.loads(told.text, strict=False)), told.text if told.begun else "")
        value = json.loads(self._held[self._object : end], strict=False)
        if name := self._name():
            return checked(name, value, self._schemas)
        return call_of(value, self._schemas, whole=self._alone)

    def _name(self) -> str:
        head = self._head.fullmatch(self._held[: self._object])
        return (head.groupdict().get("name") if head else None) or ""

    def _over(self, head: str) -> bool:
        """Whether nothing that may still come makes a call of this."""
        rest = head.lstrip(" \n\t\r,;[")
        closing = self._form.closing
        return bool(rest) and "?P<name>" not in self._form.head and not closing.startswith(rest[: len(closing) or 1])

    def _parts(self, end: int) -> list[Piece]:
        """The arguments of the call that is read, as far as they have come and were not told."""
        held = self._held
        if self._told is None:
            name, start = self._name(), self._object
            if not name and (len(held) - start <= LONGEST_HEAD or end >= 0):
                opened = _ARGUMENTS.match(held, start)
                name, start = (opened[1], opened.end()) if opened else ("", start)
            if name not in self._schemas:
                return []
            self._told = _Told(name, start)
        return self._told.more(held, [text for name, text in self._made if name == self._told.name])

    def _tags(self, final: bool, cut: bool) -> list[Piece]:
        """Calls as Qwen3-Coder writes them."""
        held = self._held
        begun = held.lstrip()
        if not (begun.startswith("<function=") or "<function=".startswith(begun)):
            closed = held.find(self._form.closing)
            return self._fail(closed + len(self._form.closing) if closed >= 0 else None)
        found = (_FUNCTION if self._alone else _TAGGED).search(held, self._tried)
        self._tried = max(0, len(held) - 64)
        end = found.end() if found else -1
        if final and not found:
            last = -1 if cut else held.rfind(self._form.closing)
            whole = (_CUT if cut else _UNCLOSED).search(held, max(0, len(held) - 256))
            end = last + len(self._form.closing) if last >= 0 else len(held) if whole else -1
        if end < 0:
            return []
        try:
            calls = in_tags(held[:end], self._schemas)
        except Exception:  # whatever a model writes, it must not take the engine with it
            return self._fail(end)
        self._close(end, *(self._form.ends if self._alone or not found else ()))
        return [*calls]

    def _list(self, final: bool, cut: bool) -> list[Piece]:
        """Calls in Python: a list of them, or Llama 3.1's `name.call(...)`."""
        held = self._held
        if self._object < 0:
            opened = re.match(r"\s*(\[|[\w.-]+\.call(?=\())", held)
            if not opened:
                return self._fail() if len(held.split("(")[0]) > 200 or "(" in held else []
            self._object = opened.start(1)
            self._brackets = Brackets(opened.end() - (opened[1] == "["), python=True)
        end = self._brackets.end(held)
        if end < 0 and (self._brackets.broken or not final or cut):
            return self._fail() if self._brackets.broken else []
        end = end if end >= 0 else len(held)
        text = held[self._object : end]
        try:
            calls = in_python(text if text[0] == "[" else f"[{text.replace('.call(', '(', 1)}]", self._schemas)
        except Exception:  # as above
            return self._fail(end)
        self._close(end, *self._form.ends)
        return [*calls]


class _Told:
    """What has been told of a call's arguments, which begin at `start`."""

    def __init__(self, name: str, start: int) -> None:
        self.name = name
        self.text = ""  # so far
        self._start = start
        self._brackets = Brackets(start)
        self._sent: int | None = None

    @property
    def begun(self) -> bool:
        return self._sent is not None

    def more(self, held: str, made: list[str]) -> list[Piece]:
        end = self._brackets.end(held)
        self.text = held[self._start : end if end >= 0 else self._brackets.at]
        if self._sent is None and any(text.startswith(self.text) for text in made):
            return []  # so far it is a call that was made before, which ends a reply
        first: list[Piece] = [ToolCallDelta(self.name, "")] if self._sent is None else []
        more = self.text[self._sent or 0 :]
        self._sent = len(self.text)
        return [*first, ToolCallDelta(self.name, more)] if more else first


def overlap(text: str, opening: str) -> int:
    """Length of the longest end of `text` that begins `opening`."""
    return next((n for n in range(min(len(text), len(opening) - 1), 0, -1) if text.endswith(opening[:n])), 0)
