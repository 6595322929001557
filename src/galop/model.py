"""A loaded model: `galop.load("qwen3:0.6b")`, then `chat`, `generate` or `logits`."""

from __future__ import annotations

import os
import secrets
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from galop.chat.template import ChatTemplate, Message
from galop.chat.tokenizer import Detokeniser, Tokenizer
from galop.engine.engine import KV, Engine
from galop.engine.lower import PAGE_TOKENS, page_bytes
from galop.engine.sampling import Sampling, draw
from galop.errors import ContextLengthError, MemoryBudgetError, ModelFileError
from galop.machine import available_memory, default_threads
from galop.models import read_config, trace
from galop.ops.plan import Array, Plan
from galop.ops.reference import Reference
from galop.weights import pack as packs
from galop.weights.pack import Pack

# Interpreter, NumPy and a tokenizer of 150,000 entries, before any weight.
PROCESS_BYTES = 192 << 20
DEFAULT_CONTEXT = 8192

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Text:
    """A piece of the answer."""

    text: str


@dataclass(frozen=True)
class Prefill:
    """How much of the prompt has been read."""

    done: int
    total: int


@dataclass(frozen=True)
class Done:
    """The end of an answer: why, and what it took. Rates are tokens per second."""

    reason: Literal["stop", "length", "cancelled"]
    prompt_tokens: int
    cached_tokens: int
    answer_tokens: int
    prompt_seconds: float
    answer_seconds: float
    first_token_seconds: float

    @property
    def prompt_rate(self) -> float:
        return (self.prompt_tokens - self.cached_tokens) / max(self.prompt_seconds, 1e-9)

    @property
    def answer_rate(self) -> float:
        """Over the tokens after the first, which the prompt pays for."""
        return max(self.answer_tokens - 1, 0) / max(self.answer_seconds, 1e-9)


Event = Text | Prefill | Done


