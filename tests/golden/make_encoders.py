"""Makes encoders.json: tiny encoders whose weights follow from their names, and transformers' vectors of a text.

Needs the `oracle` extra. Vectors are what Sentence Transformers computes: hidden states pooled, through dense layers
where there are some, at length 1.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parent.parent))

from golden.recipe import seeded_weight

IDS = [3, 17, 99, 4, 4, 250, 7, 31, 8, 101, 64, 200]
SIZES = {
    "vocab_size": 256, "hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 2, "num_attention_heads": 4,
    "max_position_embeddings": 64, "pad_token_id": 1,
}  # fmt: skip
CASES: dict[str, tuple[str, dict[str, Any]]] = {
    "bert": ("bert", {"type_vocab_size": 2}),
    "xlm-roberta": ("xlm-roberta", {"type_vocab_size": 1}),
    "nomic_bert": ("nomic_bert", {"type_vocab_size": 2}),
    "gemma3_text": (
        "gemma3_text",
        {
            "num_hidden_layers": 6,
            "num_key_value_heads": 1,
            "head_dim": 32,
            "query_pre_attn_scalar": 32,
            "sliding_window": 8,
            "use_bidirectional_attention": True,
        },
    ),
}


DENSE = {"2_Dense": (96, 64), "3_Dense": (64, 96)}  # behind Gemma's pooling


def dense(folder: str) -> np.ndarray:
    """The weight of a dense layer."""
    return seeded_weight(f"{folder}.linear.weight", DENSE[folder], ones=False)


def compute(kind: str, settings: dict[str, Any]) -> dict[str, Any]:
    """A case: config, tensors, and the vector of IDS by each pooling."""
    import torch
    from transformers import AutoConfig, AutoModel

    config = AutoConfig.for_model(kind, **{**SIZES, **settings})
    config._attn_implementation = "eager"
    model = AutoModel.from_config(config, dtype=torch.float32).eval()
    shapes: dict[str, list[int]] = {}
    ones: list[str] = []
    with torch.no_grad():
        for key, value in model.state_dict().items():
            if not value.is_floating_point():
                continue
            shapes[key] = list(value.shape)
            if value.ndim == 1 and bool((value == 1).all()):
                ones.append(key)
            value.copy_(torch.from_numpy(seeded_weight(key, tuple(value.shape), key in ones)))
        hidden: np.ndarray = model(torch.tensor([IDS])).last_hidden_state[0].numpy()
    pooled = {"mean": hidden.mean(0), "cls": hidden[0], "last": hidden[-1]}
    if kind == "gemma3_text":
        pooled = {name: dense("3_Dense") @ (dense("2_Dense") @ v) for name, v in pooled.items()}
    vectors = {name: (v / np.linalg.norm(v)).tolist() for name, v in pooled.items()}
    return {"config": json.loads(config.to_json_string()), "tensors": shapes, "ones": ones, "vectors": vectors}


if __name__ == "__main__":
    made = {name: compute(*case) for name, case in CASES.items()}
    path = Path(__file__).parent / "encoders.json"
    path.write_text(json.dumps(made, separators=(",", ":")).replace('"tensors"', '\n"tensors"') + "\n")
