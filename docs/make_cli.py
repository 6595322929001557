"""Writes `docs/cli.md`, which is what every command says to `--help`: `python docs/make_cli.py`.

With `--check` it only says whether the page is what it would write.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

from galop.cli import app

PAGE = Path(__file__).parent / "cli.md"
WIDTH = 100
INTRO = """\
# Command line

What `galop COMMAND --help` says of each command. This page is made from the commands: `python docs/make_cli.py`.
"""


def helps(command: Any, name: str, parent: Any = None) -> Iterator[tuple[str, str]]:
    """Each command's full name and help, at a width that no terminal decides."""
    settings = {"terminal_width": WIDTH, "max_content_width": WIDTH, **command.context_settings}
    context = command.context_class(command, info_name=name, parent=parent, **settings)
    yield context.command_path, command.get_help(context)
    for sub, child in getattr(command, "commands", {}).items():
        yield from helps(child, sub, context)


def page() -> str:
    """The whole page, a heading and a block for each command."""
    blocks = [INTRO]
    for name, text in helps(typer.main.get_command(app), "galop"):
        lines = "\n".join(line.rstrip() for line in text.strip().splitlines())
        blocks.append(f"## {name}\n\n```text\n{lines}\n```\n")
    return "\n".join(blocks)


if __name__ == "__main__":
    if "--check" not in sys.argv:
        PAGE.write_text(page())
    elif PAGE.read_text() != page():
        sys.exit("docs/cli.md is not what --help says: run python docs/make_cli.py")
