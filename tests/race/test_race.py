"""Races through the command line with real models: recorded, killed, gone on with, shown again, joined, exported."""

from __future__ import annotations

import csv
import io
import json
import os
import shutil
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser
from serving import folders_in
from waiting import wait_for

from galop.cli.race.table import table
from galop.errors import GalopError
from galop.race import reasoning
from galop.race.contender import Contender
from galop.race.judge import judge
from galop.race.question import Question, QuestionSetError
from galop.race.question_set import load_questions
from galop.race.record import Record, RecordError
from galop.race.rules import RULES
from galop.race.summary import summary

LANES = ["smollm2:135m", "smollm2:135m@vote:2"]


def command(*args: str) -> list[str]:
    return [sys.executable, "-m", "galop", "race", *args]


def race(home: Path, *args: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(*args), capture_output=True, text=True, env={**os.environ, **folders_in(home)}, timeout=300
    )


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory, smollm_path: Path) -> tuple[Path, Path, dict[str, Any]]:
    """One race of two lanes: its home, its folder, what it printed."""
    home = tmp_path_factory.mktemp("race")
    done = race(home, *LANES, "--on", "reasoning", "--limit", "8", "--json")
    assert done.returncode == 0, done.stderr
    [folder] = (home / "data" / "galop" / "races").iterdir()
    return home, folder, json.loads(done.stdout)


def test_a_race_measures_what_it_says(ran: tuple[Path, Path, dict[str, Any]]) -> None:
    _, folder, found = ran
    assert [lane["name"] for lane in found["lanes"]] == LANES and len(found["pairs"]) == 1
    plain, vote = found["lanes"]
    assert plain["answered"] == vote["answered"] == 8 and vote["tokens"] > plain["tokens"]
    assert plain["rate"] > 1 and plain["seconds"] > plain["first_token_seconds"] > 0
    assert 100 << 20 < plain["memory"] < 1 << 30 and len(plain["about"]["sha256"]) == 64
    record = Record.load(folder)
    assert record.is_finished and all(len(lane.answers) == 8 for lane in record.contenders)
    for lane in record.contenders:
        for question in record.questions:
            line = lane.answers[question.id]
            judged = judge(question, line["text"])
            assert (judged.right, judged.slip) == (line["right"], line["slip"])
            assert line["tokens"] > 0 and line["begun"] > 1.7e9


def test_its_report_is_drawn_again_byte_for_byte(ran: tuple[Path, Path, dict[str, Any]]) -> None:
    home, folder, found = ran
    page = (folder / "report.html").read_bytes()
    (folder / "report.html").unlink()
    shown = race(home, "show", folder.name, "--json")
    assert (folder / "report.html").read_bytes() == page and json.loads(shown.stdout) == found
    text = race(home, "show").stdout
    assert all(lane in text for lane in LANES) and "not measured" in text
    listed = json.loads(race(home, "list", "--json").stdout)
    assert listed[0]["name"] == folder.name and listed[0]["finished"]


def test_it_is_exported_and_joined(ran: tuple[Path, Path, dict[str, Any]], tmp_path: Path) -> None:
    home, folder, found = ran
    lanes = list(csv.DictReader(io.StringIO(race(home, "export", folder.name).stdout)))
    assert [row["name"] for row in lanes] == LANES and float(lanes[0]["rate"]) == found["lanes"][0]["rate"]
    answers = list(csv.DictReader(io.StringIO(race(home, "export", folder.name, "--answers").stdout)))
    assert len(answers) == 16 and {row["lane"] for row in answers} == set(LANES)
    assert race(home, "export", folder.name, "--csv").stdout == race(home, "export", folder.name).stdout
    assert [row["rank"] for row in json.loads(race(home, "export", folder.name, "--json").stdout)] == [
        lane["rank"] for lane in found["lanes"]
    ]
    both = race(home, "export", folder.name, "--csv", "--json")
    assert both.returncode == 1 and "cannot both be printed" in both.stderr
    more = race(home, "smollm2:135m@think:8", "--on", "reasoning", "--limit", "8")
    assert more.returncode == 1 and "does not think" in more.stderr
    third = tmp_path / "third"
    assert race(home, "smollm2:135m@vote:3", "--on", "reasoning", "--limit", "8", "--out", str(third)).returncode == 0
    joined = race(home, "join", str(folder), str(third), "--out", str(tmp_path / "both"))
    assert joined.returncode == 0, joined.stderr
    assert [lane.name for lane in Record.load(tmp_path / "both").contenders] == [*LANES, "smollm2:135m@vote:3"]
    # Of a lane that two have, what is furthest on is taken.
    shutil.copytree(third, tmp_path / "short")
    lines = (third / "lane-1.jsonl").read_text().splitlines(keepends=True)
    (tmp_path / "short" / "lane-1.jsonl").write_text("".join(lines[:3]))
    assert race(home, "join", str(tmp_path / "short"), str(third), "--out", str(tmp_path / "whole")).returncode == 0
    assert [len(lane.answers) for lane in Record.load(tmp_path / "whole").contenders] == [8]
    (tmp_path / "short" / "lane-1.jsonl").write_text(lines[0])
    empty = race(home, "join", str(tmp_path / "short"), "--out", str(tmp_path / "none"))
    assert empty.returncode == 2 and "none of these races has an answer yet" in empty.stderr
    other = race(home, "smollm2:135m", "--on", "reasoning", "--limit", "2", "--out", str(tmp_path / "other"))
    assert other.returncode == 0
    refused = race(home, "join", str(folder), str(tmp_path / "other"))
    assert refused.returncode == 2 and "asked other questions" in refused.stderr
    assert race(home, "history", "--json").returncode == 0


