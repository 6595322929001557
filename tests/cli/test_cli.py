"""The command line as a user has it: real processes, real models, exit codes, streams."""

from __future__ import annotations

import contextlib
import io
import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TextIO, cast

import pytest
from command import GALOP, TEMPLATE, fails, run
from tiny import write_gguf

from galop.chat.tools import ToolCall
from galop.cli.tools import spell_out
from galop.race.question import Question
from galop.race.record import Record
from galop.terminal import Harmless, visible


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(write_gguf(tmp_path_factory.mktemp("tiny") / "m.gguf", "qwen3", "Q8_0", TEMPLATE))


def test_help_names_every_command_and_answers_without_numpy() -> None:
    result = run("--help")
    assert result.returncode == 0
    for command in ("run", "pull", "list", "show", "rm", "bench", "serve", "launch", "translate"):
        assert command in result.stdout.decode()
        assert "Example" in run(command, "--help").stdout.decode()
    code = "import sys, galop.cli; print([m for m in ('numpy', 'torch', 'transformers', 'tokenizers') if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout.strip() == b"[]"


def test_a_question_is_answered_on_stdout_and_the_rest_is_on_stderr(smollm_path: Path) -> None:
    result = run(
        "run", "package:smollm2:135m", "What is the capital of France?", "--temperature", "0", "--max-tokens", "12"
    )
    assert result.returncode == 0
    assert result.stdout.decode().strip()
    last = result.stderr.decode().strip().splitlines()[-1]
    for words in ("prompt tokens at", "answer tokens at", "tok/s", "first token", "peak memory"):
        assert words in last
    again = run("run", str(smollm_path), "What is the capital of France?", "--temperature", "0", "--max-tokens", "12")
    assert again.stdout == result.stdout


def test_without_a_name_the_model_fits_the_memory(smollm_path: Path) -> None:
    result = run("run", "Hello", "--memory", "1200MiB", "--max-tokens", "2", env={"HF_HUB_OFFLINE": "1"})
    assert result.returncode == 0, result.stderr
    assert result.stderr.decode().startswith("smollm2:135m: ")
    fails(run("run", "Hello", "--memory", "100MiB"), 1, "no model fits", "MiB")


def test_json_and_seed(tiny: str) -> None:
    args = ("run", tiny, "Hello", "--json", "--temperature", "1.5", "--max-tokens", "20")
    first, second, other = (json.loads(run(*args, "--seed", seed).stdout) for seed in ("7", "7", "8"))
    assert first["answer"] == second["answer"] != other["answer"]
    assert first["seed"] == 7
    assert first["answer_tokens"] == 20 and first["reason"] == "length"
    assert first["peak_memory_bytes"] > 0 and first["answer_tokens_per_second"] > 0


def test_a_pipe_is_part_of_the_question(tiny: str) -> None:
    piped = json.loads(run("run", tiny, "explain", "--json", "--max-tokens", "3", stdin=b"x" * 100).stdout)
    plain = json.loads(run("run", tiny, "explain", "--json", "--max-tokens", "3").stdout)
    assert piped["prompt_tokens"] == plain["prompt_tokens"] + 102
    alone = json.loads(run("run", tiny, "--json", "--max-tokens", "3", stdin=b"hello").stdout)
    assert alone["prompt_tokens"] == 6


