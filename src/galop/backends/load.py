"""From a name or a file to a model in memory."""

from __future__ import annotations

import logging
from functools import partial
from pathlib import Path
from typing import Any, TypedDict, Unpack

from galop.backends.default_sampling import parse_sampling
from galop.backends.local import Model
from galop.backends.memory import PROCESS_BYTES, SHORTEST_CONTEXT, gib, plan_memory
from galop.engine.disk_cache import DiskCache
from galop.engine.states import KVType
from galop.errors import MemoryBudgetError, ModelFileError
from galop.machine import available_memory, cache_directory, default_threads
from galop.models import parse_config, trace
from galop.models.config import Config
from galop.models.from_file import open_checkpoint
from galop.ops.plan import Plan
from galop.store import Source, fetch, locate, resolve, trim_packs
from galop.tokenizers.tokenizer import Tokenizer
from galop.weights import pack as packs
from galop.weights.files import report_os_errors, source_files, weight_bytes
from galop.weights.pack import Pack, Progress

log = logging.getLogger("galop")


class LoadOptions(TypedDict, total=False):
    """How a model is loaded. What is left out, or None, is chosen from the machine and the model."""

    context: int | None  # the most tokens of a conversation; by default 8192, or as many as it was trained for or fit
    threads: int | None
    memory: int | None  # bytes that it may take in all; by default what is free
    kv: KVType  # how keys and values are kept: "f16", or "int8" in 53 % of the memory
    isa: str  # the instruction set of the kernels; by default the best that this processor has
    pool: int  # bytes that the KV cache of all conversations may take, if that is more than one context's and fits
    disk_cache: DiskCache | None  # keeps the KV cache of conversations beyond this process
    shortest: int  # the shortest context to load with where memory is short and no context is asked for


def load(name: str, draft: str = "", **options: Unpack[LoadOptions]) -> Model:
    """Loads a model by any name the command line takes, downloading it if need be; see LoadOptions.

    `draft` names a smaller model of the same tokens, which guesses ahead. Raises UnknownModelError, DownloadError,
    ModelFileError, MemoryBudgetError.
    """
    return load_source(resolve(locate(name)), draft=draft, **options)


def load_source(
    source: Source, progress: Progress | None = None, draft: str = "", **options: Unpack[LoadOptions]
) -> Model:
    """`load` for a source already located. Raises DownloadError, ModelFileError, MemoryBudgetError."""
    model = load_path(fetch(source, progress), cache_directory(), progress, **options)
    trim_packs()
    if source.entry:
        by_mode = source.entry.sampling
        thinking = parse_sampling(by_mode.get("thinking") or by_mode.get("chat", {}))
        model.default_sampling = thinking or model.default_sampling
        model.direct_sampling = parse_sampling(by_mode["chat"]) if "thinking" in by_mode and "chat" in by_mode else None
    if draft:
        if memory := options.get("memory"):
            options["memory"] = memory - model.memory
        options.pop("context", None)
        model.draft_with(load_source(resolve(locate(draft)), progress, **options))
    return model


def load_path(
    path: Path, cache: Path | None = None, progress: Progress | None = None, **options: Unpack[LoadOptions]
) -> Model:
    """Loads a GGUF file or a safetensors directory; its pack is kept in `cache`.

    With a pool (see LoadOptions) the default context is what fits it, or half of what the weights leave. Memory for
    keys and values is taken as they come. Raises ModelFileError, MemoryBudgetError.
    """
    threads = options.get("threads") or default_threads()
    budget = options.get("memory") or available_memory()
    kv: KVType = options.get("kv", "f16")
    _check_size(path, budget)
    context = options.get("context")
    pack, plan = open_pack(path, cache, threads, progress, context)
    shortest = options.get("shortest", SHORTEST_CONTEXT)
    memory = plan_memory(pack, plan, kv, budget, context, options.get("pool", 0), shortest)
    pack, plan, tokenizer = _load_pack(path, cache, threads, progress, pack, plan, context)
    for note in pack.card.notes:
        log.warning("%s", note)
    return Model(
        pack, plan, tokenizer, memory.context, threads, kv, options.get("isa", ""), memory.pool_tokens,
        options.get("disk_cache"), memory.total_bytes, memory.sequences,
    )  # fmt: skip


