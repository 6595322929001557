"""Races on questions with pictures: found beside the set, shown to every lane, kept with the record and in its report."""

from __future__ import annotations

import base64
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from command import TEMPLATE
from drawn import encoded, gradient, noise
from remote_server import says, scripted, status
from serving import folders_in
from tiny import write_gguf
from tiny_eyes import write_eyes

from galop.errors import PictureError
from galop.pictures.picture import parse_data
from galop.race import pictures
from galop.race.question import QuestionSetError
from galop.race.question_set import load_questions
from galop.race.record import Record

EVIL = "<svg onload=alert(1)>.png"


def race(home: Path, *args: str) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, **folders_in(home)}
    return subprocess.run(
        [sys.executable, "-m", "galop", "race", *args], capture_output=True, text=True, env=env, timeout=300
    )


def write_set(folder: Path, *rows: dict[str, Any], name: str = "own.jsonl") -> Path:
    path = folder / name
    path.write_text(
        "".join(json.dumps({"question": f"q {i}?", "answer": "x"} | row) + "\n" for i, row in enumerate(rows))
    )
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of pictures, beside one that no set may reach."""
    found = tmp_path / "set"
    (found / "cats").mkdir(parents=True)
    (found / "cats" / "a.png").write_bytes(encoded(noise(40, 60)))
    (found / "b;c.jpg").write_bytes(encoded(gradient(400, 600), "JPEG"))
    (found / "page.png").write_bytes(b"<html></html>")
    (tmp_path / "private.png").write_bytes(encoded(noise(40, 60)))
    (found / "link.png").symlink_to(tmp_path / "private.png")
    return found


@pytest.mark.parametrize(
    ("image", "said"),
    [
        ("https://example.com/cat.png", "beside the set, not a URL"),
        ("data:image/png;base64,iVBORw0KGgo=", "not a URL"),
        ("../private.png", "not within the folder of the set"),
        ("link.png", "not within the folder of the set"),
        ("/etc/passwd", "not within the folder of the set"),
        ("cats", "there is no picture cats"),
        ("cats/none.png", "there is no picture cats/none.png beside the set"),
        ("a\x00b", "is no path|there is no picture"),
        (7, "has to be a path"),
        ([["cats/a.png"]], "has to be a path"),
        (["cats/a.png"] * 17, "16 are the most"),
        ("page.png", "page.png is a page of HTML, no picture"),
    ],
)  # fmt: skip
def test_what_is_no_picture_beside_the_set_is_told_before_anything_runs(folder: Path, image: Any, said: str) -> None:
    path = write_set(folder, {"image": image})
    with pytest.raises((QuestionSetError, PictureError), match=said):
        load_questions(str(path))


def test_a_csv_and_a_jsonl_name_the_same_pictures(folder: Path) -> None:
    (folder / "own.csv").write_text(
        "question,answer,Image\nq 0?,x,cats/a.png\nq 1?,x,b;c.jpg\nq 2?,x,cats/a.png; b;c.jpg\n"
    )
    with pytest.raises(QuestionSetError, match="line 4: there is no picture b beside"):
        load_questions(str(folder / "own.csv"))
    shutil.copy(folder / "b;c.jpg", folder / "bc.jpg")
    (folder / "own.csv").write_text(
        "question,answer,Image\nq 0?,x,cats/a.png\nq 1?,x,b;c.jpg\nq 2?,x,cats/a.png; bc.jpg\n"
    )
    by_csv = load_questions(str(folder / "own.csv"))
    rows: list[dict[str, Any]] = [{"image": "cats/a.png"}, {"images": ["b;c.jpg"]}, {"image": ["cats/a.png", "bc.jpg"]}]
    by_jsonl = load_questions(str(write_set(folder, *rows)))
    assert [q.images for q in by_csv] == [q.images for q in by_jsonl]
    assert by_csv[0].images[0].file == by_csv[2].images[0].file and by_csv[0].images[0].file.endswith(".png")
    assert by_csv[1].images[0].file.endswith(".jpg")


def test_a_record_has_its_pictures_and_no_others(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    questions = load_questions(str(write_set(folder, {"image": ["cats/a.png", "b;c.jpg"]}, {})))
    record = Record.create(tmp_path / "kept", {"set": "own"}, questions, ["a"])
    shutil.rmtree(folder)
    again = Record.load(tmp_path / "kept")
    assert again.questions == record.questions and "images" not in again.questions[1].to_json()
    assert [p.size for p in pictures.read_pictures(pictures.write_pictures(again.questions[0]))] == [
        (40, 60),
        (400, 600),
    ]
    listed = tmp_path / "kept" / "questions.jsonl"
    listed.write_text(re.sub(r'"file": "[^"]+"', '"file": "../../private.png"', listed.read_text()))
    with pytest.raises(Exception, match="damaged record: .*is no file of a picture"):
        Record.load(tmp_path / "kept")
    monkeypatch.setattr(pictures, "MOST_KEPT", 100)
    (folder / "cats").mkdir(parents=True)
    (folder / "cats" / "a.png").write_bytes(encoded(noise(40, 60)))
    with pytest.raises(QuestionSetError, match="take fewer"):
        load_questions(str(write_set(folder, {"image": "cats/a.png"})))


def test_two_lanes_on_a_set_with_pictures(folder: Path, tmp_path: Path) -> None:
    """Through the command line, a model that sees, and a page that shows what was asked."""
    eyes = write_eyes(tmp_path / "eyes")
    (folder / EVIL).write_bytes(encoded(noise(50, 50)))
    path = write_set(folder, {"image": "cats/a.png"}, {"image": ["b;c.jpg", EVIL]}, {"question": "No picture?"})
    out = tmp_path / "out"
    lanes = [str(eyes), f"{eyes}@vote:2"]
    done = race(tmp_path, *lanes, "--on", str(path), "--out", str(out), "--json")
    assert done.returncode == 0, done.stderr
    record = Record.load(out)
    shown, both, plain = (record.contenders[0].answers[q.id]["prompt_tokens"] for q in record.questions)
    assert shown > plain and both > shown + 20
    page = (out / "report.html").read_text()
    assert page.count('<img src="data:image/jpeg;base64,') == 3 and EVIL not in page
    assert 'alt="&lt;svg onload' in page and "img-src data:" in page
    small = parse_data(re.findall(r'<img src="(data:[^"]+)"', page)[1])
    assert small.size == (213, 320)
    shutil.rmtree(folder)
    assert race(tmp_path, "show", str(out)).returncode == 0 and (out / "report.html").read_text() == page
    joined = race(tmp_path, "join", str(out), "--out", str(tmp_path / "joined"))
    assert joined.returncode == 0, joined.stderr
    assert len(list((tmp_path / "joined" / "pictures").iterdir())) == 6
    answers = race(tmp_path, "export", str(out), "--answers", "--json")
    assert json.loads(answers.stdout)[1]["images"] == f"b;c.jpg; {EVIL}"


def test_who_does_not_see_is_named_before_the_race(folder: Path, tmp_path: Path) -> None:
    tiny = str(write_gguf(tmp_path / "tiny.gguf", "qwen3", "Q8_0", TEMPLATE))
    path = write_set(folder, {"image": "cats/a.png"})
    blind = race(tmp_path, tiny, "--on", str(path))
    assert blind.returncode == 2 and "reads text alone and sees no pictures" in blind.stderr
    computes = race(tmp_path, f"{tiny}@tools", "--on", str(path))
    assert computes.returncode == 2 and "from the text of a question alone" in computes.stderr
    assert not (tmp_path / "data" / "galop" / "races").exists()


def test_an_interface_is_sent_the_picture_in_its_dialect(folder: Path, tmp_path: Path) -> None:
    (folder / "c.bmp").write_bytes(encoded(noise(20, 30), "BMP"))
    path = write_set(folder, {"image": ["cats/a.png", "c.bmp"], "answer": "cat"})
    with scripted(says("ANSWER: cat")) as server:
        done = race(tmp_path, f"url:{server.url}#fake-1", "--on", str(path), "--json")
        assert done.returncode == 0, done.stderr
        [asked] = server.asked
    first, second, text = asked["messages"][-1]["content"]
    assert first == {"type": "image_url", "image_url": {"url": "data:image/png;base64,"
                     + base64.b64encode((folder / "cats" / "a.png").read_bytes()).decode()}}  # fmt: skip
    assert second["image_url"]["url"].startswith("data:image/png;base64,") and text["text"].startswith("q 0?")
    assert json.loads(done.stdout)["lanes"][0]["accuracy"]["estimate"] == 1
    with scripted(status(400, "this model does not support image input")) as server:
        refused = race(tmp_path, f"url:{server.url}#fake-1", "--on", str(path), "--json")
        assert refused.returncode == 0, refused.stderr
        assert json.loads(refused.stdout)["lanes"][0]["accuracy"]["estimate"] == 0
        page = next((tmp_path / "data" / "galop" / "races").glob("*-2/report.html")).read_text()
        assert "does not support image input" in page
