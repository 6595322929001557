"""A lane: one model asked in one way, in a process of its own, so that its memory is its own and its end nobody's."""

from __future__ import annotations

import contextlib
import hashlib
import json
import multiprocessing
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from galop.backends.load import load_source
from galop.backends.local import Speaker
from galop.backends.registry import registry
from galop.errors import ContextLengthError, GalopError
from galop.measure.energy import Meter
from galop.race.ways import AMOUNTS, Outcome, Way, ask

POOL = 1 << 30  # bytes of keys and values, where several questions are answered at once
LONGEST_KEPT = 20_000  # characters of a reply, a thought or a call


class LaneError(GalopError):
    """What a lane cannot be or do."""

    exit_code = 2


@dataclass(frozen=True)
class Spec:
    """A lane as it is asked for: `qwen2.5-coder:1.5b@tools`, `xai:grok-4.3`, `url:http://localhost:8080/v1#name`."""

    model: str
    way: Way
    vendor: str = ""  # of what is behind an interface
    url: str = ""

    @classmethod
    def named(cls, text: str) -> Spec:
        """Raises GalopError."""
        model, at, way = text.rpartition("@")
        if not at or way.partition(":")[0] not in AMOUNTS:
            if at and "/" not in way and "#" not in way:
                Way.named(way)  # which tells what there is
            model, way = text, "plain"
        if not model:
            raise LaneError(f"{text!r} names no model; write MODEL or MODEL@WAY")
        prefix, _, rest = model.partition(":")
        vendors = registry().vendors
        if prefix not in vendors or not rest:
            return cls(model.removeprefix("galop:"), Way.named(way))
        if prefix == "url":
            url, _, name = rest.partition("#")
            if "?" in url or "@" in url.partition("://")[2].partition("/")[0]:
                raise LaneError("an address is recorded, so it may hold no password and no query; set GALOP_URL_KEY")
            return cls(name, Way.named(way), "url", url)
        return cls(rest, Way.named(way), prefix, vendors[prefix].url)

    @property
    def remote(self) -> bool:
        return bool(self.vendor)


class LaneProcess:
    """The lane's process, seen from the race."""

    def __init__(self, name: str, spec: Spec, together: int) -> None:
        self.name = name
        self.setup: dict[str, Any] = {}
        self.failures = 0  # questions in a row without an answer
        context = multiprocessing.get_context("spawn")
        self._connection, theirs = context.Pipe()
        self._process = context.Process(target=work, args=(theirs, name, together), daemon=True)
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)  # its start, too, is the race's to stop
        self._process.start()
        signal.signal(signal.SIGINT, before)
        theirs.close()

    def ready(self) -> dict[str, Any]:
        """What the lane turned out to be. Raises LaneError."""
        self.setup = self.receive()
        if "failed" in self.setup:
            raise LaneError(self.setup["failed"])
        return self.setup

    def ask(self, question: dict[str, Any]) -> None:
        with contextlib.suppress(OSError):  # receive() tells that it has ended
            self._connection.send_bytes(json.dumps(question).encode())

    def receive(self) -> dict[str, Any]:
        """The next answer. Raises LaneError if the process has ended."""
        try:
            data: dict[str, Any] = json.loads(self._connection.recv_bytes())
        except (EOFError, OSError):
            self._process.join(5)
            code = self._process.exitcode
            why = " (killed; was there enough memory?)" if code == -signal.SIGKILL else ""
            raise LaneError(f"{self.name}: its process ended with {code}{why}; the same command goes on") from None
        return data

    def stop(self) -> None:
        self._connection.close()
        self._process.join(1)
        if self._process.is_alive():
            self._process.terminate()
            self._process.join(5)
        if self._process.is_alive():
            self._process.kill()


