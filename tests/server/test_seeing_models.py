"""A model with eyes behind every door, by the published clients: one picture, one answer; and pictures that are none."""

from __future__ import annotations

import base64
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anthropic
import ollama
import openai
import pytest
from drawn import encoded, gradient, noise
from PIL import Image
from serving import Running, run_galop, serving
from tiny_eyes import write_eyes

PNG = base64.b64encode(encoded(noise(100, 150))).decode()
OTHER = base64.b64encode(encoded(gradient(100, 150), "JPEG")).decode()
URL, OTHER_URL = f"data:image/png;base64,{PNG}", f"data:image/jpeg;base64,{OTHER}"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    files = write_eyes(tmp_path_factory.mktemp("model") / "eyes")
    with serving(str(files), home=tmp_path_factory.mktemp("seeing")) as running:
        yield running


@pytest.fixture(scope="module")
def client(server: Running) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{server.url}/v1", api_key="none", max_retries=0) as one:
        yield one


@pytest.fixture(scope="module")
def name(client: openai.OpenAI) -> str:
    return client.models.list().data[0].id


def shown(*urls: str, text: str = "What is this?") -> Any:
    parts: list[Any] = [{"type": "image_url", "image_url": {"url": url}} for url in urls]
    return [{"role": "user", "content": [*parts, {"type": "text", "text": text}]}]


def metric(server: Running, name: str) -> float:
    found = re.search(rf"galop:{name}(?:_total)?{{[^}}]*}} ([\d.e+-]+)", server.client().get("/metrics").text)
    return float(found[1]) if found else 0.0


def test_every_door_shows_the_same_picture(server: Running, client: openai.OpenAI, name: str) -> None:
    asked: Any = {"temperature": 0, "max_tokens": 12, "seed": 1}
    chat = client.chat.completions.create(model=name, messages=shown(URL), **asked)
    text = chat.choices[0].message.content
    assert text and chat.usage and chat.usage.prompt_tokens > 40
    assert (
        client.chat.completions.create(model=name, messages=shown(OTHER_URL), **asked).choices[0].message.content
        != text
    )
    parts: Any = [
        {"type": "input_image", "image_url": URL, "detail": "auto"},
        {"type": "input_text", "text": "What is this?"},
    ]
    answered = client.responses.create(
        model=name, input=[{"role": "user", "content": parts}], temperature=0, max_output_tokens=12
    )
    assert answered.output_text == text
    with anthropic.Anthropic(base_url=server.url, api_key="none", max_retries=0) as claude:
        image: Any = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}}
        said: Any = [{"role": "user", "content": [image, {"type": "text", "text": "What is this?"}]}]
        message = claude.messages.create(model=name, max_tokens=12, messages=said, extra_body={"temperature": 0})
        assert getattr(message.content[0], "text", "") == text
        counted = claude.messages.count_tokens(model=name, messages=said)
        assert counted.input_tokens == chat.usage.prompt_tokens
    llama = ollama.Client(host=server.url)
    options = {"temperature": 0, "num_predict": 12}
    told = llama.chat(name, [{"role": "user", "content": "What is this?", "images": [PNG]}], options=options)
    assert told.message.content == text
    generated = llama.generate(name, "What is this?", images=[base64.b64decode(PNG)], options=options)
    assert generated.response == text and generated.context is None
    assert "vision" in (llama.show(name).capabilities or [])
    assert metric(server, "pictures_seen") == 2


def test_the_llm_command_shows_an_attachment(server: Running, client: openai.OpenAI, name: str, tmp_path: Path) -> None:
    photo, models = tmp_path / "photo.png", tmp_path / "extra-openai-models.yaml"
    photo.write_bytes(base64.b64decode(PNG))
    models.write_text(f'- model_id: galop\n  model_name: "{name}"\n  api_base: "{server.url}/v1"\n  vision: true\n')
    command = [str(Path(sys.executable).parent / "llm"), "-m", "galop", "--key", "none", "--no-stream"]
    options = ["-o", "temperature", "0", "-o", "max_tokens", "12", "What is this?"]
    told = subprocess.run(
        [*command, "-a", str(photo), *options],
        capture_output=True, text=True, timeout=300, env={**os.environ, "LLM_USER_PATH": str(tmp_path)},
    )  # fmt: skip
    assert told.returncode == 0, told.stderr
    content = shown(URL)[0]["content"][::-1]  # the question stands first
    asked: Any = [{"role": "user", "content": content}]
    chat = client.chat.completions.create(model=name, messages=asked, temperature=0, max_tokens=12)
    assert told.stdout.strip() == (chat.choices[0].message.content or "").strip() != ""


