"""A real `galop serve` in a process of its own."""

from __future__ import annotations

import os
import re
import signal
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
from threads import THREADS

from galop.machine import data_directory

GOLDEN_QUESTION = {
    "messages": [{"role": "user", "content": "Name three colours."}], "temperature": 0, "max_tokens": 24, "seed": 1,
}  # fmt: skip

# Plain HTTP needs none, and to read the usual ones takes longer than most answers.
NO_CERTIFICATES = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


@dataclass
class Running:
    """A server that answers, with all it has written to its log."""

    process: subprocess.Popen[str]
    url: str
    log: list[str] = field(default_factory=list)
    seconds: float = 300  # that an answer may take

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self.url.rsplit(":", 1)[1])

    def client(self, **options: Any) -> httpx2.Client:
        """A client of it, which takes no proxy from the environment."""
        return httpx2.Client(
            base_url=self.url, timeout=self.seconds, trust_env=False, verify=NO_CERTIFICATES, **options
        )

    def post(self, path: str, body: Any, **options: Any) -> httpx2.Response:
        """The answer to a request of its own connection."""
        with self.client() as client:
            return client.post(path, json=body, **options)

    def read_prompt(self, messages: Any, tools: Any = None) -> int:
        """Has the prompt of a conversation read, so that the prefix cache holds it; its tokens."""
        body = {"messages": messages, "tools": tools, "max_tokens": 1, "add_generation_prompt": True}
        tokens: int = self.post("/v1/chat/completions", body).json()["usage"]["prompt_tokens"]
        return tokens

    def golden(self) -> str:
        """The answer that nothing may change."""
        reply = self.post("/v1/chat/completions", GOLDEN_QUESTION)
        assert reply.status_code == 200, reply.text
        return str(reply.json()["choices"][0]["message"]["content"])

    def metric(self, name: str) -> float:
        """The sum over all models of a metric, named without `galop:`."""
        return self.metrics(name)[0]

    def metrics(self, *names: str) -> list[float]:
        """`metric` of several at one moment."""
        with self.client() as client:
            lines = client.get("/metrics").text.splitlines()
        values = [line.rsplit(" ", 1) for line in lines]
        return [sum(float(value[1]) for value in values if value[0].startswith(f"galop:{n}{{")) for n in names]

    def context(self) -> int:
        """Of the first model."""
        with self.client() as client:
            return int(client.get("/v1/models").json()["data"][0]["context_length"])

    def open_files(self) -> int:
        """How many descriptors its process has open."""
        return len(list(Path(f"/proc/{self.process.pid}/fd").iterdir()))

    def raw(self) -> socket.socket:
        """A connection to send bytes on."""
        return socket.create_connection(("127.0.0.1", self.port), timeout=30)

    def stop(self, how: int = signal.SIGTERM, seconds: float = 300) -> int:
        """Sends a signal and waits for the end; the exit code."""
        self.process.send_signal(how)
        return self.process.wait(seconds)


def folders_in(home: Path) -> dict[str, str]:
    """Variables by which keys and conversations are kept there; models stay where they are."""
    data = home / "data" / "galop"
    if not data.exists():
        data.mkdir(parents=True)
        (data / "models").symlink_to(data_directory() / "models")
    return {"XDG_CONFIG_HOME": str(home / "config"), "XDG_DATA_HOME": str(home / "data")}


def ask(running: Running, path: str, body: dict[str, Any]) -> dict[str, Any]:
    """The JSON of an answer, which is none of an error."""
    reply = running.post(path, body)
    assert reply.status_code == 200, reply.text
    answer: dict[str, Any] = reply.json()
    return answer


def run_galop(home: Path, *args: str) -> subprocess.CompletedProcess[str]:
    """A command beside the server, with the keys of the same home."""
    environment = {**os.environ, "XDG_CONFIG_HOME": str(home / "config")}
    command = [sys.executable, "-m", "galop", *args]
    return subprocess.run(command, capture_output=True, text=True, env=environment, timeout=300)


@contextmanager
def serving(*args: str, home: Path, env: dict[str, str] | None = None) -> Iterator[Running]:
    """`home` holds its keys, conversations and pages; models are found where the tests keep them."""
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", **folders_in(home), **(env or {})}
    command = [sys.executable, "-m", "galop", "serve", "--port", "0", *args]
    if THREADS and "--threads" not in args:
        command += ["--threads", str(THREADS)]
    process = subprocess.Popen(
        command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL, text=True, env=environment
    )
    assert process.stderr
    log: list[str] = []
    try:
        for line in process.stderr:
            log.append(line)
            if match := re.search(r"Galop serves at (http://\S+)", line):
                running = Running(process, match[1].replace("0.0.0.0", "127.0.0.1"), log)
                threading.Thread(target=log.extend, args=(process.stderr,), daemon=True).start()
                yield running
                return
        raise AssertionError("the server did not start: " + "".join(log))
    finally:
        process.terminate()  # so that it ends as it does for a user, and says which lines it reached
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
