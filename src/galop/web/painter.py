"""Blocks of Markdown become HTML in a process of its own: `python -m galop.web.painter`.

What a model writes may cost a renderer any time (a hostile table, a highlighter's regular expression), and Python's
regular expressions let no other thread run. So the loop that serves everybody only waits: the child ends itself when
a block has had its SECONDS of the processor, the next block gets a new one, and the block is shown as it was written.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import struct
import sys
from collections import OrderedDict

SECONDS = 1.0  # of the processor, for a block
PATIENCE = 20.0  # seconds by the clock, on a machine that has much else to do
MEMORY = 512 << 20  # bytes a child may take
LONGEST_HTML = 4 << 20  # bytes of a block
KEPT = 16 << 20  # characters of blocks that are remembered
LENGTH = struct.Struct("<I")


class Painter:
    """Renders one block at a time, for all pages, and remembers those that are finished."""

    def __init__(self, seconds: float = SECONDS) -> None:
        self.seconds = seconds
        self.rendered = 0  # blocks the child was asked for
        self._turn = asyncio.Lock()
        self._child: asyncio.subprocess.Process | None = None
        self._known: OrderedDict[str, str | None] = OrderedDict()
        self._size = 0

    def known(self, block: str) -> str | None:
        """Its HTML, if there is no need to wait for it."""
        if block in self._known:
            self._known.move_to_end(block)
        return self._known.get(block)

    async def html(self, block: str, finished: bool = True) -> str | None:
        """The HTML of a block, which is remembered once it is finished; None if it takes more than it may."""
        if block in self._known:
            return self.known(block)
        async with self._turn:
            if block in self._known:
                return self.known(block)
            try:
                found = await self._asked(block)
            except (asyncio.IncompleteReadError, OSError, TimeoutError):
                found = None
                await self._end()
            except BaseException:
                await self._end()  # else the answer would be taken for the next block's
                raise
        if finished:
            self._remember(block, found)
        return found

    async def _asked(self, block: str) -> str:
        self.rendered += 1
        if self._child is None:
            self._child = await asyncio.create_subprocess_exec(
                *(
                    sys.executable,
                    "-P",
                    "-m",
                    "galop.web.painter",
                    str(self.seconds),
                ),  # -P: no module from the current directory
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
                start_new_session=True,  # Ctrl-C at the terminal is the parent's to handle
            )
        child = self._child
        assert child.stdin and child.stdout
        data = block.encode(errors="replace")
        async with asyncio.timeout(PATIENCE):
            child.stdin.write(LENGTH.pack(len(data)) + data)
            await child.stdin.drain()
            (length,) = LENGTH.unpack(await child.stdout.readexactly(LENGTH.size))
            return (await child.stdout.readexactly(length)).decode()

    def _remember(self, block: str, html: str | None) -> None:
        self._known[block] = html
        self._size += len(block) + len(html or "")
        while self._size > KEPT:
            old, drawn = self._known.popitem(last=False)
            self._size -= len(old) + len(drawn or "")

    async def _end(self) -> None:
        child, self._child = self._child, None
        if child:
            with contextlib.suppress(ProcessLookupError):
                child.kill()
            await child.wait()

    async def close(self) -> None:
        async with self._turn:
            await self._end()


def main() -> None:
    """Answers blocks on standard input until it ends: each is a length and so many bytes of UTF-8, as is its HTML."""
    from galop.web.markdown import plain, to_html

    with contextlib.suppress(ImportError, ValueError, OSError):  # Windows has no resource limits
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    seconds = float(sys.argv[1])
    to_html("$x$\n```python\nx\n```")  # loads what is loaded when first needed
    read, write = sys.stdin.buffer, sys.stdout.buffer
    while head := read.read(LENGTH.size):
        block = read.read(LENGTH.unpack(head)[0]).decode()
        signal.setitimer(signal.ITIMER_PROF, seconds)  # its signal ends the process
        try:
            html = to_html(block).encode()
        except Exception:  # whatever a stranger's text does to the renderer
            html = b""
        if not html or len(html) > LONGEST_HTML:
            html = plain(block).encode()
        signal.setitimer(signal.ITIMER_PROF, 0)
        write.write(LENGTH.pack(len(html)) + html)
        write.flush()


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt, BrokenPipeError):
        main()
