"""What cgroups leave a process, read from files as the kernel and container engines write them."""

from __future__ import annotations

from pathlib import Path

import pytest

from galop.machine import memory_left, processor_quotas

GIB = 1 << 30
V2 = "30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate"
V1 = "\n".join(
    f"{30 + n} 23 0:{26 + n} %s /sys/fs/cgroup/{names} rw shared:{n} - cgroup cgroup rw,{names}"
    for n, names in enumerate(("cpu,cpuacct", "memory"))
)


def machine(root: Path, mounts: str, groups: str, **files: str) -> Path:
    """A root with these mounts and groups, and files below /sys/fs/cgroup by their paths."""
    (root / "proc/self").mkdir(parents=True)
    (root / "proc/self/mountinfo").write_text(mounts + "\n")
    (root / "proc/self/cgroup").write_text(groups + "\n")
    for name, text in files.items():
        path = root / "sys/fs/cgroup" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text + "\n")
    return root


def memory_v2(folder: str, limit: str, used: int, cached: int) -> dict[str, str]:
    return {
        f"{folder}memory.max": limit, f"{folder}memory.current": str(used),
        f"{folder}memory.stat": f"anon 5\ninactive_file {cached}",
    }  # fmt: skip


def memory_v1(folder: str, limit: int, used: int, cached: int) -> dict[str, str]:
    folder = f"memory/{folder}"
    return {
        f"{folder}memory.limit_in_bytes": str(limit), f"{folder}memory.usage_in_bytes": str(used),
        f"{folder}memory.stat": f"inactive_file 1\ntotal_inactive_file {cached}",
    }  # fmt: skip


def quota_v1(folder: str, quota: int) -> dict[str, str]:
    folder = f"cpu,cpuacct/{folder}"
    return {f"{folder}cpu.cfs_quota_us": str(quota), f"{folder}cpu.cfs_period_us": "100000"}


def test_a_container_of_version_2_has_its_limits_at_the_top(tmp_path: Path) -> None:
    files = {"cpu.max": "350000 100000", **memory_v2("", str(4 * GIB), 2 * GIB, GIB)}
    root = machine(tmp_path, V2, "0::/", **files)
    assert processor_quotas(root) == [3]
    assert memory_left(root) == [3 * GIB]


def test_a_service_has_the_limits_of_its_own_group_and_those_above(tmp_path: Path) -> None:
    files = {
        "system.slice/galop.service/cpu.max": "50000 100000", "system.slice/cpu.max": "max 100000",
        **memory_v2("system.slice/galop.service/", "max", GIB, 0), **memory_v2("system.slice/", str(8 * GIB), GIB, 0),
    }  # fmt: skip
    root = machine(tmp_path, V2, "0::/system.slice/galop.service", **files)
    assert processor_quotas(root) == [1]  # half a processor still takes one thread
    assert memory_left(root) == [7 * GIB]


@pytest.mark.parametrize("top", ["/", "/docker/1f"])
def test_a_container_of_version_1(tmp_path: Path, top: str) -> None:
    """Either the whole tree is seen, or its own group is the outermost, under the name that it has outside."""
    below = "docker/1f/" if top == "/" else ""
    files = {**quota_v1(below, 200_000), **memory_v1(below, 2 * GIB, 2 * GIB, GIB // 2)}
    groups = "9:name=systemd:/docker/1f\n4:memory:/docker/1f\n1:cpu,cpuacct:/docker/1f\n0::/docker/1f"
    root = machine(tmp_path, V1.replace("%s", top), groups, **files)
    assert processor_quotas(root) == [2]
    assert memory_left(root) == [GIB // 2]


def test_without_limits_nothing_is_left_out(tmp_path: Path) -> None:
    files = {**quota_v1("", -1), **memory_v1("", 9223372036854771712, GIB, 0)}
    root = machine(tmp_path, V1.replace("%s", "/"), "4:memory:/\n1:cpu,cpuacct:/\n0::/", **files)
    assert processor_quotas(root) == []
    assert memory_left(root) == [9223372036854771712 - GIB]  # more than any machine has
    nothing = machine(tmp_path / "bare", "1 0 8:1 / / rw - ext4 /dev/vda rw", "")
    assert processor_quotas(nothing) == memory_left(nothing) == []


@pytest.mark.parametrize("text", ["", "max", "x y", "100000 0"])
def test_files_that_say_nothing_sensible_limit_nothing(tmp_path: Path, text: str) -> None:
    root = machine(tmp_path, V2, "0::/", **{"cpu.max": text, **memory_v2("", text, GIB, 0)})
    assert processor_quotas(root) == memory_left(root) == []
