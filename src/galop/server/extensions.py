"""What other servers' dialects add to a request: what works here under the same name, and what is refused by name.

A field that would change the answer is never ignored: it works, it says what happens anyway, or it is refused.
"""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Annotated, Any

from llguidance.gbnf_to_lark import any_to_lark
from pydantic import BaseModel, ConfigDict, Field

from galop.backends.local import Model, Rules
from galop.chat.response_format import ResponseFormat
from galop.server.errors import ApiError

LONGEST_GRAMMAR = 1 << 16  # characters
Token = Annotated[int, Field(ge=0, lt=1 << 31)]

# Fields that change an answer and that no dialect here takes, with the values at which they change nothing.
REFUSED: dict[str, tuple[Any, ...]] = {
    # how an answer is led
    "guided_json": (), "guided_regex": (), "guided_choice": (), "guided_grammar": (), "structured_outputs": (),
    "guided_decoding_backend": (), "guided_whitespace_pattern": (), "json_schema": (), "grammar": ("",),
    "grammar_lazy": (False,), "grammar_triggers": ([],), "regex": (), "ebnf": (), "structural_tag": (),
    "response_format": ({"type": "text"},), "format": ("",),
    # where it ends
    "min_tokens": (0,), "min_new_tokens": (0,), "min_length": (0,), "ignore_eos": (False,), "stop_token_ids": ([],),
    "include_stop_str_in_output": (False,), "no_stop_trim": (False,), "stop_regex": ([], ""), "n_indent": (0,),
    "t_max_predict_ms": (-1, 0), "t_max_prompt_ms": (-1, 0), "n_predict": (), "max_new_tokens": (),
    "ban_eos_token": (False,), "early_stopping": (False,),
    # which tokens it may have
    "bad_words": ([],), "allowed_token_ids": (), "custom_token_bans": ("", []), "banned_tokens": ("", []),
    "banned_strings": ("", []), "no_repeat_ngram_size": (0,), "logits_processors": ([],), "logits_processor": ([],),
    "custom_logit_processor": ("",), "do_sample": (True,), "logit_bias": ({}, []),
    # how they are drawn
    "mirostat": (0,), "mirostat_mode": (0,), "typical_p": (1, 0), "typical": (1, 0), "tfs_z": (1,), "tfs": (1,),
    "dry_multiplier": (0,), "xtc_probability": (0,), "dynatemp_range": (0,), "dynamic_temperature": (False,),
    "top_n_sigma": (-1, 0), "top_a": (0,), "smoothing_factor": (0,), "epsilon_cutoff": (0,), "eta_cutoff": (0,),
    "penalty_alpha": (0,), "encoder_repetition_penalty": (1,), "rep_pen": (1,), "cfg_scale": (1,),
    "guidance_scale": (1,), "negative_prompt": ("",), "min_keep": (0, 1), "adaptive_target": (-1,), "samplers": (),
    "sampler_order": (), "sampler_seq": (), "repeat_last_n": (-1,), "n_keep": (0, -1), "beam_width": (1,),
    "use_beam_search": (False,), "num_beams": (1,), "length_penalty": (1,), "diversity_penalty": (0,),
    # what is read, and how
    "truncate_prompt_tokens": (), "truncation_length": (), "prompt_embeds": (), "add_special_tokens": (True,),
    "add_bos_token": (True,), "documents": ([],), "images": ([],), "image_data": ([],), "multimodal_data": (),
    "mm_processor_kwargs": ({},), "lora": ([], ""), "lora_path": (), "cache_salt": (), "chat_template": (),
    "chat_parser": (), "trust_remote_code": (False,), "audio": (), "transforms": ([],), "web_search_options": (),
    "function_call": ("auto", "none"), "functions": ([],), "priority": (0,), "models": ([],),
    # what is told of it
    "prompt_logprobs": (), "n_probs": (0,), "skip_special_tokens": (True,), "post_sampling_probs": (False,),
    "return_tokens_as_token_ids": (False,), "return_token_ids": (False,), "return_tokens": (False,),
    "reasoning_format": ("auto", "deepseek"), "include_reasoning": (True,), "separate_reasoning": (True,),
    "parse_tool_calls": (True,),
}  # fmt: skip


def refuse(extra: dict[str, Any] | None) -> None:
    """Raises ApiError for the first of REFUSED among fields that a request's model does not know."""
    for name, value in (extra or {}).items():
        neutral = REFUSED.get(name)
        if neutral is None or value is None:
            continue
        if not any(value == same and isinstance(value, bool) == isinstance(same, bool) for same in neutral):
            raise ApiError(400, "unsupported_parameter", f"{name} is not supported here", name)


class StructuredOutputs(BaseModel):
    model_config = ConfigDict(strict=True, extra="allow")
    json_: dict[str, Any] | str | None = Field(None, alias="json")
    json_object: bool | None = None
    regex: str | None = None
    choice: Annotated[list[str], Field(min_length=1, max_length=4096)] | None = None
    grammar: str | None = None


