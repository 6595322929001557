"""What Anthropic's clients send beyond plain conversations: the prompts are those of plain ones."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anthropic
import pytest
from serving import Running, serving
from tool_messages import assistant_calls, function_tool

IMAGE: Any = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "iVBORw0KGgo="}}
PDF: Any = {"type": "document", "title": "Paints",
            "source": {"type": "base64", "media_type": "application/pdf", "data": "JVBERi0="}}  # fmt: skip
ASKED: Any = {"role": "user", "content": "Which colour is in paint.txt?"}
READ: Any = {"name": "Read", "description": "Reads a file",
             "input_schema": {"type": "object", "properties": {"path": {"const": "paint.txt"}}, "required": ["path"],
                              "additionalProperties": False}}  # fmt: skip
LATER: Any = {"name": "Later", "input_schema": {"type": "object"}, "defer_loading": True}
CALL: Any = {"type": "tool_use", "id": "toolu_1", "name": "Read", "input": {"path": "paint.txt"}}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, coder_path: Path, smollm_path: Path) -> Iterator[Running]:
    with serving("qwen2.5-coder:0.5b", home=tmp_path_factory.mktemp("server")) as running:
        yield running


@pytest.fixture(scope="module")
def claude(server: Running) -> Iterator[anthropic.Anthropic]:
    with anthropic.Anthropic(base_url=server.url, api_key="none", max_retries=0) as client:
        yield client


def ask(server: Running, messages: Any, **more: Any) -> Any:
    reply = server.post("/v1/messages?beta=true", {"messages": messages, "max_tokens": 1, "temperature": 0, **more})
    assert reply.status_code == 200, reply.text
    return reply.json()


def check_prompt(server: Running, plain: Any, messages: Any, plain_tools: Any = None, **more: Any) -> None:
    """All but the last token of the prompt was read already, for the plain conversation; and it is counted alike."""
    first = server.read_prompt(plain, plain_tools)
    usage = ask(server, messages, **more)["usage"]
    assert (usage["input_tokens"], usage["cache_read_input_tokens"]) == (1, first - 1)
    counted = server.post("/v1/messages/count_tokens", {"messages": messages, **more}).json()
    assert counted == {"input_tokens": first}


HISTORIES: dict[str, tuple[Any, Any]] = {
    "a system turn among the others": (
        [ASKED, {"role": "system", "content": [{"type": "text", "text": "Be brief."}]}],
        [ASKED, {"role": "system", "content": "Be brief."}],
    ),
    "several blocks in a turn": (
        [{"role": "user", "content": [{"type": "text", "text": "<reminder/>", "cache_control": {"type": "ephemeral"}},
                                      {"type": "text", "text": "Go."}]}],
        [{"role": "user", "content": "<reminder/>\nGo."}],
    ),
    "a search that a server made": (
        [ASKED,
         {"role": "assistant", "content": [
             {"type": "thinking", "thinking": "Hm.", "signature": "c2ln"},
             {"type": "redacted_thinking", "data": "eHl6"},
             {"type": "text", "text": "I search.", "citations": None},
             {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"query": "paint"}},
             {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": [
                 {"type": "web_search_result", "title": "Paint", "url": "https://example.org", "page_age": None,
                  "encrypted_content": "abc"}]},
             {"type": "text", "text": "It is teal."}]},
         {"role": "user", "content": "Sure?"}],
        [ASKED, assistant_calls("I search.", ("web_search", {"query": "paint"})),
         {"role": "tool", "content": "Paint\nhttps://example.org"}, {"role": "assistant", "content": "It is teal."},
         {"role": "user", "content": "Sure?"}],
    ),
    "code that a server ran": (
        [ASKED,
         {"role": "assistant", "content": [
             {"type": "server_tool_use", "id": "srvtoolu_1", "name": "bash_code_execution", "input": {"command": "ls"}},
             {"type": "bash_code_execution_tool_result", "tool_use_id": "srvtoolu_1",
              "content": {"type": "bash_code_execution_result", "stdout": "paint.txt", "stderr": "", "return_code": 0,
                          "content": []}},
             {"type": "text", "text": "One file."}]},
         {"role": "user", "content": "Go on."}],
        [ASKED, assistant_calls("", ("bash_code_execution", {"command": "ls"})), {"role": "tool", "content": "paint.txt"},
         {"role": "assistant", "content": "One file."}, {"role": "user", "content": "Go on."}],
    ),
    "results that are no text": (
        [ASKED, {"role": "assistant", "content": [CALL, {**CALL, "id": "toolu_2"}]},
         {"role": "user", "content": [
             {"type": "tool_result", "tool_use_id": "toolu_1", "content": [{"type": "text", "text": "Seen:"}, IMAGE]},
             {"type": "tool_result", "tool_use_id": "toolu_2", "is_error": True, "content": [PDF]},
             {"type": "text", "text": "Well?"}]}],
        [ASKED, assistant_calls("", ("Read", {"path": "paint.txt"}), ("Read", {"path": "paint.txt"})),
         {"role": "tool", "content": "Seen:\n[image (image/png): only text can be read]"},
         {"role": "tool", "content": "Error: \n[Paints is damaged or no PDF, and cannot be read]"},
         {"role": "user", "content": "Well?"}],
    ),
    "documents and findings": (
        [{"role": "user", "content": [
            {"type": "document", "title": "Paints", "context": "A list",
             "source": {"type": "text", "media_type": "text/plain", "data": "teal"}},
            {"type": "document", "source": {"type": "content", "content": [{"type": "text", "text": "blue"}]}},
            {"type": "search_result", "source": "https://example.org", "title": "More",
             "content": [{"type": "text", "text": "red"}], "citations": {"enabled": True}}]}],
        [{"role": "user", "content": "Paints\nA list\nteal\nblue\nMore\nhttps://example.org\nred"}],
    ),
}  # fmt: skip


@pytest.mark.parametrize("history", HISTORIES)
def test_histories(history: str, server: Running) -> None:
    messages, plain = HISTORIES[history]
    check_prompt(server, plain, messages)


def test_the_system_without_what_changes_at_every_request(server: Running) -> None:
    system = [{"type": "text", "text": "x-anthropic-billing-header: cc_version=2; cch=0a1b2;"},
              {"type": "text", "text": "You code."}, {"type": "text", "text": "Be brief."}]  # fmt: skip
    plain = [{"role": "system", "content": "You code.\nBe brief."}, ASKED]
    check_prompt(server, plain, [ASKED], system=system)


def test_tools_of_every_type(server: Running, claude: anthropic.Anthropic) -> None:
    """Those that Anthropic would run are left out; bash and the editor are the client's, and known."""
    plain = [function_tool("Read", READ["input_schema"], "Reads a file")]
    servers = [{"type": "web_search_20250305", "name": "web_search", "max_uses": 3},
               {"type": "web_fetch_20260309", "name": "web_fetch"}, {"type": "code_execution_20250825", "name": "code"},
               {"type": "tool_search_tool_regex_20251119", "name": "tool_search_tool_regex"},
               {"type": "computer_20250124", "name": "computer", "display_width_px": 9, "display_height_px": 9},
               {"type": "computer_toolset_20260801"}, {"type": "mcp_toolset", "mcp_server_name": "x"}]  # fmt: skip
    for kind in (None, "custom"):
        check_prompt(server, [ASKED], [ASKED], plain, tools=[*servers, {"type": kind, **READ}])
    for kind, name, required in (
        ("bash_20250124", "bash", {"command"}),
        ("text_editor_20250728", "str_replace_based_edit_tool", {"command", "path"}),
        ("text_editor_20250124", "str_replace_editor", {"command", "path"}),
        ("memory_20250818", "memory", {"command"}),
    ):
        tool: Any = {"type": kind, "name": name}
        told: Any = {"messages": [ASKED], "tools": [tool], "tool_choice": {"type": "tool", "name": name}}
        message = claude.messages.create(
            model="qwen2.5-coder:0.5b", max_tokens=200, extra_body={"temperature": 0}, **told
        )
        [block] = [b for b in message.content if b.type == "tool_use"]
        assert block.name == name and set(block.input) >= required


