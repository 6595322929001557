"""What a request of OpenAI's Responses says, in items of many types."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import takewhile
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, ValidationInfo

from galop.chat.template import PromptEnd
from galop.chat.thinking import Thinking
from galop.server.dialects.openai_responses_tools import OfferedTool, ResponsesTool, flat_name
from galop.server.errors import ApiError
from galop.server.request.fields import MAX_TOOLS, Count, Effort, SamplingFields
from galop.server.request.media import FileData
from galop.server.request.messages import ChatMessage, ChatToolCall, ContentPart, FunctionCall, ImageURL, resolve_turn
from galop.server.request.tools import SCIENCE, ScienceTool, ToolName, ToolSelection

FOUND = ("additional_tools", "tool_search_output")  # items that offer tools in the course of a conversation


class ItemPart(BaseModel):
    """Of a message, a result or a thought."""

    model_config = ConfigDict(strict=True, extra="ignore")
    type: str = ""
    text: str | None = None
    refusal: str | None = None
    stdout: str | None = None
    stderr: str | None = None
    logs: str | None = None
    image_url: str | ImageURL | None = None
    file_id: str | None = None
    filename: str | None = None
    file_data: str | None = None
    file_url: str | None = None

    @property
    def shown(self) -> ContentPart | None:
        """The picture or file it is, if it is one. Raises ApiError (400) for a picture that is nowhere."""
        about = FileData(filename=self.filename, file_data=self.file_data, file_url=self.file_url, file_id=self.file_id)
        if self.type == "input_file":
            return ContentPart(type="file", file=about)
        if self.type not in ("input_image", "image_url"):  # or as Chat Completions have it
            return None
        if self.image_url is None and self.file_id is None:
            message = "a picture has neither an image_url, a data: URL, nor a file_id of /v1/files"
            raise ApiError(400, "invalid_image", message, "input")
        return ContentPart(type="input_image", image_url=self.image_url, file=None if self.image_url else about)

    @property
    def words(self) -> str | None:
        """None for what is no text."""
        texts = [s for s in (self.text, self.refusal, self.stdout, self.stderr, self.logs) if s is not None]
        return "\n".join(s for s in texts if s) if texts else None


def keep_offers(given: Any, info: ValidationInfo) -> Any:
    """The tools of an item that offers some; those of others are another server's, and may be called anything."""
    return given if info.data.get("type") in FOUND else None


class ResponseItem(BaseModel):
    """A message, a call, its output, a thought, or what OpenAI's servers did. What this server sends is read back."""

    model_config = ConfigDict(strict=True, extra="ignore")
    type: Annotated[str, BeforeValidator(lambda given: given or "message")] = "message"
    id: str | None = None
    role: Literal["developer", "system", "user", "assistant"] | None = None
    content: str | list[ItemPart] | None = None
    status: str | None = None
    summary: list[ItemPart] | None = None
    call_id: str | None = None
    name: ToolName | None = None
    namespace: ToolName | None = None
    arguments: str | dict[str, Any] | None = None
    input: str | None = None
    action: dict[str, Any] | None = None
    operation: dict[str, Any] | None = None
    code: str | None = None
    queries: list[str] | None = None
    output: str | list[ItemPart] | ItemPart | None = None
    outputs: list[ItemPart] | None = None
    results: list[ItemPart] | None = None
    error: Any = None
    tools: Annotated[list[ResponsesTool] | None, BeforeValidator(keep_offers)] = None

    @property
    def is_output(self) -> bool:
        """Whether it is what came of a call."""
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
        """The call it is, in the shape that all dialects share. Raises ApiError (400) for none."""
        given = self.arguments or self.operation or self.action
        if given is None:
            given = {n: v for n in ("input", "code", "queries") if (v := getattr(self, n)) is not None}
        if self.type == "local_shell_call" and isinstance(given, dict):
            given = {name: value for name, value in given.items() if name not in ("type", "env")}
        name = flat_name(self.namespace, self.name) if self.name else self.type.removesuffix("_call")
        try:
            called = FunctionCall(name=name, arguments=given)
            called.values()
        except ValidationError:
            raise ApiError(400, "invalid_value", f"{self.type[:60]!r} is no type of a call", "input") from None
        except ApiError as error:
            raise ApiError(400, error.code, error.message, "input") from None
        return ChatToolCall(id=self.call_id or self.id, function=called)

    def reasoning_text(self) -> str:
        """What was thought, or the summary of that."""
        parts = self.content if isinstance(self.content, list) and self.content else self.summary
        return "".join(part.words or "" for part in parts or [])