class Extended(BaseModel):
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

    def extra_forms(self) -> dict[str, ResponseFormat]:
        """What leads the answer besides response_format, by the name of its field. Raises ApiError."""
        asked = self.structured_outputs
        given: dict[str, tuple[str, Any]] = {
            "guided_json": ("json", self.guided_json),
            "guided_regex": ("regex", self.guided_regex),
            "guided_choice": ("choice", self.guided_choice),
            "guided_grammar": ("grammar", self.guided_grammar),
            "json_schema": ("json", self.json_schema),
            "grammar": ("grammar", self.grammar or None),
        }
        if asked:
            for name, value in (asked.model_extra or {}).items():
                if value not in (None, False):
                    message = f"structured_outputs.{name} is not supported here"
                    raise ApiError(400, "unsupported_parameter", message, f"structured_outputs.{name}")
            given |= {
                "structured_outputs.json": ("json", asked.json_),
                "structured_outputs.json_object": ("json", {"type": "object"} if asked.json_object else None),
                "structured_outputs.regex": ("regex", asked.regex),
                "structured_outputs.choice": ("choice", asked.choice),
                "structured_outputs.grammar": ("grammar", asked.grammar),
            }
        asked_for = {name: how for name, how in given.items() if how[1] is not None}
        return {name: replace(_form(kind, value, name), field=name) for name, (kind, value) in asked_for.items()}

    def form(self, also: ResponseFormat | None) -> ResponseFormat | None:
        """The one thing that leads the answer, `also` being what response_format says. Raises ApiError."""
        forms = self.extra_forms() | ({"response_format": also} if also else {})
        if len(forms) > 1:
            names = " and ".join(forms)
            raise ApiError(400, "invalid_value", f"{names} cannot lead one answer together", list(forms)[-1])
        return next(iter(forms.values()), None)

    def rules(self, model: Model) -> tuple[Rules, dict[int, float]]:
        """Which tokens may be drawn and what ends the answer, and what is added to logits. Raises ApiError."""
        bias, never = bias_of(self.logit_bias, model)
        for name in ("stop_token_ids", "allowed_token_ids"):
            if any(id >= model.engine.vocabulary for id in getattr(self, name) or []):
                message = f"{name}: token ids of this model are from 0 to {model.engine.vocabulary - 1}"
                raise ApiError(400, "invalid_value", message, name)
        words = [text for word in self.bad_words or [] for text in (word, f" {word}")]
        banned = [tuple(ids) for ids in map(model.tokenizer.encode, words) if ids]
        return (
            Rules(
                least=self.min_tokens or 0,
                endless=bool(self.ignore_eos),
                stop_ids=frozenset(self.stop_token_ids or []),
                banned=(*banned, *((id,) for id in never)),
                allowed=frozenset(self.allowed_token_ids) if self.allowed_token_ids else None,
                with_stop=bool(self.include_stop_str_in_output),
                control=self.skip_special_tokens is False,
            ),
            bias,
        )

    def cut(self, prompts: list[list[int]], context: int) -> list[list[int]]:
        """Only the last tokens, where `truncate_prompt_tokens` says how many; -1 for as many as the context holds."""
        most = self.truncate_prompt_tokens
        if not most:
            return prompts
        return [prompt[-(most if most > 0 else context - 1) :] for prompt in prompts]


def _form(kind: str, value: Any, name: str) -> ResponseFormat:
    if kind == "json":
        return ResponseFormat("schema", value if isinstance(value, str) else json.dumps(value))
    if kind == "choice":
        return ResponseFormat("regex", "|".join(re.sub(r"[\\.+*?()|\[\]{}^$/]", r"\\\g<0>", text) for text in value))
    if kind == "grammar":
        if len(value) > LONGEST_GRAMMAR:
            raise ApiError(400, "invalid_schema", f"a grammar may have {LONGEST_GRAMMAR} characters", name)
        try:
            return ResponseFormat("lark", any_to_lark(value))
        except Exception as error:  # the converter raises what it happens to
            message = f"{name} cannot be followed: it is neither GBNF nor Lark ({str(error)[:200]})"
            raise ApiError(400, "unsupported_parameter", message, name) from None
    return ResponseFormat("regex", value)


def bias_of(logit_bias: dict[str, Any] | list[Any] | None, model: Model) -> tuple[dict[int, float], list[int]]:
    """What is added to the logits of tokens, and which are never drawn: OpenAI's ids with numbers from -100 to 100, or
    llama-server's pairs of an id or text with a number or false. Raises ApiError."""
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
        known = bool(ids) and all(0 <= id < model.engine.vocabulary for id in ids)
        if known and value is False:
            never += ids
        elif known and isinstance(value, (int, float)) and value is not True and -100 <= value <= 100:
            bias |= dict.fromkeys(ids, float(value))
        else:
            message = f"{str(token)[:40]!r}: {str(value)[:40]} is no token of this model with a number from -100 to 100"
            raise ApiError(400, "invalid_value", message, "logit_bias")
    return bias, never