def test_wrong_use_is_told_in_one_sentence(tiny: str, tmp_path: Path) -> None:
    fails(run("run", "qwen3:0.7b", "hi"), 2, "no model is called 'qwen3:0.7b'", "qwen3:0.6b")
    fails(run("run", "/nowhere/m.gguf", "hi"), 2, "/nowhere/m.gguf")
    fails(run("run", "smollm3"), 2, "no model is called 'smollm3'")
    fails(run("pull", "llama4:scout"), 2, "cannot be run yet")
    fails(run("run", tiny), 2, "no question")
    fails(run("run", tiny, stdin=b"\xff\xfe bad"), 2, "not UTF-8")
    fails(run("run", tiny, "x" * 600), 2, "601", "512")
    if Path("/dev/zero").exists():
        fails(run("run", tiny, "hi", "--schema", "/dev/zero"), 2, "/dev/zero has more than 4 MiB")
        fails(run("run", tiny, stdin=b"x" * (65 << 20)), 2, "more than 64 MiB")
    longer = run("run", tiny, "hi", "--context", "9999", "--max-tokens", "2")
    assert longer.returncode == 0 and b"trained for 512 tokens" in longer.stderr
    fails(run("run", tiny, "hi", "--memory", "1MiB"), 1, "memory")
    fails(run("run", tiny, "hi", "--top-p", "3"), 2, "top_p")
    fails(run("run", tiny, "hi", "--temperature", "-5"), 2, "temperature")
    fails(run("run", tiny, os.fsdecode(b"a\xffb")), 2, "not UTF-8")
    fails(run("show", "qwen9"), 2, "no model is called")
    fails(run("rm", "qwen3:32b"), 2, "not on this machine")
    broken = tmp_path / "broken.gguf"
    broken.write_bytes(Path(tiny).read_bytes()[:5000])
    fails(run("run", str(broken), "hi"), 2, "broken.gguf", "truncated")
    assert run("run", tiny, "hi", "--memory", "lots").returncode == 2


def test_a_model_too_large_is_refused_with_numbers_and_advice(smollm_path: Path) -> None:
    result = run("run", str(smollm_path), "hi", "--memory", "350MiB", "--context", "8192")
    fails(result, 1, "GiB", "would fit")
    assert run("run", str(smollm_path), "hi", "--memory", "500MiB", "--max-tokens", "2").returncode == 0


def test_a_hostile_template_ends_in_one_sentence(tmp_path: Path) -> None:
    path = write_gguf(tmp_path / "m.gguf", "qwen3", "Q8_0", "{{ cycler.__init__.__globals__ }}")
    fails(run("run", str(path), "hi"), 1, "template")


