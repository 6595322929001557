"""Tools of any server of the Model Context Protocol, for a model."""

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

from galop.chat.tools import Tool
from galop.errors import GalopError
from galop.machine import data_directory, private, private_folder

SECONDS = 60.0  # to start and list its tools; for a call
CLOSING_SECONDS = 10.0  # in which a server that goes on by itself is killed
MOST_TOOLS = 1000
MOST_DESCRIBED = 4 << 20  # characters of all names, descriptions and schemas
NAME = re.compile(r"[\w./:-]{1,128}", re.ASCII)
for noisy in ("mcp", "mcp_types"):  # a server's garbage is no business of the terminal's
    logging.getLogger(noisy).addHandler(logging.NullHandler())
    logging.getLogger(noisy).propagate = False


class McpToolbox:
    """The tools of an MCP server, which is a URL or a command line that is started. Raises GalopError."""

    def __init__(self, where: str) -> None:
        self._where = where
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._task: asyncio.Task[None] | None = None
        self._failure: BaseException | None = None
        self._client: mcp.Client | None = None
        self._tools: list[types.Tool] = []
        self._thread = threading.Thread(target=self._live, name="galop-mcp", daemon=True)
        self._thread.start()
        if not self._ready.wait(SECONDS):
            self.close()
            raise GalopError(f"the tool server {where!r} did not answer within {SECONDS:g} s")
        if self._failure:
            raise GalopError(f"the tool server {where!r} cannot be used: {_first_cause(self._failure)}") from None

    def tools(self, question: str) -> Sequence[Tool]:
        """All its tools, whatever the question is."""
        return [
            {"type": "function", "function": {
                "name": t.name, "description": t.description or "", "parameters": t.input_schema}}
            for t in self._tools
        ]  # fmt: skip

    def call(self, name: str, arguments: dict[str, Any]) -> str:
        """The text of a tool's result. Raises GalopError for one that fails, or takes longer than SECONDS."""
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
            raise GalopError(f"{name} failed: {_first_cause(error)}") from None
        text = "\n".join(part.text if part.type == "text" else f"({part.type})" for part in result.content)
        if result.is_error:
            raise GalopError(text or f"{name} failed")
        return text

    def asks_first(self, name: str) -> bool:
        """Whether to ask before a call: not for tools that their server calls read-only."""
        tool = next((t for t in self._tools if t.name == name), None)
        return not (tool and tool.annotations and tool.annotations.read_only_hint)

    def close(self) -> None:
        """Ends the connection, and the process where a command line was started."""
        with contextlib.suppress(RuntimeError):  # it has ended by itself
            self._loop.call_soon_threadsafe(self._end)
        self._thread.join(CLOSING_SECONDS)

    def _end(self) -> None:
        if self._task:
            self._task.cancel()

    def _live(self) -> None:
        try:
            self._task = self._loop.create_task(self._serve())
            self._loop.run_until_complete(self._task)
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
                self._tools = await list_tools(client)
                self._client = client
                self._ready.set()
                await asyncio.Event().wait()


async def list_tools(client: mcp.Client) -> list[types.Tool]:
    """All its tools. Raises GalopError for more than any prompt could hold."""
    tools: list[types.Tool] = []
    size, cursor, seen = 0, None, set[str]()
    while True:
        page = await client.list_tools(cursor=cursor)
        for tool in page.tools:
            if not NAME.fullmatch(tool.name):
                raise GalopError(f"it has a tool called {tool.name[:60]!r}, and names are of letters, digits and ._/:-")
            size += len(tool.name) + len(tool.description or "") + len(json.dumps(tool.input_schema))
        tools += page.tools
        if len(tools) > MOST_TOOLS or size > MOST_DESCRIBED:
            raise GalopError(f"it has more than {MOST_TOOLS} tools, or {MOST_DESCRIBED >> 20} MiB of descriptions")
        cursor = page.next_cursor
        if not cursor:
            return tools
        if cursor in seen or len(seen) == MOST_TOOLS:
            raise GalopError("its list of tools has no end")
        seen.add(cursor)


def _first_cause(error: BaseException) -> str:
    """The first cause, in a line."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    if isinstance(error, GalopError):
        return str(error)
    return " ".join(f"{type(error).__name__}: {error}".split())[:300]
