"""Reading `config.json`: field names are its keys, and nothing that changes the arithmetic is skipped in silence."""

from __future__ import annotations

from dataclasses import MISSING, dataclass, field, fields, replace
from typing import Any, ClassVar, Self

from galop.errors import ModelFileError
from galop.models.config_keys import SUPPORTED_VALUES, is_harmless, names_a_token, split_words
from galop.models.config_layers import FULL, SLIDING, normalise_layer_types
from galop.models.config_rope import normalise_rope

MAX_LAYERS = 1024
MAX_HEAD_DIM = 512
# Words of keys about images, sound and what projects them into the text.
TOWERS = frozenset("vision visual audio speech image video projector multimodal mm".split())


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
    max_position_embeddings: int
    rope_parameters: dict[str, Any]  # by type of layer: see config_rope.py
    layer_types: list[str] = field(default_factory=list)  # none: all are full_attention
    sliding_window: int = 0
    tie_word_embeddings: bool = False
    attention_bias: bool = False  # on queries, keys and values, with most families on the output too

    # Keys that the family's configs have besides, with the values that its forward pass has built in.
    supported_values: ClassVar[dict[str, tuple[Any, ...]]] = {}
    # Other names that its configs give to keys, and what holds where they say nothing of one.
    spellings: ClassVar[dict[str, str]] = {}
    defaults: ClassVar[dict[str, Any]] = {}
    # The types of layers that it has, the keys of a rotation that it reads besides those of rotary.py, and whether
    # layers with a window have a rotation of their own.
    supported_layers: ClassVar[tuple[str, ...]] = (FULL,)
    rope_keys: ClassVar[tuple[str, ...]] = ()
    rope_by_layer_type: ClassVar[bool] = False
    # Whether its checkpoints may hold more than a language model, all of which is left out.
    multimodal: ClassVar[bool] = False

    @classmethod
    def respell(cls, raw: dict[str, Any], file: str) -> dict[str, Any]:
        """The keys that are not null, a nested text_config's among them, by the names that they have here, and what
        holds where there is none. Raises ModelFileError where two places differ."""
        raw = flatten(raw, file)
        for theirs, ours in cls.spellings.items():
            if theirs in raw and raw.setdefault(ours, raw[theirs]) != raw.pop(theirs):
                raise ModelFileError(f"{file}: {theirs} and {ours} differ")
        if cls.multimodal:
            raw = {key: value for key, value in raw.items() if not split_words(key) & TOWERS}
        return {**cls.defaults, **raw}

    @classmethod
    def normalise(cls, raw: dict[str, Any], file: str) -> dict[str, Any]:
        """The keys of a config.json in one form, whichever program wrote it. Raises ModelFileError."""
        raw = limit_to_chunk(cls.respell(raw, file), file)
        if isinstance(raw.get("num_attention_heads"), int):
            raw.setdefault("num_key_value_heads", raw["num_attention_heads"])
            if isinstance(raw.get("hidden_size"), int) and not raw.get("head_dim") and raw["num_attention_heads"] > 0:
                raw["head_dim"] = raw["hidden_size"] // raw["num_attention_heads"]
        raw = normalise_rope(raw, file, cls.rope_keys, cls.rope_by_layer_type)
        if raw.pop("quantization_config", None):
            raise ModelFileError(
                f"{file}: quantization_config (AWQ, GPTQ, FP8 and the like) is not supported; "
                "take the BF16 checkpoint or a GGUF file"
            )
        return normalise_layer_types(raw, file, cls.supported_layers)

    @classmethod
    def parse(cls, raw: dict[str, Any], file: str) -> Self:
        """From the contents of a config.json. Raises ModelFileError naming the key that is wrong or not understood."""
        raw = cls.normalise(raw, file)
        config = cls(**take_values(cls, raw, file))
        config.validate(file)
        return config

    def validate(self, file: str) -> None:
        """Raises ModelFileError if a size is none, or sizes do not go together. What is 0 by default may be 0."""
        for one in fields(self):
            value: Any = getattr(self, one.name)
            least = 0 if one.default == 0 or one.type == "list[int]" else 1
            numbers: list[int] = value if one.type == "list[int]" else [value] if one.type == "int" else []
            if not all(least <= number < 2**31 for number in numbers):
                raise ModelFileError(f"{file}: {one.name} = {str(value)[:60]} is not a sensible size")
            if one.type == "float" and not (0 < value < 1e12 or value == one.default == 0):
                raise ModelFileError(f"{file}: {one.name} = {value} is not a positive number")
        if self.num_hidden_layers > MAX_LAYERS:
            raise ModelFileError(f"{file}: num_hidden_layers = {self.num_hidden_layers} is more than {MAX_LAYERS}")
        if self.num_attention_heads % self.num_key_value_heads:
            raise ModelFileError(
                f"{file}: num_attention_heads = {self.num_attention_heads} is not a multiple of "
                f"num_key_value_heads = {self.num_key_value_heads}"
            )
        if self.head_dim % 16 or self.head_dim > MAX_HEAD_DIM:
            raise ModelFileError(f"{file}: head_dim = {self.head_dim} is not a multiple of 16 up to {MAX_HEAD_DIM}")

    def layer_type(self, i: int) -> str:
        """What layer `i` is."""
        return self.layer_types[i] if self.layer_types else FULL

    def window(self, i: int) -> int:
        """How many tokens layer `i` attends to, itself the last of them; 0 for all."""
        slides = self.layer_type(i) == SLIDING and self.sliding_window < self.max_position_embeddings
        return self.sliding_window if slides else 0

    def limit_context(self, tokens: int | None) -> Self:
        """The config of the same model for conversations of no more tokens."""
        return replace(self, max_position_embeddings=min(tokens or 1 << 31, self.max_position_embeddings))


