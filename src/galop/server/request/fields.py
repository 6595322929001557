"""Fields that requests of several dialects have in common."""

from __future__ import annotations

import secrets
from dataclasses import replace
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError

from galop.backends.protocol import TokenBackend
from galop.chat.thinking import Thinking
from galop.engine.sampling import Sampling
from galop.server.errors import ApiError
from galop.server.request.unsupported import refuse_unsupported

MAX_N = 16
MAX_ANSWERS = 256  # of several prompts
MAX_STOPS = 4
MAX_TOOLS = 256
Count = Annotated[int, Field(ge=1, le=1 << 31)]
Effort = Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"]
Budget = Annotated[int, Field(ge=0, le=1 << 31)]  # tokens of thinking
StopString = Annotated[str, Field(min_length=1, max_length=256)]
TokenLimit = Annotated[int, Field(ge=-1, le=1 << 31)]  # -1: as many as there is room for


# What a part has that shows a picture or a file, in any dialect.
MEDIA_KEYS = {"type", "image_url", "image", "file", "source", "data", "content"}


def refuse_media(given: Any) -> Any:
    """Raises PydanticCustomError for a part of a message where a text has to stand."""
    parts = given if isinstance(given, list) else [given]
    if any(isinstance(part, dict) and MEDIA_KEYS & part.keys() for part in parts):
        message = "only texts can be read here; a picture or file belongs to a message of a conversation"
        raise PydanticCustomError("media_not_allowed", message)
    return given


TextsAlone = BeforeValidator(refuse_media)


class RequestBody(BaseModel):
    """Types as JSON has them: a number in a string is no number. Unknown fields are ignored, null is the default."""

    model_config = ConfigDict(strict=True, extra="allow")

    model: Annotated[str, Field(max_length=500)] | None = Field(
        None, description="From /v1/models; the first if absent."
    )

    def refuse(self, *names: str) -> None:
        """Raises ApiError (400) if the request holds what cannot be done, where it would be ignored in silence."""
        refuse_unsupported(self.model_extra)
        for name in names:
            if (self.model_extra or {}).get(name) or getattr(self, name, None):
                raise ApiError(400, "unsupported_parameter", f"{name} is not supported", name)

    def refuse_pictures(self) -> None:
        """Raises ApiError (400) if the request brings pictures where nothing is seen."""
        for name in ("images", "image", "image_data", "multimodal_data"):
            if (self.model_extra or {}).get(name):
                raise ApiError(
                    400, "unsupported_parameter", "only texts are embedded and ranked here, no pictures", name
                )


class SamplingFields(RequestBody):
    """How tokens are sampled. What is left out is the model card's setting."""

    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    top_p: Annotated[float, Field(gt=0, le=1)] | None = None
    top_k: Annotated[int, Field(ge=-1, le=1 << 31, description="-1 and 0 keep every token.")] | None = None
    min_p: Annotated[float, Field(ge=0, le=1)] | None = None
    repetition_penalty: Annotated[float, Field(ge=0.01, le=10)] | None = None
    repeat_penalty: Annotated[float, Field(ge=0.01, le=10)] | None = None
    presence_penalty: Annotated[float, Field(ge=-2, le=2)] | None = None
    frequency_penalty: Annotated[float, Field(ge=-2, le=2)] | None = None
    seed: Annotated[int, Field(ge=-(1 << 63), lt=1 << 64)] | None = None

    def sampling(self, model: TokenBackend, thinking: Thinking | None = None) -> Sampling:
        """The sampling settings of a reply: the model card's for one with such thinking, and these."""
        names = ("temperature", "top_p", "top_k", "min_p", "presence_penalty", "frequency_penalty")
        given = {name: getattr(self, name) for name in names if getattr(self, name) is not None}
        penalty = self.repetition_penalty or self.repeat_penalty
        if penalty is not None:
            given["repetition_penalty"] = penalty
        if self.top_k == -1:
            given["top_k"] = 0
        return replace(model.sampling_for(thinking), **given, seed=resolve_seed(self.seed))


def first_limit(*given: int | None, default: int = -1) -> int | None:
    """The first that is given; None for -1, as many tokens as there is room for."""
    limit = next((limit for limit in given if limit is not None), default)
    return None if limit == -1 else limit


def resolve_seed(seed: int | None) -> int:
    """A seed of 64 bits; None and -1 stand for a random one, as other servers have it."""
    return secrets.randbits(32) if seed in (None, -1) else seed % (1 << 64)


def stop_list(stop: str | list[str] | None) -> list[str]:
    """The strings that end an answer."""
    return [stop] if isinstance(stop, str) else stop or []