def test_deferred_tools_are_offered_once_they_were_found(server: Running) -> None:
    read, later = (
        function_tool("Read", READ["input_schema"], "Reads a file"),
        function_tool("Later", {"type": "object"}),
    )
    check_prompt(server, [ASKED], [ASKED], [read], tools=[READ, LATER])
    found = [ASKED, {"role": "assistant", "content": [CALL]},
             {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "toolu_1",
                                           "content": [{"type": "tool_reference", "tool_name": "Later"}]}]}]  # fmt: skip
    plain = [ASKED, assistant_calls("", ("Read", {"path": "paint.txt"})),
             {"role": "tool", "content": "The tool Later can be called from now on."}]  # fmt: skip
    check_prompt(server, plain, found, [read, later], tools=[READ, LATER])
    added = {"role": "system", "content": [{"type": "text", "text": "New."},
             {"type": "tool_addition", "tool": {"type": "tool_reference", "name": "Later"}}]}  # fmt: skip
    check_prompt(server, [ASKED, {"role": "system", "content": "New."}], [ASKED, added], [read, later],
                 tools=[READ, LATER])  # fmt: skip


def test_fields_that_say_nothing_to_a_model(server: Running) -> None:
    fields = {"metadata": {"user_id": "u"}, "context_management": {"edits": [{"type": "clear_thinking_20251015"}]},
              "thinking": {"type": "adaptive", "display": "updates"}, "output_config": {"effort": "high"},
              "container": None, "mcp_servers": [], "betas": ["x-2026-01-01"], "service_tier": "auto",
              "cache_control": {"type": "ephemeral"}, "speed": "fast", "diagnostics": None}  # fmt: skip
    assert ask(server, [ASKED], **fields)["stop_reason"] == "max_tokens"
    stops = {"stop_sequences": [f"<{i}>" for i in range(9)]}
    assert ask(server, [ASKED], **stops)["stop_reason"] == "max_tokens"
    nothing = ask(server, [ASKED], max_tokens=0)
    assert nothing["usage"]["output_tokens"] == 0 and nothing["stop_reason"] == "max_tokens"


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"messages": [{"role": "user", "content": [{"type": "text", "text": "See:"}, IMAGE]}]}, "sees no pictures"),
        ({"messages": [{"role": "user", "content": [PDF]}]}, "Paints is damaged or no PDF"),
        ({"messages": [{"role": "user", "content": [{"type": "container_upload"}]}]}, "container_upload"),
        ({"tools": [{"type": "function", "name": "f"}]}, "function"),
        ({"tools": [{"type": "web_search_20250305", "name": "web_search"}], "tool_choice": {"type": "any"}}, "a tool"),
        (
            {"tools": [{"type": "web_search_20250305", "name": "web_search"}, READ],
             "tool_choice": {"type": "tool", "name": "web_search"}},
            "'web_search'",
        ),
        ({"messages": [ASKED, {"role": "assistant", "content": [CALL]}]}, "calls tools"),
    ],
)  # fmt: skip
def test_what_cannot_be_done_is_named(changes: Any, named: str, server: Running) -> None:
    reply = server.post("/v1/messages", {"messages": [ASKED], "max_tokens": 4, **changes})
    assert reply.status_code == 400 and reply.json()["error"]["type"] == "invalid_request_error"
    assert named in reply.json()["error"]["message"]


