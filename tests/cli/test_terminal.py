"""What strangers wrote, at a terminal."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path
from typing import TextIO, cast

from command import TEMPLATE, run
from terminals import Terminal
from tiny import write_gguf

from galop.race.question import Question
from galop.race.record import Record
from galop.terminal import HarmlessStream, visible

ESCAPES = "\x1b[2J\x1b]0;owned\x07\x1b]8;;http://evil.example\x1b\\\x1b]52;c;ZXZpbA==\x07\x9b31m\x08\r\x7f\u202e\u2066\u200b\ufeff\U000e0041"
OBEYED = "\x1b\x07\x08\x7f\x9b\u202e\u2066\u200b\ufeff\U000e0041"


def test_what_is_not_seen_is_written_out_and_json_stays_the_same() -> None:
    assert visible("a\x1b[31m\x9b\u202eb\U000e0041") == r"a\u001b[31m\u009b\u202eb\udb40\udc41"
    for plain in ("a\tb\r\n", "été 日本 العربية", "👩\u200d🚀 🏳\ufe0f", "می\u200cخواهم"):
        assert visible(plain) == plain
    assert visible("pay\u200dpal") == r"pay\u200dpal"
    told = json.dumps({ESCAPES: [ESCAPES]}, ensure_ascii=False)
    assert json.loads(visible(told)) == json.loads(told) and not set(OBEYED) & set(visible(told))
    out = io.StringIO()
    print("x" + ESCAPES, file=cast(TextIO, HarmlessStream(out)))
    assert out.getvalue() == "x" + visible(ESCAPES) + "\n"


def test_nothing_strangers_wrote_reaches_the_terminal_as_a_command(tmp_path: Path) -> None:
    evil = f"[red]{ESCAPES}[link=http://evil.example]x"
    fine = {"general__name": evil, "general__license": evil}
    says = str(write_gguf(tmp_path / "says.gguf", "qwen3", "Q8_0", TEMPLATE + ESCAPES.replace("\r", ""), **fine))
    raises = str(
        write_gguf(tmp_path / "raises.gguf", "qwen3", "Q8_0", f"{{{{ raise_exception({json.dumps(ESCAPES)}) }}}}")
    )
    record = Record.create(
        tmp_path / "race",
        {"set": evil, "seed": 0, "together": 1, "begun": ""},
        [Question("1", "k", "q", "1")],
        [evil, "b"],
    )
    line = {"id": "1", "begun": 0.0, "text": evil, "thinking": "", "calls": [], "replies": 1, "tokens": 3, "thinking_tokens": 0,
            "seconds": 1.0, "first_token_seconds": 0.1, "answer_seconds": 0.9, "cut_off": False, "right": False,
            "value": evil, "slip": evil}  # fmt: skip
    for lane in (0, 1):
        record.add(lane, {"setup": {"kind": "open", "file": evil, "bytes": 1, "licence": evil}})
        record.add(lane, line)
    assert {f.stat().st_mode & 0o777 for f in record.folder.iterdir()} == {0o600}
    for command in (
        ["show", says],
        ["run", says, "hi", "--regex", "\x1b\\[2Jwords\x9b", "--temperature", "0"],
        ["run", says, "hi", "--regex", "\x1b\\[2Jwords\x9b", "--json"],
        ["run", raises, "hi"],
        ["run", f"no/{ESCAPES}".replace("\x00", ""), "hi"],
        ["race", "show", str(record.folder)],
        ["launch", "aider", "--model", evil],
    ):
        terminal = Terminal(*command, home=tmp_path)
        seen = terminal.rest()
        assert len(seen) > 20, command
        assert not set(OBEYED) & set(seen), (command, seen)
        assert not re.search(r"\r(?!\n|\r)", seen), (command, seen)
        assert "[red]" in seen or command[0] == "run", (command, seen)
    described = run("show", says)  # which `| head` would bring to the terminal
    assert described.returncode == 0 and not set(OBEYED) & set(described.stdout.decode())
    piped = run("run", says, "hi", "--regex", "\x1b\\[2Jwords\x9b", "--temperature", "0")
    assert piped.stdout.decode() == "\x1b[2Jwords\x9b\n"  # a file or a program gets the answer as it is