def work(connection: Connection, name: str, together: int) -> None:
    """The process of a lane: answers questions until there are no more."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the race stops it
    sending = threading.Lock()

    def send(data: dict[str, Any]) -> None:
        with sending, contextlib.suppress(OSError):
            connection.send_bytes(json.dumps(data).encode())

    spec = Spec.named(name)
    try:
        speaker, about = opened(spec, together)
    except GalopError as error:
        send({"failed": str(error)})
        return
    send(about)
    try:
        with ThreadPoolExecutor(together) as pool:
            while True:
                try:
                    question = json.loads(connection.recv_bytes())
                except (EOFError, OSError):
                    pool.shutdown(wait=False, cancel_futures=True)
                    break
                pool.submit(lambda q: send(answered(speaker, spec, q, alone=together == 1)), question)
    finally:
        if hasattr(speaker, "close"):
            speaker.close()


def opened(spec: Spec, together: int) -> tuple[Speaker, dict[str, Any]]:
    """What answers, and what is to be known of it. Raises GalopError."""
    if spec.remote:
        from galop.backends.remote import Remote

        remote = Remote(registry().vendors[spec.vendor], spec.model, spec.url)
        if spec.way.name == "think" and remote.offer.quirks.thinking == "none":
            raise LaneError(f"{spec.model} cannot be told to think; race it in another way")
        price = remote.offer.price if spec.vendor not in ("url", "ollama") else (0.0, 0.0)
        kind = "server" if spec.vendor in ("url", "ollama", "openrouter") else "closed"
        return remote, {
            "kind": kind, "model": remote.model, "url": remote.url, "price": price, "registry": registry().dated,
            "ends": remote.offer.ends, "way": str(spec.way),
        }  # fmt: skip
    from galop import native, store
    from galop.machine import default_threads, processor
    from galop.weights.files import weight_bytes

    start = time.monotonic()
    source = store.settle(store.locate(spec.model))
    model = load_source(source, pool=POOL if together > 1 else 0)
    if spec.way.name == "think" and model.thinking_support is None:
        raise LaneError(f"{spec.model} does not think; race it in another way")
    if together > 1:
        model.serve()
    path = source.path or Path(spec.model)
    entry = source.entry
    return model, {
        "kind": "open", "model": source.name, "file": path.name, "bytes": weight_bytes(path),
        "sha256": entry.packages.sha256 if entry and entry.packages else sha256(path),
        "licence": entry.licence if entry else "", "parameters": entry.parameters if entry else 0,
        "machine": processor(), "context": model.context,
        "threads": default_threads(), "kernels": native.instruction_sets()[0],
        "load_seconds": round(time.monotonic() - start, 2), "price": None, "way": str(spec.way),
    }  # fmt: skip


def sha256(path: Path) -> str:
    """Of a file; a directory has none."""
    if not path.is_file():
        return ""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def answered(speaker: Speaker, spec: Spec, question: dict[str, Any], alone: bool) -> dict[str, Any]:
    """One line of the record, but for the judgement."""
    from galop.machine import peak_memory
    from galop.measure.energy import find_meter

    meter = find_meter() if alone and not spec.remote else None
    outcome, failed = Outcome(), ""
    begun, start, worked = time.time(), time.monotonic(), time.process_time()
    waited = getattr(speaker, "waited", 0.0)
    line: dict[str, Any] = {"id": question["id"], "begun": round(begun, 3)}
    try:
        ask(speaker, question["text"], question["unit"], spec.way, question["seed"], outcome)
    except GalopError as error:
        failed = str(error)
        if not (isinstance(error, ContextLengthError) or getattr(error, "of_question", False)):
            passing = bool(getattr(error, "passing", not spec.remote))
            line |= {"error": failed, "passing": passing, "seconds": round(time.monotonic() - start, 3)}
    except Exception as error:  # a bug in one answer does not end a race of hours
        line |= {"error": f"{type(error).__name__}: {error}"[:300], "passing": True, "seconds": 0.0}
    usd = cost(speaker, spec, outcome)
    if "error" in line:
        return {**line, "usd": usd}
    seconds = time.monotonic() - start - (getattr(speaker, "waited", 0.0) - waited)
    line |= {name: value for name, value in asdict(outcome).items() if name not in ("text", "thinking", "calls")}
    line |= {
        "text": outcome.text[-LONGEST_KEPT:], "thinking": outcome.thinking[:LONGEST_KEPT],
        "calls": [call[:LONGEST_KEPT] for call in outcome.calls], "seconds": round(seconds, 4),
        "first_token_seconds": round(outcome.first_token_seconds, 4),
        "answer_seconds": round(outcome.answer_seconds, 4),
    }  # fmt: skip
    line |= {"failed": failed[:300]} if failed else {}
    if spec.remote:
        return {**line, "answered_by": speaker.answered_by, "usd": usd}  # type: ignore[attr-defined]
    line |= {"memory": peak_memory(), "cpu_seconds": round(time.process_time() - worked, 3) if alone else None}
    if meter and (joules := read(meter)) is not None:
        line |= {"joules": round(joules, 3), "meter": meter.method, "covers": meter.covers}
    return line


def cost(speaker: Speaker, spec: Spec, outcome: Outcome) -> float | None:
    """Dollars of the replies so far; None where no price is known."""
    if not spec.remote:
        return None
    offer = speaker.offer  # type: ignore[attr-defined]
    price = offer.price or ((0.0, 0.0) if spec.vendor in ("url", "ollama") else None)
    return (outcome.prompt_tokens * price[0] + outcome.tokens * price[1]) / 1e6 if price else None


def read(meter: Meter) -> float | None:
    """Joules; None where the counter is gone, or went backwards: a card that was lost, a charger plugged in."""
    try:
        joules = meter.joules()
    except Exception:  # whatever a driver raises
        return None
    return joules if joules >= 0 else None
