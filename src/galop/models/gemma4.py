"""Gemma 4: Gemma 3 with wider heads in its global layers, layers that read the keys and values of earlier ones, an
embedding for every layer in the small sizes and a mixture of experts beside the feed-forward (Gemma team, 2026)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from galop.errors import ModelFileError
from galop.models.config_layers import FULL
from galop.models.experts import mix_experts, score_experts, split_experts
from galop.models.gemma3 import GEMMA_NAMES, Gemma3, Gemma3Config
from galop.models.gguf_mapping import (
    CHECKS,
    KEYS,
    LOCAL_ROPE_KEYS,
    NAMES,
    QK_NORM_NAMES,
    WINDOW_KEYS,
    Check,
    ConfigDict,
    GGUFMapping,
    Key,
)
from galop.ops import (
    Tensor,
    attention,
    embed,
    gelu_tanh,
    linear,
    linears,
    ones,
    rms_norm,
    route,
    scale,
    split,
    weigh,
)
from galop.weights.stored_tensor import Tensors
from galop.weights.tree import Tree


@dataclass(frozen=True)
class Gemma4Config(Gemma3Config):
    """Gemma 3's, and what is global, shared, per layer or of experts."""

    global_head_dim: int = 512
    num_global_key_value_heads: int = 0
    attention_k_eq_v: bool = False
    num_kv_shared_layers: int = 0
    hidden_size_per_layer_input: int = 0
    vocab_size_per_layer_input: int = 0
    use_double_wide_mlp: bool = False
    enable_moe_block: bool = False
    num_experts: int = 0
    top_k_experts: int = 0
    moe_intermediate_size: int = 0
    use_bidirectional_attention: str = ""  # "vision" where tokens of a picture see each other on layers with a window

    rope_keys: ClassVar = ("partial_rotary_factor",)
    defaults: ClassVar = {
        "num_attention_heads": 8, "num_key_value_heads": 4, "head_dim": 256, "rms_norm_eps": 1e-6,
        "max_position_embeddings": 131072, "sliding_window": 512, "sliding_window_pattern": 6,
        "hidden_size_per_layer_input": 256, "tie_word_embeddings": True, "rope_parameters": {
            "sliding_attention": {"rope_theta": 1e4},
            "full_attention": {"rope_type": "proportional", "partial_rotary_factor": 0.25, "rope_theta": 1e6},
        },
    }  # fmt: skip
    supported_values: ClassVar = {"hidden_activation": ("gelu_pytorch_tanh",)}

    @classmethod
    def respell(cls, raw: dict[str, Any], file: str) -> dict[str, Any]:
        """Sizes of the global layers from the list of layers that differ. Raises ModelFileError where these do."""
        raw = super().respell(raw, file)
        if (both := raw.pop("use_bidirectional_attention", None) or None) not in (None, "vision"):
            raise ModelFileError(f"{file}: use_bidirectional_attention = {str(both)[:40]} is not supported")
        raw |= {"use_bidirectional_attention": both} if both else {}
        own = raw.pop("per_layer_config", None) or {}
        if not isinstance(own, dict) or not all(isinstance(one, dict) for one in own.values()):
            raise ModelFileError(f"{file}: per_layer_config = {str(own)[:60]} is not understood")
        for one in own.values():
            for theirs, ours in (
                ("head_dim", "global_head_dim"),
                ("num_key_value_heads", "num_global_key_value_heads"),
            ):
                if theirs in one and raw.setdefault(ours, one[theirs]) != one[theirs]:
                    raise ModelFileError(f"{file}: per_layer_config has layers of several sizes")
        return raw

    @property
    def first_shared(self) -> int:
        """The first layer that reads what an earlier one keeps."""
        return self.num_hidden_layers - self.num_kv_shared_layers

    def state(self, i: int) -> int:
        """The layer whose keys and values layer `i` reads: its own, or the last of its type that has some."""
        last = [j for j in range(min(i + 1, self.first_shared)) if self.layer_type(j) == self.layer_type(i)]
        return last[-1] if last else -1


