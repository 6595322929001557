"""The parent's side of rendering chat templates, which is done in a child process (`template_child.py`)."""

from __future__ import annotations

import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from galop.child import BUSY, Child
from galop.errors import BusyError, TemplateError

if TYPE_CHECKING:
    from galop.chat.template_capabilities import TemplateCapabilities

SECONDS = 10.0  # of computing, for a rendering
_KNOWN: dict[str, TemplateCapabilities] = {}
"""By the template's source; a process sees few of them."""


class Renderer(Child):
    """A child process that renders one template at a time."""

    def __init__(self) -> None:
        super().__init__("galop.chat.template_child", BUSY * SECONDS)
        self._probing = threading.Lock()

    def prepare(self, template: str) -> None:
        """Starts the process and has it find out what the template can do, while the caller does something else."""
        self.start()

        def find_out() -> None:
            with suppress(BusyError):  # who needs it asks again
                self.capabilities(template)

        threading.Thread(target=find_out, name="galop-template", daemon=True).start()

    def render(self, template: str, variables: dict[str, Any]) -> str:
        """The text. Raises TemplateError if the template fails or takes more than SECONDS; its `refused` says that the
        template itself called raise_exception."""
        reply = self.ask({"template": template, "variables": variables})
        if reply is None:
            raise TemplateError("the chat template was stopped: it ran too long or used too much memory")
        if "error" in reply:
            failure = TemplateError(f"the chat template failed: {reply['error']}")
            failure.refused = reply["error"].startswith("TemplateError")  # what raise_exception raises
            raise failure
        return str(reply["text"])

    def capabilities(self, template: str) -> TemplateCapabilities:
        """What the template can do: the defaults, if finding out takes more than SECONDS. Raises BusyError."""
        with self._probing:
            if template not in _KNOWN:
                reply = self.ask({"template": template})
                from galop.chat.template_capabilities import TemplateCapabilities  # while the child is at work

                found = TemplateCapabilities(**(reply or {}).get("capabilities", {}))
                if reply is None and self.closed:  # nobody waits for it
                    return found
                _KNOWN[template] = found
            return _KNOWN[template]


_SPARE = Renderer()


def capabilities_of(template: str) -> TemplateCapabilities:
    """What a template can do, whose model is not loaded."""
    return _SPARE.capabilities(template)
