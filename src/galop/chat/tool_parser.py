"""Splits the stream of a reply into text and tool calls, wherever it is cut.

What may still turn out to be a call is kept back; what names no tool that was offered is text."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Literal

from galop.chat.gemma_syntax import QUOTE, gemma_to_json
from galop.chat.text_ends import overlap
from galop.chat.tool_formats import ToolCallFormat
from galop.chat.tool_syntax import parse_python_calls, parse_styled_calls, parse_tagged_calls
from galop.chat.tools import Schemas, ToolCall, ToolCallDelta, call_from_object, make_call, make_encodable

LONGEST = 1 << 17  # characters of a call that are waited for
LONGEST_HEAD = 512  # characters before the object of a call
BLANKS = 256  # at the end of a text that are kept back, since a call may follow them
LONGEST_MARK = 12  # characters of a token that may be cut
MARKUP = 3  # characters of an opening that are dropped where a limit cut it
Piece = str | ToolCallDelta | ToolCall
GrammarScope = Literal["none", "opened", "all"]
"""Which calls a grammar constrains: those with an opening, which is a control token, or every one."""

_BARE_STARTS = {
    "": (),
    "first": ('{"name":"', '```json{"name":"', '```{"name":"'),
    "anywhere": ('{"name":"', '{"type":"function","name":"'),
    "list": ("[",),
}
"""How a call without an opening begins, white space left out, by `ToolCallFormat.bare`."""
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


class BracketMatcher:
    """Finds the end of a JSON object, Python list or object of Gemma's that begins at `at` in a text that grows."""

    _patterns: Mapping[str, re.Pattern[str]] = {
        "json": re.compile(r'\\.|["{}\[\]<]', re.DOTALL),
        "python": re.compile(r"""\\.|["'{}\[\]()]""", re.DOTALL),
        "gemma": re.compile(r'<\|"\|>|<\|?tool_call\|?>|[{}\[\]]'),
    }

    def __init__(self, at: int, syntax: str = "json") -> None:
        self._pattern = self._patterns[syntax]
        self._marks = syntax == "gemma"  # whether quotes are longer than a character, and may be cut
        self._depth = 0
        self._quote = ""
        self.at = at  # up to where the text was read
        self.broken = False  # whether something came that stands in no object
        self._end = -1

    def end(self, text: str) -> int:
        """The index after the end; -1 where the text has not reached it. Reads only what is new since the last time."""
        if self._end >= 0:
            return self._end
        for found in self._pattern.finditer(text, self.at):
            mark = found[0]
            if self._quote:
                self._quote = "" if mark == self._quote else self._quote
            elif mark in ('"', "'", QUOTE):
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
        half = text.rfind("<", max(self.at, len(text) - LONGEST_MARK)) if self._marks else -1
        self.at = max(self.at, half if half >= 0 else len(text) - text.endswith("\\"))
        return -1


