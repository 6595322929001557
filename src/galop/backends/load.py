"""From a file to a model in memory: its pack, its plan, and whether it fits."""

from __future__ import annotations

import logging
from functools import partial
from pathlib import Path
from typing import Any

from galop.backends.default_sampling import parse_sampling
from galop.backends.local import Model
from galop.engine.disk_cache import DiskCache
from galop.engine.engine import CHUNK_TOKENS
from galop.engine.kv_cache import blocks_for
from galop.engine.states import BLOCK_TOKENS, KVType, state_of
from galop.errors import MemoryBudgetError, ModelFileError
from galop.machine import available_memory, cache_directory, default_threads
from galop.models import parse_config, trace
from galop.models.from_file import open_checkpoint
from galop.ops.plan import Plan
from galop.store import Source, fetch, locate, resolve, trim_packs
from galop.tokenizers.tokenizer import Tokenizer
from galop.weights import pack as packs
from galop.weights.files import report_os_errors, source_files, weight_bytes
from galop.weights.pack import Pack, Progress

log = logging.getLogger("galop")

# Interpreter, NumPy and a tokenizer of 150,000 entries, before any weight.
PROCESS_BYTES = 192 << 20
DEFAULT_CONTEXT = 8192
SHORTEST_CONTEXT = 512


def memory_needed(pack: Pack, plan: Plan, context: int, kv: KVType = "f16") -> dict[str, int]:
    """Bytes by purpose of a model at a context length."""
    matrices = sum(m.nbytes for m in pack.matrices.values())
    state = state_of(plan, kv)
    return {
        "weights": matrices,
        "kv": blocks_for(context) * state.block_bytes + state.sequence_bytes,
        "scratch": _scratch(plan),
        "process": PROCESS_BYTES,
    }


def _scratch(plan: Plan) -> int:
    """What a full prompt chunk needs: float32 buffers, int8 activations, what ops need beside, unpacked panels."""
    _, slots = plan.slots()
    beside = [step.scratch for step in plan.steps]
    floats = sum(width for width, dim in slots if dim == "T") + sum(s.floats for s in beside)
    widest = max(s.activations for s in beside)
    return CHUNK_TOKENS * (floats * 4 + widest * 2) + slots[-1][0] * 8


def open_pack(path: Path, cache: Path | None, threads: int, progress: Progress | None = None) -> tuple[Pack, Plan]:
    """The pack of a GGUF file or safetensors directory, made if need be, and its plan. Raises ModelFileError."""
    with report_os_errors(path):
        files = source_files(path)
        target = packs.pack_path(cache, files) if cache else None
    try:
        pack = packs.load(target) if target else None
    except packs.DamagedPack:
        _tell(path)
        pack = None
    if pack is not None:
        shapes = {name: (m.rows, m.cols) for name, m in pack.matrices.items()}
        vectors = {name: v.shape for name, v in pack.vectors.items()}
        config = parse_config(pack.card.config, path.name)
        return pack, trace(pack.card.config["model_type"], config, {**shapes, **vectors})
    with report_os_errors(path):
        checkpoint = open_checkpoint(path)
    config = parse_config(checkpoint.config, path.name)
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


def _tell(path: Path) -> None:
    log.warning("the packed copy of %s was damaged and is made anew", path.name)


def load(name: str, **options: Any) -> Model:
    """Loads a model by any name the command line takes, downloading it if need be.

    `options`: context, threads, memory (bytes), kv ("f16" or "int8"), isa, draft (a smaller model of the same tokens,
    which guesses ahead). Raises UnknownModelError, DownloadError, ModelFileError, MemoryBudgetError.
    """
    return load_source(resolve(locate(name)), **options)


def load_source(source: Source, progress: Progress | None = None, draft: str = "", **options: Any) -> Model:
    """`load` for a source already located."""
    model = load_path(fetch(source, progress), cache_directory(), progress=progress, **options)
    trim_packs()
    if source.entry:
        by_mode = source.entry.sampling
        model.default_sampling = (
            parse_sampling(by_mode.get("thinking") or by_mode.get("chat", {})) or model.default_sampling
        )
        model.direct_sampling = parse_sampling(by_mode["chat"]) if "thinking" in by_mode and "chat" in by_mode else None
    if draft:
        if options.get("memory"):
            options["memory"] -= model.memory
        options.pop("context", None)
        model.draft_with(load_source(resolve(locate(draft)), progress, **options))
    return model


