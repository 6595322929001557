"""What Anthropic's requests say: messages, and tools of which some are the server's to run."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from galop.chat.thinking import Thinking
from galop.server.dialects.anthropic_content import (
    ContentBlock,
    assistant_messages,
    blocks_of,
    content_of,
    text_of,
    tool_result_message,
)
from galop.server.errors import ApiError
from galop.server.request.fields import MAX_TOOLS, Effort, SamplingFields, StopString
from galop.server.request.messages import ChatMessage
from galop.server.request.tools import SCIENCE, FunctionDefinition, ScienceTool, ToolName, ToolSelection

# Of the tools that have a type of their own, those that a client runs, and what they take; Anthropic runs the others.
PATH = {"type": "string", "description": "Absolute path of a file or folder."}
EDITS: dict[str, Any] = {
    "path": PATH,
    "file_text": {"type": "string", "description": "For create: the content of the file."},
    "old_str": {"type": "string", "description": "For str_replace: what is replaced; it stands once in the file."},
    "new_str": {"type": "string", "description": "For str_replace: what takes its place."},
    "insert_line": {"type": "integer", "description": "For insert: the line after which it is put, 0 for the top."},
    "insert_text": {"type": "string", "description": "For insert: the text."},
    "view_range": {"type": "array", "items": {"type": "integer"}, "description": "For view: first and last line."},
}
CLIENT_TOOLS = {
    "bash": (
        "Runs a command in a shell that stays open between calls.",
        {"command": {"type": "string"}, "restart": {"type": "boolean", "description": "Starts the shell anew."}},
        ["command"],
    ),
    "text_editor": (
        "Views, creates and edits files.",
        {"command": {"enum": ["view", "create", "str_replace", "insert"]}, **EDITS},
        ["command", "path"],
    ),
    "memory": (
        "Keeps notes between conversations, as files under /memories.",
        {"command": {"enum": ["view", "create", "str_replace", "insert", "delete", "rename"]}, **EDITS,
         "old_path": PATH, "new_path": PATH},
        ["command"],
    ),
}  # fmt: skip
BILLING = "x-anthropic-billing-header:"  # Claude Code's; it changes with each request and says nothing to a model


class AnthropicTool(BaseModel):
    """A tool of the client's, or one of Anthropic's by its type."""

    model_config = ConfigDict(strict=True, extra="ignore")
    type: str | None = None
    name: ToolName | None = None
    description: str | None = None
    input_schema: dict[str, Any] | None = None
    defer_loading: bool | None = None
    details: bool | None = None  # of galop:science

    @property
    def science(self) -> ScienceTool | None:
        """Galop's own tool, if it is that."""
        return ScienceTool(type=SCIENCE, details=self.details) if self.type == SCIENCE else None

    def function(self) -> FunctionDefinition | None:
        """As a function for the model; None for what Anthropic's servers run. Raises ApiError (400) for no tool."""
        kind, dated = re.fullmatch(r"(.*?)(_\d{8})?", self.type or "custom", re.DOTALL).groups()  # type: ignore[union-attr]
        if kind == "custom" or self.input_schema is not None:
            if self.name is None:
                raise ApiError(400, "invalid_value", "a tool has no name", "tools")
            return FunctionDefinition(name=self.name, description=self.description, parameters=self.input_schema)
        if dated and kind in CLIENT_TOOLS:
            about, properties, required = CLIENT_TOOLS[kind]
            schema = {"type": "object", "properties": properties, "required": required}
            return FunctionDefinition(name=self.name or kind, description=about, parameters=schema)
        if dated or kind == "mcp_toolset" or self.science:
            return None
        raise ApiError(400, "invalid_value", f"a tool of type {kind[:40]!r} is not known; leave type out", "tools")


class ToolChoice(BaseModel):
    """Which tool may or has to be called."""

    model_config = ConfigDict(strict=True, extra="ignore")
    type: Literal["auto", "any", "tool", "none"]
    name: str | None = None
    disable_parallel_tool_use: bool | None = None


class AnthropicMessage(BaseModel):
    """A message of a conversation."""

    model_config = ConfigDict(strict=True, extra="ignore")
    role: Literal["user", "assistant", "system"]
    content: str | list[ContentBlock]

    @property
    def blocks(self) -> list[ContentBlock]:
        """Its content."""
        return blocks_of(self.content)


