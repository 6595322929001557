"""Ollama's own library for Python."""

import json

import ollama
from said import MODEL, OBJECT, QUESTION, SCHEMA, URL, WEATHER, failure, tell


def weather(city: str) -> str:
    """The weather of a city.

    Args:
        city: Its name
    """
    return f"18 C and sunny in {city}"


client = ollama.Client(URL)
how = {"temperature": 0, "num_predict": 100, "top_k": -1, "num_ctx": 4096}
asked = [{"role": "user", "content": QUESTION}]
chat = client.chat(MODEL, asked, options=how)
streamed = "".join(part.message.content or "" for part in client.chat(MODEL, asked, options=how, stream=True))
question = [{"role": "user", "content": WEATHER}]
message = client.chat(MODEL, question, tools=[weather], options=how).message
calls = [[c.function.name, dict(c.function.arguments)] for c in message.tool_calls or []]
results = [{"role": "tool", "tool_name": n, "content": weather(**arguments)} for n, arguments in calls]
after = client.chat(MODEL, [*question, message, *results], tools=[weather], options=how).message.content
said = client.chat(MODEL, [{"role": "user", "content": OBJECT}], format=SCHEMA, options=how).message.content or ""
generated = client.generate(MODEL, QUESTION, options=how, logprobs=True, top_logprobs=2)
raw = client.generate(MODEL, "<|im_start|>user\nSay hi<|im_end|>\n<|im_start|>assistant\n", raw=True, options=how)
shown = client.show(MODEL)
here = {m.model: m for m in client.list().models}
tell(
    chat=chat.message.content, streamed=streamed, calls=calls, told=message.content, after=after, object=json.loads(said),
    vectors=[list(v) for v in client.embed(MODEL, ["a cat", "a kitten"]).embeddings],
    old_vector=len(client.embeddings(MODEL, "a cat").embedding), counted=[chat.prompt_eval_count, chat.eval_count],
    generated=generated.response, logprobs=len(generated.logprobs or []), raw=raw.response,
    family=shown.details.family if shown.details else "", capabilities=shown.capabilities, digest=here[MODEL].digest,
    running=[m.model for m in client.ps().models if m.expires_at], pulled=[p.status for p in client.pull(MODEL, stream=True)],
    error=failure(lambda: client.chat("nope", asked)), no_images=failure(lambda: client.generate(MODEL, "x", images=[b"x"])),
    unpulled=failure(lambda: client.pull("nope")), kept=failure(lambda: client.delete(MODEL)),
)  # fmt: skip
