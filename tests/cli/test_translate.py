"""`galop translate`."""

from __future__ import annotations

import json
from pathlib import Path

from command import fails, run


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
