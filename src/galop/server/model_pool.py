"""The models of a server: loaded when asked for, unloaded when idle, all under one budget of memory."""

from __future__ import annotations

import asyncio
import gc
import math
import threading
import time
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from galop import store
from galop.backends.cluster.plan import ClusterPlan
from galop.backends.load import LoadOptions, load_source
from galop.backends.memory import DEFAULT_CONTEXT, PROCESS_BYTES, SHORTEST_CONTEXT
from galop.backends.protocol import TokenBackend
from galop.backends.vllm.plan import VllmPlan
from galop.engine.disk_cache import DiskCache
from galop.engine.states import KVType
from galop.errors import MemoryBudgetError, ModelFileError, NoRoomError
from galop.machine import available_memory, cache_directory
from galop.server.api_keys import ApiKey
from galop.server.errors import ApiError
from galop.store import Source
from galop.store.model_info import find_info, get_info
from galop.store.seeing import sees
from galop.weights.files import weight_bytes

DISK_CACHE_BYTES = 4 << 30
BUSY_SECONDS = 120.0  # for which a model that is asked for waits for the memory of those that are in use
LEAST_KV_BYTES = 64 << 20  # reserved for each model that is given and not loaded yet
KV_CACHE_SHARE = 0.25  # of what others leave of the budget, for the KV cache of one model


@dataclass
class Limits:
    """`memory` is for all models together, in bytes; `keep_alive` in seconds, 0 for ever."""

    memory: int = 0
    context: int | None = None
    kv: KVType = "f16"
    threads: int | None = None
    parallel: int = 64
    queue: int = 512
    keep_alive: float = 0.0
    keep_kv: bool = True
    cluster: ClusterPlan | None = None  # where the models run; None for this process
    vllm: VllmPlan | None = None  # what computes the models given, where this process does not


@dataclass(eq=False)
class Resident:
    """A model in memory, and who uses it."""

    name: str
    model: TokenBackend
    users: int = 0
    keep_alive: float | None = None  # seconds, as a request asked; None for the server's own
    used: float = field(default_factory=time.monotonic)
    load_seconds: float = 0.0


