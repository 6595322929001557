"""What templates can do is found by rendering them, and what they cannot is told in words."""

from __future__ import annotations

import json
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from galop.chat.messages import adapt_messages
from galop.chat.renderer import Renderer, capabilities_of
from galop.chat.template_capabilities import TemplateCapabilities
from galop.chat.tool_formats import format_named

TOOL: Any = {
    "type": "function",
    "function": {
        "name": "tide",
        "description": "Height of the tide <at> a 'pläce'",
        "parameters": {"type": "object", "properties": {"port": {"type": "string"}}, "required": ["port"]},
    },
}


def call(id: str | None = None, arguments: Any = None) -> dict[str, Any]:
    function = {"name": "tide", "arguments": arguments or {"port": "Brest"}}
    return {"type": "function", "function": function, **({"id": id} if id else {})}


def loop(**more: Any) -> list[dict[str, Any]]:
    return [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "How high is it?"},
        {
            "role": "assistant",
            "content": "",
            "tool_calls": [call("call_a"), call("call_b", {"port": "Nantes"})],
            **more,
        },
        {"role": "tool", "content": "5.5 m in Nantes", "tool_call_id": "call_b"},
        {"role": "tool", "content": "6.1 m in Brest", "tool_call_id": "call_a"},
    ]


TURNS = "{% for m in messages %}<{{ m.role }}>{{ m.content }}{% endfor %}{% if add_generation_prompt %}<assistant>{% endif %}"
PLAIN = TemplateCapabilities()
# In the manner of published templates: what they say is ours.
R1 = (
    "{% for m in messages %}{% if m.role == 'system' %}{{ m.content }}{% elif m.role == 'user' %}<｜User｜>{{ m.content }}"
    "{% elif m.role == 'assistant' and m.content is none %}<｜Assistant｜>{% for c in m.tool_calls %}<｜tool▁calls▁begin｜>"
    "<｜tool▁call▁begin｜>function<｜tool▁sep｜>{{ c.function.name }}\n```json\n{{ c.function.arguments + '' }}\n```"
    "<｜tool▁call▁end｜><｜tool▁calls▁end｜>{% endfor %}{% elif m.role == 'assistant' %}<｜Assistant｜>"
    "{{ m.content.split('</think>')[-1] }}{% elif m.role == 'tool' %}<｜tool▁output▁begin｜>{{ m.content }}{% endif %}"
    "{% endfor %}{% if add_generation_prompt %}<｜Assistant｜><think>\n{% endif %}"
)
DEEPSEEK = R1 + "{% if tools %}{{ tools | tojson }}{% endif %}"
LLAMA = (
    '{% if tools is not none %}Answer with {"name": function name, "parameters": {}}.{{ tools | tojson }}{% endif %}'
    "{% for m in messages %}{% if m.tool_calls %}{% if m.tool_calls | length != 1 %}{{ raise_exception('one') }}{% endif %}"
    '{% set c = m.tool_calls[0].function %}<|a|>\n\n{"name": "{{ c.name }}", "parameters": {{ c.arguments | tojson }}}<|e|>'
    "{% else %}<|{{ m.role }}|>\n\n{{ m.content }}<|e|>{% endif %}{% endfor %}{% if add_generation_prompt %}<|a|>\n\n{% endif %}"
)
MISTRAL = (
    "{% if tools is not none %}[AVAILABLE_TOOLS]{{ tools | tojson }}{% endif %}{% set ns = namespace(last='') %}"
    "{% for m in messages %}{% if m.role in ('user', 'assistant') and not m.tool_calls %}{% if ns.last == m.role %}"
    "{{ raise_exception('turns must alternate') }}{% endif %}{% set ns.last = m.role %}{% endif %}"
    "{% if m.role == 'system' %}{{ raise_exception('no system') }}{% elif m.role == 'user' %}[INST]{{ m.content }}[/INST]"
    "{% elif m.tool_calls %}[TOOL_CALLS][{% for c in m.tool_calls %}{% if c.id is undefined or c.id | length != 9 %}"
    '{{ raise_exception(\'ids have nine characters\') }}{% endif %}{"name": "{{ c.function.name }}", "arguments": '
    '{{ c.function.arguments | tojson }}, "id": "{{ c.id }}"}{% if not loop.last %}, {% endif %}{% endfor %}]</s>'
    "{% elif m.role == 'tool' %}[TOOL_RESULTS]{{ m.tool_call_id }} {{ m.content }}[/TOOL_RESULTS]{% else %} {{ m.content }}"
    "{% endif %}{% endfor %}"
)
THINKER = (
    "{% if tools %}{{ tools | tojson }}{% endif %}{% for m in messages %}<{{ m.role }}>{% if m.reasoning_content %}<think>"
    "{{ m.reasoning_content }}</think>{% endif %}{{ m.content }}{% for c in m.tool_calls or [] %}<tool_call>\n"
    "{{ c.function | tojson }}\n</tool_call>{% endfor %}{% endfor %}{% if add_generation_prompt %}<assistant>"
    "{% if not thinking %}</think>{% else %}<think>{% endif %}{% endif %}"
)
FUNCTIONARY = (
    "{% if tools %}{{ tools | tojson }}{% endif %}{% for m in messages %}<{{ m.role }}>{{ m.content }}"
    "{% for c in m.tool_calls or [] %}<function={{ c.function.name }}>{{ c.function.arguments | tojson }}</function>"
    "{% endfor %}{% endfor %}{# <|python_tag|> #}"
)
GEMMA = (
    "{% macro value(v) %}{% if v is string %}<|\"|>{{ v }}<|\"|>{% elif v is boolean %}{{ 'true' if v else 'false' }}{% else %}"
    "{{ v }}{% endif %}{% endmacro %}{% if enable_thinking is defined and enable_thinking %}<|turn>system\n<|think|>\n<turn|>\n"
    "{% endif %}{% for t in tools or [] %}<|tool>declaration:{{ t.function.name }}{{ t.function.description }}<tool|>{% endfor %}"
    "{% for m in messages %}{% if m.role == 'tool' %}<|tool_response>response:{{ m.name }}{value:{{ value(m.content) }}}"
    "<tool_response|>{% else %}<|turn>{{ 'model' if m.role == 'assistant' else m.role }}\n{% if m.reasoning_content and m.tool_calls %}"
    "<|channel>thought\n{{ m.reasoning_content }}\n<channel|>{% endif %}{% for c in m.tool_calls or [] %}"
    "<|tool_call>call:{{ c.function.name }}{{ '{' }}{% for k, v in c.function.arguments | dictsort %}{{ k }}:{{ value(v) }}"
    "{{ ',' if not loop.last }}{% endfor %}{{ '}' }}<tool_call|>{% endfor %}{{ m.content }}{% if not m.tool_calls %}<turn|>\n{% endif %}"
    "{% endif %}{% endfor %}{% if add_generation_prompt and messages[-1].role != 'tool' %}<|turn>model\n"
    "{% if not enable_thinking | default(false) %}<|channel>thought\n<channel|>{% endif %}{% endif %}"
)
GLM = (
    "{% if tools %}<tool_call>{name}<arg_key>{key}</arg_key>{{ tools | tojson }}{% endif %}{% for m in messages %}"
    "{% if m.role == 'tool' %}<|observation|><tool_response>{{ m.content }}</tool_response>{% else %}<|{{ m.role }}|>"
    "{% if m.role == 'assistant' %}{% if m.reasoning_content %}<think>{{ m.reasoning_content }}</think>{% else %}</think>{% endif %}"
    "{% endif %}{{ m.content }}{% for c in m.tool_calls or [] %}<tool_call>{{ c.function.name }}{% for k, v in "
    "c.function.arguments.items() %}<arg_key>{{ k }}</arg_key><arg_value>{{ v if v is string else v | tojson }}</arg_value>"
    "{% endfor %}</tool_call>{% endfor %}{% endif %}{% endfor %}{% if add_generation_prompt %}<|assistant|>"
    "{{ '</think>' if enable_thinking is defined and not enable_thinking else '<think>' }}{% endif %}"
)
SEED = (
    "{% for t in tools or [] %}def {{ t.function.name }}: {{ t.function.description }}{% endfor %}{% for m in messages %}"
    "<seed:bos>{{ m.role }}\n{% if m.reasoning_content %}<seed:think>{{ m.reasoning_content }}</seed:think>\n{% endif %}"
    "{{ m.content }}{% for c in m.tool_calls or [] %}\n<seed:tool_call>\n<function={{ c.function.name }}>\n{% for k, v in "
    "c.function.arguments.items() %}<parameter={{ k }}>{{ v }}</parameter>\n{% endfor %}</function>\n</seed:tool_call>"
    "{% endfor %}<seed:eos>{% endfor %}{% if add_generation_prompt %}<seed:bos>assistant\n{% endif %}"
)
KIMI = (
    "{% set ns = namespace(ids=[]) %}{% if tools %}<|im_system|>{{ tools | tojson }}{% endif %}{% for m in messages %}"
    "{% if m.role == 'tool' %}## Return of {{ ns.ids.pop(0) }}\n{{ m.content }}{% else %}<|im_{{ m.role }}|>{{ m.content }}"
    "{% endif %}{% if m.tool_calls %}<|tool_calls_section_begin|>{% for c in m.tool_calls %}{% set id = 'functions.' + "
    "c.function.name + ':' + loop.index0 | string %}{% set _ = ns.ids.append(id) %}<|tool_call_begin|>{{ id }}"
    "<|tool_call_argument_begin|>{{ c.function.arguments | tojson }}<|tool_call_end|>{% endfor %}<|tool_calls_section_end|>"
    "{% endif %}<|im_end|>{% endfor %}{% if add_generation_prompt %}<|im_assistant|>{% endif %}"
)
LFM2 = "{% if tools %}List of tools: [{% for t in tools %}{{ t | tojson }}{% endfor %}]{% endif %}" + TURNS
HARMONY = (
    "<|start|>system<|message|>Reasoning: {{ reasoning_effort if reasoning_effort is defined else 'medium' }}<|end|>"
    "{% if messages[0].role == 'system' or tools %}<|start|>developer<|message|>{{ messages[0].content if messages[0].role == 'system' }}"
    "{% if tools %}namespace functions {{ tools | tojson }}{% endif %}<|end|>{% endif %}{% set last = namespace(name='') %}"
    "{% for m in messages %}{% if m.role == 'user' %}<|start|>user<|message|>{{ m.content }}<|end|>{% elif m.role == 'tool' %}"
    "<|start|>functions.{{ last.name }} to=assistant<|channel|>commentary<|message|>{{ m.content | tojson }}<|end|>"
    "{% elif m.tool_calls %}{% if m.content and m.thinking %}{{ raise_exception('not both') }}{% endif %}{% if m.content or m.thinking %}"
    "<|start|>assistant<|channel|>analysis<|message|>{{ m.content or m.thinking }}<|end|>{% endif %}{% set c = m.tool_calls[0].function %}"
    "{% set last.name = c.name %}<|start|>assistant to=functions.{{ c.name }}<|channel|>commentary json<|message|>{{ c.arguments | tojson }}"
    "<|call|>{% elif m.role == 'assistant' %}<|start|>assistant<|channel|>final<|message|>{{ m.content }}<|end|>{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}<|start|>assistant{% endif %}"
)
GEMMA_IN_TURN = GEMMA.replace("{% if m.role == 'tool' %}", "{% if false %}").replace(
    "{{ m.content }}{% if not m.tool_calls %}",
    "{% for r in m.tool_responses or [] %}<|tool_response>response:{{ r.name }}{value:{{ value(r.response) }}}<tool_response|>"
    "{% endfor %}{{ m.content }}{% if not m.tool_calls %}",
)
LISTED = "{% for tool in tools %}{{ tool | tojson }}{% endfor %}" + TURNS
FOUND: list[tuple[str, dict[str, Any]]] = [
    (TURNS, {"tools": False, "call_format": "", "tool_results": True, "system_first": True, "system_later": True, "thinking": False}),
    (R1, {"tools": False, "call_format": "deepseek", "no_content": None, "arguments": "text", "thinking": True, "thinks_by_default": True}),
    (DEEPSEEK, {"tools": True, "call_format": "deepseek", "no_content": None, "arguments": "text", "tool_results": True}),
    (LLAMA, {"tools": True, "call_format": "llama", "arguments": "object", "tool_results": True, "single_calls": True, "thinking": False}),
    (MISTRAL, {"tools": True, "call_format": "mistral", "call_ids": True, "system_first": False, "system_later": False, "alternating_roles": True}),
    (THINKER, {"tools": True, "call_format": "hermes", "past_thinking": "field", "thinking_variable": "thinking", "thinks_by_default": False}),
    (THINKER.replace("not thinking", "thinking is false"), {"thinking_variable": "thinking", "thinks_by_default": True}),
    (FUNCTIONARY, {"tools": True, "call_format": "", "thinking": False}),
    (GEMMA, {"tools": True, "call_format": "gemma", "arguments": "object", "tool_results": True, "past_thinking": "field", "thinking_tags": "gemma", "thinking_variable": "enable_thinking", "thinks_by_default": False}),
    (GEMMA_IN_TURN, {"call_format": "gemma", "results_in_turn": True}), (GEMMA, {"results_in_turn": False}),
    (GLM, {"tools": True, "call_format": "glm", "tool_results": True, "past_thinking": "field", "thinking_variable": "enable_thinking", "thinks_by_default": True}),
    (SEED, {"tools": True, "call_format": "seed", "past_thinking": "field", "thinking_tags": "seed", "thinking": True}),
    (KIMI, {"tools": True, "call_format": "kimi", "tool_results": True, "arguments": "object"}),
    (LFM2, {"tools": True, "call_format": "lfm2", "forgets_calls": True, "tool_results": True}),
    (HARMONY, {"tools": True, "call_format": "harmony", "single_calls": True, "past_thinking": "field", "thought_is_all": True, "efforts": True, "thinking_tags": "harmony", "thinks_by_default": True, "system_later": False}),
    (LISTED, {"tools": True, "needs_tools": True, "call_format": ""}),
    ("{{ broken", {"tools": False, "thinking": False}),
]  # fmt: skip