def test_a_picture_that_was_sent_before(server: Running, client: openai.OpenAI, name: str) -> None:
    kept = client.files.create(file=("photo.png", base64.b64decode(PNG)), purpose="vision")
    assert kept.purpose == "vision" and client.files.content(kept.id).content == base64.b64decode(PNG)
    asked: Any = {"model": name, "temperature": 0}
    by_url = client.chat.completions.create(messages=shown(URL), max_tokens=8, **asked)
    parts: list[Any] = [{"type": "file", "file": {"file_id": kept.id}}, {"type": "text", "text": "What is this?"}]
    by_id = client.chat.completions.create(messages=[{"role": "user", "content": parts}], max_tokens=8, **asked)
    assert by_id.choices[0].message.content == by_url.choices[0].message.content
    assert by_id.usage and by_url.usage and by_id.usage.prompt_tokens == by_url.usage.prompt_tokens
    for kind in ("input_image", "input_file"):
        items: Any = [{"type": kind, "file_id": kept.id}, {"type": "input_text", "text": "What is this?"}]
        response = client.responses.create(input=[{"role": "user", "content": items}], max_output_tokens=8, **asked)
        assert response.usage and response.usage.input_tokens == by_url.usage.prompt_tokens
    with anthropic.Anthropic(base_url=server.url, api_key="none", max_retries=0) as claude:
        block: Any = {"type": "image", "source": {"type": "file", "file_id": kept.id}}
        content = [block, {"type": "text", "text": "What is this?"}]
        counted = claude.messages.count_tokens(model=name, messages=[{"role": "user", "content": content}])
        assert counted.input_tokens == by_url.usage.prompt_tokens
    client.files.delete(kept.id)
    with pytest.raises(openai.BadRequestError, match="no file of this key has the file_id"):
        client.chat.completions.create(messages=[{"role": "user", "content": parts}], **asked)
    with pytest.raises(openai.BadRequestError, match="purpose has to be batch, user_data, vision or assistants"):
        client.files.create(file=("a.jsonl", b"{}"), purpose="fine-tune")


def test_clients_can_tell_that_it_sees(server: Running, client: openai.OpenAI, name: str) -> None:
    entries = {model.id: model.model_dump()["architecture"] for model in client.models.list().data}
    assert entries[name] == {"input_modalities": ["text", "image"], "output_modalities": ["text"]}
    blind = next(model for model in entries if model != name and "image" not in entries[model]["input_modalities"])
    assert client.models.retrieve(name).model_dump()["architecture"] == entries[name]
    with server.client() as http:
        for asked, sees in (("", True), (name, True), (blind, False)):
            props = http.get("/props", params={"model": asked}).json()
            assert props["modalities"] == {"vision": sees, "audio": False}
            assert props["default_generation_settings"]["n_ctx"] > 0 and props["model_alias"] == (asked or name)
        assert http.get("/props", params={"model": "nobody"}).status_code == 404
        shown = {model["name"]: model["capabilities"] for model in http.get("/api/tags").json()["models"]}
        assert "vision" in shown[name] and "vision" not in shown[blind]
    with anthropic.Anthropic(base_url=server.url, api_key="none", max_retries=0) as claude:
        can = [claude.models.retrieve(model).capabilities for model in (name, blind)]
        assert [one and one.image_input.supported for one in can] == [True, False]


def test_a_second_question_reads_nothing_again(server: Running, client: openai.OpenAI, name: str) -> None:
    messages = shown(URL, text="Say: ")
    client.chat.completions.create(model=name, messages=messages, max_tokens=4)
    seen = metric(server, "pictures_seen")
    again = client.chat.completions.create(model=name, messages=messages, max_tokens=4)
    assert again.usage and again.usage.prompt_tokens_details
    assert again.usage.prompt_tokens_details.cached_tokens == again.usage.prompt_tokens - 1
    assert metric(server, "pictures_seen") == seen


def test_the_system_shows_a_picture_where_the_dialect_lets_it(
    server: Running, client: openai.OpenAI, name: str
) -> None:
    asked: Any = {"model": name, "temperature": 0}
    said = client.chat.completions.create(messages=shown(URL), max_tokens=8, **asked)
    assert said.usage
    question: Any = {"role": "user", "content": "What is this?"}
    parts: Any = [{"type": "image_url", "image_url": {"url": URL}}]
    for role in ("system", "developer"):
        turns: Any = [{"role": role, "content": parts}, question]
        told = client.chat.completions.create(messages=turns, max_tokens=8, **asked)
        assert told.choices[0].message.content == said.choices[0].message.content
        for part in ({"type": "input_image", "image_url": URL}, *parts):  # the other as LangChain.js sends it
            items: Any = [{"role": role, "content": [part]}, question]
            response = client.responses.create(input=items, max_output_tokens=16, **asked)
            assert response.usage and response.usage.input_tokens == said.usage.prompt_tokens
    with anthropic.Anthropic(base_url=server.url, api_key="none", max_retries=0) as claude:
        image: Any = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}}
        with pytest.raises(anthropic.BadRequestError, match="a system prompt is text alone"):
            claude.messages.create(model=name, max_tokens=4, system=[image], messages=[question])


