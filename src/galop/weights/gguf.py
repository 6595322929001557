"""GGUF files, versions 2 and 3, single or split. A file is untrusted: every count is bounded before it is used.

Specification: ggml's docs/gguf.md.
"""

from __future__ import annotations

import math
import re
import struct
import sys
from array import array
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from galop.errors import ModelFileError
from galop.models.config_keys import may_stand
from galop.tokenizers.gguf import tokenizer_from_gguf
from galop.weights.checkpoint import Checkpoint, File, StoredTensor, split_experts, tensor_bytes
from galop.weights.quant_types import QUANT_TYPES

MAX_KEYS = 65_536
MAX_TENSORS = 262_144
MAX_STRING = 64 << 20
MAX_ARRAY = 1 << 24
MAX_STRINGS = 1 << 21
MAX_NAME = 256
MAX_TEMPLATE = 1 << 20

SCALARS = {0: "<B", 1: "<b", 2: "<H", 3: "<h", 4: "<I", 5: "<i", 6: "<f", 7: "<?", 10: "<Q", 11: "<q", 12: "<d"}
STRING, ARRAY = 8, 9
KINDS = {
    0: "F32", 1: "F16", 2: "Q4_0", 3: "Q4_1", 6: "Q5_0", 7: "Q5_1", 8: "Q8_0", 9: "Q8_1", 10: "Q2_K", 11: "Q3_K",
    12: "Q4_K", 13: "Q5_K", 14: "Q6_K", 15: "Q8_K", 16: "IQ2_XXS", 17: "IQ2_XS", 18: "IQ3_XXS", 19: "IQ1_S",
    20: "IQ4_NL", 21: "IQ3_S", 22: "IQ2_S", 23: "IQ4_XS", 24: "I8", 25: "I16", 26: "I32", 27: "I64", 28: "F64",
    29: "IQ1_M", 30: "BF16", 34: "TQ1_0", 35: "TQ2_0", 39: "MXFP4", 40: "NVFP4",
}  # fmt: skip


FEW = 1024
STRETCH = 1 << 20
KEPT = frozenset({"tokenizer.ggml.tokens", "tokenizer.ggml.merges", "tokenizer.ggml.token_type"})


@dataclass(frozen=True)
class Unread:
    """A long array that nothing here needs."""

    count: int


@dataclass
class Header:
    metadata: dict[str, Any]
    tensors: dict[str, StoredTensor]


