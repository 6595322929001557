"""What Anthropic's requests say: turns of blocks, and tools of which some are the server's to run."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from galop.chat.thinking import Thinking
from galop.server.errors import ApiError
from galop.server.replies import (
    MAX_TOOLS,
    Called,
    ChatMessage,
    ChatToolCall,
    Drawing,
    Effort,
    Function,
    StopString,
    ToolName,
    ToolUse,
)

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


class Source(BaseModel):
    """Where a document's content is."""

    model_config = ConfigDict(strict=True, extra="ignore")
    type: str
    data: str | None = None
    content: str | list[Block] | None = None
    media_type: str | None = None


class Block(BaseModel):
    model_config = ConfigDict(strict=True, extra="ignore")
    type: str
    text: str | None = None
    thinking: str | None = None
    id: str | None = None
    name: ToolName | None = None
    input: dict[str, Any] | None = None
    tool_use_id: str | None = None
    content: str | list[Block] | Block | None = None
    is_error: bool | None = None
    source: str | Source | None = None
    title: str | None = None
    context: str | None = None
    url: str | None = None
    stdout: str | None = None
    stderr: str | None = None
    error_code: str | None = None
    tool_name: str | None = None
    tool: Block | None = None  # one that is offered from here on, or no longer
    tool_references: list[Block] | None = None

    @property
    def words(self) -> str | None:
        """What it says; None where that is no text."""
        if self.type == "text":
            return self.text or ""
        if self.type == "tool_reference":
            return f"The tool {self.tool_name or self.name} can be called from now on."
        within = [*self.blocks, *(self.tool_references or [])]
        if isinstance(self.source, Source):
            if self.source.type not in ("text", "content"):
                return None
            within += blocks_of(self.source.data if self.source.type == "text" else self.source.content)
        said = [self.title, self.context, self.url, self.source if isinstance(self.source, str) else None, self.text,
                *(block.told for block in within), self.stdout, self.stderr, self.error_code]  # fmt: skip
        return joined([s for s in said if s]) if any(said) else None

    @property
    def blocks(self) -> list[Block]:
        return blocks_of(self.content)

    @property
    def kind(self) -> str:
        """What it is called when it cannot be read."""
        media = self.source.media_type if isinstance(self.source, Source) else None
        return f"{self.type} ({media})" if media else self.type

    def all(self) -> Iterator[Block]:
        """Itself and what stands in it."""
        yield self
        for block in (*self.blocks, *(self.tool_references or [])):
            yield from block.all()

    @property
    def is_result(self) -> bool:
        return self.type.endswith("tool_result")

    @property
    def is_call(self) -> bool:
        """Also of a tool that the server ran itself."""
        return self.type.endswith("tool_use")

    @property
    def told(self) -> str:
        """As a part of something else, which has to go on where it is no text."""
        words = self.words
        return f"[{self.kind}: only text can be read]" if words is None else words

    def result(self) -> str:
        """What a tool gave."""
        said = joined([block.told for block in self.blocks])
        return f"Error: {said}" if self.is_error else said


def blocks_of(content: str | list[Block] | Block | None) -> list[Block]:
    if isinstance(content, str):
        return [Block(type="text", text=content)]
    return [content] if isinstance(content, Block) else content or []


def joined(parts: list[str]) -> str:
    """Each beginning a line of its own."""
    text = ""
    for part in parts:
        text += part if not text or text.endswith("\n") or part.startswith("\n") or not part else f"\n{part}"
    return text


class AnthropicTool(BaseModel):
    model_config = ConfigDict(strict=True, extra="ignore")
    type: str | None = None
    name: ToolName | None = None
    description: str | None = None
    input_schema: dict[str, Any] | None = None
    defer_loading: bool | None = None

    def function(self) -> Function | None:
        """None for what Anthropic's servers would run. Raises ApiError for what is no tool."""
        kind, dated = re.fullmatch(r"(.*?)(_\d{8})?", self.type or "custom", re.DOTALL).groups()  # type: ignore[union-attr]
        if kind == "custom" or self.input_schema is not None:
            if self.name is None:
                raise ApiError(400, "invalid_value", "a tool has no name", "tools")
            return Function(name=self.name, description=self.description, parameters=self.input_schema)
        if dated and kind in CLIENT_TOOLS:
            about, properties, required = CLIENT_TOOLS[kind]
            schema = {"type": "object", "properties": properties, "required": required}
            return Function(name=self.name or kind, description=about, parameters=schema)
        if dated or kind == "mcp_toolset":
            return None
        raise ApiError(400, "invalid_value", f"a tool of type {kind[:40]!r} is not known; leave type out", "tools")


class ToolChoice(BaseModel):
    model_config = ConfigDict(strict=True, extra="ignore")
    type: Literal["auto", "any", "tool", "none"]
    name: str | None = None
    disable_parallel_tool_use: bool | None = None


class Turn(BaseModel):
    model_config = ConfigDict(strict=True, extra="ignore")
    role: Literal["user", "assistant", "system"]
    content: str | list[Block]

    @property
    def blocks(self) -> list[Block]:
        return blocks_of(self.content)


class Switch(BaseModel):
    model_config = ConfigDict(strict=True, extra="ignore")
    type: Literal["enabled", "disabled", "adaptive", "between_tools"]
    budget_tokens: Annotated[int, Field(ge=1024)] | None = None


