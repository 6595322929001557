"""Reading a vision_config, with what a processor's config says beside it, or the metadata of an mmproj file."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, ClassVar, Self

from galop.errors import ModelFileError
from galop.models.config import drop_null, take_values

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
        """The keys by the names that they have here. Raises ModelFileError where two places differ, or as
        `read_rotation` and `check_heads` do."""
        raw = drop_null(raw)
        for theirs, ours in cls.spellings.items():
            if theirs in raw and raw.setdefault(ours, raw[theirs]) != raw.pop(theirs):
                raise ModelFileError(f"{file}: {theirs} and {ours} of the vision tower differ")
        return check_heads(read_rotation({**cls.defaults, **raw}, file), file)

    @classmethod
    def parse(cls, raw: dict[str, Any], file: str) -> Self:
        """From a vision_config's contents. Raises ModelFileError naming the key that is wrong or not understood."""
        raw = cls.normalise(raw, file)
        known = {key: value for key, value in raw.items() if key not in cls.ignored}
        config = cls(**take_values(cls, known, file, " of the vision tower"))
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


def read_rotation(raw: dict[str, Any], file: str) -> dict[str, Any]:
    """A vision_config with its rotation's `rope_theta` among the other keys. Raises ModelFileError for a rotation of
    another kind than by rows and columns."""
    rotation = raw.get("rope_parameters")
    if not isinstance(rotation, dict):
        return raw
    if rotation.get("rope_type", "axial") not in ("axial", "default") or rotation.keys() - {"rope_type", "rope_theta"}:
        raise ModelFileError(f"{file}: rope_parameters = {str(rotation)[:80]} of the vision tower is not supported")
    theta = {"rope_theta": rotation["rope_theta"]} if "rope_theta" in rotation else {}
    return {key: value for key, value in {**raw, **theta}.items() if key != "rope_parameters"}


def check_heads(raw: dict[str, Any], file: str) -> dict[str, Any]:
    """A vision_config without the width of its heads and the number of those of keys. Raises ModelFileError where these
    do not follow from the other sizes."""
    heads, width = raw.get("num_attention_heads"), raw.get("hidden_size")
    dim, kv_heads = (raw.get(key) for key in ("head_dim", "num_key_value_heads"))
    fits = type(dim) is int and type(heads) is int and dim * heads == width
    if not (dim is None or fits) or kv_heads not in (None, heads):
        raise ModelFileError(f"{file}: the vision tower has not {str(heads)[:20]} heads of equal width")
    return {key: value for key, value in raw.items() if key not in ("head_dim", "num_key_value_heads")}
