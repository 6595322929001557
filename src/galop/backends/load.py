"""From a name or a file to a model in memory.

What is imported here is little: a start takes as long as the weights take to be read, and while they are, the code that
computes with them is imported.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict, Unpack

from galop.chat.renderer import Renderer
from galop.errors import MemoryBudgetError, ModelFileError
from galop.machine import available_memory, cache_directory, default_threads
from galop.store import Source, fetch, locate, resolve, trim_packs
from galop.weights import pack as packs
from galop.weights.files import may_see, report_os_errors, source_files, weight_bytes
from galop.weights.pack import Pack, Progress

if TYPE_CHECKING:
    from galop.backends.eyes import Eyes, TowerPack
    from galop.backends.local import Model
    from galop.backends.memory import MemoryPlan
    from galop.engine.disk_cache import DiskCache
    from galop.engine.states import KVType
    from galop.models.config import Config
    from galop.ops.plan import Plan
    from galop.tokenizers.tokenizer import Tokenizer

log = logging.getLogger("galop")
LEFT_OUT = "tensors for images or sound are left out"  # of a note, by which is meant what a tower has


class LoadOptions(TypedDict, total=False):
    """How a model is loaded. What is left out, or None, is chosen from the machine and the model."""

    context: int | None  # the most tokens of a conversation; by default 8192, or as many as it was trained for or fit
    threads: int | None
    memory: int | None  # bytes that it may take in all; by default what is free
    kv: KVType  # how keys and values are kept: "f16", or "int8" in 52 % of the memory
    isa: str  # the instruction set of the kernels; by default the best that this processor has
    pool: int  # bytes that the KV cache of all conversations may take, if that is more than one context's and fits
    disk_cache: DiskCache | None  # keeps the KV cache of conversations beyond this process
    mmproj: Path | None  # the file of the vision tower, where it is not beside the model's
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
    options["mmproj"] = options.get("mmproj") or source.mmproj
    model = load_path(fetch(source, progress), cache_directory(), progress, **options)
    trim_packs()
    if source.entry:
        from galop.backends.default_sampling import parse_sampling

        by_mode = source.entry.sampling
        thinking = parse_sampling(by_mode.get("thinking") or by_mode.get("chat", {}))
        model.default_sampling = thinking or model.default_sampling
        model.direct_sampling = parse_sampling(by_mode["chat"]) if "thinking" in by_mode and "chat" in by_mode else None
    if draft:
        if memory := options.get("memory"):
            options["memory"] = memory - model.memory
        options.pop("context", None)
        options.pop("mmproj", None)
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
    context = options.get("context")
    _check_size(path, budget)
    renderer = Renderer()

    def read(cache: Path | None) -> tuple[Pack, tuple[Plan, MemoryPlan, Tokenizer, Eyes | None]]:
        """The pack in memory, and what is made of its header: a tokenizer of 150,000 entries takes as long to read as
        the weights, the template's process as long to start, and the code of the rest some time to be imported."""
        pack = find_pack(path, cache)
        plan = None
        if pack is None:
            pack, plan = build_pack(path, cache, threads, progress, context)

        def reckon(traced: Plan, eyes: Eyes | None = None) -> MemoryPlan:
            from galop.backends.memory import SHORTEST_CONTEXT, plan_memory

            shortest = options.get("shortest", SHORTEST_CONTEXT)
            taken = 0
            if eyes:
                from galop.backends.sight import bytes_of

                taken = bytes_of(eyes)
            memory = plan_memory(pack, traced, kv, budget - taken, context, options.get("pool", 0), shortest)
            return replace(memory, total_bytes=memory.total_bytes + taken)

        if pack.data.nbytes > budget:  # then nothing is read before the reason is told
            plan = plan or trace_pack(pack, path.name, context)
            reckon(plan)

        def prepare() -> tuple[Plan, MemoryPlan, Tokenizer, Eyes | None]:
            from galop.tokenizers.tokenizer import Tokenizer

            card = pack.card
            if card.chat_template:
                renderer.prepare(card.chat_template)
            traced = plan or trace_pack(pack, path.name, context)
            tower = find_tower(path, pack, threads, cache, options.get("mmproj"), progress)
            eyes = tower.load(threads, options.get("isa", "")) if tower else None
            memory = reckon(traced, eyes)
            import galop.backends.local  # noqa: F401

            words = pack.tokenizer_json, card.bos_token, card.eos_token, card.add_bos, card.dummy_space
            return traced, memory, Tokenizer(*words), eyes

        return packs.load_resident(pack, threads, prepare, progress)

    try:
        try:
            pack, (plan, memory, tokenizer, eyes) = read(cache)
        except packs.DamagedPack:
            _warn_damaged(path)
            pack, (plan, memory, tokenizer, eyes) = read(None if _pack_stays(path, cache) else cache)
        for note in pack.card.notes:
            if not (eyes and LEFT_OUT in note):
                log.warning("%s", note)
        from galop.backends.local import Model

        return Model(
            pack, plan, tokenizer, memory.context, threads, kv, options.get("isa", ""), memory.pool_tokens,
            options.get("disk_cache"), memory.total_bytes, memory.sequences, renderer, eyes,
        )  # fmt: skip
    except BaseException:
        renderer.close()
        raise


