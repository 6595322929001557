"""Tiny GGUF files made from the golden models, with the gguf package's writer."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import gguf
import numpy as np
from converters import convert
from golden.recipe import case_path

from galop.models import find_family
from galop.tokenizers.tokenizer import BYTE_OF
from galop.weights.safetensors import parse_file

GOLDEN = Path(__file__).parent.parent / "golden"


KEPT = ("ffn_gate_inp", "ssm_conv1d", "shortconv.conv")  # matrices that are never quantised


def tensors_of(case: str) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """config.json and float32 tensors of a golden model; of one of texts and images those of the text."""
    config = json.loads((case_path(case) / "config.json").read_text())
    tensors = {name: t.array() for name, t in parse_file(case_path(case) / "model.safetensors").items()}
    if "text_config" in config:
        config = {**config, **config["text_config"]}
        parts = re.compile(r"(?:model\.language_model|language_model\.model)\.(.+)|(?:language_model\.)?(lm_head\..+)")
        text = {n: m for n in tensors if (m := parts.fullmatch(n))}
        tensors = {m[2] or f"model.{m[1]}": tensors[n] for n, m in text.items()}
    return config, tensors


def write_gguf(
    path: Path,
    case: str = "llama",
    kind: str = "F32",
    template: str | None = None,
    pre: str | None = "gpt-2",
    change: Callable[[dict[str, Any], dict[str, np.ndarray]], str | None] = lambda metadata, tensors: None,
    control: Sequence[str] = (),
    behind: Sequence[str] = (),
    **extra: Any,
) -> Path:
    """Writes the golden model `case` in block format `kind`; `extra` overrides metadata, None leaves a key out.

    `control` tokens take the places of bytes that no text has, those `behind` have no embedding. `change` may change what llama.cpp's converter gives, and the architecture's name."""
    config, tensors = tensors_of(case)
    arch = find_family(config, case).gguf.architecture
    metadata, tensors = convert(arch, config, tensors)
    arch = change(metadata, tensors) or arch
    metadata = {f"{arch}.{key}": value for key, value in metadata.items()}
    metadata |= {key.replace("__", "."): value for key, value in extra.items()}
    writer = gguf.GGUFWriter(path, arch)
    for key, value in metadata.items():
        if isinstance(value, bool):
            writer.add_bool(key, value)
        elif isinstance(value, str):
            writer.add_string(key, value)
        elif isinstance(value, float):
            writer.add_float32(key, value)
        elif isinstance(value, list):
            writer.add_array(key, value)
        elif value is not None:
            writer.add_uint32(key, value)
    add_byte_tokenizer(writer, pre, control, behind)
    if template:
        writer.add_chat_template(template)
    for name, values in tensors.items():
        if values.ndim == 1 or any(part in name for part in KEPT):
            writer.add_tensor(name, values)
        else:
            quantisation = gguf.GGMLQuantizationType[kind]
            writer.add_tensor(name, gguf.quants.quantize(values, quantisation), raw_dtype=quantisation)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def add_byte_tokenizer(
    writer: gguf.GGUFWriter, pre: str | None, control: Sequence[str] = (), behind: Sequence[str] = ()
) -> None:
    """One token per byte; `control` tokens end before the last."""
    tokens = [token for token, _ in sorted(BYTE_OF.items(), key=lambda item: item[1])]
    writer.add_tokenizer_model("gpt2")
    if pre:
        writer.add_tokenizer_pre(pre)
    # llama.cpp wants at least one merge; this joins two bytes that no text here holds.
    kept = 255 - len(control)
    writer.add_token_list([*tokens[:kept], *control, tokens[0] + tokens[1], *behind])
    writer.add_token_types([1] * kept + [3] * len(control) + [1] + [3] * len(behind))
    writer.add_token_merges([f"{tokens[0]} {tokens[1]}"])
    writer.add_eos_token_id(255)
