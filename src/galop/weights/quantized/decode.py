"""Which scheme a quantization_config names, and the weights that its tensors stand for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from galop.errors import ModelFileError
from galop.weights.quantized.auto_round import decode_auto_round
from galop.weights.quantized.awq import decode_awq
from galop.weights.quantized.bitsandbytes import decode_bitsandbytes
from galop.weights.quantized.compressed_tensors import decode_compressed_tensors
from galop.weights.quantized.fp4 import decode_mxfp4
from galop.weights.quantized.fp8 import decode_fp8
from galop.weights.quantized.gptq import decode_gptq
from galop.weights.quantized.mlx import decode_mlx
from galop.weights.quantized.modelopt import decode_modelopt
from galop.weights.quantized.modules import Settings
from galop.weights.stored_tensor import Tensors

# By quant_method; MLX writes none.
METHODS: dict[str, Callable[[Tensors, Settings], Tensors]] = {
    "fp8": decode_fp8,
    "fbgemm_fp8": decode_fp8,
    "mxfp4": decode_mxfp4,
    "awq": decode_awq,
    "gptq": decode_gptq,
    "auto-round": decode_auto_round,
    "compressed-tensors": decode_compressed_tensors,
    "modelopt": decode_modelopt,
    "bitsandbytes": decode_bitsandbytes,
    "mlx": decode_mlx,
}
# Scales of activations and of the KV cache: both stay as precise as they are here.
OF_ACTIVATIONS = (
    "_activation_scale", ".activation_scale", ".input_scale", "_input_scale", ".input_global_scale",
    ".input_zero_point", ".output_scale", ".output_zero_point", ".q_scale", ".k_scale", ".v_scale", ".kv_scale",
    ".qscale_act",
)  # fmt: skip


def decode(tensors: Tensors, settings: Any, file: str) -> Tensors:
    """The tensors of a checkpoint that is quantised as `settings`, its quantization_config, says.

    Raises ModelFileError where they do not go together, or for what is not understood and may change the arithmetic.
    """
    if not isinstance(settings, dict):
        raise ModelFileError(f"{file}: quantization_config = {str(settings)[:60]} is not an object")
    method = settings.get("quant_method", "mlx" if "bits" in settings and "group_size" in settings else None)
    if not isinstance(method, str) or method not in METHODS:
        raise ModelFileError(
            f"{file}: the quantisation {str(method)[:40]!r} is not supported, only {', '.join(METHODS)}; "
            "take the BF16 checkpoint or a GGUF file"
        )
    weights = {name: tensor for name, tensor in tensors.items() if not name.endswith(OF_ACTIVATIONS)}
    try:
        return METHODS[method](weights, settings)
    except ModelFileError as error:
        raise ModelFileError(f"{file}: {error}") from None