def test_a_deep_or_a_long_history_takes_no_time(server: Running) -> None:
    deep: Any = {"type": "text", "text": "deep"}
    for _ in range(28):
        deep = {"type": "search_result", "title": "t", "content": [deep]}
    long = [{"type": "tool_use", "id": f"t{i}", "name": "f", "input": {}} for i in range(5000)]
    long += [{"type": "text", "text": "and"} for _ in range(5000)]
    for turns in ([{"role": "user", "content": [deep]}], [ASKED, {"role": "assistant", "content": long}, ASKED]):
        reply = server.post("/v1/messages", {"messages": turns, "max_tokens": 1, "tool_choice": {"type": "none"}})
        assert reply.status_code in (200, 400), reply.text


def test_a_last_turn_of_the_assistant_is_continued(claude: anthropic.Anthropic, server: Running) -> None:
    begun: Any = [{"role": "user", "content": "Count from one to five."}, {"role": "assistant", "content": "1, 2, 3,"}]
    message = claude.messages.create(model="qwen2.5-coder:0.5b", max_tokens=4, messages=begun,
                                     extra_body={"temperature": 0})  # fmt: skip
    assert message.content[0].text.startswith(" 4")  # type: ignore[union-attr]


def test_a_prompt_that_is_too_long_is_said_so_in_the_words_that_clients_know(claude: anthropic.Anthropic) -> None:
    long: Any = [{"role": "user", "content": "word " * 40000}]
    with pytest.raises(anthropic.BadRequestError, match=r"prompt is too long: 400\d\d tokens > \d+ maximum"):
        claude.messages.create(model="qwen2.5-coder:0.5b", max_tokens=4, messages=long)


def test_models_in_its_shape(claude: anthropic.Anthropic, server: Running) -> None:
    first = claude.models.list(limit=1)
    assert [m.id for m in first.data] == ["qwen2.5-coder:0.5b"] and first.data[0].type == "model"
    every = [m.id for m in claude.models.list(limit=1)]
    with server.client() as client:
        known = [m["id"] for m in client.get("/v1/models").json()["data"]]
        assert client.head("/").status_code == client.head("/v1/models").status_code == 200
        assert client.head("/").content == b""
    assert every == known and len(known) > 1
    one = claude.models.retrieve("qwen2.5-coder:0.5b")
    assert one.display_name and one.max_input_tokens and one.created_at.year >= 2020
    assert claude.models.list(limit=1, before_id=known[1]).data[0].id == known[0]
    assert [m.id for m in claude.models.list(after_id=known[0]).data] == known[1:]
