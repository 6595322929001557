"""Safetensors checkpoints whose weights are quantised: from what a scheme stores to tensors of quant types.

decode.py       which scheme a quantization_config names
fp8.py, fp4.py  small floats; integers.py: codes in groups, of the formats below
awq.py, gptq.py, auto_round.py, compressed_tensors.py, modelopt.py, mlx.py, bitsandbytes.py
modules.py      what they share
"""
