"""`galop mcp`: the formulas for other programs."""

from __future__ import annotations

from galop.cli.errors import missing_extra
from galop.cli.group import command_app

app = command_app()


@app.command(epilog="Example, for a client such as Claude Desktop: the command galop with the argument mcp")
def mcp() -> None:
    """Offer the formulas of `galop science` to any MCP client, on standard input and output."""
    try:
        from galop.agent.formula_server import serve_formulas
    except ImportError as error:
        raise missing_extra(error, "science") from None
    serve_formulas()
