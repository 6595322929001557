"""A contender, or lane: one model asked with one strategy, as it stands on the command line."""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from galop.backends.protocol import Backend
from galop.backends.registry import registry
from galop.backends.vllm.plan import check_address
from galop.errors import GalopError
from galop.race.strategies import STRATEGIES, Strategy
from galop.weights.files import weight_bytes

POOL = 1 << 30  # bytes of KV cache, where several questions are answered at once


class ContenderError(GalopError):
    """What a contender cannot be or do."""

    exit_code = 2


@dataclass(frozen=True)
class Contender:
    """What is raced: `qwen2.5-coder:1.5b@tools`, `xai:grok-4.3`, `url:http://localhost:8080/v1#name`,
    `vllm:smollm2:135m`, `vllm:http://localhost:8000#smollm2:135m`."""

    model: str
    strategy: Strategy
    vendor: str = ""  # of what is behind an interface
    url: str = ""
    vllm: bool = False  # whether vLLM computes it: at the address, or a server of our own

    @classmethod
    def parse(cls, text: str) -> Contender:
        """From MODEL or MODEL@STRATEGY. Raises ContenderError for what names no model, GalopError for no strategy."""
        model, at, strategy = text.rpartition("@")
        if not at or strategy.partition(":")[0] not in STRATEGIES:
            if at and "/" not in strategy and "#" not in strategy:
                Strategy.parse(strategy)  # whose error lists them
            model, strategy = text, "plain"
        if not model:
            raise ContenderError(f"{text!r} names no model; write MODEL or MODEL@WAY")
        prefix, _, rest = model.partition(":")
        vendors = registry().vendors
        if prefix == "vllm" and rest:
            url, _, name = rest.rpartition("#")
            if url:
                check_address(url)
            return cls(name, Strategy.parse(strategy), url=url, vllm=True)
        if prefix not in vendors or not rest:
            return cls(model.removeprefix("galop:"), Strategy.parse(strategy))
        if prefix == "url":
            url, _, name = rest.partition("#")
            if "?" in url or "@" in url.partition("://")[2].partition("/")[0]:
                raise ContenderError(
                    "an address is recorded, so it may hold no password and no query; set GALOP_URL_KEY"
                )
            return cls(name, Strategy.parse(strategy), "url", url)
        return cls(rest, Strategy.parse(strategy), prefix, vendors[prefix].url)

    @property
    def is_remote(self) -> bool:
        """Whether it is behind an interface, and not run here."""
        return bool(self.vendor)


def open_contender(
    contender: Contender, together: int, threads: int = 0, context: int = 0
) -> tuple[Backend, dict[str, Any]]:
    """Its backend, for `together` questions at once, and what the record says of it; `threads` are by default all,
    `context` is what is usual.

    Raises ContenderError for a strategy that the model is not capable of, GalopError where it cannot be loaded.
    """
    if contender.vllm:
        return open_vllm_contender(contender)
    return open_remote(contender) if contender.is_remote else open_local(contender, together, threads, context)


def open_remote(contender: Contender) -> tuple[Backend, dict[str, Any]]:
    """A model behind an API. Raises ContenderError if it cannot be made to think."""
    from galop.backends.remote import Remote

    remote = Remote(registry().vendors[contender.vendor], contender.model, contender.url)
    if contender.strategy.name == "think" and remote.capabilities.thinking is None:
        raise ContenderError(f"{contender.model} cannot be told to think; race it in another way")
    price = remote.price if contender.vendor not in ("url", "ollama") else (0.0, 0.0)
    kind = "server" if contender.vendor in ("url", "ollama", "openrouter") else "closed"
    return remote, {
        "kind": kind, "model": remote.model, "url": remote.url, "price": price, "registry": registry().dated,
        "ends": remote.offer.ends, "way": str(contender.strategy),
    }  # fmt: skip


def open_local(contender: Contender, together: int, threads: int, context: int) -> tuple[Backend, dict[str, Any]]:
    """A model run here, loaded. Raises ContenderError if it does not think."""
    from galop import native, store
    from galop.backends.cluster.messages import digest_model
    from galop.backends.load import load_source
    from galop.machine import default_threads, processor

    start = time.monotonic()
    source = store.resolve(store.locate(contender.model))
    threads = threads or default_threads()
    model = load_source(source, threads=threads, context=context or None, pool=POOL if together > 1 else 0)
    if contender.strategy.name == "think" and model.capabilities.thinking is None:
        raise ContenderError(f"{contender.model} does not think; race it in another way")
    if together > 1:
        model.serve()
    path = source.path or Path(contender.model)
    entry = source.entry
    return model, {
        "kind": "open", "model": source.name, "file": path.name, "bytes": weight_bytes(path),
        "sha256": entry.packages.sha256 if entry and entry.packages else sha256(path),
        "licence": entry.licence if entry else "", "parameters": entry.parameters if entry else 0,
        "digest": digest_model(model.pack, model.tower).hex(), "machine": processor(), "context": model.context,
        "threads": threads, "kernels": native.instruction_sets()[0],
        "load_seconds": round(time.monotonic() - start, 2), "price": None, "way": str(contender.strategy),
    }  # fmt: skip


def open_vllm_contender(contender: Contender) -> tuple[Backend, dict[str, Any]]:
    """A model that vLLM computes. Raises ContenderError if it does not think, VllmError."""
    from galop import store
    from galop.backends.vllm.backend import open_vllm
    from galop.backends.vllm.plan import VllmPlan
    from galop.machine import processor

    start = time.monotonic()
    source = store.resolve(store.locate(contender.model))
    path = store.fetch(source)
    model = open_vllm(replace(source, path=path), VllmPlan(contender.url))
    if contender.strategy.name == "think" and model.capabilities.thinking is None:
        model.close()
        raise ContenderError(f"{contender.model} does not think; race it in another way")
    return model, {
        "kind": "open", "model": source.name, "file": path.name, "bytes": weight_bytes(path),
        "licence": source.entry.licence if source.entry else "",
        "parameters": source.entry.parameters if source.entry else 0, "engine": f"vLLM {model.served.version}",
        "machine": "" if contender.url else processor(), "context": model.context,
        "load_seconds": round(time.monotonic() - start, 2), "price": None, "way": str(contender.strategy),
    }  # fmt: skip


def sha256(path: Path) -> str:
    """Of a file; a directory has none."""
    if not path.is_file():
        return ""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
