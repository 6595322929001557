"""The content of Anthropic's messages: blocks of text, thinking, documents, tool calls and their results."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel, ConfigDict

from galop.server.errors import ApiError
from galop.server.request.media import FileData
from galop.server.request.messages import ChatMessage, ChatToolCall, ContentPart, FunctionCall
from galop.server.request.tools import ToolName


class DocumentSource(BaseModel):
    """Where a document's content is."""

    model_config = ConfigDict(strict=True, extra="ignore")
    type: str
    data: str | None = None
    url: str | None = None
    content: str | list[ContentBlock] | None = None
    media_type: str | None = None
    file_id: str | None = None


class ContentBlock(BaseModel):
    """A block of any type: text, thinking, a document, a call of a tool or what came of one."""

    model_config = ConfigDict(strict=True, extra="ignore")
    type: str
    text: str | None = None
    thinking: str | None = None
    id: str | None = None
    name: ToolName | None = None
    input: dict[str, Any] | None = None
    tool_use_id: str | None = None
    content: str | list[ContentBlock] | ContentBlock | None = None
    is_error: bool | None = None
    source: str | DocumentSource | None = None
    title: str | None = None
    context: str | None = None
    url: str | None = None
    stdout: str | None = None
    stderr: str | None = None
    error_code: str | None = None
    tool_name: str | None = None
    tool: ContentBlock | None = None  # one that is offered from here on, or no longer
    tool_references: list[ContentBlock] | None = None

    @property
    def words(self) -> str | None:
        """What it says; None where that is no text."""
        if self.type == "text":
            return self.text or ""
        if self.type == "tool_reference":
            return f"The tool {self.tool_name or self.name} can be called from now on."
        within = [*self.blocks, *(self.tool_references or [])]
        if isinstance(self.source, DocumentSource):
            if self.source.type not in ("text", "content"):
                return None
            within += blocks_of(self.source.data if self.source.type == "text" else self.source.content)
        parts = [self.title, self.context, self.url, self.source if isinstance(self.source, str) else None, self.text,
                *(block.quotable for block in within), self.stdout, self.stderr, self.error_code]  # fmt: skip
        return join_lines([part for part in parts if part]) if any(parts) else None

    @property
    def blocks(self) -> list[ContentBlock]:
        """The blocks that stand in it."""
        return blocks_of(self.content)

    @property
    def kind(self) -> str:
        """What it is called when it cannot be read."""
        media = self.source.media_type if isinstance(self.source, DocumentSource) else None
        return f"{self.type} ({media})" if media else self.type

    def all(self) -> Iterator[ContentBlock]:
        """Itself and what stands in it."""
        yield self
        for block in (*self.blocks, *(self.tool_references or [])):
            yield from block.all()

    @property
    def is_result(self) -> bool:
        """Whether it is what came of a tool's call."""
        return self.type.endswith("tool_result")

    @property
    def is_call(self) -> bool:
        """Also of a tool that the server ran itself."""
        return self.type.endswith("tool_use")

    @property
    def quotable(self) -> str:
        """As a part of something else, which has to go on where it is no text."""
        words = self.words
        return f"[{self.kind}: only text can be read]" if words is None else words

    @property
    def picture(self) -> ContentPart | None:
        """The picture that it shows, if it does. Raises ApiError (400) for one without a source."""
        if self.type != "image":
            return None
        if not isinstance(self.source, DocumentSource):
            raise ApiError(400, "invalid_value", "an image block has no source", "messages")
        if self.source.type == "file":
            return ContentPart(type="image_url", file=FileData(file_id=self.source.file_id or "-"), label=self.kind)
        given = self.source.data if self.source.type == "base64" else self.source.url or f"{self.source.type}:"
        return ContentPart(type="image_url", image_url=given or "", label=self.kind)

    @property
    def file(self) -> ContentPart | None:
        """The document that it is, if that is a file: its text is among its words otherwise."""
        if self.type != "document" or not isinstance(self.source, DocumentSource):
            return None
        if self.source.type in ("text", "content"):
            return None
        given = self.source.data if self.source.type == "base64" else None
        about = FileData(filename=self.title, file_data=given, file_url=self.source.url, file_id=self.source.file_id)
        return ContentPart(type="file", file=about, label=self.kind)

    def result(self) -> str | list[ContentPart]:
        """What a tool gave."""
        content = content_of(self.blocks, quoted=True)
        if not self.is_error:
            return content
        parts = [ContentPart(type="text", text=content)] if isinstance(content, str) else content
        return f"Error: {content}" if isinstance(content, str) else [ContentPart(type="text", text="Error: "), *parts]


