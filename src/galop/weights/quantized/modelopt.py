"""Checkpoints of NVIDIA's Model Optimizer: FP8 and NVFP4, which the types of their tensors tell apart."""

from __future__ import annotations

from galop.weights.quantized.fp4 import decode_modelopt_fp4
from galop.weights.quantized.fp8 import scale_fp8
from galop.weights.quantized.modules import Settings, check_keys
from galop.weights.stored_tensor import Tensors

HARMLESS = frozenset(
    "producer kv_cache_quant_algo group_size quantized_layers config_groups has_zero_point version".split()
)
VALUES = {
    "quant_algo": (
        "FP8",
        "NVFP4",
        "W4A16_NVFP4",
        "MIXED_PRECISION",
        "FP8_PB_WO",
        "fp8_pb_wo",
        "FP8_PER_CHANNEL_PER_TOKEN",
        "MXFP8",
    )
}
BLOCKS = ((128, 128), (1, 32))  # of FP8_PB_WO and MXFP8


def decode_modelopt(tensors: Tensors, settings: Settings) -> Tensors:
    """The tensors, each module with its weight [out, in]. Raises ModelFileError."""
    check_keys(settings, HARMLESS, VALUES)
    return scale_fp8(decode_modelopt_fp4(tensors), BLOCKS)
