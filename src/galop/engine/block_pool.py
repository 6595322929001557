"""The memory of all KV caches of one engine, a block of BLOCK_TOKENS tokens at a time."""

from __future__ import annotations

from collections.abc import Callable

from galop import native
from galop.ops.plan import Array


class BlockPool:
    """Blocks by number, each with a count of the sequences that use it. Not for several threads.

    A block that is retained stays when nobody uses it any more, until `evict` is called because memory is wanted; it
    has to `discard` a block, or raise MemoryError if there is none that nobody uses.
    """

    def __init__(self, block_bytes: int, capacity: int) -> None:
        self.memory = native.BlockStore(block_bytes)
        self.capacity = capacity
        self.evict: Callable[[], None] = self.refuse
        self._users: dict[int, int] = {}
        self._retained: set[int] = set()

    @property
    def block_bytes(self) -> int:
        """Bytes of one block: the keys and values of its tokens in all layers."""
        return self.memory.block_bytes

    @property
    def in_use(self) -> int:
        """Blocks that sequences use; retained ones that nobody uses are as good as free."""
        return len(self._users)

    @property
    def available(self) -> int:
        """Blocks that sequences may still take."""
        return self.capacity - len(self._users)

    def is_used(self, block: int) -> bool:
        """Whether a sequence uses the block."""
        return block in self._users

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

    def retain(self, block: int) -> None:
        """Keeps a block beyond its users, until it is discarded."""
        self._retained.add(block)

    def discard(self, block: int) -> None:
        """Gives up a retained block that nobody uses."""
        self._retained.remove(block)
        self.memory.release(block)

    def data(self, block: int) -> Array:
        """A block's bytes, uint8 [block_bytes], to copy from or into."""
        return self.memory.data(block)

    def refuse(self) -> None:
        """What `evict` does where nothing is retained. Raises MemoryError."""
        raise MemoryError(f"all {self.capacity} pages of keys and values are in use")