def has_answers(path: Path, count: int) -> bool:
    return path.exists() and path.read_bytes().count(b'"begun"') >= count


@pytest.mark.parametrize("together", ["1", "4"])
def test_killed_at_any_moment_it_goes_on(tmp_path: Path, smollm_path: Path, together: str) -> None:
    """No recorded answer is asked for again, none is lost, and the end is that of a race that was not killed."""
    out = tmp_path / "killed"
    args = [*LANES, "--on", "reasoning", "--limit", "6", "--out", str(out), "--together", together]
    env = {**os.environ, **folders_in(tmp_path)}
    seen: dict[str, dict[str, bytes]] = {}
    for lane, answers in (("lane-1", 1), ("lane-1", 3), ("lane-2", 3)):
        process = subprocess.Popen(command(*args), env=env, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        wait_for(partial(has_answers, out / f"{lane}.jsonl", answers), f"{answers} answers of {lane}", 300)
        process.send_signal(signal.SIGKILL)
        process.wait()
        for path in out.glob("lane-*.jsonl"):
            kept = seen.setdefault(path.name, {})
            for line in path.read_bytes().splitlines(keepends=True):
                if line.endswith(b"\n") and b'"setup"' not in line:
                    kept.setdefault(json.loads(line)["id"], line)
        with (out / "lane-1.jsonl").open("ab") as file:
            file.write(b'{"id": "half a li')  # what a kill in the middle of a write leaves
    done = race(tmp_path, *args, "--json")
    assert done.returncode == 0 and "going on with" in done.stderr, done.stderr
    whole = race(tmp_path, *args[:-4], "--together", together, "--json")
    assert seen, "it was never killed in the middle"
    for name, kept in seen.items():
        lines = (out / name).read_bytes().splitlines(keepends=True)
        answers = [json.loads(line)["id"] for line in lines if b'"setup"' not in line]
        assert len(answers) == len(set(answers)) == 6
        assert all(line in lines for line in kept.values())
    for mine, theirs in zip(json.loads(done.stdout)["lanes"], json.loads(whole.stdout)["lanes"], strict=True):
        assert (mine["accuracy"], mine["tokens"]) == (theirs["accuracy"], theirs["tokens"])


def test_ctrl_c_stops_cleanly(tmp_path: Path, smollm_path: Path) -> None:
    args = [*LANES, "--on", "reasoning", "--limit", "60", "--out", str(tmp_path / "stopped")]
    process = subprocess.Popen(
        command(*args),
        env={**os.environ, **folders_in(tmp_path)},
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    wait_for((tmp_path / "stopped" / "lane-2.jsonl").exists, "the second lane's start")
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=120)
    assert process.returncode == 130 and "the same command goes on" in err and "Traceback" not in err
    assert "smollm2:135m" in out and (tmp_path / "stopped" / "report.html").exists()


def test_two_do_not_run_the_same_race(ran: tuple[Path, Path, dict[str, Any]]) -> None:
    home, folder, _ = ran
    with Record.load(folder).lock():
        refused = race(home, *LANES, "--on", "reasoning", "--limit", "8", "--out", str(folder))
    assert refused.returncode == 2 and "is being raced by another process" in refused.stderr


WRONG_SETS = {
    "no.jsonl": ("", "has no questions"),
    "columns.csv": ("prompt,answer\nhi,2\n", "line 2 has no question"),
    "answer.jsonl": ('{"question": "2+2?"}\n', "line 1 has no answer"),
    "twice.jsonl": ('{"id": 1, "question": "a", "answer": 1}\n{"id": 1, "question": "b", "answer": 2}\n',
                    "line 2: the id '1' is that of line 1 too"),
    "json.jsonl": ('{"question": "a", "answer": 1}\n{"question"\n', "line 2 is no JSON"),
    "list.jsonl": ("[1]\n", "line 1 is no JSON object"),
    "nested.jsonl": ("[" * 100_000 + "\n", "line 1 is no JSON"),
    "unit.jsonl": ('{"question": "a", "answer": 1, "unit": "furlonx"}\n', "is not a unit that is known"),
    "number.jsonl": ('{"question": "a", "answer": "many", "unit": "m"}\n', "'many' is not a number"),
    "ragged.csv": ("question,answer\na\n", "not as many columns"),
    "huge.jsonl": ('{"question": "' + "x" * (2 << 20) + '", "answer": 1}\n', "line 1 is longer than 1 MiB"),
    "lang.jsonl": ('{"question": "a", "answer": 1, "lang": "de"}\n', "lang has to be en or fr"),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG_SETS)
def test_a_wrong_set_is_told_in_a_sentence(tmp_path: Path, name: str) -> None:
    text, message = WRONG_SETS[name]
    (tmp_path / name).write_text(text)
    with pytest.raises(QuestionSetError, match=message):
        load_questions(str(tmp_path / name))


def test_sets_that_are_no_text(tmp_path: Path) -> None:
    (tmp_path / "latin.csv").write_bytes("question,answer\ncafé,1\n".encode("latin-1"))
    with pytest.raises(QuestionSetError, match="is not UTF-8"):
        load_questions(str(tmp_path / "latin.csv"))
    with pytest.raises(QuestionSetError, match="cannot be read"):
        load_questions(str(tmp_path / "absent.csv"))
    with pytest.raises(QuestionSetError, match="there is no set 'sciense'"):
        load_questions("sciense")


def test_a_set_of_ones_own(tmp_path: Path) -> None:
    path = tmp_path / "own.csv"
    path.write_text("\ufeffId,Question,Answer,unit,tolerance\na,Capital of France?,Paris,,\nb,Speed?,2.5,km/s,0.02\n")
    first, second = load_questions(str(path))
    right = {
        "ANSWER: paris": True,
        "It is **Paris**.\n\nANSWER: **Paris**.": True,
        "Paris": True,
        "ANSWER: Lyon": False,
    }
    assert {reply: judge(first, reply).right for reply in right} == right
    for reply, good in (("ANSWER: 2510 m/s", True), ("ANSWER: 2.6 km/s", False), ("ANSWER: 2500", False), ("", False)):
        assert judge(second, reply).right == good
    assert judge(Question("n", "n", "?", "1,234"), "so ANSWER: 1234").right


def test_ids_from_zero_and_texts_with_any_line_end(tmp_path: Path) -> None:
    path = tmp_path / "own.jsonl"
    rows = [{"id": i, "question": f"a\u2028b\x85{i} \ud83d?", "answer": i, "kind": 0} for i in range(3)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    questions = load_questions(str(path))
    assert [(q.id, q.kind) for q in questions] == [("0", "0"), ("1", "0"), ("2", "0")]
    Record.create(tmp_path / "race", {"set": "x", "seed": 0, "together": 1}, questions, ["a"])
    assert Record.load(tmp_path / "race").questions == questions


@pytest.mark.parametrize(
    ("wanted", "said", "right"),
    [
        ("1140", "1140 euros", True), ("1140", "€1,140", True), ("1140", "$1 140.00", True), ("1140", "11 40.1", False),
        ("1.5", "1,5", True), ("314", "3,14", False), ("3 m", "3 km", False), ("Paris", "Paris.", True),
        ("12", "12 apples or 13", False), ("0.5", "1/2", False),
    ],
)  # fmt: skip
def test_numbers_as_people_write_them(wanted: str, said: str, right: bool) -> None:
    assert judge(Question("1", "k", "?", wanted), f"So.\nANSWER: {said}").right is right


def test_a_damaged_race_is_not_begun_anew_in_silence(tmp_path: Path) -> None:
    own = tmp_path / "own.csv"
    own.write_text("question,answer\n1+1?,2\n")
    args = ["url:http://127.0.0.1:9/v1#x", "--on", str(own)]
    assert race(tmp_path, *args).returncode == 1
    races = tmp_path / "data" / "galop" / "races"
    [folder] = races.iterdir()
    (folder / "lane-1.jsonl").write_text("{broken\n")
    again = race(tmp_path, *args)
    assert again.returncode == 2 and "line 1 is damaged" in again.stderr and list(races.iterdir()) == [folder]


def test_every_reasoning_answer_is_right_and_every_rule_can_be_kept_and_broken() -> None:
    drawn = load_questions("reasoning", 16 * 25, seed=3)
    assert {q.kind for q in drawn} == set(reasoning.KINDS) and len({q.text for q in drawn}) > 300
    for q in drawn:
        if q.answer is not None:
            assert judge(q, f"So it is.\nANSWER: {q.answer}").right
            assert not judge(q, "ANSWER: 1234567").right
    kept = {
        "words": ("a very light box kite flies", 6), "bullets": ("- a\n- b", 2), "contains": ("the Copper pot", "copper"),
        "lower": ("all small", True), "json": ('```json\n{"a": "x", "b": "y"}\n```', ["a", "b"]),
        "first": ("Valve it is", "valve"), "last": ("it is the valve.", "valve"),
    }  # fmt: skip
    broken = {"words": "three words only", "bullets": "- a\n* b", "contains": "coppery", "lower": "No", "json": '{"a": 1}',
              "first": "A valve", "last": "valve it is"}  # fmt: skip
    for rule, check in RULES.items():
        assert check(*kept[rule]) and not check(broken[rule], kept[rule][1])


def test_lanes_by_name() -> None:
    assert Contender.parse("qwen2.5-coder:1.5b@tools").strategy.name == "tools"
    assert (
        str(Contender.parse("qwen3:4b@think:512").strategy) == "think:512"
        and str(Contender.parse("a@vote").strategy) == "vote:5"
    )
    lane = Contender.parse("url:http://localhost:8080/v1#name@plain")
    assert (lane.vendor, lane.url, lane.model) == ("url", "http://localhost:8080/v1", "name")
    lane = Contender.parse("xai:grok-4.3@tools")
    assert lane.is_remote and lane.model == "grok-4.3" and not Contender.parse("galop:ollama:llama3").is_remote
    for name, message in (("m@thunk", "no way 'thunk'"), ("m@vote:99", "at most 64"), ("@tools", "names no model"),
                          ("m@plain:3", "no way 'plain:3'")):  # fmt: skip
        with pytest.raises(GalopError, match=message):
            Contender.parse(name)


def test_wrong_use_is_told_in_a_sentence(tmp_path: Path) -> None:
    for args, message in (
        (["smollm2:135m", "smollm2:135m"], "is there twice"), (["nosuch:1b"], "no model is called"),
        (["smollm2:135m", "--budget", "much"], "no amount such as 2usd"), (["show", "nothing"], "no recorded race"),
        (["show"], "no race has been recorded yet"), (["smollm2:135m", "--on", "reasoning", "--lang", "fr"], "English only"),
    ):  # fmt: skip
        found = race(tmp_path, *args)
        assert found.returncode == 2 and message in found.stderr and "Traceback" not in found.stderr, found.stderr


def test_a_damaged_record_is_told(ran: tuple[Path, Path, dict[str, Any]], tmp_path: Path) -> None:
    _, folder, _ = ran
    for name in ("race.json", "questions.jsonl", "lane-1.jsonl"):
        (tmp_path / name).write_bytes((folder / name).read_bytes())
    lines = (tmp_path / "lane-1.jsonl").read_bytes().splitlines(keepends=True)
    (tmp_path / "lane-1.jsonl").write_bytes(b"".join([lines[0], b"\xff garbage\n", *lines[1:]]))
    with pytest.raises(RecordError, match="line 2 is damaged"):
        Record.load(tmp_path)
    (tmp_path / "race.json").write_text("{}")
    with pytest.raises(RecordError, match="damaged record"):
        Record.load(tmp_path)


def written(folder: Path, kinds: list[str], **lanes: list[dict[str, Any]]) -> dict[str, Any]:
    """The summary of a record with these answers, in order; None where there is none."""
    questions = [Question(str(i), kind, "?", "1") for i, kind in enumerate(kinds)]
    kept = Record.create(folder, {"set": "x", "seed": 0, "together": 1}, questions, list(lanes))
    for lane, lines in enumerate(lanes.values()):
        kept.add(lane, {"setup": {"kind": "closed", "model": "grok-4", "price": None}})
        for i, line in enumerate(lines):
            usual = {"begun": 0.0, "text": "", "thinking": "", "calls": [], "replies": 1, "tokens": 5, "thinking_tokens": 0,
                     "seconds": 1.0, "first_token_seconds": 0.5, "answer_seconds": 0.5, "cut_off": False, "slip": "",
                     "usd": None, "memory": None}  # fmt: skip
            kept.add(lane, {"id": str(i), **usual, **line})
    return summary(Record.load(folder))


def test_ranks_follow_the_questions_that_both_answered(tmp_path: Path) -> None:
    """A lane that fell out after the easy ones is not ahead by that."""
    kinds = [str(i) for i in range(100)]
    early = [{"right": i % 5 > 0} for i in range(50)]
    whole = [{"right": i < 50} for i in range(100)]
    found = written(tmp_path / "race", kinds, early=early, whole=whole)
    assert found["pairs"][0]["apart"] and [lane["rank"] for lane in found["lanes"]] == [2, 1]


def test_one_kind_of_question_tells_little_and_says_so(tmp_path: Path) -> None:
    found = written(tmp_path / "race", ["k"] * 4, a=[{"right": True, "usd": 1.0}] * 4, b=[{"right": False}] * 4)
    assert [lane["rank"] for lane in found["lanes"]] == [1, 1]
    assert found["pairs"][0]["difference"] == {"estimate": 1.0, "low": -1.0, "high": 1.0}
    json.dumps(found, allow_nan=False)
    assert "no difference shown" in table(found)


def test_a_redirection_to_another_model_is_told(tmp_path: Path) -> None:
    lines = [{"right": True, "answered_by": name} for name in ("grok-4-0709", "x-ai/grok-4", "grok-4.3", "grok-4-fast")]
    assert written(tmp_path / "race", list("abcd"), lane=lines)["lanes"][0]["others"] == ["grok-4-fast", "grok-4.3"]


def test_the_rate_is_of_what_was_timed(tmp_path: Path) -> None:
    """Not the first token of a reply, nor thoughts that an interface counts and does not send."""
    plain = [{"right": True, "tokens": 11}]
    hidden = [{"right": True, "tokens": 1011, "thinking_tokens": 1000}]
    found = written(tmp_path / "race", ["k"], plain=plain, hidden=hidden)
    assert [lane["rate"] for lane in found["lanes"]] == [20.0, 20.0]


@pytest.mark.parametrize(("width", "scheme"), [(1200, "light"), (390, "dark")])
def test_the_page_in_a_browser(
    ran: tuple[Path, Path, dict[str, Any]], browser: Browser, width: int, scheme: Any
) -> None:
    """Offline, without a script, as wide as the screen; thinking and answers side by side behind each question."""
    _, folder, _ = ran
    page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("request", lambda request: said.append(request.url) if not request.url.startswith("file:") else None)
    page.goto((folder / "report.html").as_uri())
    assert page.evaluate("document.documentElement.scrollWidth") <= width and not said
    rows = page.locator("#standings tr")
    assert rows.count() == 3 and "smollm2:135m@vote:2" in page.locator("#standings").inner_text()
    question = page.locator("details.q").first
    question.locator("summary").first.click()
    answers = question.locator(".answer:visible")
    assert answers.count() == 2
    boxes = [answers.nth(i).bounding_box() for i in range(2)]
    side_by_side = boxes[0]["y"] == boxes[1]["y"]  # type: ignore[index]
    assert side_by_side == (width > 800)
    page.get_by_label("that nobody got right").check()
    shown = page.locator("details.q:visible").count()
    assert shown == page.locator("details.q.none").count() < 9
    dark = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (dark == "rgb(20, 24, 28)") == (scheme == "dark")
    page.close()


def test_an_answer_cannot_bring_a_script(tmp_path: Path) -> None:
    from galop.race import report
    from galop.race.summary import summary

    evil = "</pre><script>alert(1)</script><img src=x onerror=alert(1)>"
    record = Record.create(
        tmp_path / "r", {"set": "x", "seed": 0, "together": 1}, [Question(evil, evil, evil, evil)], [evil]
    )
    line = {"id": evil, "begun": 0.0, "text": evil, "thinking": evil, "calls": [evil], "replies": 1, "tokens": 3, "thinking_tokens": 1,
            "seconds": 1.0, "first_token_seconds": 0.1, "answer_seconds": 0.9, "cut_off": False, "memory": 1,
            "right": False, "value": evil, "slip": evil}  # fmt: skip
    record.add(0, {"setup": {"kind": "open", "file": evil, "bytes": 1, "licence": evil}})
    record.add(0, line)
    text = report.render_report(record, summary(record))
    assert "<script" not in text and "<img" not in text and "&lt;script&gt;" in text
