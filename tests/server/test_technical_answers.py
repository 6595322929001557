"""Technical questions through every door: one number, with what it rests on; and strangers who would hold it up."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import anthropic
import ollama
import openai
import pytest
from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client
from playwright.sync_api import Browser, expect
from serving import Running, run_galop, serving

MODEL = "smollm2:135m"
SCIENCE: Any = [{"type": "galop:science"}]
COPPER = "Quelle masse de cuivre, en g, un courant de 2,5 A dépose-t-il en 2 h ?"
LIKELY = "Energy in J of 2 kg at 3 m/s and 5 m?"  # of motion or of height: both are told
MISSING = "A chamber at 48 bar feeds a throat; c* is 1690 m/s. What mass flow in kg/s?"
HARD = "a pressure of 3 bar, a mass of 12 kg, 4 m/s, " * 400 + "what thrust in kN?"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, smollm_path: Path) -> Iterator[Running]:
    with serving(MODEL, "--context", "4096", home=tmp_path_factory.mktemp("doors")) as running:
        yield running


@pytest.fixture(scope="module")
def client(server: Running) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{server.url}/v1", api_key="none", max_retries=0) as client:
        yield client


def said(question: str) -> Any:
    return [{"role": "user", "content": question}]


def run_command(question: str, home: Path) -> tuple[str, dict[str, Any]]:
    command = [sys.executable, "-m", "galop", "run", MODEL, question, "--tools", "science", "--json"]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=120, stdin=subprocess.DEVNULL)
    assert ended.returncode == 0, ended.stderr
    told = json.loads(ended.stdout)
    return told["answer"], told["science"]


def call_mcp(question: str, *arguments: str) -> tuple[str, dict[str, Any]]:
    async def call() -> tuple[str, dict[str, Any]]:
        command = StdioServerParameters(command=sys.executable, args=["-m", "galop", "mcp", *arguments])
        async with stdio_client(command) as (read, write), ClientSession(read, write) as session:
            await session.initialize()
            result = await session.call_tool("answer_technical_question", {"question": question})
            assert not result.is_error and result.structured_content
            return result.content[0].text.split("\n\n")[0], result.structured_content  # type: ignore[union-attr]

    with ThreadPoolExecutor(1) as elsewhere:  # Playwright keeps a loop of its own in this thread
        return elsewhere.submit(asyncio.run, call()).result()


@pytest.mark.parametrize("question", [COPPER, LIKELY], ids=["clear", "ambiguous"])
def test_every_door_gives_the_same_number(
    question: str, server: Running, client: openai.OpenAI, browser: Browser, tmp_path: Path
) -> None:
    answer, science = run_command(question, tmp_path)
    if question is COPPER:
        assert answer == "5.92747 g" and science["value"] == pytest.approx(5.92747, rel=1e-6)  # M I t / (z F)
        assert science["steps"][0]["inputs"]["time"] == "7200 s" and "Faraday" in science["steps"][0]["source"]
    doors: dict[str, tuple[str, Any]] = {"mcp": call_mcp(question)}

    message = client.chat.completions.create(model=MODEL, messages=said(question), tools=SCIENCE).choices[0].message
    doors["chat"] = message.content or "", message.model_extra and message.model_extra["science"]
    typed = {"extra_body": {"tools": SCIENCE}}  # for those who check types
    message = client.chat.completions.create(model=MODEL, messages=said(question), **typed).choices[0].message  # type: ignore[call-overload]
    doors["chat, extra_body"] = message.content, message.model_extra["science"]
    stream = client.chat.completions.create(model=f"{MODEL}@science", messages=said(question), stream=True)
    deltas = [c.choices[0].delta for c in stream]
    [known] = [d.model_extra["science"] for d in deltas if d.model_extra and "science" in d.model_extra]
    doors["chat, streamed"] = "".join(d.content or "" for d in deltas), known

    whole = client.responses.create(model=MODEL, input=question, tools=SCIENCE)
    doors["responses"] = whole.output_text, whole.output[0].science  # type: ignore[union-attr]
    assert whole.status == "completed" and whole.usage
    with client.responses.stream(model=f"{MODEL}@science", input=question) as events:
        whole = events.until_done().get_final_response()  # type: ignore[assignment]
    doors["responses, streamed"] = whole.output_text, whole.output[0].science  # type: ignore[union-attr]

    claude = anthropic.Anthropic(base_url=server.url, api_key="none", max_retries=0)
    reply = claude.messages.create(model=MODEL, max_tokens=64, messages=said(question), tools=SCIENCE)
    doors["messages"] = reply.content[0].text, reply.content[0].science  # type: ignore[union-attr]
    assert reply.stop_reason == "end_turn"
    with claude.messages.stream(model=f"{MODEL}@science", max_tokens=64, messages=said(question)) as pieces:
        reply = pieces.get_final_message()
    doors["messages, streamed"] = reply.content[0].text, reply.content[0].science  # type: ignore[union-attr]

    there = ollama.Client(host=server.url)
    told = server.post("/api/chat", {"model": MODEL, "messages": said(question), "tools": SCIENCE, "stream": False})
    doors["ollama, whole"] = told.json()["message"]["content"], told.json()["message"]["science"]
    doors["ollama"] = there.chat(MODEL, said(question), tools=SCIENCE).message.content or "", science
    lines = there.chat(f"{MODEL}@science", said(question), stream=True)
    doors["ollama, streamed"] = "".join(line.message.content or "" for line in lines), science
    doors["ollama, generate"] = there.generate(f"{MODEL}@science", question).response, science

    page = browser.new_page()
    page.goto(server.url)
    page.wait_for_function("window.socket?.connected")
    computes = page.get_by_role("button", name="Technical answers")
    if computes.get_attribute("aria-pressed") == "false":  # it is remembered
        computes.click()
    page.fill("footer textarea", question)
    page.keyboard.press("Enter")
    expect(page.locator("article.assistant .status")).to_contain_text("computed", timeout=60_000)
    doors["page"] = page.inner_text("article.assistant .body").strip(), science
    page.close()

    assert doors == dict.fromkeys(doors, (answer, science))


def test_details_stand_beneath_the_number_where_they_are_asked_for(server: Running, client: openai.OpenAI) -> None:
    for asked in ({"tools": [{**SCIENCE[0], "details": True}]}, {"model": f"{MODEL}@science+details"}):
        body: Any = {"model": MODEL, "messages": said(COPPER), "n": 2, **asked}
        for choice in client.chat.completions.create(**body).choices:
            first, _, rest = (choice.message.content or "").partition("\n\n")
            assert first == "5.92747 g" and choice.finish_reason == "stop"
            assert "current = 2.5 A" in rest and "source: " in rest and "assumed: " in rest


def test_what_is_not_computed_is_said_and_costs_no_tokens(client: openai.OpenAI) -> None:
    reply = client.chat.completions.create(model=MODEL, messages=said(MISSING), tools=SCIENCE)
    [choice] = reply.choices
    assert choice.message.model_extra and choice.message.model_extra["science"]["status"] == "missing"
    assert "throat area (m^2) is missing" in (choice.message.content or "")
    assert reply.usage and (reply.usage.prompt_tokens, reply.usage.completion_tokens) == (0, 0)


def test_what_asks_for_no_number_is_the_models(client: openai.OpenAI) -> None:
    body: Any = {"messages": said("Name three colours."), "temperature": 0, "max_tokens": 16}
    plain = client.chat.completions.create(model=MODEL, **body)
    for asked in (
        {"model": MODEL, "tools": SCIENCE},
        {"model": f"{MODEL}@science"},
        {"model": MODEL, "tools": SCIENCE, "tool_choice": "none"},
    ):
        reply = client.chat.completions.create(**{**body, **asked})
        assert reply.choices[0].message.content == plain.choices[0].message.content
        assert reply.model == asked["model"]
    off = client.chat.completions.create(
        model=MODEL, messages=said(COPPER), tools=SCIENCE, tool_choice="none", max_tokens=4
    )
    assert not (off.choices[0].message.model_extra or {}).get("science")
    only: Any = {"type": "galop:science"}
    forced = client.chat.completions.create(model=MODEL, tools=SCIENCE, tool_choice=only, **body).choices[0].message
    assert forced.content == "This asks for no quantity that could be computed."


def test_the_models_own_numbers_say_so(client: openai.OpenAI) -> None:
    body: Any = {"model": MODEL, "tools": SCIENCE, "messages": said("How many people live in Lyon?"), "max_tokens": 8}
    [choice] = client.chat.completions.create(**body).choices
    assert choice.message.model_extra and choice.message.model_extra["science"]["status"] == "not_computed"
    assert (choice.message.content or "").startswith("Not computed; what follows is the model's own view.\n\n")
    parts = [part.choices[0].delta for part in client.chat.completions.create(**body, stream=True) if part.choices]
    assert next((p.model_extra or {}).get("science", {}).get("status") for p in parts if p.content) == "not_computed"
    form: Any = {"type": "json_schema", "json_schema": {"name": "n", "schema": {"type": "integer"}}}
    shaped = client.chat.completions.create(**{**body, "max_tokens": 20}, response_format=form).choices[0].message
    assert (shaped.content or "").strip().isdigit()


def test_other_tools_stay_the_models(client: openai.OpenAI) -> None:
    weather: Any = {"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}}
    tools: Any = [weather, *SCIENCE]
    body: Any = {"model": MODEL, "tools": tools, "max_tokens": 24, "temperature": 0}
    called = client.chat.completions.create(messages=said("Weather?"), tool_choice="required", **body).choices[0]
    assert called.message.tool_calls and called.message.tool_calls[0].function.name == "weather"  # type: ignore[union-attr]
    computed = client.chat.completions.create(messages=said(COPPER), tool_choice="required", **body).choices[0]
    assert computed.message.content == "5.92747 g" and not computed.message.tool_calls


def test_a_conversation_goes_on(client: openai.OpenAI) -> None:
    messages = [*said(COPPER), {"role": "assistant", "content": "5.92747 g"}, *said("et en 4 h ?")]
    reply = client.chat.completions.create(model=f"{MODEL}@science", messages=messages)
    assert reply.choices[0].message.content == "11.8549 g"
    items = client.responses.create(model=MODEL, input=COPPER, tools=SCIENCE).output
    sent: Any = [*said(COPPER), *[item.to_dict() for item in items], *said("et en 4 h ?")]
    assert client.responses.create(model=MODEL, input=sent, tools=SCIENCE).output_text == "11.8549 g"


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("/v1/chat/completions", {"response_format": {"type": "json_object"}}, "response_format"),
        ("/v1/responses", {"input": COPPER, "text": {"format": {"type": "json_object"}}}, "text.format"),
        ("/v1/chat/completions", {"tools": [{"type": "galop:sience"}]}, "tools[0]"),
        ("/v1/chat/completions", {"tools": [{"type": "galop:science", "details": "yes"}]}, "tools[0].details"),
        ("/v1/chat/completions", {"tools": [], "tool_choice": {"type": "galop:science"}}, "tool_choice"),
        ("/v1/completions", {"model": f"{MODEL}@science", "prompt": "x"}, "model"),
    ],
)  # fmt: skip
def test_what_cannot_be_done_is_refused(server: Running, path: str, body: Any, field: str) -> None:
    asked = {"model": MODEL, "tools": SCIENCE, **({} if "input" in body else {"messages": said(COPPER)}), **body}
    reply = server.post(path, asked)
    assert reply.status_code in (400, 404), reply.text
    assert reply.json()["error"]["param"].startswith(field), reply.text


def test_anthropics_choice_of_tool(server: Running) -> None:
    claude = anthropic.Anthropic(base_url=server.url, api_key="none", max_retries=0)
    for name, tool in (("galop:science", SCIENCE[0]), ("compute", {**SCIENCE[0], "name": "compute"})):
        body: Any = {"model": MODEL, "max_tokens": 8, "tools": [tool], "tool_choice": {"type": "tool", "name": name}}
        assert claude.messages.create(messages=said(COPPER), **body).content[0].text == "5.92747 g"  # type: ignore[union-attr]
        assert "no quantity" in claude.messages.create(messages=said("Hello!"), **body).content[0].text  # type: ignore[union-attr]
        assert (
            claude.messages.count_tokens(**{k: body[k] for k in ("model", "tools")}, messages=said(COPPER)).input_tokens
            == 0
        )


WITHOUT = """
import sys
sys.modules["pint"] = None  # as if it were not installed
from starlette.testclient import TestClient
from galop import store
from galop.cli.keys import key_file
from galop.server.app import create
from galop.server.model_pool import Limits, ModelPool

