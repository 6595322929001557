"""GPTQ checkpoints (Frantar et al., 2022) as AutoGPTQ and GPTQModel write them, with or without act-order.

Words run along the inputs: `qweight` [in * bits / 32, out]; `qzeros` [groups, out * bits / 32] hold a zero less one,
but in the format gptq_v2; `scales` [groups, out]; `g_idx` [in] is the group of each input.
"""

from __future__ import annotations

import numpy as np

from galop.errors import ModelFileError
from galop.ops.plan import Array
from galop.weights.quantized.integers import IntegerMatrix, group_columns, lay_out
from galop.weights.quantized.modules import Settings, check_keys, find_modules, take, unpack
from galop.weights.stored_tensor import RAW_TYPES, StoredTensor, Tensors

HARMLESS = frozenset(
    """
    act_group_aware adapter backend batch_size bits block_name_to_quantize cache_block_outputs damp_auto_increment
    damp_percent dataset desc_act disable_exllama dynamic exllama_config group_size hyb_act lm_head max_input_length
    meta model_file_base_name model_name_or_path model_seqlen module_name_preceding_first_block
    modules_in_block_to_quantize mse pad_token_id quantizer static_groups sym tokenizer true_sequential use_cuda_fp16
    use_exllama
    """.split()
)
VALUES = {
    "checkpoint_format": ("gptq", "gptq_v2"), "format": ("gptq", "gptq_v2"), "is_marlin_format": (False,),
    "pack_dtype": ("int32", "torch.int32"),
}  # fmt: skip


def decode_gptq(tensors: Tensors, settings: Settings) -> Tensors:
    """The tensors, each module with its weight [out, in]. Raises ModelFileError."""
    check_keys(settings, HARMLESS, VALUES)
    bits = settings.get("bits")
    form = settings.get("checkpoint_format") or settings.get("format") or "gptq"
    decoded = dict(tensors)
    for module in find_modules(tensors, ".qweight"):
        decoded[f"{module}.weight"] = _decode(decoded, module, bits, int(form == "gptq"))
        bias = decoded.get(f"{module}.bias")
        if bias is not None and bias.quant_type not in RAW_TYPES and not bias.array().any():
            del decoded[f"{module}.bias"]  # early versions of AutoGPTQ wrote one of zeros for every module
    return decoded


def _decode(tensors: Tensors, module: str, bits: object, less: int) -> StoredTensor:
    words = take(tensors, f"{module}.qweight", "I32")
    packed = take(tensors, f"{module}.qzeros", "I32")
    scales = take(tensors, f"{module}.scales", "F16", "BF16", "F32")
    named = take(tensors, f"{module}.g_idx", "I32", "I64") if f"{module}.g_idx" in tensors else None
    if named is not None and len(named.shape) == 1:  # a module may have other bits than most: `dynamic`
        bits = words.shape[0] * 32 // named.shape[0]
    if bits not in (2, 3, 4, 8):
        raise ModelFileError(f"{module}: GPTQ with {str(bits)[:20]} bits is not supported, only with 2, 3, 4 and 8")
    assert isinstance(bits, int)
    groups, rows = (*scales.shape, 0)[:2]
    cols = words.shape[0] * 32 // bits
    fits = (
        words.shape == (cols * bits // 32, rows)
        and cols * bits % 32 == 0
        and packed.shape == (groups, -(-rows * bits // 32))
        and (named.shape == (cols,) if named is not None else cols % groups == 0)
    )
    order = group_columns(cols, groups) if fits else np.zeros(1)
    if fits and named is not None and not np.array_equal(numbers := named.numbers(), order):
        order = numbers
    if not fits or order.min() < 0 or order.max() >= groups:
        shapes = f"qweight {words.shape}, qzeros {packed.shape} and scales {scales.shape}"
        raise ModelFileError(f"{module}: {shapes} do not go together with g_idx and {bits} bits")

    def zeros(first: int, count: int) -> Array:
        found = unpack(packed.numbers(), bits, rows)[:, first : first + count].T
        return (found + np.uint8(less)) & np.uint8((1 << bits) - 1)

    return lay_out(
        IntegerMatrix(
            f"{module}.weight", "GPTQ", (rows, cols), words.nbytes + packed.nbytes + scales.nbytes, 0, (1 << bits) - 1,
            groups=order,
            codes=lambda first, count: unpack(words.numbers()[:, first : first + count].T, bits, cols),
            scales=lambda first, count: scales.array()[:, first : first + count].T,
            zeros=zeros,
            step=max(1, rows // 32),
        )
    )  # fmt: skip