class OutputConfig(BaseModel):
    model_config = ConfigDict(strict=True, extra="ignore")
    effort: Effort | None = None
    format: dict[str, Any] | None = None


class CountRequest(Drawing):
    messages: Annotated[list[Turn], Field(min_length=1, max_length=4096)]
    system: str | list[Block] | None = None
    thinking: Switch | None = None
    output_config: OutputConfig | None = None
    output_format: dict[str, Any] | None = None  # as it was called before
    tools: Annotated[list[AnthropicTool], Field(max_length=MAX_TOOLS)] | None = None
    tool_choice: ToolChoice | None = None

    def tool_use(self) -> ToolUse:
        """Raises ApiError where a tool has to be called that cannot be offered."""
        choice = self.tool_choice or ToolChoice(type="auto")
        loaded = self._loaded() | {choice.name}
        given = [(tool.function(), tool.defer_loading) for tool in self.tools or []]
        functions = [f for f, deferred in given if f and (not deferred or f.name in loaded)]
        names = [f.name for f in functions]
        if (choice.type == "tool" and choice.name not in names) or (choice.type == "any" and not names):
            wanted = f"the tool {choice.name[:60]!r}" if choice.name else "a tool"
            message = f"tool_choice asks for {wanted}, which the request does not offer or this server cannot run"
            raise ApiError(400, "invalid_value", message, "tool_choice")
        kind = "required" if choice.type == "any" else choice.type
        name = choice.name if choice.type == "tool" else None
        return ToolUse.asked(functions, kind, not choice.disable_parallel_tool_use, name)

    def _loaded(self) -> set[str | None]:
        """Tools that were deferred and of which the conversation has told since."""
        loaded: set[str | None] = set()
        for block in (inner for turn in self.messages for outer in turn.blocks for inner in outer.all()):
            if block.type == "tool_reference":
                loaded.add(block.tool_name or block.name)
            elif block.type == "tool_addition" and block.tool:
                loaded.add(block.tool.name)
            elif block.type == "tool_removal" and block.tool:
                loaded.discard(block.tool.name)
        return loaded

    def conversation(self) -> list[ChatMessage]:
        """Raises ApiError for what is no text."""
        system = [b for b in blocks_of(self.system) if not (b.text or "").startswith(BILLING)]
        said = [ChatMessage(role="system", content=text_of(system))] if system else []
        names: dict[str | None, str | None] = {}  # of tools, by the ids of their calls
        for turn in self.messages:
            if turn.role == "assistant":
                said += said_by_assistant(turn.blocks)
                names |= {block.id: block.name for block in turn.blocks if block.is_call}
                continue
            results = [b for b in turn.blocks if b.is_result]
            rest = [b for b in turn.blocks if not b.is_result]
            said += [result_of(block, names.get(block.tool_use_id)) for block in results]
            if rest or not results:
                said.append(ChatMessage(role=turn.role, content=text_of(rest)))
        return said

    def thoughts(self) -> Thinking:
        asked, effort = self.thinking, self.output_config.effort if self.output_config else None
        on = asked.type != "disabled" if asked else None
        return Thinking.from_request(on, effort, asked.budget_tokens if asked else None)

    @property
    def form(self) -> dict[str, Any] | None:
        return (self.output_config.format if self.output_config else None) or self.output_format


class MessagesRequest(CountRequest):
    max_tokens: Annotated[int, Field(ge=0, le=1 << 31)]  # 0 reads the prompt alone, for those that begin like it
    stop_sequences: Annotated[list[StopString], Field(max_length=64)] | None = None
    stream: bool | None = None
    temperature: Annotated[float, Field(ge=0, le=1)] | None = None


def text_of(blocks: list[Block]) -> str:
    """Raises ApiError for what is not text."""
    said = []
    for block in blocks:
        if block.type in ("tool_addition", "tool_removal"):
            continue
        if block.words is None:
            raise ApiError(400, "media_not_allowed", f"only text can be read, not {block.kind[:80]!r}", "messages")
        said.append(block.words)
    return joined(said)


def said_by_assistant(blocks: list[Block]) -> list[ChatMessage]:
    """Text and thinking with the calls after them; results of tools that a server ran itself stand between."""
    said: list[ChatMessage] = []
    names: dict[str | None, str | None] = {}
    text: list[str] = []
    thoughts: list[str] = []
    calls: list[ChatToolCall] = []

    def end() -> None:
        message = ChatMessage(role="assistant", content="".join(text), reasoning_content="".join(thoughts) or None)
        message.tool_calls = [*calls] or None
        said.append(message)
        for part in (text, thoughts, calls):
            part.clear()

    for block in blocks:
        if block.is_result:
            if text or thoughts or calls:
                end()
            said.append(result_of(block, names.get(block.tool_use_id)))
        elif block.is_call:
            if block.name is None:
                raise ApiError(400, "invalid_value", f"a {block.type[:40]} block has no name", "messages")
            names[block.id] = block.name
            calls.append(ChatToolCall(id=block.id, function=Called(name=block.name, arguments=block.input or {})))
        elif block.type == "thinking":
            thoughts.append(block.thinking or "")
        else:  # what says nothing is of servers that keep what it means, such as redacted thinking
            text.append(block.words or "")
    if text or thoughts or calls or not said:
        end()
    return said


def result_of(block: Block, name: str | None) -> ChatMessage:
    return ChatMessage(role="tool", content=block.result(), tool_call_id=block.tool_use_id, name=name)
