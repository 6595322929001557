"""EXAONE 3, 3.5 and Deep: Llama by other names (LG AI Research, 2024)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, ClassVar

from galop.models.config import Config
from galop.models.gguf_mapping import NAMES, GGUFMapping
from galop.models.gguf_rope import restore_divisors
from galop.models.llama import Llama
from galop.weights.stored_tensor import Tensors

RENAMED = {
    r"^transformer\.wte\.": "model.embed_tokens.", r"^transformer\.ln_f\.": "model.norm.",
    r"^transformer\.h\.": "model.layers.", r"\.attn\.attention\.": ".self_attn.", r"\.out_proj\.": ".o_proj.",
    r"\.ln_1\.": ".input_layernorm.", r"\.ln_2\.": ".post_attention_layernorm.", r"\.c_fc_0\.": ".gate_proj.",
    r"\.c_fc_1\.": ".up_proj.", r"\.c_proj\.": ".down_proj.",
}  # fmt: skip


@dataclass(frozen=True)
class ExaoneConfig(Config):
    """Llama's, by other names."""

    spellings: ClassVar = {"num_layers": "num_hidden_layers", "layer_norm_epsilon": "rms_norm_eps"}
    defaults: ClassVar = {"rope_theta": 500000.0}


class Exaone(Llama):
    """Llama whose GGUF files keep the rows of queries and keys as they are."""

    model_type = "exaone"
    config_class = ExaoneConfig
    gguf = GGUFMapping("exaone", names={**NAMES, "rope_freqs": "rope_freqs"}, restore=restore_divisors)

    @classmethod
    def sanitize(cls, tensors: Tensors, config: dict[str, Any]) -> Tensors:
        """By Llama's names."""
        renamed: Tensors = {}
        for name, tensor in tensors.items():
            for pattern, new in RENAMED.items():
                name = re.sub(pattern, new, name)
            renamed[name] = tensor
        return renamed