def result_text(output: str | list[ItemPart] | ItemPart | None) -> str:
    """What came of a call as text; what is none is named, since the conversation has to go on."""
    return "\n".join(part.text or f"[{part.type}: only text can be read]" for part in result_parts(output))


def result_parts(output: str | list[ItemPart] | ItemPart | None) -> list[ContentPart]:
    """What came of a call: text and pictures; what is neither is named, since the conversation has to go on."""
    if output is None or isinstance(output, str):
        return [ContentPart(type="text", text=output or "")]
    made: list[ContentPart] = []
    for part in output if isinstance(output, list) else [output]:
        text = part.words if part.words is not None else f"[{part.type}: only text can be read]"
        shown = part.shown if part.image_url is not None or part.file_id or part.type == "input_file" else None
        if not shown and made and made[-1].text is not None:
            made[-1].text = f"{made[-1].text}\n{text}"
        else:
            made.append(shown or ContentPart(type="text", text=text))
    return made


class ReasoningOptions(BaseModel):
    """Responses' `reasoning`."""

    model_config = ConfigDict(strict=True, extra="ignore")
    effort: Effort | None = None
    summary: str | None = None
    generate_summary: str | None = None  # as it was called before


class ResponsesToolChoice(BaseModel):
    """The tool that has to be called, or those that may."""

    model_config = ConfigDict(strict=True, extra="ignore")
    type: str
    name: str | None = None
    namespace: str | None = None
    mode: Literal["auto", "required"] | None = None
    tools: list[ResponsesToolChoice] | None = None

    @property
    def choice(self) -> str:
        """A tool's name, or what holds for several."""
        if self.type == "allowed_tools":
            return self.mode or "auto"
        return flat_name(self.namespace, self.name) if self.name else self.type


class InputTokensRequest(SamplingFields):
    """What says what a prompt is: a request of input_tokens."""

    input: str | Annotated[list[ResponseItem], Field(max_length=4096)]
    tools: Annotated[list[ResponsesTool], Field(max_length=MAX_TOOLS)] | None = None
    tool_choice: Literal["auto", "none", "required"] | ResponsesToolChoice | None = None
    parallel_tool_calls: bool | None = None
    instructions: str | None = None
    reasoning: ReasoningOptions | None = None
    text: dict[str, Any] | None = None

    @property
    def items(self) -> list[ResponseItem]:
        """The input as items."""
        given = self.input
        return given if isinstance(given, list) and given else [ResponseItem(role="user", content=str(given or ""))]

    def thinking_settings(self) -> Thinking:
        """What it says of thinking."""
        return Thinking.from_request(None, self.reasoning.effort if self.reasoning else None, None)

    def list_tools(self) -> list[OfferedTool]:
        """The tools that a model is shown, also those found in the conversation. Raises ApiError (400)."""
        added = [t for i in self.items if i.type in FOUND for t in i.tools or []]
        first = [o for tool in self.tools or [] for o in tool.offers()]
        ToolSelection.choose([o.function for o in first], "auto", None)
        offered = {o.function.name: o for o in [*first, *(o for tool in added for o in tool.offers())]}
        if isinstance(self.tool_choice, ResponsesToolChoice) and self.tool_choice.type == "allowed_tools":
            allowed = {chosen.choice for chosen in self.tool_choice.tools or []}
            return [o for name, o in offered.items() if name in allowed or o.namespace in allowed]
        return list(offered.values())

    def tool_selection(self) -> ToolSelection:
        """Which tools may or have to be called. Raises ApiError (400) where one has to that cannot be offered."""
        functions = [offered.function for offered in self.list_tools()]
        names = [f.name for f in functions]
        chosen = self.tool_choice or "auto"
        choice: str = chosen if isinstance(chosen, str) else chosen.choice
        name = None if isinstance(chosen, str) or chosen.type == "allowed_tools" else choice
        science = self.science_tool
        if science and name == SCIENCE:
            return ToolSelection.choose(functions, choice, self.parallel_tool_calls, name, science)
        if (choice == "required" and not names and not science) if name is None else name not in names:
            wanted = "a tool" if name is None else f"the tool {choice[:60]!r}"
            message = f"tool_choice asks for {wanted}, which the request does not offer or this server cannot run"
            raise ApiError(400, "invalid_value", message, "tool_choice")
        return ToolSelection.choose(functions, choice, self.parallel_tool_calls, name, science)

    @property
    def science_tool(self) -> ScienceTool | None:
        """Galop's own tool, if it is among them and may be used."""
        tools = [ScienceTool(type=SCIENCE, details=t.details) for t in self.tools or [] if t.type == SCIENCE]
        found = tools[0] if tools else None
        chosen = self.tool_choice
        if isinstance(chosen, ResponsesToolChoice) and chosen.type == "allowed_tools":
            return found if any(tool.type == SCIENCE for tool in chosen.tools or []) else None
        return found

    def messages(self) -> list[ChatMessage]:
        """The messages in the shape that all dialects share. Raises ApiError (400) for what is no text."""
        messages = [ChatMessage(role="system", content=self.instructions)] if self.instructions else []
        names: dict[str | None, str] = {}
        for item in self.items:
            if item.type == "message":
                add_message(messages, item)
            elif item.type == "reasoning":
                if thought := item.reasoning_text():
                    messages.append(ChatMessage(role="assistant", content="", reasoning_content=thought))
            elif item.is_output:
                offered = ContentPart(type="text", text=", ".join(tool.name or "" for tool in item.tools or []))
                content = result_parts(item.output) if item.output else [offered]
                name = names.get(item.call_id)
                messages.append(ChatMessage(role="tool", content=content, tool_call_id=item.call_id, name=name))
            elif item.is_call:
                call = item.call()
                names[call.id] = call.function.name
                if not messages or messages[-1].role != "assistant":
                    messages.append(ChatMessage(role="assistant", content=""))
                calls = messages[-1].tool_calls = messages[-1].tool_calls or []
                calls.append(call)
                if (own := item.own_result) is not None:
                    messages.append(ChatMessage(role="tool", content=own, name=call.function.name))
            elif item.content:
                raise ApiError(400, "invalid_value", f"an item of type {item.type[:60]!r} cannot be read", "input")
        if len(first := list(takewhile(lambda message: message.role == "system", messages))) > 1:
            parts = [[*message.parts, ContentPart(type="text", text="\n\n")] for message in first]
            messages[: len(first)] = [ChatMessage(role="system", content=[p for listed in parts for p in listed][:-1])]
        return messages or [ChatMessage(role="user", content="")]  # items may say nothing to a model

    @property
    def continues(self) -> bool:
        """Whether the last item was left unfinished."""
        last = self.items[-1]
        unfinished = last.status in ("in_progress", "incomplete")
        return unfinished and (last.type == "reasoning" or (last.type == "message" and last.role == "assistant"))

    def turn(self, messages: Sequence[ChatMessage]) -> PromptEnd:
        """Whether the last message is continued. Raises ApiError (400) where it cannot be."""
        return resolve_turn(messages, True) if self.continues else "begin"


