"""The mini family: its problems, its tokenizer, and (with torch) its recipe."""

from __future__ import annotations

import json
import re
from random import Random

import pytest

from galop.chat.template import ChatTemplate
from galop.recipes.mini import tokenizer
from galop.recipes.mini.tasks import LEVELS, MEND, correct, draw, is_held_out
from galop.tokenizers.tokenizer import Tokenizer

EVERY_LEVEL = [(task, level) for task, levels in LEVELS.items() for level in levels]


@pytest.mark.parametrize("task", ["add", "subtract", "multiply"])
def test_arithmetic_is_right(task: str) -> None:
    random = Random(1)
    for _ in range(500):
        problem = draw(random, task=task)
        assert problem.answer == str(eval(problem.key))
        assert correct(problem, f" {problem.answer}\n") and not correct(problem, problem.answer + "0")


@pytest.mark.parametrize(("task", "level"), EVERY_LEVEL)
def test_every_line_of_a_working_holds(task: str, level: str) -> None:
    """Who knows only the notation can follow it from line to line, and ends at the answer."""
    random = Random(f"{task} {level}")
    for _ in range(30):
        problem = draw(random, task=task, level=level, mistakes=0)
        followed = 0
        for line in problem.thinking.split("\n"):
            if match := re.fullmatch(r"(\d+)([+-])(\d+)=(\d+)", line):
                a, b, c = (int(match[i][::-1]) for i in (1, 3, 4))
                assert c == (a + b if match[2] == "+" else a - b)
                followed = c
            elif match := re.fullmatch(r"(\d+)\*(\d+)", line):
                product, total, place = int(match[1][::-1]) * int(match[2][::-1]), 0, 0
            elif match := re.fullmatch(r"(\d+)\*(\d):((?: \d\d)+)=(\d+)(?: \+(\d+))?", line):
                carry = 0
                for d, step in zip(match[1], match[3].split(), strict=True):
                    assert int(step) == int(d) * int(match[2]) + carry
                    carry = int(step) // 10
                row = int(match[4][::-1])
                assert row == int(match[1][::-1]) * int(match[2]) * 10**place
                total, place = total + row, place + 1
                assert match[5] is None or int(match[5][::-1]) == total
                followed = total
                if 10**place > product // max(int(match[1][::-1]), 1):
                    assert total == product
            elif match := re.fullmatch(r"(\d+) (\S+)([*/])(\d+)=(?:(\d+) (\S+))?", line):
                followed = int(match[1]) * int(match[4]) if match[3] == "*" else int(match[1]) // int(match[4])
                assert match[5] is None or int(match[5]) == followed
            elif match := re.fullmatch(r"\w?=(\d+) [^,]+", line):
                assert int(match[1]) == followed
            else:
                assert task == "formula" and re.fullmatch(r"(\w=\d+ ?\S*(, )?)+|\w=\w[*+-]\w=\d+[*+-]\d+", line), line
        assert str(followed) == problem.answer.split()[0]


SI = {
    "wk": 604800, "d": 86400, "h": 3600, "min": 60, "s": 1, "km": 1e6, "m": 1e3, "dm": 100, "cm": 10, "mm": 1,
    "mi": 63360, "yd": 36, "ft": 12, "in": 1, "t": 1e9, "kg": 1e6, "g": 1e3, "mg": 1, "m3": 1e6, "L": 1e3, "mL": 1,
    "kWh": 3.6e6, "kJ": 1e3, "J": 1, "MPa": 1e6, "bar": 1e5, "kPa": 1e3, "Pa": 1, "Ah": 3.6e6, "C": 1e3, "mC": 1,
}  # fmt: skip


def test_conversions_are_those_of_the_units() -> None:
    random = Random(8)
    for _ in range(500):
        problem = draw(random, task="convert")
        value, source, target = problem.key.split()
        assert int(problem.answer.split()[0]) * SI[target] == int(value) * SI[source]


