"""Renders blocks of Markdown as HTML in a child process: `python -m galop.web.markdown_child`, a line of JSON each.

What a model writes may cost a renderer any time (a hostile table, a highlighter's regular expression), and Python's
regular expressions let no other thread run. So the loop that serves everybody only waits: the child ends itself when
a block has had its SECONDS of the processor, the next block gets a new one, and the block is shown as it was written.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from galop.child import Child, answer_lines, end_after
from galop.errors import BusyError

SECONDS = 1.0  # of the processor, for a block
PATIENCE = 20.0  # seconds by the clock, on a machine that has much else to do
MEMORY = 512 << 20  # bytes a child may take
LONGEST_HTML = 4 << 20  # characters of a block
KEPT = 16 << 20  # characters of blocks that are remembered


class MarkdownRenderer:
    """Renders one block at a time, for all pages, and remembers those that are finished."""

    def __init__(self, seconds: float = SECONDS) -> None:
        self.seconds = seconds
        self.rendered = 0  # blocks the child was asked for
        self._child = Child("galop.web.markdown_child", PATIENCE)
        self._thread = ThreadPoolExecutor(1, "renderer")
        self._known: OrderedDict[str, str | None] = OrderedDict()
        self._size = 0

    def lookup(self, block: str) -> str | None:
        """Its HTML, if there is no need to wait for it."""
        if block in self._known:
            self._known.move_to_end(block)
        return self._known.get(block)

    async def html(self, block: str, finished: bool = True) -> str | None:
        """The HTML of a block, which is remembered once it is finished; None if it takes more than it may."""
        if block not in self._known:
            found = await asyncio.get_running_loop().run_in_executor(self._thread, self._ask_child, block)
            if not finished:
                return found
            self._remember(block, found)
        return self.lookup(block)

    def _ask_child(self, block: str) -> str | None:
        self.rendered += 1
        try:
            answer = self._child.ask({"block": block, "seconds": self.seconds})
        except (OSError, ValueError, BusyError):  # or it ended in the midst of an answer
            self._child.close()
            return None
        return str(answer["html"]) if answer else None

    def _remember(self, block: str, html: str | None) -> None:
        if block not in self._known:
            self._size += len(block) + len(html or "")
        self._known[block] = html
        while self._size > KEPT and len(self._known) > 1:
            old, drawn = self._known.popitem(last=False)
            self._size -= len(old) + len(drawn or "")

    def close(self) -> None:
        self._child.close()
        self._thread.shutdown(wait=False)


def main() -> None:
    from galop.web.markdown import plain, to_html

    def render(request: dict[str, Any]) -> dict[str, Any]:
        end_after(request["seconds"])
        try:
            html = to_html(request["block"])
        except Exception:  # whatever a stranger's text does to the renderer
            html = ""
        return {"html": html if html and len(html) <= LONGEST_HTML else plain(request["block"])}

    to_html("$x$\n```python\nx\n```")  # loads what is loaded when first needed
    answer_lines(render, MEMORY, SECONDS)


if __name__ == "__main__":
    main()
