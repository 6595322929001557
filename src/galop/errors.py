"""What can go wrong in a way the user can act on. Each message is one sentence: what, where, what to do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


class GalopError(Exception):
    """Base of every error of which a user sees the message alone, without a traceback."""

    exit_code = 1

    def __reduce__(self) -> tuple[Any, ...]:
        """An error goes to another process as it is, without being made again of its message."""
        return _remake, (type(self), str(self), self.__dict__)


def _remake(kind: type[GalopError], message: str, fields: dict[str, Any]) -> GalopError:
    error = kind.__new__(kind, message)
    error.__dict__.update(fields)
    return error


class ModelFileError(GalopError):
    """A model file is damaged, hostile or of a kind that is not supported."""

    exit_code = 2


class UnknownModelError(GalopError):
    """No model goes by that name."""

    exit_code = 2


class DownloadError(GalopError):
    """Weights could not be fetched or are not what they should be."""


class MemoryBudgetError(GalopError):
    """The model does not fit the memory it may use."""


class BusyError(GalopError):
    """The machine has so much else to do that what was asked is not done."""


class ClusterError(GalopError):
    """A cluster cannot be reached, or does not answer."""


class NoRoomError(ClusterError):
    """No machine of a cluster has processors free for a model."""


class ContextLengthError(GalopError):
    """A prompt is longer than the context."""

    exit_code = 2

    def __init__(self, message: str, **counts: int) -> None:
        super().__init__(message)
        self.counts = counts  # n_prompt_tokens and n_ctx, where they are known


class EncoderError(GalopError):
    """A model that embeds texts was asked to write one."""

    exit_code = 2

    def __init__(self, name: str) -> None:
        super().__init__(
            f"{name} is an encoder: it embeds texts (/v1/embeddings of galop serve) and writes none; take another model"
        )


class PictureError(GalopError):
    """Bytes are no picture or document that can be read."""

    exit_code = 2


class DocumentError(PictureError):
    """Bytes are no document that can be read."""


class BlindModelError(GalopError):
    """A model that reads text alone was shown a picture. `seeing` are models that are here and see."""

    exit_code = 2

    def __init__(self, name: str, seeing: Sequence[str] = ()) -> None:
        there = " and ".join(seeing[:2])
        instead = f"{there}, which {'are' if len(seeing) > 1 else 'is'} here, can see" if there else ""
        super().__init__(
            f"{name} reads text alone and sees no pictures; "
            + (instead or "no model here does: galop list says which can be had")
        )


class TemplateError(GalopError):
    """A chat template failed, looped or reached for what it may not."""

    refused = False  # the template's own word that the conversation is not as it has to be


class NumericalError(GalopError):
    """A forward pass gave values that are not numbers."""


class QueueFullError(GalopError):
    """More requests are waiting than may."""


class ConstraintError(GalopError):
    """A schema, regex or grammar cannot be followed."""

    exit_code = 2
    param = ""  # the field of a request that it came from, where that is known


class RemoteError(GalopError):
    """What a model's interface answered instead of a reply.

    `passing` is what may be over another time, `of_question` what another question may not meet.
    """

    def __init__(self, message: str, passing: bool, of_question: bool = False) -> None:
        super().__init__(message)
        self.passing = passing
        self.of_question = of_question


class VllmError(GalopError):
    """A vLLM server cannot be started or reached, or does not do what it is asked for.

    `refused` is where the request is to blame.
    """

    def __init__(self, message: str, refused: bool = False) -> None:
        super().__init__(message)
        self.refused = refused
