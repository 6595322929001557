"""A checkpoint as one GGUF file, matrices in Q8_0, the rest in float32; and back.

python -m galop.recipes.mini.export ROOT FOLDER     # the last checkpoint of every size in ROOT, to be shipped
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import gguf
import numpy as np
import torch
from safetensors.numpy import load_file

from galop.recipes.mini import tokenizer
from galop.recipes.mini.model import EPS, POSITIONS, SIZES, THETA, Mini, Size, save_model
from galop.recipes.mini.schedule import stages_of

ABOUT = "Qwen3 architecture, trained here on arithmetic and unit problems only; not Alibaba's weights"
NAMES = {
    "input_layernorm": "attn_norm", "post_attention_layernorm": "ffn_norm", "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k", "self_attn.v_proj": "attn_v", "self_attn.o_proj": "attn_output",
    "self_attn.q_norm": "attn_q_norm", "self_attn.k_norm": "attn_k_norm", "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up", "mlp.down_proj": "ffn_down", "mlp.gate": "ffn_gate_inp",
}  # fmt: skip


def export(folder: Path, path: Path, name: str) -> None:
    """Writes the checkpoint in `folder` to the GGUF file `path`."""
    size = Size.of(folder)
    weights = load_file(folder / "model.safetensors")
    writer = gguf.GGUFWriter(path, "qwen3moe" if size.experts else "qwen3")
    writer.add_name(name)
    writer.add_description(ABOUT)
    writer.add_license("apache-2.0")
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_Q8_0)
    writer.add_context_length(POSITIONS)
    writer.add_embedding_length(size.hidden)
    writer.add_block_count(size.layers)
    writer.add_feed_forward_length(size.ffn)
    writer.add_head_count(size.heads)
    writer.add_head_count_kv(size.kv_heads)
    writer.add_key_length(size.head_dim)
    writer.add_value_length(size.head_dim)
    writer.add_layer_norm_rms_eps(EPS)
    writer.add_rope_freq_base(THETA)
    if size.experts:
        writer.add_expert_count(size.experts)
        writer.add_expert_used_count(size.active)
        writer.add_expert_feed_forward_length(size.ffn)
    add_tokenizer(writer)
    for tensor, values in tensors(weights, size).items():
        if values.ndim == 1 or "ffn_gate_inp" in tensor:
            writer.add_tensor(tensor, values)
        else:
            kind = gguf.GGMLQuantizationType.Q8_0
            writer.add_tensor(tensor, gguf.quants.quantize(values, kind), raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def tensors(weights: dict[str, np.ndarray], size: Size) -> dict[str, np.ndarray]:
    """Under GGUF's names, the experts of a layer stacked."""
    found = {
        "token_embd.weight": weights["model.embed_tokens.weight"],
        "output_norm.weight": weights["model.norm.weight"],
    }
    for i in range(size.layers):
        layer = f"model.layers.{i}."
        for theirs, ours in NAMES.items():
            if f"{layer}{theirs}.weight" in weights:
                found[f"blk.{i}.{ours}.weight"] = weights[f"{layer}{theirs}.weight"]
        for part in ("gate", "up", "down") if size.experts else ():
            each = [weights[f"{layer}mlp.experts.{e}.{part}_proj.weight"] for e in range(size.experts)]
            found[f"blk.{i}.ffn_{part}_exps.weight"] = np.stack(each)
    return found


def restore(path: Path, size: str, folder: Path) -> None:
    """Makes the checkpoint `folder` of a model of `size` exported to `path`, with its weights as rounded there."""
    model = Mini(SIZES[size])
    names = tensors({name: np.array(name) for name in model.state_dict()}, SIZES[size])  # of the experts, arrays
    weights: dict[str, torch.Tensor] = {}
    for tensor in gguf.GGUFReader(path).tensors:
        values = torch.from_numpy(gguf.quants.dequantize(tensor.data, tensor.tensor_type).copy())
        each = values if names[tensor.name].ndim else [values]
        weights |= dict(zip(np.atleast_1d(names[tensor.name]).tolist(), each, strict=True))
    model.load_state_dict(weights)
    part = folder.with_name("incomplete")
    save_model(model, part)
    part.rename(folder)


def add_tokenizer(writer: gguf.GGUFWriter) -> None:
    """Tokens, merges, special ids and the chat template."""
    model = json.loads(tokenizer.load().to_str())["model"]
    by_id = {i: token for token, i in tokenizer.load().get_vocab().items()}
    kinds = dict.fromkeys(tokenizer.CONTROL[:3], gguf.TokenType.CONTROL)
    kinds |= dict.fromkeys(tokenizer.CONTROL[3:], gguf.TokenType.USER_DEFINED)
    names = [by_id[i] for i in range(len(by_id))]
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("qwen2")
    writer.add_token_list(names)
    writer.add_token_types([kinds.get(token, gguf.TokenType.NORMAL) for token in names])
    writer.add_token_merges([" ".join(pair) for pair in model["merges"]])
    writer.add_eos_token_id(tokenizer.ids()["<|im_end|>"])
    writer.add_pad_token_id(tokenizer.ids()["<|endoftext|>"])
    writer.add_chat_template(tokenizer.template())


def main(root: Path, folder: Path) -> None:
    """Exports the last checkpoint of every size in `root` to `folder`."""
    for size in SIZES:
        last = root / f"{size}-0" / stages_of(size, quick=False)[-1] / "model"
        if last.exists():
            export(last, folder / f"qwen3-mini-{size}-q8_0.gguf", f"qwen3-mini:{size}")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
