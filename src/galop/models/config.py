"""Reading `config.json`: field names are its keys, and nothing that changes the arithmetic is skipped in silence."""

from __future__ import annotations

from dataclasses import MISSING, dataclass, fields
from typing import Any, ClassVar, Self

from galop.errors import ModelFileError
from galop.models.config_keys import SUPPORTED_VALUES, is_harmless

MAX_LAYERS = 1024

# The keys that describe each type of rope_scaling.
ROPE_TYPES: dict[str, set[str]] = {
    "default": set(),
    "linear": {"factor"},
    "llama3": {"factor", "low_freq_factor", "high_freq_factor", "original_max_position_embeddings"},
    "yarn": {
        "factor", "original_max_position_embeddings", "beta_fast", "beta_slow", "attention_factor", "attn_factor",
        "mscale", "mscale_all_dim", "truncate",
    },
    "divisors": {"divisors"},
}  # fmt: skip


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

    # Keys that the family's configs have besides, with the values that its forward pass has built in.
    supported_values: ClassVar[dict[str, tuple[Any, ...]]] = {}

    @classmethod
    def normalise(cls, raw: dict[str, Any], file: str) -> dict[str, Any]:
        """The keys of a config.json in one spelling, whichever program wrote it. Raises ModelFileError."""
        raw = limit_to_chunk(normalise_rope(flatten(raw, file), file), file)
        if isinstance(raw.get("num_attention_heads"), int):
            raw.setdefault("num_key_value_heads", raw["num_attention_heads"])
            if isinstance(raw.get("hidden_size"), int) and not raw.get("head_dim") and raw["num_attention_heads"] > 0:
                raw["head_dim"] = raw["hidden_size"] // raw["num_attention_heads"]
        if raw.pop("quantization_config", None):
            raise ModelFileError(
                f"{file}: quantization_config (AWQ, GPTQ, FP8 and the like) is not supported; "
                "take the BF16 checkpoint or a GGUF file"
            )
        require_full_attention(raw, file)
        return raw

    @classmethod
    def parse(cls, raw: dict[str, Any], file: str) -> Self:
        """From the contents of a config.json. Raises ModelFileError naming the key that is wrong or not understood."""
        raw = cls.normalise(raw, file)
        own = {field.name: field for field in fields(cls)}
        for key, value in raw.items():
            if supported := cls.supported_values.get(key):
                if value not in supported:
                    raise ModelFileError(f"{file}: {key} = {value!r} is not supported, only {supported[0]!r}")
            elif key not in own and not is_harmless(key, value, raw):
                only = SUPPORTED_VALUES.get(key)
                why = f", only {only[0]!r}" if only else " and may change the arithmetic"
                raise ModelFileError(f"{file}: {key} = {str(value)[:60]} is not supported{why}")
        values: dict[str, Any] = {}
        for name, field in own.items():
            if name in raw and name not in cls.supported_values:
                values[name] = _check_type(name, raw[name], str(field.type), file)
            elif field.default is MISSING:
                raise ModelFileError(f"{file}: the key {name!r} is missing")
        config = cls(**values)
        config.validate(file)
        return config

    def validate(self, file: str) -> None:
        """Raises ModelFileError if a size is none, or sizes do not go together."""
        for field in fields(self):
            value = getattr(self, field.name)
            if field.type == "int" and not 0 < value < 2**31:
                raise ModelFileError(f"{file}: {field.name} = {value} is not a sensible size")
            if field.type == "float" and not 0 < value < 1e12:
                raise ModelFileError(f"{file}: {field.name} = {value} is not a positive number")
        if self.num_hidden_layers > MAX_LAYERS:
            raise ModelFileError(f"{file}: num_hidden_layers = {self.num_hidden_layers} is more than {MAX_LAYERS}")
        if self.num_attention_heads % self.num_key_value_heads:
            raise ModelFileError(
                f"{file}: num_attention_heads = {self.num_attention_heads} is not a multiple of "
                f"num_key_value_heads = {self.num_key_value_heads}"
            )
        if self.head_dim % 16 or self.head_dim > 256:
            raise ModelFileError(f"{file}: head_dim = {self.head_dim} is not a multiple of 16 up to 256")


def drop_null(raw: dict[str, Any]) -> dict[str, Any]:
    """Without the keys that are null, which say nothing."""
    return {key: value for key, value in raw.items() if value is not None}


def flatten(raw: dict[str, Any], file: str) -> dict[str, Any]:
    """The keys that are not null, with those of a nested text_config. Raises ModelFileError where two disagree."""
    whole = drop_null(raw)
    text = whole.pop("text_config", None)
    if text is None:
        return whole
    if not isinstance(text, dict):
        raise ModelFileError(f"{file}: text_config is not an object")
    for key, value in flatten(text, file).items():
        if key not in ("architectures", "transformers_version") and whole.setdefault(key, value) != value:
            raise ModelFileError(f"{file}: {key} is {str(whole[key])[:60]}, and {str(value)[:60]} in text_config")
    return whole