def load_path(
    path: Path,
    cache: Path | None = None,
    context: int | None = None,
    threads: int | None = None,
    memory: int | None = None,
    kv: KVType = "f16",
    isa: str = "",
    progress: Progress | None = None,
    pool: int = 0,
    folder: DiskCache | None = None,
    shortest: int = SHORTEST_CONTEXT,
) -> Model:
    """Loads a GGUF file or a safetensors directory.

    `context` is the most tokens a conversation may take, as far as the model was trained for them; by default as many
    as that, at most DEFAULT_CONTEXT, less where memory is short. `memory` is the bytes it may take in all; `kv` how
    keys and values are kept: int8 takes 53 % of the memory of f16, and head sizes that are a multiple of 32. `pool` is
    the most bytes that the keys and values of all conversations may take, if they are more than one context's and fit:
    with one, the default context is what fits it, or half of what the weights leave. Memory for keys and values is
    taken as they come. `folder` keeps them on disk. Where memory is short a context that was not asked for may be less,
    but not less than `shortest`. Raises ModelFileError, MemoryBudgetError.
    """
    threads = threads or default_threads()
    budget = memory or available_memory()
    size = weight_bytes(path)
    if path.is_dir() or path.suffix == ".safetensors":  # packed to 8 bits: 34 bytes for 32 values of 2 or 4
        size = size * 34 // 128
    if size + PROCESS_BYTES > budget:
        raise MemoryBudgetError(
            f"{path.name} needs at least {_gib(size + PROCESS_BYTES)} of memory and {_gib(budget)} may be used; "
            "take a smaller model or quantisation, or raise --memory"
        )
    pack, plan = open_pack(path, cache, threads, progress)
    longest = int(pack.card.config["max_position_embeddings"])
    needed = memory_needed(pack, plan, 0, kv)
    fixed = sum(needed.values())
    block = max(state_of(plan, kv).block_bytes, 1)
    usual = max(DEFAULT_CONTEXT, max(pool, (budget - fixed) // 2) // block * BLOCK_TOKENS if pool else 0)
    wanted = min(context or usual, longest)
    if context and context > longest:
        log.warning("%s was trained for %d tokens, so its context is that, not %d", pack.card.name, longest, context)
    needed = memory_needed(pack, plan, wanted, kv)
    if sum(needed.values()) > budget:
        fits = (budget - fixed) // block * BLOCK_TOKENS
        if context or fits < min(shortest, longest):
            parts = ", ".join(f"{name} {_gib(n)}" for name, n in needed.items())
            hint = f"--context {fits} would fit" if fits >= SHORTEST_CONTEXT else "take a smaller model or quantisation"
            raise MemoryBudgetError(
                f"{pack.card.name} with a context of {wanted} needs {_gib(sum(needed.values()))} ({parts}) and "
                f"{_gib(budget)} may be used; {hint}"
            )
        wanted = fits
    read_tokenizer = partial(
        Tokenizer, pack.tokenizer_json, pack.card.bos_token, pack.card.eos_token, pack.card.add_bos
    )
    # A tokenizer of 150,000 entries takes as long to read as the weights, so both are read at once.
    try:
        pack, tokenizer = packs.load_resident(pack, threads, read_tokenizer, progress)
    except packs.DamagedPack:
        _tell(path)
        stays = pack.path is not None and pack.path.exists()  # in a cache that only may be read
        pack, plan = open_pack(path, None if stays else cache, threads, progress)
        pack, tokenizer = packs.load_resident(pack, threads, read_tokenizer, progress)
    for note in pack.card.notes:
        log.warning("%s", note)
    needed = memory_needed(pack, plan, wanted, kv)
    spare = budget - sum(needed.values()) + needed["kv"]
    needed["kv"] = max(needed["kv"], min(pool, spare))
    tokens = needed["kv"] // block * BLOCK_TOKENS
    model = Model(pack, plan, tokenizer, wanted, threads, kv, isa, tokens, folder)
    model.memory = sum(needed.values())
    return model


def _gib(n: int) -> str:
    return f"{n / (1 << 30):.2f} GiB"
