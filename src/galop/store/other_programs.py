"""Models that Ollama and LM Studio have on this machine; they are read in place and never copied."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any


def ollama_folder() -> Path:
    """Where Ollama keeps its models; OLLAMA_MODELS names another place."""
    return Path(os.environ.get("OLLAMA_MODELS") or Path.home() / ".ollama" / "models")


def ollama_models() -> Iterator[tuple[str, Path, Path | None]]:
    """(name, weights, file of the vision tower or None) of each model Ollama has pulled; a manifest that names no
    weights is passed over."""
    manifests = ollama_folder() / "manifests"
    for manifest in sorted(manifests.glob("*/*/*/*")):
        host, owner, name, tag = manifest.relative_to(manifests).parts
        try:
            layers = json.loads(manifest.read_text("utf-8"))["layers"]
            weights, towers = (_blobs(layers, kind) for kind in ("model", "projector"))
            if len(weights) != 1:
                continue
        except (OSError, ValueError, KeyError, TypeError):
            continue
        prefix = "" if (host, owner) == ("registry.ollama.ai", "library") else f"{owner}/"
        yield f"{prefix}{name}:{tag}", weights[0], towers[0] if len(towers) == 1 else None


def _blobs(layers: Any, kind: str) -> list[Path]:
    """The files of a manifest's layers of a kind, those that are there. Raises KeyError, TypeError."""
    digests = [str(layer["digest"]) for layer in layers if layer["mediaType"] == f"application/vnd.ollama.image.{kind}"]
    named = [d.replace(":", "-") for d in digests if re.fullmatch(r"sha256:[0-9a-f]{64}", d)]
    return [blob for name in named if (blob := ollama_folder() / "blobs" / name).is_file()]


def lmstudio_models() -> Iterator[tuple[str, Path, Path | None]]:
    """(publisher/repository/file, path, None) of each GGUF file in LM Studio's folder."""
    for folder in (Path.home() / ".lmstudio" / "models", Path.home() / ".cache" / "lm-studio" / "models"):
        for path in sorted(folder.glob("*/*/*.gguf")):
            if "mmproj" not in path.name.lower() and not re.search(r"-0000[2-9]-of-|-000[1-9]\d-of-", path.name):
                yield "/".join(path.relative_to(folder).parts).removesuffix(".gguf"), path, None