@pytest.mark.parametrize(("template", "expected"), FOUND)
def test_capabilities_are_found_by_rendering(template: str, expected: dict[str, Any]) -> None:
    found = capabilities_of(template)
    assert {name: getattr(found, name) for name in expected} == expected


def test_a_template_without_end_can_do_nothing() -> None:
    endless = "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}"
    one = Renderer()
    assert one.capabilities(endless) == PLAIN
    one.close()


@pytest.fixture(scope="module")
def renderer() -> Iterator[Renderer]:
    one = Renderer()
    yield one
    one.close()


def prompt(renderer: Renderer, template: str, messages: list[dict[str, Any]], tools: list[Any]) -> str:
    """As `Model.prompt` has it."""
    can = renderer.capabilities(template)
    native = can.tools and format_named(can.call_format) is not None
    given = {"tools": tools} if tools and native else {} if can.needs_tools else {"tools": None}
    said = adapt_messages(messages, tools, can, native)
    for message in said:
        if written := message.pop("written_calls", ()):
            message["content"] += "".join(written)
    variables = {"messages": said, "documents": None, "add_generation_prompt": True, **given}
    variables |= {"bos_token": "<s>", "eos_token": "</s>"}
    return renderer.render(template, variables)


@pytest.mark.parametrize(
    "template",
    [TURNS, R1, DEEPSEEK, LLAMA, MISTRAL, THINKER, FUNCTIONARY, LISTED, GEMMA, GLM, SEED, KIMI, LFM2, HARMONY],
)
def test_whatever_a_template_lacks_nothing_of_a_conversation_vanishes(template: str, renderer: Renderer) -> None:
    text = prompt(renderer, template, loop(), [TOOL])
    for part in ("Be brief.", "How high is it?", "pläce", "Brest", "Nantes", "5.5 m", "6.1 m"):
        assert part in text, part
    assert text.count("How high") == 1
    alone = prompt(renderer, template, loop(), [])  # the history of tools that are not offered any more
    assert "Nantes" in alone and "5.5 m" in alone and "pläce" not in alone


