"""What a request of OpenAI's Responses says: items of many types, and tools of which some are OpenAI's to run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, ValidationInfo

from galop.chat.template import PromptEnd
from galop.chat.thinking import Thinking
from galop.server.errors import ApiError
from galop.server.replies import (
    MAX_TOOLS,
    Called,
    ChatMessage,
    ChatToolCall,
    Count,
    Drawing,
    Effort,
    Function,
    ToolName,
    ToolUse,
    turn_of,
)

STRINGS = {"type": "array", "items": {"type": "string"}, "minItems": 1}
FOUND = ("additional_tools", "tool_search_output")  # items that offer tools in the course of a conversation
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


class Part(BaseModel):
    """Of a message, a result or a thought."""

    model_config = ConfigDict(strict=True, extra="ignore")
    type: str = ""
    text: str | None = None
    refusal: str | None = None
    stdout: str | None = None
    stderr: str | None = None
    logs: str | None = None

    @property
    def words(self) -> str | None:
        """None for what is no text."""
        said = [s for s in (self.text, self.refusal, self.stdout, self.stderr, self.logs) if s is not None]
        return "\n".join(s for s in said if s) if said else None


class Tool(BaseModel):
    model_config = ConfigDict(strict=True, extra="allow")
    type: str | None = None
    name: ToolName | None = None
    description: str | None = None
    parameters: dict[str, Any] | None = None
    format: dict[str, Any] | None = None  # of what a custom tool takes
    tools: list[Tool] | None = None  # of a namespace
    execution: str | None = None
    environment: Any = None  # a mapping, and a word where the tool is a computer

    def offered(self, namespace: str = "") -> Iterator[Offered]:
        """What a model is told of; nothing where OpenAI's servers would run it. Raises ApiError for what is no tool."""
        if self.type == "namespace":
            for i, tool in enumerate(self.tools or []):
                about = [self.description, tool.description] if not i else [tool.description]
                described = tool.model_copy(update={"description": "\n\n".join(a for a in about if a) or None})
                yield from described.offered(self._named())
        elif self.type == "function":
            yield Offered(self.type, self._function(namespace, self.description, self.parameters), self.name, namespace)
        elif self.type == "custom":
            how = self.format or {}
            definition = how.get("definition")
            about = [self.description, f"The input follows this {how.get('syntax')} grammar:\n{definition}"]
            text: dict[str, Any] = {"type": "string"}
            if how.get("syntax") == "regex" and isinstance(definition, str):
                text["pattern"] = f"^(?:{definition})$"
            schema = {"type": "object", "properties": {"input": text}, "required": ["input"]}
            described_as = "\n\n".join(a for a in about[: 1 + bool(definition)] if a)
            yield Offered(self.type, self._function(namespace, described_as, schema), self.name, namespace)
        elif self.type == "tool_search" and self.execution == "client":
            yield Offered(self.type, Function(name=self.type, description=self.description, parameters=self.parameters))
        elif self.type in CLIENT_TOOLS and not self._elsewhere:
            description, properties, required = CLIENT_TOOLS[self.type]
            schema = {"type": "object", "properties": properties, "required": required}
            yield Offered(self.type, Function(name=self.type, description=description, parameters=schema))

    @property
    def _elsewhere(self) -> bool:
        """Whether it is run in a container of OpenAI's."""
        where = self.environment.get("type") if isinstance(self.environment, dict) else self.environment
        return str(where).startswith("container")

    def _named(self) -> str:
        if self.name is None:
            raise ApiError(400, "invalid_value", f"a tool of type {self.type} has no name", "tools")
        return self.name

    def _function(self, namespace: str, description: str | None, parameters: dict[str, Any] | None) -> Function:
        return Function(name=flat(namespace, self._named()), description=description, parameters=parameters)


def flat(namespace: str | None, name: str) -> str:
    """A name for models, which know no namespaces."""
    return f"{namespace.removesuffix('__')}__{name}"[:128] if namespace else name


@dataclass(frozen=True)
class Offered:
    """A tool that a model is told of as a function, and what a call of it is for the client."""

    type: str
    function: Function
    name: str | None = None
    namespace: str = ""

    def call(self, id: str, written: str, arguments: dict[str, Any]) -> dict[str, Any]:
        """The item of a call, without its id and status; its arguments as they were written, and as values."""
        named = {"name": self.name} | ({"namespace": self.namespace} if self.namespace else {})
        said: dict[str, Any]
        match self.type:
            case "function":
                said = {**named, "arguments": written}
            case "custom":
                return {"type": "custom_tool_call", "call_id": id, **named, "input": str(arguments.get("input", ""))}
            case "tool_search":
                said = {"execution": "client", "arguments": arguments}
            case "apply_patch":
                said = {"operation": arguments}
            case "local_shell":
                said = {"action": {"type": "exec", "env": {}, **arguments}}
            case _:
                said = {"action": arguments}
        return {"type": f"{self.type}_call", "call_id": id, **said}


