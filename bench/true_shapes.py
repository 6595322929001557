"""Writes a GGUF of random weights in a model's true shapes: speed and memory do not depend on the values.

    python bench/true_shapes.py qwen3-0.6b q4_0 out.gguf

Values are Gaussian with variance 1 / fan-in, so that quantised blocks look like real ones.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import gguf
import numpy as np

# hidden, layers, heads, kv_heads, head_dim, intermediate, experts, vocabulary
SHAPES = {
    "qwen3-0.6b": (1024, 28, 16, 8, 128, 3072, 0, 151936),
    "qwen3-1.7b": (2048, 28, 16, 8, 128, 6144, 0, 151936),
    "qwen3-4b": (2560, 36, 32, 8, 128, 9728, 0, 151936),
    "qwen3-30b-a3b": (2048, 48, 32, 4, 128, 768, 128, 151936),
    "qwen3.5-0.8b": (1024, 24, 8, 2, 256, 3584, 0, 248320),
    "qwen3.5-4b": (2560, 32, 16, 4, 256, 9216, 0, 248320),
}
EXPERTS_USED = 8
VALUE_HEADS = {"qwen3.5-0.8b": 16, "qwen3.5-4b": 32}  # of linear attention, beside 16 key heads, all of 128 values


def write(name: str, kind: str, path: Path) -> None:
    hidden, layers, heads, kv_heads, head_dim, inner, experts, vocabulary = SHAPES[name]
    values = VALUE_HEADS.get(name, 0) * 128
    family = "qwen35" if values else "qwen3moe" if experts else "qwen3"
    quantisation = gguf.GGMLQuantizationType[kind.upper()]
    block, nbytes = gguf.GGML_QUANT_SIZES[quantisation]
    gaussian = np.random.default_rng(0).normal(size=(4096, 1024)).astype(np.float32)
    writer = gguf.GGUFWriter(path, family, use_temp_file=True)
    sizes = {
        "block_count": layers, "context_length": 40960, "embedding_length": hidden, "feed_forward_length": inner,
        "attention.head_count": heads, "attention.head_count_kv": kv_heads, "attention.key_length": head_dim,
        "attention.value_length": head_dim,
    }  # fmt: skip
    if experts:
        sizes |= {"expert_count": experts, "expert_used_count": EXPERTS_USED, "expert_feed_forward_length": inner}
    if values:
        sizes |= {
            "full_attention_interval": 4, "rope.dimension_count": 64, "ssm.conv_kernel": 4, "ssm.group_count": 16,
            "ssm.inner_size": values, "ssm.state_size": 128, "ssm.time_step_rank": values // 128,
        }  # fmt: skip
        writer.add_array(f"{family}.rope.dimension_sections", [11, 11, 10, 0])
    for key, value in sizes.items():
        writer.add_uint32(f"{family}.{key}", value)
    writer.add_float32(f"{family}.rope.freq_base", 1e6)
    writer.add_float32(f"{family}.attention.layer_norm_rms_epsilon", 1e-6)
    writer.add_string("general.name", f"{name} {kind} of random weights")
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("qwen2")
    letters = [chr(c) for c in range(33, 127)]
    writer.add_token_list([*letters, "ab", *(f"token{i}" for i in range(vocabulary - len(letters) - 1))])
    writer.add_token_types([1] * vocabulary)
    writer.add_token_merges(["a b"])
    writer.add_eos_token_id(0)

    def matrix(tensor: str, rows: int, cols: int, stack: int = 1) -> None:
        pattern = gguf.quants.quantize(gaussian / np.float32(np.sqrt(cols)), quantisation).reshape(-1)
        data = np.resize(pattern, stack * rows * (cols // block) * nbytes)
        shape = (stack, rows, -1) if stack > 1 else (rows, -1)
        writer.add_tensor(tensor, data.reshape(shape), raw_dtype=quantisation)

    def ones(tensor: str, size: int) -> None:
        writer.add_tensor(tensor, np.ones(size, np.float32))

    def delta(at: str) -> None:
        """A layer of linear attention."""
        for part, rows in (("attn_qkv", 2 * 2048 + values), ("attn_gate", values)):
            matrix(f"{at}{part}.weight", rows, hidden)
        for part in ("ssm_alpha", "ssm_beta"):
            matrix(f"{at}{part}.weight", values // 128, hidden)
        matrix(f"{at}ssm_out.weight", hidden, values)
        writer.add_tensor(f"{at}ssm_conv1d.weight", np.resize(gaussian, (2 * 2048 + values, 4)) / 2)
        writer.add_tensor(f"{at}ssm_a", np.full(values // 128, -1, np.float32))
        ones(f"{at}ssm_dt.bias", values // 128)
        ones(f"{at}ssm_norm.weight", 128)

    matrix("token_embd.weight", vocabulary, hidden)
    ones("output_norm.weight", hidden)
    for i in range(layers):
        at = f"blk.{i}."
        for norm in ("attn", "post_attention" if values else "ffn"):
            ones(f"{at}{norm}_norm.weight", hidden)
        if values and (i + 1) % 4:
            delta(at)
        else:
            for norm in ("attn_q", "attn_k"):
                ones(f"{at}{norm}_norm.weight", head_dim)
            matrix(f"{at}attn_q.weight", heads * head_dim * (2 if values else 1), hidden)  # with its gate
            matrix(f"{at}attn_k.weight", kv_heads * head_dim, hidden)
            matrix(f"{at}attn_v.weight", kv_heads * head_dim, hidden)
            matrix(f"{at}attn_output.weight", hidden, heads * head_dim)
        kind_of = "_exps" if experts else ""
        matrix(f"{at}ffn_gate{kind_of}.weight", inner, hidden, experts or 1)
        matrix(f"{at}ffn_up{kind_of}.weight", inner, hidden, experts or 1)
        matrix(f"{at}ffn_down{kind_of}.weight", hidden, inner, experts or 1)
        if experts:
            router = np.resize(gaussian, (experts, hidden)) / np.float32(np.sqrt(hidden))
            writer.add_tensor(f"{at}ffn_gate_inp.weight", np.roll(router, i * 977))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("shape", choices=SHAPES)
    parser.add_argument("kind", help="quant type of the matrices, such as Q4_K")
    parser.add_argument("path", type=Path, help="the GGUF file to write")
    args = parser.parse_args()
    write(args.shape, args.kind, args.path)


if __name__ == "__main__":
    main()
