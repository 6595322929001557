"""Tasks of inspect-ai as sets of questions, run by inspect itself.

inspect keeps its own log of such a race beside the record, for `inspect view`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import inspect_ai
from inspect_ai.log import EvalSample, list_eval_logs, read_eval_log
from inspect_ai.model import ContentReasoning

from galop.machine import private_folder
from galop.race.contender import ContenderError
from galop.race.inspect_model import OPEN, close_all
from galop.race.question import Question, QuestionSetError
from galop.race.record import Line, Record


def load_samples(task: str, limit: int) -> list[Question]:
    """The samples of an inspect task as questions. Raises QuestionSetError."""
    from inspect_ai._eval.loader import load_tasks

    try:
        found = load_tasks([task.removeprefix("inspect:")])
    except Exception as error:  # a task is code of its own
        raise QuestionSetError(f"{task} cannot be loaded: {error}") from None
    if len(found) != 1:
        raise QuestionSetError(f"{task} is {len(found)} tasks; name one as inspect:FILE.py@TASK")
    samples = list(found[0].dataset)[: limit or None]
    return [
        Question(str(s.id if s.id is not None else i + 1), str((s.metadata or {}).get("kind", i + 1)),
                 s.input if isinstance(s.input, str) else "\n".join(m.text for m in s.input),
                 s.target if isinstance(s.target, str) else "; ".join(s.target))
        for i, s in enumerate(samples)
    ]  # fmt: skip


def run_contender(record: Record, index: int, report: Callable[[int, Line], None]) -> None:
    """One contender through inspect, which goes on with its own log if it was interrupted; its samples become answers.

    Raises KeyboardInterrupt where inspect was stopped, ContenderError where it failed.
    """
    contender = record.contenders[index]
    logs = record.folder / f"inspect-{index + 1}"
    private_folder(logs)
    started = list_eval_logs(str(logs))  # the newest first
    before = read_eval_log(started[0]) if started else None
    task = str(record.about["set"]).removeprefix("inspect:")
    quiet: dict[str, Any] = {"log_dir": str(logs), "display": "none", "max_samples": 1, "fail_on_error": False,
                             "log_buffer": 1}  # fmt: skip
    if before is not None and (before.status != "success" or any(s.error for s in before.samples or [])):
        [log] = inspect_ai.eval_retry(before, **quiet)
    elif before is not None:
        log = before
    else:
        [log] = inspect_ai.eval(task, model=f"galop/{contender.name}", limit=len(record.questions), **quiet)
    log = read_eval_log(log.location)
    for model in OPEN:
        record.add(index, {"setup": model.about})
    close_all()
    missing = {q.id for q in record.missing_answers(index)}
    for sample in log.samples or []:
        if str(sample.id) in missing:
            line = line_of(sample)
            record.add(index, line)
            report(index, line)
    if log.status == "cancelled":
        raise KeyboardInterrupt
    if log.status == "error":
        raise ContenderError(f"{contender.name}: inspect-ai says: {log.error.message[:300] if log.error else 'error'}")


def line_of(sample: EvalSample) -> Line:
    """A sample's line of the record. Its first score says whether it is right: C, or at least 0.5."""
    line: Line = {"id": str(sample.id), "begun": 0.0}
    if sample.error:
        return {**line, "error": sample.error.message[:300], "passing": True, "seconds": sample.total_time or 0.0}
    score = next(iter((sample.scores or {}).values()), None)
    value = score.value if score else "I"
    right = value == "C" if isinstance(value, str) else isinstance(value, (int, float)) and value >= 0.5
    usage = list(sample.model_usage.values())
    output = sample.output
    extra = output.metadata or {}
    thoughts = [
        c.reasoning for choice in output.choices if not isinstance(choice.message.content, str)
        for c in choice.message.content if isinstance(c, ContentReasoning)
    ]  # fmt: skip
    return {
        **line, "text": output.completion, "thinking": "\n".join(thoughts), "calls": [], "replies": len(usage),
        "prompt_tokens": sum(u.input_tokens for u in usage), "cached_tokens": 0,
        "tokens": sum(u.output_tokens for u in usage),
        "thinking_tokens": sum(u.reasoning_tokens or 0 for u in usage),
        "first_token_seconds": extra.get("first_token_seconds", 0.0),
        "answer_seconds": extra.get("answer_seconds", 0.0), "cut_off": output.stop_reason == "max_tokens",
        "seconds": round(sample.working_time or sample.total_time or 0.0, 4),
        "right": right, "value": str(score.answer)[:200] if score and score.answer else None,
        "slip": "" if right else "wrong", "memory": None, "cpu_seconds": None,
    }  # fmt: skip
