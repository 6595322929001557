"""The families, each in one file: its config, its GGUF names and keys, its forward pass. Registered here.

family.py        what a family is; llama.py and its siblings; experts.py and rotary.py: what several need
config.py        reading config.json; config_keys.py: which keys may be ignored
gguf_mapping.py  GGUF names and keys to those of config.json and checkpoints; gguf_rope.py
from_file.py     from a file to a checkpoint
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from galop.errors import ModelFileError
from galop.models.config import Config
from galop.models.family import Family
from galop.models.llama import Llama
from galop.models.qwen2 import Qwen2
from galop.models.qwen3 import Qwen3
from galop.models.qwen3_moe import Qwen3Moe
from galop.ops import Inputs, Plan
from galop.weights.tree import Shape, Tree

# By `model_type` in config.json.
FAMILIES: dict[str, type[Family]] = {family.model_type: family for family in (Llama, Qwen2, Qwen3, Qwen3Moe)}


def find_family(config: Mapping[str, Any], file: str) -> type[Family]:
    """The family of a config.json's contents. Raises ModelFileError where it is none of these."""
    family = FAMILIES.get(str(config.get("model_type")))
    if family is None:
        raise ModelFileError(
            f"{file}: the architecture {config.get('model_type')!r} is not supported; these are: {', '.join(FAMILIES)}"
        )
    return family


def parse_config(raw: dict[str, Any], file: str) -> Config:
    """The family's config from a config.json's contents. Raises ModelFileError."""
    return find_family(raw, file).config_class.parse(raw, file)


def trace(model_type: str, config: Config, shapes: Mapping[str, Shape]) -> Plan:
    """The plan of a model whose checkpoint holds tensors of these shapes. Raises ModelFileError where they differ."""
    plan = Plan()
    FAMILIES[model_type](config).forward(Inputs(plan), Tree(shapes))
    plan.check()
    return plan
