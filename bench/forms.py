"""What holding answers to a form costs, and how it fares on schemas from the wild.

    pip install '.[peers]' && python bench/forms.py --json results/forms.json      # some 20 minutes

Schemas: those that check-jsonschema ships (CI files, editors, package managers) and AWS CloudFormation's resources from
cfn-lint, drawn with a seed to 500. Each is compiled within a time or refused; from those that compile, some answers are
drawn at temperature 1, and those that end are validated by the jsonschema package. The cost of masks is the speed
of decoding of the same model with and without a form, turn by turn.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from importlib.resources import files
from pathlib import Path
from random import Random
from typing import Any

import jsonschema

from galop import Sampling
from galop.backends.events import Done, Text
from galop.backends.load import load
from galop.backends.local import Model
from galop.chat.response_format import ResponseFormat
from galop.errors import ConstraintError

COUNT, DRAWN = 500, 60
ASKED = [{"role": "user", "content": "Write an example."}]
FREE = {
    "type": "object",
    "properties": {"story": {"type": "string"}},
    "required": ["story"],
    "additionalProperties": False,
}


def schemas() -> list[tuple[str, Any]]:
    found = []
    for package in ("check_jsonschema", "cfnlint"):
        for path in sorted(Path(str(files(package))).rglob("*.json")):
            try:
                content = json.loads(path.read_text("utf-8"))
            except (ValueError, OSError):
                continue
            if isinstance(content, dict) and (
                {"properties", "$ref", "definitions", "oneOf", "anyOf", "allOf"} & set(content)
            ):
                found.append((f"{package}/{path.name}", content))
    ours = [s for s in found if s[0].startswith("check")]
    rest = [s for s in found if not s[0].startswith("check")]
    Random(1).shuffle(rest)
    return [*ours, *rest][:COUNT]


def wild(model: Model) -> dict[str, Any]:
    seconds, refused, compiled = [], [], []
    for i, (name, schema) in enumerate(schemas()):
        start = time.perf_counter()
        try:
            model.constraints.compile(ResponseFormat("schema", json.dumps(schema)))
            compiled.append((name, schema))
        except ConstraintError as error:
            refused.append((name, str(error)))
        seconds.append(time.perf_counter() - start)
        print(f"\r{i + 1} compiled or refused, the slowest in {max(seconds):.2f} s", end="", file=sys.stderr)
    valid, invalid, unfinished = 0, [], 0
    for i, (name, schema) in enumerate(Random(2).sample(compiled, min(DRAWN, len(compiled)))):
        text, done = draw(model, schema, Sampling(1.0, seed=i), 400)
        if done.reason != "stop":
            unfinished += 1
            continue
        try:
            jsonschema.validators.validator_for(schema)(schema).validate(json.loads(text))
            valid += 1
        except (jsonschema.ValidationError, ValueError) as error:
            invalid.append((name, str(error)[:200], text[:300]))
        except Exception as error:  # the validator does not follow the schema itself
            unfinished += 1
            print(f"\n{name}: {type(error).__name__}", file=sys.stderr)
    print(file=sys.stderr)
    reasons: dict[str, int] = {}
    for _, reason in refused:
        key = " ".join(reason.split()[:12])
        reasons[key] = reasons.get(key, 0) + 1
    return {
        "schemas": len(seconds), "compiled": len(compiled), "refused": len(refused), "slowest_seconds": max(seconds),
        "median_seconds": statistics.median(seconds), "valid": valid, "invalid": invalid, "unfinished": unfinished,
        "reasons": sorted(reasons.items(), key=lambda r: -r[1])[:10],
    }  # fmt: skip


def draw(model: Model, schema: Any, how: Sampling, most: int) -> tuple[str, Done]:
    events = list(model.chat(ASKED, form=ResponseFormat("schema", json.dumps(schema)), sampling=how, max_tokens=most))
    done = events[-1]
    assert isinstance(done, Done)
    return "".join(e.text for e in events if isinstance(e, Text)), done


def cost(model: Model, rounds: int) -> dict[str, float]:
    """Median ratio of decode speeds, the free text of a JSON string against text without a form."""
    ratios = []
    for i in range(rounds + 1):
        how = Sampling(1.0, seed=i)
        form = ResponseFormat("schema", json.dumps(FREE))
        held = list(model.chat(ASKED, form=form, sampling=how, max_tokens=160, speculate=False))[-1]
        free = list(model.chat(ASKED, sampling=how, max_tokens=160, speculate=False))[-1]
        assert isinstance(held, Done) and isinstance(free, Done)
        if i and held.answer_tokens > 60 and free.answer_tokens > 60:  # the first warms up
            ratios.append(held.answer_rate / free.answer_rate)
    return {"rounds": len(ratios), "median": statistics.median(ratios), "least": min(ratios), "most": max(ratios)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    report: dict[str, Any] = {}
    with load("smollm2:135m", context=1024) as model:
        report["wild"] = wild(model)
    for name in ("smollm2:135m", "qwen2.5-coder:0.5b"):
        with load(name, context=1024) as model:
            report[f"speed with a form, {name}"] = cost(model, args.rounds)
    print(json.dumps(report, indent=1, ensure_ascii=False))
    if args.json:
        args.json.write_text(json.dumps(report, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
