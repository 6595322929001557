"""Quantised checkpoints: what each scheme stores is what its formula says, in the smallest type that holds it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import pytest
from golden.make import TOKENS
from golden.recipe import byte_tokenizer
from hypothesis import given, settings
from hypothesis import strategies as st
from logits import relative
from quantized import e4m3, pack_awq, pack_gptq, store, to_words, write_safetensors
from tiny import GOLDEN, tensors_of

from galop.backends.load import load_path
from galop.errors import ModelFileError
from galop.models import FAMILIES
from galop.models.from_file import open_checkpoint
from galop.store.model_info import parse_info
from galop.weights.quantized.decode import decode
from galop.weights.quantized.fp4 import join_factors
from galop.weights.safetensors import parse_file
from galop.weights.stored_tensor import StoredTensor, TensorFile, Tensors, stored_tensor

ROWS, COLS = 24, 128
RNG = np.random.default_rng(5)


def decoded(folder: Path, arrays: Any, **quantization: Any) -> Tensors:
    return decode(store(folder, arrays), quantization, "config.json")


def check(tensor: StoredTensor, expected: np.ndarray, kind: str, loss: str = "") -> None:
    """The values, of all rows and of a few, in the type that is said to hold them."""
    assert (tensor.quant_type, tensor.shape) == (kind, expected.shape)
    assert loss in tensor.loss and bool(loss) == bool(tensor.loss)
    tolerance = 2**-11 if "fp16" in loss else 1e-6
    np.testing.assert_allclose(tensor.array(), expected, rtol=tolerance, atol=1e-9)
    assert tensor.values(5, 9).tobytes() == tensor.array().reshape(-1, tensor.width)[5:14].tobytes()


def integers(bits: int, size: int, symmetric: bool = False, scale: Any = "f2") -> tuple[np.ndarray, ...]:
    """Codes [out, in], zeros and scales [out, groups] and what they stand for."""
    groups = COLS // size
    codes = RNG.integers(0, 1 << bits, (ROWS, COLS))
    zeros = np.full((ROWS, groups), 1 << (bits - 1)) if symmetric else RNG.integers(0, 1 << bits, (ROWS, groups))
    scales = RNG.uniform(0.001, 0.02, (ROWS, groups)).astype(scale)
    values = scales.astype("f4").repeat(size, 1) * (codes - zeros.repeat(size, 1)).astype("f4")
    return codes, zeros, scales, values


def test_awq_keeps_whole_zeros(tmp_path: Path) -> None:
    for size, symmetric, kind in ((32, False, "Q5_0"), (128, True, "Q4_0"), (64, False, "Q5_0"), (16, False, "F32")):
        codes, zeros, scales, values = integers(4, size, symmetric)
        arrays = {f"m.{name}": a for name, a in pack_awq(codes, zeros, scales).items()} | {"n.weight": np.ones(4, "f4")}
        quantization = {"quant_method": "awq", "bits": 4, "group_size": size, "zero_point": True, "version": "gemm"}
        found = decoded(tmp_path, arrays, **quantization)
        assert sorted(found) == ["m.weight", "n.weight"]
        check(found["m.weight"], values, kind, "" if kind != "F32" else "8 bits")


@pytest.mark.parametrize("bits", [2, 3, 4, 8])
@pytest.mark.parametrize("form", ["gptq", "gptq_v2"])
@pytest.mark.parametrize("act_order", [False, True])
def test_gptq_of_every_width(bits: int, form: str, act_order: bool, tmp_path: Path) -> None:
    symmetric = bits == 8 and form == "gptq"
    codes, zeros, scales, values = integers(bits, 32, symmetric)
    groups = np.arange(COLS) // 32
    if act_order:
        groups = RNG.permutation(groups)
        values = scales.astype("f4")[:, groups] * (codes - zeros[:, groups]).astype("f4")
    packed = pack_gptq(codes, zeros, scales, groups, bits, int(form == "gptq"))
    arrays = {f"m.{name}": array for name, array in packed.items()}
    quantization = {"quant_method": "gptq", "bits": bits, "desc_act": act_order, "checkpoint_format": form}
    kind = {2: "Q4_0", 3: "Q4_0", 4: "Q5_0", 8: "Q8_0" if symmetric else "F32"}[bits]
    kind = "F32" if act_order else kind
    check(decoded(tmp_path, arrays, **quantization)["m.weight"], values, kind, "8 bits" if kind == "F32" else "")
    if not act_order:
        del arrays["m.g_idx"]
        check(decoded(tmp_path, arrays, **quantization)["m.weight"], values, kind, "8 bits" if kind == "F32" else "")
        other = {**quantization, "bits": 16 // bits}  # a module's own width, which g_idx tells
        arrays["m.g_idx"] = groups.astype("i4")
        check(decoded(tmp_path, arrays, **other)["m.weight"], values, kind, "8 bits" if kind == "F32" else "")


def test_a_bias_of_zeros_is_none(tmp_path: Path) -> None:
    codes, zeros, scales, _ = integers(4, 32)
    packed = pack_gptq(codes, zeros, scales, np.arange(COLS) // 32, 4, 1)
    arrays = {f"{module}.{name}": array for module in "mn" for name, array in packed.items()}
    arrays |= {"m.bias": np.zeros(ROWS, "f2"), "n.bias": np.ones(ROWS, "f2")}
    assert sorted(decoded(tmp_path, arrays, quant_method="gptq", bits=4)) == ["m.weight", "n.bias", "n.weight"]


def compressed(bits: int, form: str = "pack-quantized", **weights: Any) -> dict[str, Any]:
    scheme = {"num_bits": bits, "type": "int", "symmetric": True, "dynamic": False, **weights}
    groups = {"group_0": {"targets": ["Linear"], "weights": scheme, "input_activations": None}}
    return {
        "quant_method": "compressed-tensors", "format": form, "config_groups": groups, "ignore": ["lm_head"],
        "kv_cache_scheme": {"num_bits": 8, "type": "float"}, "quantization_status": "compressed",
    }  # fmt: skip


@pytest.mark.parametrize("bits", [1, 2, 3, 4, 5, 6, 7, 8])
@pytest.mark.parametrize("symmetric", [False, True])
@pytest.mark.parametrize("padded", [False, True])
def test_packed_integers_of_compressed_tensors(bits: int, symmetric: bool, padded: bool, tmp_path: Path) -> None:
    codes, zeros, scales, values = integers(bits, 32, symmetric)

    def words(numbers: np.ndarray) -> np.ndarray:
        if not padded:
            return to_words(numbers, bits)
        each = 32 // bits
        wide = np.pad(numbers, ((0, 0), (0, -numbers.shape[1] % each))).reshape(len(numbers), -1, each)
        return np.concatenate([to_words(wide[:, i], bits)[:, :1] for i in range(wide.shape[1])], axis=1)

    arrays = {
        "m.weight_packed": words(codes), "m.weight_scale": scales, "m.weight_shape": np.array([ROWS, COLS], "i8"),
        "m.k_scale": np.ones(1, "f4"), "m.input_global_scale": np.ones(1, "f4"),
    }  # fmt: skip
    if not symmetric:
        arrays["m.weight_zero_point"] = words(zeros.T).T.copy()
    kind = ["", *["Q4_0"] * 3, "Q4_0" if symmetric else "Q5_0", *["Q5_0" if symmetric else "Q8_0"], *["Q8_0"] * 3][bits]
    kind = "F32" if bits == 8 and not symmetric else kind
    found = decoded(tmp_path, arrays, **compressed(bits, group_size=32, strategy="group", symmetric=symmetric))
    assert list(found) == ["m.weight"]
    check(found["m.weight"], values, kind, "8 bits" if kind == "F32" else "")


def test_scales_of_channels_and_of_a_whole_matrix(tmp_path: Path) -> None:
    """One scale a row, in a type wider than fp16, whose rounding is told; and groups in the order of activations."""
    codes, _, scales, values = integers(4, COLS, True, "f4")
    packed = {"m.weight_packed": to_words(codes, 4), "m.weight_shape": np.array([ROWS, COLS], "i8")}
    found = decoded(tmp_path, {**packed, "m.weight_scale": scales}, **compressed(4, strategy="channel"))
    check(found["m.weight"], values, "Q4_0", "fp16")
    one = np.array([0.5], "f4")
    found = decoded(tmp_path, {**packed, "m.weight_scale": one}, **compressed(4, strategy="tensor"))
    check(found["m.weight"], (codes - 8) * np.float32(0.5), "Q4_0")
    tiny = decoded(tmp_path, {**packed, "m.weight_scale": scales * np.float32(1e-6)}, **compressed(4))
    check(tiny["m.weight"], values * np.float32(1e-6), "F32", "8 bits")

    codes, zeros, scales, _ = integers(4, 32)
    order = RNG.permutation(np.arange(COLS) // 32)
    values = scales.astype("f4")[:, order] * (codes - zeros[:, order]).astype("f4")
    packed["m.weight_packed"] = to_words(codes, 4)
    arrays = packed | {"m.weight_scale": scales, "m.weight_g_idx": order.astype("i4"),
                       "m.weight_zero_point": to_words(zeros.T, 4).T.copy()}  # fmt: skip
    found = decoded(tmp_path, arrays, **compressed(4, group_size=32, actorder="group", symmetric=False))
    check(found["m.weight"], values, "F32", "8 bits")


def test_a_byte_a_value(tmp_path: Path) -> None:
    codes, scales = RNG.integers(-128, 128, (ROWS, COLS)).astype("i1"), RNG.uniform(0.001, 0.01, (ROWS, 1)).astype("f2")
    arrays = {"m.weight": codes, "m.weight_scale": scales}
    found = decoded(tmp_path, arrays, **compressed(8, "int-quantized", strategy="channel"))
    check(found["m.weight"], codes * scales.astype("f4"), "Q8_0")
    points = RNG.integers(-9, 9, (ROWS, 1)).astype("i1")
    found = decoded(tmp_path, {**arrays, "m.weight_zero_point": points}, **compressed(8, "int-quantized"))
    check(found["m.weight"], (codes.astype("f4") - points) * scales.astype("f4"), "F32", "8 bits")


def fp8(shape: tuple[int, ...]) -> np.ndarray:
    codes = RNG.integers(0, 256, shape, dtype="u1")
    return np.where(codes & 0x7F == 0x7F, np.uint8(0x7E), codes)


@pytest.mark.parametrize(
    ("shape", "scale"),
    [
        ((200, 300), (2, 3)), ((200, 300), (200, 1)), ((200, 300), (200,)), ((200, 300), (1,)), ((200, 300), ()),
        ((3, 40, 130), (3, 1, 2)), ((3, 40, 130), (3, 40, 1)), ((3, 40, 130), (3,)), ((3, 40, 130), (3, 1, 130)),
        ((200, 300), (2, 1, 3, 1)),
    ],
)  # fmt: skip
def test_fp8_with_scales_of_any_reach(shape: tuple[int, ...], scale: tuple[int, ...], tmp_path: Path) -> None:
    codes, scales = fp8(shape), RNG.uniform(0.5, 2, scale).astype("f4")
    whole = scales.reshape(scale if len(scale) <= len(shape) else (scale[0], scale[2]))
    whole = whole.reshape(*whole.shape, *[1] * (len(shape) - whole.ndim)) if whole.ndim else whole
    for axis, size in enumerate(shape if whole.ndim else ()):
        if 1 < whole.shape[axis] < size:
            whole = whole.repeat(128, axis).take(range(size), axis)
    name, ending = ("m.experts.up", "_scale_inv") if len(shape) == 3 else ("m.weight", "_scale")
    arrays = {name: ("F8_E4M3", codes), name + ending: scales, "m.activation_scale": np.ones(1, "f4")}
    quantization = {
        "quant_method": "fp8",
        "fmt": "e4m3",
        "activation_scheme": "dynamic",
        "weight_block_size": [128, 128],
    }
    found = decoded(tmp_path, arrays, **quantization)
    assert list(found) == [name]
    check(found[name], e4m3(codes) * whole, "F32", "8 bits")


def test_scales_that_are_powers_of_two(tmp_path: Path) -> None:
    codes, exponents = fp8((200, 300)), RNG.integers(110, 140, (2, 3), dtype="u1")
    expected = e4m3(codes) * np.exp2(exponents.astype("f4") - 127).repeat(128, 0).repeat(128, 1)[:200, :300]
    for dtype in ("U8", "F8_E8M0"):
        arrays = {"m.weight": ("F8_E4M3", codes), "m.weight_scale_inv": (dtype, exponents)}
        quantization = {"quant_method": "fp8", "scale_fmt": "ue8m0", "weight_block_size": [128, 128]}
        check(decoded(tmp_path, arrays, **quantization)["m.weight"], expected.astype("f4"), "F32", "8 bits")
    groups = RNG.integers(110, 140, (200, 10), dtype="u1")
    arrays = {"m.weight": ("F8_E4M3", codes[:, : 320 - 20].repeat(1, 1)), "m.weight_scale": groups}
    found = decoded(tmp_path, arrays, **compressed(8, "mxfp8-quantized", type="float", group_size=32))
    expected = e4m3(codes) * np.exp2(groups.astype("f4") - 127).repeat(32, 1)[:, :300]
    check(found["m.weight"], expected.astype("f4"), "F32", "8 bits")


E2M1 = np.array([0, 0.5, 1, 1.5, 2, 3, 4, 6, 0, -0.5, -1, -1.5, -2, -3, -4, -6], "f4")


def test_fp4_with_a_scale_in_fp8(tmp_path: Path) -> None:
    codes, scales = RNG.integers(0, 16, (ROWS, COLS)), fp8((ROWS, COLS // 16)) & 0x7F
    data = (codes[:, ::2] | codes[:, 1::2] << 4).astype("u1")
    values = E2M1[codes] * e4m3(scales).repeat(16, 1) * np.float32(0.25)
    arrays = {"m.weight": data, "m.weight_scale": ("F8_E4M3", scales), "m.weight_scale_2": np.array([0.25], "f4"),
              "m.input_scale": np.ones(1, "f4")}  # fmt: skip
    fp4_arrays = {name: part for name, part in arrays.items() if name != "m.input_scale"}
    found = decoded(tmp_path, arrays, quant_method="modelopt", quant_algo="NVFP4", producer={"name": "modelopt"})
    check(found["m.weight"], values, "NVFP4_SCALED")
    blocks = found["m.weight"].data.reshape(ROWS, -1, 40)[:, :, 4:]
    expected = gguf.quants.dequantize(blocks.reshape(ROWS, -1), gguf.GGMLQuantizationType.NVFP4)
    assert np.array_equal(found["m.weight"].array(), expected * np.float32(0.25))
    arrays = {
        "m.weight_packed": data,
        "m.weight_scale": ("F8_E4M3", scales),
        "m.weight_global_scale": np.array([4], "f4"),
    }
    found = decoded(tmp_path, arrays, **compressed(4, "nvfp4-pack-quantized", type="float", strategy="tensor_group"))
    check(found["m.weight"], values, "NVFP4_SCALED")
    narrow = {name: part if name == "m.weight_scale_2" else ("F8_E4M3", part[1][:, :6]) if isinstance(part, tuple)
              else part[:, :48] for name, part in fp4_arrays.items()}  # fmt: skip
    found = decoded(tmp_path, narrow, quant_method="modelopt")
    check(found["m.weight"], values[:, :96], "F32", "8 bits")  # ggml's blocks are of 64 values


def test_factors_of_gguf_files_are_joined_with_what_they_multiply(tmp_path: Path) -> None:
    """In NVFP4, one for a matrix or one for each expert."""
    blocks = RNG.integers(0, 0x7F, (2, ROWS, 2 * 36), dtype="u1")
    values = gguf.quants.dequantize(blocks, gguf.GGMLQuantizationType.NVFP4)
    (tmp_path / "blocks").write_bytes(blocks.tobytes())
    file = TensorFile(tmp_path / "blocks")
    scales = store(tmp_path, {"one": np.array([3], "f4"), "each": np.array([0.5, 2], "f4"), "three": np.ones(3, "f4")})
    weight = stored_tensor("a.weight", "NVFP4", (2, ROWS, 128), file, 0)
    for name, factor in (("one", 3), ("each", np.array([0.5, 2], "f4").reshape(2, 1, 1))):
        given = {"a.weight": weight, "a.scale": scales[name], "a.input_scale": scales["one"], "b.scale": scales["one"]}
        joined = join_factors(given)
        assert sorted(joined) == ["a.weight", "b.scale"]
        check(joined["a.weight"], values * np.float32(factor), "NVFP4_SCALED")
    with pytest.raises(ModelFileError, match="a.weight has the shape"):
        join_factors({"a.weight": weight, "a.scale": scales["three"]})


def test_fp4_with_powers_of_two(tmp_path: Path) -> None:
    """gpt-oss's blocks, and those of compressed-tensors and MLX, give what the gguf package says of ggml's."""
    experts, groups = 2, 3
    codes = RNG.integers(0, 16, (experts, ROWS, groups * 32))
    exponents = RNG.integers(100, 130, (experts, ROWS, groups), dtype="u1")
    data = (codes[..., ::2] | codes[..., 1::2] << 4).astype("u1")
    ggml = codes.reshape(experts, ROWS, groups, 2, 16)
    blocks = np.concatenate([exponents[..., None], (ggml[..., 0, :] | ggml[..., 1, :] << 4).astype("u1")], axis=-1)
    values = gguf.quants.dequantize(blocks.reshape(experts, ROWS, -1), gguf.GGMLQuantizationType.MXFP4)
    stored = {"m.up_blocks": data.reshape(experts, ROWS, groups, 16), "m.up_scales": exponents}
    found = decoded(tmp_path, stored, quant_method="mxfp4", modules_to_not_convert=["lm_head"])["m.up.weight"]
    assert found.shape == values.shape and found.array().tobytes() == values.astype("f4").tobytes()
    assert found.entry(1).reorder(np.arange(0, ROWS, 2)).quant_type == found.quant_type
    plain = {"m.weight_packed": data[0], "m.weight_scale": exponents[0]}
    found = decoded(tmp_path, plain, **compressed(4, "mxfp4-pack-quantized", type="float", group_size=32))["m.weight"]
    assert found.array().tobytes() == values[0].astype("f4").tobytes()
    mlx = {"m.weight": data[0].view("u4"), "m.scales": exponents[0]}
    found = decoded(tmp_path, mlx, bits=4, group_size=32, mode="mxfp4")["m.weight"]
    assert found.array().tobytes() == values[0].astype("f4").tobytes()


def test_the_experts_of_gpt_oss_keep_their_blocks(tmp_path: Path) -> None:
    """Rows of gates and their pairs in turns; without blocks, matrices are stored transposed."""
    codes = RNG.integers(0, 256, (2, 96, 2, 16), dtype="u1")
    at = "model.layers.0.mlp.experts.gate_up_proj"
    stored = {
        f"{at}_blocks": codes,
        f"{at}_scales": np.full((2, 96, 2), 120, "u1"),
        f"{at}_bias": np.ones((2, 96), "f4"),
    }
    quantised = decoded(tmp_path, stored, quant_method="mxfp4")
    values = quantised[f"{at}.weight"].array()
    (tmp_path / "plain").mkdir()
    plain = store(tmp_path / "plain", {at: values.swapaxes(1, 2), f"{at}_bias": np.ones((2, 96), "f4")})
    for tensors in (quantised, plain):
        experts = FAMILIES["gpt_oss"].sanitize(tensors, {})
        for e in range(2):
            for part, rows in (("gate_proj", values[e, ::2]), ("up_proj", values[e, 1::2])):
                found = experts[f"model.layers.0.mlp.experts.{e}.{part}.weight"]
                assert np.array_equal(found.array(), rows)
                assert found.quant_type == tensors[f"{at}.weight" if tensors is quantised else at].quant_type


@pytest.mark.parametrize(("bits", "kind"), [(2, "Q4_1"), (3, "Q4_1"), (4, "Q4_1"), (5, "Q5_1"), (6, "F32"), (8, "F32")])
def test_mlx_adds_a_bias(bits: int, kind: str, tmp_path: Path) -> None:
    codes = RNG.integers(0, 1 << bits, (2, ROWS, COLS))
    scales, biases = (RNG.uniform(0.01, 0.1, (2, ROWS, COLS // 64)).astype("f2") for _ in range(2))
    words = to_words(codes.reshape(-1, COLS), bits).view("u4").reshape(2, ROWS, -1)
    arrays = {"m.weight": words, "m.scales": scales, "m.biases": biases, "n.weight": np.ones(3, "f2")}
    values = scales.astype("f4").repeat(64, 2) * codes.astype("f4") + biases.astype("f4").repeat(64, 2)
    found = decoded(tmp_path, arrays, group_size=64, bits=9 - bits, **{"m": {"bits": bits, "group_size": 64}})
    check(found["m.weight"], values, kind, "8 bits" if kind == "F32" else "")


def test_bitsandbytes(tmp_path: Path) -> None:
    codes, scales = RNG.integers(-127, 128, (ROWS, COLS)).astype("i1"), RNG.uniform(0.1, 1, ROWS).astype("f4")
    arrays: dict[str, Any] = {"m.weight": codes, "m.SCB": scales, "m.weight_format": np.zeros(1, "u1")}
    found = decoded(tmp_path, arrays, quant_method="bitsandbytes", load_in_8bit=True, llm_int8_threshold=6.0)
    assert list(found) == ["m.weight"]
    check(found["m.weight"], codes * (scales / np.float32(127))[:, None], "Q8_0", "fp16")

    codes, table = RNG.integers(0, 16, (ROWS, COLS)), np.sort(RNG.uniform(-1, 1, 16)).astype("f4")
    data = (codes[:, ::2] << 4 | codes[:, 1::2]).astype("u1").reshape(-1, 1)
    absmax, state = RNG.uniform(0.1, 1, ROWS * 2).astype("f4"), {"blocksize": 64, "shape": [ROWS, COLS]}
    saved = np.frombuffer(json.dumps(state).encode(), "u1")
    arrays = {"m.weight": data, "m.weight.absmax": absmax, "m.weight.quant_map": table,
              "m.weight.quant_state.bitsandbytes__nf4": saved}  # fmt: skip
    quantization = {"quant_method": "bitsandbytes", "load_in_4bit": True, "bnb_4bit_quant_type": "nf4"}
    found = decoded(tmp_path, arrays, **quantization)
    check(found["m.weight"], table[codes] * absmax.reshape(ROWS, 2).repeat(64, 1), "F32", "8 bits")

    nested, inner, outer = (
        RNG.uniform(-1, 1, 256).astype("f4"),
        RNG.integers(0, 256, ROWS * 2),
        np.array([2, 3, 4], "f4"),
    )
    state |= {"nested_blocksize": 16, "nested_offset": 0.25}
    saved = np.frombuffer(json.dumps(state).encode(), "u1")
    arrays |= {"m.weight.absmax": inner.astype("u1"), "m.weight.nested_quant_map": nested,
               "m.weight.nested_absmax": outer, "m.weight.quant_state.bitsandbytes__nf4": saved}  # fmt: skip
    absmax = nested[inner] * outer.repeat(16) + np.float32(0.25)
    found = decoded(tmp_path, arrays, **quantization)
    check(found["m.weight"], table[codes] * absmax.reshape(ROWS, 2).repeat(64, 1), "F32", "8 bits")


WEIGHTS = {"num_bits": 4, "group_size": 32}


@pytest.mark.parametrize(
    ("quantization", "message"),
    [
        ({"quant_method": "hqq"}, "'hqq' is not supported"),
        ({"quant_method": ["awq"]}, "is not supported"),
        ({}, "None"),
        ({"quant_method": "awq", "version": "gemv"}, "version = 'gemv'"),
        ({"quant_method": "awq", "bits": 3}, "bits = '3'"),
        ({"quant_method": "awq", "rotation": "hadamard"}, "rotation = hadamard is not understood"),
        ({"quant_method": "gptq", "bits": 4, "checkpoint_format": "marlin"}, "checkpoint_format = 'marlin'"),
        ({"quant_method": "auto-round", "packing_format": "auto_round:fp8"}, "packing_format"),
        ({"quant_method": "auto-round", "data_type": "mx_fp"}, "data_type"),
        ({"quant_method": "gptq", "bits": 5}, "with 5 bits"),
        ({"quant_method": "gptq"}, "with None bits"),
        ({"quant_method": "fp8", "fmt": "e5m2"}, "fmt = 'e5m2'"),
        ({"quant_method": "fp8", "weight_block_size": [128]}, "not two sizes"),
        ({"quant_method": "compressed-tensors", "config_groups": 3}, "are not groups"),
        ({"quant_method": "compressed-tensors", "config_groups": {"a": {"weights": 3}}}, "is not an object"),
        ({**compressed(4), "transform_config": {"config_groups": {"R1": {}}}}, "transform_config"),
        ({**compressed(4), "sparsity_config": {"format": "sparse-24-bitmask"}}, "sparsity_config"),
        (compressed(4, "marlin-24"), "format = 'marlin-24'"),
        (compressed(4, strategy="lattice"), "strategy = 'lattice'"),
        (compressed(4, codebook="e8"), "codebook"),
        ({"quant_method": "modelopt", "quant_algo": "W4A16_AWQ"}, "quant_algo"),
        ({"quant_method": "bitsandbytes", "bnb_4bit_quant_type": "int4"}, "bnb_4bit_quant_type"),
        ({"bits": 4, "group_size": 64, "mode": "nvfp4"}, "mode = 'nvfp4'"),
    ],
)
def test_what_is_not_understood_is_named(quantization: dict[str, Any], message: str, tmp_path: Path) -> None:
    codes, zeros, scales, _ = integers(4, 32)
    arrays = {f"m.{name}": array for name, array in pack_awq(codes, zeros, scales).items()}
    with pytest.raises(ModelFileError, match=message) as caught:
        decoded(tmp_path, arrays, **quantization)
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 400


def checkpoints() -> dict[str, tuple[dict[str, Any], dict[str, Any]]]:
    """A small module of every scheme, and its quantization_config."""
    codes, zeros, scales, _ = integers(4, 32)
    groups = np.arange(COLS) // 32
    words = to_words(codes, 4)
    table = np.linspace(-1, 1, 16, dtype="f4")
    state = np.frombuffer(json.dumps({"blocksize": 64, "shape": [ROWS, COLS]}).encode(), "u1")
    e8m0 = np.full((ROWS, COLS // 32), 120, "u1")
    return {
        "awq": (pack_awq(codes, zeros, scales), {"quant_method": "awq", "bits": 4}),
        "gptq": (pack_gptq(codes, zeros, scales, groups, 4, 1), {"quant_method": "gptq", "bits": 4}),
        "packed": (
            {"weight_packed": words, "weight_scale": scales, "weight_shape": np.array([ROWS, COLS], "i8"),
             "weight_zero_point": to_words(zeros.T, 4).T.copy(), "weight_g_idx": groups.astype("i4")},
            compressed(4, symmetric=False),
        ),
        "int8": ({"weight": codes.astype("i1"), "weight_scale": scales}, compressed(8, "int-quantized")),
        "fp8": ({"weight": ("F8_E4M3", fp8((ROWS, COLS))), "weight_scale": np.ones(1, "f4")}, {"quant_method": "fp8"}),
        "nvfp4": (
            {"weight": words.view("u1"), "weight_scale": ("F8_E4M3", fp8((ROWS, COLS // 16)) & 0x7F),
             "weight_scale_2": np.ones(1, "f4")},
            {"quant_method": "modelopt"},
        ),
        "mxfp4": (
            {"w_blocks": words.view("u1").reshape(1, ROWS, -1, 16), "w_scales": e8m0[None]}, {"quant_method": "mxfp4"}
        ),
        "mlx": ({"weight": words.view("u4"), "scales": scales, "biases": scales}, {"bits": 4, "group_size": 32}),
        "nf4": (
            {"weight": words.view("u1").reshape(-1, 1), "weight.absmax": np.ones(ROWS * 2, "f4"),
             "weight.quant_map": table, "weight.quant_state.bitsandbytes__nf4": state},
            {"quant_method": "bitsandbytes"},
        ),
        "llm.int8": ({"weight": codes.astype("i1"), "SCB": np.ones(ROWS, "f4")}, {"quant_method": "bitsandbytes"}),
    }  # fmt: skip


CHECKPOINTS = checkpoints()


@pytest.mark.parametrize("scheme", CHECKPOINTS)
def test_tensors_that_do_not_go_together_are_refused(scheme: str, tmp_path: Path) -> None:
    """Each left out, of another type, cut, doubled, of other dimensions, or with other numbers."""
    parts, quantization = CHECKPOINTS[scheme]
    arrays = {f"m.{name}": part for name, part in parts.items()}
    assert all(np.isfinite(tensor.array()).all() for tensor in decoded(tmp_path, arrays, **quantization).values())
    for name, part in arrays.items():
        dtype, array = part if isinstance(part, tuple) else ("", part)
        half = array[: len(array) // 2] if len(array) > 1 else array[:0]
        others = [half, np.concatenate([array, array]), array[None], array.reshape(-1), array.T, array.astype("f4"),
                  array.astype("i2"), np.full_like(array, -1 if array.dtype.kind == "i" else 255)]  # fmt: skip
        changed: list[Any] = [{**arrays, name: (dtype, a) if dtype and a.dtype == array.dtype else a} for a in others]
        for bad in [{k: v for k, v in arrays.items() if k != name}, *changed]:
            if any(0 in (v[1] if isinstance(v, tuple) else v).shape for v in bad.values()):
                continue
            try:
                for tensor in decoded(tmp_path, bad, **quantization).values():
                    if tensor.quant_type in ("F32", "Q4_0", "Q5_0", "Q8_0", "Q4_1", "MXFP4"):
                        tensor.array()
            except ModelFileError as error:
                assert "\n" not in str(error) and len(str(error)) < 500


@settings(max_examples=200)
@given(st.sampled_from(sorted(CHECKPOINTS)), st.lists(st.tuples(st.integers(0, 3000), st.integers(0, 255)), max_size=6))
def test_flipped_bytes_are_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, scheme: str, flips: list[tuple[int, int]]
) -> None:
    parts, quantization = CHECKPOINTS[scheme]
    folder = tmp_path_factory.mktemp("flip")
    path = write_safetensors(folder / "model.safetensors", {f"m.{name}": part for name, part in parts.items()})
    data = bytearray(path.read_bytes())
    for at, value in flips:
        data[at % len(data)] = value
    path.write_bytes(data)
    try:
        with np.errstate(all="ignore"):
            for tensor in decode(parse_file(path), quantization, "c").values():
                if tensor.quant_type[0] in "QFM" and "_" not in tensor.quant_type[:3]:
                    tensor.array()
    except ModelFileError as error:
        assert "\n" not in str(error)


def quantise_golden(to: Path, scheme: str) -> Path:
    """The golden Qwen3 with its projections quantised, and the same values in float32 beside it."""
    shutil.copytree(GOLDEN / "qwen3", to)
    _, tensors = tensors_of("qwen3")
    arrays: dict[str, Any] = {}
    for name, whole in tensors.items():
        module, projection = name.removesuffix(".weight"), "_proj." in name
        if not projection:
            arrays[name] = whole
        elif scheme == "awq":
            each = whole.reshape(len(whole), -1, 32)
            low, high = each.min(-1), each.max(-1)
            scales = ((high - low) / 15).astype("f2")
            zeros = np.clip(np.rint(-low / scales.astype("f4")), 0, 15)
            codes = np.clip(np.rint(each / scales.astype("f4")[..., None]) + zeros[..., None], 0, 15)
            packed = pack_awq(codes.reshape(whole.shape).astype("u4"), zeros.astype("u4"), scales)
            arrays |= {f"{module}.{part}": array for part, array in packed.items()}
        elif scheme == "mlx":
            each = whole.reshape(len(whole), -1, 32)
            biases, scales = each.min(-1).astype("f2"), ((each.max(-1) - each.min(-1)) / 15).astype("f2")
            codes = np.rint((each - biases.astype("f4")[..., None]) / scales.astype("f4")[..., None]).clip(0, 15)
            arrays[name] = to_words(codes.reshape(whole.shape).astype("u4"), 4).view("u4")
            arrays |= {f"{module}.scales": scales, f"{module}.biases": biases}
        elif scheme == "nvfp4":
            each = whole.reshape(len(whole), -1, 16) * 8
            scales = np.abs(np.abs(each).max(-1, keepdims=True) / 6 - e4m3(np.arange(127, dtype="u1"))).argmin(-1)
            factors = np.maximum(e4m3(scales), 2**-9)[..., None, None]
            codes = np.abs(each[..., None] / factors - E2M1).argmin(-1).reshape(whole.shape)
            arrays[name] = (codes[:, ::2] | codes[:, 1::2] << 4).astype("u1")
            arrays[f"{name}_scale"] = ("F8_E4M3", scales.astype("u1"))
            arrays[f"{name}_scale_2"] = np.array([0.125], "f4")
        else:
            values = e4m3(np.arange(127, dtype="u1"))
            nearest = np.abs(np.abs(whole)[..., None] * 64 - values).argmin(-1)
            arrays[name] = ("F8_E4M3", (nearest | np.where(whole < 0, 128, 0)).astype("u1"))
            arrays[f"{name}_scale_inv"] = np.full((1, 1), 1 / 64, "f4")
    write_safetensors(to / "model.safetensors", arrays)
    config = json.loads((to / "config.json").read_text())
    quantization = {
        "awq": {"quant_method": "awq", "bits": 4, "group_size": 32},
        "fp8": {"quant_method": "fp8", "weight_block_size": [128, 128]},
        "nvfp4": {"quant_method": "modelopt", "quant_algo": "NVFP4"},
        "mlx": {"bits": 4, "group_size": 32, "mode": "affine"},
    }[scheme]
    key = "quantization" if scheme == "mlx" else "quantization_config"
    (to / "config.json").write_text(json.dumps({**config, key: quantization}))
    return to


@pytest.mark.parametrize(
    ("scheme", "kinds"), [("awq", {"Q5_0"}), ("mlx", {"Q4_1"}), ("fp8", {"F32"}), ("nvfp4", {"NVFP4_SCALED", "F32"})]
)
def test_a_quantised_model_answers_as_its_weights_say(scheme: str, kinds: set[str], tmp_path: Path) -> None:
    """Of NVFP4 rows of 96 values, one and a half blocks of ggml's, are rounded too."""
    directory = quantise_golden(tmp_path / scheme, scheme)
    checkpoint = open_checkpoint(directory)
    projections = {name: tensor for name, tensor in checkpoint.tensors.items() if "_proj." in name}
    assert {tensor.quant_type for tensor in projections.values()} == kinds
    assert [scheme.upper() in note for note in checkpoint.notes] == ([True] if "F32" in kinds else [])
    info, whole = parse_info(directory), parse_info(GOLDEN / "qwen3")
    assert (info.parameters, info.quantisation) == (whole.parameters, scheme.upper())
    plain = shutil.copytree(GOLDEN / "qwen3", tmp_path / "plain")
    write_safetensors(plain / "model.safetensors", {n: t.array() for n, t in checkpoint.tensors.items()})
    with load_path(directory, memory=4 << 30) as model, load_path(plain, memory=4 << 30) as expected:
        for name, tensor in projections.items():
            values, packed = tensor.array().reshape(-1, 32), model.pack.array(name).reshape(-1, 32)
            limit = 0 if tensor.quant_type != "F32" else 0.005 * np.abs(values).max(axis=1, keepdims=True)
            assert (np.abs(packed - values) <= limit).all()
        assert relative(model.logits(TOKENS), expected.logits(TOKENS)) < 0.05
        assert model.pack.card.kinds.get(scheme.upper()) == len(projections)


