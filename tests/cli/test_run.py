"""`galop run` as a user has it: real processes, real models, exit codes, streams."""

from __future__ import annotations

import json
import os
from pathlib import Path

from command import fails, run
from tiny import write_gguf


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
    fails(run("pull", "gemma3n:e2b"), 2, "cannot be run yet")
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
