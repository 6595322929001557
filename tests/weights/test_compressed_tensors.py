"""Checkpoints that the compressed-tensors library itself compresses: values are those to which it decompresses them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from galop.weights.quantized.decode import decode
from galop.weights.safetensors import parse_file

pytestmark = pytest.mark.oracle
ROWS, COLS = 48, 128
GROUP = {"strategy": "group", "group_size": 32}


@pytest.mark.parametrize(
    ("form", "weights"),
    [
        *(("pack-quantized", {"num_bits": bits, "type": "int", "symmetric": True, **GROUP}) for bits in range(2, 9)),
        *(("pack-quantized", {"num_bits": bits, "type": "int", "symmetric": False, **GROUP}) for bits in (3, 4, 8)),
        ("pack-quantized", {"num_bits": 4, "type": "int", "symmetric": True, "strategy": "channel"}),
        ("int-quantized", {"num_bits": 8, "type": "int", "symmetric": True, "strategy": "channel"}),
        ("naive-quantized", {"num_bits": 8, "type": "int", "symmetric": False, "strategy": "channel"}),
        ("float-quantized", {"num_bits": 8, "type": "float", "symmetric": True, "strategy": "channel"}),
        ("float-quantized", {"num_bits": 8, "type": "float", "symmetric": True, "strategy": "tensor"}),
        ("float-quantized", {"num_bits": 8, "type": "float", "strategy": "block", "block_structure": [32, 32]}),
        ("nvfp4-pack-quantized", {"num_bits": 4, "type": "float", "strategy": "tensor_group", "group_size": 16}),
        ("mxfp4-pack-quantized", {"num_bits": 4, "type": "float", **GROUP}),
        ("mxfp8-quantized", {"num_bits": 8, "type": "float", "scale_dtype": "torch.uint8", **GROUP}),
    ],
)
def test_values_are_those_of_the_library(form: str, weights: dict[str, Any], tmp_path: Path) -> None:
    import torch
    from compressed_tensors.compressors import BaseCompressor
    from compressed_tensors.quantization import QuantizationArgs, QuantizationScheme
    from safetensors.torch import save_file

    torch.manual_seed(3)
    scheme = QuantizationScheme(targets=["Linear"], weights=QuantizationArgs(**weights))
    compressor = BaseCompressor.get_value_from_registry(form)
    size = weights.get("group_size", COLS)
    shape = {"tensor": (1,), "block": (-(-ROWS // 32), COLS // 32)}.get(weights["strategy"], (ROWS, COLS // size))
    scale = torch.rand(shape) * 0.02 + 0.01
    scale = torch.exp2(torch.round(torch.log2(scale))) if form.startswith("mx") else scale
    state = {"weight": torch.randn(ROWS, COLS) * 0.1, "weight_scale": scale}
    if weights["strategy"] == "tensor_group":
        state["weight_global_scale"] = torch.tensor([37.0])
        state["weight_scale"] = scale * 37
    if weights.get("symmetric") is False:
        half = 1 << (weights["num_bits"] - 1)
        state["weight_zero_point"] = torch.randint(-half, half, shape, dtype=torch.int8)
    compressed = compressor.compress(state, scheme)
    expected = compressor.decompress(compressed, scheme)["weight"].float().numpy()
    save_file({f"m.{name}": part.contiguous() for name, part in compressed.items()}, tmp_path / "m.safetensors")
    said = {"quant_method": "compressed-tensors", "format": form, "config_groups": {
        "group_0": {"targets": ["Linear"], "weights": weights}}}  # fmt: skip
    found = decode(parse_file(tmp_path / "m.safetensors"), said, "config.json")
    assert list(found) == ["m.weight"]
    # Scales of integers are rounded to fp16 here, and NVFP4 to bf16 there.
    tolerance = 2**-11 if weights["type"] == "int" else 2**-7 if "nvfp4" in form else 1e-6
    np.testing.assert_allclose(found["m.weight"].array(), expected, rtol=tolerance, atol=1e-9)
