"""The KV cache of one sequence: its tokens so far, and the blocks that hold what the model keeps of them."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field

from galop.engine.prefix_cache import PrefixCache, common_prefix
from galop.engine.states import BLOCK_TOKENS


@dataclass
class KVCache:
    """`blocks[i]` holds the tokens from i * BLOCK_TOKENS on; the first `len(hashes)` are full and can be found.

    The first `expired` blocks have been given back, since they will not be read again; their numbers stay in the table.
    """

    prefix_cache: PrefixCache
    root: bytes = b""  # whose prompts may find these blocks again; nobody's if empty
    tokens: list[int] = field(default_factory=list)
    blocks: list[int] = field(default_factory=list)
    hashes: list[bytes] = field(default_factory=list)
    expired: int = 0
    private_from: int = sys.maxsize  # the first token that its id does not tell in full: nobody finds it by that

    def reserve(self, length: int) -> None:
        """Takes blocks for so many tokens in all. Raises MemoryError; those it got until then stay its own."""
        while len(self.blocks) * BLOCK_TOKENS < length:
            self.blocks.append(self.prefix_cache.pool.allocate())

    def truncate(self, length: int) -> int:
        """Forgets the tokens from `length` on, and those before it too that the state cannot be without; the length it
        then has. `length` must not lie in a block that can be found."""
        length = self.prefix_cache.state.rewind(len(self.tokens), length)
        keep = blocks_for(length)
        for block in self.blocks[max(keep, self.expired) :]:
            self.prefix_cache.pool.release(block)
        del self.blocks[keep:], self.tokens[length:], self.hashes[length // BLOCK_TOKENS :]
        self.expired = min(self.expired, keep)
        if length <= self.private_from:
            self.private_from = sys.maxsize
        return length

    def can_take_back(self, tokens: int) -> bool:
        """Whether a step may read so many tokens beyond the next one and forget them again, and no token before."""
        length = len(self.tokens) + 1
        return self.prefix_cache.state.rewind(length + tokens, length) == length

    def rewind_to(self, tokens: Sequence[int]) -> int:
        """Keeps the prefix it shares with `tokens`, except that the last of these is always computed; its length."""
        return self.truncate(min(common_prefix(self.tokens, tokens[:-1]), self.private_from))

    def commit(self) -> None:
        """Settles what the last step read: others may find the blocks that are full, and those that will not be read
        again are given back."""
        self.publish()
        expired = self.prefix_cache.state.dead_blocks(len(self.tokens))
        for block in self.blocks[self.expired : expired]:
            self.prefix_cache.pool.release(block)
        self.expired = max(self.expired, expired)

    def publish(self, partial: bool = False) -> None:
        """Lets prompts that begin alike find the blocks that are full, or also the last."""
        end = min(len(self.tokens), self.private_from)
        while self.root and (rest := end - len(self.hashes) * BLOCK_TOKENS) > 0:
            if rest < BLOCK_TOKENS and not partial:
                break
            start = len(self.hashes) * BLOCK_TOKENS
            parent = self.hashes[-1] if self.hashes else self.root
            block = self.blocks[len(self.hashes)]
            key = self.prefix_cache.insert(parent, self.tokens[start : min(start + BLOCK_TOKENS, end)], block)
            if rest < BLOCK_TOKENS:
                break
            self.hashes.append(key)

    def free(self) -> None:
        """Gives all blocks back. Those that were published can still be found."""
        self.truncate(0)


def blocks_for(tokens: int) -> int:
    """Blocks that so many tokens take."""
    return -(-tokens // BLOCK_TOKENS)