class FairLock:
    """A lock whose waiters are served in the order they came, so that two models take turns step by step."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: deque[threading.Event] = deque()

    def __enter__(self) -> None:
        with self._lock:
            turn = threading.Event()
            self._waiting.append(turn)
            if len(self._waiting) == 1:
                return
        turn.wait()

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._waiting.popleft()
            if self._waiting:
                self._waiting[0].set()


class ModelPool:
    """`given` come first, and the first of them answers when no model is named. Used from one event loop."""

    def __init__(self, given: list[Source], limits: Limits) -> None:
        self.limits = limits
        self.given = given
        self.residents: dict[str, Resident] = {}
        self.memory = limits.memory or int(available_memory() * 0.9)
        self._turns = FairLock()
        self._disk_cache = DiskCache(cache_directory() / "kv", DISK_CACHE_BYTES) if limits.keep_kv else None
        self._closing = threading.Event()
        self._loading = asyncio.Lock()
        self._freed = asyncio.Event()
        self._loads: dict[str, asyncio.Task[Resident]] = {}
        self._unloads: set[asyncio.Task[None]] = set()
        self._closing = threading.Event()
        self._listing: dict[str, Source] = {}
        self._listed_at = -1.0

    def sources(self) -> dict[str, Source]:
        """What may be asked for: the models given, and those that are on this machine (as of a second ago)."""
        if time.monotonic() - self._listed_at > 1:
            self._listing = {source.name: source for source in self.given}
            for source in store.list_local():
                self._listing.setdefault(source.name, source)
            self._listed_at = time.monotonic()
        return self._listing

    def visible(self, key: ApiKey) -> dict[str, Source]:
        """The sources a key may use, by name."""
        return {n: s for n, s in self.sources().items() if key.may_use(n, bool(s.entry and s.entry.preview))}

    def seeing(self, key: ApiKey) -> list[str]:
        """Names of the models here that a key may use and that see pictures."""
        return [name for name, source in self.visible(key).items() if sees(source)]

    def find(self, name: str | None, key: ApiKey) -> Source:
        """The source of a name, as any client may write it; the first for none.

        Raises ApiError (404) for a model that is not here, or not this key's to see.
        """
        sources = self.visible(key)
        wanted = name or next(iter(sources), "")
        bare = wanted.removesuffix(":latest")
        aliases = {alias: s.name for s in sources.values() if s.entry for alias in s.entry.aliases}
        for candidate in (wanted, bare, wanted.lower(), bare.lower()):
            for spelling in (
                candidate,
                aliases.get(candidate, ""),
                f"ollama:{candidate}",
                f"ollama:{candidate}:latest",
            ):
                if spelling in sources:
                    return sources[spelling]
        known = ", ".join(list(sources)[:8]) or "none; get one with: galop pull smollm2:135m"
        message = f"model {wanted[:200]!r} not found; these are here: {known}"  # "not found" is what Ollama's looks for
        raise ApiError(404, "model_not_found", message, "model")

    @asynccontextmanager
    async def use(self, name: str | None, key: ApiKey) -> AsyncIterator[Resident]:
        """A model in memory, which stays there meanwhile. Raises ApiError (404), GalopError if it does not load."""
        source = self.find(name, key)
        resident = self.residents.get(source.name) or await self._load(source)
        resident.users += 1
        try:
            yield resident
        finally:
            resident.users -= 1
            resident.used = time.monotonic()
            self._freed.set()
            if resident.keep_alive == 0:  # which its last answer need not wait for
                self._unloads.add(task := asyncio.create_task(self.unload(resident)))
                task.add_done_callback(self._unloads.discard)

    async def _load(self, source: Source) -> Resident:
        """One load for all who ask meanwhile; it goes on when they have gone."""
        task = self._loads.get(source.name)
        if task is None:
            task = self._loads[source.name] = asyncio.create_task(self._install(source))
            task.add_done_callback(self._forget_load)
        return await asyncio.shield(task)

    def _forget_load(self, task: asyncio.Task[Resident]) -> None:
        self._loads = {name: other for name, other in self._loads.items() if other is not task}
        if not task.cancelled():
            task.exception()  # seen, though all who asked may have gone

    async def _install(self, source: Source) -> Resident:
        async with self._loading:  # one at a time, so that the budget holds
            start = time.monotonic()
            assert source.path
            if self.limits.cluster:
                return self._keep(source, await self._start_replicas(source, self.limits.cluster), start)
            if self.limits.vllm and source.name in {given.name for given in self.given}:
                return self._keep(source, await asyncio.to_thread(self._open_vllm, source, self.limits.vllm), start)
            if weight_bytes(source.path) // 4 + PROCESS_BYTES > self.memory:  # or all others would go for nothing
                allowed = f"the {self.memory >> 20} MiB that models may take"
                raise MemoryBudgetError(f"{source.name} does not fit {allowed}; give them more with --memory")
            shortest = DEFAULT_CONTEXT  # idle models go rather than that it has less
            reserved = self._reserve_for_given(source)
            while True:
                shared = PROCESS_BYTES * max(0, len(self.residents) - 1)  # reckoned for each, taken once
                free = self.memory - sum(r.model.memory for r in self.residents.values()) + shared - reserved
                try:
                    model = await asyncio.to_thread(self._load_files, source, free, shortest)
                    break
                except MemoryBudgetError:
                    if reserved:
                        reserved = 0
                        continue
                    if not await self._make_room():
                        if shortest == SHORTEST_CONTEXT:
                            raise
                        shortest = SHORTEST_CONTEXT
            model.serve(self._turns, self.limits.parallel, self.limits.queue)
            return self._keep(source, model, start)

    def _keep(self, source: Source, model: TokenBackend, start: float) -> Resident:
        resident = Resident(source.name, model, load_seconds=time.monotonic() - start)
        self.residents[source.name] = resident
        gc.freeze()  # to go through all of a vocabulary takes a quarter of a second, in which nobody is answered
        return resident

    async def _start_replicas(self, source: Source, cluster: ClusterPlan) -> TokenBackend:
        """Raises ClusterError where the cluster runs none."""
        from galop.backends.cluster.replicas import start_replicas

        limits = self.limits
        options: LoadOptions = {
            "context": limits.context, "threads": limits.threads, "kv": limits.kv, "memory": limits.memory or None,
        }  # fmt: skip
        while True:
            patient = all(resident.users for resident in self.residents.values())  # nothing could go instead
            try:
                return await asyncio.to_thread(
                    start_replicas, source, cluster, limits.parallel, limits.queue, options, self._closing.is_set,
                    patient,
                )  # fmt: skip
            except NoRoomError:
                await self._make_room()

    def _open_vllm(self, source: Source, plan: VllmPlan) -> TokenBackend:
        from galop.backends.vllm.backend import open_vllm

        limits = self.limits
        model = open_vllm(source, plan, limits.context, limits.parallel, self._closing.is_set)
        model.serve(None, limits.parallel, limits.queue)
        model.prepare()
        return model

    def _reserve_for_given(self, source: Source) -> int:
        """Bytes for the models given that are still to be loaded, which this one leaves where it can."""
        later = [s for s in self.given if s.name != source.name and s.name not in self.residents and s.path]
        return sum(weight_bytes(s.path) + LEAST_KV_BYTES for s in later if s.path)

    def _load_files(self, source: Source, free: int, shortest: int) -> TokenBackend:
        model = load_source(
            source,
            context=self.limits.context,
            threads=self.limits.threads,
            memory=free + (PROCESS_BYTES if self.residents else 0),  # which all models share
            kv=self.limits.kv,
            pool=int(free * KV_CACHE_SHARE),  # of all of it, four models would leave nothing for a fifth
            disk_cache=self._disk_cache,
            shortest=shortest,
        )
        model.prepare()  # it holds the interpreter for long, and at a first request others would wait
        return model

    async def _make_room(self) -> bool:
        """Unloads the model that was idle for longest, waiting for one that is; False if that does not help."""
        deadline = time.monotonic() + BUSY_SECONDS
        while self.residents:
            if idle := [r for r in self.residents.values() if not r.users]:
                await self.unload(min(idle, key=lambda r: r.used))
                return True
            self._freed.clear()
            try:
                await asyncio.wait_for(self._freed.wait(), deadline - time.monotonic())
            except TimeoutError:
                return False
        return False

    async def unload(self, resident: Resident) -> None:
        """Nothing happens to a model that is in use, or is not loaded any more."""
        if self.residents.get(resident.name) is resident and not resident.users:
            del self.residents[resident.name]
            await asyncio.to_thread(resident.model.close)
            del resident.model  # no reference is left, so the collection below frees it, circles and all
            await asyncio.to_thread(_collect_garbage)
            self._freed.set()

    async def unload_idle(self) -> None:
        """Runs for ever: unloads what nobody has used for as long as it is to be kept."""
        while True:
            await asyncio.sleep(min(1.0, self.limits.keep_alive or 1.0))
            for resident in list(self.residents.values()):
                if time.monotonic() - resident.used > self.keep_seconds(resident):
                    await self.unload(resident)

    def keep_seconds(self, resident: Resident) -> float:
        """Seconds that a model stays in memory after its last use."""
        return (self.limits.keep_alive or math.inf) if resident.keep_alive is None else resident.keep_alive

    async def close(self) -> None:
        """Unloads all, also those in use and those that are being loaded; none is loaded any more."""
        self._closing.set()
        for task in list(self._loads.values()):
            with suppress(BaseException):
                await asyncio.shield(task)
        for resident in list(self.residents.values()):
            resident.users = 0
            await self.unload(resident)

    def describe(self, source: Source) -> dict[str, Any]:
        """An entry of the OpenAI list of models; of one that is not loaded, its files are read for its context."""
        resident = self.residents.get(source.name)
        if resident:
            context = resident.model.context
        else:
            context = 0
            with suppress(ModelFileError):  # the files went since
                context = get_info(source).number("context_length") if source.path else 0
            context = min(context, self.limits.context or context)
        entry = source.entry
        return {
            "id": source.name,
            "object": "model",
            "created": int(source.path.stat().st_mtime) if source.path and source.path.exists() else 0,
            "owned_by": (entry.repo.split("/")[0] or "galop") if entry else (source.repo.split("/")[0] or "local"),
            "status": "loaded" if resident else "unloaded",
            "context_length": context or None,
            "architecture": modalities(source, resident),
            "licence": entry.licence if entry else "",
            "preview": bool(entry and entry.preview),
        }


def modalities(source: Source, resident: Resident | None) -> dict[str, list[str]]:
    """What a model reads and makes, in the words by which clients of OpenRouter and llama-server show a picture button;
    what is not known is text."""
    info = find_info(source)
    reads = ["text", "image"] if (resident.model.capabilities.sees if resident else info.sees) else ["text"]
    return {"input_modalities": reads, "output_modalities": ["embeddings" if info.only_embeds else "text"]}


def _collect_garbage() -> None:
    gc.unfreeze()
    gc.collect()
    gc.freeze()
