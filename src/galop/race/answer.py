"""One answer of a contender, as a line of the record: what it said, how long it took, what it cost."""

from __future__ import annotations

import time
from dataclasses import asdict
from typing import Any

from galop.backends.protocol import Backend
from galop.errors import ContextLengthError, GalopError, RemoteError
from galop.measure.energy import EnergyMeter
from galop.race.contender import Contender
from galop.race.pictures import read_pictures
from galop.race.strategies import Outcome, Trial

LONGEST_KEPT = 20_000  # characters of a reply, a thought or a call


def answer(backend: Backend, contender: Contender, question: dict[str, Any], alone: bool) -> dict[str, Any]:
    """One line of the record, but for the judgement.

    `question` has id, text, unit, seed, bare and pictures; `alone` says that no other is under way, so that energy and
    processor time are this answer's. What goes wrong is in the line: `failed` is the question's fault, `error` is
    asked again.
    """
    from galop.machine import peak_memory
    from galop.measure.energy import find_meter

    meter = find_meter() if alone and not (contender.is_remote or contender.vllm) else None
    trial = Trial(backend, question["text"], question["unit"], contender.strategy, question["seed"])
    trial.bare = question.get("bare", False)
    outcome, failed = trial.outcome, ""
    begun, start, worked = time.time(), time.monotonic(), time.process_time()
    waited = backend.waited
    line: dict[str, Any] = {"id": question["id"], "begun": round(begun, 3)}
    try:
        trial.pictures = read_pictures(question.get("pictures", ()))
        trial.run()
    except GalopError as error:
        failed = str(error)
        remote = error if isinstance(error, RemoteError) else None
        if not (isinstance(error, ContextLengthError) or (remote and remote.of_question)):
            passing = remote.passing if remote else not contender.is_remote
            line |= {"error": failed, "passing": passing, "seconds": round(time.monotonic() - start, 3)}
    except Exception as error:  # a bug in one answer does not end a race of hours
        line |= {"error": f"{type(error).__name__}: {error}"[:300], "passing": True, "seconds": 0.0}
    usd = cost(backend, contender, outcome)
    if "error" in line:
        return {**line, "usd": usd}
    seconds = time.monotonic() - start - (backend.waited - waited)
    line |= {name: value for name, value in asdict(outcome).items() if name not in ("text", "thinking", "calls")}
    line |= {
        "text": outcome.text[-LONGEST_KEPT:], "thinking": outcome.thinking[:LONGEST_KEPT],
        "calls": [call[:LONGEST_KEPT] for call in outcome.calls], "seconds": round(seconds, 4),
        "first_token_seconds": round(outcome.first_token_seconds, 4),
        "answer_seconds": round(outcome.answer_seconds, 4),
    }  # fmt: skip
    line |= {"failed": failed[:300]} if failed else {}
    if contender.is_remote:
        return {**line, "answered_by": backend.answered_by, "usd": usd}
    if contender.vllm:  # whose memory and energy are of other processes, perhaps elsewhere
        return line
    line |= {"memory": peak_memory(), "cpu_seconds": round(time.process_time() - worked, 3) if alone else None}
    if meter and (joules := read_joules(meter)) is not None:
        line |= {"joules": round(joules, 3), "meter": meter.method, "covers": meter.covers}
    return line


def cost(backend: Backend, contender: Contender, outcome: Outcome) -> float | None:
    """Dollars of the replies so far; None where no price is known."""
    if not contender.is_remote:
        return None
    price = backend.price or ((0.0, 0.0) if contender.vendor in ("url", "ollama") else None)
    return (outcome.prompt_tokens * price[0] + outcome.tokens * price[1]) / 1e6 if price else None


def read_joules(meter: EnergyMeter) -> float | None:
    """None where the counter is gone, or went backwards: a card that was lost, a charger plugged in."""
    try:
        joules = meter.joules()
    except Exception:  # whatever a driver raises
        return None
    return joules if joules >= 0 else None
