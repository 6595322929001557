"""The sampling settings that a model card recommends."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any

from galop.engine.sampling import Sampling

SETTINGS = ("temperature", "top_k", "top_p", "min_p", "repetition_penalty", "presence_penalty")


def default_sampling(generation_config: Mapping[str, Any]) -> Sampling:
    """The settings of a generation_config.json; greedy where it names none."""
    card = None if generation_config.get("do_sample") is False else parse_sampling(generation_config)
    return card or Sampling(seed=secrets.randbits(32))


def parse_sampling(settings: Mapping[str, Any]) -> Sampling | None:
    """A model card's settings, with a seed of its own; None where there are none or they make no sense."""
    try:
        known = {
            name: int(settings[name]) if name == "top_k" else float(settings[name])
            for name in SETTINGS
            if isinstance(settings.get(name), (int, float))
        }
        return Sampling(**{"temperature": 1.0, **known, "seed": secrets.randbits(32)}) if known else None  # type: ignore[arg-type]
    except (ValueError, OverflowError):
        return None
