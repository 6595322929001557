"""Makes the golden files of models that see: what transformers' towers make of made-up pictures, and its logits for
prompts with them, in float32.

Run with the `oracle` extra installed: python tests/golden/make_towers.py NAME. Weights follow from their names.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parent.parent))

from golden.recipe import seeded_weight

HERE = Path(__file__).parent
IMAGE = 151  # the token that stands for a soft one
TEXT = {
    "vocab_size": 256, "hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 3, "num_attention_heads": 4,
    "num_key_value_heads": 2, "max_position_embeddings": 1024, "tie_word_embeddings": False,
}  # fmt: skip
SIGLIP = {
    "hidden_size": 48, "intermediate_size": 72, "num_hidden_layers": 2, "num_attention_heads": 4, "image_size": 64,
    "patch_size": 8,
}  # fmt: skip
QWEN = {
    "depth": 3, "hidden_size": 64, "intermediate_size": 96, "num_heads": 4, "out_hidden_size": 64,
    "num_position_embeddings": 16, "patch_size": 16, "spatial_merge_size": 2, "temporal_patch_size": 2,
}  # fmt: skip
ROTATION = {"rope_type": "default", "rope_theta": 5e6, "mrope_section": [6, 5, 5], "mrope_interleaved": True}
HALF = {"image_mean": [0.5] * 3, "image_std": [0.5] * 3}
PIXELS = {**HALF, "size": {"shortest_edge": 4096, "longest_edge": 1 << 20}}
GEMMA4_TEXT = {
    **TEXT, "num_hidden_layers": 6, "head_dim": 32, "global_head_dim": 64, "sliding_window": 24,
    "final_logit_softcapping": 30.0, "tie_word_embeddings": True, "pad_token_id": 0,
    "layer_types": [*2 * ["sliding_attention"], "full_attention"] * 2,
    "rope_parameters": {
        "sliding_attention": {"rope_type": "default", "rope_theta": 1e4},
        "full_attention": {"rope_type": "proportional", "partial_rotary_factor": 0.25, "rope_theta": 1e6},
    },
}  # fmt: skip
GEMMA4_VISION = {
    "hidden_size": 48, "intermediate_size": 72, "num_hidden_layers": 2, "num_attention_heads": 4,
    "num_key_value_heads": 4, "head_dim": 12, "patch_size": 4, "position_embedding_size": 210,
    "rope_parameters": {"rope_type": "axial", "rope_theta": 100.0},
}  # fmt: skip
GEMMA4_TOKENS = {
    "image_token_id": IMAGE, "boi_token_id": 152, "eoi_token_id": 153, "video_token_id": 154, "audio_token_id": 155,
    "audio_config": None,
}  # fmt: skip
GEMMA4_PROCESSOR = {"patch_size": 4, "max_soft_tokens": 70, "pooling_kernel_size": 3}
PIXTRAL = {
    "hidden_size": 48, "intermediate_size": 72, "num_hidden_layers": 2, "num_attention_heads": 4, "image_size": 64,
    "patch_size": 4, "rope_parameters": {"rope_type": "axial", "rope_theta": 1e4},
}  # fmt: skip

# The class and its config scaled down, what a processor's config says, the sizes of two pictures.
TOWERS: dict[str, tuple[str, dict[str, Any], dict[str, Any], list[tuple[int, int]]]] = {
    "sees_qwen3_vl": (
        "Qwen3VL",
        {
            "text_config": {**TEXT, "head_dim": 32, "rope_parameters": ROTATION},
            "vision_config": {**QWEN, "deepstack_visual_indexes": [0, 1]},
            "image_token_id": IMAGE, "vision_start_token_id": 152, "vision_end_token_id": 153, "video_token_id": 154,
        },
        PIXELS, [(64, 96), (96, 70)],
    ),
    "sees_qwen3_5": (
        "Qwen3_5",
        {
            "text_config": {
                **TEXT, "num_hidden_layers": 4, "head_dim": 64, "linear_key_head_dim": 32, "linear_value_head_dim": 32,
                "linear_num_key_heads": 2, "linear_num_value_heads": 4,
                "layer_types": ["linear_attention"] * 3 + ["full_attention"],
                "rope_parameters": {**ROTATION, "mrope_section": [3, 3, 2], "partial_rotary_factor": 0.25},
            },
            "vision_config": QWEN, "image_token_id": IMAGE, "vision_start_token_id": 152, "vision_end_token_id": 153,
            "video_token_id": 154,
        },
        PIXELS, [(64, 96), (96, 70)],
    ),
    "sees_gemma3": (
        "Gemma3",
        {
            "text_config": {
                **TEXT, "num_hidden_layers": 6, "head_dim": 32, "num_key_value_heads": 1, "query_pre_attn_scalar": 32,
                "sliding_window": 12, "tie_word_embeddings": True,
                "layer_types": ["sliding_attention"] * 5 + ["full_attention"],
            },
            "vision_config": {**SIGLIP, "model_type": "siglip_vision_model", "vision_use_head": False},
            "mm_tokens_per_image": 16, "image_token_index": IMAGE, "boi_token_index": 152, "eoi_token_index": 153,
        },
        {**HALF, "size": {"height": 64, "width": 64}}, [(60, 100), (96, 70)],
    ),
    "sees_idefics3": (
        "Idefics3",
        {
            "text_config": {**TEXT, "model_type": "llama", "head_dim": 16}, "vision_config": SIGLIP, "scale_factor": 4,
            "image_token_id": IMAGE,
        },
        {**HALF, "size": {"longest_edge": 128}, "max_image_size": {"longest_edge": 64}}, [(40, 30), (60, 100)],
    ),
    "sees_gemma4": (
        "Gemma4",
        {
            "text_config": {
                **GEMMA4_TEXT, "num_key_value_heads": 1, "hidden_size_per_layer_input": 16, "num_kv_shared_layers": 3,
                "vocab_size_per_layer_input": 256, "use_double_wide_mlp": True,
            },
            "vision_config": {**GEMMA4_VISION, "use_clipped_linears": True}, **GEMMA4_TOKENS,
        },
        GEMMA4_PROCESSOR, [(60, 90), (96, 64)],
    ),
    "sees_gemma4_together": (
        "Gemma4",
        {
            "text_config": {
                **GEMMA4_TEXT, "hidden_size_per_layer_input": 0, "num_global_key_value_heads": 1, "sliding_window": 20,
                "attention_k_eq_v": True, "use_bidirectional_attention": "vision",
            },
            "vision_config": {**GEMMA4_VISION, "standardize": True, "hidden_size": 64, "head_dim": 16}, **GEMMA4_TOKENS,
        },
        GEMMA4_PROCESSOR, [(60, 90), (96, 64)],
    ),
    "sees_mistral3": (
        "Mistral3",
        {
            "text_config": {
                **TEXT, "model_type": "ministral3", "head_dim": 32, "rms_norm_eps": 1e-5,
                "rope_parameters": {
                    "rope_type": "yarn", "rope_theta": 1e6, "factor": 16.0, "original_max_position_embeddings": 64,
                    "beta_fast": 32.0, "beta_slow": 1.0, "mscale": 1.0, "mscale_all_dim": 1.0,
                    "llama_4_scaling_beta": 0.1,
                },
            },
            "vision_config": {**PIXTRAL, "hidden_act": "silu"}, "image_token_index": IMAGE, "spatial_merge_size": 2,
        },
        {"size": {"longest_edge": 64}}, [(60, 100), (100, 60)],
    ),
    "sees_pixtral": (
        "Mistral3",
        {
            "text_config": {**TEXT, "model_type": "mistral", "head_dim": 16, "rms_norm_eps": 1e-5},
            "vision_config": {**PIXTRAL, "hidden_act": "gelu"}, "image_token_index": IMAGE, "spatial_merge_size": 2,
            "multimodal_projector_bias": True,
        },
        {"size": {"longest_edge": 64}}, [(30, 50), (50, 30)],
    ),
    "sees_llama4": (
        "Llama4",
        {
            "text_config": {
                **TEXT, "head_dim": 16, "num_local_experts": 4, "intermediate_size_mlp": 128,
                "interleave_moe_layer_step": 2,
            },
            "vision_config": {
                "hidden_size": 48, "intermediate_size": 192, "num_hidden_layers": 2, "num_attention_heads": 4,
                "image_size": 32, "patch_size": 4, "projector_input_dim": 96, "projector_output_dim": 96,
                "vision_output_dim": 96, "rope_parameters": {"rope_type": "default", "rope_theta": 1e4},
            },
            "image_token_index": IMAGE, "boi_token_index": 152, "eoi_token_index": 153,
        },
        {**HALF, "size": {"height": 32, "width": 32}, "max_patches": 4}, [(40, 30), (60, 100)],
    ),
}  # fmt: skip


def picture(height: int, width: int) -> np.ndarray:
    """A made-up one, uint8 RGB: ramps, and stripes across them."""
    x, y = np.meshgrid(np.arange(width), np.arange(height))
    colours = (x * 255 // (width - 1), y * 255 // (height - 1), (x + y) * 7 % 256)
    return np.stack(colours, axis=-1).astype(np.uint8)


def _processor(kind: str, settings: dict[str, Any]) -> Any:
    from transformers.models.gemma3.image_processing_pil_gemma3 import Gemma3ImageProcessorPil
    from transformers.models.gemma4.image_processing_pil_gemma4 import Gemma4ImageProcessorPil
    from transformers.models.idefics3.image_processing_pil_idefics3 import Idefics3ImageProcessorPil
    from transformers.models.pixtral.image_processing_pil_pixtral import PixtralImageProcessorPil
    from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil

    if kind == "Llama4":
        return _llama4_processor()(**settings)
    if kind.startswith("Qwen"):
        return Qwen2VLImageProcessorPil(patch_size=16, temporal_patch_size=2, merge_size=2, **settings)
    if kind == "Mistral3":
        return PixtralImageProcessorPil(**settings, patch_size={"height": 8, "width": 8})
    processors = {
        "Gemma3": Gemma3ImageProcessorPil, "Gemma4": Gemma4ImageProcessorPil, "Idefics3": Idefics3ImageProcessorPil,
    }  # fmt: skip
    return processors[kind](**settings)


def _llama4_processor() -> Any:
    """Llama 4's, which there is for torchvision alone, with pictures resized by Pillow."""
    import torch
    from PIL import Image
    from transformers.models.llama4.image_processing_llama4 import Llama4ImageProcessor

    class Processor(Llama4ImageProcessor):
        def resize(self, images: Any, size: Any, resample: Any = None, **_: Any) -> Any:
            by = Image.Resampling.BILINEAR
            resized = [
                np.asarray(Image.fromarray(one.permute(1, 2, 0).numpy()).resize((size.width, size.height), by))
                for one in images
            ]
            return torch.from_numpy(np.stack(resized)).permute(0, 3, 1, 2)

    return Processor