def test_results_find_the_id_of_their_call(renderer: Renderer) -> None:
    text = prompt(renderer, MISTRAL, loop(), [TOOL])
    assert "[INST]Be brief.\n\nHow high is it?[/INST]" in text
    assert '"port": "Nantes"}, "id": "000000002"}]' in text and "000000002 5.5 m" in text and "000000001 6.1 m" in text


def test_calls_that_a_template_takes_one_at_a_time_stand_before_their_results(renderer: Renderer) -> None:
    text = prompt(renderer, LLAMA, loop(), [TOOL])
    places = [text.index(part) for part in ('"Brest"', "6.1 m", '"Nantes"', "5.5 m")]
    assert places == sorted(places)


def test_thinking_beside_a_call_is_kept_where_the_template_can(renderer: Renderer) -> None:
    assert "<think>Two ports.</think>" in prompt(renderer, THINKER, loop(reasoning_content="Two ports."), [TOOL])
    in_text = THINKER.replace("{% if m.reasoning_content %}<think>{{ m.reasoning_content }}</think>{% endif %}", "")
    assert "<think>\nTwo ports.\n</think>" in prompt(renderer, in_text, loop(reasoning_content="Two ports."), [TOOL])
    assert "Two ports" not in prompt(renderer, LLAMA, loop(reasoning_content="Two ports.")[:2], [TOOL])


