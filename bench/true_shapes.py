"""Writes a GGUF of random weights in a model's true shapes: speed and memory do not depend on the values.

    python bench/true_shapes.py qwen3-0.6b q4_0 out.gguf
    python bench/true_shapes.py gpt-oss-20b mxfp4 out.gguf --layers 12

Values are Gaussian with variance 1 / fan-in, so that quantised blocks look like real ones. Fewer layers than a model
has make a file that fits a small machine; what a layer costs stays the same.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gguf
import numpy as np

Metadata = dict[str, Any]
# A matrix by its rows and columns, or by experts, rows and columns; a vector by its size, which is all ones; or values.
Tensor = tuple[int, ...] | np.ndarray
GAUSSIAN = np.random.default_rng(0).normal(size=(4096, 1024)).astype(np.float32)


def sizes(hidden: int, layers: int, heads: int, kv_heads: int, head_dim: int, inner: int) -> Metadata:
    return {
        "block_count": layers, "context_length": 65536, "embedding_length": hidden, "feed_forward_length": inner,
        "attention.head_count": heads, "attention.head_count_kv": kv_heads, "attention.key_length": head_dim,
        "attention.value_length": head_dim, "attention.layer_norm_rms_epsilon": 1e-6, "rope.freq_base": 1e6,
    }  # fmt: skip


def attention(hidden: int, heads: int, kv_heads: int, head_dim: int, norms: bool = True) -> dict[str, Tensor]:
    matrices: dict[str, Tensor] = {
        "attn_q.weight": (heads * head_dim, hidden), "attn_k.weight": (kv_heads * head_dim, hidden),
        "attn_v.weight": (kv_heads * head_dim, hidden), "attn_output.weight": (hidden, heads * head_dim),
    }  # fmt: skip
    return matrices | ({"attn_q_norm.weight": (head_dim,), "attn_k_norm.weight": (head_dim,)} if norms else {})


def mlp(hidden: int, inner: int, ending: str = "", experts: int = 0) -> dict[str, Tensor]:
    stack = (experts,) if experts else ()
    return {
        f"ffn_gate{ending}.weight": (*stack, inner, hidden), f"ffn_up{ending}.weight": (*stack, inner, hidden),
        f"ffn_down{ending}.weight": (*stack, hidden, inner),
    }  # fmt: skip


def router(hidden: int, experts: int, layer: int) -> dict[str, Tensor]:
    """Another in every layer, so that each takes its own experts."""
    values = np.resize(GAUSSIAN, (experts, hidden)) / np.float32(np.sqrt(hidden))
    return {"ffn_gate_inp.weight": np.roll(values, layer * 977)}


def norms(hidden: int, *names: str) -> dict[str, Tensor]:
    return {f"{name}.weight": (hidden,) for name in names}


def expert_counts(experts: int, used: int, inner: int) -> Metadata:
    return {"expert_count": experts, "expert_used_count": used, "expert_feed_forward_length": inner}


Shape = tuple[str, int, Metadata, Callable[[int], dict[str, Tensor]], dict[str, Tensor]]
"""Architecture, vocabulary, metadata, the tensors of a layer, and those of none."""


def qwen3(hidden: int, layers: int, heads: int, kv_heads: int, inner: int, experts: int = 0) -> Shape:
    def layer(i: int) -> dict[str, Tensor]:
        tensors = norms(hidden, "attn_norm", "ffn_norm") | attention(hidden, heads, kv_heads, 128)
        if experts:
            return tensors | router(hidden, experts, i) | mlp(hidden, inner, "_exps", experts)
        return tensors | mlp(hidden, inner)

    metadata = sizes(hidden, layers, heads, kv_heads, 128, inner)
    metadata |= expert_counts(experts, 8, inner) if experts else {}
    return "qwen3moe" if experts else "qwen3", 151936, metadata, layer, {}


def qwen35(hidden: int, layers: int, heads: int, kv_heads: int, inner: int, values: int, experts: int = 0) -> Shape:
    """Three layers of linear attention, of 16 key heads and so many value heads of 128 values, then one of full."""
    inside, qkv = values * 128, (2 * 16 + values) * 128

    def layer(i: int) -> dict[str, Tensor]:
        tensors = norms(hidden, "attn_norm", "post_attention_norm")
        if (i + 1) % 4:
            tensors |= {
                "attn_qkv.weight": (qkv, hidden), "attn_gate.weight": (inside, hidden),
                "ssm_alpha.weight": (values, hidden), "ssm_beta.weight": (values, hidden),
                "ssm_out.weight": (hidden, inside), "ssm_conv1d.weight": np.resize(GAUSSIAN, (qkv, 4)) / 2,
                "ssm_a": np.full(values, -1, np.float32), "ssm_dt.bias": (values,), "ssm_norm.weight": (128,),
            }  # fmt: skip
        else:
            tensors |= attention(hidden, heads, kv_heads, 256)
            tensors["attn_q.weight"] = (heads * 256 * 2, hidden)  # with its gate
        if not experts:
            return tensors | mlp(hidden, inner)
        shared = mlp(hidden, inner, "_shexp") | {"ffn_gate_inp_shexp.weight": GAUSSIAN[0, :1].repeat(hidden)}
        return tensors | router(hidden, experts, i) | mlp(hidden, inner, "_exps", experts) | shared

    metadata = sizes(hidden, layers, heads, kv_heads, 256, inner) | {
        "full_attention_interval": 4, "rope.dimension_count": 64, "rope.dimension_sections": [11, 11, 10, 0],
        "ssm.conv_kernel": 4, "ssm.group_count": 16, "ssm.inner_size": inside, "ssm.state_size": 128,
        "ssm.time_step_rank": values,
    }  # fmt: skip
    if experts:
        metadata |= expert_counts(experts, 8, inner) | {"expert_shared_feed_forward_length": inner}
    return "qwen35moe" if experts else "qwen35", 248320, metadata, layer, {}


def gemma4_e2b(layers: int = 35, shared: int = 20, hidden: int = 1536, inner: int = 6144) -> Shape:
    slides = [bool((i + 1) % 5) for i in range(layers)]
    width = [inner if i < layers - shared else 2 * inner for i in range(layers)]

    def layer(i: int) -> dict[str, Tensor]:
        named = ("attn_norm", "post_attention_norm", "ffn_norm", "post_ffw_norm", "post_norm")
        tensors = norms(hidden, *named) | attention(hidden, 8, 1, 256 if slides[i] else 512) | mlp(hidden, width[i])
        per_layer: dict[str, Tensor] = {"inp_gate.weight": (256, hidden), "proj.weight": (hidden, 256)}
        return tensors | per_layer | {"layer_output_scale.weight": (1,)}

    metadata = sizes(hidden, layers, 8, 1, 512, inner) | {
        "feed_forward_length": width, "attention.key_length_swa": 256, "attention.value_length_swa": 256,
        "attention.sliding_window": 512, "attention.sliding_window_pattern": slides,
        "attention.shared_kv_layers": shared, "embedding_length_per_layer_input": 256, "rope.freq_base_swa": 1e4,
        "rope.dimension_count": 512, "rope.dimension_count_swa": 256, "final_logit_softcapping": 30.0,
    }  # fmt: skip
    around: dict[str, Tensor] = {
        "per_layer_token_embd.weight": (262144, 256 * layers), "per_layer_model_proj.weight": (256 * layers, hidden),
        "per_layer_proj_norm.weight": (256,),
        "rope_freqs.weight": np.array([1.0] * 64 + [1e30] * 192, np.float32),
    }  # fmt: skip
    return "gemma4", 262144, metadata, layer, around


def lfm2_1b(layers: int = 16, hidden: int = 2048) -> Shape:
    full = (2, 5, 8, 10, 12, 14)

    def layer(i: int) -> dict[str, Tensor]:
        tensors = norms(hidden, "attn_norm", "ffn_norm") | mlp(hidden, 8192)
        if i in full:
            return tensors | attention(hidden, 32, 8, 64)
        return tensors | {
            "shortconv.in_proj.weight": (3 * hidden, hidden), "shortconv.out_proj.weight": (hidden, hidden),
            "shortconv.conv.weight": np.resize(GAUSSIAN, (hidden, 3)) / 2,
        }  # fmt: skip

    metadata = sizes(hidden, layers, 32, 8, 64, 8192) | {
        "attention.head_count_kv": [8 if i in full else 0 for i in range(layers)], "shortconv.l_cache": 3,
    }  # fmt: skip
    return "lfm2", 65536, metadata, layer, {"token_embd_norm.weight": (hidden,)}


def gpt_oss(layers: int, experts: int, hidden: int = 2880) -> Shape:
    def layer(i: int) -> dict[str, Tensor]:
        tensors = norms(hidden, "attn_norm", "post_attention_norm") | attention(hidden, 64, 8, 64, norms=False)
        tensors |= router(hidden, experts, i) | mlp(hidden, hidden, "_exps", experts)
        biases = {"attn_q": 4096, "attn_k": 512, "attn_v": 512, "attn_output": hidden, "ffn_gate_inp": experts}
        tensors |= {f"{name}.bias": np.zeros(size, np.float32) for name, size in biases.items()}
        for part in ("gate", "up", "down"):
            tensors[f"ffn_{part}_exps.bias"] = np.zeros((experts, hidden), np.float32)
        return tensors | {"attn_sinks.weight": (64,)}

    metadata = sizes(hidden, layers, 64, 8, 64, hidden) | expert_counts(experts, 4, hidden) | {
        "attention.sliding_window": 128, "rope.freq_base": 150000.0, "rope.scaling.type": "yarn",
        "rope.scaling.factor": 32.0, "rope.scaling.original_context_length": 4096,
    }  # fmt: skip
    return "gpt-oss", 201088, metadata, layer, {"output.weight": (201088, hidden)}


def glm47_flash(layers: int = 47, hidden: int = 2048, heads: int = 20, experts: int = 64, inner: int = 1536) -> Shape:
    query, latent, nope, rope, value = 768, 512, 192, 64, 256

    def layer(i: int) -> dict[str, Tensor]:
        tensors = norms(hidden, "attn_norm", "ffn_norm") | {
            "attn_q_a.weight": (query, hidden), "attn_q_a_norm.weight": (query,),
            "attn_q_b.weight": (heads * (nope + rope), query), "attn_kv_a_mqa.weight": (latent + rope, hidden),
            "attn_kv_a_norm.weight": (latent,), "attn_k_b.weight": (heads, latent, nope),
            "attn_v_b.weight": (heads, value, latent), "attn_output.weight": (hidden, heads * value),
        }  # fmt: skip
        if i == 0:
            return tensors | mlp(hidden, 10240)
        mixture = router(hidden, experts, i) | {"exp_probs_b.bias": np.zeros(experts, np.float32)}
        return tensors | mixture | mlp(hidden, inner, "_exps", experts) | mlp(hidden, inner, "_shexp")

    metadata = sizes(hidden, layers, heads, 1, latent + rope, 10240) | expert_counts(experts, 4, inner) | {
        "attention.value_length": latent, "attention.key_length_mla": nope + rope, "attention.value_length_mla": value,
        "attention.kv_lora_rank": latent, "attention.q_lora_rank": query, "rope.dimension_count": rope,
        "leading_dense_block_count": 1, "expert_shared_count": 1, "expert_weights_scale": 1.8,
        "expert_weights_norm": True, "expert_gating_func": 2, "vocab_size": 154880,
    }  # fmt: skip
    return "deepseek2", 154880, metadata, layer, {"output.weight": (154880, hidden)}


def with_later(shape: Shape) -> Shape:
    """The same with a layer for the token after the next one, which is like its layers of full attention."""
    family, vocabulary, metadata, layer, around = shape
    layers, hidden = metadata["block_count"], metadata["embedding_length"]

    def one(i: int) -> dict[str, Tensor]:
        if i < layers:
            return layer(i)
        beside = {"nextn.eh_proj.weight": (hidden, 2 * hidden)} | norms(
            hidden, "nextn.enorm", "nextn.hnorm", "nextn.shared_head_norm"
        )
        return layer(3) | beside

    return family, vocabulary, metadata | {"block_count": layers + 1, "nextn_predict_layers": 1}, one, around


SHAPES: dict[str, Shape] = {
    "qwen3-0.6b": qwen3(1024, 28, 16, 8, 3072),
    "qwen3-1.7b": qwen3(2048, 28, 16, 8, 6144),
    "qwen3-4b": qwen3(2560, 36, 32, 8, 9728),
    "qwen3-30b-a3b": qwen3(2048, 48, 32, 4, 768, experts=128),
    "qwen3.5-0.8b": qwen35(1024, 24, 8, 2, 3584, values=16),
    "qwen3.5-4b": qwen35(2560, 32, 16, 4, 9216, values=32),
    "qwen3.5-35b-a3b": qwen35(2048, 40, 16, 2, 512, values=32, experts=256),
    "qwen3.5-0.8b-mtp": with_later(qwen35(1024, 24, 8, 2, 3584, values=16)),
    "qwen3.5-4b-mtp": with_later(qwen35(2560, 32, 16, 4, 9216, values=32)),
    "gemma4-e2b": gemma4_e2b(),
    "lfm2-1.2b": lfm2_1b(),
    "gpt-oss-20b": gpt_oss(24, 32),
    "glm-4.7-flash": glm47_flash(),
}


def write(name: str, kind: str, path: Path, layers: int | None = None) -> None:
    """Writes the file, of the first so many layers. Of MXFP4 are experts alone, as files have it; the rest is Q8_0."""
    family, vocabulary, metadata, layer, around = SHAPES[name]
    layers = layers or metadata["block_count"]
    writer = gguf.GGUFWriter(path, family, use_temp_file=True)
    for key, value in (metadata | {"block_count": layers}).items():
        add = {bool: writer.add_bool, int: writer.add_uint32, float: writer.add_float32, str: writer.add_string}
        of_layers = isinstance(value, list) and len(value) == metadata["block_count"]
        add.get(type(value), writer.add_array)(f"{family}.{key}", value[:layers] if of_layers else value)
    writer.add_string("general.name", f"{name} {kind} of random weights")
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("qwen2")
    letters = [chr(c) for c in range(33, 127)]
    writer.add_token_list([*letters, "ab", *(f"token{i}" for i in range(vocabulary - len(letters) - 1))])
    writer.add_token_types([1] * vocabulary)
    writer.add_token_merges(["a b"])
    writer.add_eos_token_id(0)
    hidden = metadata["embedding_length"]
    last = "token_embd_norm.weight" if "token_embd_norm.weight" in around else "output_norm.weight"
    tensors: dict[str, Tensor] = {"token_embd.weight": (vocabulary, hidden), last: (hidden,), **around}
    for i in range(layers):
        tensors |= {f"blk.{i}.{tensor}": value for tensor, value in layer(i).items()}
    for tensor, value in tensors.items():
        if isinstance(value, np.ndarray):
            writer.add_tensor(tensor, value)
        elif len(value) == 1:
            writer.add_tensor(tensor, np.ones(value, np.float32))
        else:
            own = "Q8_0" if kind.upper() == "MXFP4" and "_exps" not in tensor else kind.upper()
            quantisation = gguf.GGMLQuantizationType[own]
            block, nbytes = gguf.GGML_QUANT_SIZES[quantisation]
            pattern = gguf.quants.quantize(GAUSSIAN / np.float32(np.sqrt(value[-1])), quantisation).reshape(-1)
            data = np.resize(pattern, int(np.prod(value)) // block * nbytes)
            writer.add_tensor(tensor, data.reshape(*value[:-1], -1), raw_dtype=quantisation)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def path_of(name: str, folder: Path) -> Path:
    """The file of true:SHAPE:KIND[:LAYERS], made in `folder` if it is not there; any other name is a path itself."""
    if not name.startswith("true:"):
        return Path(name)
    _, shape, kind, *layers = name.split(":")
    path = folder / f"{'-'.join([shape, kind, *layers])}.gguf"
    if not path.exists():
        write(shape, kind, path, *map(int, layers))
    return path


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("shape", choices=SHAPES)
    parser.add_argument("kind", help="quant type of the matrices, such as Q4_0")
    parser.add_argument("path", type=Path, help="the GGUF file to write")
    parser.add_argument("--layers", type=int, help="the first so many only")
    args = parser.parse_args()
    write(args.shape, args.kind, args.path, args.layers)


if __name__ == "__main__":
    main()
