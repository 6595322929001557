"""Inverse frequencies of rotary position embeddings, and how checkpoints stretch them to longer contexts."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from galop.errors import ModelFileError
from galop.models.config import Config
from galop.models.config_layers import FULL
from galop.ops.plan import Array

MAX_FREQUENCY = 1e6
MAX_FACTOR = 100.0


def inverse_frequencies(config: Config, layer_type: str = FULL, head_dim: int = 0) -> tuple[Array, float]:
    """(inv_freq [rotated values / 2] float32, the factor for cosine and sine) of a type of layer.

    Heads are of the config's `head_dim`, or of the one given. Raises ModelFileError for a type of scaling that is not
    known, or that gives no sensible frequencies.
    """
    rotation = config.rope_parameters.get(layer_type) or config.rope_parameters[FULL]
    head_dim = head_dim or config.head_dim
    kind = rotation.get("rope_type", "default")
    try:
        dim = head_dim
        if kind != "proportional":
            dim = int(head_dim * rotation.get("partial_rotary_factor", 1) + 1e-6)
        inv_freq, factor = _scale(kind, rotation, dim, config.max_position_embeddings)
    except (KeyError, TypeError, ValueError, ArithmeticError) as error:
        raise ModelFileError(f"rope_scaling of type {kind!r} has a missing or bad value: {error}") from error
    fast = not np.all(np.abs(inv_freq) <= MAX_FREQUENCY)  # or not a number
    if inv_freq.shape != (dim // 2,) or dim % 2 or dim <= 0 or fast or not 0 < factor < MAX_FACTOR:
        raise ModelFileError("rope_theta and rope_scaling do not give sensible frequencies for every dimension")
    return inv_freq.astype(np.float32), factor


def position_axes(config: Config, layer_type: str, count: int, interleaved: bool) -> Array | None:
    """For each of `count` frequencies the axis of positions that it reads: 1, 2 and 3 for time, height and width; None
    where all read a token's place. They are shared out one behind the other (Qwen2-VL, 2024), or in turn (Qwen3-VL,
    2025). Raises ModelFileError for a mrope_section that does not fit.
    """
    rotation = config.rope_parameters.get(layer_type) or config.rope_parameters[FULL]
    sections = rotation.get("mrope_section")
    if not sections:
        return None
    if not isinstance(sections, list) or not all(type(n) is int and n >= 0 for n in sections) or len(sections) < 3:
        raise ModelFileError(f"mrope_section = {str(sections)[:60]} is not three numbers")
    time, height, width = sections[:3]
    if time + height + width != count:
        raise ModelFileError(f"mrope_section = {str(sections)[:60]} does not share out {count} frequencies")
    if not rotation.get("mrope_interleaved", interleaved):
        return np.repeat(np.array([1, 2, 3], np.float32), [time, height, width])
    axes = np.ones(count, np.float32)
    axes[1 : 3 * height : 3] = 2
    axes[2 : 3 * width : 3] = 3
    return axes


def _scale(kind: str, rotation: dict[str, Any], dim: int, longest: int) -> tuple[Array, float]:
    """Raises ModelFileError for a type that is not known, ValueError and others for bad values."""
    theta = float(rotation["rope_theta"])
    inv_freq = 1.0 / theta ** (np.arange(0, dim, 2, dtype=np.float64) / dim)
    if "factor" in rotation and not float(rotation["factor"]) > 0:
        raise ValueError(f"factor {rotation['factor']}")
    match kind:
        case "default":
            return inv_freq, 1.0
        case "linear":
            return inv_freq / float(rotation["factor"]), 1.0
        case "llama3":
            return llama3(inv_freq, rotation), 1.0
        case "yarn":
            return yarn(inv_freq, rotation, dim, theta)
        case "longrope":
            return longrope(inv_freq, rotation, longest)
        case "proportional":  # Gemma 4: the angles of whole heads, of which only the first are turned
            turned = int(rotation.get("partial_rotary_factor", 1.0) * dim // 2)
            return np.where(np.arange(dim // 2) < turned, inv_freq, 0) / float(rotation.get("factor", 1.0)), 1.0
        case "dynamic":  # without alpha, nothing changes up to max_position_embeddings
            if not (alpha := float(rotation.get("alpha") or 1.0)) > 0:
                raise ValueError(f"alpha {alpha}")
            theta *= alpha ** (dim / (dim - 2))
            return 1.0 / theta ** (np.arange(0, dim, 2, dtype=np.float64) / dim), 1.0
        case "divisors":
            return inv_freq / _per_frequency(rotation["divisors"], inv_freq), 1.0
    raise ModelFileError(f"rope_scaling of type {kind!r} is not supported")


def _per_frequency(values: Any, inv_freq: Array) -> Array:
    """Raises ValueError if there is not a number for each frequency."""
    numbers = np.asarray(values, dtype=np.float64)
    if numbers.shape != inv_freq.shape:
        raise ValueError(f"{numbers.size} divisors for {inv_freq.size} frequencies")
    return numbers


def llama3(inv_freq: Array, scaling: dict[str, Any]) -> Array:
    """Llama 3.1's scaling: long waves are divided by factor, short ones kept, those between are blended."""
    factor, low, high = (float(scaling[k]) for k in ("factor", "low_freq_factor", "high_freq_factor"))
    original = float(scaling["original_max_position_embeddings"])
    wavelength = 2 * np.pi / inv_freq
    if high == low:  # Llama 4 Scout: nothing lies between
        return np.where(wavelength > original / low, inv_freq / factor, inv_freq)
    smooth = np.clip((original / wavelength - low) / (high - low), 0, 1)
    return (1 - smooth) * inv_freq / factor + smooth * inv_freq


