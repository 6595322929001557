"""A round button with a picture, which says its name to those who cannot see it."""

from __future__ import annotations

from typing import Any

from nicegui import ui


def icon_button(icon: str, label: str, action: Any) -> Any:
    """The button, drawn where the context is; `action` may be None where a menu opens within."""
    made = ui.button(icon=icon, on_click=action).props(f'flat round dense color=none aria-label="{label}"')
    return made.tooltip(label)