def test_the_systems_words_come_before_the_next_question_where_it_has_no_turn(renderer: Renderer) -> None:
    later = [*loop()[:2], {"role": "assistant", "content": "6 m."}, {"role": "system", "content": "In feet."},
             {"role": "user", "content": "And now?"}]  # fmt: skip
    assert "[INST]In feet.\n\nAnd now?[/INST]" in prompt(renderer, MISTRAL, later, [])
    assert "<system>In feet." in prompt(renderer, TURNS, later, [])


def test_a_template_that_goes_through_its_tools_says_nothing_of_them_where_there_are_none(renderer: Renderer) -> None:
    boasting = (
        "{% if tools is defined %}Tools: {% for tool in tools %}{{ tool | tojson }}{% endfor %}{% endif %}" + TURNS
    )
    assert "Tools" not in prompt(renderer, boasting, loop()[:2], [])


def test_tools_of_a_template_without_them_are_told_once_in_the_systems_words(renderer: Renderer) -> None:
    for template in (R1, TURNS, FUNCTIONARY):
        text = prompt(renderer, template, loop()[:2], [TOOL])
        assert text.count("pläce") == 1 and "<tool_call>" in text and text.index("Be brief.") < text.index("tide")


def test_calls_that_a_template_forgets_stand_in_the_text_of_their_turn(renderer: Renderer) -> None:
    """As LFM2 writes them; what a call says stays plain text."""
    text = prompt(renderer, LFM2, loop(content="Hm."), [TOOL])
    assert "Hm.<|tool_call_start|>[tide(port='Brest'), tide(port='Nantes')]<|tool_call_end|>" in text
    assert "6.1 m in Brest" in text


