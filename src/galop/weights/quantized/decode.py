"""Which scheme a quantization_config names, and the weights that its tensors stand for."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

from galop.errors import ModelFileError
from galop.weights.json_files import load_json
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
# What stands beside the weights of a quantised module.
COMPANIONS = (
    "scales", "biases", "qzeros", "g_idx", "_scale", "_scale_inv", "_scale_2", "_global_scale", "_zero_point", "_shape",
    "_scales", ".SCB", ".absmax", ".quant_map", ".nested_absmax", ".nested_quant_map", "_format", "nf4", "fp4",
)  # fmt: skip
# Where a config.json says how its weights are quantised; the second is of older files, the third MLX's.
QUANTIZATION_KEYS = ("quantization_config", "compression_config", "quantization")


def take_quantization(raw: dict[str, Any], directory: Path) -> Any:
    """What a config.json, its text_config, or a file beside it says of how weights are quantised, taken out of it."""
    found: Any = None
    text = raw.get("text_config")
    for place in (raw, text if isinstance(text, dict) else {}):
        for key in QUANTIZATION_KEYS:
            found = place.pop(key, None) or found
    older = load_json(directory / "hf_quant_config.json").get("quantization")  # Model Optimizer's
    return found or ({"quant_method": "modelopt", **older} if isinstance(older, dict) else None)


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


def count_values(tensors: Tensors, settings: Any) -> int:
    """About how many weights the tensors of a quantised checkpoint stand for, from their headers alone."""
    bits = settings.get("bits") if isinstance(settings, dict) else None
    groups = settings.get("config_groups") if isinstance(settings, dict) else None
    for group in groups.values() if isinstance(groups, dict) else ():
        scheme = group.get("weights") if isinstance(group, dict) else None
        bits = bits or (scheme.get("num_bits") if isinstance(scheme, dict) else None)
    word = 32 // bits if type(bits) is int and 1 <= bits <= 32 else 8
    each = {"I32": word, "U32": word, "U8": 2}
    weights = [t for name, t in tensors.items() if not name.endswith((*COMPANIONS, *OF_ACTIVATIONS))]
    return sum(math.prod(tensor.shape) * each.get(tensor.quant_type, 1) for tensor in weights)


def name_quantisation(settings: Any) -> str:
    """What a quantization_config calls itself, in a word."""
    said = settings if isinstance(settings, dict) else {}
    name = said.get("quant_algo") or said.get("format") or said.get("quant_method") or "MLX"
    return str(name)[:40].upper()
