"""Technical answers and the formulas of galop.science for any client of the Model Context Protocol."""

from __future__ import annotations

import asyncio
from contextlib import closing
from typing import Any

from mcp import types
from mcp.server import Server
from mcp.server.stdio import stdio_server

from galop.agent.planner import Planner
from galop.errors import GalopError
from galop.version import __version__

ANSWER = "answer_technical_question"
READ_ONLY = types.ToolAnnotations(read_only_hint=True)
ANSWERING = types.Tool(
    name=ANSWER,
    description="Answers a question about rockets, orbits, electrochemistry, batteries, fluids or heat, asked in words "
    "with its data (English or French): with a number that is computed, and the formula, source, range and assumptions "
    "that it rests on, or with what is missing. Prefer it to the formulas and to arithmetic of your own.",
    input_schema={
        "type": "object",
        "properties": {"question": {"type": "string", "description": "The whole question as it was asked."}},
        "required": ["question"],
    },
    annotations=READ_ONLY,
)


def serve_formulas() -> None:
    """Answers on standard input and output until that ends."""
    from galop.science import formulas
    from galop.science.planning.answer import Answer

    known = formulas()
    tools = [ANSWERING, *(
        types.Tool(name=f.name, description=f.tool()["function"]["description"], input_schema=f.schema(),
                   annotations=READ_ONLY) for f in known.values()
    )]  # fmt: skip

    async def list_tools(_: Any, __: Any) -> types.ListToolsResult:
        return types.ListToolsResult(tools=tools)

    async def answer(question: Any) -> Answer:
        if not isinstance(question, str) or not question.strip():
            raise GalopError(f"{ANSWER} takes a question: a text that is not empty")
        found = await asyncio.wrap_future(planner.submit([question], must=True))
        assert found
        return found

    async def call_tool(_: Any, params: types.CallToolRequestParams) -> types.CallToolResult:
        arguments, data = params.arguments or {}, None
        try:
            if params.name == ANSWER:
                found = await answer(arguments.get("question"))
                text, data = f"{found.text()}\n\n{found.details()}".strip(), found.data()
            elif params.name not in known:
                raise GalopError(f"there is no formula {params.name[:60]!r}")
            else:
                text = await asyncio.wrap_future(planner.compute(params.name, arguments))
        except GalopError as error:
            return types.CallToolResult(content=[types.TextContent(type="text", text=str(error))], is_error=True)
        return types.CallToolResult(content=[types.TextContent(type="text", text=text)], structured_content=data)

    server: Server[Any] = Server("galop", version=__version__, on_list_tools=list_tools, on_call_tool=call_tool)

    async def serve() -> None:
        async with stdio_server() as (read, write):
            await server.run(read, write, server.create_initialization_options())

    with closing(Planner()) as planner:
        asyncio.run(serve())
