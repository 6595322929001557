"""The families, by `model_type`; each is one file with its config and its forward pass."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from galop.errors import ModelFileError
from galop.models import llama, qwen2, qwen3, qwen3_moe
from galop.models.config import Config
from galop.ops import Inputs, Plan
from galop.weights.tree import Shape, Tree

FAMILIES: dict[str, Any] = {"llama": llama, "qwen2": qwen2, "qwen3": qwen3, "qwen3_moe": qwen3_moe}


def read_config(raw: dict[str, Any], file: str) -> Config:
    """The family's config from a config.json's contents. Raises ModelFileError."""
    family = FAMILIES.get(str(raw.get("model_type")))
    if family is None:
        raise ModelFileError(
            f"{file}: the architecture {raw.get('model_type')!r} is not supported; these are: {', '.join(FAMILIES)}"
        )
    config: Config = family.Config.read(raw, file)
    return config


def trace(model_type: str, config: Config, shapes: Mapping[str, Shape]) -> Plan:
    """The plan of a model whose checkpoint holds tensors of these shapes. Raises ModelFileError where they differ."""
    plan = Plan()
    FAMILIES[model_type].Model(config).forward(Inputs(plan), Tree(shapes))
    plan.check()
    return plan
