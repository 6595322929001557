"""`galop run` finds a server that has the model: the same answers as by itself, and by itself where it has to be."""

from __future__ import annotations

import json
import os
import signal
import socket
import stat
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from command import GALOP, TEMPLATE, run
from serving import Running, serving
from tiny import write_gguf

BY_ITSELF = {"GALOP_SERVER": "0"}
SHORT = ("--max-tokens", "8", "--seed", "3")


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(write_gguf(tmp_path_factory.mktemp("tiny") / "m.gguf", "qwen3", "Q8_0", TEMPLATE))


@pytest.fixture(scope="module")
def runtime(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("run")


@pytest.fixture(scope="module")
def server(tiny: str, runtime: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    env = {"GALOP_SERVER": "1", "XDG_RUNTIME_DIR": str(runtime)}
    with serving(tiny, home=tmp_path_factory.mktemp("home"), env=env) as running:
        yield running


@pytest.fixture
def attached(server: Running, runtime: Path) -> dict[str, str]:
    return {"GALOP_SERVER": "1", "XDG_RUNTIME_DIR": str(runtime)}


def prompts(server: Running) -> float:
    return server.metric("num_requests_running") + server.metric("prefix_cache_queries_total")


def test_the_socket_is_its_users_alone(server: Running, runtime: Path) -> None:
    path = runtime / "galop" / f"{server.process.pid}.sock"
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("options", "stdin"),
    [
        (("Hi",), b""),
        (("Hi", "--temperature", "1", "--top-k", "5"), b""),
        (("What is this?",), b"some text\n"),
        ((), b"only piped"),
        (("Hi", "--raw"), b""),
        (("Hi", "--system", "Be brief."), b""),
        (("Hi", "--regex", "[ab]{3}"), b""),
        (("-",), b""),
    ],
)
def test_answers_are_those_of_a_command_by_itself(
    options: tuple[str, ...], stdin: bytes, tiny: str, server: Running, attached: dict[str, str]
) -> None:
    before = prompts(server)
    ours = run("run", tiny, *options, *SHORT, stdin=stdin, env=attached)
    assert prompts(server) > before, ours.stderr  # the server answered
    alone = run("run", tiny, *options, *SHORT, stdin=stdin, env=BY_ITSELF)
    assert (ours.returncode, ours.stdout) == (alone.returncode, alone.stdout) == (0, ours.stdout)
    assert ours.stderr.split(b" prompt tokens")[0] == alone.stderr.split(b" prompt tokens")[0]


def test_json_has_the_same_fields(tiny: str, server: Running, attached: dict[str, str]) -> None:
    ours, alone = (
        json.loads(run("run", tiny, "Hi", "--json", *SHORT, env=env).stdout) for env in (attached, BY_ITSELF)
    )
    assert ours.keys() == alone.keys()
    for name in ("model", "answer", "thinking", "seed", "reason", "prompt_tokens", "answer_tokens"):
        assert ours[name] == alone[name]


@pytest.mark.parametrize(
    "options",
    [
        ("Hi", "--context", "256"), ("Hi", "--kv", "int8"), ("Hi", "--no-server"), ("Hi", "--memory", "2GiB"),
        ("Hi", "--threads", "1"), ("Hi", "two"), ("Hi", "--think"), ("Hi", "--top-p", "7"), ("Hi", "--nonsense"), (),
        ("Hi", "--raw", "--no-think"), ("Hi", "--schema", "not-there.json"),
    ],
)  # fmt: skip
def test_what_a_server_has_otherwise_or_is_wrong_is_as_without_it(
    options: tuple[str, ...], tiny: str, server: Running, attached: dict[str, str]
) -> None:
    before = prompts(server)
    ours, alone = (run("run", tiny, *options, *SHORT[2:], "--max-tokens=4", env=env) for env in (attached, BY_ITSELF))
    assert prompts(server) == before  # it answered nothing
    assert (ours.returncode, ours.stdout) == (alone.returncode, alone.stdout)
    assert ours.stderr.split(b" prompt tokens")[0] == alone.stderr.split(b" prompt tokens")[0]


def test_another_model_is_loaded(server: Running, attached: dict[str, str], tmp_path: Path) -> None:
    other = str(write_gguf(tmp_path / "other.gguf", "llama", "Q8_0", TEMPLATE))
    before = prompts(server)
    assert run("run", other, "Hi", *SHORT, env=attached).returncode == 0
    assert prompts(server) == before


def test_ctrl_c_ends_the_answer_and_the_server_sees_it(tiny: str, tmp_path: Path) -> None:
    folder = tmp_path / "galop"
    folder.mkdir(mode=0o700)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(folder / "2.sock"))
        (folder / "2.sock").chmod(0o600)
        listener.listen()
        command = [*GALOP, "run", tiny, "Hi"]
        env = {**os.environ, "GALOP_SERVER": "1", "XDG_RUNTIME_DIR": str(tmp_path)}
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, env=env)
        connection, _ = listener.accept()
        with connection:
            connection.recv(1 << 16)
            connection.sendall(b'{"accept": true}\n')
            connection.recv(1 << 16)
            connection.sendall(b'{"text": "Once"}\n')
            assert process.stdout and process.stdout.read(4) == b"Once"
            process.send_signal(signal.SIGINT)
            assert process.wait(20) == 130
            process.stdout.close()
            assert connection.recv(1) == b""


