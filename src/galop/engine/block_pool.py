"""The memory of one part of what a model keeps of its sequences, a block at a time."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

from galop import native
from galop.ops.plan import Array


class BlockPool:
    """Blocks by number, each with a count of the sequences that use it. Not for several threads.

    A block that is retained stays when nobody uses it any more, until memory is wanted; then the one goes that was
    touched the longest ago.
    """

    def __init__(self, block_bytes: int, capacity: int) -> None:
        self.memory = native.BlockStore(block_bytes)
        self.capacity = capacity
        self._users: dict[int, int] = {}
        self._retained: OrderedDict[int, Callable[[], None]] = OrderedDict()  # the next to go first

    @property
    def in_use(self) -> int:
        """Blocks that sequences use; retained ones that nobody uses are as good as free."""
        return len(self._users)

    @property
    def available(self) -> int:
        """Blocks that sequences may still take."""
        return self.capacity - len(self._users)

    def is_retained(self, block: int) -> bool:
        """Whether the block stays when nobody uses it."""
        return block in self._retained

    def allocate(self) -> int:
        """A block for one sequence to write. Raises MemoryError when all are in use."""
        while self.memory.in_use >= self.capacity:
            self.evict()
        block = self.memory.allocate()
        self._users[block] = 1
        return block

    def share(self, block: int) -> None:
        """Counts one more user of a block."""
        self._users[block] = self._users.get(block, 0) + 1

    def release(self, block: int) -> None:
        """Counts one user less; the memory of a block that nobody uses or retains is free again."""
        self._users[block] -= 1
        if self._users[block] == 0:
            del self._users[block]
            if block not in self._retained:
                self.memory.release(block)

    def retain(self, block: int, forget: Callable[[], None]) -> None:
        """Keeps a block beyond its users, until it is discarded, or evicted: then `forget` is called."""
        self._retained[block] = forget

    def touch(self, block: int) -> None:
        """Lets a retained block be the last to go."""
        self._retained.move_to_end(block)

    def discard(self, block: int) -> None:
        """Gives up a retained block; those who use it still do."""
        del self._retained[block]
        if block not in self._users:
            self.memory.release(block)

    def evict(self) -> None:
        """Gives up the retained block that nobody uses and that was touched the longest ago. Raises MemoryError where
        there is none."""
        block = next((block for block in self._retained if block not in self._users), None)
        if block is None:
            raise MemoryError(f"all {self.capacity} blocks of keys, values or states are in use")
        forget = self._retained[block]
        self.discard(block)
        forget()

    def data(self, block: int) -> Array:
        """A block's bytes, uint8 [block_bytes], to copy from or into."""
        return self.memory.data(block)
