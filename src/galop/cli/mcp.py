"""`galop mcp`: technical answers and the formulas for other programs."""

from __future__ import annotations

from typing import Annotated

import typer

from galop.cli.errors import missing_extra
from galop.cli.group import command_app

app = command_app()


@app.command(epilog="Example, for a client such as Claude Desktop: the command galop with the argument mcp")
def mcp(
    model: Annotated[
        str, typer.Argument(help="A model, as clients set up before have it; none is needed.", hidden=True)
    ] = "",
) -> None:
    """Offer technical answers and the formulas of `galop science` to any MCP client, on standard input and output."""
    try:
        from galop.agent.formula_server import serve_formulas
    except ImportError as error:
        raise missing_extra(error, "science") from None
    _ = model
    serve_formulas()