@pytest.mark.parametrize("says", [b"", b"junk\n", b"[1]\n", b'{"decline": true}\n', b'{"accept": true}\n',
                                  b'{"accept": true}\n{"decline": true}\n', b"silent"])  # fmt: skip
def test_a_socket_that_is_no_server_is_passed_by(says: bytes, tiny: str, tmp_path: Path) -> None:
    folder = tmp_path / "galop"
    folder.mkdir(mode=0o700)
    stale = socket.socket(socket.AF_UNIX)
    stale.bind(str(folder / "1.sock"))
    stale.close()
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(folder / "2.sock"))
        for path in folder.iterdir():
            path.chmod(0o600)
        listener.listen()

        def answer() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(1 << 16)
                if says == b"silent":
                    threading.Event().wait(3)
                else:
                    connection.sendall(says)
                    connection.recv(1 << 16)

        threading.Thread(target=answer, daemon=True).start()
        result = run("run", tiny, *SHORT, stdin=b"Hi", env={"GALOP_SERVER": "1", "XDG_RUNTIME_DIR": str(tmp_path)})
    assert result.returncode == 0, result.stderr
    assert result.stdout.strip()


def test_a_server_that_dies_midway_is_told_of(tiny: str, tmp_path: Path) -> None:
    folder = tmp_path / "galop"
    folder.mkdir(mode=0o700)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(folder / "2.sock"))
        (folder / "2.sock").chmod(0o600)
        listener.listen()

        def answer() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(1 << 16)
                connection.sendall(b'{"accept": true}\n')
                connection.recv(1 << 16)
                connection.sendall(b'{"text": "Once"}\n')

        threading.Thread(target=answer, daemon=True).start()
        result = run("run", tiny, "Hi", env={"GALOP_SERVER": "1", "XDG_RUNTIME_DIR": str(tmp_path)})
    assert (result.returncode, result.stdout) == (1, b"Once")
    assert result.stderr.decode().startswith("galop: the server that was answering has ended")


@pytest.mark.parametrize("mode", [0o666, 0o620])
def test_a_socket_that_others_may_use_is_not_spoken_to(mode: int, tiny: str, tmp_path: Path) -> None:
    folder = tmp_path / "galop"
    folder.mkdir(mode=0o700)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(folder / "2.sock"))
        (folder / "2.sock").chmod(mode)
        listener.listen()
        listener.settimeout(0)
        env = {"GALOP_SERVER": "1", "XDG_RUNTIME_DIR": str(tmp_path)}
        assert run("run", tiny, "Hi", *SHORT, env=env).returncode == 0
        with pytest.raises(BlockingIOError):
            listener.accept()


def test_a_command_by_a_server_imports_next_to_nothing(tiny: str, attached: dict[str, str], server: Running) -> None:
    code = (
        f"import sys; sys.argv = ['galop', 'run', {tiny!r}, 'Hi', '--max-tokens', '2']; from galop.__main__ import main\n"
        "try: main()\n"
        "except SystemExit: print([m for m in ('numpy', 'typer', 'pathlib', 'galop.cli', 'asyncio') if m in sys.modules])"
    )
    result = subprocess.run(
        [GALOP[0], "-S", "-c", f"import sys; sys.path[:0] = {[p for p in __import__('sys').path if p]!r}\n{code}"],
        capture_output=True, text=True, env={**os.environ, **attached}, timeout=60,
    )  # fmt: skip
    assert result.stdout.endswith("[]\n"), result.stdout + result.stderr
