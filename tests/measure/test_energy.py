"""Energy counters as the kernel lays them out: nested domains, overflow, no permission; a battery; a wall meter's CSV."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from galop.errors import GalopError
from galop.measure import energy


def zone(root: Path, name: str, of: str, microjoules: int, most: int = 262_143_328_850) -> Path:
    folder = root / "powercap" / name
    folder.mkdir(parents=True)
    for file, value in (("name", of), ("energy_uj", microjoules), ("max_energy_range_uj", most)):
        (folder / file).write_text(f"{value}\n")
    return folder / "energy_uj"


def test_packages_and_their_memory_are_added_and_nothing_twice(tmp_path: Path) -> None:
    package = zone(tmp_path, "intel-rapl:0", "package-0", 1_000_000)
    core = zone(tmp_path, "intel-rapl:0:0", "core", 500_000)
    dram = zone(tmp_path, "intel-rapl:0:2", "dram", 0)
    psys = zone(tmp_path, "intel-rapl:1", "psys", 9_000_000)
    meter = energy.find_meter(tmp_path)
    assert meter and meter.method == "RAPL" and "memory" in meter.covers
    for path, value in ((package, 4_000_000), (core, 3_000_000), (dram, 500_000), (psys, 99_000_000)):
        path.write_text(str(value))
    assert meter.joules() == pytest.approx(3.5)


def test_a_counter_that_begins_anew(tmp_path: Path) -> None:
    counter = zone(tmp_path, "intel-rapl:0", "package-0", 9_500_000, most=10_000_000)
    meter = energy.find_meter(tmp_path)
    assert meter
    for value in (500_000, 9_000_000, 1_000_000):
        counter.write_text(str(value))
        total = meter.joules()
    assert total == pytest.approx(0.5 + 0.5 + 8.5 + 1.0 + 1.0)


def test_where_there_is_no_meter_none_is_made_up(tmp_path: Path) -> None:
    assert energy.find_meter(tmp_path) is None
    counter = zone(tmp_path, "intel-rapl:0", "package-0", 1)
    counter.write_text("garbage")
    assert energy.find_meter(tmp_path) is None
    counter.write_text("1")
    if os.geteuid():
        counter.chmod(0)
        assert energy.find_meter(tmp_path) is None


def test_a_battery_counts_only_while_it_discharges(tmp_path: Path) -> None:
    gauge = tmp_path / "power_supply" / "BAT0"
    gauge.mkdir(parents=True)
    (gauge / "status").write_text("Charging\n")
    (gauge / "energy_now").write_text("50000000\n")
    assert energy.find_meter(tmp_path) is None
    (gauge / "status").write_text("Discharging\n")
    meter = energy.find_meter(tmp_path)
    assert meter and meter.method == "battery gauge"
    (gauge / "energy_now").write_text("49990000\n")
    assert meter.joules() == pytest.approx(36)
    (gauge / "energy_now").unlink()
    (gauge / "charge_now").write_text("1000000\n")
    (gauge / "voltage_now").write_text("12000000\n")
    meter = energy.find_meter(tmp_path)
    assert meter
    (gauge / "charge_now").write_text("999000\n")
    assert meter.joules() == pytest.approx(1e-3 * 3600 * 12)


def test_a_wall_meter_is_joined_by_time(tmp_path: Path) -> None:
    path = tmp_path / "wall.csv"
    path.write_text("time,watts\n1000,10\n1010,10\n1020,30\n")
    meter = energy.WallMeter(path)
    assert meter.joules_between(1002, 1007) == pytest.approx(50)
    assert meter.joules_between(1000, 1020) == pytest.approx(100 + 200)
    assert meter.joules_between(999, 1005) is None and meter.joules_between(1015, 1021) is None
    path.write_text("time,watts\n1970-01-01T00:16:40+00:00,10\n1970-01-01T00:16:50+00:00,10\n")
    assert energy.WallMeter(path).joules_between(1000, 1010) == pytest.approx(100)
    for wrong in ("t,w\n1,2\n", "time,watts\nyesterday,2\n", "time,watts\n2,1\n1,1\n", "time,watts\n1,\n"):
        path.write_text(wrong)
        with pytest.raises(GalopError, match="is no CSV with columns time and watts"):
            energy.WallMeter(path)
