"""A conversation at a terminal, and the question whether a tool may be called."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

from terminals import Terminal

from galop.chat.tools import ToolCall
from galop.cli.tools import spell_out


def test_a_conversation_at_a_terminal(smollm_path: Path, tmp_path: Path) -> None:
    terminal = Terminal("run", str(smollm_path), "--temperature", "0", "--max-tokens", "40", home=tmp_path)
    terminal.expect("/help for commands")
    terminal.send("What is the capital of France?\r")
    terminal.expect("tok/s")
    terminal.send("And of Italy?\r")
    terminal.expect("reused")
    terminal.send("/set max_tokens 5\r")
    terminal.expect("max_tokens is 5")
    terminal.send("/set temperature hot\r")
    terminal.expect("cannot be 'hot'")
    terminal.send("/save trip\r")
    terminal.expect("saved to")
    terminal.send("/clear\r")
    terminal.expect("forgotten")
    terminal.send("/load trip\r")
    terminal.expect("4 messages from")
    terminal.send("/nonsense\r")
    terminal.expect("no command /nonsense")
    terminal.send("/set max_tokens 2000\r")
    terminal.expect("max_tokens is 2000")
    terminal.send('"""\rWrite a very long story\rwith many chapters.\r"""\r')
    terminal.expect_more(500)  # of the answer: what was typed is shorter
    terminal.send("\x03")
    terminal.expect("stopped")
    terminal.send("/show\r")
    terminal.expect("6 messages")
    terminal.send("/bye\r")
    assert terminal.wait() == 0
    saved = json.loads((tmp_path / "galop" / "conversations" / "trip.json").read_text())
    assert [m["role"] for m in saved["messages"]] == ["user", "assistant"] * 2
    kept = [p for p in (tmp_path / "galop").rglob("*") if not p.is_symlink()]
    assert {p.name for p in kept} >= {"trip.json", "history", "conversations"}
    for path in (tmp_path / "galop", *kept):  # whatever the umask
        assert path.stat().st_mode & 0o777 == (0o700 if path.is_dir() else 0o600), path


def test_a_call_that_is_to_be_allowed_can_be_taken_for_no_other() -> None:
    evil = f'rm -rf /{" " * 400}Call weather? [y/N]\n\n  | "city": "Paris"\x1b[1A\x1b[2K\r\u202e\xa0\u3164' + "x" * 9000
    shown = spell_out(ToolCall("sh\x1b[2K", {"command": evil, "[red]": {"n": 1}, "ville": "Orléans"}), 80).splitlines()
    assert shown[0] == r'The model wants to call "sh\u001b[2K" with 3 arguments:'
    assert all(line.startswith("  | ") and len(line) <= 78 for line in shown[1:] if not line.startswith("  ("))
    assert not re.search(r"[\x00-\x1f\x7f-\xa0\u202e\u3164]", "".join(shown))
    assert shown[1].startswith('  | "command": "rm -rf / ') and shown[-1] == '  | "ville": "Orléans"'
    [hidden] = [line for line in shown if line.startswith("  (")]
    told = sum(len(line) - 4 for line in shown[1:] if line.startswith("  | "))
    assert (
        hidden
        == f"  ({int(hidden.split()[0][1:])} of {int(hidden.split()[0][1:]) + told} characters are left out here)"
    )
    assert len(shown) < 30
    code = "from galop.terminal import guard; from galop.chat.tools import ToolCall; from galop.cli.tools import ask_permission; guard(); "
    code += "import time; time.sleep(0.5); print('answer:', ask_permission(ToolCall('sh', {'command': 'x'})))"
    for typed, said in (("", "False"), ("y\r", "True")):
        terminal = Terminal(program=[sys.executable, "-c", code])
        terminal.send("y\r")  # before it was asked
        terminal.expect("[y/N]")
        terminal.send(typed or "\r")
        terminal.expect(f"answer: {said}")
