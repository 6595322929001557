"""What every driver asks, and how it tells what came of it: one line of JSON."""

import json
import sys
from collections.abc import Callable
from typing import Any

URL, MODEL, DIALECT = sys.argv[1:4]
QUESTION = "Name three colours."
WEATHER = "What is the weather in Paris? Use the tool."
OBJECT = "Paris is the capital of France. Give its name and its country as JSON."
TOOL = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "The weather of a city",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string", "description": "Its name"}},
            "required": ["city"],
        },
    },
}
SCHEMA = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "country": {"type": "string"}},
    "required": ["name", "country"],
    "additionalProperties": False,
}


def failure(ask: Callable[[], Any]) -> str:
    """The kind and words of the error that asking raises."""
    try:
        ask()
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return ""


def tell(**said: Any) -> None:
    print(json.dumps(said))
