"""How encoders make one vector of a text, as the files of Sentence Transformers and GGUF say it: pooling, dense layers,
length 1."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from galop.errors import ModelFileError
from galop.ops import Inputs, Tensor, ones, pool, rms_norm, rows, scale
from galop.weights import safetensors
from galop.weights.json_files import MAX_JSON, load_json, parse_json
from galop.weights.stored_tensor import Tensors

POOLINGS = ("mean", "cls", "last")  # of all tokens, the first, the last
GGUF_POOLINGS = {1: "mean", 2: "cls", 3: "last"}
MAX_MODULES = 8
IDENTITY = ("torch.nn.modules.linear.Identity", "")


def pooling_named(raw: dict[str, Any], file: str) -> dict[str, Any]:
    """A config whose pooling is one of POOLINGS. Raises ModelFileError for one that is none."""
    pooling = raw.get("pooling", POOLINGS[0])
    pooling = GGUF_POOLINGS.get(pooling, pooling) if type(pooling) is int else pooling
    if pooling not in POOLINGS:
        raise ModelFileError(f"{file}: the pooling {str(pooling)[:40]!r} is not supported; these are: {POOLINGS}")
    return {**raw, "pooling": pooling}


def read_modules(directory: Path) -> tuple[str, Tensors]:
    """The pooling that modules.json and the folders it names ask for ("mean" where there is none), and the tensors of
    dense layers, `dense.0.weight` and so on. Raises ModelFileError for what is not known."""
    path = directory / "modules.json"
    if not path.is_file():
        return POOLINGS[0], {}
    with path.open("rb") as file:  # a list, where all other files have an object
        modules = parse_json(b'{"modules":' + file.read(MAX_JSON) + b"}", "modules.json")["modules"]
    if not isinstance(modules, list) or len(modules) > MAX_MODULES:
        raise ModelFileError(f"modules.json: not a list of at most {MAX_MODULES} modules")
    pooling, dense = POOLINGS[0], []
    for module in modules:
        kind, where = (str(module.get(key, "")) if isinstance(module, dict) else "" for key in ("type", "path"))
        kind = kind.rpartition(".")[2]
        if "/" in where or "\\" in where or where.startswith("."):
            raise ModelFileError(f"modules.json: {where[:40]!r} is not a folder of the model")
        if kind == "Pooling":
            pooling = _pooling(load_json(directory / where / "config.json"))
        elif kind == "Dense":
            dense.append(directory / where)
        elif kind not in ("Transformer", "Normalize"):
            raise ModelFileError(f"modules.json: a module of type {kind[:40]!r} is not supported")
    found: Tensors = {}
    for i, folder in enumerate(dense):
        activation = str(load_json(folder / "config.json").get("activation_function", ""))
        if activation not in IDENTITY:
            raise ModelFileError(f"{folder.name}/config.json: the activation {activation[:60]!r} is not supported")
        for name, tensor in safetensors.parse_file(folder / "model.safetensors").items():
            found[f"dense.{i}.{name.removeprefix('linear.')}"] = tensor
    return pooling, found


def _pooling(config: dict[str, Any]) -> str:
    """Of a Pooling module. Raises ModelFileError for none or several, or one that is not known."""
    modes = {"pooling_mode_mean_tokens": "mean", "pooling_mode_cls_token": "cls", "pooling_mode_lasttoken": "last"}
    named = [config["pooling_mode"]] if isinstance(config.get("pooling_mode"), str) else []
    asked = [key for key, value in config.items() if key.startswith("pooling_mode_") and value is True]
    chosen = [modes.get(key, key) for key in asked] or named
    if len(chosen) != 1 or chosen[0] not in POOLINGS:
        raise ModelFileError(f"the pooling {chosen} is not supported; one of these is: {', '.join(POOLINGS)}")
    return str(chosen[0])


def pool_by(inputs: Inputs, x: Tensor, pooling: str) -> Tensor:
    """One of POOLINGS: a vector for each sequence, of the hidden states of its tokens."""
    pooled: Tensor = rows(x, inputs.rows) if pooling == "last" else pool(inputs, x, mean=pooling == "mean")
    return pooled


def unit_vectors(x: Tensor) -> Tensor:
    """Vectors made length 1."""
    normed: Tensor = scale(rms_norm(x, ones(x.width), 1e-24), x.width**-0.5)
    return normed
