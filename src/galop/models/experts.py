"""What families with mixtures of experts share: config, names in GGUF files, the mixture itself, and stacked tensors
taken apart."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from galop.errors import ModelFileError
from galop.models.config import Config
from galop.models.gguf_mapping import Key
from galop.ops import Tensor, exact_linear, experts
from galop.ops.plan import Array
from galop.weights.stored_tensor import Tensors
from galop.weights.tree import Tree

MAX_EXPERTS = 4096
PARTS = ("gate_proj", "up_proj", "down_proj")

EXPERT_NAMES = {
    "ffn_gate_inp": "mlp.gate",
    "ffn_gate_exps": "mlp.experts.gate_proj",
    "ffn_up_exps": "mlp.experts.up_proj",
    "ffn_gate_up_exps": "mlp.experts.gate_up_proj",
    "ffn_down_exps": "mlp.experts.down_proj",
}
EXPERT_KEYS = (
    Key("num_experts", "expert_count", int),
    Key("num_experts_per_tok", "expert_used_count", int),
    Key("moe_intermediate_size", "expert_feed_forward_length", int),
)


def name_shared_expert(module: str) -> dict[str, str]:
    """Names in GGUF files of the expert for all tokens, which a family's checkpoints keep in that module."""
    return {f"ffn_{part.removesuffix('_proj')}_shexp": f"{module}.{part}" for part in PARTS}


@dataclass(frozen=True)
class MixtureConfig(Config):
    """Llama's, and how many experts there are, to how many of them a token goes, and their inner width."""

    num_experts: int = 128
    num_experts_per_tok: int = 8
    moe_intermediate_size: int = 768

    spellings: ClassVar = {"num_local_experts": "num_experts", "n_routed_experts": "num_experts"}

    def validate(self, file: str) -> None:
        """Raises ModelFileError also for a choice among experts that is none."""
        super().validate(file)
        if self.num_experts > MAX_EXPERTS or self.num_experts_per_tok > self.num_experts:
            raise ModelFileError(
                f"{file}: num_experts_per_tok = {self.num_experts_per_tok} of num_experts = {self.num_experts} "
                f"is not a choice among at most {MAX_EXPERTS}"
            )


def score_experts(x: Tensor, router: Tree, count: int, bias: Tree | None = None) -> Tensor:
    """A router's score of each of `count` experts. Raises ModelFileError if it is one for another number."""
    if router.shape[0] != count:
        raise ModelFileError(
            f"the weights do not fit the configuration: a router of {router.shape[0]} experts, not of {count}"
        )
    scores: Tensor = exact_linear(x, router, bias)
    return scores


def mix_experts(x: Tensor, chosen: Tensor, weights: Tensor, w: Tree, count: int, **how: Any) -> Tensor:
    """The op `experts` of what `route` gave, for the matrices and biases of `count` experts that `w` has: `how` is as
    the op takes it. Without gates there are none."""
    parts = PARTS if w[0].gate_proj else PARTS[1:]
    matrices = {part: [getattr(w[e], part) for e in range(count)] for part in parts}
    biases = [getattr(w, part).bias for part in parts if getattr(w, part).bias]
    mixed: Tensor = experts(x, chosen, weights, *(matrices.get(part, []) for part in PARTS), biases, **how)
    return mixed


def split_experts(tensors: Tensors, interleaved: bool = False, transposed: bool = False) -> Tensors:
    """Stacked experts [E, out, in] as one matrix per expert, under the names of the checkpoints that keep them apart.

    Takes `experts.{gate,up,down}_proj` and `experts.gate_up_proj`, with or without `.weight`; the biases of each, as
    `_bias` or `.bias` [E, out], become one vector. The rows of gate_up_proj are those of the gate before those of up,
    or in turns if `interleaved`. If `transposed`, matrices without `.weight` are [in, out]. Raises ModelFileError for
    more than MAX_EXPERTS, and for an odd number of rows. What has another number of dimensions stays as it is.
    """
    split: Tensors = {}
    for name, tensor in tensors.items():
        base, _, leaf = name.rpartition(".experts.")
        part = leaf.removesuffix(".weight").removesuffix("_bias").removesuffix(".bias")
        if not base or part not in (*PARTS, "gate_up_proj") or len(tensor.shape) != (2 if leaf.endswith("bias") else 3):
            split[name] = tensor
            continue
        count = tensor.shape[0]
        if count > MAX_EXPERTS:
            raise ModelFileError(f"{name} holds {count} experts, more than {MAX_EXPERTS}")
        if leaf.endswith("bias"):
            for which, rows in _rows(part, tensor.shape[-1], interleaved, name).items():
                values = tensor.columns(rows)
                split[f"{base}.experts.{which}.bias"] = values.reshape(count * len(rows))
            continue
        if transposed and leaf == part:
            tensor = tensor.transpose()
        parts = _rows(part, tensor.shape[1], interleaved, name)
        for e in range(count):
            for which, rows in parts.items():
                split[f"{base}.experts.{e}.{which}.weight"] = tensor.entry(e).reorder(rows)
    return split


def _rows(part: str, rows: int, interleaved: bool, name: str) -> dict[str, Array]:
    """Which of a tensor's rows are those of each projection in it. Raises ModelFileError for two of different sizes."""
    every = np.arange(rows)
    if part != "gate_up_proj":
        return {part: every}
    if rows % 2:
        raise ModelFileError(f"{name} has {rows} rows, which are not those of a gate and its pair")
    gate, up = (every[0::2], every[1::2]) if interleaved else (every[: rows // 2], every[rows // 2 :])
    return {"gate_proj": gate, "up_proj": up}
