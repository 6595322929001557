"""The command line: which commands there are. Each has a file of its own, which is imported when it is called."""

from __future__ import annotations

import contextlib
import signal
import sys
from typing import Annotated

import typer

from galop.cli.group import LazyGroup, examples
from galop.errors import GalopError
from galop.terminal import prepare_streams


class Commands(LazyGroup):
    """The commands, in the order of `galop --help`."""

    package = "galop.cli"
    names = (
        "run", "pull", "list", "show", "rm", "science", "mcp", "train", "bench", "serve", "batch", "launch",
        "translate", "fit", "race", "keys",
    )  # fmt: skip


app = typer.Typer(
    name="galop",
    cls=Commands,
    help="Find the open model that answers your questions on your CPU.",
    epilog=examples("galop run 'Why is the sky blue?'", "galop run qwen3:0.6b", "cat error.log | galop run 'explain'"),
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


@app.callback(invoke_without_command=True)
def galop(version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False) -> None:
    if version:
        from galop.version import __version__

        print(f"galop {__version__}")
        raise typer.Exit


def main() -> None:
    """The `galop` command. Exit codes: 0 done, 1 failed, 2 wrong use or bad file, 130 interrupted."""
    prepare_streams()
    try:
        app()
    except GalopError as error:
        print("galop: " + str(error).replace("\n", "\\n"), file=sys.stderr)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:
        with contextlib.suppress(OSError):
            sys.stdout.close()
        sys.exit(141)
    except MemoryError:
        print("galop: out of memory; take a smaller model or --context", file=sys.stderr)
        sys.exit(1)
    except OSError as error:
        print(f"galop: {error.filename or 'input/output'}: {error.strerror or error}", file=sys.stderr)
        sys.exit(1)
    finally:
        if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # or whoever runs this has one of their own
            signal.signal(signal.SIGINT, signal.SIG_DFL)  # what is left is to end, without a word of where
