"""Reading `config.json`: field names are its keys, and nothing that changes the arithmetic is skipped in silence."""

from __future__ import annotations

from dataclasses import MISSING, dataclass, fields
from typing import Any, Self

from galop.errors import ModelFileError

# Keys that say nothing about the forward pass.
HARMLESS = frozenset(
    """
    architectures model_type bos_token_id eos_token_id pad_token_id unk_token_id sep_token_id
    decoder_start_token_id torch_dtype dtype transformers_version transformers.js_config _name_or_path
    use_cache initializer_range attention_dropout hidden_dropout resid_pdrop embd_pdrop output_router_logits
    router_aux_loss_coef keys_to_ignore max_window_layers vocab_size auto_map task_specific_params
    chunk_size_feed_forward return_dict output_attentions output_hidden_states is_decoder is_encoder_decoder
    add_cross_attention tie_encoder_decoder id2label label2id problem_type tokenizer_class prefix
    unsloth_fixed unsloth_version _attn_implementation _attn_implementation_internal _experts_implementation
    trust_remote_code sliding_window
    max_length finetuning_task cross_attention_hidden_size tie_word_embeddings

    """.split()
)

# Keys that may appear only with a value that asks for nothing special.
REQUIRED: dict[str, tuple[Any, ...]] = {
    "hidden_act": ("silu",),
    "mlp_bias": (False,),
    "use_sliding_window": (False,),
    "pretraining_tp": (1,),
    "rope_interleaved": (False,),
    "mlp_only_layers": ([],),
    "decoder_sparse_step": (1,),
    "partial_rotary_factor": (1, 1.0),
}


@dataclass(frozen=True)
class Config:
    """The keys every family here shares; a family's own class adds its own."""

    hidden_size: int
    num_hidden_layers: int
    num_attention_heads: int
    num_key_value_heads: int
    head_dim: int
    intermediate_size: int
    rms_norm_eps: float
    rope_theta: float
    max_position_embeddings: int
    rope_scaling: dict[str, Any] | None = None
    tie_word_embeddings: bool = False
    attention_bias: bool = False  # on queries, keys, values and output

    @classmethod
    def read(cls, raw: dict[str, Any], file: str) -> Self:
        """From the contents of a config.json. Raises ModelFileError naming the key that is wrong or not understood."""
        raw = dict(raw)
        parameters = raw.pop("rope_parameters", None)  # how transformers 5 writes rope_theta and rope_scaling
        if isinstance(parameters, dict):
            raw.setdefault("rope_theta", parameters.get("rope_theta"))
            if parameters.get("rope_type", "default") != "default":
                raw.setdefault("rope_scaling", {k: v for k, v in parameters.items() if k != "rope_theta"})
        if isinstance(raw.get("num_attention_heads"), int):
            raw.setdefault("num_key_value_heads", raw["num_attention_heads"])
            if isinstance(raw.get("hidden_size"), int) and not raw.get("head_dim") and raw["num_attention_heads"] > 0:
                raw["head_dim"] = raw["hidden_size"] // raw["num_attention_heads"]
        if "num_local_experts" in raw:  # what transformers 5 calls num_experts
            raw.setdefault("num_experts", raw.pop("num_local_experts"))
        raw.setdefault("rope_theta", 10000.0)
        if raw.pop("quantization_config", None):
            raise ModelFileError(
                f"{file}: quantization_config (AWQ, GPTQ, FP8 and the like) is not supported; "
                "take the BF16 checkpoint or a GGUF file"
            )
        layer_types = raw.pop("layer_types", None)
        if layer_types is not None and (
            not isinstance(layer_types, list) or {*map(str, layer_types)} - {"full_attention"}
        ):
            raise ModelFileError(f"{file}: layer_types other than full_attention are not supported")

        own = {f.name: f for f in fields(cls)}
        for key, value in raw.items():
            if key in own:
                continue
            if key in REQUIRED:
                if value is not None and value not in REQUIRED[key]:
                    raise ModelFileError(f"{file}: {key} = {value!r} is not supported, only {REQUIRED[key][0]!r}")
            elif key not in HARMLESS:
                raise ModelFileError(
                    f"{file}: the key {key!r} is not understood and may change the arithmetic; "
                    "if it does not, remove it from the file"
                )
        values: dict[str, Any] = {}
        for name, field in own.items():
            if raw.get(name) is not None:
                values[name] = _typed(name, raw[name], str(field.type), file)
            elif field.default is MISSING:
                raise ModelFileError(f"{file}: the key {name!r} is missing")
        config = cls(**values)
        config.validate(file)
        return config

    def validate(self, file: str) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if field.type == "int" and not 0 < value < 2**31:
                raise ModelFileError(f"{file}: {field.name} = {value} is not a sensible size")
            if field.type == "float" and not 0 < value < 1e12:
                raise ModelFileError(f"{file}: {field.name} = {value} is not a positive number")
        if self.num_attention_heads % self.num_key_value_heads:
            raise ModelFileError(
                f"{file}: num_attention_heads = {self.num_attention_heads} is not a multiple of "
                f"num_key_value_heads = {self.num_key_value_heads}"
            )
        if self.head_dim % 16 or self.head_dim > 256:
            raise ModelFileError(f"{file}: head_dim = {self.head_dim} is not a multiple of 16 up to 256")


def _typed(name: str, value: Any, annotation: str, file: str) -> Any:
    kind = annotation.split(" ")[0].split("[")[0]
    kinds: dict[str, tuple[type, ...]] = {"int": (int,), "float": (int, float), "bool": (bool,), "dict": (dict,)}
    right = isinstance(value, kinds[kind]) and (kind == "bool" or not isinstance(value, bool))
    if not right:
        raise ModelFileError(f"{file}: {name} = {value!r} should be of type {kind}")
    return float(value) if kind == "float" else value
