"""The machines whose lanes answer, as they are measured, and which of them are of one kind, so that times compare."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from galop.machine import available_memory, default_threads, processor
from galop.race.record import ContenderRecord, Line

ALIKE = 1.25  # times the memory bandwidth that machines of one kind may differ by: readings do so beside other programs
READ_BYTES = 256 << 20
READINGS = 5
READ_SECONDS = 1.0  # after which no further reading is begun


@dataclass(frozen=True)
class Machine:
    """A machine on which lanes compute."""

    processor: str
    threads: int = 0  # that a lane computes with; 0 where that was not recorded
    bandwidth: float = 0.0  # bytes per second read from memory; 0 where it was not measured
    memory: int = 0  # bytes that were available
    niceness: int = 0  # beside other programs
    node: str = ""  # its address in a cluster; "" for the machine of the race itself

    @property
    def kind(self) -> str:
        """What machines of one kind have in common, in words."""
        threads = f", {self.threads} thread{'s' if self.threads > 1 else ''}" if self.threads else ""
        return f"{self.processor}{threads}"

    def to_json(self) -> Line:
        """As a setup line of a record has it."""
        return asdict(self)

    @classmethod
    def of_setup(cls, setup: Line) -> Machine | None:
        """The one that a lane's setup names; None for what is behind an interface. Records of earlier versions have its
        processor alone."""
        if host := setup.get("host"):
            return cls(**host)
        return cls(setup["machine"], setup.get("threads", 0)) if setup.get("machine") else None


def measure_machine(threads: int = 0, node: str = "") -> Machine:
    """This one, now; `threads` are by default all that may be used."""
    import numpy as np

    from galop import native

    threads, memory = threads or default_threads(), available_memory()
    read, end, best = np.ones(min(READ_BYTES, memory // 8), np.uint8), time.monotonic() + READ_SECONDS, 0.0
    for _ in range(READINGS):  # of which the fastest is the least disturbed
        best = max(best, native.read_bandwidth(read, threads))
        if time.monotonic() > end:
            break
    niceness = os.nice(0) if hasattr(os, "nice") else 0
    return Machine(processor(), threads, best, memory, niceness, node)


def are_alike(a: Machine, b: Machine) -> bool:
    """Whether times on both compare: the same processor, threads and, but for ALIKE, memory bandwidth."""
    if a.processor != b.processor or (a.threads != b.threads and a.threads and b.threads):
        return False
    slow, fast = sorted((a.bandwidth, b.bandwidth))
    return not slow or fast <= ALIKE * slow


def group_machines(machines: Iterable[Machine]) -> list[list[Machine]]:
    """Machines by kind: within a group each is like its fastest. The largest is first, of equal ones the fastest."""
    groups: list[list[Machine]] = []
    for machine in sorted(machines, key=lambda m: -m.bandwidth):
        for group in groups:
            if are_alike(group[0], machine):
                group.append(machine)
                break
        else:
            groups.append([machine])
    return sorted(groups, key=lambda group: -len(group))


def choose_kind(machines: Sequence[Machine], timed: Iterable[Machine]) -> list[Machine]:
    """Those on which lanes may be timed: of one kind, that of most machines that `timed` answers before, else the most.

    A node that answered before is of its kind, however busy its memory is now. Empty where none is of that kind.
    """
    known = group_machines(merge_readings(timed))
    if known:
        return [m for m in machines if are_alike(m, known[0][0]) or any(is_same(m, other) for other in known[0])]
    groups = group_machines(machines)
    return groups[0] if groups else []


def is_same(a: Machine, b: Machine) -> bool:
    """Whether both are readings of one node."""
    return (a.node, a.kind) == (b.node, b.kind)


def merge_readings(machines: Iterable[Machine]) -> list[Machine]:
    """Each machine once, with the fastest reading of its memory, which is the least disturbed."""
    found: dict[tuple[str, str], Machine] = {}
    for machine in machines:
        key = machine.node, machine.kind
        if key not in found or found[key].bandwidth < machine.bandwidth:
            found[key] = machine
    return [found[key] for key in sorted(found)]


def machine_rows(contenders: Sequence[ContenderRecord]) -> list[dict[str, Any]]:
    """Each machine that answered, with how many answers of each contender are of it."""
    seen = [[m for i in c.answers if (m := Machine.of_setup(c.origins.get(i, {})))] for c in contenders]
    return [
        {**machine.to_json(), "kind": machine.kind, "answers": [sum(is_same(m, machine) for m in ms) for ms in seen]}
        for machine in merge_readings(m for ms in seen for m in ms)
    ]


def kinds_of(rows: Iterable[dict[str, Any]]) -> list[str]:
    """The kinds of machine among such rows, in words, each with the memory bandwidth of its fastest."""
    machines = [Machine(**{name: row[name] for name in Machine.__dataclass_fields__}) for row in rows]
    return [
        group[0].kind + (f", {group[0].bandwidth / 1e9:.1f} GB/s" if group[0].bandwidth else "")
        for group in group_machines(machines)
    ]
