"""`galop translate`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from command import fails, run
from drawn import encoded, pdf, written
from tiny_eyes import write_eyes


def test_translation_keeps_markdown_and_tells_the_time_to_the_first_word(coder_path: Path, tmp_path: Path) -> None:
    text = "# Good morning\n\nThe cat is black. The dog is white.\n\n```\ncode stays.\n```\n"
    (tmp_path / "t.md").write_text(text)
    told = run("translate", str(tmp_path / "t.md"), "--to", "fr", "--model", "package:qwen2.5-coder:0.5b", "--json")
    report = json.loads(told.stdout)
    lines = report["text"].splitlines()
    assert lines[0].startswith("# ") and lines[1] == "" and lines[3:] == ["", "```", "code stays.", "```"]
    assert "chat" in report["text"] and "chien" in report["text"]
    assert 0 < report["first_word_seconds"] < report["seconds"] and report["answer_tokens"] > 5
    piped = run("translate", "--to", "French", "--model", "package:qwen2.5-coder:0.5b", stdin=text.encode())
    assert piped.stdout.decode() == report["text"] and b"first word after" in piped.stderr
    fails(run("translate", "--to", "fr", "/nowhere.md"), 2, "there is no file")
    fails(run("translate", "--to", "fr; ls", stdin=b"x"), 2, "--to takes a language")


@pytest.fixture(scope="module")
def eyes(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(write_eyes(tmp_path_factory.mktemp("eyes") / "model"))


def test_a_picture_is_translated_by_a_model_that_sees(eyes: str, tmp_path: Path) -> None:
    photo = tmp_path / "menu.png"
    photo.write_bytes(encoded(written("Soup of the day")))
    told = run("translate", str(photo), "--to", "fr", "--model", eyes, "--json")
    report = json.loads(told.stdout)
    assert report["to"] == "French" and report["answer_tokens"] > 0 and report["first_word_seconds"] > 0
    renamed = tmp_path / "menu"
    renamed.write_bytes(photo.read_bytes())
    assert (
        json.loads(run("translate", str(renamed), "--to", "fr", "--model", eyes, "--json").stdout)["text"]
        == report["text"]
    )
    piped = run("translate", "--to", "fr", "--model", eyes, "--json", stdin=photo.read_bytes())
    assert json.loads(piped.stdout)["text"] == report["text"]
    other = run("translate", str(photo), "--to", "de", "--model", eyes, "--json")
    assert json.loads(other.stdout)["text"] != report["text"]


def test_what_a_model_cannot_see_is_told(eyes: str, tiny: str, tmp_path: Path) -> None:
    photo = tmp_path / "menu.png"
    photo.write_bytes(encoded(written("Soup of the day")))
    fails(run("translate", str(photo), "--model", tiny), 2, "reads text alone and sees no pictures")
    photo.write_bytes(photo.read_bytes()[:300])
    fails(run("translate", str(photo), "--model", eyes), 2, "menu.png is damaged")
    photo.write_bytes(b"")
    fails(run("translate", str(photo), "--model", eyes), 2, "menu.png is empty")


def test_the_pages_of_a_document_are_text_or_pictures(eyes: str, tiny: str, tmp_path: Path) -> None:
    paper = tmp_path / "paper.pdf"
    paper.write_bytes(pdf(["The soup of the day is good."], scans=1))
    blind = run("translate", str(paper), "--model", tiny, "--json")
    assert json.loads(blind.stdout)["answer_tokens"] > 0 and b"1 page without text is left out" in blind.stderr
    seen = run("translate", str(paper), "--model", eyes, "--json")
    assert json.loads(seen.stdout)["answer_tokens"] > 0 and not seen.stderr
