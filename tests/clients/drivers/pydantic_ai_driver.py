"""Pydantic AI's agents over three dialects, and its Ollama provider."""

from typing import Any

from pydantic import BaseModel
from pydantic_ai import Agent, NativeOutput, UsageLimitExceeded, UsageLimits
from said import DIALECT, MODEL, OBJECT, QUESTION, URL, WEATHER, failure, tell


class City(BaseModel):
    name: str
    country: str


def model(name: str = MODEL) -> Any:
    if DIALECT == "anthropic":
        from pydantic_ai.models.anthropic import AnthropicModel
        from pydantic_ai.providers.anthropic import AnthropicProvider

        return AnthropicModel(name, provider=AnthropicProvider(api_key="none", base_url=URL))
    if DIALECT == "ollama":
        from pydantic_ai.models.ollama import OllamaModel
        from pydantic_ai.providers.ollama import OllamaProvider

        return OllamaModel(name, provider=OllamaProvider(base_url=f"{URL}/v1"))
    from pydantic_ai.models.openai import OpenAIChatModel, OpenAIResponsesModel
    from pydantic_ai.providers.openai import OpenAIProvider

    kind = OpenAIResponsesModel if DIALECT == "responses" else OpenAIChatModel
    return kind(name, provider=OpenAIProvider(base_url=f"{URL}/v1", api_key="none"))


settings: Any = {"temperature": 0.0, "max_tokens": 100}
agent = Agent(model(), model_settings=settings)
calls: list[Any] = []
tooled = Agent(model(), model_settings=settings)


@tooled.tool_plain
def weather(city: str) -> str:
    """The weather of a city."""
    calls.append(["weather", {"city": city}])
    return f"18 C and sunny in {city}"


async def stream() -> str:
    async with agent.run_stream(QUESTION) as result:
        return "".join([text async for text in result.stream_text(delta=True)])


import asyncio  # noqa: E402

chat = agent.run_sync(QUESTION).output
streamed = asyncio.run(stream())
try:
    after = tooled.run_sync(WEATHER, usage_limits=UsageLimits(request_limit=4)).output
except UsageLimitExceeded:  # a small model asks again and again
    after = ""
try:
    city = Agent(model(), model_settings=settings, output_type=NativeOutput(City)).run_sync(OBJECT).output.model_dump()
except Exception as error:
    if DIALECT != "anthropic":  # the profile of a model that Anthropic does not know has none
        raise
    city = Agent(model(), model_settings=settings, output_type=City).run_sync(OBJECT).output.model_dump()
    del error
tool_object = Agent(model(), model_settings=settings, output_type=City).run_sync(OBJECT).output.model_dump()
tell(
    chat=chat, streamed=streamed, calls=calls, after=after, object=city, tool_object=tool_object,
    error=failure(lambda: Agent(model("nope")).run_sync(QUESTION)),
)  # fmt: skip
