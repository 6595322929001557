"""The tools that `--tools` names, and the question whether a call may be carried out."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from importlib.util import find_spec
from typing import Any

from galop.agent.planner import NEEDED, own_child
from galop.agent.toolbox import Toolbox, ToolboxGroup
from galop.chat.tools import ToolCall
from galop.cli.errors import UsageError, missing_extra
from galop.terminal import STRICT, visible

SCIENCE = "science"  # computes technical questions, and is no toolbox
LONGEST_CALL = 24  # lines of a call that is to be allowed


@contextmanager
def open_toolboxes(names: Sequence[str]) -> Iterator[Toolbox | None]:
    """The tools of those names, as long as they are needed. Raises UsageError for a name that is none, GalopError for a
    server that cannot be reached."""
    if not names:
        yield None
        return
    with ExitStack() as stack:
        yield ToolboxGroup([open_toolbox(name, stack) for name in names])


def open_toolbox(name: str, stack: ExitStack) -> Toolbox:
    """One of them, which `stack` closes. Raises UsageError, GalopError."""
    if not name.startswith(("http://", "https://")) and not shutil.which(name.split()[0] if name.split() else ""):
        raise UsageError(f"--tools {name}: that is neither science nor a URL nor a command that is installed")
    try:
        from galop.agent.mcp import McpToolbox
    except ImportError as error:
        raise missing_extra(error, "science") from None
    server = McpToolbox(name)
    stack.callback(server.close)
    return server


def start_science() -> None:
    """Starts what computes, while a model is loaded. Raises UsageError where its extra is not installed."""
    if absent := next((name for name in NEEDED if find_spec(name) is None), None):
        raise missing_extra(ImportError(name=absent), "science")
    own_child().start()


def ask_permission(call: ToolCall) -> bool:
    """Asks the person at the terminal; where there is none, no."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        return False
    drop_typed_ahead()
    text = spell_out(call, shutil.get_terminal_size().columns)
    print(f"\n{text}\nCall it? [y/N] ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def spell_out(call: ToolCall, columns: int) -> str:
    """A call for the person who has to allow it: nothing in it can be taken for something else on the screen.

    Every line of an argument begins with a bar, is broken here and not by the terminal, and holds what can be seen; how
    much of a long one is left out stands on a line that begins with none.
    """
    from rich.cells import chop_cells

    def quote(value: Any) -> str:
        return visible(json.dumps(value, ensure_ascii=False), STRICT)

    lines: list[str] = []
    for name, value in call.arguments.items():
        lines += chop_cells(f"{quote(name)}: {quote(value)}", max(20, columns - 6))
    rows = [f"  | {line}" for line in lines]
    if len(lines) > LONGEST_CALL:
        head, tail = LONGEST_CALL * 3 // 4, LONGEST_CALL // 4
        hidden = sum(map(len, lines[head:-tail]))
        rows[head:-tail] = [f"  ({hidden} of {sum(map(len, lines))} characters are left out here)"]
    return "\n".join([f"The model wants to call {quote(call.name)} with {len(call.arguments)} arguments:", *rows])


def drop_typed_ahead() -> None:
    """What was typed before a question was there is no answer to it."""
    with suppress(ImportError, OSError):
        import termios

        termios.tcflush(sys.stdin, termios.TCIFLUSH)