def _check_size(path: Path, budget: int) -> None:
    """Raises MemoryBudgetError for what cannot fit however it is loaded."""
    size = weight_bytes(path)
    if path.is_dir() or path.suffix == ".safetensors":  # packed to 8 bits: 34 bytes for 32 values of 2 or 4
        size = size * 34 // 128
    if size + PROCESS_BYTES > budget:
        raise MemoryBudgetError(
            f"{path.name} needs at least {gib(size + PROCESS_BYTES)} of memory and {gib(budget)} may be used; "
            "take a smaller model or quantisation, or raise --memory"
        )


def _load_pack(
    path: Path,
    cache: Path | None,
    threads: int,
    progress: Progress | None,
    pack: Pack,
    plan: Plan,
    context: int | None,
) -> tuple[Pack, Plan, Tokenizer]:
    """The pack in memory, rebuilt if it turns out to be damaged while it is read, and its tokenizer.

    A tokenizer of 150,000 entries takes as long to read as the weights, so both are read at once.
    """
    card = pack.card
    read_tokenizer = partial(
        Tokenizer, pack.tokenizer_json, card.bos_token, card.eos_token, card.add_bos, card.dummy_space
    )
    try:
        pack, tokenizer = packs.load_resident(pack, threads, read_tokenizer, progress)
    except packs.DamagedPack:
        _warn_damaged(path)
        stays = pack.path is not None and pack.path.exists()  # in a cache that only may be read
        pack, plan = open_pack(path, None if stays else cache, threads, progress, context)
        pack, tokenizer = packs.load_resident(pack, threads, read_tokenizer, progress)
    return pack, plan, tokenizer


def open_pack(
    path: Path, cache: Path | None, threads: int, progress: Progress | None = None, context: int | None = None
) -> tuple[Pack, Plan]:
    """The pack of a GGUF file or safetensors directory, made if need be, and its plan, for conversations of no more
    than `context` tokens. Raises ModelFileError."""
    with report_os_errors(path):
        files = source_files(path)
        target = packs.pack_path(cache, files) if cache else None
    try:
        pack = packs.load(target) if target else None
    except packs.DamagedPack:
        _warn_damaged(path)
        pack = None
    if pack is not None:
        shapes = {name: (m.rows, m.cols) for name, m in pack.matrices.items()}
        vectors = {name: v.shape for name, v in pack.vectors.items()}
        config = _parse_config(pack.card.config, path.name, context)
        return pack, trace(pack.card.config["model_type"], config, {**shapes, **vectors})
    with report_os_errors(path):
        checkpoint = open_checkpoint(path)
    config = _parse_config(checkpoint.config, path.name, context)
    try:
        plan = trace(checkpoint.config["model_type"], config, checkpoint.shapes())
    except ModelFileError as error:
        raise ModelFileError(f"{path.name}: {error}") from None
    used = plan.matrices().keys() | plan.vectors().keys()
    unused = [n for n in checkpoint.tensors if n not in used and not n.endswith(".rotary_emb.inv_freq")]
    if unused:
        raise ModelFileError(
            f"{path.name}: the tensor {unused[0]} has no place in this configuration, so the results would be wrong"
        )
    with report_os_errors(path):
        return packs.build(checkpoint, plan, files, target, threads, progress), plan


def _parse_config(raw: dict[str, Any], file: str, context: int | None) -> Config:
    """The config for conversations of no more than `context` tokens; `raw` then says for how many the model can be
    loaded at most. Raises ModelFileError."""
    config = parse_config(raw, file)
    raw["max_position_embeddings"] = config.max_position_embeddings
    return config.limit_context(context)


def _warn_damaged(path: Path) -> None:
    log.warning("the packed copy of %s was damaged and is made anew", path.name)
