"""Where a model's replicas are to run, and how many. It imports no Ray."""

from __future__ import annotations

from dataclasses import dataclass

NAMESPACE = "galop"  # of Ray's, in which names are Galop's own


@dataclass(frozen=True)
class ClusterPlan:
    """Where replicas are to run, and how many."""

    address: str  # of the cluster; "local" for one of this machine's own
    least: int = 1
    most: int = 1
    cpus: float = 0  # of each; 0 for all of a machine's
