"""Commands in files of their own, which are imported when one is called, listed or completed.

A command's file declares `app`, a Typer of one command, and imports no more than its options need: `galop --help` reads
all of these files.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Any, ClassVar

import typer
import typer.core


def command_app(group: type[typer.core.TyperGroup] | None = None) -> typer.Typer:
    """The `app` of a file, for one command or for a group; completion options has only `galop` itself."""
    return typer.Typer(cls=group, add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)


def examples(*lines: str) -> str:
    """The end of a command's help: what might be typed, a line each."""
    return "\b\nExamples:\n" + "\n".join(f"  {line}" for line in lines)


class CommandFiles(Mapping[str, Any]):
    """Commands by name, each built from its file's `app` when it is asked for."""

    def __init__(self, package: str, names: tuple[str, ...]) -> None:
        self._package = package
        self._names = names

    def __getitem__(self, name: str) -> Any:
        if name not in self._names:
            raise KeyError(name)
        return typer.main.get_command(import_module(f"{self._package}.{name}").app)

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


class LazyGroup(typer.core.TyperGroup):
    """A group whose commands are the files of a package, in the order in which they are listed."""

    package: ClassVar[str]
    names: ClassVar[tuple[str, ...]]

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.commands = CommandFiles(self.package, self.names)  # type: ignore[assignment]
