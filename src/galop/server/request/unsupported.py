"""Fields of other servers' dialects that are refused by name, since they would change the answer.

Such a field is never ignored: it works (see `extensions`), it says what happens anyway, or it is refused.
"""

from __future__ import annotations

from typing import Any

from galop.server.errors import ApiError

# Fields that change an answer and that no dialect here takes, with the values at which they change nothing.
REFUSED: dict[str, tuple[Any, ...]] = {
    # what an answer is constrained to
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
    # how they are sampled
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
    # what is returned with it
    "prompt_logprobs": (), "n_probs": (0,), "skip_special_tokens": (True,), "post_sampling_probs": (False,),
    "return_tokens_as_token_ids": (False,), "return_token_ids": (False,), "return_tokens": (False,),
    "reasoning_format": ("auto", "deepseek"), "include_reasoning": (True,), "separate_reasoning": (True,),
    "parse_tool_calls": (True,),
}  # fmt: skip


def refuse_unsupported(extra: dict[str, Any] | None) -> None:
    """Raises ApiError (400) for the first of REFUSED among fields that a request's model does not know."""
    for name, value in (extra or {}).items():
        neutral = REFUSED.get(name)
        if neutral is None or value is None:
            continue
        if not any(value == same and isinstance(value, bool) == isinstance(same, bool) for same in neutral):
            raise ApiError(400, "unsupported_parameter", f"{name} is not supported here", name)