PHYSICS = {
    "work is done": lambda m, a, d: m * a * d, "power is lost": lambda i, r: r * i * i,
    "energy does it use": lambda i, u, t: u * i * t, "heat comes out": lambda i, r, t: r * i * i * t,
    "heat warms": lambda m, low, high, c: m * c * (high - low), "its impulse": lambda q, v, t: q * v * t,
    "its thrust": lambda q, v, p, s: q * v + p * s, "charge plates": lambda n, z: n * z * 96485,
    "cell gives": lambda i, h, u: i * h * 60 * u, "its mass": lambda a, b, h, r: a * b * h * r,
    "its power": lambda f, r, w: f * r * w, "train runs": lambda v, h: v * h * 60,
}  # fmt: skip


def test_formula_problems_are_solved_by_their_physics() -> None:
    random, met = Random(9), set()
    for _ in range(600):
        problem = draw(random, task="formula")
        for words, law in PHYSICS.items():
            if words in problem.question:
                # m2, m3 and the like are units
                numbers = [int(n) for n in re.findall(r"(?<![a-z])\d+", problem.question)]
                assert law(*numbers) == int(problem.answer.split()[0]), problem.question
                met.add(words)
    assert met == set(PHYSICS)


def test_no_problem_is_both_trained_on_and_tested() -> None:
    """Nor is a held-out product, sum or conversion solved on the way of what is trained on."""
    random = Random(2)
    trained = [draw(random) for _ in range(3000)]
    tested = {draw(random, held=True).key for _ in range(1000)}
    assert all(map(is_held_out, tested)) and len(tested) > 500
    for problem in trained:
        assert problem.key not in tested
        for top, bottom in re.findall(r"^(\d\d+)\*(\d+)(?=[\n:])", problem.thinking, re.MULTILINE):
            a, b = sorted((int(top[::-1]), int(bottom[::-1])))
            assert a == 0 or f"{a}*{b}" not in tested
        assert not problem.steps & tested


def test_a_mended_mistake_is_read_but_not_learnt() -> None:
    random = Random(3)
    for _ in range(200):
        problem = draw(random, mistakes=1)
        wrong = [piece for piece in problem.working if not piece.learnt]
        assert len(wrong) == 1 and MEND in problem.thinking
        _before, after = problem.thinking.split(wrong[0].text + MEND, 1)
        assert wrong[0].text != after[: len(wrong[0].text)]  # what follows the mend is something else


def test_the_same_seed_draws_the_same() -> None:
    assert [draw(Random(5)) for _ in range(3)] == [draw(Random(5)) for _ in range(3)]


def test_french_asks_the_same_problems() -> None:
    random = Random(6)
    questions = [draw(random, task="formula").question for _ in range(200)]
    french = [q for q in questions if q.startswith(("Une ", "Un ", "Quelle "))]
    assert 30 < len(french) < 100


def test_digits_stay_alone_and_the_shipped_tokenizer_is_what_the_recipe_trains() -> None:
    assert tokenizer.decode(tokenizer.encode("What is 4738*2916 μΩ?")) == "What is 4738*2916 μΩ?"
    assert [tokenizer.decode([i]) for i in tokenizer.encode("4738")] == ["4", "7", "3", "8"]
    assert json.loads(tokenizer.train().to_str()) == json.loads(tokenizer.load().to_str())


@pytest.mark.parametrize("thinks", [True, False])
def test_training_sees_what_the_template_makes(thinks: bool) -> None:
    """And the template keeps to what it made before: an earlier turn reads the same when the next one has come."""
    problem = draw(Random(7), task="multiply", level="3x2")
    template = ChatTemplate(tokenizer.template(), Tokenizer(tokenizer.load().to_str()))
    reply = "".join(text for text, _ in tokenizer.reply(problem, thinks))
    user = {"role": "user", "content": problem.question}
    assert template.render([user]) == tokenizer.prompt(problem.question)
    said = {"role": "assistant", "content": problem.answer, "reasoning_content": problem.thinking if thinks else ""}
    then = template.render([user, said, {"role": "user", "content": "Hi"}])
    assert then == tokenizer.prompt(problem.question) + reply + "\n" + tokenizer.prompt("Hi")
