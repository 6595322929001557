"""What this machine has: cores that may be used, memory, directories."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import platform
import sys
from pathlib import Path


def default_threads() -> int:
    """Cores this process may run on, and no more than its cgroups' quotas pay for."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min([cores, *processor_quotas()]))


def cgroup_folders(controller: str, root: Path = Path("/")) -> list[Path]:
    """Folders of the cgroups that hold this process, from its own to the outermost that can be seen, of version 2 and
    of version 1's `controller` (cgroups(7)). `root` is where /proc and /sys are."""
    folders = list[Path]()
    try:
        mounts = [line.split(" - ") for line in (root / "proc/self/mountinfo").read_text().splitlines()]
        groups = [line.split(":", 2) for line in (root / "proc/self/cgroup").read_text().splitlines()]
    except OSError:
        return []
    for mount, source in (pair for pair in mounts if len(pair) == 2):
        kind, _, options = source.split(" ", 2)
        top, point = mount.split()[3:5]
        newer = kind == "cgroup2"
        if not newer and (kind != "cgroup" or controller not in options.split(",")):
            continue
        for _, controllers, path in (group for group in groups if len(group) == 3):
            if controllers == "" if newer else controller in controllers.split(","):
                inside = os.path.relpath(path, top)  # a container sees its own cgroup as the outermost
                outermost = root / point.lstrip("/")
                folder = outermost if inside.startswith("..") else outermost / inside
                folders += [folder, *(above for above in folder.parents if above.is_relative_to(outermost))]
    return folders


def processor_quotas(root: Path = Path("/")) -> list[int]:
    """Whole processors that each cgroup of this process with a quota may use, one at least."""
    quotas = []
    for folder in cgroup_folders("cpu", root):
        with contextlib.suppress(OSError, ValueError, ZeroDivisionError):
            if (newer := folder / "cpu.max").exists():
                quota, period = newer.read_text().split()
            else:
                quota, period = ((folder / f"cpu.cfs_{name}_us").read_text().strip() for name in ("quota", "period"))
            if quota not in ("max", "-1"):
                quotas.append(max(1, int(quota) // int(period)))
    return quotas


def memory_left(root: Path = Path("/")) -> list[int]:
    """Bytes that each cgroup of this process with a limit leaves; cached files give way and do not count."""
    left = []
    for folder in cgroup_folders("memory", root):
        newer = (folder / "memory.current").exists()
        limit, usage, cached = (
            ("memory.max", "memory.current", "inactive_file") if newer
            else ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
        )  # fmt: skip
        with contextlib.suppress(OSError, ValueError):
            most = (folder / limit).read_text().strip()
            used = int((folder / usage).read_text())
            for line in (folder / "memory.stat").read_text().splitlines():
                if line.startswith(f"{cached} "):
                    used -= int(line.split()[1])
            if most != "max":
                left.append(max(0, int(most) - used))
    return left


def processor() -> str:
    """What the processor calls itself."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def available_memory() -> int:
    """Bytes a new model may take: free memory, or what its cgroups leave, whichever is least."""
    free = 8 << 30
    try:
        for line in Path("/proc/meminfo").read_text().splitlines():
            if line.startswith("MemAvailable:"):
                free = int(line.split()[1]) << 10
    except OSError:
        if sys.platform == "darwin":
            free = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 4 * 3
    return min([free, *memory_left()])


def keep_freed_memory() -> None:
    """Has glibc keep what is freed: the pages of large arrays, given back and faulted in again, cost a tenth."""
    m_trim_threshold, m_mmap_max = -1, -4
    _tell_allocator({m_mmap_max: 0, m_trim_threshold: -1})


def share_arenas() -> None:
    """Has glibc's threads share two heaps: with one for each, what lies unused in between grows while a server runs
    (33 MiB in 20,000 mutated requests, with two 4)."""
    m_arena_max = -8
    _tell_allocator({m_arena_max: 2})


def _tell_allocator(options: dict[int, int]) -> None:
    with contextlib.suppress(OSError):  # another C library
        libc = ctypes.CDLL("libc.so.6")
        for option, value in options.items():
            libc.mallopt(option, value)


def peak_memory() -> int:
    """The most bytes this process has had in memory so far."""
    try:
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) << 10
    except OSError:
        pass
    try:
        import resource
    except ImportError:
        return 0
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak << 10


def _directory(variable: str, fallback: str) -> Path:
    root = os.environ.get(variable)
    return (Path(root) if root and Path(root).is_absolute() else Path.home() / fallback) / "galop"


def cache_directory() -> Path:
    """Packs and the KV cache on disk: rebuilt when missing."""
    return _directory("XDG_CACHE_HOME", ".cache")


def config_directory() -> Path:
    """What a person has set: keys of the server's users."""
    return _directory("XDG_CONFIG_HOME", ".config")


def data_directory() -> Path:
    """Weights from packages, conversations, history."""
    return _directory("XDG_DATA_HOME", ".local/share")


def is_disk_full(error: OSError) -> bool:
    """Or its user's share of the disk, or a file as long as it may be."""
    return error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def private_folder(path: Path) -> Path:
    """A folder for what was said: its owner's alone, whatever the umask, and if it is there already."""
    _make_folders(path)
    if path.stat().st_mode & 0o077:
        with contextlib.suppress(PermissionError):  # another's
            path.chmod(0o700)
    return path


def _make_folders(path: Path) -> None:
    if not path.parent.is_dir():
        _make_folders(path.parent)
    path.mkdir(mode=0o700, exist_ok=True)


def private(path: str, flags: int) -> int:
    """An opener, for files of what was said: their owner's alone from the first byte, and if they are there already."""
    descriptor = os.open(path, flags, 0o600)
    if os.fstat(descriptor).st_mode & 0o077:
        with contextlib.suppress(PermissionError, AttributeError):  # another's; Windows
            os.fchmod(descriptor, 0o600)
    return descriptor