class _Reader:
    """Reads forward through a file; every read is checked against its end."""

    def __init__(self, file: File) -> None:
        self.file = file
        self.size = file.size
        self.at = 0
        self.name = file.name
        self._begin, self._held = 0, b""  # a stretch of the file and where it begins

    def take(self, count: int) -> memoryview:
        """The next bytes."""
        if self.size - self.at < count:
            raise self.fail(f"truncated at byte {self.at}; download it again")
        if self.at < self._begin or self.at + count > self._begin + len(self._held):
            self._begin = self.at
            self._held = self.file.read(self.at, min(max(count, STRETCH), self.size - self.at)).tobytes()
        begin = self.at - self._begin
        self.at += count
        return memoryview(self._held)[begin : begin + count]

    def fail(self, reason: str) -> ModelFileError:
        return ModelFileError(f"{self.name}: {reason}")

    def scalar(self, form: str) -> Any:
        (value,) = struct.unpack(form, self.take(struct.calcsize(form)))
        return value

    def string(self, limit: int = MAX_STRING) -> str:
        length = self.scalar("<Q")
        if length > limit:
            raise self.fail(f"a string of {length} bytes at byte {self.at} is longer than the {limit} allowed")
        text = bytes(self.take(length))
        try:
            return text.decode()
        except UnicodeDecodeError:
            raise self.fail(f"a string at byte {self.at - length} is not UTF-8") from None

    def strings(self, count: int) -> list[str]:
        found: list[str] = []
        while len(found) < count:
            found.append(self.string())
            held, at = self._held, self.at - self._begin
            while len(found) < count and at + 8 <= len(held):  # those that are held already, without three calls each
                end = at + 8 + int.from_bytes(held[at : at + 8], "little")
                if end > len(held):
                    break
                try:
                    found.append(held[at + 8 : end].decode())
                except UnicodeDecodeError:
                    raise self.fail(f"a string at byte {self._begin + at + 8} is not UTF-8") from None
                at = end
            self.at = self._begin + at
        return found

    def skip(self, count: int) -> None:
        if self.size - self.at < count:
            raise self.fail(f"truncated at byte {self.at}; download it again")
        self.at += count

    def value(self, kind: int, key: str) -> Any:
        """Of a metadata key; of the long arrays those KEPT are read."""
        if kind == STRING:
            return self.string()
        if kind != ARRAY:
            if kind not in SCALARS:
                raise self.fail(f"metadata value type {kind} at byte {self.at} does not exist")
            return self.scalar(SCALARS[kind])
        element, count = self.scalar("<I"), self.scalar("<Q")
        if count > MAX_ARRAY:
            raise self.fail(f"an array of {count} elements at byte {self.at} is longer than the {MAX_ARRAY} allowed")
        kept = key in KEPT or count <= FEW
        if element == STRING:
            if count > MAX_STRINGS:
                raise self.fail(f"{count} strings at byte {self.at} are more than the {MAX_STRINGS} allowed")
            if kept:
                return self.strings(count)
            for _ in range(count):
                self.skip(self.scalar("<Q"))
            return Unread(count)
        if element not in SCALARS:
            raise self.fail(f"an array of type {element} at byte {self.at} is not supported")
        nbytes = count * struct.calcsize(SCALARS[element])
        if not kept:
            self.skip(nbytes)
            return Unread(count)
        numbers = array(SCALARS[element][1].replace("?", "B"), bytes(self.take(nbytes)))
        if sys.byteorder == "big":
            numbers.byteswap()
        return numbers


