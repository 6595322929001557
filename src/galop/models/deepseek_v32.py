"""DeepSeek-V3.2: V3 with an index that picks the 2,048 tokens to attend to. Of a shorter context it picks all, so it is
left out; longer ones are not supported (DeepSeek-AI, 2025)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

from galop.errors import ModelFileError
from galop.models.deepseek_v3 import DeepSeekV3, DeepSeekV3Config
from galop.weights.stored_tensor import Tensors


@dataclass(frozen=True)
class DeepSeekV32Config(DeepSeekV3Config):
    """V3's, and the index."""

    index_topk: int = 2048
    index_head_dim: int = 128
    index_n_heads: int = 64

    @classmethod
    def respell(cls, raw: dict[str, Any], file: str) -> dict[str, Any]:
        """With the context limited to what the index picks. Raises ModelFileError as that of Config."""
        raw = super().respell(raw, file)
        limits = [raw.get("max_position_embeddings"), raw.get("index_topk", cls.index_topk)]
        raw["max_position_embeddings"] = min(n for n in limits if type(n) is int)
        if {*map(str, raw.get("layer_types") or [])} == {"indexed_attention"}:
            del raw["layer_types"]
        return raw

    def limit_context(self, tokens: int | None) -> Self:
        """The same. Raises ModelFileError for more tokens than the index picks."""
        if tokens and tokens > self.index_topk:
            raise ModelFileError(
                f"a context of {tokens} tokens is not supported: beyond {self.index_topk} this model attends to those "
                f"that its index picks, which is not computed here; ask for --context {self.index_topk} or less"
            )
        return super().limit_context(tokens)


class DeepSeekV32(DeepSeekV3):
    """V3's layers, for contexts of which the index picks all."""

    model_type = "deepseek_v32"
    config_class = DeepSeekV32Config

    @classmethod
    def sanitize(cls, tensors: Tensors, config: dict[str, Any]) -> Tensors:
        """Without the index."""
        kept = {name: tensor for name, tensor in tensors.items() if ".self_attn.indexer." not in name}
        return super().sanitize(kept, config)
