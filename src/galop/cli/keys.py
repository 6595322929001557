"""`galop keys`: who may use the server."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer

from galop.cli.group import command_app, examples
from galop.cli.options import Json
from galop.cli.screen import note
from galop.machine import config_directory

if TYPE_CHECKING:
    from galop.server.api_keys import KeyFile

app = command_app()
UserName = Annotated[str, typer.Argument(help="The user's name.")]


@app.callback(no_args_is_help=True)
def keys() -> None:
    """Keys of the server's users."""


@app.command("add", epilog=examples("galop keys add ann --models 'qwen3:*' --tokens-per-minute 20000 --tier preview"))
def add_key(
    name: UserName,
    models: Annotated[
        str, typer.Option(help="Patterns of the models it may use, between commas.", metavar="PATTERNS")
    ] = "*",
    tokens_per_minute: Annotated[int, typer.Option(help="0 for no limit.", metavar="TOKENS", min=0)] = 0,
    tier: Annotated[str, typer.Option(help="`preview` also sees early releases.", metavar="NAME")] = "",
) -> None:
    """Make a key and print it, once."""
    secret = key_file().add(name, models, tokens_per_minute, tier)
    note(f"the key of {name}; it is not kept and cannot be shown again:")
    print(secret)


@app.command("list", epilog=examples("galop keys list --json"))
def list_keys(as_json: Json = False) -> None:
    """List keys by name; the keys themselves are not kept."""
    rows = [
        {"name": k.name, "ends_in": k.last4, "models": k.models, "tokens_per_minute": k.tokens_per_minute,
         "tier": k.tier} for k in key_file().keys()  # noqa: SIM118
    ]  # fmt: skip
    if as_json:
        print(json.dumps(rows, indent=1))
        return
    for row in rows:
        limit = f"{row['tokens_per_minute']} tokens/min" if row["tokens_per_minute"] else "no limit"
        print(f"{row['name']:20} ...{row['ends_in']}  {row['models']:20} {limit:18} {row['tier']}".rstrip())
    if not rows:
        print("no keys; make one with: galop keys add NAME")


@app.command("rm", epilog=examples("galop keys rm ann"))
def remove_key(name: UserName) -> None:
    """Remove a key; a running server refuses it from the next request on."""
    key_file().remove(name)


def key_file() -> KeyFile:
    """Where this user's server finds its keys."""
    from galop.server.api_keys import KeyFile

    return KeyFile(config_directory() / "keys.json")
