"""A node of a Ray cluster in a race: it is taken whole, and runs the processes that one machine would.

An actor on the node stands between: it starts a `ContenderProcess` for each contender there and passes lines on.
"""

from __future__ import annotations

import hashlib
import socket
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import ray
from ray.exceptions import RayError, RayTaskError

from galop import store
from galop.backends.cluster.join import brief
from galop.backends.cluster.nodes import ClusterNode, tell_missing, tell_version
from galop.errors import GalopError
from galop.machine import available_memory, default_threads
from galop.race.contender import Contender
from galop.race.contender_process import ContenderProcess
from galop.race.machines import Machine, measure_machine
from galop.race.place import LostPlaceError
from galop.race.record import Line
from galop.race.run import check_contender, contender_bytes

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


@dataclass(frozen=True)
class NodeLook:
    """What a node says before a race; contenders go by their numbers."""

    lack: str = ""  # for whose sake it can take no part
    host: str = ""  # its machine, which several nodes may have in common
    memory: int = 0  # bytes that are available
    needs: Mapping[int, int] = field(default_factory=dict)  # bytes of each contender that it can ask
    lacks: Mapping[int, str] = field(default_factory=dict)  # what is wrong with the others


def look_at_node(version: str, names: Mapping[int, str], shown: bool) -> NodeLook:
    """On a node: which of the contenders it can ask, about pictures if they are `shown`."""
    if lack := tell_version(version):
        return NodeLook(lack)
    needs, lacks = {}, {}
    for index, name in names.items():
        contender = Contender.parse(name)
        try:
            if lack := tell_missing(contender.model):
                lacks[index] = lack
                continue
            check_contender(contender, store.resolve(store.locate(contender.model)), shown)
            needs[index] = contender_bytes(contender)
        except GalopError as error:
            lacks[index] = f"cannot ask {name}: {error}"
    host = BOOT_ID.read_text().strip() if BOOT_ID.exists() else socket.gethostname()
    return NodeLook("", host, available_memory(), needs, lacks)


class NodeActor:
    """On a node, of which it holds all processors: starts processes and passes lines on. They go by keys."""

    def __init__(self) -> None:
        self._processes: dict[int, ContenderProcess] = {}
        self._folder = TemporaryDirectory(prefix="galop-race")  # of pictures

    def ping(self) -> None:
        """Nothing: it is there."""

    def measure(self, cpus: float, node: str) -> Machine:
        """The machine, with as many threads as the node has processors."""
        return measure_machine(max(1, min(default_threads(), int(cpus))), node)

    def start(self, key: int, name: str, together: int, threads: int, context: int) -> None:
        """Starts a contender's process."""
        self._processes[key] = ContenderProcess(name, together, threads, context)

    def wait_ready(self, key: int) -> Line:
        """See `ContenderProcess`. Raises ContenderError."""
        return self._processes[key].wait_ready()

    def ask(self, key: int, question: Line, pictures: Sequence[tuple[str, str, bytes]]) -> None:
        """Sends a question with its pictures: names, endings and bytes."""
        listed = []
        for name, ending, data in pictures:
            path = Path(self._folder.name) / f"{hashlib.sha256(data).hexdigest()}{ending}"
            if not path.exists():
                path.write_bytes(data)
            listed.append([name, str(path)])
        self._processes[key].ask(question | {"pictures": listed})

    def receive(self, key: int) -> Line:
        """The next answer. Raises ContenderError if the process has ended."""
        return self._processes[key].receive()

    def stop(self, key: int) -> None:
        """Ends a process."""
        self._processes.pop(key).stop()


class RaceNode:
    """A node that is held for a race."""

    def __init__(self, node: ClusterNode, look: NodeLook) -> None:
        self.node, self.look = node, look
        options = {"num_cpus": node.cpus, "max_restarts": 0, "scheduling_strategy": node.strategy}
        self.actor: Any = ray.remote(NodeActor).options(**options).remote()
        self._keys = count()

    def call(self, method: str, *args: Any) -> Any:
        """What the actor's method returns. Raises what `get` raises."""
        return self.get(getattr(self.actor, method).remote(*args))

    def get(self, result: Any) -> Any:
        """What a call of the actor has come to. Raises LostPlaceError, and what the method raises of ours."""
        try:
            return ray.get(result)
        except RayTaskError as error:
            if isinstance(error.cause, GalopError):
                raise error.cause from None
            raise LostPlaceError(f"the node {self.node.name} failed: {brief(error)}") from None
        except RayError:
            raise LostPlaceError(f"the node {self.node.name} was lost") from None

    def open(self, name: str, together: int, threads: int, context: int) -> NodeProcess:
        """A contender's process there. Raises LostPlaceError."""
        key = next(self._keys)
        self.call("start", key, name, together, threads, context)
        return NodeProcess(self, key)

    def close(self) -> None:
        """Gives the node back, and ends what runs there."""
        with suppress(Exception):
            ray.kill(self.actor)


class NodeProcess:
    """A contender's process on a node; all of its methods raise LostPlaceError."""

    def __init__(self, node: RaceNode, key: int) -> None:
        self._node, self._key = node, key

    def wait_ready(self) -> Line:
        """What the contender turned out to be. Raises ContenderError."""
        setup: Line = self._node.call("wait_ready", self._key)
        return setup

    def ask(self, question: Line) -> None:
        """Sends a question, and its pictures with it."""
        pictures = [(name, Path(path).suffix, Path(path).read_bytes()) for name, path in question["pictures"]]
        self._node.call("ask", self._key, question, pictures)

    def receive(self) -> Line:
        """The next answer. Raises ContenderError if the process has ended."""
        line: Line = self._node.call("receive", self._key)
        return line

    def stop(self) -> None:
        """Has it ended before its node does anything else; nothing happens where its node is lost."""
        with suppress(RayError):
            self._node.actor.stop.remote(self._key)