def test_ctrl_c_ends_a_one_shot_answer_with_130(smollm_path: Path) -> None:
    command = [*GALOP, "run", str(smollm_path), "1, 2, 3, 4, 5, 6, 7,", "--temperature", "0", "--raw"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout and process.stderr
        process.stdout.read(5)
        process.send_signal(signal.SIGINT)
        process.wait(timeout=20)
        assert process.returncode == 130
        assert b"Traceback" not in process.stderr.read()


def test_ctrl_c_before_there_is_anything_to_end_is_no_traceback() -> None:
    for wait in (0.05, 0.15, 0.3):
        process = subprocess.Popen([*GALOP, "list"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        time.sleep(wait)
        process.send_signal(signal.SIGINT)
        _, error = process.communicate(timeout=60)
        # Python itself may be on its way to the first line of Galop.
        assert b"galop" not in error and process.returncode in (0, 1, 130, -signal.SIGINT), error


def test_streams_that_are_closed_from_the_start_are_no_fault(tiny: str) -> None:
    for command in ("list", "list --json", f"show {tiny}", f"run {tiny} hi --max-tokens 3"):
        for closed in (">&-", "2>&-", "<&-"):
            whole = f"{sys.executable} -m galop {command} {closed}"
            result = subprocess.run(["bash", "-c", whole], capture_output=True, check=False, timeout=120)
            assert result.returncode == 0 and b"Traceback" not in result.stderr, (whole, result)
            assert closed == ">&-" or result.stdout, whole


def test_a_closed_pipe_is_no_error_message(smollm_path: Path) -> None:
    command = (
        f"{sys.executable} -m galop run {smollm_path} 'Write a story.' --raw --temperature 1 --seed 1 --max-tokens 200"
    )
    result = subprocess.run(["bash", "-c", f"{command} | head -c 3"], capture_output=True, check=False, timeout=60)
    assert len(result.stdout) == 3
    assert b"Traceback" not in result.stderr and b"Exception" not in result.stderr


def test_show_and_list_and_plan(smollm_path: Path) -> None:
    facts = json.loads(run("show", "package:smollm2:135m", "--json", "--verify").stdout)
    assert facts["architecture"] == "llama" and facts["verified"]
    assert facts["parameters"] == 134_515_008
    assert "210 Q4_1" in facts["tensors"]
    assert facts["memory"]["total"] > facts["memory"]["weights"] > 90_000_000
    shown = run("show", "package:smollm2:135m").stdout.decode()
    for word in ("architecture", "memory", "template", "Apache-2.0", "Q4_1"):
        assert word in shown
    plan = run("show", "package:smollm2:135m", "--plan").stdout.decode().splitlines()
    assert plan[0].startswith("%0[T,32], %1[T,32] = rope_table(")
    assert plan[-1].startswith("%") and "linears" in plan[-1]
    listed = json.loads(run("list", "--json").stdout)
    assert "smollm2:135m" in [m["name"] for m in listed["models"]]
    names = [m["name"] for m in json.loads(run("list", "--all", "--json").stdout)["models"]]
    for name in ("qwen3:0.6b", "qwen3:235b-a22b", "qwen2.5:72b", "deepseek-r1:671b", "llama4:scout"):
        assert name in names


def test_rm_of_a_file_of_ones_own_removes_only_what_was_made_from_it(tmp_path: Path) -> None:
    path = write_gguf(tmp_path / "mine.gguf", "qwen3", "Q8_0", TEMPLATE)
    env = {"XDG_CACHE_HOME": str(tmp_path / "cache")}
    assert run("run", str(path), "hi", "--max-tokens", "2", env=env).returncode == 0
    assert len(list((tmp_path / "cache" / "galop").glob("*.pack"))) == 1
    assert run("rm", str(path), env=env).returncode == 0
    assert path.exists() and not list((tmp_path / "cache" / "galop").glob("*"))


class Terminal:
    """A galop process on a terminal of its own."""

    def __init__(self, *args: str, home: Path = Path("/nowhere"), program: list[str] = GALOP) -> None:
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.umask(0)
            os.environ.update(XDG_DATA_HOME=str(home), TERM="dumb", NO_COLOR="1", PROMPT_TOOLKIT_NO_CPR="1")
            os.execv(sys.executable, [*program, *args])
        self.seen = ""

    def expect(self, text: str, seconds: float = 60) -> str:
        end = time.monotonic() + seconds
        while text not in self.seen:
            ready, _, _ = select.select([self.fd], [], [], max(0, end - time.monotonic()))
            assert ready, f"{text!r} did not appear in {self.seen!r}"
            try:
                self.seen += os.read(self.fd, 65536).decode("utf-8", "replace")
            except OSError:
                raise AssertionError(f"ended before {text!r}: {self.seen!r}") from None
        before, _, self.seen = self.seen.partition(text)
        return before

    def send(self, text: str) -> None:
        os.write(self.fd, text.encode())

    def rest(self, seconds: float = 60) -> str:
        """All it writes until it ends."""
        with contextlib.suppress(AssertionError):
            self.expect("\0never\0", seconds)
        os.waitpid(self.pid, 0)
        return self.seen

    def wait(self) -> int:
        end = time.monotonic() + 20
        while time.monotonic() < end:
            ready, _, _ = select.select([self.fd], [], [], 0.1)
            if ready:
                try:
                    os.read(self.fd, 65536)
                except OSError:
                    break
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


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
    time.sleep(0.7)
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
    print("x" + ESCAPES, file=cast(TextIO, Harmless(out)))
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


def test_launch_prints_or_sets_what_a_client_needs(tmp_path: Path) -> None:
    shown = run("launch", "openai", "--url", "http://127.0.0.1:9", "--model", "smollm2:135m", "--key", "k y")
    assert shown.stdout.decode().splitlines() == [
        "export OPENAI_BASE_URL=http://127.0.0.1:9/v1", "export OPENAI_API_KEY='k y'"
    ]  # fmt: skip
    code = "import os; print(os.environ['ANTHROPIC_BASE_URL'], os.environ['ANTHROPIC_MODEL']); raise SystemExit(7)"
    started = run("launch", "claude", "--model", "m", "--", sys.executable, "-c", code)
    assert started.returncode == 7 and started.stdout.split() == [b"http://127.0.0.1:8000", b"m"]
    assert b"api_base: http://127.0.0.1:8000/v1" in run("launch", "llm", "--model", "m").stdout
    # Codex takes arguments, Continue's command line a file, opencode JSON; a name is quoted as each has it.
    program = tmp_path / "program"
    program.write_text(f"#!{sys.executable}\nimport json, os, sys; print(json.dumps([sys.argv[1:], dict(os.environ)]))")
    program.chmod(0o700)
    given: dict[str, tuple[list[str], dict[str, str]]] = {}
    for client in ("codex", "cn", "opencode"):
        options = ("--url", "http://127.0.0.1:9", "--model", 'a"b', "--key", "K")
        started = run("launch", client, *options, "--", str(program), "x", env={"XDG_CACHE_HOME": str(tmp_path)})
        assert started.returncode == 0 and b"no server answers" in started.stderr
        given[client] = json.loads(started.stdout)
    arguments, environment = given["codex"]
    assert arguments[:2] == ["-c", r'model="a\"b"'] and arguments[-1] == "x" and environment["GALOP_KEY"] == "K"
    option, path, _ = given["cn"][0]
    assert option == "--config" and r'model: "a\"b"' in Path(path).read_text()
    assert Path(path).stat().st_mode & 0o777 == 0o600
    assert json.loads(given["opencode"][1]["OPENCODE_CONFIG_CONTENT"])["model"] == 'galop/a"b'
    fails(run("launch", "netscape"), 2, "no client is called 'netscape'", "openai")
    fails(run("launch", "openai", "--url", "http://127.0.0.1:9"), 2, "no server answers", "galop serve")
    fails(run("launch", "openai", "--model", "m", "--", "/no/such/program"), 2, "cannot be started")


def test_models_of_ollama_and_lm_studio_are_run_in_place(tiny: str, tmp_path: Path) -> None:
    import hashlib

    data = Path(tiny).read_bytes()
    digest = hashlib.sha256(data).hexdigest()
    blobs, manifests = tmp_path / "blobs", tmp_path / "manifests" / "registry.ollama.ai" / "library"
    (manifests / "tiny").mkdir(parents=True)
    (manifests / "broken").mkdir()
    (manifests / "evil").mkdir()
    blobs.mkdir()
    (blobs / f"sha256-{digest}").write_bytes(data)
    kind = "application/vnd.ollama.image.model"
    layers = [{"mediaType": kind, "digest": f"sha256:{digest}"}, {"mediaType": "x", "digest": "y"}]
    (manifests / "tiny" / "latest").write_text(json.dumps({"layers": layers}))
    (manifests / "broken" / "latest").write_text("{")
    evil = {"layers": [{"mediaType": kind, "digest": "sha256:../../etc/passwd"}]}
    (manifests / "evil" / "latest").write_text(json.dumps(evil))
    studio = tmp_path / "home" / ".lmstudio" / "models" / "someone" / "tiny-GGUF"
    studio.mkdir(parents=True)
    (studio / "tiny.gguf").write_bytes(data)
    env = {"OLLAMA_MODELS": str(tmp_path), "HOME": str(tmp_path / "home"), "XDG_DATA_HOME": str(tmp_path / "data")}
    expected = run("run", tiny, "hi", "--temperature", "0", "--max-tokens", "5").stdout
    for name in ("ollama:tiny", "ollama:tiny:latest", "lmstudio:someone/tiny-GGUF/tiny"):
        result = run("run", name, "hi", "--temperature", "0", "--max-tokens", "5", env=env)
        assert result.returncode == 0 and result.stdout == expected, result.stderr
    fails(run("run", "ollama:nope", "hi", env=env), 2, "ollama holds no model 'nope'", "tiny:latest")
    fails(run("run", "ollama:evil", "hi", env=env), 2, "ollama holds no model")
