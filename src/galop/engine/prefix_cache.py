"""The prefix cache: blocks kept because a prompt may begin with the same tokens again.

A block is known by a SHA-256 chained over all tokens before it and its own, begun with a salt, so blocks of one client
are never found by another. Each part of what the model keeps has a block of its own under that hash, or none: a window
has given it back, or nobody kept a recurrent state there. Those nobody uses go when memory is wanted, in each part the
least recently used first; with a disk cache they are also written to disk and found again by a later process.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
from collections import Counter, defaultdict, deque
from collections.abc import Sequence, Set
from dataclasses import dataclass
from functools import partial

import numpy as np

from galop.engine.block_pool import BlockPool
from galop.engine.disk_cache import DiskCache
from galop.engine.states import BLOCK_TOKENS, NO_BLOCK, Reuse, State, blocks_for, snapshot_interval

log = logging.getLogger("galop.engine")


def block_hash(parent: bytes, tokens: Sequence[int]) -> bytes:
    """The hash of the block that holds `tokens` after the block with the hash `parent`."""
    return hashlib.sha256(parent + np.asarray(tokens, "<i4").tobytes()).digest()


@dataclass(frozen=True)
class Part:
    """The layers of one kind of state, and the memory of what they keep."""

    state: State
    pool: BlockPool


@dataclass(frozen=True)
class Match:
    """What is known already of a prompt: the blocks of each part, now the caller's, and the hashes of the full ones."""

    blocks: list[list[int]]
    hashes: list[bytes]
    length: int  # in tokens
    known: int  # tokens of which everything is known but what some part needs to go on from there
    reason: str = ""  # why `length` is less


@dataclass
class _Entry:
    blocks: list[int]  # of each part, NO_BLOCK where it has none
    tokens: tuple[int, ...]  # fewer than BLOCK_TOKENS in the last block of a sequence that has ended
    parent: bytes