def offers(given: Any, info: ValidationInfo) -> Any:
    """The tools of an item that offers some; those of others are another server's, and may be called anything."""
    return given if info.data.get("type") in FOUND else None


class Item(BaseModel):
    """A message, a call, its output, a thought, or what OpenAI's servers did. What this server sends is read back."""

    model_config = ConfigDict(strict=True, extra="ignore")
    type: Annotated[str, BeforeValidator(lambda given: given or "message")] = "message"
    id: str | None = None
    role: Literal["developer", "system", "user", "assistant"] | None = None
    content: str | list[Part] | None = None
    status: str | None = None
    summary: list[Part] | None = None
    call_id: str | None = None
    name: ToolName | None = None
    namespace: ToolName | None = None
    arguments: str | dict[str, Any] | None = None
    input: str | None = None
    action: dict[str, Any] | None = None
    operation: dict[str, Any] | None = None
    code: str | None = None
    queries: list[str] | None = None
    output: str | list[Part] | Part | None = None
    outputs: list[Part] | None = None
    results: list[Part] | None = None
    error: Any = None
    tools: Annotated[list[Tool] | None, BeforeValidator(offers)] = None

    @property
    def is_output(self) -> bool:
        return self.type.endswith("_output")

    @property
    def is_call(self) -> bool:
        """Of a tool; those that OpenAI's servers ran, and whose results are not here, say nothing."""
        whole = self.status != "incomplete"  # or it was cut off
        return self.type.endswith("_call") and whole and (self.call_id is not None or self.own_result is not None)

    @property
    def own_result(self) -> str | None:
        """Of a call that a server ran itself."""
        found = self.output or self.outputs or self.results
        return result_text(found) if found else f"Error: {self.error}" if self.error else None

    def call(self) -> ChatToolCall:
        given = self.arguments or self.operation or self.action
        if given is None:
            given = {n: v for n in ("input", "code", "queries") if (v := getattr(self, n)) is not None}
        if self.type == "local_shell_call" and isinstance(given, dict):
            given = {name: value for name, value in given.items() if name not in ("type", "env")}
        name = flat(self.namespace, self.name) if self.name else self.type.removesuffix("_call")
        try:
            called = Called(name=name, arguments=given)
            called.values()
        except ValidationError:
            raise ApiError(400, "invalid_value", f"{self.type[:60]!r} is no type of a call", "input") from None
        except ApiError as error:
            raise ApiError(400, error.code, error.message, "input") from None
        return ChatToolCall(id=self.call_id or self.id, function=called)

    def thought(self) -> str:
        parts = self.content if isinstance(self.content, list) and self.content else self.summary
        return "".join(part.words or "" for part in parts or [])


def result_text(output: str | list[Part] | Part | None) -> str:
    """What is no text is told of, since the call was made and the conversation has to go on."""
    if output is None or isinstance(output, str):
        return output or ""
    parts = output if isinstance(output, list) else [output]
    return "\n".join(p.words if p.words is not None else f"[{p.type}: only text can be read]" for p in parts)


class Reasoning(BaseModel):
    model_config = ConfigDict(strict=True, extra="ignore")
    effort: Effort | None = None
    summary: str | None = None
    generate_summary: str | None = None  # as it was called before


class Chosen(BaseModel):
    model_config = ConfigDict(strict=True, extra="ignore")
    type: str
    name: str | None = None
    namespace: str | None = None
    mode: Literal["auto", "required"] | None = None
    tools: list[Chosen] | None = None

    @property
    def choice(self) -> str:
        """A tool's name, or what holds for several."""
        if self.type == "allowed_tools":
            return self.mode or "auto"
        return flat(self.namespace, self.name) if self.name else self.type


