"""Which replica has read the beginning of a prompt before, as far as this process sent it."""

from __future__ import annotations

import random
from collections import Counter, OrderedDict
from collections.abc import Sequence

from galop.engine.prefix_cache import block_hash
from galop.engine.states import BLOCK_TOKENS

MOST_BLOCKS = 1 << 18  # that are remembered: 8 million tokens in 50 MB
MOST_AHEAD = 16  # requests that a replica may have more than the least busy, for a conversation that it knows


class PrefixMap:
    """Which replica read which blocks of tokens last, as far as this door sent them."""

    def __init__(self) -> None:
        self._readers: OrderedDict[bytes, tuple[str, int]] = OrderedDict()  # and how many blocks were seen to follow
        self._lost = set[str]()
        self.under_way: Counter[str] = Counter()  # requests, by replica

    def choose(self, client: str, tokens: Sequence[int], replicas: Sequence[str]) -> str:
        """Of the replicas there are, the one that knows most of the tokens and has time, else one of the least busy; ""
        where there is none. What one conversation begins with, whose next turn this is, is worth a longer wait than
        what several prompts begin with: that is soon known to all, the sooner the less it is of them."""
        replicas = [name for name in replicas if name not in self._lost] or replicas
        if not replicas:
            return ""
        known, reader, following = 0, "", 0
        for key in chain(client, tokens):
            if key not in self._readers:
                break
            known, (reader, following) = known + BLOCK_TOKENS, self._readers[key]
        known = len(tokens) if following <= 1 else known
        least = min(self.under_way[name] for name in replicas)
        ahead = self.under_way[reader] - least
        if reader in replicas and ahead * len(tokens) <= MOST_AHEAD * known:
            return reader
        return random.choice([name for name in replicas if self.under_way[name] == least])

    def note(self, client: str, tokens: Sequence[int], replica: str) -> None:
        """Remembers that a replica has read these tokens."""
        before = b""
        for key in chain(client, tokens):
            following = self._readers.pop(key, None)
            if following is None and before:
                self._readers[before] = replica, self._readers[before][1] + 1
            self._readers[key] = replica, following[1] if following else 0
            before = key
        while len(self._readers) > MOST_BLOCKS:
            self._readers.popitem(last=False)

    def forget(self, replica: str) -> None:
        """Forgets what a replica has read that failed; it is chosen no more while there are others, until `trust`."""
        del self.under_way[replica]
        if replica not in self._lost:
            self._lost.add(replica)
            self._readers = OrderedDict((key, seen) for key, seen in self._readers.items() if seen[0] != replica)

    def trust(self, replica: str) -> None:
        """A replica answers."""
        self._lost.discard(replica)


def chain(client: str, tokens: Sequence[int]) -> list[bytes]:
    """A hash for each full block, of all tokens up to its end and whose they are."""
    hashes, parent = [], client.encode()
    for end in range(BLOCK_TOKENS, len(tokens) + 1, BLOCK_TOKENS):
        parent = block_hash(parent, tokens[end - BLOCK_TOKENS : end])
        hashes.append(parent)
    return hashes