def test_results_stand_in_the_turn_that_called_where_a_template_wants_them_there(renderer: Renderer) -> None:
    for template in (GEMMA, GEMMA_IN_TURN):
        text = prompt(renderer, template, loop(), [TOOL])
        after = text.partition('call:tide{port:<|"|>Nantes<|"|>}<tool_call|>')[2]
        assert after.count("<|tool_response>response:tide{value:") == 2 and "<|turn>tool" not in after


SDIST = "llama-cpp-python==0.3.36"
FORMATS = {
    "Qwen-Qwen2.5-7B-Instruct": "hermes", "Qwen-Qwen3-0.6B": "hermes", "Qwen-QwQ-32B": "hermes", "MiMo-VL": "hermes",
    "NousResearch-Hermes-2-Pro-Llama-3-8B-tool_use": "hermes", "NousResearch-Hermes-3-Llama-3.1-8B-tool_use": "hermes",
    "Qwen3-Coder": "coder", "Qwen3.5-4B": "coder", "google-gemma-4-31B-it": "gemma", "google-gemma-4-31B-it-interleaved": "gemma",
    "ibm-granite-granite-4.0": "hermes", "ibm-granite-granite-4.1": "hermes",
    "NVIDIA-Nemotron-3-Nano-30B-A3B-BF16": "coder", "Kimi-K2-Instruct": "kimi", "Kimi-K2-Thinking": "kimi", "moonshotai-Kimi-K2": "kimi", "LFM2-8B-A1B": "lfm2",
    "LFM2.5-8B-A1B": "lfm2", "LFM2.5-Instruct": "lfm2", "NVIDIA-Nemotron-Nano-v2": "nemotron",
    "Apriel-1.6-15b-Thinker-fixed": "listed", "ibm-granite-granite-3.3-2B-Instruct": "granite3",
    "openai-gpt-oss-120b": "harmony", "meta-llama-Llama-3.1-8B-Instruct": "llama",
    "meta-llama-Llama-3.2-3B-Instruct": "llama", "meta-llama-Llama-3.3-70B-Instruct": "llama",
    "mistralai-Mistral-Nemo-Instruct-2407": "mistral", "Mistral-Small-3.2-24B-Instruct-2506": "mistral",
    "mistralai-Ministral-3-14B-Reasoning-2512": "mistral", "meetkai-functionary-medium-v3.1": "",
    "meetkai-functionary-medium-v3.2": "", "google-gemma-2-2b-it": "", "microsoft-Phi-3.5-mini-instruct": "",
    "GLM-4.6": "glm", "GLM-4.7-Flash": "glm", "ByteDance-Seed-OSS": "seed", "deepseek-ai-DeepSeek-V3.2": "dsml", "fireworks-ai-llama-3-firefunction-v2": "",
}  # fmt: skip


