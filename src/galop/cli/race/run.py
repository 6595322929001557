"""`galop race`: several models, the same questions."""

from __future__ import annotations

import json
import sys
import time
import webbrowser
from pathlib import Path
from typing import Annotated, Literal

import typer

from galop.cli.cluster import Ray, plan_cluster
from galop.cli.group import command_app, examples
from galop.cli.options import Json, Open, Yes
from galop.cli.screen import note
from galop.machine import processor
from galop.version import __version__

app = command_app()


@app.command(
    epilog=examples(
        "galop race qwen3:0.6b qwen3:1.7b@think:512 --on questions.jsonl",
        "galop race ./qwen3.5-0.8b.gguf google:gemini-3.1-pro-preview --on pictures.csv",
        "galop race qwen3:4b xai:grok-4.3@tools --on science --limit 60 --budget 2usd",
        "galop race qwen3:4b qwen3:8b --on questions.jsonl --together 8 --ray auto",
    ),
)
def run(
    lanes: Annotated[
        list[str],
        typer.Argument(
            help="MODEL or MODEL@WAY: plain, think:TOKENS, vote:ANSWERS, code, tools. A model is one of this machine, "
            "or xai:, openai:, google:, deepseek:, dashscope:, openrouter:, ollama: and its name, or url:ADDRESS#NAME; "
            "vllm:NAME and vllm:ADDRESS#NAME have vLLM compute one of this machine.",
            metavar="LANE...",
        ),
    ],
    on: Annotated[
        str,
        typer.Option(
            "--on",
            help="science, reasoning, a .jsonl or .csv file (its column image: pictures beside it), inspect:TASK.",
            metavar="SET",
        ),
    ] = "science",
    limit: Annotated[int, typer.Option(help="So many questions; 0 for the set's own number.", metavar="N", min=0)] = 0,
    seed: Annotated[int, typer.Option(help="The same seed asks the same questions.", metavar="N", min=0)] = 0,
    lang: Annotated[Literal["en", "fr", "both"], typer.Option(help="Language of the science questions.")] = "en",
    together: Annotated[
        int,
        typer.Option(help="Questions asked at once: faster, but then no times are shown.", metavar="N", min=1, max=256),
    ] = 1,
    budget: Annotated[str, typer.Option(help="Most that remote APIs may cost, such as 2usd.", metavar="AMOUNT")] = "",
    out: Annotated[Path | None, typer.Option(help="Where the race is recorded.", metavar="FOLDER")] = None,
    ray: Ray = "",
    open_report: Open = False,
    as_json: Json = False,
    yes: Yes = False,
) -> None:
    """Ask several models the same questions; interrupted, the same command goes on."""
    from galop.cli.race.progress import show_progress
    from galop.cli.race.start import check_prices, fetch, note_ended, open_places, open_record, parse_dollars
    from galop.cli.race.table import print_table, write_report
    from galop.race import run as runner
    from galop.race.contender import Contender, ContenderError
    from galop.race.course import BudgetSpent
    from galop.race.question_set import load_questions
    from galop.race.summary import summary

    contenders = [Contender.parse(name) for name in lanes]
    if len(set(lanes)) < len(lanes):
        raise ContenderError(f"{next(n for n in lanes if lanes.count(n) > 1)} is there twice; a lane races once")
    dollars = parse_dollars(budget)
    check_prices(contenders, lanes, dollars, on)
    if ray and on.startswith(runner.INSPECT):
        raise ContenderError("inspect-ai asks in its own way on one machine; leave out --ray")
    plan_cluster(ray, "1", 0)
    questions = load_questions(on, limit, seed, lang)
    about = {
        "set": on, "seed": seed, "language": lang, "together": together, "version": __version__,
        "machine": processor(), "begun": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
    }  # fmt: skip
    note_ended(contenders, lanes)
    fetch([c for c in contenders if not ray or c.is_remote or c.url], yes, questions)
    race = open_record(out, about, questions, lanes)
    stopped = ""
    with race.lock():
        try:
            places = open_places(race) if ray else ()
            with show_progress(race, quiet=as_json) as tell:
                course = runner.run_race(race, dollars, tell, places)
        except KeyboardInterrupt:
            stopped = "stopped; the same command goes on"
        except BudgetSpent as error:
            stopped = str(error)
    found = summary(race)
    report = write_report(race, found)
    if as_json:
        print(json.dumps(found, ensure_ascii=False))
    else:
        print_table(found)
        note(f"report: {report}")
    if stopped:
        note(f"galop: {stopped}")
        sys.exit(130 if stopped.startswith("stopped") else 1)
    for why in course.left:
        note(f"galop: {why}")
    for index, why in course.out.items():
        note(f"galop: {lanes[index]} fell out: {why}")
    if not race.is_finished:
        missing = sum(len(race.missing_answers(i)) for i in range(len(race.contenders)))
        note(
            f"galop: {missing} answer{'s are' if missing > 1 else ' is'} missing; the same command asks for them again"
        )
        sys.exit(1)
    if open_report:
        webbrowser.open(report.resolve().as_uri())
