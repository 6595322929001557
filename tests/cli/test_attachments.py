"""Pictures and PDFs at the command line: among the words, by --image, piped in, in a conversation."""

from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path

import pytest
from command import fails, run
from drawn import encoded, noise, pdf
from mmproj import write_apart
from serving import serving
from terminals import Terminal

from galop.chat.content import make_content
from galop.cli.attachments import names_file, split_words, take_files, take_path
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


def test_files_as_people_name_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    spaced, plain, other = tmp_path / "my photo 2.png", tmp_path / "a.png", tmp_path / "notes"
    for path in (spaced, plain, other):
        path.write_bytes(b"")
    assert split_words([str(spaced), "What?"]) == ([spaced], "What?")
    assert split_words([spaced.as_uri(), "What?"]) == ([spaced], "What?")
    assert split_words(["*.png", "What?"]) == ([Path("a.png"), Path("my photo 2.png")], "What?")
    assert split_words(["-", "What?"]) == ([], "What?")  # what is piped in
    assert split_words(["-"]) == ([], "-")
    assert split_words(["notes", "What?"]) == ([Path("notes")], "What?")
    assert split_words(["my photo 3.png", "What?"]) == ([Path("my photo 3.png")], "What?")  # to be told as missing
    assert split_words(["What is notes"]) == ([], "What is notes")
    assert split_words(["Draw an a.png"]) == ([], "Draw an a.png")  # its name, as in a program
    assert split_words([f"What is this? {plain}"]) == ([plain], "What is this?")
    assert split_words(["https://x.org/what"]) == ([], "https://x.org/what")
    for words, why in ((["https://x.org/a.png"], "is a URL"), (["https://x.org/a", "What?"], "none is fetched"),
                       ([".", "What?"], "is a folder"), ([str(tmp_path), "What?"], r"\*\.jpg")):  # fmt: skip
        with pytest.raises(UsageError, match=why):
            split_words(words)


def test_files_as_terminals_drop_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    spaced, plain = tmp_path / "my photo 2.png", tmp_path / "it's.png"
    for path in (spaced, plain):
        path.write_bytes(b"")
    escaped = str(spaced).replace(" ", "\\ ")
    for dropped in (f"'{spaced}'", f'"{spaced}"', escaped, spaced.as_uri()):
        assert take_files(f"{dropped} What?") == ([spaced], "What?")
        assert take_files(f"What? {dropped} ") == ([spaced], "What?")
        assert take_files(dropped) == ([spaced], "")
    assert take_files(f"{escaped} '{spaced}' both?") == ([spaced, spaced], "both?")
    for text in ("what of 'b.png'", "it's.png?", "/help", "", "x" * 9000, "\\", "'", '"a.png'):
        assert take_files(text) == ([], text)
    for line in (f"{spaced} What?", f"'{spaced}' What?", f"{escaped} What?", "my photo 2.png What?"):
        files, question = take_path(line)
        assert [path.absolute() for path in files] == [spaced] and question == "What?"
    assert take_path("it's.png What?") == ([Path("it's.png")], "What?")
    assert take_path("*.png What?") == ([Path("it's.png"), Path("my photo 2.png")], "What?")
    assert take_path("C:\\no\\a.png") == ([Path("C:\\no\\a.png")], "")
    with pytest.raises(UsageError, match="is a folder"):
        take_path(". What?")


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


def test_a_text_beside_a_question_is_quoted(tiny: str, tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("It is forty two.", encoding="utf-8")
    told = json.loads(run("run", tiny, str(path), "What is it?", "--json", "--max-tokens", "2").stdout)
    assert told["prompt_tokens"] >= len("notes.txt:\n````\nIt is forty two.\n````\n\nWhat is it?")
    path.write_bytes(b"\xff\xfe\x00")
    fails(run("run", tiny, str(path), "What is it?"), 2, "notes.txt is neither a PDF nor a picture nor a text in UTF-8")
    fails(run("run", tiny, str(tmp_path), "What is it?"), 2, "is a folder; name the files in it")
    fails(run("run", tiny, "--image", "https://x.org/a.png", "What is it?"), 2, "is a URL, and none is fetched")


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
    terminal.send(f"{photo} What is this?\r")  # as it is dropped
    terminal.expect(BLIND)
    terminal.send(f"'{photo}'\r")
    terminal.expect("photo.png goes with the next question")
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


@pytest.fixture(scope="module")
def apart(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return write_apart(tmp_path_factory.mktemp("apart"))


def test_a_tower_in_a_file_elsewhere(apart: tuple[Path, Path], tiny: str, photo: Path, tmp_path: Path) -> None:
    text, tower = apart
    asked = ("What?", "--json", "--max-tokens", "2", "--temperature", "0")
    fails(run("run", str(text), str(photo), *asked), 2, BLIND)
    seen = json.loads(run("run", str(text), str(photo), *asked, "--mmproj", str(tower)).stdout)
    assert seen["prompt_tokens"] > 16
    fails(run("run", tiny, str(photo), *asked, "--mmproj", str(tower)), 2, "is the vision tower of another model")
    # Ollama keeps both in its store, by their digests.
    layers = []
    (tmp_path / "blobs").mkdir()
    for kind, path in (("model", text), ("projector", tower)):
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        (tmp_path / "blobs" / f"sha256-{digest}").write_bytes(path.read_bytes())
        layers.append({"mediaType": f"application/vnd.ollama.image.{kind}", "digest": f"sha256:{digest}"})
    manifest = tmp_path / "manifests" / "registry.ollama.ai" / "library" / "sees" / "latest"
    manifest.parent.mkdir(parents=True)
    manifest.write_text(json.dumps({"layers": layers}))
    told = run("run", "ollama:sees", str(photo), *asked, env={"OLLAMA_MODELS": str(tmp_path)})
    assert json.loads(told.stdout)["answer"] == seen["answer"], told.stderr


def test_a_server_is_told_of_a_tower(apart: tuple[Path, Path], photo: Path, tmp_path: Path) -> None:
    text, tower = apart
    fails(run("serve", "--mmproj", str(tower)), 2, "name that one first")
    fails(run("serve", str(text), "--mmproj", "nowhere.gguf"), 2, "there is no file nowhere.gguf")
    with serving(str(text), "--mmproj", str(tower), home=tmp_path) as server:
        assert "vision" in server.post("/api/show", {"model": str(text)}).json()["capabilities"]
        shown = base64.b64encode(photo.read_bytes()).decode()
        asked = {"model": str(text), "messages": [{"role": "user", "content": "What?", "images": [shown]}]}
        reply = server.post("/api/chat", asked | {"stream": False, "options": {"num_predict": 2}})
        assert reply.status_code == 200 and reply.json()["prompt_eval_count"] > 16, reply.text
