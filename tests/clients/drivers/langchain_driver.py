"""LangChain's chat models of three dialects."""

from typing import Any

from langchain_core.messages import HumanMessage, ToolMessage
from langchain_core.tools import tool
from pydantic import BaseModel
from said import DIALECT, MODEL, OBJECT, QUESTION, URL, WEATHER, failure, tell


@tool
def weather(city: str) -> str:
    """The weather of a city."""
    return f"18 C and sunny in {city}"


class City(BaseModel):
    name: str
    country: str


def model(name: str = MODEL) -> Any:
    if DIALECT == "anthropic":
        from langchain_anthropic import ChatAnthropic

        return ChatAnthropic(model=name, base_url=URL, api_key="none", max_tokens=100, temperature=0, max_retries=0)
    if DIALECT == "ollama":
        from langchain_ollama import ChatOllama

        return ChatOllama(model=name, base_url=URL, temperature=0, num_predict=100, keep_alive="5m", num_ctx=4096)
    from langchain_openai import ChatOpenAI

    options = {"use_responses_api": True} if DIALECT == "responses" else {}
    return ChatOpenAI(
        model=name, base_url=f"{URL}/v1", api_key="none", max_tokens=100, temperature=0, max_retries=0, **options
    )


def vectors() -> Any:
    if DIALECT == "ollama":
        from langchain_ollama import OllamaEmbeddings

        return OllamaEmbeddings(model=MODEL, base_url=URL).embed_documents(["a cat", "a kitten"])
    if DIALECT == "openai":
        from langchain_openai import OpenAIEmbeddings

        # Token ids are counted for OpenAI's models alone.
        ask = OpenAIEmbeddings(model=MODEL, base_url=f"{URL}/v1", api_key="none", check_embedding_ctx_length=False)
        return ask.embed_documents(["a cat", "a kitten"])
    return None


chat = model().invoke(QUESTION).text
streamed = "".join(chunk.text for chunk in model().stream(QUESTION))
choice = {} if DIALECT == "ollama" else {"tool_choice": "any"}
call = model().bind_tools([weather], **choice).invoke(WEATHER)
history = [
    HumanMessage(WEATHER),
    call,
    *(ToolMessage(weather.invoke(c["args"]), tool_call_id=c["id"]) for c in call.tool_calls),
]
parts = None
for chunk in model().bind_tools([weather], **choice).stream(WEATHER):
    parts = chunk if parts is None else parts + chunk
tell(
    chat=chat, streamed=streamed, calls=[[c["name"], c["args"]] for c in call.tool_calls],
    streamed_calls=[[c["name"], c["args"]] for c in parts.tool_calls], told=str(call.content),
    after=model().bind_tools([weather]).invoke(history).text,
    object=model().with_structured_output(City, method="json_schema").invoke(OBJECT).model_dump(),
    vectors=vectors(), error=failure(lambda: model("nope").invoke(QUESTION)),
)  # fmt: skip