@pytest.mark.parametrize("case", ["phi3", "qwen3_moe", "gpt_oss", "llama4_text", "deepseek_v3", "gemma3_text"])
def test_families_read_fp8_as_they_read_floats(case: str, tmp_path: Path) -> None:
    """Fused projections, stacked and transposed experts, matrices split into heads: the same bytes as of plain values."""
    config, tensors = tensors_of(case)
    values = e4m3(np.arange(127, dtype="u1"))
    quantised: dict[str, Any] = {}
    plain: dict[str, Any] = {}
    for name, whole in tensors.items():
        quantised[name] = plain[name] = whole
        if whole.ndim > 1 and "_proj" in name and not name.endswith("bias"):
            scale = np.float32(np.abs(whole).max() / 448)
            codes = np.abs(np.abs(whole)[..., None] / scale - values).argmin(-1) | np.where(whole < 0, 128, 0)
            quantised |= {name: ("F8_E4M3", codes.astype("u1")), f"{name}_scale_inv": np.array(scale)}
            plain[name] = e4m3(codes.astype("u1")) * scale
    logits = []
    for arrays, keys in ((quantised, {"quantization_config": {"quant_method": "fp8"}}), (plain, {})):
        folder = tmp_path / str(len(logits))
        folder.mkdir()
        write_safetensors(folder / "model.safetensors", arrays)
        (folder / "config.json").write_text(json.dumps({**config, **keys}))
        (folder / "tokenizer.json").write_text(json.dumps(byte_tokenizer()))
        with load_path(folder, memory=4 << 30) as model:
            logits.append(model.logits(TOKENS))
    assert logits[0].tobytes() == logits[1].tobytes()
