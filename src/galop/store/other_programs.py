"""Models that Ollama and LM Studio have on this machine; they are read in place and never copied."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path


def ollama_folder() -> Path:
    """Where Ollama keeps its models; OLLAMA_MODELS names another place."""
    return Path(os.environ.get("OLLAMA_MODELS") or Path.home() / ".ollama" / "models")


def ollama_models() -> Iterator[tuple[str, Path]]:
    """(name, weights) of each model Ollama has pulled; a manifest that names no weights is passed over."""
    manifests = ollama_folder() / "manifests"
    for manifest in sorted(manifests.glob("*/*/*/*")):
        host, owner, name, tag = manifest.relative_to(manifests).parts
        try:
            layers = json.loads(manifest.read_text("utf-8"))["layers"]
            digests = [d["digest"] for d in layers if d["mediaType"] == "application/vnd.ollama.image.model"]
            if len(digests) != 1 or not re.fullmatch(r"sha256:[0-9a-f]{64}", str(digests[0])):
                continue
            blob = ollama_folder() / "blobs" / digests[0].replace(":", "-")
            if not blob.is_file():
                continue
        except (OSError, ValueError, KeyError, TypeError):
            continue
        prefix = "" if (host, owner) == ("registry.ollama.ai", "library") else f"{owner}/"
        yield f"{prefix}{name}:{tag}", blob


def lmstudio_models() -> Iterator[tuple[str, Path]]:
    """(publisher/repository/file, path) of each GGUF file in LM Studio's folder."""
    for folder in (Path.home() / ".lmstudio" / "models", Path.home() / ".cache" / "lm-studio" / "models"):
        for path in sorted(folder.glob("*/*/*.gguf")):
            if "mmproj" not in path.name.lower() and not re.search(r"-0000[2-9]-of-|-000[1-9]\d-of-", path.name):
                yield "/".join(path.relative_to(folder).parts).removesuffix(".gguf"), path
