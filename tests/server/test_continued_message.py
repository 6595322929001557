"""A last message of the assistant's is continued, in its own words and without a new turn."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openai
import pytest
from serving import Running, serving

from galop.backends.load import load
from galop.backends.local import Model
from galop.chat.renderer import Renderer
from galop.chat.template import ChatTemplate
from galop.errors import TemplateError

ASKED: Any = [{"role": "user", "content": "Name three colours."}]
BEGUN: Any = [*ASKED, {"role": "assistant", "content": "Three colours: red,"}]
TEMPLATES = {
    "chatml": "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}",
    "trimming": "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content | trim }}<|im_end|>{% endfor %}",
    "thinking": "{% for m in messages %}{% if m.role == 'assistant' %}<|im_start|>assistant\n"
    "{{ m.content.split('</think>')[-1] }}<|im_end|>{% else %}<|im_start|>user\n{{ m.content }}{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n<think>\n{% endif %}",
}
LAST = ["Sure:", "twice: Sure: Sure:", "  {", 'a "quote" and <|im_end|>', "user", "\n\n```python\ndef f():\n    return"]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, smollm_path: Path) -> Iterator[Running]:
    with serving("smollm2:135m", "qwen3-mini:0.4m", home=tmp_path_factory.mktemp("server")) as running:
        yield running


@pytest.fixture(scope="module")
def renderer() -> Iterator[Renderer]:
    one = Renderer()
    yield one
    one.close()


@pytest.mark.oracle
@pytest.mark.parametrize("last", LAST)
@pytest.mark.parametrize("template", TEMPLATES)
def test_the_prompt_is_that_of_transformers(template: str, last: str, smollm: Model, renderer: Renderer) -> None:
    from transformers.utils.chat_template_utils import render_jinja_template

    messages = [*ASKED, {"role": "assistant", "content": last}]
    [[expected], _] = render_jinja_template([messages], chat_template=TEMPLATES[template], continue_final_message=True)
    ids = ChatTemplate(TEMPLATES[template], smollm.tokenizer, renderer).encode(messages, "continue")
    shown = "".join(smollm.tokenizer.token_bytes(i).decode() for i in ids)
    assert shown == (expected.removesuffix(last.strip()) + last.lstrip() if template == "trimming" else expected)
    assert ids.count(smollm.tokenizer.id("<|im_end|>") or -1) == expected.count("<|im_end|>") - last.count("<|im_end|>")


def test_a_template_that_hides_what_was_said_is_refused(smollm: Model, renderer: Renderer) -> None:
    for source in ("{% for m in messages %}{{ m.role }}{% endfor %}", "{{ messages[-1].content | length }}"):
        with pytest.raises(TemplateError, match="cannot leave the last message open") as caught:
            ChatTemplate(source, smollm.tokenizer, renderer).encode(BEGUN, "continue")
        assert caught.value.refused


def test_a_turn_is_continued(server: Running, smollm: Model) -> None:
    options: Any = {"model": "smollm2:135m", "temperature": 0, "max_tokens": 12}
    prompt = smollm.template.encode(BEGUN, "continue")
    with openai.OpenAI(base_url=f"{server.url}/v1", api_key="none", max_retries=0) as client:
        expected = client.completions.create(prompt=prompt, **options)
        text = expected.choices[0].text
        for flags in ({}, {"continue_final_message": True, "add_generation_prompt": False}):
            reply = client.chat.completions.create(messages=BEGUN, extra_body=flags, **options)
            assert reply.choices[0].message.content == text and text
            assert reply.usage and reply.usage.prompt_tokens == len(prompt)
        stream = client.chat.completions.create(messages=BEGUN, stream=True, **options)
        assert "".join(c.choices[0].delta.content or "" for c in stream) == text
        other = client.chat.completions.create(messages=BEGUN, extra_body={"continue_final_message": False}, **options)
        assert other.usage and other.usage.prompt_tokens > len(prompt) and other.choices[0].message.content != text
        tokens = server.post("/tokenize", {"messages": BEGUN, "continue_final_message": True}).json()["tokens"]
        assert tokens == prompt


def test_thinking_that_was_begun_is_continued(server: Running) -> None:
    thought = "There are seven things and then"
    for message, key in (({"content": "", "reasoning_content": thought}, "reasoning"), ({"content": "42"}, "content")):
        body = {"model": "qwen3-mini:0.4m", "messages": [*ASKED, {"role": "assistant", **message}], "max_tokens": 16}
        said = server.post("/v1/chat/completions", {**body, "temperature": 0}).json()["choices"][0]["message"]
        assert said.get(key), said
    with load("qwen3-mini:0.4m") as mini:
        ids = mini.template.encode(
            [*ASKED, {"role": "assistant", "content": "", "reasoning_content": thought}], "continue"
        )
        assert mini.tokenizer.decode(ids).endswith(thought)


@pytest.mark.parametrize(
    ("changes", "param"),
    [
        ({"continue_final_message": True, "add_generation_prompt": True}, "continue_final_message"),
        ({"continue_final_message": True, "messages": ASKED}, "continue_final_message"),
        (
            {
                "messages": [
                    *ASKED,
                    {
                        "role": "assistant",
                        "content": "",
                        "tool_calls": [{"function": {"name": "f", "arguments": "{}"}}],
                    },
                ]
            },
            "messages",
        ),
    ],
)
def test_what_cannot_be_continued_is_refused(changes: dict[str, Any], param: str, server: Running) -> None:
    reply = server.post("/v1/chat/completions", {"messages": BEGUN, "max_tokens": 4, **changes})
    assert reply.status_code == 400 and reply.json()["error"]["param"] == param, reply.text