GEMMA4_NAMES = {
    **NAMES, **QK_NORM_NAMES, **GEMMA_NAMES,
    "rope_freqs": "rope_freqs",
    "layer_output_scale": "layer_scalar",
    "per_layer_token_embd": "model.embed_tokens_per_layer",
    "per_layer_model_proj": "model.per_layer_model_projection",
    "per_layer_proj_norm": "model.per_layer_projection_norm",
    "inp_gate": "per_layer_input_gate",
    "proj": "per_layer_projection",
    "post_norm": "post_per_layer_input_norm",
    "ffn_gate_inp": "router.proj",
    "ffn_gate_inp.scale": "router.scale",
    "ffn_down_exps.scale": "router.per_expert_scale",
    "ffn_gate_exps": "experts.gate_proj",
    "ffn_up_exps": "experts.up_proj",
    "ffn_gate_up_exps": "experts.gate_up_proj",
    "ffn_down_exps": "experts.down_proj",
    "post_ffw_norm_1": "post_feedforward_layernorm_1",
    "post_ffw_norm_2": "post_feedforward_layernorm_2",
    "pre_ffw_norm_2": "pre_feedforward_layernorm_2",
}  # fmt: skip
GEMMA4_KEYS = (
    *(key for key in KEYS if key.config not in ("num_key_value_heads", "head_dim", "intermediate_size")),
    *WINDOW_KEYS, *LOCAL_ROPE_KEYS,
    Key("final_logit_softcapping", "final_logit_softcapping", float),
    Key("num_key_value_heads", "attention.head_count_kv", list),
    Key("intermediate_size", "feed_forward_length", list, required=True),
    Key("global_head_dim", "attention.key_length", int),
    Key("head_dim", "attention.key_length_swa", int),
    Key("num_kv_shared_layers", "attention.shared_kv_layers", int, least=0),
    Key("hidden_size_per_layer_input", "embedding_length_per_layer_input", int, least=0),
    Key("num_experts", "expert_count", int, least=0),
    Key("top_k_experts", "expert_used_count", int, least=0),
    Key("moe_intermediate_size", "expert_feed_forward_length", int),
)  # fmt: skip
SHARED_PARTS = ("k_proj.", "v_proj.", "k_norm.")
GEMMA4_CHECKS: dict[str, Check] = {
    **CHECKS,
    "attention.value_length": lambda config, value: value == config.get("global_head_dim"),
    "attention.value_length_swa": lambda config, value: value == config.get("head_dim"),
    "rope.dimension_count": lambda config, value: value == config.get("global_head_dim"),
    "rope.dimension_count_swa": lambda config, value: value == config.get("head_dim"),
}


def restore(tensors: Tensors, config: ConfigDict, file: str) -> Tensors:
    """The sizes that layers differ in, from lists with an entry for each; the divisors of the global layers' rotation
    are those of its config. Raises ModelFileError for lists that do not fit."""
    tensors.pop("rope_freqs.weight", None)
    layers, slides = config["num_hidden_layers"], config.get("sliding_window_pattern")
    if not isinstance(slides, list) or len(slides) != layers:
        raise ModelFileError(f"{file}: gemma4.attention.sliding_window_pattern has not {layers} entries")
    kv_heads = config.pop("num_key_value_heads", config["num_attention_heads"])
    kv_heads, widths = (x if isinstance(x, list) else [x] * layers for x in (kv_heads, config.pop("intermediate_size")))
    if not len(kv_heads) == len(widths) == layers:
        raise ModelFileError(f"{file}: {len(kv_heads)} and {len(widths)} sizes of layers for {layers} layers")
    local, full = ([i for i, slide in enumerate(slides) if bool(slide) == want] for want in (True, False))
    config["num_key_value_heads"] = kv_heads[local[0] if local else 0]
    config["num_global_key_value_heads"] = kv_heads[full[0] if full else 0]
    config["attention_k_eq_v"] = bool(full) and f"model.layers.{full[0]}.self_attn.v_proj.weight" not in tensors
    config["intermediate_size"] = widths[0]
    config["use_double_wide_mlp"] = widths[-1] == 2 * widths[0]
    config["enable_moe_block"] = "model.layers.0.router.proj.weight" in tensors
    if not config.get("hidden_size_per_layer_input"):  # which no key says: the small sizes read pictures as text
        config["use_bidirectional_attention"] = "vision"
    return tensors


