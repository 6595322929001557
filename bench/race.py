"""What racing itself costs, and how near `galop fit` predicts a model's rate.

    python bench/race.py                     # the models that are here
    python bench/race.py smollm2:135m

Each rate is measured beside a reading of the memory, since a shared machine changes by the second; the table has the
median ratio of predicted to measured. The overhead is the part of a race's time in which no lane answers.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path
from statistics import median

from galop import store
from galop.backends.events import Done
from galop.backends.load import load
from galop.engine.sampling import Sampling
from galop.machine import default_threads
from galop.measure import fit, speed
from galop.race import run
from galop.race.question_set import load_questions
from galop.race.record import Record

ROUNDS = 7
TOKENS = 48


def predicted(name: str) -> tuple[float, float, float]:
    """Medians of the predicted rate, the measured one, and their ratio."""
    roofline = speed.Roofline(default_threads())
    rates: list[tuple[float, float]] = []
    with load(name, context=1024) as model:
        cost = fit.token_cost(model.plan, model.pack)
        prompt = speed.sample_ids(model, 16)
        for i in range(ROUNDS + 1):
            read_speed = roofline.bandwidth()
            how = Sampling(temperature=1.5, seed=i)  # so that no guess from the text pays
            *_, done = model.generate(prompt, how, TOKENS, speculate=False)
            assert isinstance(done, Done)
            if i and done.answer_tokens > TOKENS // 2:
                rates.append((fit.predict_rate(cost, read_speed), done.answer_rate))
    return median(p for p, _ in rates), median(m for _, m in rates), median(p / m for p, m in rates)


def overhead(name: str, questions: int) -> float:
    """The part of a race's time that is not a lane's answering."""
    with tempfile.TemporaryDirectory() as folder:
        asked = load_questions("reasoning", questions, seed=5)
        record = Record.create(Path(folder), {"set": "reasoning", "seed": 0, "together": 1}, asked, [name])
        run.run_race(record, None, lambda index, line: None)
        lines = list(record.contenders[0].answers.values())
    busy = sum(line["seconds"] for line in lines)
    whole = lines[-1]["begun"] + lines[-1]["seconds"] - lines[0]["begun"]
    return 1 - busy / whole


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="*")
    parser.add_argument("--questions", type=int, default=24)
    args = parser.parse_args()
    names = args.models or [s.name for s in store.list_local() if s.entry]
    print("| model | predicted tok/s | measured | predicted / measured | overhead of racing |")
    print("| --- | ---: | ---: | ---: | ---: |")
    for name in names:
        rate, measured, ratio = predicted(name)
        print(f"| {name} | {rate:.1f} | {measured:.1f} | {ratio:.2f} | {100 * overhead(name, args.questions):.2f} % |")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
