"""Every kind of state behind the server: sixteen requests alike at once have one answer, however they are answered."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from golden.recipe import case_path
from serving import Running, serving
from waiting import wait_for

KINDS = ["qwen3", "gpt_oss", "gemma4_text", "llama4_chunks", "deepseek_v3", "qwen3_5_text", "lfm2", "nemotron_h"]
TEXT = "The quick brown fox jumps over the lazy dog, and the dog does not mind. " * 5


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("server")


@pytest.fixture(scope="module")
def server(home: Path) -> Iterator[Running]:
    with start(home) as running:
        yield running


def start(home: Path) -> Any:
    models = [str(case_path(kind)) for kind in KINDS]
    return serving(*models, "--context", "500", home=home, env={"XDG_CACHE_HOME": str(home / "cache")})


def answers(server: Running, kind: str, **options: Any) -> list[str]:
    body = {
        "model": str(case_path(kind)), "prompt": TEXT, "temperature": 0.8, "seed": 5, "max_tokens": 12, **options
    }  # fmt: skip
    reply = server.post("/v1/completions", body)
    assert reply.status_code == 200, reply.text
    return [choice["text"] for choice in reply.json()["choices"]]


@pytest.mark.parametrize("kind", KINDS)
def test_sixteen_alike_at_once_have_one_answer_eight_times(server: Running, kind: str) -> None:
    with ThreadPoolExecutor(16) as pool:
        for turn in range(8):
            options: dict[str, Any] = {"seed": turn}
            alike = list(pool.map(lambda _, options=options: answers(server, kind, **options), range(16)))
            assert len({text for texts in alike for text in texts}) == 1
            if turn == 0:
                several = answers(server, kind, n=16, seed=turn)
                assert several[0] == alike[0][0] and len(set(several)) > 8
                assert answers(server, kind, n=16, seed=turn) == several


def test_after_a_restart_the_answers_are_the_same(server: Running, home: Path) -> None:
    before = [answers(server, kind) for kind in KINDS]
    counts: list[int] = []

    def is_written() -> bool:
        counts.append(len(list((home / "cache").rglob("*.kv"))))
        return len(counts) > 40 and counts[-1] == counts[-40] > 0

    wait_for(is_written, "what is kept to be written")
    with start(home) as again, again.client() as client:
        for kind, expected in zip(KINDS, before, strict=True):
            assert answers(again, kind) == expected
            hits = [
                line
                for line in client.get("/metrics").text.splitlines()
                if f'/{kind}"}}' in line and "cache_hits" in line
            ]
            assert [float(line.split()[-1]) >= 256 for line in hits] == [True], kind
