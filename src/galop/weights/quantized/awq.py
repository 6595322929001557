"""AWQ checkpoints (Lin et al., 2023) in the packing of its "gemm" kernels, which AutoAWQ writes.

Words run along the outputs: `qweight` [in, out / 8], `qzeros` [groups, out / 8], `scales` [groups, out].
"""

from __future__ import annotations

import numpy as np

from galop.errors import ModelFileError
from galop.ops.plan import Array
from galop.weights.quantized.integers import IntegerMatrix, group_columns, lay_out
from galop.weights.quantized.modules import Settings, check_keys, find_modules, take
from galop.weights.stored_tensor import StoredTensor, Tensors

HARMLESS = frozenset(
    "group_size zero_point do_fuse modules_to_fuse fuse_max_seq_len exllama_config desc_act sym lm_head".split()
)
VALUES = {
    "bits": (4,), "w_bit": (4,), "version": ("gemm", "GEMM"), "format": ("gemm",), "backend": ("autoawq", "auto"),
}  # fmt: skip
ORDER = (0, 4, 1, 5, 2, 6, 3, 7)  # the nibble of a word that each of its eight columns is in


def decode_awq(tensors: Tensors, settings: Settings) -> Tensors:
    """The tensors, each module with its weight [out, in]. Raises ModelFileError."""
    check_keys(settings, HARMLESS, VALUES)
    decoded = dict(tensors)
    for module in find_modules(tensors, ".qweight"):
        decoded[f"{module}.weight"] = _decode(decoded, module)
    return decoded


def _decode(tensors: Tensors, module: str) -> StoredTensor:
    words = take(tensors, f"{module}.qweight", "I32")
    zeros = take(tensors, f"{module}.qzeros", "I32")
    scales = take(tensors, f"{module}.scales", "F16", "BF16", "F32")
    groups, rows = (*scales.shape, 0)[:2]
    cols = words.shape[0]
    if words.shape != (cols, rows // 8) or zeros.shape != (groups, rows // 8) or rows % 8 or cols % groups:
        raise ModelFileError(
            f"{module}: qweight {words.shape}, qzeros {zeros.shape} and scales {scales.shape} do not go together"
        )

    def unpack_columns(tensor: StoredTensor, first: int, count: int) -> Array:
        """Columns [first, first + count), as rows."""
        low, high = first // 8, -(-(first + count) // 8)
        packed = np.ascontiguousarray(tensor.numbers()[:, low:high].T).view("<u4")
        found = np.empty((high - low, 8, tensor.shape[0]), np.uint8)
        for column, nibble in enumerate(ORDER):
            found[:, column] = (packed >> np.uint32(4 * nibble)) & np.uint32(15)
        return found.reshape(-1, tensor.shape[0])[first - 8 * low :][:count]

    return lay_out(
        IntegerMatrix(
            f"{module}.weight", "AWQ", (rows, cols), words.nbytes + zeros.nbytes + scales.nbytes, 0, 15,
            groups=group_columns(cols, groups),
            codes=lambda first, count: unpack_columns(words, first, count),
            scales=lambda first, count: scales.array()[:, first : first + count].T,
            zeros=lambda first, count: unpack_columns(zeros, first, count),
            step=max(1, rows // 32),
        )
    )  # fmt: skip