def compute(name: str) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """What NAME.json holds, and NAME.npz: `features` of all soft tokens, `logits` [T, vocabulary]."""
    import torch
    import transformers

    kind, settings, processing, sizes = TOWERS[name]
    config = getattr(transformers, f"{kind}Config")(**settings)
    config._attn_implementation = "eager"
    model = getattr(transformers, f"{kind}ForConditionalGeneration")(config).eval().float()
    tied = config.to_dict().get("tie_word_embeddings") or config.text_config.tie_word_embeddings
    ones = [key for key, p in model.state_dict().items() if p.ndim == 1 and bool((p == 1).all())]
    weights = {
        key: p
        for key, p in model.state_dict().items()
        if p.is_floating_point() and not (tied and key == "lm_head.weight")
    }
    with torch.no_grad():
        for key, parameter in weights.items():
            parameter.copy_(torch.from_numpy(seeded_weight(key, tuple(parameter.shape), key in ones)))
        model.tie_weights()
    tensors = {key: list(p.shape) for key, p in weights.items()}
    together = [[picture(*size) for size in sizes]] if kind == "Mistral3" else [[picture(*size)] for size in sizes]
    pictures = [_processor(kind, processing)(one, return_tensors="pt") for one in together]
    given: dict[str, Any] = {}
    for key in ("pixel_values", "image_grid_thw", "image_position_ids", "image_sizes"):
        if key in pictures[0]:
            given[key] = torch.cat([one[key] for one in pictures], dim=1 if kind == "Idefics3" else 0)
    if kind == "Llama4":
        given["pixel_values"] = given["pixel_values"].float()
    with torch.no_grad():
        if kind == "Llama4":
            parts = model.multi_modal_projector(model.get_image_features(**given).last_hidden_state)
            deep = []
        else:
            found = model.model.get_image_features(**given)
            parts, deep = found.pooler_output, getattr(found, "deepstack_features", None) or []

    def flat(of_pictures: Any) -> Any:
        each = of_pictures if isinstance(of_pictures, list | tuple) else [of_pictures]
        return torch.cat([one.reshape(-1, one.shape[-1]) for one in each])

    features = torch.cat([flat(parts), *(flat(layer) for layer in deep)], dim=1)
    counts = [len(features) // 2] * 2  # of the two pictures, which are of as many tokens each
    if kind in ("Idefics3", "Llama4"):  # a run for each tile
        count = 4 if kind == "Idefics3" else 16
        counts = [count] * (len(features) // count)
    if kind == "Mistral3":  # a run for each row
        counts = [int(width) // 8 for height, width in given["image_sizes"] for _ in range(int(height) // 8)]
    prompt: list[int] = [3, 17]
    for i, count in enumerate(counts):
        prompt += [152, *[IMAGE] * count, 153, 10 + i]
    prompt += [40, 41]
    ids = torch.tensor([prompt])
    seen = (ids == IMAGE).int()
    types = (
        {"token_type_ids": seen}
        if kind == "Gemma3"
        else {"mm_token_type_ids": seen}
        if "Qwen" in kind or kind == "Gemma4"
        else {}
    )
    with torch.no_grad():
        if kind == "Llama4":  # whose forward pass asks its language model for more than that returns
            embeds = model.get_input_embeddings()(ids).masked_scatter((ids == IMAGE)[..., None], features)
            reply = model.language_model(inputs_embeds=embeds, attention_mask=torch.ones_like(ids))
        else:
            reply = model(input_ids=ids, attention_mask=torch.ones_like(ids), **given, **types)
    logits = reply.logits[0].numpy()
    case = {
        "config": config.to_dict(), "preprocessor": processing, "sizes": sizes, "prompt": prompt, "ones": ones,
        "tensors": tensors,
    }  # fmt: skip
    return case, {"features": features.numpy(), "logits": logits}


if __name__ == "__main__":
    for case_name in sys.argv[1:] or TOWERS:
        written, arrays = compute(case_name)
        (HERE / f"{case_name}.json").write_text(json.dumps(written, indent=1) + "\n")
        np.savez(HERE / f"{case_name}.npz", **arrays)