name, science = "qwen3-mini:0.4m", [{"type": "galop:science"}]
with TestClient(create(ModelPool([store.resolve(store.locate(name))], Limits()), key_file()), "http://127.0.0.1") as client:
    assert not [m["id"] for m in client.get("/v1/models").json()["data"] if m["id"].endswith("@science")]
    for asked, field in (({"model": name, "tools": science}, "tools"), ({"model": name + "@science"}, "model")):
        reply = client.post("/v1/chat/completions", json={**asked, "messages": [{"role": "user", "content": "3 bar in Pa?"}]})
        error = reply.json()["error"]
        assert (reply.status_code, error["param"]) == (400, field) and "pip install 'galop[science]'" in error["message"], error
    plain = client.post("/v1/chat/completions", json={"model": name, "messages": [{"role": "user", "content": "2+2?"}]})
    assert plain.status_code == 200
print("fine")
"""


def test_without_the_extra_it_is_told(tmp_path: Path) -> None:
    env = {**os.environ, "XDG_CONFIG_HOME": str(tmp_path)}
    ended = subprocess.run([sys.executable, "-c", WITHOUT], capture_output=True, text=True, timeout=120, env=env)
    assert ended.stdout == "fine\n", ended.stderr


def test_questions_count_against_a_keys_minute(tmp_path: Path, smollm_path: Path) -> None:
    made = run_galop(tmp_path, "keys", "add", "ann", "--tokens-per-minute", "60")
    key = next(word for word in made.stdout.split() if len(word) > 30)
    with serving(MODEL, home=tmp_path) as own:
        body, headers = {"messages": said(COPPER), "tools": SCIENCE}, {"authorization": f"Bearer {key}"}
        replies = [own.post("/v1/chat/completions", body, headers=headers) for _ in range(5)]
    codes = [reply.status_code for reply in replies]
    assert codes[0] == 200 and codes[-1] == 429 and "retry-after" in replies[-1].headers, codes


def test_the_names_that_compute_are_listed(client: openai.OpenAI, server: Running) -> None:
    names = [model.id for model in client.models.list()]
    assert MODEL in names and f"{MODEL}@science" in names and names.index(MODEL) < names.index(f"{MODEL}@science")
    assert client.models.retrieve(f"{MODEL}@science").id == f"{MODEL}@science"
    assert not any(name.startswith("all-minilm") and name.endswith("@science") for name in names)
    shown = server.post("/api/show", {"model": f"{MODEL}@science"})
    assert shown.status_code == 200 and shown.json()["details"]
    assert server.post("/api/chat", {"model": f"{MODEL}@science"}).json()["done_reason"] == "load"


def test_questions_without_end_hold_nobody_up(server: Running) -> None:
    """Too many words, and what takes too long to plan: a sentence, while everybody else is answered."""
    long = "lorem ipsum dolor sit amet " * 2000 + COPPER  # 10,000 words and more
    told = server.post("/v1/chat/completions", {"messages": said(long), "tools": SCIENCE})
    if told.status_code == 200:
        message = told.json()["choices"][0]["message"]
        assert message["science"]["status"] == "unfinished" and "fewer words" in message["content"]
    else:  # longer than this context
        assert told.json()["error"]["code"] == "context_length_exceeded"

    golden = server.golden()
    ended: list[Any] = []

    def ask_hard() -> None:
        ended.append(server.post("/v1/chat/completions", {"messages": said(HARD), "tools": SCIENCE}).json())

    strangers = [threading.Thread(target=ask_hard) for _ in range(4)]
    for stranger in strangers:
        stranger.start()
    time.sleep(0.5)
    assert server.golden() == golden  # and meanwhile others are answered
    with server.client() as other:
        assert other.get("/health").json() == {"status": "ok"}
    for stranger in strangers:
        stranger.join()
    for reply in ended:
        assert reply["choices"][0]["message"]["science"]["status"] in (
            "unfinished",
            "no_formula",
            "missing",
            "ambiguous",
        )
    reply = server.post("/v1/chat/completions", {"messages": said(COPPER), "tools": SCIENCE})
    assert reply.json()["choices"][0]["message"]["content"] == "5.92747 g"  # by a process that took the place


def test_many_ask_at_once(server: Running) -> None:
    """Computed answers among others in one batch: each is what it is alone."""
    golden = server.golden()
    asks: list[Callable[[], str]] = []
    for question, answer in ((COPPER, "5.92747 g"), (LIKELY, None), (MISSING, None)):
        body = {"messages": said(question), "tools": SCIENCE}
        alone = server.post("/v1/chat/completions", body).json()["choices"][0]["message"]["content"]
        assert answer is None or alone == answer
        asks += [
            lambda b=body, a=alone: (
                server.post("/v1/chat/completions", b).json()["choices"][0]["message"]["content"] == a
            )
        ] * 4  # type: ignore[misc]
    asks += [lambda: server.golden() == golden] * 4
    right: list[Any] = []
    threads = [threading.Thread(target=lambda ask=ask: right.append(ask())) for ask in asks]  # type: ignore[misc]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert right == [True] * len(asks)


def test_mcp_says_what_is_ambiguous_with_a_model_or_without() -> None:
    text, science = call_mcp(LIKELY)
    assert call_mcp(LIKELY, MODEL) == (text, science)  # as clients were set up
    assert science["status"] == "ambiguous" and science["value"] is None
    assert "98.0665 J" in text and "9 J" in text and "which is meant" in text
