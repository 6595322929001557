"""What Ollama's routes take: its types, its ranges."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from galop.backends.protocol import TokenBackend
from galop.chat.thinking import Thinking
from galop.engine.sampling import Sampling
from galop.server.dialects.embeddings import MOST_INPUTS
from galop.server.errors import ApiError
from galop.server.request.fields import MAX_TOOLS, RequestBody, TextsAlone, resolve_seed
from galop.server.request.messages import ChatMessage, ContentPart
from galop.server.request.tools import FunctionDefinition, ScienceTool, ToolSelection

UNITS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ms": 1e-3, "s": 1, "m": 60, "h": 3600}
DURATION = re.compile(r"(\d+\.?\d*|\.\d+)([nuµμm]?s|[mh])")


def truncate(value: Any) -> Any:
    """A number with a fraction where a whole one is due loses it, as it does in Ollama."""
    return int(value) if isinstance(value, float) and math.isfinite(value) else value


def parse_duration(value: Any) -> float | None:
    """A time to keep a model for: Go's 1h30m, or a number of seconds; for ever where it is negative.

    Raises PydanticCustomError for what is neither.
    """
    if value is None:
        return None
    text = "" if isinstance(value, bool) else str(value).strip()
    sign, rest = (text[0], text[1:]) if text[:1] in ("+", "-") else ("", text)
    if re.fullmatch(r"(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?", rest):
        length = float(rest)
    elif rest and not DURATION.sub("", rest):
        length = sum(float(number) * UNITS[unit] for number, unit in DURATION.findall(rest))
    else:
        raise PydanticCustomError("duration", "neither a duration such as 5m nor a number of seconds")
    return math.inf if sign == "-" and length else length


Whole = Annotated[int, BeforeValidator(truncate)]
KeepAlive = Annotated[Any, AfterValidator(parse_duration)]
Levels = Literal["low", "medium", "high", "max"]
Images = Annotated[list[str], Field(max_length=4096)] | None  # in base64


def image_parts(images: list[str] | None) -> list[ContentPart]:
    """Pictures as parts of a message."""
    return [ContentPart(type="image_url", image_url=image, label="image") for image in images or []]


class OllamaOptions(BaseModel):
    """How tokens are sampled, in Ollama's ranges. What is left out is the model card's setting.

    What else Ollama knows is about its engine (num_ctx, num_gpu, num_thread ...) and changes nothing here.
    """

    model_config = ConfigDict(strict=True, extra="ignore")
    temperature: Annotated[float, Field(le=100)] | None = None
    top_k: Annotated[Whole, Field(lt=1 << 31)] | None = None
    top_p: float | None = None
    min_p: float | None = None
    typical_p: float | None = None
    repeat_penalty: Annotated[float, Field(ge=0.01, le=100)] | None = None
    presence_penalty: Annotated[float, Field(ge=-100, le=100)] | None = None
    frequency_penalty: Annotated[float, Field(ge=-100, le=100)] | None = None
    repeat_last_n: Whole | None = None
    seed: Annotated[Whole, Field(ge=-(1 << 63), lt=1 << 64)] | None = None
    num_predict: Whole | None = None
    stop: (
        Annotated[str, Field(max_length=1024)]
        | Annotated[list[Annotated[str, Field(max_length=1024)]], Field(max_length=256)]
        | None
    ) = None

    def sampling(self, model: TokenBackend, thinking: Thinking | None) -> Sampling:
        """The sampling settings of a reply: the model card's for one with such thinking, and these."""
        given: dict[str, Any] = {
            "temperature": None if self.temperature is None else max(self.temperature, 0.0),
            "top_k": None if self.top_k is None else max(self.top_k, 0),
            "top_p": None if self.top_p is None else min(max(self.top_p, 0.0), 1.0),
            "min_p": None if self.min_p is None else min(max(self.min_p, 0.0), 1.0),
            "repetition_penalty": self.repeat_penalty,
            "presence_penalty": self.presence_penalty,
            "frequency_penalty": self.frequency_penalty,
        }
        if self.repeat_last_n == 0:  # look back at nothing
            given |= {"repetition_penalty": 1.0, "presence_penalty": 0.0, "frequency_penalty": 0.0}
        chosen = {name: value for name, value in given.items() if value is not None}
        return replace(model.sampling_for(thinking), **chosen, seed=resolve_seed(self.seed))

    @property
    def limit(self) -> int | None:
        """Negative numbers and 0 stand for as many tokens as there is room for."""
        return self.num_predict if self.num_predict and self.num_predict > 0 else None

    @property
    def stops(self) -> list[str]:
        """The strings that end an answer."""
        return [s for s in ([self.stop] if isinstance(self.stop, str) else self.stop or []) if s]

    def refuse(self) -> None:
        """Raises ApiError (400) for what would change the answer and cannot be done."""
        if self.typical_p is not None and 0 < self.typical_p < 1:
            raise ApiError(400, "unsupported_parameter", "options.typical_p is not supported", "options.typical_p")


