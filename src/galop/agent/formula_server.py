"""The formulas of galop.science for any client of the Model Context Protocol."""

from __future__ import annotations

import asyncio
from typing import Any

from mcp import types
from mcp.server import Server
from mcp.server.stdio import stdio_server

from galop.errors import GalopError
from galop.version import __version__


def serve_formulas() -> None:
    """Answers on standard input and output until that ends."""
    from galop.science import formulas

    known = formulas()

    async def list_tools(_: Any, __: Any) -> types.ListToolsResult:
        return types.ListToolsResult(
            tools=[
                types.Tool(
                    name=f.name, description=f.tool()["function"]["description"], input_schema=f.schema(),
                    annotations=types.ToolAnnotations(read_only_hint=True),
                )
                for f in known.values()
            ]
        )  # fmt: skip

    async def call_tool(_: Any, params: types.CallToolRequestParams) -> types.CallToolResult:
        formula = known.get(params.name)
        try:
            if formula is None:
                raise GalopError(f"there is no formula {params.name[:60]!r}")
            text, failed = (await asyncio.to_thread(lambda: formula(**(params.arguments or {})))).text(), False
        except GalopError as error:
            text, failed = str(error), True
        return types.CallToolResult(content=[types.TextContent(type="text", text=text)], is_error=failed)

    server: Server[Any] = Server("galop", version=__version__, on_list_tools=list_tools, on_call_tool=call_tool)

    async def serve() -> None:
        async with stdio_server() as (read, write):
            await server.run(read, write, server.create_initialization_options())

    asyncio.run(serve())
