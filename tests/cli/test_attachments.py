"""Pictures and PDFs at the command line: among the words, by --image, piped in, in a conversation."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from command import fails, run
from drawn import encoded, noise, pdf
from terminals import Terminal

from galop.chat.content import make_content
from galop.cli.attachments import names_file, split_words
from galop.cli.conversation import read_pictures, write_pictures
from galop.cli.errors import UsageError
from galop.pictures.picture import open_picture

BLIND = "reads text alone and sees no pictures"


def test_files_among_the_words_of_a_command() -> None:
    assert split_words(["a.png", "What?", "b.PDF"]) == ([Path("a.png"), Path("b.PDF")], "What?")
    assert split_words([]) == ([], "") and split_words([""]) == ([], "")
    assert not any(map(names_file, ("What is a.png?", "https://x.org/a.png", "line\na.png", "smollm2:135m", "x.gguf")))
    with pytest.raises(UsageError, match="two questions"):
        split_words(["What?", "Why?"])


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "photo.png"
    path.write_bytes(encoded(noise(20, 30)))
    return path


def test_a_picture_for_a_model_without_eyes(tiny: str, photo: Path) -> None:
    fails(run("run", tiny, str(photo), "What is this?"), 2, BLIND)
    fails(run("run", tiny, "What is this?", "--image", str(photo)), 2, BLIND)
    fails(run("run", tiny, "What is this?", stdin=photo.read_bytes()), 2, BLIND)
    fails(
        run("run", tiny, str(photo.with_name("other.png")), "What is this?"),
        2,
        "other.png cannot be read",
        "No such file",
    )
    fails(run("run", tiny, str(photo)), 2, "there is no question")
    fails(run("run", tiny, str(photo), "What?", "--raw"), 2, "leave out --raw")
    fails(run("run", tiny, str(photo), "What is", "this?"), 2, "two questions")


def test_the_text_of_a_document_is_part_of_the_question(tiny: str, tmp_path: Path) -> None:
    path = tmp_path / "paper.pdf"
    path.write_bytes(pdf(["It is forty two."], scans=1))
    told = run("run", tiny, str(path), "What is it?", "--json", "--max-tokens", "2")
    expected = len("paper.pdf:\n\n[page 1]\nIt is forty two.\n\nWhat is it?")
    assert json.loads(told.stdout)["prompt_tokens"] >= expected
    assert b"1 page without text is left out, since this model sees no pictures" in told.stderr
    piped = run("run", tiny, "What is it?", "--json", "--max-tokens", "2", stdin=path.read_bytes())
    assert json.loads(piped.stdout)["prompt_tokens"] > expected
    path.write_bytes(b"%PDF-1.7 and no more")
    fails(run("run", tiny, str(path), "What is it?"), 2, "paper.pdf is damaged or no PDF")


def test_a_picture_in_a_conversation(tiny: str, photo: Path, tmp_path: Path) -> None:
    terminal = Terminal("run", tiny, "--max-tokens", "4", home=tmp_path)
    terminal.expect("/help for commands")
    terminal.send(f"/image {photo} What is this?\r")
    terminal.expect(BLIND)
    terminal.send("/image nothing.png\r")
    terminal.expect("cannot be read")
    terminal.send(f"/image {photo}\r")
    terminal.expect("goes with the next question")
    terminal.send("What is this?\r")
    terminal.expect(BLIND)
    terminal.send("Hello\r")
    terminal.expect("tok/s")
    terminal.send("/bye\r")
    assert terminal.wait() == 0


def test_a_saved_conversation_keeps_its_pictures(photo: Path) -> None:
    shown = open_picture(photo.read_bytes())
    message = {"role": "user", "content": make_content([shown, "What is this?"])}
    kept = read_pictures(json.loads(json.dumps(write_pictures(message))))
    assert kept["content"][0]["picture"].digest == shown.digest and kept["content"][1]["text"] == "What is this?"
    assert write_pictures({"role": "user", "content": "Hi"}) == read_pictures({"role": "user", "content": "Hi"})
