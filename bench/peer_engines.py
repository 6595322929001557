"""The engines that `peers.py` compares, each in a process of its own: commands on stdin, a line of JSON for each on
stdout. And their packages: what is installed, and what the package index has newest."""

from __future__ import annotations

import json
import os
import re
import struct
import subprocess
import sys
import time
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from galop import load
from galop.machine import peak_memory
from galop.measure import speed
from galop.measure.speed import BenchCase

PACKAGES = {
    "llama.cpp": "llama-cpp-python", "llama.cpp, flash": "llama-cpp-python", "ik_llama.cpp": "ik-llama-cpp-python",
    "OpenVINO": "openvino-genai",
}  # fmt: skip

SEED = 32  # tokens whose keys and values stand for those of a longer sequence


class Galop:
    def __init__(self, path: str, threads: int, kv: str, context: int) -> None:
        self.model = load(path, threads=threads, kv=kv, context=context)

    def run(self, work: BenchCase) -> float:
        return speed.time_case(self.model, work)


class LlamaCpp:
    flash = False  # attention as one op, which its int8 keys and values need

    def __init__(self, path: str, threads: int, kv: str, context: int) -> None:
        import llama_cpp

        self.api = llama_cpp
        kind = llama_cpp.GGML_TYPE_Q8_0 if kv == "int8" else llama_cpp.GGML_TYPE_F16
        self.llama = llama_cpp.Llama(
            path, n_ctx=context, n_batch=512, n_threads=threads, n_threads_batch=threads, verbose=False,
            type_k=kind, type_v=kind, flash_attn=self.flash or kv == "int8",
        )  # fmt: skip

    def run(self, work: BenchCase) -> float:
        held = max(work.depth, int(work.kind == "decode"))
        if (self.llama.n_tokens < held or not work.depth) and not self.assume(held):
            self.llama.reset()  # a recurrent state cannot be cut back
            self.llama.eval([100 + i % 1000 for i in range(held)])
        self.llama.n_tokens = held  # what comes after is dropped by the next eval
        ids = [100 + i * 7919 % 9000 for i in range(work.tokens)]
        start = time.perf_counter()
        for part in [ids] if work.kind == "prefill" else [[i] for i in ids]:
            self.llama.eval(part)
        return time.perf_counter() - start

    def assume(self, held: int) -> bool:
        """Takes the keys and values of a few tokens for those of `held`; no time depends on them, and reading 16,384
        would take minutes. False where that many are few, or the state is of another form."""
        if held <= SEED:
            return False
        api, context = self.api, self.llama.ctx
        self.llama.reset()
        self.llama.eval([100 + i for i in range(SEED)])
        size = api.llama_state_seq_get_size(context, 0)
        state = (api.ctypes.c_uint8 * size)()
        api.llama_state_seq_get_data(context, state, size, 0)
        longer = repeat_state(bytes(state), -(-held // SEED))
        if longer is None:
            return False
        self.llama.reset()
        taken = api.llama_state_seq_set_data(
            context, (api.ctypes.c_uint8 * len(longer)).from_buffer(longer), len(longer), 0
        )
        self.llama.n_tokens = held if taken else 0
        return bool(taken)


def repeat_state(state: bytes, times: int) -> bytearray | None:
    """llama.cpp's state of one sequence with its cells repeated, at the places that follow; None if it is not the form
    of keys and values alone (`llama_kv_cache::state_write` of version 0.3.36 of the binding)."""
    head = struct.Struct("<4I")  # magic, sequence, streams, cells
    cells = head.unpack_from(state)[3] if len(state) > head.size else 0
    at = head.size + 12 * cells  # place, number of sequences, sequence
    if not cells or len(state) < at + 8:
        return None
    places = struct.pack(f"<{3 * cells * times}i", *(x for i in range(cells * times) for x in (i, 1, 0)))
    transposed, layers = struct.unpack_from("<2I", state, at)
    out = bytearray(head.pack(*head.unpack_from(state)[:3], cells * times) + places + state[at : at + 8])
    at += 8
    for part in range(2 * layers):
        if len(state) < at + 12:
            return None
        out += state[at : at + 12]
        if transposed and part >= layers:  # type, bytes of an element, elements
            _, size, rows = struct.unpack_from("<3I", state, at)
        else:  # type, bytes of a row
            (size, rows) = (struct.unpack_from("<Q", state, at + 4)[0], 1)
        at += 12
        for _ in range(rows):
            out += state[at : at + size * cells] * times
            at += size * cells
    return out if at == len(state) else None


class FlashLlamaCpp(LlamaCpp):
    flash = True


class IkLlamaCpp:
    def __init__(self, path: str, threads: int, kv: str, context: int) -> None:
        from ik_llama_cpp import IkLlama, _ctypes_api, _internals

        if kv != "f16":
            raise ValueError("this binding keeps keys and values as f16")
        defaults = _ctypes_api.llama_model_default_params

        def repacked() -> Any:
            params = defaults()
            params.repack_tensors = True
            return params

        _ctypes_api.llama_model_default_params = repacked
        self.internals = _internals
        self.llama = IkLlama(path, n_ctx=context, n_threads=threads, verbose=False)
        self.held = 0  # tokens whose keys and values are there

    def run(self, work: BenchCase) -> float:
        context = self.llama._context
        held = max(work.depth, int(work.kind == "decode"))
        if work.kind == "decode" and work.depth <= self.held <= 1.05 * work.depth:
            held = self.held  # this binding cannot cut them back: goes on from where it was
        else:
            context.kv_cache_clear()
            self.held = 0
        ids = [100 + i * 7919 % 9000 for i in range(held + work.tokens)]

        def step(begin: int, end: int) -> None:
            batch = self.internals.make_batch_range(ids[begin:end], pos_start=begin, logits_last=True)
            if context.decode(batch):
                raise RuntimeError("decode failed")

        for begin in range(self.held, held, 512):
            step(begin, min(begin + 512, held))
        size = 512 if work.kind == "prefill" else 1
        start = time.perf_counter()
        for begin in range(held, held + work.tokens, size):
            step(begin, min(begin + size, held + work.tokens))
        self.held = held + work.tokens
        return time.perf_counter() - start


class OpenVino:
    def __init__(self, path: str, threads: int, kv: str, context: int) -> None:
        import openvino_genai

        precision = "u8" if kv == "int8" else "f16"
        self.api = openvino_genai
        self.runs = 0
        self.pipeline = openvino_genai.LLMPipeline(
            path, "CPU", INFERENCE_NUM_THREADS=threads, KV_CACHE_PRECISION=precision
        )

    def run(self, work: BenchCase) -> float:
        import numpy as np
        import openvino

        if work.depth:
            raise ValueError("not measured at depth")
        count = work.tokens if work.kind == "prefill" else 1
        self.runs += 1  # every prompt begins anew, or the prefix cache answers
        ids = np.array([[100 + self.runs, *(100 + i * 7919 % 9000 for i in range(1, count))]], np.int64)
        inputs = self.api.TokenizedInputs(openvino.Tensor(ids), openvino.Tensor(np.ones_like(ids)))
        new = 1 if work.kind == "prefill" else work.tokens + 1
        config = self.api.GenerationConfig(max_new_tokens=new, min_new_tokens=new, ignore_eos=True, do_sample=False)
        metrics = self.pipeline.generate(inputs, config).perf_metrics
        seconds = metrics.get_ttft().mean if work.kind == "prefill" else metrics.get_tpot().mean * work.tokens
        return float(seconds) / 1000


ENGINES = {
    "Galop": Galop, "llama.cpp": LlamaCpp, "llama.cpp, flash": FlashLlamaCpp, "ik_llama.cpp": IkLlamaCpp,
    "OpenVINO": OpenVino,
}  # fmt: skip


def serve(name: str, path: str, threads: int, kv: str, context: int) -> None:
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what engines print themselves goes with the errors
    engine = ENGINES[name](path, threads, kv, context)
    print(json.dumps({"ready": True}), file=out, flush=True)
    for line in sys.stdin:
        seconds = engine.run(BenchCase(**json.loads(line)))
        print(json.dumps({"seconds": seconds, "memory": peak_memory()}), file=out, flush=True)


def installed(name: str) -> str:
    """The version of an engine's package; empty where there is none."""
    try:
        return version(PACKAGES[name])
    except (KeyError, PackageNotFoundError):
        return ""


def newest(name: str) -> str:
    """The newest version in the package index for this Python; empty where it cannot be asked."""
    command = [sys.executable, "-m", "pip", "index", "versions", "--disable-pip-version-check", PACKAGES[name]]
    try:
        said = subprocess.run(command, capture_output=True, text=True, timeout=30, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return ""
    found = re.match(r"\S+ \(([^)]+)\)", said)
    return found[1] if found else ""


def describe_version(here: str, there: str) -> str:
    """An installed version beside the newest."""
    if not there:
        return f"{here} (whether that is the newest could not be asked)"
    return f"{here} (the newest)" if here == there else f"{here} (NOT the newest, which is {there})"