def longrope(inv_freq: Array, scaling: dict[str, Any], longest: int) -> tuple[Array, float]:
    """LongRoPE (Ding et al., 2024): divisors for contexts up to the original length, and others for longer ones.

    Which are meant follows from the longest context that the model is loaded for: keys that are kept cannot change
    their rotation when a conversation outgrows the original length.
    """
    original = float(scaling["original_max_position_embeddings"])
    divisors = scaling["long_factor" if longest > original else "short_factor"]
    factor = scaling.get("attention_factor")
    if factor is None:
        stretch = float(scaling["factor"])
        factor = math.sqrt(1 + math.log(stretch) / math.log(original)) if stretch > 1 else 1.0
    return inv_freq / _per_frequency(divisors, inv_freq), float(factor)


def yarn(inv_freq: Array, scaling: dict[str, Any], dim: int, theta: float) -> tuple[Array, float]:
    """YaRN (Peng et al., 2023): interpolates the slow dimensions, keeps the fast ones, and scales attention.

    `attention_factor` is the factor itself; `attn_factor`, which DeepSeek-R1-0528-Qwen3-8B carries, multiplies the
    usual one (there to exactly 1).
    """
    factor = float(scaling["factor"])
    original = float(scaling["original_max_position_embeddings"])
    low, high = (
        dim * math.log(original / (beta * 2 * math.pi)) / (2 * math.log(theta))
        for beta in (float(scaling.get("beta_fast") or 32), float(scaling.get("beta_slow") or 1))
    )
    if scaling.get("truncate", True):
        low, high = math.floor(low), math.ceil(high)
    low, high = max(low, 0), min(high, dim - 1)
    ramp = np.clip((np.arange(dim // 2) - low) / max(high - low, 0.001), 0, 1)
    blended = inv_freq / factor * ramp + inv_freq * (1 - ramp)

    def magnitude(mscale: float) -> float:
        return 0.1 * mscale * math.log(factor) + 1.0 if factor > 1 else 1.0

    if scaling.get("attention_factor") is not None:
        return blended, float(scaling["attention_factor"])
    if scaling.get("mscale") and scaling.get("mscale_all_dim"):
        return blended, magnitude(float(scaling["mscale"])) / magnitude(float(scaling["mscale_all_dim"]))
    return blended, magnitude(1.0) * float(scaling.get("attn_factor", 1.0))
