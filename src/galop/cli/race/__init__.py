"""`galop race`: races and their records."""

from __future__ import annotations

from typing import Any

from galop.cli.group import LazyGroup, command_app, examples


class RaceCommands(LazyGroup):
    """`galop race A B` races; `galop race show` and its like are about what was recorded."""

    package = "galop.cli.race"
    names = ("run", "show", "list", "join", "export", "history")

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if args and args[0] not in self.names and args[0] not in ("-h", "--help"):
            args = ["run", *args]
        return super().parse_args(ctx, args)


app = command_app(RaceCommands)


@app.callback(
    no_args_is_help=True,
    epilog=examples("galop race smollm2:135m qwen2.5-coder:1.5b@tools --on science", "galop race run --help"),
)
def race() -> None:
    """Race models on your questions: galop race LANE LANE... --on SET, or one of the commands below."""
