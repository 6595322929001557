"""The messages of a conversation as OpenAI's and Ollama's clients send them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import suppress
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError, from_json

from galop.chat.content import make_content, pictures_of
from galop.chat.messages import Message
from galop.chat.template import PromptEnd
from galop.errors import PictureError
from galop.pictures.picture import Picture, check_count
from galop.server.errors import ApiError
from galop.server.request.media import FileData, FindFile, MediaReader, find_nothing
from galop.server.request.tools import ToolName
from galop.server.transport.json_body import parse_json

OTHER_NAMES = {"image": "image_url", "input_file": "file", "document": "file", "pdf": "file"}  # of parts of a message
LONGEST_CUT = 1 << 20  # characters of arguments that are not whole


class ImageURL(BaseModel):
    """OpenAI's wrapping of a picture's URL."""

    model_config = ConfigDict(strict=True, extra="ignore")
    url: str


class ContentPart(BaseModel):
    """A part of a message's content: text, a picture as a data: URL or in base64, or a file in that."""

    model_config = ConfigDict(strict=True, extra="ignore")
    type: str
    text: str | None = None
    refusal: str | None = None
    image_url: str | ImageURL | None = None
    file: FileData | None = None
    label: str = ""  # what a picture is called where it cannot be seen

    @model_validator(mode="after")
    def check_kind(self) -> ContentPart:
        """Puts a refusal in the place of text. Raises PydanticCustomError for what is no text, picture or file."""
        if self.is_picture or self.is_file:
            if self.file is None and (self.is_file or self.image_url is None):
                raise PydanticCustomError("missing", f"{'image_url' if self.is_picture else 'file'} is missing")
            return self
        if self.type == "refusal":
            self.text = self.refusal
        elif self.type not in ("text", "input_text", "output_text"):
            known = OTHER_NAMES.get(self.type)
            told = f"is called {known} here" if known else "is neither text nor a picture (image_url) nor a file"
            raise PydanticCustomError("media_not_allowed", f"{{kind}} {told}", {"kind": repr(self.type[:40])})
        if self.text is None:
            raise PydanticCustomError("missing", "text is missing")
        return self

    @property
    def is_picture(self) -> bool:
        """Whether it is shown."""
        return self.type in ("image_url", "input_image")

    @property
    def is_file(self) -> bool:
        """Whether it is a PDF or another file."""
        return self.type == "file"

    @property
    def url(self) -> str:
        """Of a picture, or its base64."""
        return self.image_url.url if isinstance(self.image_url, ImageURL) else self.image_url or ""


class FunctionCall(BaseModel):
    """A call of a function in the history, with its arguments as JSON."""

    model_config = ConfigDict(strict=True, extra="ignore")
    name: ToolName
    arguments: str | dict[str, Any] = ""

    def values(self) -> dict[str, Any]:
        """The arguments, as far as they came where they were cut off. Raises ApiError (400) for no JSON object."""
        if isinstance(self.arguments, dict):
            return self.arguments
        text = self.arguments.strip()
        try:
            found = parse_json(text.encode() if text not in ("", "null") else b"{}")
        except (ValueError, ApiError):
            found = None
            if len(text) <= LONGEST_CUT:  # a limit may have cut it off, or a model said a name twice
                with suppress(ValueError, ApiError):
                    partial = from_json(text.encode(), allow_inf_nan=False, allow_partial="trailing-strings")
                    found = parse_json(json.dumps(partial).encode())
        if not isinstance(found, dict):
            raise ApiError(400, "invalid_value", f"the arguments of {self.name} are no JSON object", "messages")
        return found


class ChatToolCall(BaseModel):
    """OpenAI's wrapping of a call."""

    model_config = ConfigDict(strict=True, extra="ignore")
    function: FunctionCall
    id: str | None = None


