"""Starts a model's replicas on the cluster that this process has joined."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ray
from ray import serve
from ray._private.state import available_resources_per_node
from ray.exceptions import RayError
from ray.serve.config import AutoscalingConfig, RequestRouterConfig
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from galop import store
from galop.backends.cluster.join import brief, hold_lease, join_cluster, last_line
from galop.backends.cluster.messages import ReplicaOrder
from galop.backends.cluster.plan import ClusterPlan
from galop.backends.cluster.replica import EngineReplica
from galop.backends.cluster.routing import NamedReplicaRouter
from galop.backends.load import LoadOptions
from galop.errors import ClusterError, NoRoomError, UnknownModelError
from galop.machine import default_threads
from galop.store import Source
from galop.terminal import note
from galop.version import __version__

if TYPE_CHECKING:
    from ray.serve.handle import DeploymentHandle

LOOK_SECONDS = 300.0  # for which a node may take to say what it has
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
    nodes = [node for node in ray.nodes() if node["Alive"]]
    largest = max((node["Resources"].get("CPU", 0) for node in nodes), default=0)
    if cpus > largest:
        raise ClusterError(
            f"a replica of {model} wants {cpus:g} processors and no node of the cluster has more than {largest:g}; "
            "say how many with --cpus"
        )
    looks = []
    for node in nodes:
        if node["Resources"].get("CPU", 0) >= cpus:
            there = NodeAffinitySchedulingStrategy(node["NodeID"], soft=False)
            look = ray.remote(look_around).options(num_cpus=0, max_retries=0, scheduling_strategy=there)
            looks.append((node["NodeManagerAddress"], look.remote(__version__, model)))
    for address, answer in looks:
        try:
            fault = ray.get(answer, timeout=LOOK_SECONDS)
        except TimeoutError:
            fault = f"does not answer within {LOOK_SECONDS:.0f} s; look at its logs, or take it out of the cluster"
        except RayError as error:
            missing = "No module named" in str(error)
            wanted = f"has no Galop {__version__} where its Ray runs; install it there: pip install 'galop[ray]'"
            fault = wanted if missing else f"cannot run Galop: {brief(error)}"
        if fault:
            raise ClusterError(f"the node {address} of the cluster {fault}")


def look_around(version: str, model: str) -> str:
    """On a node: what it lacks for a replica of a model, as the end of a sentence; "" for nothing."""
    if version != __version__:
        return f"has Galop {__version__} and this machine {version}; install the same on both"
    try:
        path = store.resolve(store.locate(model)).path
    except UnknownModelError:
        path = None
    return "" if path and path.exists() else f"has no {model}; run there: galop pull {model}"


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
