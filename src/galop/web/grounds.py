"""What an answer that was computed rests on, in a fold beneath it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from nicegui import ui


def draw_grounds(science: Mapping[str, Any], say: Callable[..., str]) -> None:
    """Each step's formula, inputs, source and range, and what was assumed; nothing where nothing was computed."""
    if not science["steps"]:
        return
    with ui.expansion(say("grounds"), icon="functions").classes("grounds"):
        for step in science["steps"]:
            ui.label(f"{step['what']} = {step['value']:.6g} {step['unit']}").classes("result")
            ui.label(step["formula"] + (f" ({say('solved')})" if step["solved"] else "")).classes("formula")
            draw_row(say("inputs"), ", ".join(f"{name} = {value}" for name, value in step["inputs"].items()))
            draw_row(say("source"), step["source"])
            draw_row(say("valid"), step["valid"])
        draw_row(say("assumed"), "; ".join(science["assumptions"]))
        draw_row(say("unused"), ", ".join(science["unused"]))


def draw_row(label: str, text: str) -> None:
    """A line, unless there is nothing to say in it."""
    if text:
        with ui.element("div").classes("fact"):
            ui.label(label).classes("quiet")
            ui.label(text)