class CountRequest(Drawing):
    input: str | Annotated[list[Item], Field(max_length=4096)]
    tools: Annotated[list[Tool], Field(max_length=MAX_TOOLS)] | None = None
    tool_choice: Literal["auto", "none", "required"] | Chosen | None = None
    parallel_tool_calls: bool | None = None
    instructions: str | None = None
    reasoning: Reasoning | None = None
    text: dict[str, Any] | None = None

    @property
    def items(self) -> list[Item]:
        given = self.input
        return given if isinstance(given, list) and given else [Item(role="user", content=str(given or ""))]

    def thoughts(self) -> Thinking:
        return Thinking.from_request(None, self.reasoning.effort if self.reasoning else None, None)

    def offered(self) -> list[Offered]:
        """Also tools that were found in the course of the conversation. Raises ApiError."""
        added = [t for i in self.items if i.type in FOUND for t in i.tools or []]
        first = [o for tool in self.tools or [] for o in tool.offered()]
        ToolUse.asked([o.function for o in first], "auto", None)
        offered = {o.function.name: o for o in [*first, *(o for tool in added for o in tool.offered())]}
        if isinstance(self.tool_choice, Chosen) and self.tool_choice.type == "allowed_tools":
            allowed = {chosen.choice for chosen in self.tool_choice.tools or []}
            return [o for name, o in offered.items() if name in allowed or o.namespace in allowed]
        return list(offered.values())

    def tool_use(self) -> ToolUse:
        """Raises ApiError where a tool has to be called that cannot be offered."""
        functions = [offered.function for offered in self.offered()]
        names = [f.name for f in functions]
        chosen = self.tool_choice or "auto"
        choice: str = chosen if isinstance(chosen, str) else chosen.choice
        name = None if isinstance(chosen, str) or chosen.type == "allowed_tools" else choice
        if (choice == "required" and not names) if name is None else name not in names:
            wanted = "a tool" if name is None else f"the tool {choice[:60]!r}"
            message = f"tool_choice asks for {wanted}, which the request does not offer or this server cannot run"
            raise ApiError(400, "invalid_value", message, "tool_choice")
        return ToolUse.asked(functions, choice, self.parallel_tool_calls, name)

    def messages(self) -> list[ChatMessage]:
        """Raises ApiError for what is no text."""
        said = [ChatMessage(role="system", content=self.instructions)] if self.instructions else []
        names: dict[str | None, str] = {}
        for item in self.items:
            if item.type == "message":
                say(said, item)
            elif item.type == "reasoning":
                if thought := item.thought():
                    said.append(ChatMessage(role="assistant", content="", reasoning_content=thought))
            elif item.is_output:
                content = result_text(item.output) or ", ".join(tool.name or "" for tool in item.tools or [])
                name = names.get(item.call_id)
                said.append(ChatMessage(role="tool", content=content, tool_call_id=item.call_id, name=name))
            elif item.is_call:
                call = item.call()
                names[call.id] = call.function.name
                if not said or said[-1].role != "assistant":
                    said.append(ChatMessage(role="assistant", content=""))
                calls = said[-1].tool_calls = said[-1].tool_calls or []
                calls.append(call)
                if (result := item.own_result) is not None:
                    said.append(ChatMessage(role="tool", content=result, name=call.function.name))
            elif item.content:
                raise ApiError(400, "invalid_value", f"an item of type {item.type[:60]!r} cannot be read", "input")
        if len(first := list(takewhile(lambda message: message.role == "system", said))) > 1:
            told = "\n\n".join(str(message.content) for message in first)
            said[: len(first)] = [ChatMessage(role="system", content=told)]
        return said or [ChatMessage(role="user", content="")]  # items may say nothing to a model

    @property
    def continues(self) -> bool:
        """Whether the last item was left unfinished."""
        last = self.items[-1]
        unfinished = last.status in ("in_progress", "incomplete")
        return unfinished and (last.type == "reasoning" or (last.type == "message" and last.role == "assistant"))

    def turn(self, said: Sequence[ChatMessage]) -> PromptEnd:
        return turn_of(said, True) if self.continues else "begin"


class ResponsesRequest(CountRequest):
    max_output_tokens: Count | None = None
    stream: bool | None = None
    store: bool | None = None
    include: list[str] | None = None
    top_logprobs: Annotated[int, Field(ge=0, le=20)] | None = None
    metadata: Annotated[dict[str, str], Field(max_length=16)] | None = None

    @property
    def summarised(self) -> bool:
        return bool(self.reasoning and (self.reasoning.summary or self.reasoning.generate_summary))

    @property
    def logprobs(self) -> int | None:
        asked = self.top_logprobs or "message.output_text.logprobs" in (self.include or [])
        return (self.top_logprobs or 0) if asked else None


def say(said: list[ChatMessage], item: Item) -> None:
    """Adds a message, an assistant's to the thoughts before it."""
    if item.role is None:
        raise ApiError(400, "invalid_value", "a message has a role: user, assistant, system or developer", "input")
    parts = [Part(text=item.content)] if isinstance(item.content, str) else item.content or []
    for part in parts:
        if part.words is None:
            raise ApiError(400, "media_not_allowed", f"only text can be read, not {part.type[:80]!r}", "input")
    content = "".join(part.words or "" for part in parts)
    if item.role == "assistant" and said:
        before = said[-1]
        if before.role == "assistant" and not (before.content or before.tool_calls):
            before.content = content
            return
    role = "system" if item.role == "developer" else item.role
    said.append(ChatMessage(role=role, content=content))
