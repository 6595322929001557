"""What goes between the door and a replica: work one way, batches of events the other."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from galop.backends.events import StreamEvent
from galop.backends.load import LoadOptions
from galop.backends.protocol import Capabilities, GenerationRequest, Statistics
from galop.chat.response_format import ResponseFormat
from galop.chat.tools import Tool
from galop.engine.sampling import SampledToken, Sampling
from galop.ops.plan import Array
from galop.tokenizers.constraint import Mask
from galop.weights.pack import Pack


@dataclass(frozen=True)
class ConstraintOrder:
    """An `AnswerConstraint` that a replica makes and keeps: here it is what that is made of."""

    form: ResponseFormat | None
    tools: tuple[Tool, ...]
    choice: str
    several: bool

    def mask(self) -> Mask | None:
        """Nothing: it is masked elsewhere."""
        return None

    def interpret(self, token: int) -> int:
        """The token itself."""
        return token

    def accept(self, token: int) -> Sequence[int]:
        """Nothing."""
        return ()

    def copy(self) -> ConstraintOrder:
        """The same, since it has no state."""
        return self


@dataclass(frozen=True)
class Work:
    """A request as it travels: without its callbacks, which stay at the door."""

    request: GenerationRequest
    reads_end: bool  # whether the logits and the hidden state after the prompt are wanted

    @classmethod
    def of(cls, request: GenerationRequest) -> Work:
        """The work of a request."""
        plain = replace(request, on_prompt_end=None, cancelled=_never)
        return cls(plain, request.on_prompt_end is not None)


def _never() -> bool:
    return False


@dataclass(frozen=True)
class AnswerPart:
    """What has happened since the last part of an answer."""

    events: list[StreamEvent] = field(default_factory=list)
    tokens: Sequence[int] = ()  # of the answer
    replica: str = ""  # in the first: which one answers,
    limit: int = 0  # the most tokens the answer may have,
    cached_tokens: int = 0  # and of the prompt, those that were known
    started: bool = True
    prompt_end: tuple[Array, Array] | None = None  # logits, hidden state
    prompt_scores: Sequence[SampledToken] = ()  # in the last


@dataclass(frozen=True)
class ReplicaOrder:
    """What a replica is to be."""

    model: str  # its name, or the path of its file
    digest: bytes  # of the model, as `digest_model` makes it
    parallel: int
    queue: int
    options: LoadOptions
    lease: str  # names an actor that lives as long as the door


def digest_model(pack: Pack, tower: Pack | None) -> bytes:
    """SHA-256 of what decides a model's answers: config, tokenizer, template and the checksums of its matrices, and of
    its vision tower's."""
    card = pack.card
    told = [card.config, card.chat_template, card.stop_ids, card.generation, pack.tokenizer_json, pack.checksums()]
    if tower:
        told += [tower.card.config, tower.checksums()]
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).digest()


@dataclass(frozen=True)
class ReplicaSettings:
    """What a replica says of its model, the same for all of them but for the context, which memory may bound."""

    context: int
    parallel: int
    capabilities: Capabilities
    default_sampling: Sampling
    direct_sampling: Sampling | None
    memory: int  # bytes of one


@dataclass(frozen=True)
class ReplicaReport:
    """What a replica is doing now."""

    replica: str
    statistics: Statistics
    context: int
