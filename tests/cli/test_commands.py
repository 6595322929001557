"""The commands as they are declared: where they stand, what they import, what they read, what the docs say of them."""

from __future__ import annotations

import ast
import inspect
import os
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
import typer
from command import run

from galop.cli import app
from galop.engine.states import KVType
from galop.race.question import Language

ROOT = Path(__file__).parents[2]
HEAVY = ("numpy", "rich", "tokenizers", "huggingface_hub", "asyncio", "galop.store", "galop.chat", "galop.engine")


def leaves(command: Any, name: str = "galop") -> Iterator[tuple[str, Any]]:
    children = getattr(command, "commands", {})
    if not children:
        yield name, command
    for sub, child in children.items():
        yield from leaves(child, f"{name} {sub}")


COMMANDS = dict(leaves(typer.main.get_command(app)))


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_is_read(name: str) -> None:
    function = inspect.unwrap(COMMANDS[name].callback)
    [tree] = ast.parse(textwrap.dedent(inspect.getsource(function))).body
    assert isinstance(tree, ast.FunctionDef)
    body = [node for statement in tree.body for node in ast.walk(statement)]
    read = {node.id for node in body if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}
    declared = set(inspect.signature(function).parameters)
    assert declared <= read, f"{name} does not read {', '.join(declared - read)}"


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_and_option_says_what_it_is_for(name: str) -> None:
    command = COMMANDS[name]
    assert command.help and "Example" in command.epilog and "galop" in command.epilog
    for parameter in command.params:
        assert parameter.help, f"{name}: {parameter.name}"


def test_an_option_of_a_kind_offers_every_kind() -> None:
    [kv] = [parameter for parameter in COMMANDS["galop run"].params if parameter.name == "kv"]
    assert tuple(kv.type.choices) == get_args(KVType)
    [lang] = [parameter for parameter in COMMANDS["galop race run"].params if parameter.name == "lang"]
    assert tuple(lang.type.choices) == get_args(Language)


def test_help_imports_no_more_than_options_need() -> None:
    code = (
        "import contextlib, io, sys; from galop.cli import app\n"
        "with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit): app(['--help'])\n"
        f"print([m for m in {HEAVY} if m in sys.modules], 'galop.cli.run' in sys.modules)"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    assert result.stdout == "[] True\n"


def test_a_command_imports_no_other_commands_file() -> None:
    code = (
        "import sys; from galop.cli import app, Commands\n"
        "try: app(['launch'])\n"
        "except SystemExit: pass\n"
        "print([n for n in Commands.names if f'galop.cli.{n}' in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    assert result.stdout.splitlines()[-1] == "['launch']"


def test_the_reference_is_what_help_says() -> None:
    command = [sys.executable, ROOT / "docs" / "make_cli.py", "--check"]
    result = subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, "COLUMNS": "40"})
    assert result.returncode == 0, result.stderr  # which says what to run


def test_help_names_every_command() -> None:
    result = run("--help")
    assert result.returncode == 0
    for command in ("run", "pull", "list", "show", "rm", "bench", "serve", "launch", "translate"):
        assert command in result.stdout.decode()
        assert "Example" in run(command, "--help").stdout.decode()
    code = "import sys, galop.cli; print([m for m in ('numpy', 'torch', 'transformers', 'tokenizers') if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout.strip() == b"[]"


def test_completion_and_suggestions_know_the_commands() -> None:
    def complete(words: str, position: int) -> list[str]:
        env = {"_GALOP_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": str(position)}
        result = subprocess.run(
            [sys.executable, "-c", "from galop.cli import app; app(prog_name='galop')"],
            capture_output=True, text=True, check=True, env={**os.environ, **env},
        )  # fmt: skip
        return result.stdout.split()

    assert complete("galop r", 1) == ["run", "rm", "race"]
    assert complete("galop race s", 2) == ["show"]
    assert complete("galop run --kv ", 3) == ["f16", "int8"]
    named = {"_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"}  # else it is asked of whatever started the tests
    assert b"complete_bash" in run("--show-completion", "bash", env=named).stdout
    mistyped = run("rnu")
    assert mistyped.returncode == 2 and b"Did you mean 'run'?" in mistyped.stderr
