"""Instructor: objects by tools, by JSON schema and in pieces."""

import instructor
from openai import OpenAI
from pydantic import BaseModel
from said import MODEL, OBJECT, QUESTION, URL, WEATHER, failure, tell


class City(BaseModel):
    name: str
    country: str


class Weather(BaseModel):
    """Asks for the weather of a city."""

    city: str


def client(mode: instructor.Mode) -> instructor.Instructor:
    return instructor.from_openai(OpenAI(base_url=f"{URL}/v1", api_key="none", max_retries=0), mode=mode)


def ask(mode: instructor.Mode, kind: type[BaseModel], content: str, model: str = MODEL) -> dict[str, str]:
    messages = [{"role": "user", "content": content}]
    answer = client(mode).chat.completions.create(
        model=model, response_model=kind, messages=messages, temperature=0, max_tokens=100, max_retries=1
    )
    return answer.model_dump()


parts = list(client(instructor.Mode.JSON_SCHEMA).chat.completions.create_partial(
    model=MODEL, response_model=City, messages=[{"role": "user", "content": OBJECT}], temperature=0, max_tokens=100,
))  # fmt: skip
tell(
    calls=[["weather", ask(instructor.Mode.TOOLS, Weather, WEATHER)]], object=ask(instructor.Mode.JSON_SCHEMA, City, OBJECT),
    tool_object=ask(instructor.Mode.TOOLS_STRICT, City, OBJECT), json_object=ask(instructor.Mode.JSON, City, OBJECT),
    partial=parts[-1].model_dump(), pieces=len(parts),
    error=failure(lambda: ask(instructor.Mode.TOOLS, City, QUESTION, "nope")),
)  # fmt: skip