@pytest.fixture(scope="session")
def published() -> dict[str, str]:
    """The templates that llama.cpp ships, from a source distribution which holds them."""
    folder = Path(__file__).parents[2] / "build" / "templates" / SDIST
    if not list(folder.glob("*.jinja")):
        folder.mkdir(parents=True, exist_ok=True)
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", "llama-cpp-python"]
        subprocess.run([*pip, "--dest", str(folder), SDIST], check=True)
        [archive] = folder.glob("*.tar.gz")
        with tarfile.open(archive) as files:
            for member in files:
                if member.isfile() and "/models/templates/" in member.name and member.name.endswith(".jinja"):
                    content = files.extractfile(member)
                    assert content
                    (folder / Path(member.name).name).write_bytes(content.read())
        archive.unlink()
    return {path.stem: path.read_text("utf-8") for path in sorted(folder.glob("*.jinja"))}


def conversations() -> dict[str, list[dict[str, Any]]]:
    user, system = {"role": "user", "content": "Hi <b> é"}, {"role": "system", "content": "Be brief."}
    result = {"role": "tool", "content": "3", "name": "tide", "tool_call_id": "abcdefghi"}
    made = {"role": "assistant", "content": ""}
    ids, text = [call("abcdefghi")], [call("abcdefghi", json.dumps({"port": "Sète"}))]
    return {
        "user": [user], "system": [system, user], "late": [user, system], "twice": [user, user], "empty": [],
        "turns": [system, user, {"role": "assistant", "content": "Hello"}, {"role": "user", "content": "And?"}],
        "call": [user, {**made, "tool_calls": ids}, result], "text": [user, {**made, "tool_calls": text}, result],
        "null": [user, {**made, "content": None, "tool_calls": ids}, result, user],
        "two": [user, {**made, "tool_calls": [*ids, call("abcdefgh2")]}, result, {**result, "tool_call_id": "abcdefgh2"}],
        "thought": [user, {"role": "assistant", "content": "Hello", "reasoning_content": "Hm."}, user],
        "thought beside a call": [user, {**made, "reasoning_content": "Hm.", "tool_calls": ids}, result],
        "tags": [user, {"role": "assistant", "content": "<think>\nHm.\n</think>\n\nHello"}, user],
        "prefilled": [user, {"role": "assistant", "content": "Hel"}],
        "parts": [{"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]}],
    }  # fmt: skip


@pytest.mark.oracle
def test_every_template_renders_as_with_transformers(published: dict[str, str], renderer: Renderer) -> None:
    from transformers.utils.chat_template_utils import render_jinja_template

    assert len(published) == 70
    switches: list[dict[str, Any]] = [{}, {"enable_thinking": False}, {"enable_thinking": True}, {"thinking": True}]
    matrix = list(product(conversations().items(), ([TOOL], None), (True, False), switches))
    differing, equal = [], 0
    for (name, template), ((kind, messages), tools, begin, switch) in product(published.items(), matrix):
        more: dict[str, Any] = {"bos_token": "<s>", "eos_token": "</s>", "add_generation_prompt": begin, **switch}
        try:
            asked = {"chat_template": template, "tools": tools, **more}
            theirs = render_jinja_template([json.loads(json.dumps(messages))], **asked)[0][0]
        except Exception:
            theirs = None
        reply = renderer.ask(
            {"template": template, "variables": {"messages": messages, "tools": tools, "documents": None, **more}}
        )
        assert reply
        equal += theirs is not None and reply.get("text") == theirs
        refused = theirs is None and ".append(" in template  # by the sandbox of transformers
        differs = reply.get("text") != theirs and not refused
        differing += [(name, kind, bool(tools), begin, switch)] if differs else []
    assert not differing and equal > 10_000


@pytest.mark.oracle
def test_formats_of_published_templates_are_found(published: dict[str, str]) -> None:
    found = {name: capabilities_of(template) for name, template in published.items()}
    assert {name: found[name].call_format if found[name].tools else "" for name in FORMATS} == FORMATS
    for name in ("deepseek-ai-DeepSeek-R1-Distill-Llama-8B", "HuggingFaceTB-SmolLM3-3B"):
        assert not found[name].tools  # it ignores what it is given, so it has to be told
    assert not found["deepseek-ai-DeepSeek-V3.1"].thinks_by_default and found["Qwen-Qwen3-0.6B"].thinks_by_default
    assert (
        found["deepseek-ai-DeepSeek-R1-Distill-Llama-8B"].thinks_by_default
        and not found["google-gemma-2-2b-it"].system_first
    )


@pytest.mark.oracle
def test_no_published_template_loses_a_part_of_a_conversation(published: dict[str, str], renderer: Renderer) -> None:
    lost = []
    for name, template in published.items():
        if name == "fireworks-ai-llama-3-firefunction-v2":
            continue  # which wants variables that nobody gives it
        text = prompt(renderer, template, loop(), [TOOL])
        lost += [
            (name, part) for part in ("Be brief.", "How high is it?", "port", "Brest", "6.1 m") if part not in text
        ]
    # Which tells of the system's words only before a question that comes last.
    assert lost == [("mistralai-Mistral-Nemo-Instruct-2407", "Be brief.")]
