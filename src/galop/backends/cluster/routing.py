"""Which replica answers: the one that has read the beginning of a prompt before, unless it has far more to do."""

from __future__ import annotations

import random
from collections import Counter, OrderedDict
from collections.abc import Sequence

from ray.serve.request_router import PendingRequest, RequestRouter, RunningReplica

from galop.engine.prefix_cache import block_hash
from galop.engine.states import BLOCK_TOKENS

MOST_BLOCKS = 1 << 18  # that are remembered: 8 million tokens in 50 MB
MOST_AHEAD = 16  # requests that a replica may have more than the least busy, for what it has read


class NamedReplicaRouter(RequestRouter):  # type: ignore[misc]
    """Sends a request to the replica that its argument `wanted` names, else to the less busy of two. Each gets the one
    that was chosen for it: Ray Serve's own order of arrival would give it to another that waits."""

    async def choose_replicas(
        self, candidate_replicas: list[RunningReplica], pending_request: PendingRequest | None = None
    ) -> list[list[RunningReplica]]:
        """The one that is wanted, then two others."""
        wanted = pending_request.kwargs.get("wanted") if pending_request else ""
        named = [replica for replica in candidate_replicas if replica.replica_id.unique_id == wanted]
        others = [replica for replica in candidate_replicas if replica not in named]
        two = random.sample(others, min(2, len(others)))
        return [rank for rank in (named, two) if rank]


class PrefixMap:
    """Which replica read which blocks of tokens last, as far as this door sent them."""

    def __init__(self) -> None:
        self._readers: OrderedDict[bytes, str] = OrderedDict()
        self.under_way: Counter[str] = Counter()  # requests, by replica

    def choose(self, client: str, tokens: Sequence[int]) -> str:
        """The replica that knows most of the tokens and has time; "" where none does."""
        known = [self._readers.get(key, "") for key in chain(client, tokens)]
        count = 0
        while count < len(known) and known[count]:
            count += 1
        reader = known[count - 1] if count else ""
        busy = self.under_way[reader] - min(self.under_way.values(), default=0)
        return reader if busy <= MOST_AHEAD else ""

    def note(self, client: str, tokens: Sequence[int], replica: str) -> None:
        """Remembers that a replica has read these tokens."""
        for key in chain(client, tokens):
            self._readers[key] = replica
            self._readers.move_to_end(key)
        while len(self._readers) > MOST_BLOCKS:
            self._readers.popitem(last=False)

    def forget(self, replica: str) -> None:
        """Forgets a replica that is gone."""
        self._readers = OrderedDict((key, name) for key, name in self._readers.items() if name != replica)
        del self.under_way[replica]


def chain(client: str, tokens: Sequence[int]) -> list[bytes]:
    """A hash for each full block, of all tokens up to its end and whose they are."""
    hashes, parent = [], client.encode()
    for end in range(BLOCK_TOKENS, len(tokens) + 1, BLOCK_TOKENS):
        parent = block_hash(parent, tokens[end - BLOCK_TOKENS : end])
        hashes.append(parent)
    return hashes