class ChatMessage(BaseModel):
    """A message in OpenAI's shape, with what other servers add to it."""

    model_config = ConfigDict(strict=True, extra="ignore")
    role: Literal["developer", "system", "user", "assistant", "tool"]
    content: str | list[ContentPart] | None = None
    refusal: str | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None
    thinking: str | None = None
    tool_calls: Annotated[list[ChatToolCall], Field(max_length=128)] | None = None
    tool_call_id: str | None = None
    name: str | None = None
    tool_name: str | None = None  # Ollama's

    @property
    def parts(self) -> list[ContentPart]:
        """Its content."""
        if isinstance(self.content, str):
            return [ContentPart(type="text", text=self.content)]
        return self.content or []

    @property
    def shows(self) -> bool:
        """Whether a picture is among what it says; what a tool gave is told in words to a model that sees none."""
        return self.role != "tool" and any(part.is_picture for part in self.parts)

    def message(self, media: MediaReader) -> Message:
        """As templates take it, its pictures and files as `media` opens them; what a tool gave and cannot be opened is
        told in words. Raises ApiError (400) for arguments of a call that are no JSON object, PictureError."""
        parts: list[str | Picture] = []
        apart = False  # whether a new line has to begin
        for part in self.parts:
            found = [part.text or ""] if not (part.is_picture or part.is_file) else self._open(part, media)
            in_words = part.text is None and isinstance(found[0], str)
            if parts and (apart or in_words):
                parts.append("\n")
            parts += found
            apart = in_words
        content = make_content(parts) or self.refusal or ""
        role = "system" if self.role == "developer" else self.role
        message: Message = {"role": role, "content": content}
        if thought := self.reasoning_content or self.reasoning or self.thinking:
            message["reasoning_content"] = thought
        if self.tool_calls:
            calls = [{"name": c.function.name, "arguments": c.function.values()} for c in self.tool_calls]
            ids = [c.id for c in self.tool_calls]
            message["tool_calls"] = [
                {"type": "function", "id": id, "function": c} for id, c in zip(ids, calls, strict=True)
            ]
        if role == "tool":
            named = {"name": self.name or self.tool_name, "tool_call_id": self.tool_call_id}
            message |= {field: value for field, value in named.items() if value}
        return message

    def _open(self, part: ContentPart, media: MediaReader) -> list[str | Picture]:
        """Raises PictureError."""
        if part.is_picture and not media.sees:
            return [f"[{part.label or part.type}: only text can be read]"]
        try:
            return media.open_file(part.file) if part.file else [media.open_picture(part.url)]
        except PictureError as error:
            if self.role != "tool":
                raise
            return [f"[{error}]"]  # an agent's conversation has to go on


Messages = Annotated[list[ChatMessage], Field(min_length=1, max_length=4096)]


def read_messages(
    messages: Sequence[ChatMessage], sees: bool, find: FindFile = find_nothing, owner: str = ""
) -> list[Message]:
    """Messages of an owner as templates take them, with their pictures where the model `sees`, and their files, of
    which `find` knows those that were sent before.

    Raises ApiError (400) and PictureError as `ChatMessage.message` does, PictureError for too many pictures too.
    """
    check_count([part for message in messages for part in message.parts if part.is_picture or part.is_file])
    media = MediaReader(sees, find, owner)
    found = [message.message(media) for message in messages]
    check_count(pictures_of(found))
    return found


def resolve_turn(
    messages: Sequence[ChatMessage], continues: bool | None = None, opens: bool | None = None
) -> PromptEnd:
    """Whether the last message is continued, as vLLM's `continue_final_message` and `add_generation_prompt` say.

    Where neither does, an assistant's is, as with Anthropic and llama-server. Raises ApiError (400) where they
    contradict each other or the messages.
    """
    is_assistant = bool(messages) and messages[-1].role == "assistant"
    if continues and opens:
        message = "continue_final_message and add_generation_prompt cannot both be true"
        raise ApiError(400, "invalid_value", message, "continue_final_message")
    if continues and not is_assistant:
        message = "continue_final_message needs the last message to be the assistant's"
        raise ApiError(400, "invalid_value", message, "continue_final_message")
    if not (is_assistant if continues is None and not opens else continues):
        return "none" if opens is False else "begin"
    if messages[-1].tool_calls:
        message = "the last message calls tools, so it cannot be continued; send their results after it"
        raise ApiError(400, "invalid_value", message, "messages")
    return "continue"
