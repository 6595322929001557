"""From a file to a checkpoint: its config, tensors as its family names them, tokenizer and template."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from galop.errors import ModelFileError
from galop.models import ALL, ENCODERS, find_family, model_type, refuse_architecture
from galop.models.checkpoint_forms import add_one, keep_text, name_whole, split_fused, undo_mlx
from galop.models.config import drop_null, flatten
from galop.models.sentence_files import read_modules
from galop.tokenizers import tekken
from galop.tokenizers.dummy_space import take_dummy_space
from galop.tokenizers.gguf import tokenizer_from_gguf
from galop.tokenizers.pre_tokenizers import PRE_TOKENIZERS
from galop.tokenizers.stops import integers, stop_ids
from galop.tokenizers.tokenizer_json import sanitize, token_ids
from galop.tokenizers.vocabulary_files import (
    ADDED,
    MERGES,
    PRE_TOKENIZER_OF,
    SENTENCEPIECE,
    VOCABULARY,
    describe_merges,
    describe_model,
    read_added,
)
from galop.weights import gguf, safetensors
from galop.weights.checkpoint import Checkpoint
from galop.weights.json_files import MAX_TEMPLATE, load_bytes, load_json, load_text
from galop.weights.quantized.decode import decode, take_quantization
from galop.weights.quantized.fp4 import join_factors
from galop.weights.stored_tensor import RAW_TYPES, Tensors

TOKEN_ARRAYS = tuple(f"tokenizer.ggml.{key}" for key in ("tokens", "scores", "token_type"))
BEGIN_AND_END = (("bos_token", "cls_token"), ("eos_token", "sep_token"))
# A family that has no mapping of its own comes in its parent's GGUF files, as its parent.
ARCHITECTURES = {
    name: family
    for family in ALL.values()
    if "gguf" in vars(family)
    for name in (family.gguf.architecture, *family.gguf.other_architectures)
}


def open_checkpoint(path: Path) -> Checkpoint:
    """A GGUF file or a safetensors directory. Raises ModelFileError, and OSError for what cannot be read."""
    if path.suffix in {".bin", ".pt", ".pth", ".pkl", ".ckpt"}:
        raise ModelFileError(
            f"{path.name}: pickle formats are not supported, they may run code; take GGUF or safetensors"
        )
    if path.suffix == ".safetensors":
        path = path.parent
    checkpoint = open_directory(path) if path.is_dir() else open_gguf(path)
    checkpoint.notes += [f"{path.name}: {loss}" for loss in checkpoint.describe_losses()]
    return checkpoint


def open_gguf(path: Path) -> Checkpoint:
    """A GGUF file, or all parts of a split one. Raises ModelFileError, and OSError for what cannot be read."""
    header = gguf.parse(path)
    metadata = header.metadata
    architecture = metadata.get("general.architecture")
    if architecture in ("clip", "mmproj"):
        raise ModelFileError(
            f"{path.name} holds the part of a model that sees or hears (mmproj); give the file of its text model"
        )
    if not isinstance(architecture, str) or architecture not in ARCHITECTURES:
        raise refuse_architecture(path.name, architecture, ARCHITECTURES)
    family = ARCHITECTURES[architecture]
    mapping = replace(family.gguf, architecture=architecture)
    config = mapping.parse_config(header, family.model_type)
    tensors = mapping.rename(joined := join_factors(header.tensors), path.name)
    others = tell_others(path.name, len(joined) - len(tensors))
    tensors = split_fused(tensors, config)
    tensors = mapping.restore(tensors, config, path.name)
    # GGUF has no key of that: the tensors say it.
    config.setdefault("attention_bias", any(name.endswith(".self_attn.q_proj.bias") for name in tensors))
    tensors = family.sanitize(tensors, config)

    tokens = metadata.get("tokenizer.ggml.tokens")
    embedding = tensors.get("model.embed_tokens.weight")
    if embedding is not None and isinstance(tokens, list) and len(tokens) > (rows := embedding.shape[0]):
        if not others:
            raise ModelFileError(f"{path.name}: {len(tokens)} tokens for an embedding of {rows} rows")
        # Ollama's files name tokens of pictures, too, which are never read as such.
        metadata = metadata | {key: metadata[key][:rows] for key in TOKEN_ARRAYS if key in metadata}
    tokenizer = tokenizer_from_gguf(metadata, path.name, mapping.pre_tokenizer)
    template = header.get("tokenizer.chat_template", str)
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
        dummy_space=tokenizer.dummy_space,
        stop_ids=tokenizer.stop_ids,
        fim=tokenizer.fim,
        notes=[note for note in (tokenizer.note, others) if note],
        name=str(metadata.get("general.name", path.stem))[:200],
        licence=str(metadata.get("general.license", ""))[:200],
    )


def open_directory(directory: Path) -> Checkpoint:
    """A model directory: config.json, safetensors, tokenizer.json and what may stand beside them.

    Raises ModelFileError, and OSError for what cannot be read.
    """
    config, tensors, notes = _open_weights(directory)
    embedding = tensors.get("model.embed_tokens.weight")
    if embedding is None or len(embedding.shape) != 2:
        raise ModelFileError(f"{directory}: the tensor model.embed_tokens.weight is missing or no matrix")
    rows = embedding.shape[0]
    specials = load_json(directory / "special_tokens_map.json")
    settings = {**specials, **drop_null(load_json(directory / "tokenizer_config.json"))}
    description, told = _load_tokenizer(directory, settings, find_family(config, directory.name).gguf.pre_tokenizer)
    if split := told.pop("pre_tokenizer", ""):
        notes.append(f"{directory.name}: there is no tokenizer.json; its text is taken to be split as {split!r} is")
    settings = {**told, **settings}
    dummy_space = take_dummy_space(description)
    generation = load_json(directory / "generation_config.json")
    # Encoders have tokens of other names for the same.
    bos, eos = (_token(settings.get(a)) or _token(settings.get(b)) for a, b in BEGIN_AND_END)
    ends = [generation.get("eos_token_id"), config.get("eos_token_id")]
    nowhere = sorted({i for i in integers(ends) if not 0 <= i < rows})
    if nowhere:
        notes.append(f"{directory.name}: eos_token_id {nowhere[0]} is none of its {rows} tokens and is ignored")
    return Checkpoint(
        path=directory,
        config=config,
        tensors=tensors,
        tokenizer_json=sanitize(description, rows),
        chat_template=_load_template(directory, settings),
        bos_token=bos,
        eos_token=eos,
        add_bos=settings.get("add_bos_token", _adds(description, bos)) is True,
        dummy_space=dummy_space,
        stop_ids=stop_ids(ends, eos, token_ids(description, eos), rows),
        notes=notes,
        generation=generation,
        name=directory.name,
    )


def tell_others(name: str, count: int) -> str:
    """What to say of a model's tensors for something else than text; nothing where there are none."""
    return f"{name}: {count} tensors for images or sound are left out: it reads and writes text" if count else ""


