"""What is kept of one sequence: its tokens so far, and for each part of the model a table of its blocks there."""

from __future__ import annotations

import sys
from bisect import insort
from collections.abc import Sequence
from dataclasses import dataclass, field

from galop.engine.prefix_cache import Match, PrefixCache, common_prefix
from galop.engine.soft_tokens import SoftTokens
from galop.engine.states import BLOCK_TOKENS, NO_BLOCK, Table


@dataclass
class KVCache:
    """The first `len(hashes)` blocks are full and can be found.

    A step is prepared, and then it has either advanced or is abandoned; what it read is settled by `commit`.
    """

    prefix_cache: PrefixCache
    root: bytes = b""  # whose prompts may find these blocks again; nobody's if empty
    tokens: list[int] = field(default_factory=list)
    hashes: list[bytes] = field(default_factory=list)
    tables: list[Table] = field(init=False)  # of each part
    take_back: int = 0  # how many of its last tokens it may be asked to forget
    wanted: set[int] = field(default_factory=set)  # lengths at which prompts may begin that part from it there
    saves: list[int] = field(init=False, default_factory=list)  # lengths whose states the step under way writes
    soft: Sequence[SoftTokens] = ()  # what its tokens below zero stand for, in order
    private_from: int = sys.maxsize  # the first token that its id does not tell in full: nobody finds it by that
    _passing: bytes = b""  # the last state kept of what follows the prompt, until there is a later one

    def __post_init__(self) -> None:
        self.tables = [part.state.table(part.pool) for part in self.prefix_cache.parts]

    def begin(self, tokens: Sequence[int], match: Match) -> None:
        """Begins with what is known of a prompt, and keeps the states that prompts may want which begin like it: at its
        last block, and where it parts from what is known."""
        self.tokens, self.hashes = list(tokens[: match.length]), match.hashes
        for table, blocks in zip(self.tables, match.blocks, strict=True):
            table.begin(blocks, match.length)
        self.wanted = {length // BLOCK_TOKENS * BLOCK_TOKENS for length in (len(tokens) - 1, match.known)}

    def prepare(self, count: int) -> None:
        """Takes blocks for a step of `count` tokens. Raises MemoryError; `abandon` it then."""
        if not self.root:
            self._expire()
        start = len(self.tokens)
        self.saves = list(range(start + count - min(self.take_back, count - 1), start + count + 1))
        for table in self.tables:
            table.prepare(start + count, self.saves)

    def reserve(self, count: int) -> None:
        """Takes blocks for `count` more tokens, which may never be read. Raises MemoryError."""
        self.saves = []
        for table in self.tables:
            table.prepare(len(self.tokens) + count, [])

    def prepare_snapshots(self, count: int) -> None:
        """Takes blocks for states within the step that are worth keeping for other prompts, as far as there is room."""
        if not self.root or not self.prefix_cache.takes_snapshots:
            return
        for length in self._borders(len(self.tokens), len(self.tokens) + count):
            try:
                for table in self.tables:
                    table.prepare_snapshot(length)
            except MemoryError:
                return
            if length not in self.saves:
                insort(self.saves, length)

    def row(self, i: int) -> list[int]:
        """The blocks of part `i` as the native step takes them."""
        return self.tables[i].row(len(self.tokens), self.saves)

    @property
    def save_counts(self) -> list[int]:
        """After how many tokens of the step states are written."""
        return [length - len(self.tokens) for length in self.saves]

    def advance(self, tokens: Sequence[int]) -> None:
        """The prepared step has read these."""
        self.tokens += tokens
        for table in self.tables:
            table.advance(len(self.tokens), len(self.tokens) - self.take_back)

    def assume(self, length: int) -> None:
        """Takes `length` tokens for read, and for what is kept of them whatever the memory holds: for timing. Raises
        MemoryError."""
        self.tokens = [0] * length
        for table in self.tables:
            table.assume(length)

    def abandon(self) -> None:
        """The prepared step was not made."""
        for table in self.tables:
            table.abandon()

    def truncate(self, length: int) -> int:
        """Forgets the tokens from `length` on, and those before it too that a part cannot be without; the length it
        then has. `length` must not lie in a block that can be found."""
        length = min(length, len(self.tokens))
        while (lowest := min((table.rewind(length) for table in self.tables), default=length)) < length:
            length = lowest
        for table in self.tables:
            table.truncate(length)
        del self.tokens[length:], self.hashes[length // BLOCK_TOKENS :]
        if length <= self.private_from:
            self.private_from = sys.maxsize
        return length

    def draft_room(self) -> int:
        """How many tokens a step may read beyond the next one and forget again."""
        return min((table.room() for table in self.tables), default=sys.maxsize)

    def rewind_to(self, tokens: Sequence[int]) -> int:
        """Keeps the prefix it shares with `tokens`, except that the last of these is always computed; its length."""
        return self.truncate(min(common_prefix(self.tokens, tokens[:-1]), self.private_from))

    def commit(self) -> None:
        """Settles what the last step read: others may find the blocks that are full, and those that will not be read
        again are given back."""
        self.publish()
        self._expire()

    def publish(self, partial: bool = False) -> None:
        """Lets prompts that begin alike find the blocks that are full, or also the last."""
        end = min(len(self.tokens), self.private_from)
        while self.root and (rest := end - len(self.hashes) * BLOCK_TOKENS) > 0:
            if rest < BLOCK_TOKENS and not partial:
                break
            place = len(self.hashes)
            until = min((place + 1) * BLOCK_TOKENS, end)
            parent = self.hashes[-1] if self.hashes else self.root
            blocks = [table.block(place, until) for table in self.tables]
            key = self.prefix_cache.insert(parent, self.tokens[place * BLOCK_TOKENS : until], blocks)
            if rest < BLOCK_TOKENS:
                break
            self.hashes.append(key)
            if self._is_passing(until) and any(
                block != NO_BLOCK and not part.state.by_token
                for part, block in zip(self.prefix_cache.parts, blocks, strict=True)
            ):
                self.prefix_cache.withdraw(self._passing)
                self._passing = key

    def free(self) -> None:
        """Gives all blocks back. Those that were published can still be found."""
        self.truncate(0)

    def _borders(self, start: int, end: int) -> list[int]:
        """The lengths within a step at which states are kept: those that are wanted, some in between, and beyond the
        prompt the last."""
        last = min(end, self.private_from) // BLOCK_TOKENS * BLOCK_TOKENS
        borders = range((start // BLOCK_TOKENS + 1) * BLOCK_TOKENS, last + 1, BLOCK_TOKENS)
        return [b for b in borders if self._is_lasting(b) or (b == last and self._is_passing(b))]

    def _is_lasting(self, length: int) -> bool:
        """Whether a state there stays until memory is wanted."""
        return length in self.wanted or length % self.prefix_cache.snapshot_interval == 0

    def _is_passing(self, length: int) -> bool:
        """Whether a state there is of use until there is a later one."""
        return length > max(self.wanted, default=0) and not self._is_lasting(length)

    def _expire(self) -> None:
        for table in self.tables:
            table.expire(len(self.tokens) - self.take_back)
