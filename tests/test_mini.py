"""The mini family: its problems, its tokenizer, and (with torch) its recipe."""

from __future__ import annotations

import json
from random import Random

import pytest

from galop.chat.template import ChatTemplate
from galop.chat.tokenizer import Tokenizer
from galop.recipes.mini import tokenizer
from galop.recipes.mini.tasks import LEVELS, MEND, correct, draw, held_out

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
    """A reader who knows only the rules of the notation comes to the answer, line by line."""
    random = Random(f"{task} {level}")
    for _ in range(30):
        problem = draw(random, task=task, level=level, mistakes=0)
        total = ""
        for line in problem.thinking.split("\n"):
            if ":" in line:  # a row of a product: its steps, then the row, then the sum of the rows
                top, digit = line.split(":")[0].split("*")
                steps, _, rest = line.split(": ")[1].partition("=")
                carry = 0
                for d, step in zip(top, steps.split(), strict=True):
                    assert int(step) == int(d) * int(digit) + carry
                    carry = int(step) // 10
                row, _, total = rest.partition(" +")
                assert int(row[::-1]) % (int(top[::-1]) * int(digit) or 10) == 0
                total = total or row
        if task == "multiply":
            assert total[::-1] == problem.answer
        if task in ("convert", "formula"):
            assert problem.thinking.split("\n")[-1].endswith(f"={problem.answer}")


def test_no_problem_is_both_trained_on_and_tested() -> None:
    random = Random(2)
    trained = {draw(random).key for _ in range(3000)}
    tested = {draw(random, held=True).key for _ in range(1000)}
    assert not trained & tested and all(map(held_out, tested)) and len(tested) > 800


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
