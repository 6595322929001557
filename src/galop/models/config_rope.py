"""Rotary embeddings in a config.json, as any version of any program writes them, in one form: `rope_parameters`.

That is transformers 5's: for each type of layer whose rotation is its own, `rope_theta`, `rope_type` and the keys of
that type. Where all layers rotate alike, what stands under "full_attention" is meant for all.
"""

from __future__ import annotations

import math
from typing import Any

from galop.errors import ModelFileError
from galop.models.config_keys import is_harmless

_STRETCHED = {"factor", "original_max_position_embeddings"}
# The keys that describe each type.
ROPE_TYPES: dict[str, set[str]] = {
    "default": set(),
    "linear": {"factor"},
    "llama3": {"low_freq_factor", "high_freq_factor", *_STRETCHED},
    "yarn": {
        "beta_fast", "beta_slow", "attention_factor", "attn_factor", "mscale", "mscale_all_dim", "truncate",
        *_STRETCHED,
    },
    "longrope": {"short_factor", "long_factor", "attention_factor", *_STRETCHED},
    "dynamic": {"factor", "alpha"},
    "proportional": {"factor"},
    "divisors": {"divisors"},  # what a GGUF file carries as a tensor
}  # fmt: skip
OLD_TYPES = {"su": "longrope", "mrope": "default"}
IDLE = {"dynamic": {"beta_fast", "beta_slow", "mscale", "mscale_all_dim"}}  # stand there and mean nothing
PARTIAL = ("partial_rotary_factor", "rotary_pct", "rope_pct")
LOCAL = ("rope_local_base_freq", "local_rope_theta", "swa_rope_theta")  # theta of the layers with a window


def normalise_rope(
    raw: dict[str, Any], file: str, own_keys: tuple[str, ...] = (), by_layer_type: bool = False
) -> dict[str, Any]:
    """A config with `rope_parameters` in place of all other keys of rotary embeddings.

    `own_keys` are those that a family reads besides, "partial_rotary_factor" if it rotates parts of heads;
    `by_layer_type` says that its layers with a window rotate in a way of their own, which the older form of the keys
    does not stretch. Raises ModelFileError for a type that is not known, for a key that is none of its type and may
    change the arithmetic, and where two places differ.
    """
    raw = dict(raw)
    flat: dict[str, Any] = {}
    by_type: dict[str, Any] = {}
    for name in ("rope_scaling", "rope_parameters"):
        keys = raw.pop(name, None) or {}
        if not isinstance(keys, dict):
            raise ModelFileError(f"{file}: {name} = {str(keys)[:60]!r} is not an object")
        if keys and all(isinstance(value, dict | None) for value in keys.values()):  # one for each type of layer
            by_type = {kind: value for kind, value in keys.items() if value is not None}
            if "full_attention" not in by_type:
                raise ModelFileError(f"{file}: {name} has no rotation for full_attention")
            continue
        for key, value in keys.items():
            if value is not None and flat.setdefault(key, value) is not value and flat[key] != value:
                raise ModelFileError(f"{file}: rope_scaling and rope_parameters differ in {key}")
    common: dict[str, Any] = {"rope_theta": raw.pop("rope_theta", 10000.0)}
    for name in PARTIAL if "partial_rotary_factor" in own_keys else PARTIAL[:1]:
        if name in raw:
            common["partial_rotary_factor"] = raw.pop(name)
    if "partial_rotary_factor" in own_keys and raw.get("head_dim") and "rotary_dim" in raw:
        common["partial_rotary_factor"] = _divide(raw, "rotary_dim", "head_dim", file)
    if "original_max_position_embeddings" in raw:
        common["original_max_position_embeddings"] = raw.pop("original_max_position_embeddings")
    found = {"full_attention": {**common, **flat, **by_type.get("full_attention", {})}}
    if by_layer_type:
        local = {**common, "rope_theta": found["full_attention"]["rope_theta"]}
        for name in LOCAL:
            local["rope_theta"] = raw.pop(name, local["rope_theta"])
        found["sliding_attention"] = {**local, **by_type.get("sliding_attention", {})}
    elif any(other != by_type["full_attention"] for other in by_type.values()):
        raise ModelFileError(f"{file}: a rotation of its own for each type of layer is not supported with this family")
    raw["rope_parameters"] = {kind: _parse_rotation(keys, raw, own_keys, file) for kind, keys in found.items()}
    return raw


def _divide(raw: dict[str, Any], name: str, by: str, file: str) -> float:
    """One size as a share of another. Raises ModelFileError if it is not."""
    value, whole = raw.pop(name), raw[by]
    if type(value) is not int or type(whole) is not int or not 0 < value <= whole:
        raise ModelFileError(f"{file}: {name} = {str(value)[:60]} is not a part of {by} = {str(whole)[:60]}")
    return value / whole


def _parse_rotation(keys: dict[str, Any], raw: dict[str, Any], own_keys: tuple[str, ...], file: str) -> dict[str, Any]:
    """One rotation, with no key in it that means nothing. Raises ModelFileError for one that is not understood."""
    keys = {key: value for key, value in keys.items() if value is not None}
    for key, highest in (("rope_theta", 1e12), ("partial_rotary_factor", 1)):
        value = keys.get(key, 1)
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= highest:
            raise ModelFileError(f"{file}: {key} = {str(value)[:60]} is not a number up to {highest:g}")
    if "partial_rotary_factor" not in own_keys and (partial := keys.pop("partial_rotary_factor", 1)) != 1:
        raise ModelFileError(f"{file}: partial_rotary_factor = {partial} is not supported, only 1")
    told = keys.pop("rope_type", None), keys.pop("type", None)
    kind, older = (OLD_TYPES.get(name, name) if isinstance(name, str) else name for name in told)
    if kind and older and kind != older:
        raise ModelFileError(f"{file}: rope_scaling is of two types, {str(kind)[:60]!r} and {str(older)[:60]!r}")
    kind = kind or older or "default"
    if not isinstance(kind, str) or kind not in ROPE_TYPES:
        raise ModelFileError(f"{file}: rope_scaling of type {str(kind)[:60]!r} is not supported")
    rotation: dict[str, Any] = {"rope_type": kind}
    longest = raw.get("max_position_embeddings")
    if "original_max_position_embeddings" in ROPE_TYPES[kind]:
        keys.setdefault("original_max_position_embeddings", longest)
    original = keys.get("original_max_position_embeddings")
    if kind == "longrope" and isinstance(original, int) and isinstance(longest, int) and original > 0:
        keys.setdefault("factor", longest / original)
    for key, value in keys.items():
        if isinstance(value, float) and not math.isfinite(value):
            raise ModelFileError(f"{file}: {key} = {value} of rope_scaling is not a number")
        if key in ROPE_TYPES[kind] or key in own_keys or key == "rope_theta":
            rotation[key] = value
        elif key in IDLE.get(kind, ()) or key == "original_max_position_embeddings" or raw.get(key) == value:
            continue
        elif not is_harmless(key, value, raw):
            raise ModelFileError(
                f"{file}: {key} = {str(value)[:60]} of rope_scaling is not understood with the type {kind!r}"
            )
    return rotation
