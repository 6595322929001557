"""What qwen3-mini-vl reads, names and counts, by galop's own engine, of held-out pictures in held-out words.

    python bench/mini_vl.py --json results/mini-vl.json          # about 20 minutes on one core
    python bench/mini_vl.py --model FOLDER --count 100           # a checkpoint of `galop train mini-vl`
    python bench/mini_vl.py --save FOLDER --count 20             # a set of pictures for a race: FOLDER/pictures.csv

Pictures are four times as large as the model sees them and come as PNG files. Fonts, a fifth of scikit-learn's digits
and the phrasings are never trained on; "emoji" are drawings that are (in other sizes, places, colours and light),
"emoji never drawn so" are the same things drawn by Noto v1, which is not. Needs galop[eyes].
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import sys
import time
from pathlib import Path
from random import Random
from typing import Any

from galop.backends.events import Done, Text
from galop.backends.load import load
from galop.backends.local import Model
from galop.chat.content import make_content
from galop.chat.thinking import Thinking
from galop.engine.sampling import Sampling
from galop.machine import data_directory, processor
from galop.pictures.picture import open_picture
from galop.recipes.mini.evaluate import Score
from galop.recipes.mini_vl.collect import Material, collect
from galop.recipes.mini_vl.data import SQUARE
from galop.recipes.mini_vl.problems import draw
from galop.recipes.mini_vl.scene import Drawn

STRIP = (32, 112)
# What is measured, by name: the task, whether emoji are of the set kept for testing, and the size.
PARTS: dict[str, tuple[str, bool, tuple[int, int]]] = {
    "digits": ("digit", False, SQUARE), "numbers": ("number", False, SQUARE),
    "numbers in a strip": ("number", False, STRIP),
    "emoji": ("emoji", False, SQUARE), "emoji never drawn so": ("emoji", True, SQUARE),
    "counting things": ("count things", False, SQUARE), "counting shapes": ("shapes", False, SQUARE),
    "flags": ("flag", False, SQUARE), "words": ("word", False, SQUARE), "colours and places": ("shapes", False, SQUARE),
    "larger shape": ("sizes", False, SQUARE), "larger number": ("two numbers", False, SQUARE),
    "dots on two sides": ("dots", False, SQUARE), "bars": ("bars", False, SQUARE), "lines": ("line", False, SQUARE),
}  # fmt: skip


def held_out(part: str, number: int, material: Material) -> Drawn:
    """One picture with one question; of shapes, one that fits the part."""
    task, unseen, size = PARTS[part]
    for attempt in range(50):
        drawn = draw(Random(f"test {part} {number} {attempt}"), material, size, task, held=True, unseen=unseen, zoom=4)
        counts = bool(drawn.turns) and drawn.turns[0].answer.isdigit()
        if drawn.turns and (task != "shapes" or counts == (part == "counting shapes")):
            return drawn
    raise AssertionError(part)


def ask(model: Model, drawn: Drawn, thinks: bool | None) -> tuple[str, str, int]:
    """What is answered, what was thought, and how many tokens both took."""
    file = io.BytesIO()
    drawn.picture.save(file, "PNG")
    messages: list[Any] = [
        {"role": "user", "content": make_content([open_picture(file.getvalue()), drawn.turns[0].question])}
    ]
    thinking = None if thinks is None else Thinking(on=thinks)
    events = list(model.chat(messages, thinking, max_tokens=160, sampling=Sampling(0.0)))
    done = events[-1]
    assert isinstance(done, Done)
    texts = [event for event in events if isinstance(event, Text)]
    answer = "".join(text.text for text in texts if not text.thinking).strip()
    return answer, "".join(text.text for text in texts if text.thinking).strip(), done.answer_tokens


def score(model: Model, part: str, count: int, material: Material, thinks: bool | None) -> tuple[Score, list[str]]:
    """How many are right, word for word but for capital letters; and what was answered wrongly."""
    right, tokens, wrong = 0, 0, []
    for number in range(count):
        drawn = held_out(part, number, material)
        answer, _, spent = ask(model, drawn, thinks)
        tokens += spent
        if answer.lower() == drawn.turns[0].answer.lower():
            right += 1
        else:
            wrong.append(f"{drawn.turns[0].answer} -> {answer}")
    return Score(right, count, tokens / count), wrong


def table(report: dict[str, Any]) -> str:
    """The results in Markdown."""
    rows = ["| held-out pictures of | right, % (95 %) | without thinking |", "| --- | ---: | ---: |"]
    for part, kept in report["scores"].items():
        cells = [part]
        for found in (kept, report.get("without thinking", {}).get(part)):
            cells.append(
                f"{100 * found['share']:.1f} ({100 * found['low']:.0f}-{100 * found['high']:.0f})" if found else ""
            )
        rows.append(f"| {' | '.join(cells)} |")
    return "\n".join(rows)


def save(folder: Path, parts: list[str], count: int, model: str, material: Material) -> None:
    """Pictures as files, and a set of questions about them that a race can be run on; prints how to ask the first."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "pictures.csv").open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(("id", "kind", "question", "answer", "image", "form"))
        for part in parts:
            for number in range(count):
                drawn, name = (
                    held_out(part, number, material),
                    part.replace(" ", "-") + (f"-{number}" if number else ""),
                )
                drawn.picture.save(folder / f"{name}.png")
                turn = drawn.turns[0]
                rows.writerow((name, part, turn.question, turn.answer, f"{name}.png", "none"))
                if number == 0:
                    print(f'galop run {model} {folder / name}.png "{turn.question}"   # {turn.answer}')


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="qwen3-mini-vl")
    parser.add_argument("--only", nargs="*", choices=list(PARTS), default=list(PARTS))
    parser.add_argument("--count", type=int, help="pictures of each part (500; to save, 1)")
    parser.add_argument("--material", type=Path, default=data_directory() / "mini-vl" / "material")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--without-thinking", action="store_true", help="by an empty block of thinking")
    parser.add_argument("--json", type=Path, help="results are added to this file")
    parser.add_argument("--table", action="store_true", help="print what is in --json as a table, and end")
    parser.add_argument("--save", type=Path, help="a folder for the first pictures of each part; prints what to ask")
    parser.add_argument("--wrong", type=int, default=0, help="show so many wrong answers of each part")
    options = parser.parse_args()
    if options.table:
        print(table(json.loads(options.json.read_text())))
        return
    material = collect(options.material, lambda text: print(text, file=sys.stderr))
    if options.save:
        save(options.save, options.only, options.count or 1, options.model, material)
        return
    report: dict[str, Any] = json.loads(options.json.read_text()) if options.json and options.json.exists() else {}
    mode = "without thinking" if options.without_thinking else "scores"
    with load(options.model, threads=options.threads) as model:
        for part in options.only:
            start = time.monotonic()
            made, wrong = score(
                model, part, options.count or 500, material, False if options.without_thinking else None
            )
            low, high = made.interval
            print(f"{part:22} {100 * made.share:5.1f} % ({100 * low:.0f}-{100 * high:.0f}) of {made.of}, "
                  f"{made.tokens:.0f} tokens, "
                  f"{(time.monotonic() - start) / made.of:.3f} s each", flush=True)  # fmt: skip
            for line in wrong[: options.wrong]:
                print(f"    {line}")
            kept = {"share": made.share, "low": low, "high": high, "of": made.of, "tokens": made.tokens}
            report.setdefault(mode, {})[part] = kept
            if options.json:
                report["processor"] = processor()
                options.json.write_text(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    main()
