"""How far technical questions in free form are answered, through the command that a user types.

    python bench/science.py qwen2.5-coder:0.5b qwen2.5-coder:1.5b --half shown
    python bench/science.py qwen2.5-coder:1.5b@kept chance first --half kept --write README.md
    python bench/science.py url:http://127.0.0.1:8080/v1#name --half kept

A lane is a model as `galop run MODEL --tools science --json QUESTION` answers it, each question in a process of its
own. Others are: `MODEL@plain`, without the tools; `MODEL@kept`, loaded once, the function behind the command called
here, as soon as a few replies are found to be the command's; `MODEL@served`, the same question to a `galop serve` that
is started for it, as a client of OpenAI's API asks; a model behind an interface (`url:`, `xai:` and so on), which the
program asks as it asks its own; `first`, the program without any model, and `chance`, which draws one of the plans that
are about as likely as the first. Each reply is one line of the record as soon as it is there, and
is not asked for again.

Right is what `galop.science.score` takes for right; where data are missing, what says so; where no formula leads there,
what states no number. Misleading is a number stated as the answer that is not it, or where none can be known.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from statistics import median, quantiles
from typing import Any

from galop.backends.events import Text
from galop.race.statistics import wilson
from galop.science.bank.free_form import STRATA, FreeFormQuestion, load_free_form
from galop.science.score import Verdict, judge_number

GALOP = (sys.executable, "-m", "galop")
SECONDS = 300  # that one question may take
CLOSE = 0.3  # plans whose scores differ by no more are about as likely
COMPARED = 4  # replies of a model that is kept, with those of the command
MARKS = ("<!-- bench/science.py: begin -->", "<!-- bench/science.py: end -->")
Line = dict[str, Any]
Ask = Callable[[FreeFormQuestion], Line]


@dataclass(frozen=True)
class Outcome:
    """A reply with its question and verdict."""

    question: FreeFormQuestion
    line: Line
    verdict: Verdict

    @property
    def right(self) -> bool:
        return self.verdict.right or (self.question.stratum == "no_formula" and self.verdict.slip == "no answer")

    @property
    def misleads(self) -> bool:
        return not self.right and self.verdict.misleads

    @property
    def names_missing(self) -> bool:
        return self.right and self.question.names_missing(self.line["reply"])


def judge(question: FreeFormQuestion, line: Line) -> Outcome:
    verdict = judge_number(line["reply"], question.answer, question.unit, question.tolerance, question.language)
    return Outcome(question, line, verdict)


def ask_command(lane: str) -> Ask:
    """`galop run`, as a user types it."""
    model, plain = lane.removesuffix("@plain"), lane.endswith("@plain")
    words = [*GALOP, "run", model, "--json", "--seed", "0", *([] if plain else ["--tools", "science"])]

    def ask(question: FreeFormQuestion) -> Line:
        start = time.monotonic()
        try:
            ended = subprocess.run(
                [*words, question.text], capture_output=True, text=True, timeout=SECONDS, stdin=subprocess.DEVNULL
            )
        except subprocess.TimeoutExpired:
            return {"reply": "", "error": "no answer in time", "seconds": time.monotonic() - start}
        seconds = time.monotonic() - start
        if ended.returncode:
            return {"reply": "", "error": ended.stderr.strip()[-300:], "seconds": seconds}
        data = json.loads(ended.stdout)
        return {"reply": data.pop("answer"), "seconds": seconds, "data": data}

    return ask


@contextmanager
def ask_server(lane: str) -> Iterator[Ask]:
    """OpenAI's API of a `galop serve` that answers technical questions with computed numbers."""
    import httpx

    model = lane.removesuffix("@served")
    with subprocess.Popen(
        [*GALOP, "serve", model, "--port", "0"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as server:
        assert server.stdout
        try:
            address = next(line for line in server.stdout if "http://" in line)
            url = address[address.index("http://") :].split()[0].rstrip("/")
            with httpx.Client(base_url=url, timeout=SECONDS) as client:

                def ask(question: FreeFormQuestion) -> Line:
                    start = time.monotonic()
                    asked = [{"role": "user", "content": question.text}]
                    body = {"model": model, "messages": asked, "tools": [{"type": "galop:science"}], "seed": 0}
                    got = client.post("/v1/chat/completions", json=body)
                    seconds = time.monotonic() - start
                    if got.is_error:
                        return {"reply": "", "error": got.text[-300:], "seconds": seconds}
                    message = got.json()["choices"][0]["message"]
                    return {"reply": message["content"] or "", "seconds": seconds, "data": {"message": message}}

                yield ask
        finally:
            server.terminate()


def ask_plans(lane: str) -> Ask:
    """The program's own plans: what `first` comes to is what every door tells, `chance` draws."""
    from galop.agent.science import is_technical
    from galop.science.planning.candidates import find_candidates
    from galop.science.planning.conclusion import answer, answer_at_once, conclude
    from galop.science.reading.question import read_question

    def ask(question: FreeFormQuestion) -> Line:
        start = time.monotonic()
        read, found = read_question(question.text), None
        if is_technical(read):
            found = answer(read) if lane == "first" else answer_at_once(read)
            if found is None:
                plans = find_candidates(read)
                near = [p for p in plans if p.plan.score > plans[0].plan.score - CLOSE] if plans else []
                near = [p for p in near if p.computation] or near
                found = conclude(read, [Random(f"{lane} {question.id}").choice(near)] if near else [])
        seconds = time.monotonic() - start
        data = {"science": found.data() if found else None}
        return {"reply": found.text() if found else "", "seconds": seconds, "data": data}

    return ask


def ask_backend(backend: Any) -> Ask:
    """The function that every door calls, in this process."""
    from galop.agent.science import answer_question
    from galop.science.planning.answer import Answer

    def ask(question: FreeFormQuestion) -> Line:
        start = time.monotonic()
        said, data = "", None
        for event in answer_question(backend, [{"role": "user", "content": question.text}]):
            if isinstance(event, Text) and not event.thinking:
                said += event.text
            elif isinstance(event, Answer):
                data = event.data()
        return {"reply": said, "seconds": time.monotonic() - start, "data": {"science": data}}

    return ask


def ask_kept(lane: str) -> Ask:
    """A model that is loaded once; its first replies are compared with those of the command."""
    from galop.backends.load import load

    model = lane.removesuffix("@kept")
    command, here = ask_command(model), ask_backend(load(model))
    compared = 0

    def ask(question: FreeFormQuestion) -> Line:
        nonlocal compared
        line = here(question)
        if compared < COMPARED:
            compared += 1
            if (said := command(question)["reply"]) != line["reply"]:
                raise SystemExit(f"{question.id}: the command says {said!r}, its function {line['reply']!r}")
        return line

    return ask


def ask_interface(lane: str) -> Ask:
    """A model behind an interface, asked as one that runs here is."""
    from galop.race.contender import Contender, open_contender

    return ask_backend(open_contender(Contender.parse(lane), 1)[0])


def open_lane(lane: str, stack: ExitStack) -> Ask:
    if lane in ("chance", "first"):
        return ask_plans(lane)
    if lane.endswith("@served"):
        return stack.enter_context(ask_server(lane))
    if lane.endswith("@kept"):
        return ask_kept(lane)
    from galop.race.contender import Contender

    return ask_interface(lane) if Contender.parse(lane).is_remote else ask_command(lane)


def run(lanes: Iterable[str], questions: list[FreeFormQuestion], record: Path) -> list[tuple[str, Line]]:
    """All replies, those of the record first; the rest is asked for and added to it."""
    kept = [json.loads(text) for text in record.read_text("utf-8").splitlines()] if record.exists() else []
    known = {(line["lane"], line["id"]): line for line in kept}
    record.parent.mkdir(parents=True, exist_ok=True)
    for lane in lanes:
        todo = [question for question in questions if (lane, question.id) not in known]
        if not todo:
            continue
        with ExitStack() as stack, record.open("a", encoding="utf-8") as file:
            ask = open_lane(lane, stack)
            for count, question in enumerate(todo, 1):
                line = {"lane": lane, "id": question.id, **ask(question)}
                line["seconds"] = round(line["seconds"], 3)
                known[lane, question.id] = line
                print(json.dumps(line, ensure_ascii=False), file=file, flush=True)
                print(f"{lane} {count}/{len(todo)} {question.id}: {line['reply'][:60]!r}", file=sys.stderr)
    return [(lane, known[lane, question.id]) for lane in lanes for question in questions]


def share(found: list[bool]) -> str:
    if not found:
        return "–"
    interval = wilson(sum(found) / len(found), len(found))
    return f"{100 * interval.estimate:.0f} % ({100 * interval.low:.0f}–{100 * interval.high:.0f})"


def write_table(outcomes: dict[str, list[Outcome]]) -> str:
    """A row for each measure, a column for each lane; intervals are Wilson's, 95 %."""
    lanes = list(outcomes)
    rows: list[tuple[str, Callable[[list[Outcome]], str]]] = [
        ("right", lambda found: share([o.right for o in found])),
        *(
            (
                f"right, {stratum.replace('_', ' ')}",
                lambda found, stratum=stratum: share([o.right for o in found if o.question.stratum == stratum]),
            )
            for stratum in STRATA
        ),
        ("missing: says so and names it",
         lambda found: share([o.names_missing for o in found if o.question.stratum == "missing"])),
        ("right, English", lambda found: share([o.right for o in found if o.question.language == "en"])),
        ("right, French", lambda found: share([o.right for o in found if o.question.language == "fr"])),
        ("**a confident wrong number**", lambda found: share([o.misleads for o in found])),
        ("seconds, median; nine in ten within", lambda found: times([o.line["seconds"] for o in found])),
    ]  # fmt: skip
    counted = len({o.question.id for found in outcomes.values() for o in found})
    lines = [f"| {counted} questions | {' | '.join(lanes)} |", f"| --- |{' ---: |' * len(lanes)}"]
    for name, row in rows:
        lines.append(f"| {name} | {' | '.join(row(outcomes[lane]) for lane in lanes)} |")
    return "\n".join(lines)


def times(seconds: list[float]) -> str:
    if len(seconds) < 2:
        return f"{seconds[0]:.1f}"
    return f"{median(seconds):.1f}; {quantiles(seconds, n=10)[-1]:.1f}"


def write_failures(outcomes: dict[str, list[Outcome]]) -> str:
    """What was not right, with what was said and what it rests on; of the shown half alone."""
    lines = []
    for lane, found in outcomes.items():
        wrong = [o for o in found if not o.right or (o.question.stratum == "missing" and not o.names_missing)]
        lines.append(f"# {lane}: {len(wrong)} of {len(found)} are not right\n")
        for o in sorted(wrong, key=lambda o: (o.question.stratum, o.question.id)):
            q, data = o.question, (o.line.get("data") or {})
            wanted = f"{q.answer:.6g} {q.unit}" if q.answer is not None else f"nothing ({q.missing or 'no formula'})"
            lines.append(f"- **{q.id}** ({q.stratum}, {q.language}): {q.text!r}")
            lines.append(f"  wanted {wanted}; said {o.line['reply'][:300]!r} ({o.verdict.slip or 'does not name it'})")
            science = data.get("science") or {}
            for step in science.get("steps", ()):
                came = f"{step['what']} = {step['value']:.6g} {step['unit']}"
                lines.append(f"  - {step['name']}: {came} from {step['inputs']}")
            if science.get("status"):
                rest = f"assumed {science.get('assumptions')}; unused {science.get('unused')}"
                lines.append(f"  - {science['status']}; {rest}")
            if o.line.get("error"):
                lines.append(f"  - error: {o.line['error']}")
        lines.append("")
    return "\n".join(lines)


def write_into(page: Path, text: str) -> None:
    """Puts the table between its two marks in a page."""
    found = page.read_text("utf-8")
    begin, end = found.index(MARKS[0]) + len(MARKS[0]), found.index(MARKS[1])
    page.write_text(f"{found[:begin]}\n\n{text}\n\n{found[end:]}", "utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("lanes", nargs="+", metavar="LANE")
    parser.add_argument("--half", choices=("shown", "kept"), default="shown")
    parser.add_argument("--record", type=Path, help="JSONL; else results/science/HALF.jsonl")
    parser.add_argument("--limit", type=int, default=0)
    parser.add_argument("--failures", type=Path, help="where to write what was not right, of the shown half")
    parser.add_argument("--write", type=Path, help="a page whose table, between its marks, is to be this one")
    args = parser.parse_args()
    if args.failures and args.half == "kept":
        parser.error("what is wrong in the half that is kept is nobody's to look at")
    questions = load_free_form(args.half)[: args.limit or None]
    by_id = {question.id: question for question in questions}
    outcomes: dict[str, list[Outcome]] = {}
    for lane, line in run(args.lanes, questions, args.record or Path(f"results/science/{args.half}.jsonl")):
        outcomes.setdefault(lane, []).append(judge(by_id[line["id"]], line))
    table = write_table(outcomes)
    print(table)
    if args.write:
        write_into(args.write, f"{table}\n\n`python bench/science.py {' '.join(args.lanes)} --half {args.half}`")
    if args.failures:
        args.failures.write_text(write_failures(outcomes), "utf-8")


if __name__ == "__main__":
    main()
