"""MLX checkpoints: `weight` in words along the inputs, `scales` and `biases` [.., out, groups]: scale * code + bias."""

from __future__ import annotations

from dataclasses import replace

from galop.errors import ModelFileError
from galop.ops.plan import Array
from galop.weights.quantized.fp4 import mxfp4
from galop.weights.quantized.integers import IntegerMatrix, group_columns, lay_out
from galop.weights.quantized.modules import Settings, check_keys, find_modules, take, unpack
from galop.weights.stored_tensor import StoredTensor, Tensors

MODES = {"mode": ("affine", "mxfp4")}


def decode_mlx(tensors: Tensors, settings: Settings) -> Tensors:
    """The tensors, each module with its weight [.., out, in]; settings under a module's name are its own.

    Raises ModelFileError.
    """
    modules = find_modules(tensors, ".scales")
    named = {key for key, value in settings.items() if key in modules or (value is False and "." in key)}
    check_keys(settings, {"group_size", "bits", *named}, MODES)
    decoded = dict(tensors)
    for module in modules:
        own = settings.get(module)
        mine = {**settings, **own} if isinstance(own, dict) else settings
        check_keys(own if isinstance(own, dict) else {}, {"group_size", "bits"}, MODES)
        bits, size = mine.get("bits"), mine.get("group_size")
        if type(bits) is not int or type(size) is not int or bits not in (2, 3, 4, 5, 6, 8) or not 8 <= size <= 4096:
            raise ModelFileError(f"{module}: groups of {str(size)[:20]} with {str(bits)[:20]} bits are not supported")
        if mine.get("mode", "affine") == "affine":
            decoded[f"{module}.weight"] = _decode_affine(decoded, module, bits, size)
        else:
            words, scales = take(decoded, f"{module}.weight", "U32"), take(decoded, f"{module}.scales", "U8")
            as_bytes = replace(words, quant_type="U8", shape=(*words.shape[:-1], words.shape[-1] * 4))
            decoded[f"{module}.weight"] = mxfp4(f"{module}.weight", as_bytes, scales)
    return decoded


def _decode_affine(tensors: Tensors, module: str, bits: int, size: int) -> StoredTensor:
    words = take(tensors, f"{module}.weight", "U32")
    scales = take(tensors, f"{module}.scales", "F16", "BF16", "F32")
    biases = take(tensors, f"{module}.biases", "F16", "BF16", "F32")
    *lead, groups = scales.shape
    cols = groups * size
    if (
        not lead
        or words.shape[:-1] != scales.shape[:-1]
        or scales.shape != biases.shape
        or words.shape[-1] * 32 != cols * bits
    ):
        raise ModelFileError(
            f"{module}: weight {words.shape}, scales {scales.shape} and biases {biases.shape} do not go together"
        )

    def codes(first: int, count: int) -> Array:
        return unpack(words.read(first, count).view("<u4"), bits, cols)

    matrix = IntegerMatrix(
        f"{module}.weight", "MLX", (words.rows, cols), words.nbytes + scales.nbytes + biases.nbytes, 0, (1 << bits) - 1,
        group_columns(cols, groups), codes, scales.values, minima=biases.values,
    )  # fmt: skip
    return lay_out(matrix).reshape(*lead, cols)
