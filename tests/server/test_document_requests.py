"""PDFs and other files through the interfaces, by the published clients: read by models that see and that do not."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

import anthropic
import openai
import pytest
from command import TEMPLATE
from drawn import encoded, noise, pdf
from serving import Running, serving
from tiny import write_gguf
from tiny_eyes import write_eyes

SAID = "The answer to everything is forty two."
PAPER = base64.b64encode(pdf([SAID], scans=1)).decode()
SCAN = base64.b64encode(pdf([], scans=1)).decode()
PNG = base64.b64encode(encoded(noise(60, 80))).decode()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("models")
    eyes = write_eyes(folder / "eyes")
    blind = write_gguf(folder / "blind.gguf", "qwen3", "Q8_0", TEMPLATE)
    with serving(str(eyes), str(blind), home=tmp_path_factory.mktemp("documents")) as running:
        yield running


@pytest.fixture(scope="module")
def client(server: Running) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{server.url}/v1", api_key="none", max_retries=0) as one:
        yield one


@pytest.fixture(scope="module")
def names(client: openai.OpenAI) -> list[str]:
    """The model that sees, and the one that does not."""
    return [model.id for model in client.models.list().data if model.id.endswith(("eyes", "blind.gguf"))]


def given(data: str, filename: str = "paper.pdf", kind: str = "application/pdf") -> dict[str, str]:
    return {"filename": filename, "file_data": f"data:{kind};base64,{data}"}


def read(client: openai.OpenAI, name: str, *parts: dict[str, Any], text: str = "What?") -> int:
    """Tokens of the prompt that a file makes, one for each byte of a text."""
    content: Any = [*parts, {"type": "text", "text": text}]
    asked: Any = [{"role": "user", "content": content}]
    answered = client.chat.completions.create(model=name, messages=asked, max_tokens=1)
    assert answered.usage
    return answered.usage.prompt_tokens


def test_every_door_reads_the_same_document(server: Running, client: openai.OpenAI, names: list[str]) -> None:
    for name, scans in zip(names, (True, False), strict=True):
        tokens = read(client, name, {"type": "file", "file": given(PAPER)})
        assert tokens > read(client, name) + len(SAID)
        shown: Any = [{"type": "input_file", **given(PAPER)}, {"type": "input_text", "text": "What?"}]
        counted = client.responses.input_tokens.count(model=name, input=[{"role": "user", "content": shown}])
        assert counted.input_tokens == tokens
        with anthropic.Anthropic(base_url=server.url, api_key="none", max_retries=0) as claude:
            source = {"type": "base64", "media_type": "application/pdf", "data": PAPER}
            document: Any = {"type": "document", "title": "paper.pdf", "source": source}
            said: Any = [{"role": "user", "content": [document, {"type": "text", "text": "What?"}]}]
            assert claude.messages.count_tokens(model=name, messages=said).input_tokens == tokens
            result: Any = {"type": "tool_result", "tool_use_id": "t1", "content": [document]}
            call: Any = {"type": "tool_use", "id": "t1", "name": "read", "input": {}}
            turns: Any = [
                {"role": "user", "content": "Read."},
                {"role": "assistant", "content": [call]},
                {"role": "user", "content": [result]},
            ]
            assert claude.messages.create(model=name, max_tokens=1, messages=turns).usage.input_tokens > len(SAID)
            # A scan that nobody here can read must not end an agent's conversation.
            result["content"] = [{**document, "source": {**source, "data": SCAN}}]
            assert claude.messages.create(model=name, max_tokens=1, messages=turns).usage.output_tokens == 1
        scan = {"type": "file", "file": given(SCAN)}
        if scans:
            assert read(client, name, scan) > read(client, name)
            continue
        with pytest.raises(openai.BadRequestError, match="1 page without text is left out.*take a model that sees"):
            read(client, name, scan)


def test_texts_and_pictures_are_files_too(client: openai.OpenAI, names: list[str]) -> None:
    text = base64.b64encode(SAID.encode()).decode()
    for name in names:
        assert read(client, name, {"type": "file", "file": given(text, "a.txt", "text/plain")}) > len(SAID)
    seeing, blind = names
    picture = {"type": "file", "file": given(PNG, "a.png", "image/png")}
    assert read(client, seeing, picture) == read(
        client, seeing, {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}}
    )
    assert read(client, blind, picture) > read(client, blind)


@pytest.mark.parametrize(
    ("file", "said"),
    [
        ({"file_id": "file-1"}, "no file of this key has the file_id .file-1.; send it to /v1/files"),
        ({"file_url": "https://example.com/a.pdf"}, "has no data|is a URL"),
        ({"file_data": "https://example.com/a.pdf"}, "file 1 of the request is a URL .https:.*fetches none"),
        ({"file_data": "data:application/pdf;base64,@@@"}, "not valid base64"),
        (given(base64.b64encode(b"%PDF-1.7 and no more").decode()), "paper.pdf is damaged or no PDF"),
        (given(base64.b64encode(b"PK\x03\x04\x00\xff").decode(), "a.docx"), "a.docx is neither a PDF nor a picture nor a text"),
        (given(base64.b64encode(b"a" * (2 << 20)).decode(), "a.txt"), "a.txt has more than 1 MiB"),
        (given("", "a.pdf"), "a.pdf is empty|neither"),
    ],
)  # fmt: skip
def test_what_is_no_document_is_told_in_a_sentence(
    file: dict[str, str], said: str, client: openai.OpenAI, names: list[str]
) -> None:
    for name in names:
        with pytest.raises(openai.BadRequestError, match=said) as refused:
            read(client, name, {"type": "file", "file": file})
        assert refused.value.code == "invalid_file" and refused.value.param == "messages"
    parts: Any = [{"type": "input_file", **file}]
    with pytest.raises(openai.BadRequestError) as refused:
        client.responses.create(model=names[0], input=[{"role": "user", "content": parts}])
    assert refused.value.code == "invalid_file" and refused.value.param == "input"


def test_a_url_of_a_document_is_never_fetched(server: Running, names: list[str]) -> None:
    with anthropic.Anthropic(base_url=server.url, api_key="none", max_retries=0) as claude:
        for source in ({"type": "url", "url": "https://example.com/a.pdf"}, {"type": "file", "file_id": "file_1"}):
            document: Any = {"type": "document", "source": source}
            with pytest.raises(anthropic.BadRequestError, match="fetches none|no file of this key has the file_id"):
                claude.messages.create(model=names[0], max_tokens=1, messages=[{"role": "user", "content": [document]}])
