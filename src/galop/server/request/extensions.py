"""Extensions to OpenAI's dialect that work here: vLLM's, and llama-server's `json_schema` and `grammar`."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from galop.backends.protocol import TokenBackend, TokenRules
from galop.chat.response_format import ResponseFormat
from galop.server.errors import ApiError
from galop.server.request.response_format import build_format

Token = Annotated[int, Field(ge=0, lt=1 << 31)]


class StructuredOutputs(BaseModel):
    """vLLM's `structured_outputs`."""

    model_config = ConfigDict(strict=True, extra="allow")
    json_: dict[str, Any] | str | None = Field(None, alias="json")
    json_object: bool | None = None
    regex: str | None = None
    choice: Annotated[list[str], Field(min_length=1, max_length=4096)] | None = None
    grammar: str | None = None


class ExtensionFields(BaseModel):
    """Extensions that work: vLLM's, and llama-server's `json_schema` and `grammar`."""

    model_config = ConfigDict(strict=True, extra="allow")
    response_format: dict[str, Any] | None = None
    guided_json: dict[str, Any] | str | None = None
    guided_regex: str | None = None
    guided_choice: Annotated[list[str], Field(min_length=1, max_length=4096)] | None = None
    guided_grammar: str | None = None
    structured_outputs: StructuredOutputs | None = None
    json_schema: dict[str, Any] | str | None = None
    grammar: str | None = Field(None, description="GBNF or Lark.")
    min_tokens: Annotated[int, Field(ge=0, le=1 << 31)] | None = None
    ignore_eos: bool | None = None
    stop_token_ids: Annotated[list[Token], Field(max_length=256)] | None = None
    bad_words: Annotated[list[Annotated[str, Field(min_length=1, max_length=256)]], Field(max_length=256)] | None = None
    allowed_token_ids: Annotated[list[Token], Field(min_length=1, max_length=1 << 18)] | None = None
    include_stop_str_in_output: bool | None = None
    skip_special_tokens: bool | None = None
    truncate_prompt_tokens: Annotated[int, Field(ge=-1, le=1 << 31)] | None = None
    logit_bias: (
        Annotated[dict[str, Any], Field(max_length=1024)] | Annotated[list[Any], Field(max_length=1024)] | None
    ) = None

    def extra_formats(self) -> dict[str, ResponseFormat]:
        """What constrains the answer besides response_format, by the name of its field. Raises ApiError (400)."""
        outputs = self.structured_outputs
        given: dict[str, tuple[str, Any]] = {
            "guided_json": ("json", self.guided_json),
            "guided_regex": ("regex", self.guided_regex),
            "guided_choice": ("choice", self.guided_choice),
            "guided_grammar": ("grammar", self.guided_grammar),
            "json_schema": ("json", self.json_schema),
            "grammar": ("grammar", self.grammar or None),
        }
        if outputs:
            for name, value in (outputs.model_extra or {}).items():
                if value not in (None, False):
                    message = f"structured_outputs.{name} is not supported here"
                    raise ApiError(400, "unsupported_parameter", message, f"structured_outputs.{name}")
            given |= {
                "structured_outputs.json": ("json", outputs.json_),
                "structured_outputs.json_object": ("json", {"type": "object"} if outputs.json_object else None),
                "structured_outputs.regex": ("regex", outputs.regex),
                "structured_outputs.choice": ("choice", outputs.choice),
                "structured_outputs.grammar": ("grammar", outputs.grammar),
            }
        return {
            name: replace(build_format(kind, value, name), field=name)
            for name, (kind, value) in given.items()
            if value is not None
        }

    def form(self, also: ResponseFormat | None) -> ResponseFormat | None:
        """The one format of the answer, `also` being what response_format says. Raises ApiError (400)."""
        formats = self.extra_formats() | ({"response_format": also} if also else {})
        if len(formats) > 1:
            names = " and ".join(formats)
            raise ApiError(400, "invalid_value", f"{names} cannot lead one answer together", list(formats)[-1])
        return next(iter(formats.values()), None)

    def rules(self, model: TokenBackend) -> TokenRules:
        """Which tokens may be sampled, their logit bias, and what ends the answer. Raises ApiError (400)."""
        bias, never = parse_logit_bias(self.logit_bias, model)
        for name in ("stop_token_ids", "allowed_token_ids"):
            if any(id >= model.vocabulary_size for id in getattr(self, name) or []):
                message = f"{name}: token ids of this model are from 0 to {model.vocabulary_size - 1}"
                raise ApiError(400, "invalid_value", message, name)
        words = [text for word in self.bad_words or [] for text in (word, f" {word}")]
        banned = [tuple(ids) for ids in map(model.tokenizer.encode, words) if ids]
        return TokenRules(
            min_tokens=self.min_tokens or 0,
            ignore_eos=bool(self.ignore_eos),
            stop_token_ids=frozenset(self.stop_token_ids or []),
            banned=(*banned, *((id,) for id in never)),
            allowed_token_ids=frozenset(self.allowed_token_ids) if self.allowed_token_ids else None,
            logit_bias=bias,
            include_stop=bool(self.include_stop_str_in_output),
            show_control=self.skip_special_tokens is False,
        )

    def truncate(self, prompts: list[list[int]], context: int) -> list[list[int]]:
        """Only the last tokens, where `truncate_prompt_tokens` says how many; -1 for as many as the context holds."""
        most = self.truncate_prompt_tokens
        if not most:
            return prompts
        return [prompt[-(most if most > 0 else context - 1) :] for prompt in prompts]


def parse_logit_bias(
    logit_bias: dict[str, Any] | list[Any] | None, model: TokenBackend
) -> tuple[dict[int, float], list[int]]:
    """The logit bias of tokens, and which are never sampled: OpenAI's ids with numbers from -100 to 100, or
    llama-server's pairs of an id or text with a number or false. Raises ApiError (400)."""
    pairs = list(logit_bias.items()) if isinstance(logit_bias, dict) else logit_bias or []
    bias: dict[int, float] = {}
    never: list[int] = []
    for pair in pairs:
        if not isinstance(pair, (list, tuple)) or len(pair) != 2:
            message = "logit_bias has to be an object of token ids, or a list of pairs of a token and a number"
            raise ApiError(400, "invalid_type", message, "logit_bias")
        token, value = pair
        ids: list[int] = []
        if isinstance(logit_bias, dict):
            ids = [int(token)] if re.fullmatch("[0-9]{1,10}", token) else []
        elif isinstance(token, int) and not isinstance(token, bool):
            ids = [token]
        elif isinstance(token, str) and len(token) <= 1024:
            ids = model.tokenizer.encode(token)
        known = bool(ids) and all(0 <= id < model.vocabulary_size for id in ids)
        if known and value is False:
            never += ids
        elif known and isinstance(value, (int, float)) and value is not True and -100 <= value <= 100:
            bias |= dict.fromkeys(ids, float(value))
        else:
            message = f"{str(token)[:40]!r}: {str(value)[:40]} is no token of this model with a number from -100 to 100"
            raise ApiError(400, "invalid_value", message, "logit_bias")
    return bias, never