def read_header(path: Path) -> Header:
    """Metadata and tensors of one file, the tensors by where they stand. Raises ModelFileError."""
    file = File(path)
    if not (size := file.size):
        raise ModelFileError(f"{path.name}: the file is empty; download it again")
    reader = _Reader(file)
    if (magic := bytes(reader.take(min(4, size)))) != b"GGUF":
        raise reader.fail(f"not a GGUF file: it begins with {magic!r}")
    version = reader.scalar("<I")
    if version not in (2, 3):
        hint = " (a big-endian file)" if version in (0x02000000, 0x03000000) else ""
        raise reader.fail(f"GGUF version {version}{hint} is not supported, only 2 and 3")
    tensor_count, key_count = reader.scalar("<Q"), reader.scalar("<Q")
    if tensor_count > MAX_TENSORS:
        raise reader.fail(f"{tensor_count} tensors are more than the {MAX_TENSORS} allowed")
    if key_count > MAX_KEYS:
        raise reader.fail(f"{key_count} metadata keys are more than the {MAX_KEYS} allowed")

    metadata: dict[str, Any] = {}
    for _ in range(key_count):
        key = reader.string(limit=65_535)
        if not key or key in metadata:
            raise reader.fail(f"the metadata key {key!r} is {'repeated' if key else 'empty'}")
        metadata[key] = reader.value(reader.scalar("<I"), key)

    alignment = metadata.get("general.alignment", 32)
    if not isinstance(alignment, int) or not 8 <= alignment <= 1 << 20 or alignment & (alignment - 1):
        raise reader.fail(f"general.alignment = {alignment!r} is not a power of two from 8 to 2^20")

    described: list[tuple[str, str, tuple[int, ...], int]] = []
    names: set[str] = set()
    for _ in range(tensor_count):
        name = reader.string(limit=MAX_NAME)
        if not name or name in names:
            raise reader.fail(f"the tensor name {name!r} is {'repeated' if name else 'empty'}")
        names.add(name)
        dims = reader.scalar("<I")
        if not 1 <= dims <= 4:
            raise reader.fail(f"tensor {name} has {dims} dimensions, not 1 to 4")
        shape = tuple(reversed([reader.scalar("<Q") for _ in range(dims)]))
        if any(not 0 < n < 1 << 40 for n in shape) or int(np.prod(shape, dtype=object)) >= 1 << 50:
            raise reader.fail(f"tensor {name} has the impossible shape {shape}")
        kind, offset = reader.scalar("<I"), reader.scalar("<Q")
        if kind not in KINDS:
            raise reader.fail(f"tensor {name} has the unknown type {kind}")
        if KINDS[kind] not in QUANT_TYPES:
            raise reader.fail(
                f"tensor {name} is in {KINDS[kind]}, which is not supported; take a Q4_0, Q4_K_M, Q5_K_M, Q6_K, Q8_0, "
                "F16 or BF16 file of the same model"
            )
        described.append((name, KINDS[kind], shape, offset))

    start = -(-reader.at // alignment) * alignment
    tensors: dict[str, StoredTensor] = {}
    end = 0
    for name, kind_name, shape, offset in sorted(described, key=lambda d: d[3]):
        nbytes = tensor_bytes(kind_name, shape, f"{path.name}: tensor {name}")
        if offset % alignment:
            raise reader.fail(f"tensor {name} starts at the unaligned offset {offset}")
        if offset < end:
            raise reader.fail(f"tensor {name} overlaps the one before it")
        end = offset + nbytes
        if start + end > size:
            raise reader.fail(
                f"tensor {name} ends at byte {start + end} of a file of {size}: it is truncated; download it again"
            )
        tensors[name] = StoredTensor(kind_name, shape, file, start + offset, nbytes)
    return Header(metadata, tensors)


SPLIT = re.compile(r"^(.*)-(\d{5})-of-(\d{5})\.gguf$")


def read_all(path: Path) -> Header:
    """The header of a file, or of all parts of a split one. Raises ModelFileError."""
    header = read_header(path)
    match = SPLIT.match(path.name)
    count = header.metadata.get("split.count", int(match[3]) if match else 1)
    if not isinstance(count, int) or not 1 <= count <= 10_000:
        raise ModelFileError(f"{path.name}: split.count = {count!r} is not a sensible number of parts")
    if count == 1:
        return header
    if not match or int(match[3]) != count:
        raise ModelFileError(
            f"{path.name}: one of {count} parts, but its name does not end in -00001-of-{count:05}.gguf"
        )
    parts = [path.with_name(f"{match[1]}-{i:05}-of-{count:05}.gguf") for i in range(1, count + 1)]
    whole = Header({}, {})
    for i, part in enumerate(parts):
        if not part.exists():
            raise ModelFileError(f"{part.name}: this part of the model is missing; download it beside the others")
        one = header if part == path else read_header(part)
        if one.metadata.get("split.count") != count or one.metadata.get("split.no") != i:
            raise ModelFileError(f"{part.name}: its split.no and split.count do not say part {i + 1} of {count}")
        if twice := whole.tensors.keys() & one.tensors.keys():
            raise ModelFileError(f"{part.name}: tensor {min(twice)} is in an earlier part too")
        whole.metadata = whole.metadata or one.metadata
        whole.tensors.update(one.tensors)
    expected = whole.metadata.get("split.tensors.count", len(whole.tensors))
    if expected != len(whole.tensors):
        raise ModelFileError(
            f"{path.name}: {len(whole.tensors)} tensors in all parts, split.tensors.count says {expected}"
        )
    return whole


# ---- From GGUF's names to those of config.json and the Hugging Face checkpoint

ARCHITECTURES = {"llama": "llama", "qwen2": "qwen2", "qwen3": "qwen3", "qwen3moe": "qwen3_moe"}

# config.json key, GGUF key, type, and whether it must be there
KEYS: list[tuple[str, str, type, bool]] = [
    ("hidden_size", "embedding_length", int, True),
    ("num_hidden_layers", "block_count", int, True),
    ("num_attention_heads", "attention.head_count", int, True),
    ("num_key_value_heads", "attention.head_count_kv", int, False),
    ("head_dim", "attention.key_length", int, False),
    ("intermediate_size", "feed_forward_length", int, True),
    ("rms_norm_eps", "attention.layer_norm_rms_epsilon", float, True),
    ("rope_theta", "rope.freq_base", float, False),
    ("max_position_embeddings", "context_length", int, True),
    ("num_experts", "expert_count", int, False),
    ("num_experts_per_tok", "expert_used_count", int, False),
    ("moe_intermediate_size", "expert_feed_forward_length", int, False),
]

# Keys of an architecture that add nothing to those above, if they say what is here required of them.
IMPLIED: dict[str, Callable[[dict[str, Any], Any], bool]] = {
    "vocab_size": lambda config, value: True,
    "tensor_data_layout": lambda config, value: True,
    "pooling_type": lambda config, value: True,  # what embeddings are made of, after the layers
    "attention.value_length": lambda config, value: value == head_dim(config),
    "attention.layer_norm_epsilon": lambda config, value: value == config["rms_norm_eps"],
    "attention.causal": lambda config, value: value is True,
    "attention.scale": lambda config, value: value == 0 or math.isclose(value, head_dim(config) ** -0.5, rel_tol=1e-6),
    "attention.sliding_window": lambda config, value: value == 0 or value >= config["max_position_embeddings"],
    "rope.dimension_count": lambda config, value: value == head_dim(config),
    "expert_weights_norm": lambda config, value: value is True,
    "expert_gating_func": lambda config, value: value in (0, 1),
    "expert_weights_scale": lambda config, value: value in (0, 1),
    "embedding_scale": lambda config, value: value in (0, 1),
    "residual_scale": lambda config, value: value in (0, 1),
    "logit_scale": lambda config, value: value in (0, 1),
}

# What llama.cpp's readers take of `rope.scaling.*`; `rope.scale_linear` is what the first files called the factor.
ROPE_SCALING = {
    "rope.scale_linear": "factor",
    "rope.scaling.factor": "factor",
    "rope.scaling.original_context_length": "original_max_position_embeddings",
    "rope.scaling.attn_factor": "attn_factor",
    "rope.scaling.yarn_attn_factor": "attn_factor",
    "rope.scaling.yarn_beta_fast": "beta_fast",
    "rope.scaling.yarn_beta_slow": "beta_slow",
}


def head_dim(config: dict[str, Any]) -> int:
    return int(config.get("head_dim") or config["hidden_size"] // config["num_attention_heads"])


NAMES = {
    "token_embd": "model.embed_tokens",
    "output_norm": "model.norm",
    "output": "lm_head",
    "attn_norm": "input_layernorm",
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "attn_q_norm": "self_attn.q_norm",
    "attn_k_norm": "self_attn.k_norm",
    "ffn_norm": "post_attention_layernorm",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
    "ffn_gate_inp": "mlp.gate",
    "ffn_gate_exps": "mlp.experts.gate_proj",
    "ffn_up_exps": "mlp.experts.up_proj",
    "ffn_down_exps": "mlp.experts.down_proj",
}


def checkpoint_name(name: str) -> str | None:
    """`blk.3.attn_q.weight` -> `model.layers.3.self_attn.q_proj.weight`; None for a name that is not known."""
    match = re.fullmatch(r"(?:blk\.(\d+)\.)?([a-z_]+)\.(weight|bias)", name)
    if not match or match[2] not in NAMES:
        return None
    layer = f"model.layers.{match[1]}." if match[1] else ""
    return f"{layer}{NAMES[match[2]]}.{match[3]}"


def load(path: Path) -> Checkpoint:
    """A GGUF file, or all parts of a split one, as a checkpoint. Raises ModelFileError."""
    header = read_all(path)
    metadata = header.metadata
    architecture = metadata.get("general.architecture")
    if not isinstance(architecture, str) or architecture not in ARCHITECTURES:
        raise ModelFileError(
            f"{path.name}: the architecture {architecture!r} is not supported; these are: {', '.join(ARCHITECTURES)}"
        )
    config = _config(metadata, architecture, path.name)
    tensors: dict[str, StoredTensor] = {}
    for name, tensor in header.tensors.items():
        if name == "rope_freqs.weight" and architecture == "llama":
            config["rope_scaling"] = _divisors(tensor, config, path.name)
        elif renamed := checkpoint_name(name):
            tensors[renamed] = tensor
        else:
            raise ModelFileError(f"{path.name}: the tensor {name} is not part of the architecture {architecture}")
    config["attention_bias"] = architecture == "llama" and "model.layers.0.self_attn.q_proj.bias" in tensors
    if architecture == "llama":
        _unpermute(tensors, config)
    tensors = split_experts(tensors)

    tokens = metadata.get("tokenizer.ggml.tokens")
    embedding = tensors.get("model.embed_tokens.weight")
    if embedding is not None and isinstance(tokens, list) and len(tokens) > embedding.shape[0]:
        raise ModelFileError(f"{path.name}: {len(tokens)} tokens for an embedding of {embedding.shape[0]} rows")
    tokenizer = tokenizer_from_gguf(metadata, path.name)
    template = _optional(metadata, "tokenizer.chat_template", str, path.name)
    if template and len(template) > MAX_TEMPLATE:
        raise ModelFileError(f"{path.name}: a chat template of {len(template)} characters is not supported")
    return Checkpoint(
        path=path,
        config=config,
        tensors=tensors,
        tokenizer_json=tokenizer.json,
        chat_template=template,
        bos_token=tokenizer.bos_token,
        eos_token=tokenizer.eos_token,
        add_bos=tokenizer.add_bos,
        stop_ids=tokenizer.stop_ids,
        fim=tokenizer.fim,
        notes=[tokenizer.note] if tokenizer.note else [],
        name=str(metadata.get("general.name", path.stem))[:200],
        licence=str(metadata.get("general.license", ""))[:200],
    )


def _optional(metadata: dict[str, Any], key: str, kind: type, file: str) -> Any:
    value = metadata.get(key)
    if isinstance(value, array) and len(value) and all(one == value[0] for one in value):
        value = value[0]  # one for each layer, all the same
    accepted = (int, float) if kind is float else kind
    if value is not None and (not isinstance(value, accepted) or (kind is int and isinstance(value, bool))):
        raise ModelFileError(f"{file}: {key} = {str(value)[:60]!r} should be of type {kind.__name__}")
    return value


def _config(metadata: dict[str, Any], architecture: str, file: str) -> dict[str, Any]:
    config: dict[str, Any] = {"model_type": ARCHITECTURES[architecture], "norm_topk_prob": True}
    if architecture != "qwen3moe":
        del config["norm_topk_prob"]
    for key, suffix, kind, needed in KEYS:
        if not architecture.endswith("moe") and "expert" in suffix:
            continue
        value = _optional(metadata, f"{architecture}.{suffix}", kind, file)
        if value is None:
            if needed:
                raise ModelFileError(f"{file}: the metadata key {architecture}.{suffix} is missing")
            continue
        if kind is int and not 0 < value < 1 << 31:
            raise ModelFileError(f"{file}: {architecture}.{suffix} = {value} is not a sensible size")
        config[key] = value
    if metadata.get(f"{architecture}.expert_count") and not architecture.endswith("moe"):
        raise ModelFileError(f"{file}: experts under the architecture {architecture} (Mixtral) are not supported")
    if scaling := _rope_scaling(metadata, architecture, file):
        config["rope_scaling"] = scaling
    read = {suffix for _, suffix, _, _ in KEYS if architecture.endswith("moe") or "expert" not in suffix}
    for key, value in metadata.items():
        suffix = key.removeprefix(f"{architecture}.")
        if suffix == key or suffix in read or suffix.startswith("rope.scaling.") or suffix in ROPE_SCALING:
            continue
        known = suffix in IMPLIED and isinstance(value, int | float)
        fits = IMPLIED[suffix](config, value) if known else _says_nothing(suffix, value)
        if not fits:
            raise ModelFileError(f"{file}: {key} = {str(value)[:40]} is not understood and may change the arithmetic")
    return config


def _says_nothing(suffix: str, value: Any) -> bool:
    """Whether a key of the architecture that is not read leaves the arithmetic as it is."""
    if isinstance(value, array):
        return may_stand(suffix, [one for one in value if one], {})
    return may_stand(suffix, [value] if isinstance(value, Unread) else value, {})


def _divisors(tensor: StoredTensor, config: dict[str, Any], file: str) -> dict[str, Any]:
    """A Llama 3's own stretching, on top of a linear one."""
    stretched = config.get("rope_scaling") or {"rope_type": "linear", "factor": 1.0}
    if tensor.shape != (head_dim(config) // 2,):
        raise ModelFileError(f"{file}: rope_freqs.weight has the shape {tensor.shape}, not ({head_dim(config) // 2},)")
    if stretched["rope_type"] != "linear":
        raise ModelFileError(f"{file}: rope_freqs.weight with rope.scaling.type = yarn is not supported")
    return {"rope_type": "divisors", "divisors": (tensor.array() * stretched["factor"]).tolist()}


def _rope_scaling(metadata: dict[str, Any], architecture: str, file: str) -> dict[str, Any] | None:
    """How the rotation is stretched, as llama.cpp reads it: without a type, a factor is a linear one."""
    found: dict[str, Any] = {}
    for suffix, key in ROPE_SCALING.items():
        if (value := _optional(metadata, f"{architecture}.{suffix}", float, file)) is not None:
            found[key] = value
    kind = _optional(metadata, f"{architecture}.rope.scaling.type", str, file)
    for key, value in metadata.items():
        suffix = key.removeprefix(f"{architecture}.")
        if not suffix.startswith("rope.scaling.") or suffix in ROPE_SCALING or suffix.endswith((".type", ".finetuned")):
            continue
        neutral = (
            (0, 1, -1) if suffix.endswith("ext_factor") and kind == "yarn" else (0, -1) if "ext_" in suffix else (0,)
        )
        if not isinstance(value, int | float) or value not in neutral:
            raise ModelFileError(f"{file}: {key} = {str(value)[:40]} is not understood and may change the arithmetic")
    found["factor"] = found.get("factor") or 1.0  # 0 says the same
    if kind == "none":
        return None
    if kind in (None, "linear"):
        if found.get("attn_factor", 1) not in (0, 1):
            raise ModelFileError(f"{file}: {architecture}.rope.scaling.attn_factor is not supported without YaRN")
        return None if found["factor"] == 1 else {"rope_type": "linear", "factor": found["factor"]}
    if kind != "yarn":
        raise ModelFileError(f"{file}: {architecture}.rope.scaling.type = {kind[:40]!r} is not supported")
    if found.get("attn_factor") == 0:
        del found["attn_factor"]
    return {"rope_type": kind, **found}


def _unpermute(tensors: dict[str, StoredTensor], config: dict[str, Any]) -> None:
    """Puts the query and key rows of a Llama GGUF back in Hugging Face's order, pairs (i, i + half).

    The converter interleaves them, (2i, 2i + 1), for ggml's rotation; blocks lie within rows, so moving rows is exact.
    """
    heads = config["num_attention_heads"]
    for name, tensor in tensors.items():
        match = re.fullmatch(r"model\.layers\.\d+\.self_attn\.([qk])_proj\.(?:weight|bias)", name)
        if not match:
            continue
        count = heads if match[1] == "q" else config.get("num_key_value_heads", heads)
        if tensor.shape[0] % (2 * count) or len(tensor.shape) > 2:
            raise ModelFileError(
                f"the weights do not fit the configuration: {name} has {tensor.shape[0]} rows for {count} heads"
            )
        order = np.arange(tensor.shape[0]).reshape(count, -1, 2).swapaxes(1, 2).reshape(-1)
        if tensor.nbytes % tensor.shape[0]:
            raise ModelFileError(f"{name} is quantised across its rows")
        tensors[name] = replace(tensor, order=order)
