"""The nodes of the joined cluster, and what each says when it is asked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import ray
from ray.exceptions import RayError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from galop import store
from galop.backends.cluster.join import brief
from galop.errors import UnknownModelError
from galop.version import __version__

LOOK_SECONDS = 300.0  # for which a node may take to say what it has


@dataclass(frozen=True)
class ClusterNode:
    """A node that is there."""

    id: str
    name: str  # its address, with a part of its id where several have the same
    cpus: float

    @property
    def strategy(self) -> NodeAffinitySchedulingStrategy:
        """By which Ray runs something there and nowhere else."""
        return NodeAffinitySchedulingStrategy(self.id, soft=False)


def alive_nodes() -> list[ClusterNode]:
    """All of the cluster, in the order of their addresses."""
    nodes = [node for node in ray.nodes() if node["Alive"]]
    same = Counter(node["NodeManagerAddress"] for node in nodes)
    found = []
    for node in nodes:
        id, address = node["NodeID"], node["NodeManagerAddress"]
        name = address if same[address] == 1 else f"{address}/{id[:6]}"
        found.append(ClusterNode(id, name, node["Resources"].get("CPU", 0)))
    return sorted(found, key=lambda node: node.name)


def ask_nodes(nodes: Sequence[ClusterNode], look: Callable[..., Any], *args: Any) -> list[tuple[ClusterNode, Any, str]]:
    """What `look` says on each node, and what is wrong with a node that says nothing, as the end of a sentence. A node
    that dies meanwhile is left out."""
    asked = [
        ray.remote(look).options(num_cpus=0, max_retries=0, scheduling_strategy=node.strategy).remote(*args)
        for node in nodes
    ]
    found: list[tuple[ClusterNode, Any, str]] = []
    for node, answer in zip(nodes, asked, strict=True):
        try:
            found.append((node, ray.get(answer, timeout=LOOK_SECONDS), ""))
        except TimeoutError:
            fault = f"does not answer within {LOOK_SECONDS:.0f} s; look at its logs, or take it out of the cluster"
            found.append((node, None, fault))
        except RayError as error:
            if node.id not in {one.id for one in alive_nodes()}:
                continue  # it was lost meanwhile
            missing = "No module named" in str(error)
            wanted = f"has no Galop {__version__} where its Ray runs; install it there: pip install 'galop[ray]'"
            found.append((node, None, wanted if missing else f"cannot run Galop: {brief(error)}"))
    return found


def tell_version(version: str) -> str:
    """On a node: what it lacks where it has another version than the one that asks; "" for nothing."""
    return "" if version == __version__ else (
        f"has Galop {__version__} and this machine {version}; install the same on both"
    )  # fmt: skip


def tell_missing(model: str) -> str:
    """On a node: that it has no such model, as the end of a sentence; "" if it has."""
    try:
        path = store.resolve(store.locate(model)).path
    except UnknownModelError:
        path = None
    return "" if path and path.exists() else f"has no {model}; run there: galop pull {model}"
