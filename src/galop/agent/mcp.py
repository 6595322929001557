"""The Model Context Protocol both ways: tools of any server for a model, and the formulas for any client."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import re
import shlex
import threading
from collections.abc import Sequence
from concurrent.futures import TimeoutError as Late
from typing import Any

import mcp
from mcp import types
from mcp.client.stdio import stdio_client
from mcp.server import Server
from mcp.server.stdio import stdio_server

from galop.chat.tools import Tool
from galop.errors import GalopError
from galop.machine import data_directory, private, private_folder
from galop.version import __version__

SECONDS = 60.0  # to start and tell its tools; for a call
CLOSING_SECONDS = 10.0  # in which a server that goes on by itself is killed
MOST_TOOLS = 1000
MOST_TOLD = 4 << 20  # characters of all names, descriptions and schemas
NAME = re.compile(r"[\w./:-]{1,128}", re.ASCII)
for noisy in ("mcp", "mcp_types"):  # a server's garbage is no business of the terminal's
    logging.getLogger(noisy).addHandler(logging.NullHandler())
    logging.getLogger(noisy).propagate = False


class ToolServer:
    """The tools of an MCP server, which is a URL or a command line that is started. Raises GalopError."""

    def __init__(self, where: str) -> None:
        self._where = where
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._living: asyncio.Task[None] | None = None
        self._failure: BaseException | None = None
        self._client: mcp.Client | None = None
        self._tools: list[types.Tool] = []
        self._thread = threading.Thread(target=self._live, name="galop-mcp", daemon=True)
        self._thread.start()
        if not self._ready.wait(SECONDS):
            self.close()
            raise GalopError(f"the tool server {where!r} did not answer within {SECONDS:g} s")
        if self._failure:
            raise GalopError(f"the tool server {where!r} cannot be used: {told(self._failure)}") from None

    def tools(self, question: str) -> Sequence[Tool]:
        return [
            {"type": "function", "function": {
                "name": t.name, "description": t.description or "", "parameters": t.input_schema}}
            for t in self._tools
        ]  # fmt: skip

    def call(self, name: str, arguments: dict[str, Any]) -> str:
        client = self._client
        if client is None:
            raise GalopError(f"the tool server {self._where!r} has ended")
        calling = asyncio.run_coroutine_threadsafe(client.call_tool(name, arguments), self._loop)
        try:
            result = calling.result(SECONDS)
        except Late:
            calling.cancel()
            raise GalopError(f"{name} did not answer within {SECONDS:g} s") from None
        except Exception as error:
            raise GalopError(f"{name} failed: {told(error)}") from None
        text = "\n".join(part.text if part.type == "text" else f"({part.type})" for part in result.content)
        if result.is_error:
            raise GalopError(text or f"{name} failed")
        return text

    def asks_first(self, name: str) -> bool:
        """Only what its server calls read-only goes without saying."""
        tool = next((t for t in self._tools if t.name == name), None)
        return not (tool and tool.annotations and tool.annotations.read_only_hint)

    def close(self) -> None:
        with contextlib.suppress(RuntimeError):  # it has ended by itself
            self._loop.call_soon_threadsafe(self._end)
        self._thread.join(CLOSING_SECONDS)

    def _end(self) -> None:
        if self._living:
            self._living.cancel()

    def _live(self) -> None:
        try:
            self._living = self._loop.create_task(self._serve())
            self._loop.run_until_complete(self._living)
        except BaseException as error:  # whatever a stranger's server does
            self._failure = error
        finally:
            self._client = None
            self._loop.close()
            self._ready.set()

    async def _serve(self) -> None:
        file = private_folder(data_directory()) / "mcp.log"
        with open(file, "a", encoding="utf-8", opener=private) as log:  # what it says on the side
            target: Any = self._where
            if not self._where.startswith(("http://", "https://")):
                words = shlex.split(self._where)
                target = stdio_client(mcp.StdioServerParameters(command=words[0], args=words[1:]), log)
            async with mcp.Client(target, read_timeout_seconds=SECONDS) as client:
                self._tools = await listed(client)
                self._client = client
                self._ready.set()
                await asyncio.Event().wait()


async def listed(client: mcp.Client) -> list[types.Tool]:
    """All its tools. Raises GalopError for more than a model could ever be told of."""
    tools: list[types.Tool] = []
    size, cursor, seen = 0, None, set[str]()
    while True:
        page = await client.list_tools(cursor=cursor)
        for tool in page.tools:
            if not NAME.fullmatch(tool.name):
                raise GalopError(f"it has a tool called {tool.name[:60]!r}, and names are of letters, digits and ._/:-")
            size += len(tool.name) + len(tool.description or "") + len(json.dumps(tool.input_schema))
        tools += page.tools
        if len(tools) > MOST_TOOLS or size > MOST_TOLD:
            raise GalopError(f"it has more than {MOST_TOOLS} tools, or {MOST_TOLD >> 20} MiB of descriptions")
        cursor = page.next_cursor
        if not cursor:
            return tools
        if cursor in seen or len(seen) == MOST_TOOLS:
            raise GalopError("its list of tools has no end")
        seen.add(cursor)


def told(error: BaseException) -> str:
    """The first cause, in a line."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    if isinstance(error, GalopError):
        return str(error)
    return " ".join(f"{type(error).__name__}: {error}".split())[:300]


def serve_formulas() -> None:
    """The formulas of galop.science as an MCP server on standard input and output, until that ends."""
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
