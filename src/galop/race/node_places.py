"""Which nodes of a Ray cluster a race takes, and for which of its contenders."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

import ray
from ray._private.state import available_resources_per_node

from galop.backends.cluster.nodes import ClusterNode, alive_nodes, ask_nodes
from galop.errors import ClusterError
from galop.race.contender import Contender
from galop.race.machines import Machine, choose_kind
from galop.race.nodes import NodeLook, RaceNode, look_at_node
from galop.race.place import LostPlaceError, Place
from galop.race.record import Record, RecordError
from galop.race.run import fits_memory, open_here
from galop.terminal import note
from galop.version import __version__

START_SECONDS = 120.0  # for which Ray may take to start a process on a node that nobody uses
WAIT_SECONDS = 30.0  # for which nodes that others use are waited for, where some are free


def open_nodes(record: Record, able: Sequence[int]) -> list[Place]:
    """The nodes of the joined cluster on which contenders are to be asked, and this machine for what is behind an
    interface. While times are compared, these are of one kind, and one of each machine.

    Raises ClusterError where some contender could be asked on none, RecordError where its times would not compare.
    """
    contenders = {index: Contender.parse(record.contenders[index].name) for index in able}
    names = {index: name_elsewhere(c) for index, c in contenders.items() if not (c.is_remote or c.url)}
    here = [index for index in able if index not in names]
    held: list[RaceNode] = []
    places: list[Place] = []
    try:
        if names:
            held += hold_nodes(look_around(record, names))
            machines = measure_nodes(held)
            if int(record.about["together"]) == 1:
                machines = choose_timed(record, held, machines)
            for node in held:
                if machine := machines.get(node.node.name):
                    places.append(make_place(record, node, machine, names))
                else:
                    node.close()
            check_all_asked(record, names, places)
        return places + ([open_here(record, here)] if here else [])
    except BaseException:
        for node in held:
            node.close()
        raise


def name_elsewhere(contender: Contender) -> str:
    """A contender's name for another machine: a path is absolute."""
    path = Path(contender.model)
    model = str(path.absolute()) if path.exists() else contender.model
    return f"{'vllm:' if contender.vllm else 'galop:'}{model}@{contender.strategy}"  # ollama:NAME alone is a server


def look_around(record: Record, names: Mapping[int, str]) -> list[tuple[ClusterNode, NodeLook]]:
    """The nodes that can ask some contender; what others lack is noted. Raises ClusterError where that is all."""
    nodes = [node for node in alive_nodes() if node.cpus >= 1]
    if not nodes:
        raise ClusterError("no node of the cluster has a processor; start some with: ray start --address HOST:PORT")
    shown = any(question.images for question in record.questions)
    found, lacks = [], list[str]()
    for node, look, fault in ask_nodes(nodes, look_at_node, __version__, names, shown):
        if fault or look.lack:
            lacks.append(f"the node {node.name} of the cluster {fault or look.lack}")
            continue
        lacks += [f"the node {node.name} of the cluster {lack}" for lack in look.lacks.values()]
        if look.needs:
            found.append((node, look))
    reachable = {index for _, look in found for index in look.needs}
    if missing := [index for index in names if index not in reachable]:
        name = record.contenders[missing[0]].name
        raise ClusterError(lacks[0] if len(lacks) == 1 else f"no node can ask {name}: {'; '.join(lacks)}")
    for lack in lacks:
        note(f"galop: {lack}; the race goes on with the others")
    return found


def hold_nodes(found: Sequence[tuple[ClusterNode, NodeLook]]) -> list[RaceNode]:
    """Takes nodes, waiting for those that others use. What is left out is noted."""
    idle = {id for id, free in available_resources_per_node().items() if free.get("CPU", 0) > 0}
    asked = [RaceNode(node, look) for node, look in found]
    pings = [node.actor.ping.remote() for node in asked]
    at_once = [ping for node, ping in zip(asked, pings, strict=True) if node.node.id in idle]
    try:
        if at_once:
            ray.wait(at_once, num_returns=len(at_once), timeout=START_SECONDS)
        free, _ = ray.wait(pings, num_returns=len(pings), timeout=WAIT_SECONDS)
        if not free:
            note("galop: no node of the cluster is free; waiting for one")
            while not free:
                free, _ = ray.wait(pings, num_returns=1, timeout=1)
            free, _ = ray.wait(pings, num_returns=len(pings), timeout=WAIT_SECONDS)
        held = []
        for node, ping in zip(asked, pings, strict=True):
            if ping not in free:
                note(f"galop: the node {node.node.name} is used by others; the race goes on without it")
                node.close()
                continue
            try:
                node.get(ping)
                held.append(node)
            except LostPlaceError as error:
                note(f"galop: {error}; the race goes on without it")
        return held
    except BaseException:
        for node in asked:
            node.close()
        raise


def measure_nodes(held: Sequence[RaceNode]) -> dict[str, Machine]:
    """What the nodes are, by name; those of one machine are measured one after the other."""
    hosts = defaultdict[str, list[RaceNode]](list)
    for node in held:
        hosts[node.look.host].append(node)
    found: dict[str, Machine] = {}
    for turn in range(max(map(len, hosts.values()), default=0)):
        turns = [nodes[turn] for nodes in hosts.values() if turn < len(nodes)]
        asked = [node.actor.measure.remote(node.node.cpus, node.node.name) for node in turns]
        for node, result in zip(turns, asked, strict=True):
            try:
                found[node.node.name] = node.get(result)
            except LostPlaceError as error:
                note(f"galop: {error}; the race goes on without it")
    return found


def choose_timed(record: Record, held: Sequence[RaceNode], machines: Mapping[str, Machine]) -> dict[str, Machine]:
    """The nodes on which lanes may be timed: one of each machine, and all of one kind, that of the answers so far.

    Raises RecordError where there are none of that kind.
    """
    by_host: dict[str, Machine] = {}
    for node in held:
        if (machine := machines.get(node.node.name)) and (
            node.look.host not in by_host or machine.threads > by_host[node.look.host].threads
        ):
            by_host[node.look.host] = machine
    single = list(by_host.values())
    before = [m for c in record.contenders for s in c.origins.values() if (m := Machine.of_setup(s))]
    chosen = choose_kind(single, before)
    if single and not chosen:
        raise RecordError(
            f"{record.folder} was timed on {before[0].kind}, and no node of the cluster is of that kind; take another "
            "--out, or ask several at once (--together), which compares no times"
        )
    for machine in machines.values():
        if machine not in chosen:
            why = "of another kind" if machine in single else "on the same machine as another"
            note(
                f"galop: the node {machine.node} ({machine.kind}, {machine.bandwidth / 1e9:.1f} GB/s) is {why}, so it "
                "is left out while times are compared; --together 8 asks all nodes"
            )
    return {machine.node: machine for machine in chosen}


def make_place(record: Record, node: RaceNode, machine: Machine, names: Mapping[int, str]) -> Place:
    """A node as the place of the contenders that it can ask."""
    needs, together = node.look.needs, int(record.about["together"])
    return Place(
        {index for index in names if index in needs}, fits_memory(sum(needs.values()), node.look.memory),
        lambda index, context: node.open(names[index], together, machine.threads, context), machine, node.close,
    )  # fmt: skip


def check_all_asked(record: Record, names: Mapping[int, str], places: Sequence[Place]) -> None:
    """Raises ClusterError for a contender that no place can ask."""
    for index in names:
        if not any(index in place.able for place in places):
            raise ClusterError(
                f"no node that is free and of the kind that is timed can ask {record.contenders[index].name}; leave it "
                "out, or wait"
            )
