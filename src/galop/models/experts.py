"""What families with mixtures of experts share: names in GGUF files, routers, and stacked tensors taken apart."""

from __future__ import annotations

from galop.errors import ModelFileError
from galop.models.gguf_mapping import Key
from galop.ops import Tensor, exact_linear
from galop.weights.stored_tensor import Tensors
from galop.weights.tree import Tree

MAX_EXPERTS = 4096

EXPERT_NAMES = {
    "ffn_gate_inp": "mlp.gate",
    "ffn_gate_exps": "mlp.experts.gate_proj",
    "ffn_up_exps": "mlp.experts.up_proj",
    "ffn_down_exps": "mlp.experts.down_proj",
}
EXPERT_KEYS = (
    Key("num_experts", "expert_count", int),
    Key("num_experts_per_tok", "expert_used_count", int),
    Key("moe_intermediate_size", "expert_feed_forward_length", int),
)


def score_experts(x: Tensor, router: Tree, experts: int, bias: Tree | None = None) -> Tensor:
    """A router's score of each expert. Raises ModelFileError if it is one for another number of experts."""
    if router.shape[0] != experts:
        raise ModelFileError(
            f"the weights do not fit the configuration: a router of {router.shape[0]} experts, not of {experts}"
        )
    scores: Tensor = exact_linear(x, router, bias)
    return scores


def split_experts(tensors: Tensors) -> Tensors:
    """Stacked experts [E, out, in] as one matrix per expert, under the names of the checkpoints that keep them apart.

    Takes `mlp.experts.{gate,up,down}_proj.weight` (GGUF) and `mlp.experts.gate_up_proj`, gate rows first, with
    `mlp.experts.down_proj` (transformers 5). Raises ModelFileError for more than MAX_EXPERTS.
    """
    split: Tensors = {}
    for name, tensor in tensors.items():
        base, found, leaf = name.partition(".mlp.experts.")
        leaf = leaf.removesuffix(".weight")
        if not found or len(tensor.shape) != 3:
            split[name] = tensor
            continue
        if tensor.shape[0] > MAX_EXPERTS:
            raise ModelFileError(f"{name} holds {tensor.shape[0]} experts, more than {MAX_EXPERTS}")
        for e in range(tensor.shape[0]):
            one = tensor.entry(e)
            at = f"{base}.mlp.experts.{e}."
            if leaf == "gate_up_proj":
                half = one.shape[0] // 2
                split[f"{at}gate_proj.weight"] = one.part(0, half)
                split[f"{at}up_proj.weight"] = one.part(half, half)
            else:
                split[f"{at}{leaf}.weight"] = one
    return split
