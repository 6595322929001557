"""The model that sees and comes with galop: it reads and counts pictures drawn for no training, in a font that no
training had, by the engine of every door; and says so in both languages."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest
from PIL import Image, ImageDraw, ImageFont
from serving import folders_in

from galop.backends.events import Done, Text
from galop.backends.load import load
from galop.backends.local import Model
from galop.chat.content import make_content
from galop.chat.thinking import Thinking
from galop.engine.sampling import Sampling
from galop.pictures.picture import open_picture


@pytest.fixture(scope="module")
def model() -> Iterator[Model]:
    with load("qwen3-mini-vl", threads=1) as one:
        yield one


def ask(model: Model, picture: Image.Image, question: str, thinking: Thinking | None = None) -> tuple[str, str]:
    """The answer, and what was thought before it."""
    file = io.BytesIO()
    picture.save(file, "PNG")
    messages: list[Any] = [{"role": "user", "content": make_content([open_picture(file.getvalue()), question])}]
    events = list(model.chat(messages, thinking, max_tokens=120, sampling=Sampling(0.0)))
    assert isinstance(events[-1], Done) and events[-1].reason == "stop"
    texts = [event for event in events if isinstance(event, Text)]
    return tuple("".join(t.text for t in texts if t.thinking == thought).strip() for thought in (False, True))  # type: ignore[return-value]


def written(text: str) -> Image.Image:
    picture = Image.new("RGB", (256, 256), (250, 248, 240))
    font = ImageFont.load_default(72 if len(text) > 3 else 110)
    ImageDraw.Draw(picture).text((128, 128), text, (20, 30, 90), font, anchor="mm")
    return picture


def test_it_reads_printed_numbers(model: Model) -> None:
    numbers = [str(Random(i).randrange(10, 10**digits)) for i in range(10) for digits in (2, 3, 4, 5)]
    right = sum(ask(model, written(number), "What number is in the picture?")[0] == number for number in numbers)
    assert right >= 0.7 * len(numbers), right


def test_it_counts_discs_at_once_whether_it_may_think_or_not(model: Model) -> None:
    places = [(70, 60), (190, 70), (60, 190), (190, 190), (128, 128), (128, 30)]
    for thinking in (None, Thinking(on=False)):
        right = 0
        for drawing in range(30):
            count = drawing % 6 + 1
            picture = Image.new("RGB", (256, 256), "white")
            for x, y in Random(drawing // 6 * 10 + count).sample(places, count):
                ImageDraw.Draw(picture).ellipse((x - 26, y - 26, x + 26, y + 26), (200, 30, 40), (30, 30, 30))
            for question in ("How many shapes are there?", "Combien de formes vois-tu ?"):
                answer, thought = ask(model, picture, question, thinking)
                assert not thought
                right += answer == str(count)
        assert right >= 40, right


def test_two_ways_of_asking_it_race_on_pictures_without_a_word_that_it_does_not_know(tmp_path: Path) -> None:
    numbers = [str(Random(i).randrange(10, 10**digits)) for i in range(3) for digits in (2, 3, 4)]
    with (tmp_path / "set.csv").open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(("question", "answer", "image", "form"))
        for i, number in enumerate(numbers):
            written(number).save(tmp_path / f"{i}.png")
            rows.writerow(("What number is in the picture?", number, f"{i}.png", "none"))
    lanes = ("qwen3-mini-vl", "qwen3-mini-vl@think:64")
    raced = subprocess.run(
        [sys.executable, "-m", "galop", "race", *lanes, "--on", str(tmp_path / "set.csv"), "--out", "raced", "--json"],
        capture_output=True, text=True, cwd=tmp_path, env={**os.environ, **folders_in(tmp_path)}, timeout=300,
    )  # fmt: skip
    assert raced.returncode == 0, raced.stderr
    shares = [lane["accuracy"]["estimate"] for lane in json.loads(raced.stdout)["lanes"]]
    assert len(shares) == 2 and min(shares) >= 0.7, raced.stdout