def _open_weights(directory: Path) -> tuple[dict[str, Any], Tensors, list[str]]:
    """The config of the language model, its tensors as its family names them, and what a user should know of them."""
    raw = load_json(directory / "config.json")
    if not raw:
        raise ModelFileError(
            f"{directory}: there is no config.json; give a GGUF file or a Hugging Face model directory"
        )
    quantization = take_quantization(raw, directory)
    stored = safetensors.parse_directory(directory)
    text = raw.get("text_config")
    if isinstance(text, dict) and text.get("tie_word_embeddings", tie := raw.get("tie_word_embeddings")) != tie:
        # Which of the two counts has changed with transformers' versions; a head that is there is one.
        raw["tie_word_embeddings"] = text["tie_word_embeddings"] = not any("lm_head." in name for name in stored)
    config = flatten(raw, "config.json")
    family = find_family(config, directory.name)
    config["model_type"] = model_type(config)
    config = {**family.config_class.defaults, **config}
    tensors = name_whole(decode(stored, quantization, "config.json") if quantization else stored)
    if family.model_type in ENCODERS:
        config["pooling"], dense = read_modules(directory)
        tensors |= dense
    notes = []
    if family.config_class.multimodal:
        tensors = keep_text(whole := tensors)
        if others := tell_others(directory.name, len(whole) - len(tensors)):
            notes.append(others)
    tensors, turned = undo_mlx(split_fused(tensors, config))
    tensors = family.sanitize(tensors if turned else add_one(tensors, family.centred_norms), config)
    if raw_types := [name for name, tensor in tensors.items() if tensor.quant_type in RAW_TYPES]:
        name = raw_types[0]
        raise ModelFileError(
            f"{directory.name}: {name} is in {tensors[name].quant_type}, and nothing says what that means"
        )
    if config.get("tie_word_embeddings", family.config_class.tie_word_embeddings):
        tensors.pop("lm_head.weight", None)  # a redundant copy that some tied checkpoints carry
    elif "lm_head.weight" not in tensors:
        raise ModelFileError(f"{directory}: the tensor lm_head.weight is missing and the embeddings are not tied")
    return config, tensors, notes


