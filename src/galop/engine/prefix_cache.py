"""The prefix cache: blocks kept because a prompt may begin with the same tokens again.

A block is known by a SHA-256 chained over all tokens before it and its own, begun with a salt, so blocks of one client
are never found by another. Those nobody uses go when memory is wanted, the least recently used first; with a disk cache
they are also written to disk and found again by a later process.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections import OrderedDict, defaultdict, deque
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from galop.engine.block_pool import BlockPool
from galop.engine.disk_cache import DiskCache
from galop.engine.states import BLOCK_TOKENS, State


def block_hash(parent: bytes, tokens: Sequence[int]) -> bytes:
    """The hash of the block that holds `tokens` after the block with the hash `parent`."""
    return hashlib.sha256(parent + np.asarray(tokens, "<i4").tobytes()).digest()


@dataclass(frozen=True)
class Match:
    """What is known already of a prompt: blocks, now the caller's, and the hashes of the full ones."""

    blocks: list[int]
    hashes: list[bytes]
    length: int  # in tokens
    limit: str = ""  # why it is less than what is known, where it is


@dataclass(frozen=True)
class _Entry:
    block: int
    tokens: tuple[int, ...]  # fewer than BLOCK_TOKENS in the last block of a sequence that has ended
    parent: bytes


class PrefixCache:
    """Finds blocks of a pool by what they hold. Not for several threads: an engine steps in one at a time."""

    def __init__(self, pool: BlockPool, state: State, salt: bytes = b"", disk: DiskCache | None = None) -> None:
        self.pool = pool
        self.state = state
        self.salt = salt
        self.disk = disk
        self.query_tokens = 0  # of prompts looked for
        self.hit_tokens = 0  # of these, found
        self._entries: OrderedDict[bytes, _Entry] = OrderedDict()  # the least recently used first
        self._hash_of: dict[int, bytes] = {}
        self._children: defaultdict[bytes, list[bytes]] = defaultdict(list)
        self._unsaved: deque[bytes] = deque()
        pool.evict = self._evict

    def root(self, client: str) -> bytes:
        """The hash before a client's first block."""
        return hashlib.sha256(self.salt + client.encode()).digest()

    def hashes(self, client: str, prompt: Sequence[int]) -> list[bytes]:
        """The hashes of the full blocks with which a prompt may begin, its last token left out."""
        parent = self.root(client)
        hashes = []
        for end in range(BLOCK_TOKENS, self.state.reuse(len(prompt) - 1).length + 1, BLOCK_TOKENS):
            parent = block_hash(parent, prompt[end - BLOCK_TOKENS : end])
            hashes.append(parent)
        return hashes

    def has(self, key: bytes) -> bool:
        """Whether the block with this hash is in memory or on disk."""
        return key in self._entries or bool(self.disk and self.disk.has(key))

    def insert(self, parent: bytes, tokens: Sequence[int], block: int) -> bytes:
        """Lets a block be found, which nobody may change from now on if it is full; its hash."""
        key = block_hash(parent, tokens)
        if key in self._entries:
            self._entries.move_to_end(key)
        elif block not in self._hash_of:
            self._entries[key] = _Entry(block, tuple(tokens), parent)
            self._hash_of[block] = key
            self._children[parent].append(key)
            self.pool.retain(block)
        return key

    def match(self, root: bytes, tokens: Sequence[int]) -> Match:
        """The longest known prefix of a prompt that its state can begin with, its last token left out, which is always
        computed.

        The block in which the prompt parts from what is known is copied, if there is room.
        """
        limit = len(tokens) - 1
        blocks: list[int] = []
        hashes: list[bytes] = []
        parent, length = root, 0
        self.query_tokens += len(tokens)
        while length + BLOCK_TOKENS <= limit:
            part = tuple(tokens[length : length + BLOCK_TOKENS])
            key = block_hash(parent, part)
            if key not in self._entries and not self._load(key, parent, part):
                break
            block = self._entries[key].block
            self.pool.share(block)
            blocks.append(block)
            hashes.append(key)
            parent, length = key, length + BLOCK_TOKENS
        nearest, common = self._nearest(parent, tokens[length : min(length + BLOCK_TOKENS, limit)])
        reuse = self.state.reuse(length + common)
        common = max(0, reuse.length - length)
        while length > reuse.length:
            self.pool.release(blocks.pop())
            hashes.pop()
            length -= BLOCK_TOKENS
        if common and (copy := self._copy(self._entries[nearest].block)) is not None:
            blocks.append(copy)
            length += common
            self._entries.move_to_end(nearest)
        for key in reversed(hashes):  # what comes first is used last to go
            self._entries.move_to_end(key)
        self.hit_tokens += length
        return Match(blocks, hashes, length, reuse.reason)

    def request_save(self, hashes: Sequence[bytes]) -> None:
        """Asks that blocks be written to disk when there is time."""
        if self.disk and self.state.persistent:
            self._unsaved.extend(hashes)

    def save_next(self) -> bool:
        """Writes a block that `request_save` asked for; False if there is none."""
        while self.disk and self._unsaved:
            key = self._unsaved.popleft()
            entry = self._entries.get(key)
            if entry and not self.disk.has(key):
                self.disk.save(key, self.pool.data(entry.block))
                return True
        return False

    def clear(self) -> None:
        """Drops every block that nobody uses."""
        with contextlib.suppress(MemoryError):
            while True:
                self._evict()

    def _evict(self) -> None:
        """Drops the least recently used block that nobody uses. Raises MemoryError if there is none."""
        key = next((key for key, entry in self._entries.items() if not self.pool.is_used(entry.block)), None)
        if key is None:
            self.pool.refuse()
            return
        entry = self._entries.pop(key)
        del self._hash_of[entry.block]
        siblings = self._children[entry.parent]
        siblings.remove(key)
        if not siblings:
            del self._children[entry.parent]
        self.pool.discard(entry.block)

    def _nearest(self, parent: bytes, tokens: Sequence[int]) -> tuple[bytes, int]:
        """The hash of the block after `parent` that begins with the most of `tokens`, and how many these are."""
        nearest, common = b"", 0
        for key in self._children.get(parent, ()):
            if (n := common_prefix(self._entries[key].tokens, tokens)) > common:
                nearest, common = key, n
        return nearest, common

    def _copy(self, source: int) -> int | None:
        """A copy of a block; None if there is no room, and what would be copied is computed."""
        self.pool.share(source)  # so that it is not the one that has to go
        try:
            copy = self.pool.allocate()
            self.pool.data(copy)[:] = self.pool.data(source)
            return copy
        except MemoryError:
            return None
        finally:
            self.pool.release(source)

    def _load(self, key: bytes, parent: bytes, tokens: tuple[int, ...]) -> bool:
        """Reads a block from disk, if it is there and there is room."""
        if not self.disk or not self.disk.has(key):
            return False
        try:
            block = self.pool.allocate()
        except MemoryError:
            return False
        if self.disk.load(key, self.pool.data(block)):
            self.insert(parent, tokens, block)
        self.pool.release(block)
        return key in self._entries


def common_prefix(a: Sequence[int], b: Sequence[int]) -> int:
    """How many tokens two sequences begin with alike."""
    n = 0
    for x, y in zip(a, b, strict=False):
        if x != y:
            break
        n += 1
    return n
