"""Pictures sent to a model that reads text alone, through every door and by the published clients: a sentence each."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anthropic
import ollama
import openai
import pytest
from drawn import encoded, noise
from serving import Running, serving

MODEL = "smollm2:135m"
BLIND = "smollm2:135m reads text alone and sees no pictures"
PNG = base64.b64encode(encoded(noise(20, 20))).decode()
URL = f"data:image/png;base64,{PNG}"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, smollm_path: Path) -> Iterator[Running]:
    with serving(MODEL, home=tmp_path_factory.mktemp("blind")) as running:
        yield running


def openai_content(url: str) -> Any:
    return [{"type": "text", "text": "What is this?"}, {"type": "image_url", "image_url": {"url": url}}]


def test_openai(server: Running) -> None:
    with openai.OpenAI(base_url=f"{server.url}/v1", api_key="none", max_retries=0) as client:
        with pytest.raises(openai.BadRequestError, match=BLIND) as refused:
            client.chat.completions.create(model=MODEL, messages=[{"role": "user", "content": openai_content(URL)}])
        assert refused.value.code == "media_not_allowed" and refused.value.param == "messages[0].content[1]"
        with pytest.raises(openai.BadRequestError, match=BLIND):
            shown: Any = [{"role": "user", "content": [{"type": "input_image", "image_url": URL, "detail": "auto"}]}]
            client.responses.create(model=MODEL, input=shown)


def test_anthropic(server: Running) -> None:
    image: Any = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}}
    with anthropic.Anthropic(base_url=server.url, api_key="none", max_retries=0) as client:
        with pytest.raises(anthropic.BadRequestError, match=BLIND):
            client.messages.create(model=MODEL, max_tokens=4, messages=[{"role": "user", "content": [image]}])
        call: Any = {"type": "tool_use", "id": "t1", "name": "look", "input": {}}
        result: Any = {"type": "tool_result", "tool_use_id": "t1", "content": [image]}
        answered = client.messages.create(
            model=MODEL,
            max_tokens=4,
            messages=[
                {"role": "user", "content": "Look."},
                {"role": "assistant", "content": [call]},
                {"role": "user", "content": [result]},
            ],
        )  # an agent's conversation has to go on
        assert answered.usage.output_tokens > 0


def test_ollama(server: Running) -> None:
    client = ollama.Client(host=server.url)
    with pytest.raises(ollama.ResponseError, match=BLIND):
        client.generate(MODEL, "What is this?", images=[PNG])
    with pytest.raises(ollama.ResponseError, match=BLIND):
        client.chat(MODEL, [{"role": "user", "content": "What is this?", "images": [PNG]}])