class AnthropicThinking(BaseModel):
    """Anthropic's `thinking`."""

    model_config = ConfigDict(strict=True, extra="ignore")
    type: Literal["enabled", "disabled", "adaptive", "between_tools"]
    budget_tokens: Annotated[int, Field(ge=1024)] | None = None


class OutputConfig(BaseModel):
    """Anthropic's `output_config`."""

    model_config = ConfigDict(strict=True, extra="ignore")
    effort: Effort | None = None
    format: dict[str, Any] | None = None


class CountTokensRequest(SamplingFields):
    """What says what a prompt is: a request of count_tokens."""

    messages: Annotated[list[AnthropicMessage], Field(min_length=1, max_length=4096)]
    system: str | list[ContentBlock] | None = None
    thinking: AnthropicThinking | None = None
    output_config: OutputConfig | None = None
    output_format: dict[str, Any] | None = None  # as it was called before
    tools: Annotated[list[AnthropicTool], Field(max_length=MAX_TOOLS)] | None = None
    tool_choice: ToolChoice | None = None

    def tool_selection(self) -> ToolSelection:
        """Which tools may or have to be called. Raises ApiError (400) where one has to that cannot be offered."""
        choice = self.tool_choice or ToolChoice(type="auto")
        named = self._names_on_offer() | {choice.name}
        given = [(tool.function(), tool.defer_loading) for tool in self.tools or []]
        functions = [f for f, deferred in given if f and (not deferred or f.name in named)]
        names = [f.name for f in functions]
        own = next((tool for tool in self.tools or [] if tool.science), None)
        science = own.science if own else None
        if own and choice.type == "tool" and choice.name == (own.name or SCIENCE):
            return ToolSelection.choose(functions, "required", None, SCIENCE, science)
        if (choice.type == "tool" and choice.name not in names) or (choice.type == "any" and not names and not science):
            wanted = f"the tool {choice.name[:60]!r}" if choice.name else "a tool"
            message = f"tool_choice asks for {wanted}, which the request does not offer or this server cannot run"
            raise ApiError(400, "invalid_value", message, "tool_choice")
        kind = "required" if choice.type == "any" else choice.type
        name = choice.name if choice.type == "tool" else None
        return ToolSelection.choose(functions, kind, not choice.disable_parallel_tool_use, name, science)

    def _names_on_offer(self) -> set[str | None]:
        """Deferred tools that the conversation has offered since."""
        names: set[str | None] = set()
        for block in (inner for turn in self.messages for outer in turn.blocks for inner in outer.all()):
            if block.type == "tool_reference":
                names.add(block.tool_name or block.name)
            elif block.type == "tool_addition" and block.tool:
                names.add(block.tool.name)
            elif block.type == "tool_removal" and block.tool:
                names.discard(block.tool.name)
        return names

    def conversation(self) -> list[ChatMessage]:
        """The messages in the shape that all dialects share. Raises ApiError (400) for what is no text."""
        system = [b for b in blocks_of(self.system) if not (b.text or "").startswith(BILLING)]
        messages = [ChatMessage(role="system", content=text_of(system))] if system else []
        names: dict[str | None, str | None] = {}  # of tools, by the ids of their calls
        for turn in self.messages:
            if turn.role == "assistant":
                messages += assistant_messages(turn.blocks)
                names |= {block.id: block.name for block in turn.blocks if block.is_call}
                continue
            results = [b for b in turn.blocks if b.is_result]
            rest = [b for b in turn.blocks if not b.is_result]
            messages += [tool_result_message(block, names.get(block.tool_use_id)) for block in results]
            if rest or not results:
                messages.append(ChatMessage(role=turn.role, content=content_of(rest)))
        return messages

    def thinking_settings(self) -> Thinking:
        """What it says of thinking."""
        switch, effort = self.thinking, self.output_config.effort if self.output_config else None
        on = switch.type != "disabled" if switch else None
        return Thinking.from_request(on, effort, switch.budget_tokens if switch else None)

    @property
    def form(self) -> dict[str, Any] | None:
        """The response format."""
        return (self.output_config.format if self.output_config else None) or self.output_format


class MessagesRequest(CountTokensRequest):
    """A request of Messages."""

    max_tokens: Annotated[int, Field(ge=0, le=1 << 31)]  # 0 reads the prompt alone, for those that begin like it
    stop_sequences: Annotated[list[StopString], Field(max_length=64)] | None = None
    stream: bool | None = None
    temperature: Annotated[float, Field(ge=0, le=1)] | None = None