class ResponsesRequest(InputTokensRequest):
    """A request of Responses."""

    max_output_tokens: Count | None = None
    stream: bool | None = None
    store: bool | None = None
    include: list[str] | None = None
    top_logprobs: Annotated[int, Field(ge=0, le=20)] | None = None
    metadata: Annotated[dict[str, str], Field(max_length=16)] | None = None

    @property
    def with_summary(self) -> bool:
        """Whether thinking is sent as its summary too."""
        return bool(self.reasoning and (self.reasoning.summary or self.reasoning.generate_summary))

    @property
    def logprobs(self) -> int | None:
        """Of how many likely tokens beside each one; None for no log-probabilities."""
        wanted = self.top_logprobs or "message.output_text.logprobs" in (self.include or [])
        return (self.top_logprobs or 0) if wanted else None


def add_message(messages: list[ChatMessage], item: ResponseItem) -> None:
    """Adds a message, an assistant's to the thinking before it.

    Raises ApiError (400) for what is no text, picture or file."""
    if item.role is None:
        raise ApiError(400, "invalid_value", "a message has a role: user, assistant, system or developer", "input")
    parts = [ItemPart(text=item.content)] if isinstance(item.content, str) else item.content or []
    content: list[ContentPart] = []
    for part in parts:
        if shown := part.shown:
            content.append(shown)
        elif part.words is None:
            message = f"only text, pictures and files can be read, not {part.type[:80]!r}"
            raise ApiError(400, "media_not_allowed", message, "input")
        else:
            content.append(ContentPart(type="text", text=part.words))
    text = "".join(part.text or "" for part in content)
    if item.role == "assistant" and messages:
        before = messages[-1]
        if before.role == "assistant" and not (before.content or before.tool_calls):
            before.content = text
            return
    role = "system" if item.role == "developer" else item.role
    shows = any(part.is_picture or part.is_file for part in content)
    messages.append(ChatMessage(role=role, content=content if shows else text))
