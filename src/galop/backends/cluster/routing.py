"""How Ray Serve sends a request to a replica: to the one that the door chose, if there is one."""

from __future__ import annotations

import random

from ray.serve.request_router import PendingRequest, RequestRouter, RunningReplica

from galop.backends.cluster import membership


class NamedReplicaRouter(RequestRouter):  # type: ignore[misc]
    """Sends a request to the replica that its argument `wanted` names, else to the less busy of two. Each gets the one
    that was chosen for it: Ray Serve's own order of arrival would give it to another that waits.

    Ray Serve pickles it by value, with the variables of this module, so what it notes is kept in another one."""

    def update_replicas(self, replicas: list[RunningReplica]) -> None:
        """Ray Serve tells which replicas there are."""
        super().update_replicas(replicas)
        membership.note(self._deployment_id.app_name, [replica.replica_id.unique_id for replica in replicas])

    async def choose_replicas(
        self, candidate_replicas: list[RunningReplica], pending_request: PendingRequest | None = None
    ) -> list[list[RunningReplica]]:
        """The one that is wanted, then two others."""
        wanted = pending_request.kwargs.get("wanted") if pending_request else ""
        named = [replica for replica in candidate_replicas if replica.replica_id.unique_id == wanted]
        others = [replica for replica in candidate_replicas if replica not in named]
        two = random.sample(others, min(2, len(others)))
        return [rank for rank in (named, two) if rank]