def _load_tokenizer(directory: Path, settings: dict[str, Any], split: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The contents of tokenizer.json, or of what stands in its place, and what that says of the settings; `split` is
    how texts of the family are split. Raises ModelFileError where there is none."""
    if (file := directory / "tokenizer.json").is_file():
        return load_json(file), {}
    if (file := directory / tekken.FILE).is_file():
        return tekken.describe_tekken(load_json(file)), {
            "bos_token": "<s>", "eos_token": "</s>", "add_bos_token": True
        }  # fmt: skip
    added = read_added(load_json(directory / ADDED), settings)
    if (file := directory / SENTENCEPIECE).is_file():
        return describe_model(load_bytes(file), added)
    if (file := directory / VOCABULARY).is_file() and (merges := directory / MERGES).is_file():
        split = split or PRE_TOKENIZER_OF.get(str(settings.get("tokenizer_class")), "")
        if not split:
            raise ModelFileError(
                f"{directory}: nothing says how {VOCABULARY} splits text; take a checkpoint with a tokenizer.json"
            )
        text = load_bytes(merges).decode(errors="replace")
        return describe_merges(load_json(file), text, added, PRE_TOKENIZERS[split]), {"pre_tokenizer": split}
    raise ModelFileError(
        f"{directory}: there is no tokenizer.json, nor {tekken.FILE}, {SENTENCEPIECE}, or {VOCABULARY} with {MERGES}"
    )


def _load_template(directory: Path, settings: dict[str, Any]) -> str | None:
    """A chat template, from a file of its own, that of a model that sees, or the tokenizer's settings."""
    if (own := directory / "chat_template.jinja").is_file():
        return load_text(own)
    template = load_json(directory / "chat_template.json").get("chat_template") or settings.get("chat_template")
    if isinstance(template, list):  # several named templates
        named = {str(t.get("name")): t.get("template") for t in template if isinstance(t, dict)}
        template = named.get("default")
    if isinstance(template, str) and len(template) > MAX_TEMPLATE:
        raise ModelFileError(
            f"tokenizer_config.json: a template of more than {MAX_TEMPLATE >> 20} MiB is not supported"
        )
    return template if isinstance(template, str) else None


def _token(value: Any) -> str:
    """A special token as tokenizer_config.json writes it: a string, or an object with its content."""
    content = value.get("content") if isinstance(value, dict) else value
    return content if isinstance(content, str) else ""


def _adds(description: dict[str, Any], bos: str) -> bool:
    """Whether a tokenizer.json puts `bos` before every text: Llama 3 says so nowhere else."""
    return bool(bos) and json.dumps(bos) in json.dumps(description.get("post_processor"))