class OllamaRequest(RequestBody):
    """What all have in common."""

    options: OllamaOptions | None = None
    keep_alive: KeepAlive = Field(None, description="A duration such as 5m, or seconds; negative for ever.")

    @property
    def sampling_options(self) -> OllamaOptions:
        """How tokens are sampled."""
        return self.options or OllamaOptions()


class OllamaAnswerRequest(OllamaRequest):
    """What chat and generate have in common."""

    stream: bool | None = None
    think: bool | Levels | None = None
    format: str | dict[str, Any] | None = None
    logprobs: bool | None = None
    top_logprobs: Annotated[Whole, Field(ge=0, le=20)] | None = None

    def refuse(self, *names: str) -> None:
        """Raises ApiError (400) for what cannot be done."""
        super().refuse("_debug_render_only", *names)
        self.sampling_options.refuse()

    def thinking_settings(self) -> Thinking:
        """What `think` says."""
        if isinstance(self.think, str):
            return Thinking.from_request(None, self.think, None)
        return Thinking(self.think)


class OllamaMessage(ChatMessage):
    """A message, its role in any case."""

    role: Annotated[
        Literal["developer", "system", "user", "assistant", "tool"],
        BeforeValidator(lambda role: role.lower() if isinstance(role, str) else role),
    ]
    images: Images = None

    @model_validator(mode="after")
    def show_images(self) -> OllamaMessage:
        """Puts the pictures before what is said, where Ollama has them too."""
        if self.images:
            self.content = [*image_parts(self.images), *self.parts]
            self.images = None
        return self


class OllamaTool(BaseModel):
    """Ollama's wrapping of a function."""

    model_config = ConfigDict(strict=True, extra="ignore")
    type: Literal["function"] | None = None
    function: FunctionDefinition


class OllamaChatRequest(OllamaAnswerRequest):
    """A conversation."""

    messages: Annotated[list[OllamaMessage], Field(max_length=4096)] | None = None
    tools: Annotated[list[OllamaTool | ScienceTool], Field(max_length=MAX_TOOLS)] | None = None

    def tool_selection(self) -> ToolSelection:
        """Which tools may be called. Raises ApiError (400)."""
        functions = [tool.function for tool in self.tools or [] if isinstance(tool, OllamaTool)]
        science = next((tool for tool in self.tools or [] if isinstance(tool, ScienceTool)), None)
        return ToolSelection.choose(functions, "auto", None, science=science)


class OllamaGenerateRequest(OllamaAnswerRequest):
    """A prompt."""

    prompt: str | None = None
    system: str | None = None
    template: str | None = None
    suffix: str | None = None
    raw: bool | None = None
    images: Images = None
    context: Annotated[list[int], Field(max_length=1 << 20)] | None = Field(
        None, description="Of an earlier answer, to go on from it."
    )

    def refuse(self, *names: str) -> None:
        """Raises ApiError (400) for what cannot be done, and for what `raw` leaves no place for."""
        super().refuse("template", *names)
        if self.images and (self.raw or self.suffix):
            raise ApiError(400, "invalid_value", "images belong to a conversation; leave out raw and suffix", "images")
        if self.raw and (self.system or self.context):
            raise ApiError(400, "invalid_value", "raw mode does not support template, system, or context", "raw")


class OllamaEmbedRequest(OllamaRequest):
    """Texts to embed."""

    input: Annotated[str | Annotated[list[str], Field(max_length=MOST_INPUTS)] | None, TextsAlone] = None
    truncate: bool | None = None
    dimensions: Whole | None = None


class OllamaEmbeddingsRequest(OllamaRequest):
    """A text to embed, as `embed` was called once."""

    prompt: str | None = None
