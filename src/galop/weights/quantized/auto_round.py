"""AutoRound checkpoints (Cheng et al., 2023): GPTQ's tensors if zeros are in the middle of their range, else AWQ's."""

from __future__ import annotations

from galop.errors import ModelFileError
from galop.weights.quantized.awq import decode_awq
from galop.weights.quantized.gptq import decode_gptq
from galop.weights.quantized.modules import Settings, check_keys
from galop.weights.stored_tensor import Tensors

HARMLESS = frozenset(
    """
    act_bits act_data_type act_dynamic act_group_size act_sym amp autoround_version batch_size bits
    block_name_to_quantize damp_percent desc_act enable_minmax_tuning enable_norm_bias_tuning enable_quanted_input
    extra_config gradient_accumulate_steps group_size iters low_gpu_mem_usage lr minmax_lr nsamples packing_format
    provider quant_block_list scale_dtype seqlen static_groups sym to_quant_block_names true_sequential
    """.split()
)
VALUES = {"data_type": ("int", "int_sym", "int_asym"), "backend": ("auto", "auto_round:gptq", "auto_round:awq")}
FORMS = {
    "auto_round:auto_gptq": decode_gptq, "auto_round:gptq": decode_gptq, "auto_round:auto_awq": decode_awq,
    "auto_round:awq": decode_awq,
}  # fmt: skip


def decode_auto_round(tensors: Tensors, settings: Settings) -> Tensors:
    """The tensors, each module with its weight [out, in]. Raises ModelFileError."""
    check_keys(settings, HARMLESS, VALUES)
    form = settings.get("packing_format", "auto_round:auto_gptq")
    if not isinstance(form, str) or form not in FORMS:
        raise ModelFileError(f"quantization_config.packing_format = {str(form)[:60]!r} is not supported")
    return FORMS[form](tensors, {"bits": settings.get("bits")})
