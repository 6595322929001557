"""Models from a hub: a local server that speaks its protocol stands in, through the real client in a real process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from command import TEMPLATE, fails
from encoders import directory
from hub_server import Hub
from tiny import GOLDEN, write_gguf

from galop.models.sentence_files import read_modules


@pytest.fixture
def hub() -> Iterator[Hub]:
    one = Hub()
    yield one
    one.close()


class Home:
    """A fresh home directory, and galop run in it against the hub."""

    def __init__(self, path: Path, hub: Hub) -> None:
        self.path = path
        self.env = {
            **{k: v for k, v in os.environ.items() if not k.startswith(("HF_", "XDG_"))},
            "HOME": str(path), "HF_HOME": str(path / "hf"), "HF_ENDPOINT": hub.url, "HF_HUB_DISABLE_TELEMETRY": "1",
            "HF_HUB_DISABLE_XET": "1", "HF_HUB_DOWNLOAD_TIMEOUT": "5", "HF_HUB_ETAG_TIMEOUT": "5",
        }  # fmt: skip

    def galop(self, *args: str, **env: str) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            [sys.executable, "-m", "galop", *args], capture_output=True, stdin=subprocess.DEVNULL, check=False,
            timeout=120, env={**self.env, **env},
        )  # fmt: skip

    def blobs(self) -> list[Path]:
        return [p for p in (self.path / "hf").rglob("*") if p.is_file() and p.suffix in ("", ".incomplete")]


@pytest.fixture
def home(tmp_path: Path, hub: Hub) -> Home:
    model = write_gguf(tmp_path / "m.gguf", "qwen3", "Q8_0", TEMPLATE).read_bytes()
    hub.files["org/tiny-GGUF"] = {
        "README.md": b"# tiny", "tiny-Q8_0.gguf": model, "tiny-Q4_K_M.gguf": model[:100], "mmproj-F16.gguf": b"x",
    }  # fmt: skip
    hub.files["org/tiny"] = {p.name: p.read_bytes() for p in (GOLDEN / "qwen3").iterdir()}
    return Home(tmp_path, hub)


def test_a_gguf_is_chosen_downloaded_cached_and_run(home: Home, hub: Hub) -> None:
    first = home.galop("run", "hf:org/tiny-GGUF:Q8_0", "hi", "--max-tokens", "3")
    assert first.returncode == 0, first.stderr
    assert "the hub repository org/tiny-GGUF" in first.stderr.decode()
    asked = len([r for r in hub.requests if r[0] == "GET" and "resolve" in r[1]])
    again = home.galop("run", "org/tiny-GGUF:q8_0", "hi", "--max-tokens", "3")
    assert again.stdout == first.stdout and "downloading" not in again.stderr.decode()
    kept = home.galop("run", "org/tiny-GGUF:q8_0", "hi", "--max-tokens", "3", HF_HUB_OFFLINE="1")
    assert kept.stdout == first.stdout
    assert len([r for r in hub.requests if r[0] == "GET" and "resolve" in r[1]]) == asked


def test_a_checkpoint_directory_is_downloaded_and_run(home: Home) -> None:
    result = home.galop("run", "hf:org/tiny", "hi", "--raw", "--json", "--max-tokens", "3")
    assert json.loads(result.stdout)["answer_tokens"] == 3
    offline = home.galop("run", "hf:org/tiny", "hi", "--raw", "--json", "--max-tokens", "3", HF_HUB_OFFLINE="1")
    assert json.loads(offline.stdout)["answer_tokens"] == 3
    assert "hf:org/tiny" in [m["name"] for m in json.loads(home.galop("list", "--json").stdout)["models"]]
    assert home.galop("rm", "hf:org/tiny").returncode == 0
    assert "hf:org/tiny" not in [m["name"] for m in json.loads(home.galop("list", "--json").stdout)["models"]]


def test_the_catalogue_reads_the_hub_cache_in_place(home: Home, hub: Hub) -> None:
    hub.files["unsloth/Qwen3-0.6B-GGUF"] = {"Qwen3-0.6B-Q4_K_M.gguf": hub.files["org/tiny-GGUF"]["tiny-Q8_0.gguf"]}
    pulled = home.galop("pull", "qwen3:0.6b")
    assert pulled.returncode == 0, pulled.stderr
    path = Path(pulled.stdout.decode().strip())
    assert path.is_relative_to(home.path / "hf")
    assert home.galop("run", "qwen3:0.6b", "hi", "--max-tokens", "2", HF_HUB_OFFLINE="1").returncode == 0
    listed = json.loads(home.galop("list", "--json").stdout)["models"]
    assert [m["name"] for m in listed if m["path"] == str(path)] == ["qwen3:0.6b"]
    assert home.galop("rm", "qwen3:0.6b").returncode == 0
    assert not path.exists()


def test_an_encoder_of_the_catalogue_comes_with_how_it_pools(home: Home, hub: Hub, tmp_path: Path) -> None:
    """Without a file of its own there, an entry's checkpoint is taken."""
    made = directory(tmp_path / "encoder", "bert", "cls")
    hub.files["BAAI/bge-small-en-v1.5"] = {
        str(p.relative_to(made)): p.read_bytes() for p in made.rglob("*") if p.is_file()
    } | {"onnx/model.onnx": b"x"}
    pulled = home.galop("pull", "bge-small-en:33m")
    assert pulled.returncode == 0, pulled.stderr
    path = Path(pulled.stdout.decode().strip())
    assert read_modules(path)[0] == "cls" and not (path / "onnx").exists()
    listed = json.loads(home.galop("list", "--json").stdout)["models"]
    assert [m["name"] for m in listed if m["path"] == str(path)] == ["bge-small-en:33m"]
    assert home.galop("rm", "bge-small-en:33m").returncode == 0
    assert not [p for p in path.rglob("*") if p.is_file()]