class ToolCallParser:
    """Reads one reply. Where a grammar constrains calls, their arguments come as `ToolCallDelta`s before each call.

    `schemas` are those of the tools that were offered. A call that the reply's token limit cuts off is dropped.
    """

    def __init__(self, format: ToolCallFormat, schemas: Schemas, scope: GrammarScope = "none") -> None:
        self._format, self._schemas, self._scope = format, schemas, scope
        self._head, self._tail = re.compile(format.head), re.compile(format.tail)
        end = "(" if format.bare == "list" else '"'
        self._bare_starts = [start + name + end for start in _BARE_STARTS[format.bare] for name in schemas]
        self._buffer = ""
        self._has_text = False  # whether there has been any text
        self._ignorable: tuple[str, ...] | None = None  # what may follow the call that was read last, and is no text
        self._opening: str | None = None  # of the call that is being read; None within text
        self._blanks = ""  # before the opening
        self._syntax = ""  # of the call that is being read
        self._bare = False  # whether it has no opening
        self._count = 0  # calls since the opening
        self._start = -1  # where the object of the call begins
        self._brackets = BracketMatcher(0)
        self._searched = 0  # up to where an end was looked for
        self._stream: _ArgumentStream | None = None  # deltas of the call that is being read
        self._streamed: set[tuple[str, str]] = set()  # calls whose deltas came, by name and arguments

    def push(self, text: str, final: bool = False, cut: bool = False) -> list[Piece]:
        """The pieces that `text` completes; `final` says that it is the last, `cut` that the token limit ended it."""
        self._buffer += text
        pieces: list[Piece] = []
        before = None
        while (state := (self._opening, len(self._buffer), self._count)) != before:
            before = state
            pieces += self._text(final, cut) if self._opening is None else self._body(final, cut)
        return [piece for piece in pieces if piece]

    def _text(self, final: bool, cut: bool) -> list[Piece]:
        """What comes before the next call; what may belong to its opening, or the blanks before it, is kept back."""
        if self._ignorable is not None and not self._skip(final):
            return []
        buffer = self._buffer
        at, _length, opening = min(
            ((at, -len(o), o) for o in self._format.openings if (at := buffer.find(o)) >= 0),
            default=(len(buffer), 0, ""),
        )
        if (alone := self._find_bare(at)) < at:
            if self._is_bare_call(buffer[alone:]):
                fence = _FENCE.match(buffer, alone)
                at, opening, self._bare = alone, fence[0] if fence else "", True
            elif not final:
                text = buffer[:alone].rstrip()
                self._buffer = buffer[len(text) :]
                return self._as_text(text)
            else:
                half = cut and len("".join(buffer[alone:].split())) >= MARKUP
                self._buffer = ""
                return self._as_text(buffer[:alone].rstrip() if half else buffer)
        if at < len(buffer):
            text = buffer[:at].rstrip()
            self._blanks, self._count, self._start, self._searched, self._stream = (
                buffer[len(text) : at],
                0,
                -1,
                0,
                None,
            )
            self._bare = self._bare or opening in self._format.kept_openings
            self._opening, self._syntax = "" if opening in self._format.kept_openings else opening, ""
            self._buffer = buffer[at + len(self._opening) :]
            return self._as_text(text)
        keep = max((overlap(buffer, o) for o in self._format.openings), default=0)
        if final:
            self._buffer = ""
            return self._as_text(buffer[: len(buffer) - keep] if cut and keep >= MARKUP else buffer)
        text = buffer[: len(buffer) - keep]
        bare = text.rstrip()
        text = bare if len(text) - len(bare) <= BLANKS else text
        self._buffer = buffer[len(text) :]
        return self._as_text(text)

    def _as_text(self, text: str) -> list[Piece]:
        self._has_text = self._has_text or bool(text)
        return [text]

    def _skip(self, final: bool) -> bool:
        """Whether what may follow a call and is no text has come, and was dropped, or does not come."""
        rest, after = self._buffer.lstrip(), self._ignorable or ()
        while found := next((end for end in after if rest.startswith(end)), None):
            rest = rest[len(found) :].lstrip()
        half = not rest or any(end.startswith(rest) for end in after)
        self._buffer, self._ignorable = "" if half and final else rest, after if half else None
        return final or not half

    def _find_bare(self, end: int) -> int:
        """Where, before `end`, a call without an opening begins, or may begin; `end` for nowhere."""
        if not self._bare_starts or (self._format.bare != "anywhere" and self._has_text):
            return end
        if self._format.bare != "anywhere":
            at = end - len(self._buffer[:end].lstrip())
            return at if self._may_be_call(self._buffer[at:end]) else end
        starts = (found.start() for found in _OBJECT.finditer(self._buffer, 0, end))
        return next((at for at in starts if self._may_be_call(self._buffer[at:end])), end)

    def _may_be_call(self, text: str) -> bool:
        spelled = "".join(text[:LONGEST_HEAD].split())
        short = len(text) <= LONGEST_HEAD
        return any(spelled.startswith(b) or (short and b.startswith(spelled)) for b in self._bare_starts)

    def _is_bare_call(self, text: str) -> bool:
        spelled = "".join(text[:LONGEST_HEAD].split())
        return any(spelled.startswith(b) for b in self._bare_starts)

    def _close(self, end: int, *after: str) -> list[Piece]:
        """The calls have been read up to `end`."""
        self._buffer, self._opening, self._bare = self._buffer[end:], None, False
        self._ignorable = after
        return []

    def _fail(self, end: int | None = None) -> list[Piece]:
        """What was read up to `end` is no call, but text; after it there may be one."""
        end = len(self._buffer) if end is None else max(end, 1)
        text = self._buffer[:end] if self._count else f"{self._blanks}{self._opening}{self._buffer[:end]}"
        self._buffer, self._opening, self._bare = self._buffer[end:], None, False
        return self._as_text(text)

    def _body(self, final: bool, cut: bool) -> list[Piece]:
        if not self._syntax and (first := self._buffer.lstrip()[:1]):
            kind = self._format.syntax
            json_in_tags = kind == "tags" and first == "{"
            built_in = self._opening == self._format.python_opening != "" and first != "{"
            self._syntax = "json" if json_in_tags else "python" if built_in else kind
        reading = {
            "json": self._objects,
            "gemma": self._objects,
            "styled": self._styled,
            "tags": self._tags,
            "python": self._list,
        }
        pieces = reading[self._syntax](final, cut) if self._syntax else []
        if pieces or self._opening is None or not (final or (len(self._buffer) > LONGEST and not self._stream)):
            return pieces
        if cut or self._stream:
            self._buffer, self._opening, self._bare = "", None, False
            return []
        return self._fail()

    def _objects(self, final: bool, cut: bool) -> list[Piece]:
        """Calls that are JSON objects, or names before objects."""
        buffer, closing = self._buffer, self._format.closing
        if self._start < 0:
            brace = buffer.find("{")
            closed = buffer.find(closing) if closing and not self._bare else -1
            if closed >= 0 and not 0 <= brace < closed:
                tail = self._tail.match(buffer)
                after = tail.end() if tail else 0
                if self._count and after < closed:
                    return self._close(after, *self._format.trailers)
                return self._close(closed + len(closing), *self._format.trailers) if self._count else self._fail(0)
            if self._count and self._bare and self._format.bare == "first":
                return self._close(0, "```" if "```" in str(self._opening) else closing)
            head = buffer[:brace] if brace >= 0 else buffer
            if brace >= 0 and self._head.fullmatch(head):
                self._start, self._brackets, self._stream = brace, BracketMatcher(brace, self._syntax), None
            elif brace >= 0 or len(head) > LONGEST_HEAD or self._cannot_be_call(head) or (final and self._count):
                tail = self._tail.match(buffer)
                return self._close(tail.end() if tail else 0, *self._format.trailers) if self._count else self._fail(0)
            else:
                return []
        end = self._brackets.end(buffer)
        if self._brackets.broken:
            end = self._brackets.at
            return self._close(end) if self._stream else self._fail(end)
        constrained = self._scope == "all" or (self._scope == "opened" and not self._bare)
        pieces = self._deltas(end) if constrained and self._syntax == "json" else []
        if end < 0:
            return pieces
        try:
            call = self._finish_call(end)
        except (ValueError, RecursionError):
            return self._fail(end)
        self._streamed |= {(self._stream.name, self._stream.text)} if self._stream else set()
        self._buffer, self._count, self._start, self._stream = buffer[end:], self._count + 1, -1, None
        return [*pieces, call]

    def _finish_call(self, end: int) -> ToolCall:
        """The call whose object ends at `end`. Raises ValueError where it is none."""
        if stream := self._stream:
            arguments = make_encodable(json.loads(stream.text, strict=False))
            return ToolCall(stream.name, arguments, stream.text if stream.started else "")
        written = self._buffer[self._start : end]
        value = json.loads(gemma_to_json(written) if self._syntax == "gemma" else written, strict=False)
        if name := self._name():
            return make_call(name, value, self._schemas)
        return call_from_object(value, self._schemas, whole=self._bare)

    def _name(self) -> str:
        head = self._head.fullmatch(self._buffer[: self._start])
        return (head.groupdict().get("name") if head else None) or ""

    def _cannot_be_call(self, head: str) -> bool:
        """Whether nothing that may still come makes a call of this."""
        rest = head.lstrip(" \n\t\r,;[")
        closing = self._format.closing
        return bool(rest) and "?P<name>" not in self._format.head and not closing.startswith(rest[: len(closing) or 1])

    def _deltas(self, end: int) -> list[Piece]:
        """The arguments of the call that is read, as far as they have come and are new."""
        buffer = self._buffer
        if self._stream is None:
            name, start = self._name(), self._start
            if not name and (len(buffer) - start <= LONGEST_HEAD or end >= 0):
                opened = _ARGUMENTS.match(buffer, start)
                name, start = (opened[1], opened.end()) if opened else ("", start)
            if name not in self._schemas:
                return []
            self._stream = _ArgumentStream(name, start)
        return self._stream.more(buffer, [text for name, text in self._streamed if name == self._stream.name])

    def _tags(self, final: bool, cut: bool) -> list[Piece]:
        """Calls as Qwen3-Coder writes them."""
        buffer = self._buffer
        start = buffer.lstrip()
        if not (start.startswith("<function=") or "<function=".startswith(start)):
            closed = buffer.find(self._format.closing)
            return self._fail(closed + len(self._format.closing) if closed >= 0 else None)
        found = (_FUNCTION if self._bare else _TAGGED).search(buffer, self._searched)
        self._searched = max(0, len(buffer) - 64)
        end = found.end() if found else -1
        if final and not found:
            last = -1 if cut else buffer.rfind(self._format.closing)
            whole = (_CUT if cut else _UNCLOSED).search(buffer, max(0, len(buffer) - 256))
            end = last + len(self._format.closing) if last >= 0 else len(buffer) if whole else -1
        if end < 0:
            return []
        try:
            calls = parse_tagged_calls(buffer[:end], self._schemas)
        except Exception:  # whatever a model writes, it must not take the engine with it
            return self._fail(end)
        self._close(end, *(self._format.trailers if self._bare or not found else ()))
        return [*calls]

    def _styled(self, final: bool, cut: bool) -> list[Piece]:
        """Calls in the tags of another family."""
        buffer, style = self._buffer, self._format.style
        assert style
        if not style.may_begin(buffer):
            return self._fail(0)
        found = style.calls_end.search(buffer, self._searched)
        self._searched = max(0, len(buffer) - LONGEST_HEAD) if len(buffer) > LONGEST_HEAD else 0
        end = found.end() if found else -1
        if final and not found and not cut and style.unclosed_end.search(buffer, max(0, len(buffer) - LONGEST_HEAD)):
            end = len(buffer)
        if end < 0:
            return []
        try:
            calls = parse_styled_calls(buffer[:end], self._schemas, style)
        except Exception:  # as above
            return self._fail(end)
        self._close(end, *(() if found else self._format.trailers))
        return [*calls]

    def _list(self, final: bool, cut: bool) -> list[Piece]:
        """Calls in Python: a list of them, or Llama 3.1's `name.call(...)`."""
        buffer = self._buffer
        if self._start < 0:
            opened = re.match(r"\s*(\[|[\w.-]+\.call(?=\())", buffer)
            if not opened:
                return self._fail(0) if len(buffer.split("(")[0]) > 200 or "(" in buffer else []
            self._start = opened.start(1)
            self._brackets = BracketMatcher(opened.end() - (opened[1] == "["), "python")
        end = self._brackets.end(buffer)
        if end < 0 and (self._brackets.broken or not final or cut):
            return self._fail() if self._brackets.broken else []
        end = end if end >= 0 else len(buffer)
        text = buffer[self._start : end]
        try:
            calls = parse_python_calls(text if text[0] == "[" else f"[{text.replace('.call(', '(', 1)}]", self._schemas)
        except Exception:  # as above
            return self._fail(end)
        self._close(end, *self._format.trailers)
        return [*calls]


class _ArgumentStream:
    """Cuts a call's arguments, which begin at `start` of the buffer, into deltas."""

    def __init__(self, name: str, start: int) -> None:
        self.name = name
        self.text = ""  # so far
        self._start = start
        self._brackets = BracketMatcher(start)
        self._sent: int | None = None

    @property
    def started(self) -> bool:
        return self._sent is not None

    def more(self, buffer: str, made: list[str]) -> list[Piece]:
        end = self._brackets.end(buffer)
        self.text = buffer[self._start : end if end >= 0 else self._brackets.at]
        if self._sent is None and any(text.startswith(self.text) for text in made):
            return []  # so far it is a call that was made before, which ends a reply
        first: list[Piece] = [ToolCallDelta(self.name, "")] if self._sent is None else []
        more = self.text[self._sent or 0 :]
        self._sent = len(self.text)
        return [*first, ToolCallDelta(self.name, more)] if more else first
