"""What strangers wrote, at a terminal: it may not move the cursor, colour, hide, reorder or copy anything.

Model text, names, licences, templates' errors, tools' words and what clients send end up in prints and logs all over;
so the streams themselves write such characters out, and what Galop draws goes to the stream beneath.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable
from typing import Any, TextIO, cast

# Control characters, but for tab and the ends of lines; marks that change a text's direction, or that take no space;
# joiners, which emoji and some scripts need, after ASCII.
UNSEEN = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b\u200e\u200f\u2028-\u202e"
    "\u2060-\u206f\u3164\ud800-\udfff\ufeff\uffa0\ufff9-\ufffb\U0001d173-\U0001d17a\U000e0000-\U000e007f]"
    "|\r(?!\n)|(?<=[\x00-\x7f])[\u200c\u200d]"
)
# Also other spaces, and everything that could make two texts look alike because a part of one is not seen.
STRICT = re.compile(
    UNSEEN.pattern + "|[\t\r\n\xa0\u1680\u180b-\u180d\u2000-\u200f\u202f\u205f\u2800\u3000\ufe00-\ufe0f"
    "\U000e0100-\U000e01ef]"
)


def visible(text: str, unseen: re.Pattern[str] = UNSEEN) -> str:
    r"""With what is not to be seen written out as JSON does, such as \u001b, so that JSON stays the same value."""
    return unseen.sub(_escape, text)


def _escape(match: re.Match[str]) -> str:
    units = match[0].encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[i]:02x}{units[i + 1]:02x}" for i in range(0, len(units), 2))


class HarmlessStream:
    """A text stream that escapes control characters: a terminal shows what is written and obeys none of it."""

    def __init__(self, stream: TextIO) -> None:
        self.underlying = stream

    def write(self, text: str) -> int:
        """Writes a text so that all of it is seen; how many characters it has."""
        self.underlying.write(visible(text))
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        """Writes each as `write` does."""
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.underlying, name)


def guard() -> None:
    """From here on, standard error and standard output escape what is written, also into a pipe, since `| cat` and
    `| head` bring it to a terminal all the same; what goes to an `unescaped` stream is left as it is."""
    sys.stderr = harmless(sys.stderr)
    sys.stdout = harmless(sys.stdout)


def unescaped(stream: TextIO) -> TextIO:
    """The stream without escaping, unless it is a terminal: a file or a program gets an answer unchanged."""
    return stream if stream.isatty() else underlying(stream)


def harmless(stream: TextIO) -> TextIO:
    """The stream as a `HarmlessStream`; None, which a closed one may be, stays None."""
    return stream if stream is None or isinstance(stream, HarmlessStream) else cast(TextIO, HarmlessStream(stream))


def underlying(stream: TextIO) -> TextIO:
    """The stream without escaping, for bars, styles and lines drawn over; others' text needs `visible` first."""
    return cast(TextIO, getattr(stream, "underlying", stream))


DIM, BOLD = "2", "1"
LONG_PROMPT = 512  # tokens from which reading takes long enough to be shown


def prepare_streams() -> None:
    """Standard output and error as every command has them: there, never failing at a character, and guarded."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # it was closed by who started this, and whatever is said goes nowhere
            setattr(sys, name, open(os.devnull, "w"))  # noqa: SIM115, PTH123
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # a terminal that cannot show a character gets a stand-in
    guard()


def print_styled(text: str, style: str, stream: TextIO, end: str = "\n") -> None:
    """Prints a text, in that style if it is for a terminal."""
    on, off = (f"\x1b[{style}m", "\x1b[0m") if stream.isatty() and "NO_COLOR" not in os.environ else ("", "")
    print(f"{on}{visible(text)}{off}", end=end, file=underlying(stream), flush=True)


def note(text: str) -> None:
    """A line for the person, kept apart from the answer."""
    print_styled(text, DIM, sys.stderr)


class ReplyPrinter:
    """Prints a reply as it comes: the answer on standard output, where its reader wants it, thinking and how far a long
    prompt has been read on standard error, for the person who watches."""

    def __init__(self) -> None:
        self._thought = self._answered = False

    def read(self, done: int, total: int) -> None:
        """How much of the prompt has been read: rewritten in place, wiped when all has been."""
        if total > LONG_PROMPT and sys.stderr.isatty():
            read = f"reading {done} of {total} tokens" if done < total else ""
            print(f"\r\x1b[K{read}", end="", file=underlying(sys.stderr), flush=True)

    def text(self, piece: str, thinking: bool) -> None:
        """A piece of the thinking or of the answer."""
        if thinking:
            self._thought = True
            print_styled(piece, DIM, sys.stderr, end="")
            return
        if self._thought and not self._answered:
            print("\n", file=sys.stderr, flush=True)
        self._answered = True
        print(piece, end="", file=unescaped(sys.stdout), flush=True)