def _check_size(path: Path, budget: int) -> None:
    """Raises MemoryBudgetError for what cannot fit however it is loaded."""
    from galop.backends.memory import PROCESS_BYTES, gib

    size = weight_bytes(path)
    if path.is_dir() or path.suffix == ".safetensors":  # packed to 8 bits: 34 bytes for 32 values of 2 or 4
        size = size * 34 // 128
    if size + PROCESS_BYTES > budget:
        raise MemoryBudgetError(
            f"{path.name} needs at least {gib(size + PROCESS_BYTES)} of memory and {gib(budget)} may be used; "
            "take a smaller model or quantisation, or raise --memory"
        )


def open_pack(
    path: Path, cache: Path | None, threads: int, progress: Progress | None = None, context: int | None = None
) -> tuple[Pack, Plan]:
    """The pack of a GGUF file or safetensors directory, made if need be, and its plan, for conversations of no more
    than `context` tokens. Raises ModelFileError."""
    pack = find_pack(path, cache)
    return build_pack(path, cache, threads, progress, context) if pack is None else (
        pack, trace_pack(pack, path.name, context)
    )  # fmt: skip


def find_tower(
    path: Path,
    pack: Pack,
    threads: int,
    cache: Path | None,
    mmproj: Path | None = None,
    progress: Progress | None = None,
) -> TowerPack | None:
    """The vision tower of the model at `path`, whose text is `pack`; None where it has none that can be read, which is
    logged. Raises ModelFileError where `mmproj`, if that is given, is none."""
    if not (mmproj or may_see(path) or any(LEFT_OUT in note for note in pack.card.notes)):
        return None
    from galop.backends.eyes import open_tower_pack

    try:
        return open_tower_pack(path, pack, threads, cache, mmproj, progress)
    except ModelFileError as error:
        if mmproj:
            raise
        log.warning("%s; so %s sees no pictures", error, path.name)  # its texts are read all the same
        return None


def find_pack(path: Path, cache: Path | None) -> Pack | None:
    """The pack of these files in the cache, mapped; None where there is none. Raises ModelFileError."""
    with report_os_errors(path):
        target = packs.pack_path(cache, source_files(path)) if cache else None
    try:
        return packs.load(target) if target else None
    except packs.DamagedPack:
        _warn_damaged(path)
        return None


def _pack_stays(path: Path, cache: Path | None) -> bool:
    """Whether a pack could not be removed, as in a cache that only may be read."""
    with report_os_errors(path):
        return cache is not None and packs.pack_path(cache, source_files(path)).exists()


def trace_pack(pack: Pack, file: str, context: int | None) -> Plan:
    """The plan of a pack, for conversations of no more than `context` tokens. Raises ModelFileError."""
    from galop.models import trace

    shapes = {name: (m.rows, m.cols) for name, m in pack.matrices.items()}
    vectors = {name: v.shape for name, v in pack.vectors.items()}
    config = _parse_config(pack.card.config, file, context)
    return trace(pack.card.config["model_type"], config, {**shapes, **vectors})


def build_pack(
    path: Path, cache: Path | None, threads: int, progress: Progress | None = None, context: int | None = None
) -> tuple[Pack, Plan]:
    """A pack made anew, kept in `cache`, and its plan, as `trace_pack` gives it. Raises ModelFileError."""
    from galop.models import trace
    from galop.models.from_file import open_checkpoint

    with report_os_errors(path):
        files = source_files(path)
        target = packs.pack_path(cache, files) if cache else None
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
    from galop.models import parse_config

    config = parse_config(raw, file)
    raw["max_position_embeddings"] = config.max_position_embeddings
    return config.limit_context(context)


def _warn_damaged(path: Path) -> None:
    log.warning("the packed copy of %s was damaged and is made anew", path.name)
