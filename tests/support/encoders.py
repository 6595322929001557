"""Tiny encoders of golden/encoders.json as Sentence Transformers saves them."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from golden.make_encoders import DENSE, dense
from golden.recipe import byte_tokenizer, seeded_weight
from safetensors.numpy import save_file

from galop.backends.protocol import GenerationRequest
from galop.ops.plan import Array

GOLDEN: dict[str, Any] = json.loads((Path(__file__).parent.parent / "golden" / "encoders.json").read_text())
POOLING_KEYS = {"mean": "pooling_mode_mean_tokens", "cls": "pooling_mode_cls_token", "last": "pooling_mode_lasttoken"}


@cache
def weights(case: str) -> dict[str, Array]:
    golden = GOLDEN[case]
    return {n: seeded_weight(n, tuple(shape), n in golden["ones"]) for n, shape in golden["tensors"].items()}


def directory(to: Path, case: str, pooling: str = "mean", prefix: str = "") -> Path:
    """As Sentence Transformers saves it."""
    to.mkdir()
    (to / "1_Pooling").mkdir()
    save_file({f"{prefix}{n}": w for n, w in weights(case).items()}, to / "model.safetensors")
    (to / "config.json").write_text(json.dumps(GOLDEN[case]["config"]))
    (to / "tokenizer.json").write_text(json.dumps(byte_tokenizer()))
    layers = list(DENSE) if case == "gemma3_text" else []
    for folder in layers:
        (to / folder).mkdir()
        save_file({"linear.weight": dense(folder)}, to / folder / "model.safetensors")
        activation = "torch.nn.modules.linear.Identity"
        (to / folder / "config.json").write_text(json.dumps({"bias": False, "activation_function": activation}))
    kinds = [
        ("Transformer", ""),
        ("Pooling", "1_Pooling"),
        *(("Dense", f) for f in layers),
        ("Normalize", "4_Normalize"),
    ]
    modules = [
        {"idx": i, "name": str(i), "path": path, "type": f"sentence_transformers.models.{kind}"}
        for i, (kind, path) in enumerate(kinds)
    ]
    (to / "modules.json").write_text(json.dumps(modules))
    mode = {key: key == POOLING_KEYS[pooling] for key in POOLING_KEYS.values()}
    (to / "1_Pooling" / "config.json").write_text(json.dumps({"word_embedding_dimension": 64, **mode}))
    return to


def embed(model: Any, text: list[int]) -> Array:
    """The vector that a loaded encoder makes of a text's ids."""
    taken: list[Array] = []
    list(model.stream(GenerationRequest(text, max_tokens=0, on_prompt_end=lambda v, _: taken.append(v.copy()))))
    return taken[0]
