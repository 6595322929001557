"""Errors as clients get them, in the shape of the dialect of their request."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from starlette.exceptions import HTTPException
from starlette.responses import Response

from galop.errors import (
    BlindModelError,
    BusyError,
    ClusterError,
    ConstraintError,
    ContextLengthError,
    DocumentError,
    DownloadError,
    EncoderError,
    GalopError,
    MemoryBudgetError,
    ModelFileError,
    NumericalError,
    PictureError,
    QueueFullError,
    TemplateError,
    UnknownModelError,
    VllmError,
)

TYPES = {
    400: "invalid_request_error", 401: "authentication_error", 403: "permission_error", 404: "not_found_error",
    405: "invalid_request_error", 408: "invalid_request_error", 413: "invalid_request_error",
    415: "invalid_request_error", 429: "rate_limit_error", 500: "server_error", 503: "overloaded_error",
}  # fmt: skip
# Where a prompt stands that is not made of messages.
PROMPTS = {
    "/v1/completions": "prompt", "/v1/responses": "input", "/v1/embeddings": "input", "/v1/rerank": "documents",
    "/infill": "input_prefix", "/completion": "prompt",
}  # fmt: skip
# Codes of what is wrong with one.
OF_PROMPTS = ("context_length_exceeded", "invalid_image", "invalid_file", "media_not_allowed")
log = logging.getLogger("galop.server")
ANTHROPIC_TYPES = {"server_error": "api_error"}


class ApiError(HTTPException):
    """`code` says what happened to a program, `message` to a person, `param` which field is to blame; `counts` are
    tokens that the error is about, and `retry_after` seconds."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        param: str | None = None,
        retry_after: int = 0,
        counts: Mapping[str, int] = MappingProxyType({}),
    ) -> None:
        super().__init__(status)
        self.code = code
        self.message = message
        self.param = param
        self.counts = counts
        self.sent = {"retry-after": str(retry_after)} if retry_after else {}
        if status >= 500 and not retry_after:
            self.sent["x-should-retry"] = "false"  # clients would send the same request three times

    @property
    def type(self) -> str:
        """OpenAI's word for the kind of error, by its status."""
        return TYPES.get(self.status_code, "server_error")

    def body(self, path: str) -> dict[str, Any]:
        """What is answered at a path, in the shape of its dialect."""
        if path.startswith("/api/"):
            return {"error": self.message}
        if path.startswith("/v1/messages"):
            message = self.message
            if tokens := self.counts.get("n_prompt_tokens"):  # by these words clients know that they have to shorten it
                message = f"prompt is too long: {tokens} tokens > {self.counts['n_ctx']} maximum; {message}"
            return {"type": "error", "error": {"type": ANTHROPIC_TYPES.get(self.type, self.type), "message": message}}
        param = PROMPTS.get(path, self.param) if self.code in OF_PROMPTS else self.param
        error = {"message": self.message, "type": self.type, "param": param, "code": self.code, **self.counts}
        return {"error": error}

    def response(self, path: str) -> Response:
        """The whole response, where none has begun."""
        content = json.dumps(self.body(path), ensure_ascii=True)
        return Response(content, self.status_code, self.sent, "application/json")


def api_error(error: Exception) -> ApiError:
    """The error that a client gets for an exception; without details for one that was not foreseen."""
    match error:
        case ApiError():
            return error
        case ContextLengthError():
            return ApiError(400, "context_length_exceeded", str(error), "messages", counts=error.counts)
        case UnknownModelError():
            return ApiError(404, "model_not_found", str(error), "model")
        case EncoderError():
            return ApiError(400, "unsupported_parameter", str(error), "model")
        case DocumentError():
            return ApiError(400, "invalid_file", str(error), "messages")
        case PictureError():
            return ApiError(400, "invalid_image", str(error), "messages")
        case BlindModelError():
            return ApiError(400, "media_not_allowed", str(error), "messages")
        case ConstraintError():
            return ApiError(400, "invalid_schema", str(error), error.param or "response_format")
        case ModelFileError():
            return ApiError(400, "invalid_model_file", str(error), "model")
        case QueueFullError():
            return ApiError(429, "queue_full", str(error), retry_after=2)
        case BusyError():
            return ApiError(503, "machine_busy", str(error), retry_after=10)
        case TemplateError() if error.refused:
            return ApiError(400, "invalid_value", str(error), "messages")
        case TemplateError():
            return ApiError(500, "template_error", str(error))
        case NumericalError():
            return ApiError(500, "numerical_error", str(error))
        case MemoryBudgetError():
            return ApiError(503, "memory_pressure", str(error), retry_after=10)
        case VllmError() if error.refused:
            return ApiError(400, "unsupported_parameter", str(error))
        case VllmError():
            return ApiError(503, "backend_unavailable", str(error))
        case ClusterError():
            return ApiError(503, "backend_unavailable", str(error), retry_after=10)
        case DownloadError() | GalopError():
            return ApiError(500, "internal_error", str(error))
        case MemoryError():
            return ApiError(503, "memory_pressure", "there is no memory left", retry_after=10)
    log.error("unexpected", exc_info=error)
    return ApiError(500, "internal_error", "something went wrong in the server; its log says what")