class Model:
    """One model in memory. Several can live in one process; calls on one of them take turns."""

    def __init__(self, pack: Pack, plan: Plan, context: int, threads: int, isa: str = "") -> None:
        card = pack.card
        self.card = card
        self.pack = pack
        self.plan = plan
        self.engine = Engine(plan, pack, threads, context, isa)
        self.tokenizer = Tokenizer(pack.tokenizer_json, card.bos_token, card.eos_token, card.add_bos)
        self.template = ChatTemplate(card.chat_template, self.tokenizer)
        self.stop_ids = frozenset(card.stop_ids)
        self.default_sampling = card_sampling(card.generation)
        self._lock = threading.Lock()
        self._owner = 0  # the thread whose call is under way
        self._kv: KV = self.engine.sequence()
        rows = self.engine.vocabulary
        size = self.tokenizer.size(rows)
        allowed = np.arange(-(-rows // 32) * 32) < size
        # Padding rows past the last token were never trained.
        self._mask = np.packbits(allowed, bitorder="little").view(np.uint32) if size < rows else None

    @property
    def context(self) -> int:
        return self.engine.context

    def chat(self, messages: Sequence[Message], **options: Any) -> Iterator[Event]:
        """Answers a conversation, `[{"role": "user", "content": "..."}]`, in a stream; options are `generate`'s.

        The part of the conversation that the last call already read is not read again. Raises TemplateError,
        ContextLengthError, NumericalError.
        """
        variables = options.pop("template_variables", {})
        yield from self.generate(self.template.encode(messages, **variables), **options)

    def generate(
        self,
        prompt: str | Sequence[int],
        sampling: Sampling | None = None,
        max_tokens: int | None = None,
        stop: Sequence[str] = (),
        cancelled: Callable[[], bool] = lambda: False,
    ) -> Iterator[Event]:
        """Continues a text (control tokens in it are spelled out) or token ids, in a stream that ends in `Done`.

        Ends at a stop token, at one of the strings in `stop` (which is not part of the text), after max_tokens, at
        the end of the context, or when `cancelled()` says so.
        """
        ids = self.tokenizer.encode(prompt) if isinstance(prompt, str) else list(prompt)
        if isinstance(prompt, str) and self.tokenizer.add_bos:
            bos = self.tokenizer.id(self.tokenizer.bos_token)
            ids = ids if bos is None else [bos, *ids]
        if not ids:
            raise ValueError("the prompt is empty")
        if len(ids) >= self.context:
            raise ContextLengthError(
                f"the prompt has {len(ids)} tokens and the context holds {self.context}; shorten it or raise --context"
            )
        sampling = sampling or self.default_sampling
        room = self.context - len(ids)
        limit = room if max_tokens is None else min(max_tokens, room)
        with self._turn():
            yield from self._stream(ids, sampling, limit, stop, cancelled)

    def _stream(
        self, ids: list[int], sampling: Sampling, limit: int, stop: Sequence[str], cancelled: Callable[[], bool]
    ) -> Iterator[Event]:
        start = time.monotonic()
        kv = self._kv
        cached = kv.reuse(ids)
        logits: Array | None = None
        for read, last in self.engine.prefill(kv, ids[cached:]):
            logits = last
            yield Prefill(cached + read, len(ids))
            if cancelled():
                break
        prompt_seconds = time.monotonic() - start
        stream = StopMatcher(Detokeniser(self.tokenizer), stop)
        answer: list[int] = []
        reason: Literal["stop", "length", "cancelled"] = "cancelled" if logits is None else "length"
        first = 0.0
        decode_start = time.monotonic()
        while logits is not None and len(answer) < limit:
            drawn = draw(logits, sampling, len(kv.tokens), kv.tokens, len(ids), self._mask)
            if not answer:
                first = time.monotonic() - start
                decode_start = time.monotonic()
            answer.append(drawn.token)
            if drawn.token in self.stop_ids:
                reason = "stop"
                break
            if text := stream.push(drawn.token):
                yield Text(text)
            if stream.matched:
                reason = "stop"
                break
            if cancelled():
                reason = "cancelled"
                break
            if len(answer) < limit:
                logits = self.engine.forward([(kv, [drawn.token])], [0])[0]
        if text := stream.finish():
            yield Text(text)
        decode_seconds = time.monotonic() - decode_start
        yield Done(reason, len(ids), cached, len(answer), prompt_seconds, decode_seconds, first)

    def logits(self, tokens: Sequence[int]) -> Array:
        """float32 [len(tokens), vocabulary]: at each position, what is likely to follow it."""
        kv = self.engine.sequence()
        parts = []
        with self._turn():
            try:
                for i in range(0, len(tokens), 256):
                    part = list(tokens[i : i + 256])
                    parts.append(self.engine.forward([(kv, part)], range(len(part))))
            finally:
                kv.close()
        return np.concatenate(parts)

    @contextmanager
    def _turn(self) -> Iterator[None]:
        """Calls on one model take turns; a thread that would wait for its own unfinished stream is told."""
        if self._owner == threading.get_ident():
            raise RuntimeError("an answer of this model is still being read; finish it or close() its iterator first")
        with self._lock:
            self._owner = threading.get_ident()
            try:
                yield
            finally:
                self._owner = 0

    def reference(self) -> Reference:
        """The same plan and weights under the NumPy meaning of every op."""
        return Reference(self.plan, self.pack.array)

    def close(self) -> None:
        """Ends the template's process and frees the conversation's pages."""
        self.template.renderer.close()
        self._kv.close()

    def __enter__(self) -> Model:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class StopMatcher:
    """Holds back text that may be the beginning of a stop string; what comes after one is never let through."""

    def __init__(self, detokeniser: Detokeniser, stops: Sequence[str]) -> None:
        self.detokeniser = detokeniser
        self.stops = [s for s in stops if s]
        self.held = ""
        self.matched = False

    def push(self, token: int) -> str:
        return self._release(self.detokeniser.push(token), final=False)

    def finish(self) -> str:
        return "" if self.matched else self._release(self.detokeniser.finish(), final=True)

    def _release(self, text: str, final: bool) -> str:
        self.held += text
        found = [i for s in self.stops if (i := self.held.find(s)) >= 0]
        if found:
            self.matched = True
            out, self.held = self.held[: min(found)], ""
            return out
        keep = 0 if final else max((_overlap(self.held, s) for s in self.stops), default=0)
        out, self.held = self.held[: len(self.held) - keep], self.held[len(self.held) - keep :]
        return out


def _overlap(text: str, stop: str) -> int:
    """Length of the longest end of `text` that begins `stop`."""
    return next((n for n in range(min(len(text), len(stop)), 0, -1) if text.endswith(stop[:n])), 0)


def card_sampling(generation: dict[str, Any]) -> Sampling:
    """The settings of a generation_config.json; greedy where it names none."""
    return (None if generation.get("do_sample") is False else sampling_of(generation)) or Sampling(
        seed=secrets.randbits(32)
    )


def sampling_of(settings: Mapping[str, Any]) -> Sampling | None:
    """A model card's settings, with a seed of its own; None where there are none or they make no sense."""
    known = {
        name: int(settings[name]) if name == "top_k" else float(settings[name])
        for name in ("temperature", "top_k", "top_p", "min_p", "repetition_penalty", "presence_penalty")
        if isinstance(settings.get(name), (int, float))
    }
    if not known:
        return None
    try:
        return Sampling(**{"temperature": 1.0, **known, "seed": secrets.randbits(32)})  # type: ignore[arg-type]
    except ValueError:
        return None


def memory_needed(pack: Pack, plan: Plan, context: int) -> dict[str, int]:
    """Bytes by purpose of a model at a context length."""
    matrices = sum(m.nbytes for m in pack.matrices.values())
    return {
        "weights": matrices,
        "kv": -(-context // PAGE_TOKENS) * page_bytes(plan),
        "scratch": _scratch(plan),
        "process": PROCESS_BYTES,
    }


def _scratch(plan: Plan) -> int:
    """The arena of a full prompt chunk: float32 buffers and quantised activations."""
    _, slots = plan.slots()
    floats = sum(width for width, dim in slots if dim == "T")
    widest = max(plan.widths[b] for step in plan.steps if step.op.name == "linears" for b in step.inputs)
    return 512 * (floats * 4 + widest * 2) + slots[-1][0] * 8


def open_pack(path: Path, cache: Path | None, threads: int, progress: Progress | None = None) -> tuple[Pack, Plan]:
    """The pack of a GGUF file or safetensors directory, made if need be, and its plan. Raises ModelFileError."""
    files = source_files(path)
    target = packs.pack_path(cache, files) if cache else None
    pack = packs.read(target) if target else None
    if pack is not None:
        shapes = {name: (m.rows, m.cols) for name, m in pack.matrices.items()}
        vectors = {name: v.shape for name, v in pack.vectors.items()}
        config = read_config(pack.card.config, path.name)
        return pack, trace(pack.card.config["model_type"], config, {**shapes, **vectors})
    checkpoint = open_checkpoint(path)
    config = read_config(checkpoint.config, path.name)
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
    report = (lambda done, total: progress("packing", done, total)) if progress else None
    return packs.build(checkpoint, plan, files, target, threads, report), plan


def open_checkpoint(path: Path) -> Any:
    """Reads a GGUF file or a safetensors directory. Raises ModelFileError."""
    from galop.weights import gguf, safetensors

    if path.is_dir():
        return safetensors.load(path)
    if path.suffix in {".bin", ".pt", ".pth", ".pkl", ".ckpt"}:
        raise ModelFileError(
            f"{path.name}: pickle formats are not supported, they may run code; take GGUF or safetensors"
        )
    if path.suffix == ".safetensors":
        return safetensors.load(path.parent)
    return gguf.load(path)


def source_files(path: Path) -> list[Path]:
    """The files that `path` stands for and a pack of it depends on. Raises ModelFileError if there are none."""
    from galop.weights.gguf import SPLIT

    if not path.exists():
        raise ModelFileError(f"{path}: there is no such file")
    if path.suffix == ".safetensors":
        path = path.parent
    if path.is_dir():
        return sorted(p for p in path.iterdir() if p.suffix in (".safetensors", ".json", ".jinja"))
    if match := SPLIT.match(path.name):
        return sorted(path.parent.glob(f"{match[1]}-?????-of-{match[3]}.gguf"))
    return [path]


def load_path(
    path: Path,
    cache: Path | None = None,
    context: int | None = None,
    threads: int | None = None,
    memory: int | None = None,
    isa: str = "",
    progress: Progress | None = None,
) -> Model:
    """Loads a GGUF file or a safetensors directory.

    `context` is the most tokens a conversation may take (by default the model's own, at most DEFAULT_CONTEXT, less
    where memory is short); `memory` the bytes it may take in all. Raises ModelFileError, MemoryBudgetError.
    """
    threads = threads or default_threads()
    budget = memory or available_memory()
    weights = [f for f in source_files(path) if f.suffix in (".gguf", ".safetensors")]
    size = sum(f.stat().st_size for f in weights)
    if path.is_dir():  # packed to 8 bits: 34 bytes for 32 values of 2 or 4
        size = size * 34 // 128
    if size + PROCESS_BYTES > budget:
        raise MemoryBudgetError(
            f"{path.name} needs at least {_gib(size + PROCESS_BYTES)} of memory and {_gib(budget)} may be used; "
            "take a smaller model or quantisation, or raise --memory"
        )
    pack, plan = open_pack(path, cache, threads, progress)
    longest = int(pack.card.config["max_position_embeddings"])
    wanted = context or min(longest, DEFAULT_CONTEXT)
    if wanted > longest:
        raise ContextLengthError(f"{pack.card.name} was trained for {longest} tokens; --context {wanted} is more")
    needed = memory_needed(pack, plan, wanted)
    fixed = sum(needed.values()) - needed["kv"]
    if sum(needed.values()) > budget:
        fits = (budget - fixed) // max(page_bytes(plan), 1) * PAGE_TOKENS
        if context or fits < 512:
            parts = ", ".join(f"{name} {_gib(n)}" for name, n in needed.items())
            hint = f"--context {fits} would fit" if fits >= 512 else "take a smaller model or quantisation"
            raise MemoryBudgetError(
                f"{pack.card.name} with a context of {wanted} needs {_gib(sum(needed.values()))} ({parts}) and "
                f"{_gib(budget)} may be used; {hint}"
            )
        wanted = fits
    if 2 * needed["weights"] < budget and hasattr(os, "preadv"):
        pack = packs.resident(pack, threads)
    return Model(pack, plan, wanted, threads, isa)


def _gib(n: int) -> str:
    return f"{n / (1 << 30):.2f} GiB"
