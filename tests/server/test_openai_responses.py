"""What Responses' clients send beyond plain conversations; whatever the server sends, it takes back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openai
import pytest
from serving import Running, serving
from tool_messages import assistant_calls, function_tool

ASKED: Any = {"role": "user", "content": "Which colour is in paint.txt?"}
PATH: Any = {"type": "object", "properties": {"path": {"const": "paint.txt"}}, "required": ["path"],
             "additionalProperties": False}  # fmt: skip
READ: Any = {"type": "function", "name": "read", "description": "Reads a file", "parameters": PATH, "strict": False}
SPACE: Any = {"type": "namespace", "name": "files", "description": "About files.", "tools": [READ]}
PATCH: Any = {"type": "custom", "name": "patch", "description": "Changes a file",
              "format": {"type": "grammar", "syntax": "lark", "definition": "start: /.+/"}}  # fmt: skip
LETTERS: Any = {"type": "custom", "name": "letters", "format": {"type": "grammar", "syntax": "regex",
                                                                "definition": "[a-c]{3}"}}  # fmt: skip
HOSTED: Any = [{"type": "web_search", "external_web_access": True}, {"type": "web_search_preview"},
               {"type": "file_search", "vector_store_ids": ["v"]}, {"type": "image_generation"},
               {"type": "code_interpreter", "container": {"type": "auto"}}, {"type": "tool_search"},
               {"type": "mcp", "server_label": "x", "server_url": "https://example.org"},
               {"type": "shell", "environment": {"type": "container_auto"}}]  # fmt: skip


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, coder_path: Path) -> Iterator[Running]:
    with serving("qwen2.5-coder:0.5b", "qwen3-mini:0.4m", home=tmp_path_factory.mktemp("server")) as running:
        yield running


@pytest.fixture(scope="module")
def client(server: Running) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{server.url}/v1", api_key="none", max_retries=0) as client:
        yield client


def ask(server: Running, items: Any, **more: Any) -> Any:
    reply = server.post("/v1/responses", {"input": items, "max_output_tokens": 1, "temperature": 0, **more})
    assert reply.status_code == 200, reply.text
    return reply.json()


def check_prompt(server: Running, plain: Any, items: Any, plain_tools: Any = None, **more: Any) -> None:
    """All but the last token of the prompt was read already, for the plain conversation."""
    first = server.read_prompt(plain, plain_tools)
    usage = ask(server, items, **more)["usage"]
    assert (usage["input_tokens"], usage["input_tokens_details"]["cached_tokens"]) == (first, first - 1)


HISTORIES: dict[str, tuple[Any, Any]] = {
    "codex: instructions in several messages": (
        [{"type": "message", "role": "developer", "id": "msg_1", "content": [{"type": "input_text", "text": "Code."}]},
         {"type": "message", "role": "developer", "content": [{"type": "input_text", "text": "Be "},
                                                              {"type": "input_text", "text": "brief."}]},
         {"type": "message", **ASKED}],
        [{"role": "system", "content": "Code.\n\nBe brief."}, ASKED],
    ),
    "calls in a namespace, and what they gave in parts": (
        [ASKED, {"type": "message", "role": "assistant", "status": "completed", "id": "msg_1",
                 "content": [{"type": "output_text", "text": "I look.", "annotations": [], "logprobs": []}]},
         {"type": "function_call", "namespace": "files", "name": "read", "call_id": "c1", "arguments": '{"path":"a"}'},
         {"type": "function_call_output", "call_id": "c1",
          "output": [{"type": "input_text", "text": "teal"}, {"type": "input_image", "image_url": "data:,"}]}, ASKED],
        [ASKED, assistant_calls("I look.", ("files__read", {"path": "a"})),
         {"role": "tool", "content": "teal\n[input_image: only text can be read]"}, ASKED],
    ),
    "custom tools, refusals and what OpenAI's servers did": (
        [ASKED, {"type": "web_search_call", "id": "ws_1", "status": "completed", "action": {"type": "search"}},
         {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "gAAA"},
         {"type": "custom_tool_call", "call_id": "c1", "name": "patch", "input": "*** x"},
         {"type": "custom_tool_call_output", "call_id": "c1", "output": "done"},
         {"type": "message", "role": "assistant", "content": [{"type": "refusal", "refusal": "I will not."}]}, ASKED],
        [ASKED, assistant_calls("", ("patch", {"input": "*** x"})), {"role": "tool", "content": "done"},
         {"role": "assistant", "content": "I will not."}, ASKED],
    ),
    "shells": (
        [ASKED, {"type": "local_shell_call", "call_id": "c1", "status": "completed",
                 "action": {"type": "exec", "command": ["ls"], "env": {}}},
         {"type": "local_shell_call_output", "id": "c1", "output": "a"},
         {"type": "shell_call", "call_id": "c2", "action": {"commands": ["ls"]}},
         {"type": "shell_call_output", "call_id": "c2",
          "output": [{"stdout": "b", "stderr": "", "outcome": {"type": "exit", "exit_code": 0}}]},
         {"type": "apply_patch_call", "call_id": "c3", "operation": {"type": "delete_file", "path": "b"}},
         {"type": "apply_patch_call_output", "call_id": "c3", "status": "completed", "output": "gone"}, ASKED],
        [ASKED, assistant_calls("", ("local_shell", {"command": ["ls"]})), {"role": "tool", "content": "a"},
         assistant_calls("", ("shell", {"commands": ["ls"]})), {"role": "tool", "content": "b"},
         assistant_calls("", ("apply_patch", {"type": "delete_file", "path": "b"})), {"role": "tool", "content": "gone"}, ASKED],
    ),
    "tools that a server ran and told of": (
        [ASKED, {"type": "mcp_call", "id": "m1", "server_label": "x", "name": "find", "arguments": '{"q":1}',
                 "output": "one"},
         {"type": "code_interpreter_call", "id": "c1", "code": "1+1", "container_id": "x", "status": "completed",
          "outputs": [{"type": "logs", "logs": "2"}]}, ASKED],
        [ASKED, assistant_calls("", ("find", {"q": 1})), {"role": "tool", "content": "one"},
         assistant_calls("", ("code_interpreter", {"code": "1+1"})), {"role": "tool", "content": "2"}, ASKED],
    ),
    "nothing": ([], [{"role": "user", "content": ""}]),
    "what says nothing": (
        [{"type": "web_search_call", "id": "w", "status": "completed"}, {"type": "reasoning", "id": "r", "summary": []},
         {"type": "an_item_of_tomorrow"}], [{"role": "user", "content": ""}],
    ),
}  # fmt: skip


@pytest.mark.parametrize("history", HISTORIES)
def test_histories(history: str, server: Running) -> None:
    items, plain = HISTORIES[history]
    check_prompt(server, plain, items)


def test_tools_of_every_type(server: Running) -> None:
    """Namespaces are unfolded; what OpenAI would run is left out."""
    plain = [function_tool("files__read", PATH, "About files.\n\nReads a file")]
    check_prompt(server, [ASKED], [ASKED], plain, tools=[*HOSTED, SPACE])
    two = [READ, {**READ, "name": "other"}]
    allowed = {"type": "allowed_tools", "mode": "auto", "tools": [{"type": "function", "name": "read"}]}
    check_prompt(
        server, [ASKED], [ASKED], [function_tool("read", PATH, "Reads a file")], tools=two, tool_choice=allowed
    )
    foreign = [{"type": "mcp_list_tools", "server_label": "s", "tools": [{"name": "a b", "parameters": []}]}]
    check_prompt(server, [ASKED], [*foreign, ASKED], tools=[{"type": "computer_use_preview", "environment": "linux"}])
    found = [ASKED, {"type": "additional_tools", "role": "developer", "tools": [READ]}]
    check_prompt(server, [ASKED], found, [function_tool("read", PATH, "Reads a file")])


CALLS: dict[str, tuple[Any, Any, str]] = {
    "a function": (READ, {"type": "function", "name": "read"}, "function_call"),
    "one of a namespace": (SPACE, {"type": "function", "name": "read", "namespace": "files"}, "function_call"),
    "any": (SPACE, {"type": "allowed_tools", "mode": "required", "tools": [{"type": "namespace", "name": "files"}]},
            "function_call"),
    "a custom one": (PATCH, {"type": "custom", "name": "patch"}, "custom_tool_call"),
    "one held to a pattern": (LETTERS, {"type": "custom", "name": "letters"}, "custom_tool_call"),
    "Codex's old shell": ({"type": "local_shell"}, {"type": "local_shell"}, "local_shell_call"),
    "the new shell": ({"type": "shell"}, {"type": "shell"}, "shell_call"),
    "patches": ({"type": "apply_patch"}, {"type": "apply_patch"}, "apply_patch_call"),
    "a search for tools": ({"type": "tool_search", "execution": "client",
                            "parameters": {"type": "object", "properties": {"query": {"enum": ["files"]}},
                                           "required": ["query"]}}, {"type": "tool_search"}, "tool_search_call"),
}  # fmt: skip


@pytest.mark.parametrize("case", CALLS)
def test_a_call_is_what_its_tool_takes_and_goes_back_as_it_came(case: str, client: openai.OpenAI) -> None:
    tool, choice, kind = CALLS[case]
    asked: Any = {"model": "qwen2.5-coder:0.5b", "tools": [tool], "max_output_tokens": 300, "temperature": 0}
    user: Any = [{"role": "user", "content": "Look at paint.txt. Be very brief."}]
    if kind == "apply_patch_call":
        user = [{"role": "user", "content": "Delete paint.txt, with an empty diff."}]
    events = list(client.responses.create(**asked, input=user, tool_choice=choice, stream=True))
    response: Any = events[-1].response  # type: ignore[union-attr]
    call = response.output[-1]
    assert call.type == kind and response.status == "completed"
    items = [e.item for e in events if e.type == "response.output_item.done"]
    assert [i.model_dump() for i in items] == [o.model_dump() for o in response.output]
    if kind == "function_call":
        assert call.name == "read" and json.loads(call.arguments) == {"path": "paint.txt"}
        assert call.namespace == ("files" if tool is SPACE else None)
    elif kind == "custom_tool_call":
        assert call.name == tool["name"] and call.input
        said = "".join(e.delta for e in events if e.type == "response.custom_tool_call_input.delta")
        assert said == call.input
        assert tool is not LETTERS or (len(call.input) == 3 and set(call.input) <= set("abc"))
    output = {"type": f"{kind}_output", "call_id": call.call_id, "output": "done"}
    back = [*user, *(o.model_dump() for o in response.output), output]
    again = client.responses.create(**{**asked, "max_output_tokens": 8}, input=back, tool_choice="none")
    assert again.status in ("completed", "incomplete")


def test_a_call_that_was_cut_off_goes_back(client: openai.OpenAI) -> None:
    told: Any = {**READ, "parameters": {"type": "object", "properties": {"text": {"type": "string", "minLength": 200}},
                                        "required": ["text"]}}  # fmt: skip
    asked: Any = {"model": "qwen2.5-coder:0.5b", "tools": [told], "max_output_tokens": 24, "temperature": 0}
    events: Any = list(client.responses.create(**asked, input=[ASKED], tool_choice="required", stream=True))
    assert events[-1].type == "response.incomplete" and events[-2].type == "response.output_item.done"
    [call] = events[-1].response.output
    assert call.type == "function_call" and call.status == "incomplete" and call.arguments.startswith("{")
    assert client.responses.create(**asked, input=[ASKED, call.model_dump(), ASKED]).status == "incomplete"


@pytest.mark.parametrize("summary", [None, "auto"])
def test_thoughts_and_text_go_back_as_they_came(summary: str | None, client: openai.OpenAI, server: Running) -> None:
    question: Any = {"role": "user", "content": "What is 4 + 5?"}
    asked: Any = {"model": "qwen3-mini:0.4m", "temperature": 0, "top_logprobs": 2,
                  "include": ["message.output_text.logprobs"]}  # fmt: skip
    asked["reasoning"] = {"effort": "high", "summary": summary}
    with client.responses.stream(**asked, max_output_tokens=400, input=[question]) as stream:
        events = list(stream)
        response = stream.get_final_response()
    thought, message = response.output
    assert thought.type == "reasoning" and thought.content and message.type == "message"
    text = thought.content[0].text
    assert text == "".join(e.delta for e in events if e.type == "response.reasoning_text.delta")
    assert [part.text for part in thought.summary] == ([text] if summary else [])
    told = "".join(e.delta for e in events if e.type == "response.reasoning_summary_text.delta")
    assert told == (text if summary else "")
    part: Any = message.content[0]
    assert part.text in "".join(p.token for p in part.logprobs)
    assert all(len(p.top_logprobs) == 2 for p in part.logprobs) and part.logprobs
    for cut in (1, 2):  # the thought without its answer, and both
        back: Any = [question, *(o.model_dump() for o in response.output[:cut]), question]
        assert client.responses.create(**asked, max_output_tokens=4, input=back).output
    whole = server.post("/v1/responses", {"model": "qwen3-mini:0.4m", "input": [question], "temperature": 0,
                                          "reasoning": {"effort": "high"}, "max_output_tokens": 400}).json()  # fmt: skip
    assert whole["output"][0]["content"][0]["text"] == text
    dumped: Any = [question, *whole["output"], question]
    assert client.responses.create(**asked, max_output_tokens=4, input=dumped).output


def test_what_was_cut_short_is_continued(client: openai.OpenAI) -> None:
    asked: Any = {"model": "qwen2.5-coder:0.5b", "temperature": 0}
    user: Any = {"role": "user", "content": "Count from one to nine in digits, with commas."}
    whole = client.responses.create(**asked, max_output_tokens=12, input=[user])
    first = client.responses.create(**asked, max_output_tokens=6, input=[user])
    assert first.status == "incomplete"
    rest = client.responses.create(**asked, max_output_tokens=6, input=[user, *(o.model_dump() for o in first.output)])  # type: ignore[list-item]
    assert first.output_text + rest.output_text == whole.output_text


def test_references_to_what_was_sent(client: openai.OpenAI, server: Running) -> None:
    asked: Any = {"model": "qwen2.5-coder:0.5b", "temperature": 0, "max_output_tokens": 8}
    [first] = client.responses.create(**asked, input=[ASKED]).output
    kept = [ASKED, {"type": "item_reference", "id": first.id}, ASKED]
    spelled = [ASKED, first.model_dump(), ASKED]
    assert client.responses.create(**asked, input=kept).output_text == client.responses.create(
        **asked, input=spelled
    ).output_text  # fmt: skip
    [other] = client.responses.create(**asked, input=[ASKED], store=False).output
    for unknown in ("msg_1", other.id):
        with pytest.raises(openai.BadRequestError, match="nothing is kept under the item_reference"):
            client.responses.create(**asked, input=[ASKED, {"type": "item_reference", "id": unknown}])


def test_tokens_are_counted(client: openai.OpenAI) -> None:
    asked: Any = {"model": "qwen2.5-coder:0.5b", "input": [ASKED], "tools": [READ], "instructions": "Be brief."}
    reply = client.responses.create(**asked, max_output_tokens=1)
    assert reply.usage and client.responses.input_tokens.count(**asked).input_tokens == reply.usage.input_tokens


def test_fields_that_say_nothing_to_a_model(server: Running) -> None:
    fields = {"store": False, "include": ["reasoning.encrypted_content"], "prompt_cache_key": "x", "user": "u",
              "client_metadata": {"a": "b"}, "truncation": "auto", "service_tier": "auto", "safety_identifier": "s",
              "reasoning": {"summary": "auto"}, "text": {"verbosity": "low"}, "stream_options": {},
              "previous_response_id": None, "max_tool_calls": 3, "context_management": []}  # fmt: skip
    assert ask(server, [ASKED], **fields)["status"] == "incomplete"


@pytest.mark.parametrize(
    ("changes", "param", "named"),
    [
        (
            {"input": [{"role": "user", "content": [{"type": "input_image", "image_url": "data:,"}]}]},
            "input",
            "sees no pictures",
        ),
        ({"input": [{"role": "user", "content": [{"type": "input_file", "file_id": "f"}]}]}, "input", "file_id"),
        ({"input": [{"type": "mesage", "role": "user", "content": "hi"}]}, "input", "'mesage'"),
        ({"input": [{"content": "hi"}]}, "input", "role"),
        ({"tools": [{"type": "function", "function": {"name": "f"}}]}, "tools", "no name"),
        ({"tools": HOSTED, "tool_choice": "required"}, "tool_choice", "a tool"),
        ({"tools": HOSTED, "tool_choice": {"type": "web_search_preview"}}, "tool_choice", "'web_search_preview'"),
        ({"prompt": {"id": "p"}}, "prompt", "prompt"),
        ({"input": [{"type": "a b_call", "call_id": "c"}]}, "input", "'a b_call'"),
        (
            {"input": [{"type": "function_call", "call_id": "c", "name": "f", "arguments": "[1"}]},
            "input",
            "of f are no",
        ),
        ({"tools": [READ, {**READ, "description": "x"}]}, "tools", "two tools are called 'read'"),
        ({"text": {"format": {"type": "json_schema", "schema": {"not": {}}}}}, "text.format", "not at #"),
    ],
)
def test_what_cannot_be_done_is_named(changes: Any, param: str, named: str, server: Running) -> None:
    reply = server.post("/v1/responses", {"input": [ASKED], "max_output_tokens": 4, **changes})
    error = reply.json()["error"]
    assert reply.status_code == 400 and error["param"] == param and named in error["message"]
