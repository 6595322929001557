"""Tools and their calls as OpenAI's Chat Completions has them, to compare other dialects with."""

from __future__ import annotations

from typing import Any


def function_tool(name: str, parameters: Any, description: str | None = None) -> Any:
    """A tool as OpenAI's API describes one."""
    described = {"name": name, "parameters": parameters} | ({"description": description} if description else {})
    return {"type": "function", "function": described}


def assistant_calls(content: str, *calls: tuple[str, Any]) -> Any:
    """A message of the assistant's that calls functions with these arguments."""
    made = [{"function": {"name": name, "arguments": values}} for name, values in calls]
    return {"role": "assistant", "content": content, "tool_calls": made}