def test_what_one_key_has_shown_is_new_from_another(tmp_path: Path) -> None:
    files = write_eyes(tmp_path / "eyes")
    ann, bob = (run_galop(tmp_path, "keys", "add", name).stdout.strip() for name in ("ann", "bob"))
    with serving(str(files), home=tmp_path) as running:
        cached = []
        for key in (ann, bob, ann, bob):
            with openai.OpenAI(base_url=f"{running.url}/v1", api_key=key, max_retries=0) as one:
                asked = one.chat.completions.create(model=str(files), messages=shown(URL), max_tokens=4, temperature=0)
                assert asked.usage and asked.usage.prompt_tokens_details
                cached.append(asked.usage.prompt_tokens - (asked.usage.prompt_tokens_details.cached_tokens or 0))
        assert cached == [asked.usage.prompt_tokens, asked.usage.prompt_tokens, 1, 1]
        with running.client(headers={"authorization": f"Bearer {ann}"}) as http:
            assert re.search(r"galop:pictures_seen_total{[^}]*} 2\.0", http.get("/metrics").text)


def test_streams_and_choices(client: openai.OpenAI, name: str) -> None:
    asked: Any = {"model": name, "messages": shown(URL, OTHER_URL, text="Both?"), "max_tokens": 8, "temperature": 0}
    whole = client.chat.completions.create(n=3, **asked)
    assert len({choice.message.content for choice in whole.choices}) == 1
    pieces = [c.choices[0].delta.content or "" for c in client.chat.completions.create(stream=True, **asked)]
    assert "".join(pieces) == whole.choices[0].message.content


def test_what_a_tool_shows(server: Running, name: str) -> None:
    image: Any = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}}
    with anthropic.Anthropic(base_url=server.url, api_key="none", max_retries=0) as claude:
        counts = []
        for content in ([image], [{"type": "text", "text": "nothing"}]):
            turns: Any = [
                {"role": "user", "content": "Look."},
                {"role": "assistant", "content": [{"type": "tool_use", "id": "t1", "name": "look", "input": {}}]},
                {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t1", "content": content}]},
            ]
            answered = claude.messages.create(model=name, max_tokens=4, messages=turns)
            counts.append(answered.usage.input_tokens + (answered.usage.cache_read_input_tokens or 0))
    assert counts[0] > counts[1] + 20


@pytest.mark.parametrize(
    ("urls", "said"),
    [
        (["https://example.com/cat.png"], "picture 1 of the request is a URL .https:.*fetches none"),
        (["http://169.254.169.254/latest"], "fetches none"),
        (["file:///etc/passwd"], "fetches none"),
        (["data:image/png;base64,@@@"], "not valid base64"),
        (["data:image/png;base64,"], "is empty"),
        ([URL, f"data:image/png;base64,{PNG[:400]}"], "picture 2 of the request is damaged"),
        ([f"data:image/png;base64,{base64.b64encode(b'<svg></svg>').decode()}"], "SVG"),
        ([URL] * 1000, "1000 pictures are too many"),
    ],
)  # fmt: skip
def test_what_is_no_picture_is_told_in_a_sentence(urls: list[str], said: str, client: openai.OpenAI, name: str) -> None:
    urls = urls if len(urls) < 1000 else ["data:image/png;base64,iVBORw0KGgo="] * 1000
    with pytest.raises(openai.BadRequestError, match=said) as refused:
        client.chat.completions.create(model=name, messages=shown(*urls))
    assert refused.value.code == "invalid_image" and refused.value.param == "messages"
    with pytest.raises(openai.BadRequestError, match=said) as refused:
        parts: Any = [{"type": "input_image", "image_url": url} for url in urls]
        client.responses.create(model=name, input=[{"role": "user", "content": parts}])
    assert refused.value.param == "input"


def test_other_dialects_refuse_urls_too(server: Running, name: str) -> None:
    with anthropic.Anthropic(base_url=server.url, api_key="none", max_retries=0) as claude:
        for source in ({"type": "url", "url": "https://example.com/cat.png"}, {"type": "file", "file_id": "file_1"}):
            image: Any = {"type": "image", "source": source}
            with pytest.raises(anthropic.BadRequestError, match="fetches none|no file of this key has the file_id"):
                claude.messages.create(model=name, max_tokens=4, messages=[{"role": "user", "content": [image]}])
    with pytest.raises(ollama.ResponseError, match="not valid base64"):
        server_error: Any = [{"role": "user", "content": "What?", "images": ["/etc/passwd!"]}]
        reply = server.post("/api/chat", {"model": name, "messages": server_error})
        raise ollama.ResponseError(reply.json()["error"], reply.status_code)


def test_a_picture_larger_than_the_context_is_scaled_down(client: openai.OpenAI, name: str) -> None:
    wide = base64.b64encode(encoded(Image.new("RGB", (3000, 2000), "red"), "JPEG")).decode()
    answered = client.chat.completions.create(
        model=name, messages=shown(f"data:image/jpeg;base64,{wide}"), max_tokens=2
    )
    assert answered.usage and 500 < answered.usage.prompt_tokens < 1200
