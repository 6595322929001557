"""Reading a vision_config, with what a processor's config says beside it, or the metadata of an mmproj file."""

from __future__ import annotations

from dataclasses import MISSING, dataclass, fields
from typing import Any, ClassVar, Self

from galop.errors import ModelFileError
from galop.models.config import check_type, drop_null
from galop.models.config_keys import is_harmless

MAX_LAYERS = 256
MAX_SIZE = 1 << 16  # of any number of a tower but those of pixels
GELU = ("gelu_pytorch_tanh", "gelu_tanh", "gelu_new")


@dataclass(frozen=True)
class VisionConfig:
    """The keys that every tower here has; a family's own class adds its own."""

    hidden_size: int
    intermediate_size: int
    num_hidden_layers: int
    num_attention_heads: int
    patch_size: int
    image_mean: list[float]
    image_std: list[float]
    layer_norm_eps: float = 1e-6

    # As in `models.config.Config`.
    supported_values: ClassVar[dict[str, tuple[Any, ...]]] = {}
    spellings: ClassVar[dict[str, str]] = {}
    defaults: ClassVar[dict[str, Any]] = {}
    ignored: ClassVar[frozenset[str]] = frozenset({"model_type", "num_channels", "in_channels"})

    @classmethod
    def normalise(cls, raw: dict[str, Any], file: str) -> dict[str, Any]:
        """The keys by the names that they have here. Raises ModelFileError where two places differ."""
        raw = drop_null(raw)
        for theirs, ours in cls.spellings.items():
            if theirs in raw and raw.setdefault(ours, raw[theirs]) != raw.pop(theirs):
                raise ModelFileError(f"{file}: {theirs} and {ours} of the vision tower differ")
        return {**cls.defaults, **raw}

    @classmethod
    def parse(cls, raw: dict[str, Any], file: str) -> Self:
        """From a vision_config's contents. Raises ModelFileError naming the key that is wrong or not understood."""
        raw = cls.normalise(raw, file)
        own = {field.name: field for field in fields(cls)}
        for key, value in raw.items():
            if supported := cls.supported_values.get(key):
                if value not in supported:
                    raise ModelFileError(
                        f"{file}: {key} = {repr(value)[:60]} of the vision tower is not supported, "
                        f"only {supported[0]!r}"
                    )
            elif key not in own and key not in cls.ignored and not is_harmless(key, value, raw):
                raise ModelFileError(f"{file}: {key} = {str(value)[:60]} of the vision tower may change the arithmetic")
        values = {}
        for name, one in own.items():
            if name in raw:
                values[name] = check_type(name, raw[name], str(one.type), file)
            elif one.default is MISSING and one.default_factory is MISSING:
                raise ModelFileError(f"{file}: {name} of the vision tower is missing")
        config = cls(**values)
        config.check(file)
        return config

    def check(self, file: str) -> None:
        """Raises ModelFileError for sizes that no tower has."""
        for one in fields(self):
            value = getattr(self, one.name)
            most = MAX_SIZE**2 if one.name.endswith("_pixels") else MAX_SIZE
            if one.type == "int" and not 0 <= value <= most:
                raise ModelFileError(f"{file}: {one.name} = {value} of the vision tower is not a sensible size")
        sizes = (self.hidden_size, self.intermediate_size, self.num_attention_heads, self.patch_size)
        if not all(sizes) or self.hidden_size % self.num_attention_heads or self.num_hidden_layers > MAX_LAYERS:
            raise ModelFileError(f"{file}: the sizes of the vision tower do not fit each other")
        if len(self.image_mean) != 3 or len(self.image_std) != 3 or not all(std > 0 for std in self.image_std):
            raise ModelFileError(f"{file}: image_mean and image_std are not those of three colours")

    @property
    def head_dim(self) -> int:
        """The width of a head."""
        return self.hidden_size // self.num_attention_heads
