"""OpenAI's Agents SDK over Chat Completions and Responses."""

import asyncio
from typing import Any

from agents import (
    Agent,
    MaxTurnsExceeded,
    ModelSettings,
    OpenAIChatCompletionsModel,
    OpenAIResponsesModel,
    Runner,
    function_tool,
    set_tracing_disabled,
)
from openai import AsyncOpenAI
from pydantic import BaseModel
from said import DIALECT, MODEL, OBJECT, QUESTION, URL, WEATHER, failure, tell

set_tracing_disabled(True)
calls: list[Any] = []


class City(BaseModel):
    name: str
    country: str


@function_tool
def weather(city: str) -> str:
    """The weather of a city."""
    calls.append(["weather", {"city": city}])
    return f"18 C and sunny in {city}"


def agent(name: str = MODEL, **options: Any) -> Agent:
    client = AsyncOpenAI(base_url=f"{URL}/v1", api_key="none", max_retries=0)
    kind = OpenAIResponsesModel if DIALECT == "responses" else OpenAIChatCompletionsModel
    settings = {"temperature": 0.0, "max_tokens": 100, **options.pop("settings", {})}
    return Agent(
        name="teller",
        instructions="Be brief.",
        model=kind(name, client),
        model_settings=ModelSettings(**settings),
        **options,
    )


async def main() -> None:
    chat = (await Runner.run(agent(), QUESTION)).final_output
    running = Runner.run_streamed(agent(), QUESTION)
    deltas = [e.data.delta async for e in running.stream_events()
              if e.type == "raw_response_event" and e.data.type == "response.output_text.delta"]  # fmt: skip
    try:
        tooled = agent(tools=[weather], settings={"tool_choice": "required"})
        after = (await Runner.run(tooled, WEATHER, max_turns=4)).final_output
    except MaxTurnsExceeded:  # a small model asks again and again
        after = ""
    city = (await Runner.run(agent(output_type=City), OBJECT)).final_output.model_dump()
    tell(
        chat=chat, streamed="".join(deltas), calls=calls, after=after, object=city,
        error=await asyncio.to_thread(failure, lambda: asyncio.run(Runner.run(agent("nope"), QUESTION))),
    )  # fmt: skip


asyncio.run(main())
