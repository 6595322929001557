"""Vision towers: a file per family of them, registered here by what configs and mmproj files call them."""

from __future__ import annotations

from collections.abc import Mapping

from galop.models.vision.family import Layout, Patches, VisionFamily
from galop.models.vision.gemma3_vision import Gemma3Vision
from galop.models.vision.gemma4_vision import Gemma4Vision
from galop.models.vision.idefics3 import Idefics3Vision
from galop.models.vision.llama4_vision import Llama4Vision
from galop.models.vision.pixtral import Pixtral
from galop.models.vision.qwen3_vl import Qwen3VLVision
from galop.ops.plan import Inputs, Plan
from galop.weights.tree import Shape, Tree

__all__ = ["BY_NAME", "TOWERS", "Layout", "Patches", "VisionFamily", "find_tower", "trace_tower"]

TOWERS: tuple[type[VisionFamily], ...] = (
    Qwen3VLVision, Gemma3Vision, Gemma4Vision, Idefics3Vision, Pixtral, Llama4Vision,
)  # fmt: skip
BY_NAME = {tower.__name__: tower for tower in TOWERS}


def find_tower(model_type: str = "", projector: str = "") -> type[VisionFamily] | None:
    """The family of towers of a model_type of configs, or of a clip.projector_type; None where it is none of these."""
    return next(
        (tower for tower in TOWERS if model_type in tower.model_types or projector in tower.mmproj.projectors), None
    )


def trace_tower(tower: VisionFamily, shapes: Mapping[str, Shape]) -> Plan:
    """The plan of a tower whose checkpoint holds tensors of these shapes. Raises ModelFileError where they differ."""
    plan = Plan()
    tower.forward(Inputs(plan), Tree(shapes))
    plan.check()
    return plan
