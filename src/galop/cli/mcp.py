"""`galop mcp`: technical answers and the formulas for other programs."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Annotated

import typer

from galop.cli.errors import missing_extra
from galop.cli.group import command_app
from galop.cli.options import Context, Threads

app = command_app()


@app.command(
    epilog="Example, for a client such as Claude Desktop: the command galop with the arguments mcp smollm2:135m"
)
def mcp(
    model: Annotated[
        str,
        typer.Argument(help="A model that chooses where a question can be read in several ways; left out, none does."),
    ] = "",
    context: Context = 0,
    threads: Threads = 0,
) -> None:
    """Offer technical answers and the formulas of `galop science` to any MCP client, on standard input and output."""
    try:
        from galop.agent.formula_server import serve_formulas
    except ImportError as error:
        raise missing_extra(error, "science") from None
    from galop import store
    from galop.cli.load import load_model

    loaded = None
    if model:
        loaded = load_model(store.resolve(store.locate(model)), True, context or None, threads or None)
    with loaded or nullcontext():
        serve_formulas(loaded)
