"""Makes the golden files: tiny models in the Hugging Face layout and transformers' float32 logits for them.

Run with the `oracle` extra installed: python tests/golden/make.py NAME. `make test-all` compares live and does not need
it. The cases of seeded.py, which is where a new one goes, have weights that follow from their names; the older ones
here keep theirs in files.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parent.parent))

from golden.recipe import byte_tokenizer, seeded_weight
from golden.seeded import BASE, SEEDED

HERE = Path(__file__).parent
TOKENS = [3, 17, 99, 4, 4, 250, 7, 31, 8, 101, 64, 200, 5, 11, 12, 13, 90, 33, 2, 6]

SMALL = {
    "vocab_size": 256, "hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 2, "num_attention_heads": 4,
    "num_key_value_heads": 2, "max_position_embeddings": 512, "initializer_range": 0.15,
}  # fmt: skip
LLAMA3_ROPE = {
    "rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
    "original_max_position_embeddings": 64,
}  # fmt: skip
YARN = {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 128}

# The real configs scaled down; each keeps what its family does differently.
STORED: dict[str, tuple[str, dict[str, Any]]] = {
    "llama": ("llama", {"rope_theta": 10000.0, "rms_norm_eps": 1e-5}),
    "llama3": ("llama", {"rope_theta": 500000.0, "rope_scaling": LLAMA3_ROPE, "rms_norm_eps": 1e-5}),
    "llama_bias": ("llama", {"attention_bias": True, "tie_word_embeddings": True}),
    "qwen2": ("qwen2", {"rope_theta": 1000000.0, "tie_word_embeddings": True, "use_sliding_window": False}),
    "qwen3": ("qwen3", {"rope_theta": 1000000.0, "head_dim": 32, "tie_word_embeddings": True}),
    "qwen3_yarn": ("qwen3", {"rope_theta": 1000000.0, "head_dim": 32, "rope_scaling": YARN}),
    "qwen3_moe": (
        "qwen3_moe",
        {
            "rope_theta": 1000000.0, "head_dim": 32, "num_experts": 8, "num_experts_per_tok": 3,
            "moe_intermediate_size": 64, "norm_topk_prob": True, "decoder_sparse_step": 1, "mlp_only_layers": [],
        },
    ),
}  # fmt: skip
CASES = [*STORED, *SEEDED]


def make(name: str, directory: Path) -> np.ndarray:
    """Writes the model `name` to `directory` and returns transformers' logits for TOKENS."""
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    stored = {"llama": torch.float32, "llama3": torch.float16}.get(name, torch.bfloat16)
    kind, settings = STORED[name]
    torch.manual_seed(sum(map(ord, name)))
    config = AutoConfig.for_model(kind, **{**SMALL, **settings})
    config._attn_implementation = "eager"
    model = AutoModelForCausalLM.from_config(config, dtype=torch.float32).eval()
    with torch.no_grad():
        for parameter_name, parameter in model.named_parameters():
            if "norm" in parameter_name or "bias" in parameter_name:
                parameter.add_(torch.randn_like(parameter) * 0.2)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(parameter.to(stored))
        logits: np.ndarray = model(torch.tensor([TOKENS])).logits[0].numpy()
    directory.mkdir(parents=True, exist_ok=True)
    model.to(stored).save_pretrained(directory)
    (directory / "tokenizer.json").write_text(json.dumps(byte_tokenizer()))
    return logits


def compute_seeded(name: str, ids: list[int]) -> tuple[dict[str, Any], np.ndarray]:
    """What NAME.json holds of a seeded case, and transformers' logits [T, vocabulary] of `ids`."""
    import torch
    import transformers
    from transformers import AutoConfig, AutoModelForCausalLM, AutoModelForImageTextToText

    case = SEEDED[name]
    settings = {**BASE, **case.settings}
    settings = {"text_config": settings, **case.around} if case.around else settings
    config = AutoConfig.for_model(case.model_type, **settings)
    config._attn_implementation = "eager"
    kind = AutoModelForImageTextToText if case.around else AutoModelForCausalLM
    make_model = getattr(transformers, case.model_class) if case.model_class else kind.from_config
    model = make_model(config).to(torch.float32).eval()
    shapes: dict[str, list[int]] = {}
    ones: list[str] = []
    seen: set[int] = set()
    with torch.no_grad():
        for key, value in model.state_dict().items():
            if value.data_ptr() in seen:  # tied to another
                continue
            seen.add(value.data_ptr())
            shapes[key] = list(value.shape)
            if value.ndim == 1 and bool((value == 1).all()):
                ones.append(key)
            value.copy_(torch.from_numpy(seeded_weight(key, tuple(value.shape), key in ones)))
        logits: np.ndarray = model(torch.tensor([ids]), use_cache=False).logits[0].numpy()
    return {"config": json.loads(config.to_json_string()), "tensors": shapes, "ones": ones}, logits


if __name__ == "__main__":
    for case in sys.argv[1:] or CASES:
        if case in SEEDED:
            description, logits = compute_seeded(case, TOKENS)
            lines = [f'  "{key}": {shape}' for key, shape in description["tensors"].items()]
            text = json.dumps({**description, "tensors": {}}, indent=1)
            (HERE / f"{case}.json").write_text(text.replace("{}", "{\n" + ",\n".join(lines) + "\n }", 1) + "\n")
        else:
            logits = make(case, HERE / case)
        np.save(HERE / f"{case}.npy", logits)
        print(case, logits.shape)
