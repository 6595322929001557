"""Tools as requests describe them, and which of them a reply may or has to call."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from galop.chat.tools import Tool
from galop.server.errors import ApiError

SCIENCE: Literal["galop:science"] = "galop:science"
ToolName = Annotated[str, Field(pattern=r"^[\w.:-]{1,128}$")]


class FunctionDefinition(BaseModel):
    """A function that may be called, its parameters described by a JSON schema."""

    model_config = ConfigDict(strict=True, extra="ignore")
    name: ToolName
    description: str | None = None
    parameters: dict[str, Any] | None = None
    strict: bool | None = None  # whether a schema that no grammar can follow in all it says is refused

    def tool(self) -> Tool:
        """As templates and constraints take it."""
        fields = {"name", "description", "parameters", *(["strict"] if self.strict else [])}
        return {"type": "function", "function": self.model_dump(include=fields, exclude_none=True)}


class FunctionTool(BaseModel):
    """OpenAI's wrapping of a function."""

    model_config = ConfigDict(strict=True, extra="ignore")
    type: Literal["function"]
    function: FunctionDefinition


class ScienceTool(BaseModel):
    """Galop's own tool: technical questions are answered with numbers that are computed."""

    model_config = ConfigDict(strict=True, extra="ignore")
    type: Literal["galop:science"]
    details: bool | None = Field(None, description="What a number rests on is also part of the text.")


ChatTool = Annotated[FunctionTool | ScienceTool, Field(discriminator="type")]


@dataclass(frozen=True)
class ToolSelection:
    """The tools of a request, none where none may be called, and whether one has to be: perhaps a `named` one.

    With `science` a technical question is answered with what is computed; where one is required and there are no
    `tools`, no other question is answered."""

    tools: Sequence[Tool] = ()
    required: bool = False
    parallel: bool = True  # whether several may be called at once
    named: Tool | None = None
    science: ScienceTool | None = None

    @classmethod
    def choose(
        cls,
        functions: Sequence[FunctionDefinition],
        choice: str,
        parallel: bool | None,
        name: str | None = None,
        science: ScienceTool | None = None,
    ) -> ToolSelection:
        """What a request's tools and tool choice come to.

        `choice` is auto, none or required, unless there is a name, which may be one of these words too. Raises
        ApiError (400) for a choice that is not there, and for tools of one name that are not the same.
        """
        if name == SCIENCE and science:
            return cls(required=True, science=science)
        tools = {f.name: f.tool() for f in functions}
        if twice := next((f.name for f in functions if f.tool() != tools[f.name]), None):
            raise ApiError(400, "invalid_value", f"two tools are called {twice!r}; give each its own name", "tools")
        if name is not None and name not in tools:
            raise ApiError(400, "invalid_value", f"there is no tool {name[:60]!r} to choose", "tool_choice")
        if name is not None:
            return cls(list(tools.values()), True, False, tools[name])
        if choice == "required" and not tools and not science:
            raise ApiError(400, "invalid_value", "tool_choice asks for a call, and there are no tools", "tool_choice")
        if choice == "none":
            return cls()
        return cls(list(tools.values()), choice == "required", parallel is not False, science=science)