class PrefixCache:
    """Finds blocks of the pools by what they hold. Not for several threads: an engine steps in one at a time."""

    def __init__(self, parts: Sequence[Part], salt: bytes = b"", disk: DiskCache | None = None) -> None:
        self.parts = parts
        self.salt = salt
        self.disk = disk
        self.snapshot_interval = snapshot_interval([part.state for part in parts])
        self.takes_snapshots = any(not part.state.by_token for part in parts)
        self.query_tokens = 0  # of prompts looked for
        self.hit_tokens = 0  # of these, found
        self.lost_tokens: Counter[str] = Counter()  # known, but read again, by the reason
        self._entries: dict[bytes, _Entry] = {}
        self._children: defaultdict[bytes, list[bytes]] = defaultdict(list)
        self._unsaved: deque[tuple[bytes, int]] = deque()

    def root(self, client: str) -> bytes:
        """The hash before a client's first block."""
        return hashlib.sha256(self.salt + client.encode()).digest()

    def hashes(self, client: str, prompt: Sequence[int]) -> list[bytes]:
        """The hashes of the full blocks with which a prompt may begin, its last token left out."""
        return self._chain(self.root(client), prompt)

    def look_up(self, hashes: Sequence[bytes]) -> tuple[int, int]:
        """How many of a prompt's full blocks are in memory or on disk, and with how many tokens it could begin."""
        whole = [i for i, part in enumerate(self.parts) if part.state.whole]
        if whole:
            known = next((n for n, key in enumerate(hashes) if not all(self._has(key, i) for i in whole)), len(hashes))
        else:
            parts = range(len(self.parts))
            known = next((n for n in range(len(hashes), 0, -1) if any(self._has(hashes[n - 1], i) for i in parts)), 0)
        if len(whole) == len(self.parts):
            return known, known * BLOCK_TOKENS
        return known, self._reusable(self._known_by_part(hashes[:known]), known * BLOCK_TOKENS).length

    def insert(self, parent: bytes, tokens: Sequence[int], blocks: Sequence[int]) -> bytes:
        """Lets the blocks of each part be found, which nobody may change from now on if they are full; their hash.

        NO_BLOCK stands for a part that has none, and what is found already stays.
        """
        key = block_hash(parent, tokens)
        entry = self._entries.get(key)
        offered = [(i, block) for i, block in enumerate(blocks) if block != NO_BLOCK]
        if entry is None:
            if not offered or any(self.parts[i].pool.is_retained(block) for i, block in offered):
                return key
            entry = self._entries[key] = _Entry([NO_BLOCK] * len(self.parts), tuple(tokens), parent)
            self._children[parent].append(key)
        for i, block in offered:
            pool = self.parts[i].pool
            if entry.blocks[i] != NO_BLOCK:
                pool.touch(entry.blocks[i])
            elif not pool.is_retained(block):
                entry.blocks[i] = block
                pool.retain(block, partial(self._forget, key, i))
        return key

    def withdraw(self, key: bytes) -> None:
        """Drops the state that does not grow at the end of a block: the sequence has kept a later one."""
        if entry := self._entries.get(key):
            for i, part in enumerate(self.parts):
                if not part.state.by_token and (block := entry.blocks[i]) != NO_BLOCK:
                    part.pool.discard(block)
                    self._forget(key, i)

    def match(self, root: bytes, tokens: Sequence[int]) -> Match:
        """The longest known prefix of a prompt with which all parts can begin, its last token left out, which is always
        computed.

        Where the prompt parts from what is known within a block, that is copied if there is room.
        """
        self.query_tokens += len(tokens)
        hashes = self._chain(root, tokens)
        hashes = hashes[: self.look_up(hashes)[0]]
        parent, start = hashes[-1] if hashes else root, len(hashes) * BLOCK_TOKENS
        nearest, common = self._nearest(parent, tokens[start : min(start + BLOCK_TOKENS, len(tokens) - 1)])
        lost: set[tuple[bytes, int]] = set()  # what turned out to be damaged, or not to fit
        while True:
            known = self._known_by_part(hashes, lost)
            for i in range(len(self.parts)):
                known[i].append(common > 0 and (nearest, i) not in lost and self._serves(nearest, i, common))
            reuse = self._reusable(known, start + common)
            if (blocks := self._take([*hashes, nearest], root, tokens, reuse.length, lost)) is not None:
                break
        self.hit_tokens += reuse.length
        if reuse.reason:
            again = start + common - reuse.length
            self.lost_tokens[reuse.reason] += again
            if again >= BLOCK_TOKENS:
                log.info("%d of %d known tokens are read again: %s", again, start + common, reuse.reason)
        return Match(blocks, hashes[: reuse.length // BLOCK_TOKENS], reuse.length, start + common, reuse.reason)

    def request_save(self, hashes: Sequence[bytes]) -> None:
        """Asks that blocks be written to disk when there is time."""
        if self.disk:
            self._unsaved.extend((key, i) for key in hashes for i in range(len(self.parts)))

    def save_next(self) -> bool:
        """Writes a block that `request_save` asked for; False if there is none."""
        while self.disk and self._unsaved:
            key, i = self._unsaved.popleft()
            entry = self._entries.get(key)
            if entry and entry.blocks[i] != NO_BLOCK and not self.disk.has(_disk_key(key, i)):
                self.disk.save(_disk_key(key, i), self.parts[i].pool.data(entry.blocks[i]))
                return True
        return False

    def clear(self) -> None:
        """Drops every block that nobody uses."""
        for part in self.parts:
            with contextlib.suppress(MemoryError):
                while True:
                    part.pool.evict()

    def _chain(self, parent: bytes, tokens: Sequence[int]) -> list[bytes]:
        """The hashes of the full blocks of `tokens`, the last of which is left out."""
        hashes = []
        for end in range(BLOCK_TOKENS, len(tokens), BLOCK_TOKENS):
            parent = block_hash(parent, tokens[end - BLOCK_TOKENS : end])
            hashes.append(parent)
        return hashes

    def _has(self, key: bytes, i: int) -> bool:
        """Whether part `i` has a block of this hash, in memory or on disk."""
        entry = self._entries.get(key)
        return bool(entry and entry.blocks[i] != NO_BLOCK) or bool(self.disk and self.disk.has(_disk_key(key, i)))

    def _known_by_part(self, hashes: Sequence[bytes], lost: Set[tuple[bytes, int]] = frozenset()) -> list[list[bool]]:
        return [[self._has(key, i) and (key, i) not in lost for key in hashes] for i in range(len(self.parts))]

    def _reusable(self, known: Sequence[Sequence[bool]], length: int) -> Reuse:
        """With how many of `length` tokens all parts can begin, and why the one that can least cannot with more."""
        reuse = Reuse(length)
        while self.parts:
            each = [part.state.reuse(of_part, reuse.length) for part, of_part in zip(self.parts, known, strict=True)]
            least = min(each, key=lambda one: one.length)
            if least.length == reuse.length:
                break
            reuse = least
        return reuse if self.parts else Reuse(0)

    def _serves(self, key: bytes, i: int, common: int) -> bool:
        """Whether a sequence can begin with the first tokens of a block as far as part `i` goes."""
        entry = self._entries[key]
        return entry.blocks[i] != NO_BLOCK and (self.parts[i].state.by_token or common == len(entry.tokens))

    def _take(
        self, hashes: Sequence[bytes], root: bytes, tokens: Sequence[int], length: int, lost: set[tuple[bytes, int]]
    ) -> list[list[int]] | None:
        """The blocks of each part that a sequence of `length` tokens needs, now the caller's. None where one cannot be
        had after all, which is then among the `lost`.

        Those in memory come first, so that none of them has to go for another; what is wanted first is touched last.
        """
        rows = [[NO_BLOCK] * blocks_for(length) for _ in self.parts]
        for i, part in enumerate(self.parts):
            for place in reversed(part.state.needs(length)):
                entry = self._entries.get(hashes[place])
                if entry and (block := entry.blocks[i]) != NO_BLOCK:
                    part.pool.share(block)
                    part.pool.touch(block)
                    rows[i][place] = block
        for i, part in enumerate(self.parts):
            for place in part.state.needs(length):
                end = (place + 1) * BLOCK_TOKENS
                if rows[i][place] == NO_BLOCK:
                    parent = hashes[place - 1] if place else root
                    rows[i][place] = self._load(hashes[place], i, parent, tokens[end - BLOCK_TOKENS : end])
                elif end > length and part.state.by_token:
                    rows[i][place] = _copy(part.pool, rows[i][place])
                if rows[i][place] == NO_BLOCK:
                    lost.add((hashes[place], i))
                    for other, row in zip(self.parts, rows, strict=True):
                        for held in row:
                            if held != NO_BLOCK:
                                other.pool.release(held)
                    return None
        return rows

    def _load(self, key: bytes, i: int, parent: bytes, tokens: Sequence[int]) -> int:
        """A block read from disk; NO_BLOCK if it is damaged or there is no room."""
        pool = self.parts[i].pool
        try:
            block = pool.allocate()
        except MemoryError:
            return NO_BLOCK
        if not self.disk or not self.disk.load(_disk_key(key, i), pool.data(block)):
            pool.release(block)
            return NO_BLOCK
        self.insert(parent, tokens, [block if j == i else NO_BLOCK for j in range(len(self.parts))])
        return block

    def _forget(self, key: bytes, i: int) -> None:
        """The block of part `i` is gone, and with it what is of no use without it."""
        entry = self._entries[key]
        entry.blocks[i] = NO_BLOCK
        if not self.parts[i].state.whole and any(block != NO_BLOCK for block in entry.blocks):
            return
        del self._entries[key]
        siblings = self._children[entry.parent]
        siblings.remove(key)
        if not siblings:
            del self._children[entry.parent]
        for part, block in zip(self.parts, entry.blocks, strict=True):
            if block != NO_BLOCK:
                part.pool.discard(block)

    def _nearest(self, parent: bytes, tokens: Sequence[int]) -> tuple[bytes, int]:
        """The hash of the block after `parent` that begins with the most of `tokens`, and how many these are."""
        nearest, common = b"", 0
        for key in self._children.get(parent, ()):
            if (n := common_prefix(self._entries[key].tokens, tokens)) > common:
                nearest, common = key, n
        return nearest, common


def _copy(pool: BlockPool, source: int) -> int:
    """A copy of a block, to go on in, and one user of it less; NO_BLOCK if there is no room."""
    try:
        copy = pool.allocate()
        pool.data(copy)[:] = pool.data(source)
        return copy
    except MemoryError:
        return NO_BLOCK
    finally:
        pool.release(source)


def _disk_key(key: bytes, i: int) -> bytes:
    return key + bytes([i])


def common_prefix(a: Sequence[object], b: Sequence[object]) -> int:
    """How many items two sequences begin with alike."""
    n = 0
    for x, y in zip(a, b, strict=False):
        if x != y:
            break
        n += 1
    return n