class Gemma4(Gemma3):
    """Gemma 3 with what its successor has besides."""

    model_type = "gemma4_text"
    other_model_types: ClassVar[tuple[str, ...]] = ("gemma4", "gemma4_unified", "gemma4_unified_text")
    centred_norms: ClassVar[tuple[str, ...]] = ()
    config_class = Gemma4Config
    gguf = GGUFMapping("gemma4", names=GEMMA4_NAMES, keys=GEMMA4_KEYS, checks=GEMMA4_CHECKS, restore=restore)
    config: Gemma4Config

    @classmethod
    def sanitize(cls, tensors: Tensors, config: dict[str, Any]) -> Tensors:
        """With a matrix for each expert, and without the keys and values of layers that read an earlier one's."""
        layers, shared = config["num_hidden_layers"], config.get("num_kv_shared_layers") or 0
        unread = [f"model.layers.{i}.self_attn.{k}" for i in range(layers - shared, layers) for k in SHARED_PARTS]
        return split_experts(
            {n: t for n, t in super().sanitize(tensors, config).items() if not n.startswith(tuple(unread))}
        )

    def embed(self, w: Tree) -> Tensor:
        """Embeddings times the root of their width; `each`, the inputs of each layer, are made of them."""
        c = self.config
        x = super().embed(w)
        self.each: list[Tensor] = []
        if size := c.hidden_size_per_layer_input:
            looked_up = embed(self.inputs, w.model.embed_tokens_per_layer, scale=size**0.5, placeholder=0)
            made = scale(linear(x, w.model.per_layer_model_projection), c.hidden_size**-0.5)
            made = rms_norm(made, w.model.per_layer_projection_norm.of(size), c.rms_norm_eps)
            self.each = split(scale(made + looked_up, 0.5**0.5), [size] * c.num_hidden_layers)
        return x

    def layer(self, i: int, x: Tensor, w: Tree) -> Tensor:
        """Gemma 3's, then what this layer's input says, all times a factor of the layer."""
        part = self.attend(i, self.norm(x, w.input_layernorm), w.self_attn)
        x = x + self.norm(part, w.post_attention_layernorm)
        part = self.feed_forward(self.norm(x, w.pre_feedforward_layernorm), w.mlp)
        if self.config.enable_moe_block:
            part = self.norm(part, w.post_feedforward_layernorm_1) + self.norm(
                self.mix(x, w), w.post_feedforward_layernorm_2
            )
        x = x + self.norm(part, w.post_feedforward_layernorm)
        if self.each:
            gated = gelu_tanh(linear(x, w.per_layer_input_gate)) * self.each[i]
            x = x + self.norm(linear(gated, w.per_layer_projection), w.post_per_layer_input_norm)
        return weigh(x, w.layer_scalar)

    def mix(self, x: Tensor, w: Tree) -> Tensor:
        """The experts' part, whose router reads the residual stream by itself."""
        c = self.config
        routed = scale(rms_norm(x, w.router.scale.of(x.width), c.rms_norm_eps), c.hidden_size**-0.5)
        scores = score_experts(routed, w.router.proj, c.num_experts)
        chosen, weights = route(scores, None, w.router.per_expert_scale, c.top_k_experts, sigmoid=False, normalise=True)
        return mix_experts(
            self.norm(x, w.pre_feedforward_layernorm_2), chosen, weights, w.experts, c.num_experts, gelu=True
        )

    def attend(self, i: int, x: Tensor, w: Tree) -> Tensor:
        """Attention with normalised values, to what the layer keeps or to what an earlier one does."""
        c, dim = self.config, self.head_dim(i)
        alike = c.attention_k_eq_v and c.layer_type(i) == FULL  # values are keys that were not rotated
        kv_heads = (alike and c.num_global_key_value_heads) or c.num_key_value_heads
        k = v = None
        if i < c.first_shared:
            parts = [w.q_proj, w.k_proj] if alike else [w.q_proj, w.k_proj, w.v_proj]
            q, k, *rest = linears(x, parts, [None] * len(parts))
            v = rms_norm(rest[0] if rest else k, ones(dim), c.rms_norm_eps)
            k = self.rotate(i, rms_norm(k, w.k_norm.of(dim), c.rms_norm_eps))
        else:
            q = linear(x, w.q_proj)
        q = self.rotate(i, rms_norm(q, w.q_norm.of(dim), c.rms_norm_eps))
        heads = (c.num_attention_heads, kv_heads, dim)
        window = c.window(i)
        until = self.until if window and c.use_bidirectional_attention else 0
        out = attention(self.inputs, q, k, v, c.state(i), *heads, self.attention_scale(), window=window, until=until)
        return linear(out, w.o_proj)

    def attention_scale(self) -> float:
        """None: heads are normalised."""
        return 1.0

    def head_dim(self, i: int) -> int:
        """Wider in global layers."""
        return self.config.global_head_dim if self.config.layer_type(i) == FULL else self.config.head_dim
