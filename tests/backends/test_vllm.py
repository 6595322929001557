"""What of the vLLM backend needs no vLLM: the folder it reads, what is asked of it, what is told where there is none."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tiny import GOLDEN
from waiting import wait_for

from galop import Sampling, store
from galop.backends.load import load_path
from galop.backends.vllm.backend import SAMPLE, open_vllm
from galop.backends.vllm.client import VllmClient, read_scores
from galop.backends.vllm.folder import find_folder
from galop.backends.vllm.plan import VllmPlan, check_address
from galop.backends.vllm.process import find_program
from galop.backends.vllm.request import Stage, VllmConstraint, completion_request, refuse, stage_of, write_form
from galop.chat.response_format import ResponseFormat
from galop.chat.thinking import ThinkingBudget
from galop.cli.errors import UsageError
from galop.cli.vllm import plan_vllm
from galop.engine.sampling import SampledToken
from galop.engine.sequence import TokenSequence
from galop.errors import VllmError
from galop.models.from_file import open_checkpoint
from galop.store.pack_cache import remove_pack, size_of, trim_packs
from galop.tokenizers.tokenizer import Tokenizer

MINI = "qwen3-mini:0.4m"


@contextmanager
def answering(answers: dict[str, tuple[int, Any]]) -> Iterator[str]:
    """A server that says these at these paths; its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.rfile.read(int(self.headers.get("content-length") or 0))
            status, body = answers.get(self.path, (404, {"detail": "Not Found"}))
            data = body.encode() if isinstance(body, str) else json.dumps(body).encode()
            self.send_response(status)
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_POST = do_GET

        def log_message(self, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def listed(name: str = MINI, context: int | None = 512) -> tuple[int, Any]:
    return 200, {"data": [{"id": name, "max_model_len": context}]}


@pytest.mark.parametrize(
    ("answers", "told"),
    [
        ({}, "is not vLLM: /version gave 404"),
        ({"/version": (200, "<html>")}, "is not vLLM"),
        ({"/version": (200, {"version": "0.6.3"})}, "is of version '0.6.3'; Galop speaks to 0.12 and later"),
        ({"/version": (200, {"version": "0.32.0"}), "/v1/models": (401, {"error": "no"})}, "refused the key; set VLLM_"),
        ({"/version": (200, {"version": "0.32.0"}), "/v1/models": listed(context=None)}, "serves no model that writes"),
        (
            {
                "/version": (200, {"version": "0.32.0"}), "/v1/models": listed("llama3"),
                "/tokenize": (200, {"tokens": [1, 2, 3]}),
            },
            "serves llama3, whose tokens are not those of qwen3-mini",
        ),
    ],
)  # fmt: skip
def test_what_else_answers_is_told(answers: dict[str, tuple[int, Any]], told: str) -> None:
    with answering(answers) as url, pytest.raises(VllmError) as error:
        open_vllm(store.locate(MINI), VllmPlan(url))
    assert told in str(error.value) and "\n" not in str(error.value)


def test_nobody_and_no_address() -> None:
    with answering({}) as url:
        gone = url
    with pytest.raises(VllmError, match=f"no vLLM answers at {gone} .*; start it with: vllm serve"):
        VllmClient(gone).look()
    assert check_address("http://h:8000/v1/") == "http://h:8000"
    for url in ("h:8000", "ftp://h", "http://", "http://me:secret@h", "http://h/?key=1"):
        with pytest.raises(VllmError, match="is no address of a vLLM server"):
            check_address(url)


def test_the_command_line_says_which_it_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    at = "http://127.0.0.1:8001"
    assert plan_vllm("vllm", [MINI, at], 1, 1) == ([MINI], VllmPlan(at))
    assert plan_vllm("galop", [MINI], 1, 1) == ([MINI], None)
    monkeypatch.setenv("GALOP_VLLM", sys.executable)
    assert plan_vllm("vllm", [MINI, "https://huggingface.co/org/model"], 2, 3)[1] == VllmPlan("", 2, 3)
    for backend, names, split, told in (
        ("galop", [MINI], 2, "are vLLM's; add --backend vllm"), ("vllm", [at], 1, "name it before --backend vllm"),
        ("vllm", [MINI, "smollm2:135m", at], 1, "one model and one address"), ("vllm", [MINI, at], 2, "runs already"),
    ):  # fmt: skip
        with pytest.raises(UsageError, match=told):
            plan_vllm(backend, names, split, 1)
    monkeypatch.setenv("GALOP_VLLM", str(tmp_path / "vllm"))
    with pytest.raises(VllmError, match="GALOP_VLLM names .*, which is no program"):
        find_program()
    monkeypatch.delenv("GALOP_VLLM")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(VllmError, match="there is no vLLM here"):
        find_program()


def test_a_vllm_that_does_not_start_says_why(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    program = tmp_path / "vllm"
    program.write_text(
        "#!/bin/sh\necho '(EngineCore pid=7) ERROR 11-28 21:00:00 [core.py:9] ValueError: no room for 8192 tokens'\n"
        "echo 'RuntimeError: Engine core initialization failed. See root cause above.'\nexit 3\n"
    )
    program.chmod(0o755)
    monkeypatch.setenv("GALOP_VLLM", str(program))
    with pytest.raises(VllmError, match="^vLLM ended with 3: ValueError: no room for 8192 tokens; start"):
        open_vllm(store.locate(MINI), VllmPlan())


def test_a_vllm_of_ours_ends_with_us(tmp_path: Path) -> None:
    """Also when we are killed, and what it has started with it."""
    said = tmp_path / "pid"
    program = f"import os, subprocess, sys; p = subprocess.Popen(['sleep', '600']); open({str(said)!r}, 'w').write("
    program += "f'{os.getpid()} {p.pid}'); p.wait()"
    keeper = [sys.executable, "-m", "galop.backends.vllm.keeper", sys.executable, "-c", program]
    parent = f"import subprocess; subprocess.Popen({keeper!r}, stdin=subprocess.PIPE).wait()"
    process = subprocess.Popen([sys.executable, "-c", parent])
    try:
        wait_for(lambda: said.exists() and len(said.read_text().split()) == 2, "the program started")
    finally:
        process.kill()
        process.wait()
    pids = [int(pid) for pid in said.read_text().split()]
    wait_for(lambda: not any(is_running(pid) for pid in pids), "both ended")


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_the_folder_of_a_gguf_file_is_the_same_model(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    path = store.locate(MINI).path
    assert path
    folder = find_folder(path)
    assert find_folder(path) == folder and find_folder(folder) == folder and list(folder.parent.iterdir()) == [folder]
    assert find_folder(folder / "model.safetensors") == folder
    before, after = open_checkpoint(path), open_checkpoint(folder)
    assert before.tensors.keys() == after.tensors.keys()
    for name, tensor in before.tensors.items():
        assert np.array_equal(tensor.array().astype(np.float16), after.tensors[name].array().astype(np.float16)), name
    for name in ("chat_template", "bos_token", "eos_token", "add_bos", "stop_ids"):
        assert getattr(after, name) == getattr(before, name), name
    shared = before.config.keys() & after.config.keys()
    assert {k: before.config[k] for k in shared} == {k: after.config[k] for k in shared} and "rope_theta" in shared
    texts = [Tokenizer(c.tokenizer_json, c.bos_token, c.eos_token).encode(SAMPLE) for c in (before, after)]
    assert texts[0] == texts[1]
    stopped = folder.with_name("left.1.incomplete")  # by a process that was killed
    stopped.mkdir()
    os.utime(stopped, (0, 0))
    pack = folder.parents[1] / "used-before.v3.pack"
    pack.write_bytes(bytes(100))
    os.utime(pack, (0, 0))
    trim_packs(size_of(folder) + 99)
    assert folder.exists() and not pack.exists() and not stopped.exists()
    assert remove_pack(path) > 500_000 and not folder.exists()


def test_a_family_that_is_not_written_is_named(gemma_path: Path) -> None:
    with pytest.raises(VllmError, match="a GGUF file of gemma3_text; name the model's Hugging Face"):
        find_folder(gemma_path)


def sequence(**more: Any) -> TokenSequence:
    return TokenSequence([1, 2, 3], Sampling(temperature=0.5, seed=1 << 63), 20, stop_ids=frozenset({9}), **more)


def test_what_a_request_says() -> None:
    with load_path(GOLDEN / "qwen3", memory=4 << 30) as model:
        of = sequence(banned=[(5,), (6, 7)], logit_bias={4: 2.0}, client="me", logprobs=2, min_tokens=3)
        body = completion_request("m", of, Stage(barred=8), model.tokenizer, False, [1])
        assert (body["prompt"], body["max_tokens"], body["seed"], body["min_tokens"]) == ([1, 2, 3], 20, 0, 3)
        assert body["logit_bias"] == {"4": 2.0, "5": -100.0, "8": -100.0} and body["stop_token_ids"] == [9]
        assert body["bad_words"] == [model.tokenizer.decode((6, 7))] and body["cache_salt"] == "me"
        assert body["allowed_token_ids"] == [1] and body["logprobs"] == 2 and "echo" not in body
        of.append(SampledToken(4))
        body = completion_request("m", of, Stage(("json", "{}"), None, 5, 7), model.tokenizer, True, None)
        assert (body["prompt"], body["max_tokens"], body["seed"], body["min_tokens"]) == ([1, 2, 3, 4], 7, 1, 2)
        assert body["stop_token_ids"] == [5, 9] and body["structured_outputs"] == {"json": "{}"} and body["ignore_eos"]
        echo = completion_request("m", sequence(prompt_logprobs=3), Stage(), model.tokenizer, False, None)
        assert echo["echo"] and echo["logprobs"] == 3
    for name, told in (("on_prompt_end", "makes no vectors"), ("sampling", "presence_penalty = 3 is not between")):
        value: Any = (lambda logits, state: None) if name == "on_prompt_end" else Sampling(presence_penalty=3)
        with pytest.raises(VllmError, match=told):
            refuse(replace(sequence(), **{name: value}))


def test_forms_in_vllms_words() -> None:
    schema, regex, lark = (
        ResponseFormat("schema", '{"type": "integer"}'), ResponseFormat("regex", "a/b+"),
        ResponseFormat("lark", 'start: "x"'),
    )  # fmt: skip
    for form in (schema, regex, lark):
        assert (written := write_form(form, True)) and written[0] == "grammar"
        assert written[1].splitlines()[0] == "%llguidance {}" and written[1].splitlines()[1].startswith("start: ")
    assert all("whitespace_pattern" not in (write_form(form, True) or ("", ""))[1] for form in (schema, lark))
    assert write_form(schema, False) == ("json", schema.text) and write_form(regex, False) == ("regex", "a/b+")
    assert write_form(lark, False) is None


def test_stages_of_an_answer_that_thinks() -> None:
    """Within the thinking no form holds; what closes it, by itself or when the budget is spent, begins another."""
    form = VllmConstraint(("grammar", "g"))
    with load_path(store.locate(MINI).path or Path(), memory=4 << 30) as model:
        assert model.thinking_support
        opening, closing = model.tokenizer.id("<think>"), model.tokenizer.id("</think>")
        assert opening is not None and closing is not None
        budget = ThinkingBudget(model.tokenizer, False, 3, 400, form, model.stop_ids, model.vocabulary_size)
        assert stage_of(budget) == Stage(None, None, closing, 4)
        budget.accept(opening)
        assert stage_of(budget) == Stage(None, None, closing, 4)
        budget.accept(closing)
        assert stage_of(budget) == Stage(form.outputs)
        spent = ThinkingBudget(model.tokenizer, True, 1, 400, None, model.stop_ids, model.vocabulary_size)
        before = stage_of(spent)
        assert before == Stage(most=2) and closing in spent.accept(40) and stage_of(spent) == Stage(barred=closing)
        assert stage_of(spent).differs(before) and not before.differs(replace(before, most=9))
        direct = ThinkingBudget(model.tokenizer, False, 3, 400, form, model.stop_ids, model.vocabulary_size)
        direct.accept(40)
        assert stage_of(direct) == Stage(form.outputs)
    assert stage_of(form) == Stage(form.outputs) and stage_of(None) == Stage()


def test_scores_are_read_by_their_ids() -> None:
    scores = read_scores({
        "tokens": ["token_id:1", "token_id:2"], "token_logprobs": [None, -0.5],
        "top_logprobs": [None, {"token_id:3": -2.0, "token_id:2": -0.5}],
    })  # fmt: skip
    assert scores == [SampledToken(1), SampledToken(2, -0.5, ((2, -0.5), (3, -2.0)))]
    with pytest.raises(ValueError):
        read_scores({"tokens": ["the"], "token_logprobs": [None], "top_logprobs": [None]})