def test_a_download_cut_off_is_resumed(home: Home, hub: Hub) -> None:
    large = os.urandom(24 << 20)  # more than the 10 MB that the client writes at once
    hub.files["org/large-GGUF"] = {"large-Q8_0.gguf": large}
    hub.fault = "cut off"
    first = home.galop("pull", "hf:org/large-GGUF:Q8_0")
    if first.returncode:  # the client gave up; what it has is kept and the next call goes on from there
        fails(first, 1, "resume")
        first = home.galop("pull", "hf:org/large-GGUF:Q8_0")
    assert Path(first.stdout.decode().strip()).read_bytes() == large
    resumed = [r[2] for r in hub.requests if r[2]]
    assert resumed and not resumed[-1].startswith("bytes=0-")


def test_wrong_bytes_of_the_right_length_are_removed(home: Home, hub: Hub) -> None:
    hub.fault = "wrong bytes"
    fails(home.galop("pull", "hf:org/tiny-GGUF:Q8_0"), 1, "SHA-256", "removed")
    assert not [b for b in home.blobs() if b.stat().st_size > 10_000]
    hub.fault = ""
    assert home.galop("pull", "hf:org/tiny-GGUF:Q8_0").returncode == 0


def test_what_the_hub_refuses_is_told(home: Home, hub: Hub) -> None:
    fails(home.galop("pull", "hf:org/none"), 2, "no repository org/none")
    fails(home.galop("pull", "hf:org/tiny-GGUF:Q2_K"), 2, "no file of Q2_K", "tiny-Q8_0.gguf")
    hub.gated.add("org/secret")
    hub.files["org/secret"] = {}
    fails(home.galop("pull", "hf:org/secret"), 1, "gated", "HF_TOKEN")
    fails(home.galop("pull", "hf:org/tiny-GGUF:Q8_0", HF_HUB_OFFLINE="1"), 1, "HF_HUB_OFFLINE")
    fails(home.galop("pull", "hf:a/b/c"), 2, "not a repository name")
    hub.close()
    fails(home.galop("pull", "hf:org/tiny-GGUF:Q8_0"), 1, "could not be downloaded")


def test_a_full_disk_leaves_nothing_half_written(home: Home) -> None:
    limited = ["bash", "-c", 'ulimit -f 64; exec "$0" -m galop pull hf:org/tiny-GGUF:Q8_0', sys.executable]
    result = subprocess.run(limited, capture_output=True, check=False, timeout=60, env=home.env)
    assert result.returncode != 0
    assert b"Traceback" not in result.stderr
    assert not list((home.path / "hf").rglob("snapshots/*/*.gguf"))
    assert home.galop("pull", "hf:org/tiny-GGUF:Q8_0").returncode == 0


def test_a_cache_that_cannot_be_written_packs_in_memory(home: Home) -> None:
    blocked = home.path / "blocked"
    blocked.write_text("a file where the cache directory should be")
    result = home.galop("run", str(home.path / "m.gguf"), "hi", "--max-tokens", "3", XDG_CACHE_HOME=str(blocked))
    assert result.returncode == 0, result.stderr


def test_the_default_model_is_the_hubs_when_it_answers(home: Home, hub: Hub) -> None:
    model = hub.files["org/tiny-GGUF"]["tiny-Q8_0.gguf"]
    for size in ("0.6B", "1.7B"):
        hub.files[f"unsloth/Qwen3-{size}-GGUF"] = {f"Qwen3-{size}-Q4_K_M.gguf": model}
    hub.files["Qwen/Qwen3-0.6B"] = {}
    hub.files["Qwen/Qwen3-4B-GGUF"] = {"Qwen3-4B-Q4_K_M.gguf": model}
    hub.files["Qwen/Qwen3-8B-GGUF"] = {"Qwen3-8B-Q4_K_M.gguf": model}
    result = home.galop("run", "What is two and two?", "--max-tokens", "2")
    assert result.returncode == 0, result.stderr
    assert "qwen3:" in result.stderr.decode() and "the best that fits" in result.stderr.decode()