def normalise_rope(raw: dict[str, Any], file: str) -> dict[str, Any]:
    """The keys of rotary embeddings, as any version of transformers writes them, as rope_theta and rope_scaling.

    Raises ModelFileError for a kind that is not known, and for a key that is none of its kind.
    """
    raw = dict(raw)
    scaling: dict[str, Any] = {}
    for name in ("rope_scaling", "rope_parameters"):
        keys = raw.pop(name, None) or {}
        if not isinstance(keys, dict):
            raise ModelFileError(f"{file}: {name} = {str(keys)[:60]!r} is not an object")
        if keys and all(isinstance(value, dict | None) for value in keys.values()):  # one for each type of layer
            keys = keys.get("full_attention")
            if keys is None:
                raise ModelFileError(f"{file}: {name} has no rotation for full_attention")
        for key, value in keys.items():
            if value is not None and scaling.setdefault(key, value) is not value and scaling[key] != value:
                raise ModelFileError(f"{file}: rope_scaling and rope_parameters differ in {key}")
    raw["rope_theta"] = scaling.pop("rope_theta", raw.get("rope_theta", 10000.0))
    partial = scaling.pop("partial_rotary_factor", raw.pop("partial_rotary_factor", 1))
    if partial != 1 or partial is True:
        raise ModelFileError(f"{file}: partial_rotary_factor = {str(partial)[:60]} is not supported, only 1")
    original = raw.pop("original_max_position_embeddings", None)
    kind, older = scaling.pop("rope_type", None), scaling.pop("type", None)
    if kind and older and kind != older:
        raise ModelFileError(f"{file}: rope_scaling is of two types, {str(kind)[:60]!r} and {str(older)[:60]!r}")
    kind = kind or older or "default"
    if not isinstance(kind, str) or kind not in ROPE_TYPES:
        raise ModelFileError(f"{file}: rope_scaling of type {str(kind)[:60]!r} is not supported")
    if original is not None and "original_max_position_embeddings" in ROPE_TYPES[kind]:
        scaling["original_max_position_embeddings"] = original
    for key, value in scaling.items():
        if key not in ROPE_TYPES[kind] | {"original_max_position_embeddings"} and not is_harmless(key, value, raw):
            raise ModelFileError(
                f"{file}: {key} = {str(value)[:60]} of rope_scaling is not understood with the type {kind!r}"
            )
    if kind != "default":
        raw["rope_scaling"] = {"rope_type": kind, **{k: v for k, v in scaling.items() if k in ROPE_TYPES[kind]}}
    return raw


def limit_to_chunk(raw: dict[str, Any], file: str) -> dict[str, Any]:
    """Dual chunk attention (An et al., 2024; Qwen2.5-1M) as a limit of the context: within the first chunk every
    position is its own and attention is the usual one. What its sparse form approximates is computed in full.

    Raises ModelFileError if the sizes are none.
    """
    chunks = raw.pop("dual_chunk_attention_config", None)
    if not chunks:
        return raw
    sizes = chunks if isinstance(chunks, dict) else {}
    size, local = sizes.get("chunk_size"), sizes.get("local_size")
    if not isinstance(size, int) or not isinstance(local, int) or not 0 <= local < size:
        raise ModelFileError(f"{file}: dual_chunk_attention_config = {str(chunks)[:60]} is not understood")
    limits = [raw.get("max_position_embeddings"), sizes.get("original_max_position_embeddings"), size - local]
    raw["max_position_embeddings"] = min(n for n in limits if type(n) is int)
    return raw


def require_full_attention(raw: dict[str, Any], file: str) -> None:
    """Raises ModelFileError if some layer would not attend to the whole context."""
    layers = raw.get("num_hidden_layers")
    types = raw.pop("layer_types", None)
    if types is not None and (not isinstance(types, list) or {*map(str, types)} - {"full_attention"}):
        raise ModelFileError(f"{file}: layer_types other than full_attention are not supported")
    if types is not None and len(types) != layers:
        raise ModelFileError(f"{file}: layer_types has {len(types)} entries for num_hidden_layers = {layers}")
    use, window = raw.pop("use_sliding_window", False), raw.get("sliding_window")
    longest = raw.get("max_position_embeddings")
    wide = isinstance(window, int) and isinstance(longest, int) and window >= longest
    first = raw.get("max_window_layers")  # that slides, in Qwen's
    none = isinstance(first, int) and isinstance(layers, int) and first >= layers
    if use is not False and not (use is True and (wide or none)):
        raise ModelFileError(f"{file}: use_sliding_window = {str(use)[:60]} is not supported, only False")


def _check_type(name: str, value: Any, annotation: str, file: str) -> Any:
    """The value of a field, a float where that is the field's type. Raises ModelFileError if it is of another type."""
    kind = annotation.split(" ")[0].split("[")[0]
    kinds: dict[str, tuple[type, ...]] = {"int": (int,), "float": (int, float), "bool": (bool,), "dict": (dict,)}
    right = isinstance(value, kinds[kind]) and (kind == "bool" or not isinstance(value, bool))
    if not right:
        raise ModelFileError(f"{file}: {name} = {str(value)[:60]!r} should be of type {kind}")
    return float(value) if kind == "float" else value
