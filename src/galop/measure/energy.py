"""Joules from a counter that is there: the processor's, a graphics card's, a battery's. Nothing is ever estimated."""

from __future__ import annotations

import csv
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from galop.errors import GalopError


class EnergyMeter(Protocol):
    """A counter of joules."""

    method: str  # what is read
    covers: str  # what it covers, and what not

    def joules(self) -> float:
        """Since the meter was made; never less than before."""


def find_meter(root: Path = Path("/sys/class")) -> EnergyMeter | None:
    """The best that can be read here; None where nothing can: a virtual machine, say, or without the right to."""
    return rapl(root / "powercap") or nvml() or battery(root / "power_supply")


@dataclass
class Counter:
    """A counter of microjoules that wraps around at `range`."""

    path: Path
    range: int
    last: int
    total: int = 0

    def read(self) -> int:
        """Microjoules since it was made; read often enough that it wraps around at most once in between."""
        now = int(self.path.read_text())
        self.total += now - self.last if now >= self.last else now + self.range - self.last
        self.last = now
        return self.total


class Rapl:
    """Domains lie inside one another: whole packages are added up, and their memory where it is counted apart."""

    def __init__(self, counters: list[Counter], memory: bool) -> None:
        self.method = "RAPL"
        self.covers = "the processor's packages" + (
            " and memory" if memory else "; not memory, disks, screen or power supply"
        )
        self._counters = counters

    def joules(self) -> float:
        """Since it was made."""
        return sum(counter.read() for counter in self._counters) / 1e6


def rapl(folder: Path) -> Rapl | None:
    """Intel's and AMD's counters (Linux powercap). Readable by root alone unless a rule allows more."""
    counters, memory = [], False
    try:
        for zone in sorted(folder.glob("intel-rapl:*")):
            name = (zone / "name").read_text().strip()
            # psys has the packages in it; core and uncore are in their package; dram is beside it.
            if name.startswith("package") or name == "dram":
                memory = memory or name == "dram"
                path = zone / "energy_uj"
                counters.append(Counter(path, int((zone / "max_energy_range_uj").read_text()), int(path.read_text())))
    except (OSError, ValueError):
        return None
    return Rapl(counters, memory) if counters else None


class Nvml:
    """The energy counters of NVIDIA's cards, added up."""

    def __init__(self, library: Any, cards: list[Any]) -> None:
        self.method = "NVML"
        self.covers = f"{len(cards)} graphics card(s); not the rest of the machine"
        self._library = library
        self._cards = cards
        self._first = self._read()

    def _read(self) -> float:
        return float(sum(self._library.nvmlDeviceGetTotalEnergyConsumption(card) for card in self._cards)) / 1e3

    def joules(self) -> float:
        """Since it was made."""
        return self._read() - self._first


def nvml() -> Nvml | None:
    """NVIDIA's cumulative counter (Volta and later); polled power would miss most of the time."""
    try:
        import pynvml

        pynvml.nvmlInit()
        cards = [pynvml.nvmlDeviceGetHandleByIndex(i) for i in range(pynvml.nvmlDeviceGetCount())]
        return Nvml(pynvml, cards) if cards else None
    except Exception:  # no package, no driver, no counter
        return None


class Battery:
    """A laptop's gauge while it discharges: the whole machine, in steps of some tens of joules."""

    def __init__(self, gauge: Path) -> None:
        self.method = "battery gauge"
        self.covers = "the whole machine, screen included, in the gauge's coarse steps; only while it discharges"
        self._gauge = gauge
        self._first = self._read()

    def _read(self) -> float:
        energy = self._gauge / "energy_now"  # microwatt-hours
        if energy.exists():
            return int(energy.read_text()) * 3600e-6
        charge, voltage = (int((self._gauge / name).read_text()) for name in ("charge_now", "voltage_now"))
        return charge * 3600e-6 * voltage * 1e-6  # microampere-hours

    def joules(self) -> float:
        """Since it was made."""
        return self._first - self._read()


def battery(folder: Path) -> Battery | None:
    """The first battery that discharges, if its gauge can be read."""
    try:
        for gauge in sorted(folder.glob("BAT*")):
            if (gauge / "status").read_text().strip() == "Discharging":
                return Battery(gauge)
    except (OSError, ValueError):
        pass
    return None


class WallMeter:
    """What a wall meter wrote: a CSV with columns time (ISO 8601 or Unix seconds) and watts."""

    def __init__(self, path: Path) -> None:
        """Raises GalopError for a file that is no such CSV."""
        self.method = f"wall meter ({path.name})"
        self.covers = "everything behind the plug"
        self._times: list[float] = []
        self._sums = [0.0]  # joules up to each time
        try:
            with path.open(encoding="utf-8-sig", newline="") as file:
                watts_before = 0.0
                for row in csv.DictReader(file):
                    time, watts = when(row["time"]), float(row["watts"])
                    if self._times:
                        if time < self._times[-1]:
                            raise ValueError("times go backwards")
                        self._sums.append(self._sums[-1] + (time - self._times[-1]) * (watts + watts_before) / 2)
                    self._times.append(time)
                    watts_before = watts
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise GalopError(f"{path} is no CSV with columns time and watts: {error}") from None

    def joules_between(self, begin: float, end: float) -> float | None:
        """Of two moments in Unix seconds; None where the meter did not see both."""
        if not self._times or begin < self._times[0] or end > self._times[-1]:
            return None
        return self._at(end) - self._at(begin)

    def _at(self, time: float) -> float:
        i = bisect_left(self._times, time)
        if self._times[i] == time:
            return self._sums[i]
        before, after = self._times[i - 1], self._times[i]
        return self._sums[i - 1] + (self._sums[i] - self._sums[i - 1]) * (time - before) / (after - before)


def when(text: str) -> float:
    """Unix seconds; a time without a zone is this machine's. Raises ValueError."""
    try:
        return float(text)
    except ValueError:
        return datetime.fromisoformat(text).timestamp()


def total(joules: Sequence[float | None]) -> float | None:
    """None unless all were measured."""
    return None if not joules or None in joules else sum(j for j in joules if j is not None)
