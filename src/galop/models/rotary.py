"""Inverse frequencies of rotary position embeddings, and how checkpoints stretch them to longer contexts."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from galop.errors import ModelFileError
from galop.models.config import Config
from galop.ops.plan import Array

MAX_FREQUENCY = 1e6
MAX_FACTOR = 100.0


def inverse_frequencies(config: Config) -> tuple[Array, float]:
    """(inv_freq [head_dim / 2] float32, the factor for cosine and sine) under `rope_scaling`.

    Raises ModelFileError for a type of scaling that is not known, or that gives no sensible frequencies.
    """
    dim = config.head_dim
    scaling = config.rope_scaling or {}
    kind = scaling.get("rope_type", scaling.get("type", "default"))
    try:
        inv_freq, factor = _scale(config, kind, scaling)
    except (KeyError, TypeError, ValueError, ArithmeticError) as error:
        raise ModelFileError(f"rope_scaling of type {kind!r} has a missing or bad value: {error}") from error
    fast = not np.all(np.abs(inv_freq) <= MAX_FREQUENCY)  # or not a number
    if inv_freq.shape != (dim // 2,) or fast or not 0 < factor < MAX_FACTOR:
        raise ModelFileError("rope_theta and rope_scaling do not give sensible frequencies for every dimension")
    return inv_freq.astype(np.float32), factor


def _scale(config: Config, kind: str, scaling: dict[str, Any]) -> tuple[Array, float]:
    """Raises ModelFileError for a type that is not known, ValueError and others for bad values."""
    dim = config.head_dim
    inv_freq = 1.0 / config.rope_theta ** (np.arange(0, dim, 2, dtype=np.float64) / dim)
    if "factor" in scaling and not float(scaling["factor"]) > 0:
        raise ValueError(f"factor {scaling['factor']}")
    if kind == "linear":
        return inv_freq / float(scaling["factor"]), 1.0
    if kind == "llama3":
        return llama3(inv_freq, scaling), 1.0
    if kind == "yarn":
        return yarn(inv_freq, scaling, dim, config.rope_theta, config.max_position_embeddings)
    if kind == "divisors":  # what a Llama 3 GGUF carries as rope_freqs.weight
        divisors = np.asarray(scaling["divisors"], dtype=np.float64)
        if divisors.shape != inv_freq.shape:
            raise ValueError(f"{divisors.size} divisors for {inv_freq.size} frequencies")
        return inv_freq / divisors, 1.0
    if kind != "default":
        raise ModelFileError(f"rope_scaling of type {kind!r} is not supported")
    return inv_freq, 1.0


def llama3(inv_freq: Array, scaling: dict[str, Any]) -> Array:
    """Llama 3.1's scaling: long waves are divided by factor, short ones kept, those between are blended."""
    factor, low, high = (float(scaling[k]) for k in ("factor", "low_freq_factor", "high_freq_factor"))
    original = float(scaling["original_max_position_embeddings"])
    wavelength = 2 * np.pi / inv_freq
    if high == low:  # Llama 4 Scout: nothing lies between
        return np.where(wavelength > original / low, inv_freq / factor, inv_freq)
    smooth = np.clip((original / wavelength - low) / (high - low), 0, 1)
    return (1 - smooth) * inv_freq / factor + smooth * inv_freq


def yarn(inv_freq: Array, scaling: dict[str, Any], dim: int, theta: float, max_position: int) -> tuple[Array, float]:
    """YaRN (Peng et al., 2023): interpolates the slow dimensions, keeps the fast ones, and scales attention.

    `attention_factor` is the factor itself; `attn_factor`, which DeepSeek-R1-0528-Qwen3-8B carries, multiplies the
    usual one (there to exactly 1).
    """
    factor = float(scaling["factor"])
    original = float(scaling.get("original_max_position_embeddings") or max_position)
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
