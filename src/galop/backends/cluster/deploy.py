"""Starts a model's replicas on the cluster that this process has joined."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ray import serve
from ray._private.state import available_resources_per_node
from ray.exceptions import RayError
from ray.serve.config import AutoscalingConfig, RequestRouterConfig

from galop.backends.cluster.join import brief, hold_lease, join_cluster, last_line
from galop.backends.cluster.messages import ReplicaOrder
from galop.backends.cluster.nodes import alive_nodes, ask_nodes, tell_missing, tell_version
from galop.backends.cluster.plan import ClusterPlan
from galop.backends.cluster.replica import EngineReplica
from galop.backends.cluster.routing import NamedReplicaRouter
from galop.backends.load import LoadOptions
from galop.errors import ClusterError, NoRoomError
from galop.machine import default_threads
from galop.store import Source
from galop.terminal import note
from galop.version import __version__

if TYPE_CHECKING:
    from ray.serve.handle import DeploymentHandle

DRAIN_SECONDS = 600  # for which a replica that is to go may finish what it has begun


@dataclass(frozen=True)
class Deployment:
    """A model's replicas under Ray Serve."""

    app: str
    handle: DeploymentHandle[Any]


def deploy(
    source: Source, digest: bytes, plan: ClusterPlan, parallel: int, queue: int, options: LoadOptions,
    stopped: Callable[[], bool] = lambda: False, patient: bool = True,
) -> Deployment:  # fmt: skip
    """Replicas of a model, once the first is ready.

    `digest` is the model's; `stopped` is asked while it waits. Raises ClusterError where none gets ready; NoRoomError
    where there is no room for one and it is not `patient`.
    """
    join_cluster(plan.address)
    name = str(source.path.absolute()) if source.path and source.path == Path(source.name) else source.name
    cpus = plan.cpus or options.get("threads") or default_threads()
    _check_nodes(name, cpus)
    plain = "".join(c if c.isalnum() or c in "-_." else "-" for c in source.name)
    app = f"galop-{plain}-{secrets.token_hex(4)}"  # another door's replicas of it are its own
    room = sum(int(free.get("CPU", 0) / cpus + 1e-6) for free in available_resources_per_node().values())
    if room < plan.least:
        if not room and not patient:
            raise NoRoomError(f"the cluster has no room for {source.name}")
        note(
            f"the cluster has no room yet for {plan.least} of {source.name} with {cpus:g} processors each; waiting "
            "(fewer: --replicas, --cpus)"
        )
    scaled = AutoscalingConfig(min_replicas=plan.least, max_replicas=plan.most, target_ongoing_requests=parallel / 2)
    deployment = serve.deployment(EngineReplica, name="engine").options(
        num_replicas=None if plan.most > plan.least else plan.least,
        autoscaling_config=scaled if plan.most > plan.least else None,
        ray_actor_options={"num_cpus": cpus},
        max_ongoing_requests=parallel + queue,
        request_router_config=RequestRouterConfig(request_router_class=NamedReplicaRouter),
        health_check_period_s=1,
        health_check_timeout_s=30,
        graceful_shutdown_timeout_s=DRAIN_SECONDS,
    )
    threads = options.get("threads") or max(1, int(cpus))
    order = ReplicaOrder(name, digest, parallel, queue, {**options, "threads": threads}, hold_lease())
    try:
        serve.start(proxy_location="Disabled")
        target = serve.RunTarget(deployment.bind(order), name=app, route_prefix=None)
        [handle] = serve.run_many([target], wait_for_applications_running=False)
        _wait_until_running(app, source.name, stopped)
    except BaseException as error:
        end(app)
        if isinstance(error, RayError):
            raise ClusterError(f"no replica of {source.name} could be started: {brief(error)}") from None
        raise
    return Deployment(app, handle)


def end(app: str, seconds: float = 0) -> None:
    """Has replicas taken away when they have ended what they are doing, and waits so long at most until they are."""
    deadline = time.monotonic() + seconds
    with suppress(Exception):
        serve.delete(app, _blocking=False)
        while time.monotonic() < deadline and app in serve.status().applications:
            time.sleep(0.1)


def _check_nodes(model: str, cpus: float) -> None:
    """Asks each node on which a replica could be started what it has. Raises ClusterError where that is not enough."""
    nodes = alive_nodes()
    largest = max((node.cpus for node in nodes), default=0)
    if cpus > largest:
        raise ClusterError(
            f"a replica of {model} wants {cpus:g} processors and no node of the cluster has more than {largest:g}; "
            "say how many with --cpus"
        )
    large = [node for node in nodes if node.cpus >= cpus]
    for node, lack, fault in ask_nodes(large, look_around, __version__, model):
        if fault := fault or lack or "":
            raise ClusterError(f"the node {node.name} of the cluster {fault}")


def look_around(version: str, model: str) -> str:
    """On a node: what it lacks for a replica of a model, as the end of a sentence; "" for nothing."""
    return tell_version(version) or tell_missing(model)


def _wait_until_running(app: str, model: str, stopped: Callable[[], bool]) -> None:
    """Waits for the first. Raises ClusterError where they do not start, or need not start any more."""
    while True:
        told = serve.status().applications.get(app)
        if told and any(d.replica_states.get("RUNNING") for d in told.deployments.values()):
            return
        if told and told.status == "DEPLOY_FAILED":
            why = [d.message for d in told.deployments.values() if d.status == "DEPLOY_FAILED" and d.message]
            raise ClusterError(f"no replica of {model} could be started: {last_line((why or [told.message])[0])}")
        if stopped():
            raise ClusterError(f"{model} was given up before its replicas had started")
        time.sleep(0.2)
