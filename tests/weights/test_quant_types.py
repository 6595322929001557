"""Block formats: values bit for bit those of the gguf package, packed and unpacked without loss."""

import gguf
import numpy as np
import pytest
from random_blocks import PACKED, random_blocks

from galop import native
from galop.weights.quant_types import QUANT_TYPES, dequantise, quantise_q8_0


@pytest.mark.parametrize("kind", [*PACKED, "F16", "BF16", "F32"])
def test_values_are_those_of_the_gguf_package(kind: str) -> None:
    rng = np.random.default_rng(1)
    if kind in PACKED:
        data = random_blocks(kind, 24, 512, seed=2)
    else:
        data = gguf.quants.quantize(rng.normal(size=(24, 512)).astype(np.float32), gguf.GGMLQuantizationType[kind])
        data = data.reshape(-1).view(np.uint8)
    expected = gguf.quants.dequantize(data.reshape(24, -1), gguf.GGMLQuantizationType[kind])
    ours = dequantise(kind, data, (24, 512))
    assert ours.tobytes() == expected.astype(np.float32).tobytes()


@pytest.mark.parametrize("kind", PACKED)
@pytest.mark.parametrize("rows", [1, 15, 16, 17, 50])
def test_packing_loses_nothing(kind: str, rows: int) -> None:
    data = random_blocks(kind, rows, 512, seed=rows)
    packed = np.empty(native.packed_bytes(kind, rows, 512), np.uint8)
    native.pack(kind, data, rows, 512, packed, 2)
    out = np.empty(rows * 512, np.float32)
    native.unpack(kind, packed, rows, 512, out)
    assert out.tobytes() == dequantise(kind, data, (rows, 512)).tobytes()


def test_a_panel_takes_at_most_three_percent_more_than_its_blocks() -> None:
    for kind in PACKED:
        row = QUANT_TYPES[kind]
        assert native.packed_bytes(kind, 16, 256) <= 1.03 * 16 * (256 // row.block) * row.nbytes


def test_q8_0_is_quantised_as_the_gguf_package_does() -> None:
    values = np.random.default_rng(3).normal(size=(8, 256)).astype(np.float32)
    values[0, :32] = 0
    expected = gguf.quants.quantize(values, gguf.GGMLQuantizationType.Q8_0).reshape(-1)
    codes_differ = np.flatnonzero(quantise_q8_0(values) != expected)
    # Rounding of exact halves may differ by one code; nothing else may.
    assert len(codes_differ) <= 2


def test_sizes_that_do_not_fit_are_refused() -> None:
    out = np.empty(288 * 2, np.uint8)
    with pytest.raises(ValueError, match="source size"):
        native.pack("Q4_0", np.zeros(17, np.uint8), 16, 32, out, 1)
    with pytest.raises(ValueError, match="multiple of its block"):
        native.packed_bytes("Q4_K", 16, 128)
    with pytest.raises(ValueError, match="no weight layout"):
        native.packed_bytes("Q9_Z", 16, 256)
