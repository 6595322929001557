"""Tools of OpenAI's Responses, of which some are OpenAI's to run, and what a call of each is for the client."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict

from galop.server.errors import ApiError
from galop.server.request.tools import FunctionDefinition, ToolName

STRINGS = {"type": "array", "items": {"type": "string"}, "minItems": 1}


# Of the tools that have a type of their own, those that a client runs, and what they take; OpenAI runs the others.
CLIENT_TOOLS: dict[str, tuple[str, dict[str, Any], list[str]]] = {
    "local_shell": (
        "Runs a command at the user's machine.",
        {"command": STRINGS, "working_directory": {"type": "string"}, "timeout_ms": {"type": "integer"}},
        ["command"],
    ),
    "shell": (
        "Runs shell commands at the user's machine.",
        {"commands": STRINGS, "timeout_ms": {"type": "integer"}},
        ["commands"],
    ),
    "apply_patch": (
        "Creates, changes or deletes a file at the user's machine. The diff has a line for each line of the file that "
        "it is about, which begins with a blank, + or -; sections of a change begin with @@.",
        {"type": {"enum": ["create_file", "update_file", "delete_file"]}, "path": {"type": "string"},
         "diff": {"type": "string"}},
        ["type", "path", "diff"],
    ),
}  # fmt: skip


class ResponsesTool(BaseModel):
    """A function, a tool that takes text, a namespace of tools, or one that a client or OpenAI has by its type."""

    model_config = ConfigDict(strict=True, extra="allow")
    type: str | None = None
    name: ToolName | None = None
    description: str | None = None
    parameters: dict[str, Any] | None = None
    format: dict[str, Any] | None = None  # of what a custom tool takes
    tools: list[ResponsesTool] | None = None  # of a namespace
    execution: str | None = None
    details: bool | None = None  # of galop:science
    environment: Any = None  # a mapping, and a word where the tool is a computer

    def offers(self, namespace: str = "") -> Iterator[OfferedTool]:
        """What a model is shown; nothing where OpenAI's servers would run it. Raises ApiError (400) for no tool."""
        if self.type == "namespace":
            for i, tool in enumerate(self.tools or []):
                about = [self.description, tool.description] if not i else [tool.description]
                described = tool.model_copy(update={"description": "\n\n".join(a for a in about if a) or None})
                yield from described.offers(self._require_name())
        elif self.type == "function":
            yield OfferedTool(
                self.type, self._function(namespace, self.description, self.parameters), self.name, namespace
            )
        elif self.type == "custom":
            how = self.format or {}
            definition = how.get("definition")
            about = [self.description, f"The input follows this {how.get('syntax')} grammar:\n{definition}"]
            text: dict[str, Any] = {"type": "string"}
            if how.get("syntax") == "regex" and isinstance(definition, str):
                text["pattern"] = f"^(?:{definition})$"
            schema = {"type": "object", "properties": {"input": text}, "required": ["input"]}
            described_as = "\n\n".join(a for a in about[: 1 + bool(definition)] if a)
            yield OfferedTool(self.type, self._function(namespace, described_as, schema), self.name, namespace)
        elif self.type == "tool_search" and self.execution == "client":
            yield OfferedTool(
                self.type, FunctionDefinition(name=self.type, description=self.description, parameters=self.parameters)
            )
        elif self.type in CLIENT_TOOLS and not self._elsewhere:
            description, properties, required = CLIENT_TOOLS[self.type]
            schema = {"type": "object", "properties": properties, "required": required}
            yield OfferedTool(self.type, FunctionDefinition(name=self.type, description=description, parameters=schema))

    @property
    def _elsewhere(self) -> bool:
        """Whether it is run in a container of OpenAI's."""
        where = self.environment.get("type") if isinstance(self.environment, dict) else self.environment
        return str(where).startswith("container")

    def _require_name(self) -> str:
        if self.name is None:
            raise ApiError(400, "invalid_value", f"a tool of type {self.type} has no name", "tools")
        return self.name

    def _function(
        self, namespace: str, description: str | None, parameters: dict[str, Any] | None
    ) -> FunctionDefinition:
        return FunctionDefinition(
            name=flat_name(namespace, self._require_name()), description=description, parameters=parameters
        )


def flat_name(namespace: str | None, name: str) -> str:
    """A name for models, which know no namespaces."""
    return f"{namespace.removesuffix('__')}__{name}"[:128] if namespace else name


@dataclass(frozen=True)
class OfferedTool:
    """A tool that a model is shown as a function, and what a call of it is for the client."""

    type: str
    function: FunctionDefinition
    name: str | None = None
    namespace: str = ""

    def call(self, id: str, written: str, arguments: dict[str, Any]) -> dict[str, Any]:
        """The item of a call, without its id and status; its arguments as they were written, and as values."""
        named = {"name": self.name} | ({"namespace": self.namespace} if self.namespace else {})
        content: dict[str, Any]
        match self.type:
            case "function":
                content = {**named, "arguments": written}
            case "custom":
                return {"type": "custom_tool_call", "call_id": id, **named, "input": str(arguments.get("input", ""))}
            case "tool_search":
                content = {"execution": "client", "arguments": arguments}
            case "apply_patch":
                content = {"operation": arguments}
            case "local_shell":
                content = {"action": {"type": "exec", "env": {}, **arguments}}
            case _:
                content = {"action": arguments}
        return {"type": f"{self.type}_call", "call_id": id, **content}
