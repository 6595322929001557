"""LiteLLM over four dialects; `ollama` generates, `ollama_chat` talks."""

import json
from typing import Any

import litellm
from said import DIALECT, MODEL, OBJECT, QUESTION, SCHEMA, TOOL, URL, WEATHER, failure, tell

litellm.suppress_debug_info = True
BASE = f"{URL}/v1" if DIALECT == "openai" else URL


def ask(content: Any, name: str = MODEL, **options: Any) -> Any:
    messages = [{"role": "user", "content": content}] if isinstance(content, str) else content
    return litellm.completion(
        model=f"{DIALECT}/{name}", messages=messages, api_base=BASE, api_key="none", temperature=0, max_tokens=100,
        num_retries=0, **options,
    )  # fmt: skip


chat = ask(QUESTION).choices[0].message.content
streamed = "".join(chunk.choices[0].delta.content or "" for chunk in ask(QUESTION, stream=True))
choice = {"tool_choice": "required"} if DIALECT in ("openai", "anthropic") else {}
message = ask(WEATHER, tools=[TOOL], **choice).choices[0].message
calls = [[c.function.name, json.loads(c.function.arguments)] for c in message.tool_calls or []]
results = [
    {"role": "tool", "tool_call_id": c.id, "name": "weather", "content": "18 C and sunny"}
    for c in message.tool_calls or []
]
reply = ask([{"role": "user", "content": WEATHER}, message.model_dump(), *results], tools=[TOOL]).choices[0].message
form = {"type": "json_schema", "json_schema": {"name": "city", "schema": SCHEMA, "strict": True}}
said = ask(OBJECT, response_format=form).choices[0].message.content
vectors = None
if DIALECT in ("openai", "ollama"):
    # What LiteLLM sends OpenAI where nothing is said, `encoding_format: null`, is left to the server.
    found = litellm.embedding(model=f"{DIALECT}/{MODEL}", input=["a cat", "a kitten"], api_base=BASE, api_key="none")
    vectors = [entry["embedding"] for entry in found.data]
tell(
    chat=chat, streamed=streamed, calls=calls, told=message.content, after=reply.content or str(reply.tool_calls or ""), object=json.loads(said), vectors=vectors,
    error=failure(lambda: ask(QUESTION, "nope")),
)  # fmt: skip
