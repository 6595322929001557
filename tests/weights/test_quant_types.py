"""Block formats: values bit for bit those of the gguf package, packed and unpacked without loss."""

import gguf
import numpy as np
import pytest
from random_blocks import PACKED, random_blocks

from galop import native
from galop.weights.grid_values import grid
from galop.weights.quant_types import QUANT_TYPES, dequantise, has_finite_scales, quantise_q8_0, scale_nvfp4

# Their codes are indices into a grid, or digits of base 3, which are looked up when they are packed.
EXPANDED = ["TQ1_0", "IQ1_S", "IQ1_M", "IQ2_XXS", "IQ2_XS", "IQ2_S", "IQ3_XXS", "IQ3_S"]
NOT_IN_GGUF = ["Q1_0", "Q2_0", "NVFP4_SCALED"]  # types that the gguf package knows by name at most


@pytest.mark.parametrize("kind", [*(kind for kind in PACKED if kind not in NOT_IN_GGUF), "F16", "BF16", "F32"])
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


def test_one_and_two_bits_with_a_scale() -> None:
    one = np.frombuffer(np.float16(0.5).tobytes() + bytes([0b00000110]) + bytes(15), np.uint8)
    assert dequantise("Q1_0", one, (128,)).tolist() == [-0.5, 0.5, 0.5] + [-0.5] * 125
    two = np.frombuffer(np.float16(0.5).tobytes() + bytes([0b11100100]) + bytes(15), np.uint8)
    assert dequantise("Q2_0", two, (64,)).tolist() == [-0.5, 0, 0.5, 1] + [-0.5] * 60


@pytest.mark.parametrize("kind", ["IQ1_S", "IQ2_XXS", "IQ2_XS", "IQ2_S", "IQ3_XXS", "IQ3_S"])
def test_grids_are_those_of_the_gguf_package(kind: str) -> None:
    quants = gguf.quants._type_traits[gguf.GGMLQuantizationType[kind]]
    quants.init_grid()
    assert (quants.grid.reshape(quants.grid_shape) == grid(kind)).all()
    # The kernels' side: an index in each place of a block, with scales that show what it stands for.
    entries = np.arange(len(grid(kind)))
    blocks = -(-len(entries) * grid(kind).shape[1] // 256)
    data = np.zeros((blocks, QUANT_TYPES[kind].nbytes), np.uint8)
    data[:, :2] = np.float16(1).reshape(1).view(np.uint8)
    index = np.resize(entries, (blocks, 256 // grid(kind).shape[1]))
    if kind == "IQ2_XXS":
        data[:, 2:66].reshape(blocks, 8, 8)[:, :, :4] = index.reshape(blocks, 8, 4)
    elif kind == "IQ2_XS":
        data[:, 2:66] = index.astype(np.uint16).view(np.uint8)
    else:
        data[:, 2 : 2 + index.shape[1]] = index & 255
        upper = {"IQ1_S": (34, 12, 3), "IQ2_S": (66, 8, 2), "IQ3_S": (66, 8, 1)}.get(kind)
        if upper:
            at, bits, width = upper
            shifted = (index >> 8).reshape(blocks, 8, -1) << np.arange(0, bits, width)
            words = np.bitwise_or.reduce(shifted, axis=2)
            packed = words.astype(np.uint16 if kind == "IQ1_S" else np.uint8).view(np.uint8)
            data[:, at : at + packed.shape[1]] = packed
    packed = np.empty(native.packed_bytes(kind, blocks, 256), np.uint8)
    native.pack(kind, data.reshape(-1), blocks, 256, packed)
    out = np.empty(blocks * 256, np.float32)
    native.unpack(kind, packed, blocks, 256, out)
    expected = gguf.quants.dequantize(data, gguf.GGMLQuantizationType[kind])
    assert out.tobytes() == expected.astype(np.float32).tobytes()
    assert len(np.unique(index)) == len(entries)


@pytest.mark.parametrize("kind", ["MXFP4", "NVFP4"])
def test_every_scale_byte(kind: str) -> None:
    scales = np.arange(253 if kind == "MXFP4" else 256, dtype=np.uint8)
    row = QUANT_TYPES[kind]
    data = np.zeros((len(scales), row.nbytes), np.uint8)
    head = row.nbytes - row.block // 2
    data[:, :head] = scales[:, None]
    data[:, head:] = np.resize(np.arange(16, dtype=np.uint8) * 17, row.nbytes - head)
    assert has_finite_scales(kind, data.reshape(-1))
    expected = gguf.quants.dequantize(data, gguf.GGMLQuantizationType[kind]).astype(np.float32)
    assert dequantise(kind, data.reshape(-1), expected.shape).tobytes() == expected.tobytes()
    packed = np.empty(native.packed_bytes(kind, len(data), row.block), np.uint8)
    native.pack(kind, data.reshape(-1), len(data), row.block, packed)
    out = np.empty(expected.size, np.float32)
    native.unpack(kind, packed, len(data), row.block, out)
    assert out.tobytes() == expected.tobytes()
    if kind == "MXFP4":
        assert 0 < out.reshape(expected.shape)[0].max() < 2.0**-124  # subnormal, not zero


def test_rows_of_nvfp4_may_each_have_a_factor() -> None:
    data = random_blocks("NVFP4", 20, 128, seed=4)
    factors = np.linspace(-0.3, 2, 20, dtype=np.float32)
    scaled = scale_nvfp4(data.reshape(20, 2, 36), factors[:, None])
    expected = dequantise("NVFP4", data, (20, 128)) * factors[:, None]
    assert dequantise("NVFP4_SCALED", scaled, (20, 128)).tobytes() == expected.tobytes()
    packed = np.empty(native.packed_bytes("NVFP4_SCALED", 20, 128), np.uint8)
    native.pack("NVFP4_SCALED", scaled.reshape(-1), 20, 128, packed)
    out = np.empty(20 * 128, np.float32)
    native.unpack("NVFP4_SCALED", packed, 20, 128, out)
    assert out.tobytes() == expected.tobytes()


def test_scales_that_are_no_numbers_are_found() -> None:
    for kind in PACKED:
        row = QUANT_TYPES[kind]
        good = random_blocks(kind, 2, row.block, seed=5).reshape(2, -1)
        assert has_finite_scales(kind, good)
        places = [(at, np.array([bits], np.uint16).view(np.uint8)) for at in row.scales for bits in (0x7C00, 0xFE01)]
        if kind == "MXFP4":
            places = [(0, np.array([e], np.uint8)) for e in (253, 254, 255)]
        if kind == "NVFP4_SCALED":
            places = [(0, np.array([f], np.float32).view(np.uint8)) for f in (np.nan, -np.inf)]
        for at, value in places:
            bad = good.copy()
            bad[1, at : at + len(value)] = value
            assert not has_finite_scales(kind, bad), (kind, at, value)
    spread = random_blocks("IQ1_M", 1, 256, seed=6)
    spread[53::2] = [0xC0, 0x70]  # 0x7C..: an infinity or NaN
    assert not has_finite_scales("IQ1_M", spread)


def test_a_panel_takes_at_most_three_percent_more_than_its_blocks() -> None:
    for kind in PACKED:
        row = QUANT_TYPES[kind]
        share = native.packed_bytes(kind, 16, 4096) / (16 * (4096 // row.block) * row.nbytes)
        assert share <= 1.03 or (kind in EXPANDED and share < 1.9), (kind, share)


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