def blocks_of(content: str | list[ContentBlock] | ContentBlock | None) -> list[ContentBlock]:
    """Content as a list of blocks, in whatever shape it was sent."""
    if isinstance(content, str):
        return [ContentBlock(type="text", text=content)]
    return [content] if isinstance(content, ContentBlock) else content or []


def join_lines(parts: list[str]) -> str:
    """The parts as one text, each beginning a line of its own."""
    text = ""
    for part in parts:
        text += part if not text or text.endswith("\n") or part.startswith("\n") or not part else f"\n{part}"
    return text


def content_of(blocks: list[ContentBlock], quoted: bool = False) -> str | list[ContentPart]:
    """The text of blocks, and their pictures and files where they have any.

    Raises ApiError (400) for what is none of these, unless it is to be named in its place (`quoted`).
    """
    parts: list[ContentPart] = []
    words: list[str] = []

    def end() -> None:
        if words:
            parts.append(ContentPart(type="text", text=join_lines(words)))
            words.clear()

    for block in blocks:
        if block.type in ("tool_addition", "tool_removal"):
            continue
        if shown := block.picture or block.file:
            if block.context:
                words.append(block.context)
            end()
            parts.append(shown)
        elif block.words is None and not quoted:
            message = f"only text, pictures and documents can be read, not {block.kind[:80]!r}"
            raise ApiError(400, "media_not_allowed", message, "messages")
        else:
            words.append(block.quotable)
    if not parts:
        return join_lines(words)
    end()
    return parts


def text_of(blocks: list[ContentBlock]) -> str:
    """The text of blocks that may have nothing else. Raises ApiError (400) for a picture or file."""
    content = content_of(blocks)
    if not isinstance(content, str):
        raise ApiError(
            400, "media_not_allowed", "a system prompt is text alone; put pictures and files in a message", "system"
        )
    return content


def assistant_messages(blocks: list[ContentBlock]) -> list[ChatMessage]:
    """A turn of the assistant's as messages: text and thinking with the calls after them, and between them the results
    of tools that a server ran itself. Raises ApiError (400) for a call without a name."""
    messages: list[ChatMessage] = []
    names: dict[str | None, str | None] = {}
    text: list[str] = []
    thoughts: list[str] = []
    calls: list[ChatToolCall] = []

    def end() -> None:
        message = ChatMessage(role="assistant", content="".join(text), reasoning_content="".join(thoughts) or None)
        message.tool_calls = [*calls] or None
        messages.append(message)
        for part in (text, thoughts, calls):
            part.clear()

    for block in blocks:
        if block.is_result:
            if text or thoughts or calls:
                end()
            messages.append(tool_result_message(block, names.get(block.tool_use_id)))
        elif block.is_call:
            if block.name is None:
                raise ApiError(400, "invalid_value", f"a {block.type[:40]} block has no name", "messages")
            names[block.id] = block.name
            calls.append(ChatToolCall(id=block.id, function=FunctionCall(name=block.name, arguments=block.input or {})))
        elif block.type == "thinking":
            thoughts.append(block.thinking or "")
        else:  # what says nothing is of servers that keep what it means, such as redacted thinking
            text.append(block.words or "")
    if text or thoughts or calls or not messages:
        end()
    return messages


def tool_result_message(block: ContentBlock, name: str | None) -> ChatMessage:
    """What came of a call of the tool `name`."""
    return ChatMessage(role="tool", content=block.result(), tool_call_id=block.tool_use_id, name=name)