def take_values(cls: Any, raw: dict[str, Any], file: str, of: str = "") -> dict[str, Any]:
    """What the keys of `raw` give the fields of the dataclass `cls`; `of` says in errors whose keys they are. Raises
    ModelFileError naming the key that is wrong, missing or not understood."""
    own = {field.name: field for field in fields(cls)}
    for key, value in raw.items():
        if supported := cls.supported_values.get(key):
            if value not in supported:
                raise ModelFileError(f"{file}: {key} = {repr(value)[:60]}{of} is not supported, only {supported[0]!r}")
        elif key not in own and not is_harmless(key, value, raw):
            only = SUPPORTED_VALUES.get(key)
            why = f", only {only[0]!r}" if only else " and may change the arithmetic"
            raise ModelFileError(f"{file}: {key} = {str(value)[:60]}{of} is not supported{why}")
    values: dict[str, Any] = {}
    for name, one in own.items():
        if name in raw and name not in cls.supported_values:
            values[name] = check_type(name, raw[name], str(one.type), file)
        elif one.default is MISSING and one.default_factory is MISSING:
            raise ModelFileError(f"{file}: the key {name!r}{of} is missing")
    return values


def drop_null(raw: dict[str, Any]) -> dict[str, Any]:
    """Without the keys that are null, which say nothing."""
    return {key: value for key, value in raw.items() if value is not None}


# What a model of texts and images says of itself and of its text_config in different words.
SAID_TWICE = {"architectures", "dtype", "initializer_range", "torch_dtype", "transformers_version", "use_cache"}


def flatten(raw: dict[str, Any], file: str) -> dict[str, Any]:
    """The keys that are not null, with those of a nested text_config, whose model_type and tie_word_embeddings are
    those that count.

    Raises ModelFileError where two disagree.
    """
    whole = drop_null(raw)
    text = whole.pop("text_config", None)
    if text is None:
        return whole
    if not isinstance(text, dict):
        raise ModelFileError(f"{file}: text_config is not an object")
    text = flatten(text, file)
    whole["model_type"] = text.pop("model_type", whole.get("model_type"))
    if "tie_word_embeddings" in text:
        whole["tie_word_embeddings"] = text["tie_word_embeddings"]
    for key, value in text.items():
        if whole.setdefault(key, value) != value and key not in SAID_TWICE and not names_a_token(key):
            raise ModelFileError(f"{file}: {key} is {str(whole[key])[:60]}, and {str(value)[:60]} in text_config")
    return drop_null(whole)


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


KINDS: dict[str, tuple[type, ...]] = {
    "int": (int,), "float": (int, float), "bool": (bool,), "str": (str,), "dict": (dict,), "list": (list,),
}  # fmt: skip


def check_type(name: str, value: Any, annotation: str, file: str) -> Any:
    """The value of a field, a float where that is the field's type. Raises ModelFileError if it is of another type."""
    kind, _, inner = annotation.split(" ")[0].removesuffix("]").partition("[")
    right = isinstance(value, KINDS[kind]) and (kind == "bool" or not isinstance(value, bool))
    right = right and not (kind == "float" and abs(value) > 1e300)
    if not right:
        raise ModelFileError(f"{file}: {name} = {str(value)[:60]!r} should be of type {kind}")
    if kind == "list":
        return [check_type(name, one, inner, file) for one in value]
    return float(value) if kind == "float" else value
