"""An mmproj file as llama.cpp's converter makes it of a golden model that sees, with the gguf package's own names."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import gguf
import numpy as np
from golden.recipe import case_path
from tiny import write_gguf

from galop.weights.safetensors import parse_file

PROJECTORS = {
    "qwen3_vl": "qwen3vl_merger", "qwen3_5": "qwen3vl_merger", "gemma3": "gemma3", "idefics3": "idefics3",
    "gemma4": "gemma4v", "mistral3": "pixtral", "llama4": "llama4",
}  # fmt: skip
SCALES = {"gemma3": 2, "gemma4": 3, "llama4": 2}
EPS = {"mistral3": 1e-5, "llama4": 1e-5}


SHOWN = "{% for m in messages %}{% if m.content is string %}{{ m.content }}{% else %}{% for c in m.content %}{% if c.type == 'image' %}<start_of_image>{% else %}{{ c.text }}{% endif %}{% endfor %}{% endif %}\n{% endfor %}"


def write_apart(folder: Path) -> tuple[Path, Path]:
    """A text model that can be shown pictures, and its vision tower in another folder."""
    control = ["<start_of_image>", "<end_of_image>"]
    text = write_gguf(folder / "text.gguf", "sees_gemma3", "F32", SHOWN, control=control)
    (folder / "elsewhere").mkdir()
    return text, write_mmproj(folder / "elsewhere" / "tower.gguf", "sees_gemma3")


def write_mmproj(path: Path, case: str, kind: str = "F32", act: str = "") -> Path:
    """Writes the tower of the golden model `case`, its matrices in `kind`, with another activation if wanted."""
    config = json.loads((case_path(case) / "config.json").read_text())
    vision, family = config["vision_config"], config["model_type"]
    writer = gguf.GGUFWriter(path, "clip")
    writer.add_bool("clip.has_vision_encoder", True)
    mixed = "vision." if family == "gemma4" else ""  # a file that may hear, too
    writer.add_string(f"clip.{mixed}projector_type", PROJECTORS[family])
    numbers = {
        "embedding_length": vision["hidden_size"], "feed_forward_length": vision["intermediate_size"],
        "block_count": vision.get("depth") or vision["num_hidden_layers"], "patch_size": vision["patch_size"],
        "attention.head_count": vision.get("num_heads") or vision["num_attention_heads"],
        "image_size": vision.get("image_size", 768), "projection_dim": config["text_config"]["hidden_size"],
        "spatial_merge_size": vision.get("spatial_merge_size", config.get("spatial_merge_size")),
        "projector.scale_factor": SCALES.get(family, config.get("scale_factor")),
        "preproc_image_size": 128 if family == "idefics3" else None,
        "image_min_pixels": 4096 if family.startswith("qwen") else None,
        "image_max_pixels": 1 << 20 if family.startswith("qwen") else None,
    }  # fmt: skip
    for key, value in numbers.items():
        if value is not None:
            writer.add_uint32(f"clip.vision.{key}", value)
    writer.add_float32("clip.vision.attention.layer_norm_epsilon", EPS.get(family, 1e-6))
    writer.add_bool("clip.use_silu" if (act or vision.get("hidden_act")) == "silu" else "clip.use_gelu", True)
    for key in ("image_mean", "image_std"):
        writer.add_array(f"clip.vision.{key}", [0.5] * 3)
    deep = vision.get("deepstack_visual_indexes") or []
    if family.startswith("qwen"):
        writer.add_array("clip.vision.is_deepstack_layers", [i in deep for i in range(vision["depth"])])
    for name, values in _tensors(case, deep, vision.get("num_attention_heads") or 1).items():
        if values.ndim == 1 or values.shape[-1] % 32 or "position" in name or "patch" in name:
            writer.add_tensor(name, values)
        else:
            quantisation = gguf.GGMLQuantizationType[kind]
            writer.add_tensor(name, gguf.quants.quantize(values, quantisation), raw_dtype=quantisation)
    for step in (writer.write_header_to_file, writer.write_kv_data_to_file, writer.write_tensors_to_file, writer.close):
        step()
    return path


def _tensors(case: str, deep: list[int], heads: int) -> dict[str, np.ndarray]:
    names = gguf.get_tensor_name_map(gguf.MODEL_ARCH.MMPROJ, 8)
    found: dict[str, np.ndarray] = {}
    stored: dict[str, Any] = parse_file(case_path(case) / "model.safetensors")
    for name, tensor in stored.items():
        name, values = name.removeprefix("model."), tensor.array()
        if name.startswith(("language_model.", "text_model.", "lm_head.")):
            continue
        if name.startswith("visual.deepstack_merger_list."):
            _, _, at, part, ending = name.split(".")
            found[f"v.deepstack.{deep[int(at)]}.{part.replace('linear_', '')}.{ending}"] = values
        elif name == "visual.patch_embed.proj.weight":  # frames apart
            found["v.patch_embd.weight"], found["v.patch_embd.weight.1"] = values[:, :, 0], values[:, :, 1]
        else:
            name, values = _convert(name, values, heads, case)
            known = {
                "merger.norm": "v.post_ln", "merger.linear_fc1": "mm.0", "merger.linear_fc2": "mm.2",
                "mm_input_projection_weight": "mm.input_projection", "mm_soft_emb_norm": "mm.soft_emb_norm",
                "modality_projection.proj": "mm.model.fc",
            }  # fmt: skip
            if "llama4" in case:
                known["multi_modal_projector.linear_1"] = "mm.model.fc"
            whole = names.get_name(name)
            stem, _, ending = name.rpartition(".")
            own = next((ours for theirs, ours in known.items() if stem.endswith(theirs)), None)
            found[whole or f"{own or names.get_name(stem)}.{ending}"] = values
    return {name: np.ascontiguousarray(values) for name, values in found.items()}


def _convert(name: str, values: np.ndarray, heads: int, case: str) -> tuple[str, np.ndarray]:
    """The name by which the package knows a tensor, and its values as the converter leaves them."""
    if name.startswith("vision_tower.encoder.layers.") and "gemma4" in case:
        name = name.replace("vision_tower.encoder.", "vision_model.model.").replace(".linear.weight", ".weight")
    elif name.startswith("vision_tower.patch_embedder.") or name.startswith(("vision_tower.std_", "embed_vision.")):
        name = f"model.{name}" + ".weight" * name.endswith("position_embedding_table")
        if values.ndim == 2 and "input_proj" in name:  # channels first
            side = round((values.shape[1] // 3) ** 0.5)
            values = values.reshape(-1, side, side, 3).transpose(0, 3, 1, 2)
    elif name.startswith("vision_tower.") and "gemma3" in case and "vision_model" not in name:
        name = name.replace("vision_tower.", "vision_tower.vision_model.")
    if "positional_embedding_vlm" in name:
        name += ".weight"
    if (name.startswith("vision_model.") and "idefics3" in case) or name.startswith("connector."):
        name = f"model.{name}"
    if ".attention." in name and name.endswith(("q_proj.weight", "k_proj.weight")):  # neighbours are pairs
        values = values.reshape(heads, 2, -1, values.shape[1]).swapaxes(1, 2).reshape(values.shape)
    if "mm_soft_emb_norm" in name:
        values = values + 1
    if name == "multi_modal_projector.mm_input_projection_weight":
        name += ".weight"
    return name, values
