"""An encoder behind the server: vectors in every dialect that has them, and one sentence where texts are asked for."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from command import fails, run
from encoders import GOLDEN, directory
from golden.make_encoders import IDS
from serving import Running, serving


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return directory(tmp_path_factory.mktemp("encoder") / "tiny-bert", "bert", "cls")


@pytest.fixture(scope="module")
def server(encoder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with serving(str(encoder), home=tmp_path_factory.mktemp("server")) as running:
        yield running


def test_vectors_are_the_encoders(server: Running) -> None:
    reply = server.post("/v1/embeddings", {"input": [IDS, "Hello", "Hello, you", "Hello"]}).json()
    vectors = np.array([entry["embedding"] for entry in reply["data"]])
    assert vectors.shape == (4, 64) and np.allclose(np.linalg.norm(vectors, axis=1), 1)
    assert float(vectors[0] @ np.array(GOLDEN["bert"]["vectors"]["cls"])) > 0.995
    assert np.array_equal(vectors[1], vectors[3]) and not np.allclose(vectors[1], vectors[2])
    assert reply["usage"]["prompt_tokens"] == len(IDS) + 5 + 10 + 5
    alone = server.post("/v1/embeddings", {"input": "Hello", "dimensions": 8}).json()["data"][0]["embedding"]
    assert np.allclose(alone, vectors[1][:8] / np.linalg.norm(vectors[1][:8]))
    with server.client() as client:
        name = client.get("/api/tags").json()["models"][0]["name"]
    assert np.allclose(server.post("/api/embed", {"model": name, "input": "Hello"}).json()["embeddings"][0], vectors[1])
    assert server.post("/api/show", {"model": name}).json()["capabilities"] == ["embedding"]
    long = server.post("/v1/embeddings", {"input": "x" * 65})
    assert long.status_code == 400 and "64" in long.json()["error"]["message"]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/chat/completions", {"messages": [{"role": "user", "content": "Hi"}]}),
        ("/v1/completions", {"prompt": "Hi"}),
        ("/v1/responses", {"input": "Hi"}),
        ("/v1/messages", {"messages": [{"role": "user", "content": "Hi"}], "max_tokens": 5}),
        ("/v1/rerank", {"query": "a", "documents": ["b"]}),
        ("/completion", {"prompt": "Hi"}),
    ],
)
def test_who_asks_an_encoder_to_write_is_told(server: Running, path: str, body: object) -> None:
    reply = server.post(path, body)
    assert reply.status_code == 400, reply.text
    assert "is an encoder: it embeds texts" in reply.text


def test_commands_refuse_an_encoder_by_name(encoder: Path) -> None:
    fails(run("run", str(encoder), "Hi"), 2, "tiny-bert is an encoder", "/v1/embeddings")
