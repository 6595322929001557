"""Models on a Hugging Face hub, through huggingface_hub: its cache is read in place and its variables honoured."""

from __future__ import annotations

import contextlib
import hashlib
import logging
import re
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from galop.errors import DownloadError, UnknownModelError
from galop.terminal import underlying, visible

SNAPSHOT = ["config.json", "generation_config.json", "tokenizer.json", "tokenizer_config.json", "tekken.json",
            "special_tokens_map.json", "chat_template.jinja", "chat_template.json", "hf_quant_config.json",
            "modules.json", "?_*/config.json",  # how encoders pool
            "*.safetensors", "*.safetensors.index.json"]  # fmt: skip
OLDER = ["tokenizer.model", "vocab.json", "merges.txt", "added_tokens.json"]  # in place of a tokenizer.json
TWICE = ["consolidated*", "original/*"]  # the same weights as their makers keep them
PREFERRED = (
    "Q4_K_M", "Q4_K_S", "Q4_0", "MXFP4", "IQ4_XS", "IQ4_NL", "NVFP4", "Q5_K_M", "Q6_K", "Q8_0", "BF16", "F16", "Q3_K_M",
    "Q2_K",
)  # fmt: skip


def find_file(repo: str, file: str) -> Path | None:
    """The file in the hub's cache, if it is there whole."""
    from huggingface_hub import try_to_load_from_cache

    parts = [try_to_load_from_cache(repo, name) for name in split_names(file)]
    if all(isinstance(part, str) for part in parts):
        return Path(str(parts[0]))
    return None


def snapshots(repo: str) -> list[Path]:
    """The directories of a repository's revisions in the cache, the newest first."""
    from huggingface_hub import constants

    folder = Path(constants.HF_HUB_CACHE) / f"models--{repo.replace('/', '--')}" / "snapshots"
    return sorted(folder.glob("*"), key=lambda p: p.stat().st_mtime, reverse=True)


def list_models() -> list[tuple[str, Path]]:
    """Every GGUF file and complete checkpoint in the cache: (repository, path)."""
    from huggingface_hub import constants

    found: list[tuple[str, Path]] = []
    for folder in sorted(Path(constants.HF_HUB_CACHE).glob("models--*--*")):
        repo = folder.name.removeprefix("models--").replace("--", "/", 1)
        newest = snapshots(repo)[:1]
        for ggufs in newest:
            names = [str(p.relative_to(ggufs)) for p in ggufs.rglob("*.gguf")]
            found += [(repo, ggufs / n) for n in sorted(_model_files(names))]
        if checkpoint := find_snapshot(repo):
            found.append((repo, checkpoint))
    return found


def find_snapshot(repo: str) -> Path | None:
    """The directory of a checkpoint in the hub's cache, if all of its weights are there."""
    from galop.errors import ModelFileError
    from galop.weights.json_files import load_json

    for folder in snapshots(repo):
        if not (folder / "config.json").exists() or not _has_tokenizer(folder):
            continue
        with contextlib.suppress(ModelFileError):
            weights = load_json(folder / "model.safetensors.index.json").get("weight_map", {})
            names = {str(n) for n in weights.values()} or {"model.safetensors"}
            if all((folder / name).exists() for name in names):
                return folder
    return None


def find_gguf(repo: str, quantisation: str | None) -> Path | None:
    """A GGUF file of the repository in the cache, chosen as `choose_file` would."""
    for folder in snapshots(repo):
        names = [str(p.relative_to(folder)) for p in folder.rglob("*.gguf")]
        name = _choose(names, quantisation)
        if name and all((folder / part).exists() for part in split_names(name)):
            return folder / name
    return None


def split_names(file: str) -> list[str]:
    """All parts of a split GGUF, given its first."""
    match = re.fullmatch(r"(.*)-\d{5}-of-(\d{5})\.gguf", file)
    if not match:
        return [file]
    return [f"{match[1]}-{i:05}-of-{match[2]}.gguf" for i in range(1, int(match[2]) + 1)]


def is_reachable(seconds: float = 3.0) -> bool:
    """Whether a hub answers at all, be it with an error."""
    from huggingface_hub import constants, get_session

    if constants.HF_HUB_OFFLINE:
        return False
    try:
        get_session().head(constants.ENDPOINT, timeout=seconds)
    except Exception:  # whatever the HTTP client raises: no name, no route, no answer
        return False
    return True


def fetch_file(repo: str, file: str) -> Path:
    """Downloads one file, or all parts of a split one, resuming what is there; checks each against its SHA-256.

    Raises DownloadError.
    """
    from huggingface_hub import hf_hub_download

    paths = []
    for name in split_names(file):
        new = find_file(repo, name) is None
        path = Path(_call(repo, name, partial(hf_hub_download, repo, name, tqdm_class=progress_bar())))
        if new:
            _verify(path, name)
        paths.append(path)
    return paths[0]


def fetch_snapshot(repo: str) -> Path:
    """Downloads a checkpoint's config, tokenizer and weights. Raises DownloadError."""
    from huggingface_hub import snapshot_download

    def download(names: list[str]) -> Path:
        options: Any = {"allow_patterns": names, "ignore_patterns": TWICE, "tqdm_class": progress_bar()}
        return Path(_call(repo, "", lambda: snapshot_download(repo, **options)))

    path = download(SNAPSHOT)
    if not _has_tokenizer(path):
        download(OLDER)
    for weights in path.glob("*.safetensors"):
        _verify(weights, weights.name)
    return path


def _has_tokenizer(folder: Path) -> bool:
    """Whether there is a file that says what tokens are."""
    return any((folder / name).exists() for name in ("tokenizer.json", "tekken.json", "tokenizer.model", "merges.txt"))


def choose_file(repo: str, quantisation: str | None) -> str | None:
    """The GGUF file of a repository: of the quantisation asked for, else the first of PREFERRED; None if it has none.

    Raises DownloadError, UnknownModelError.
    """
    from huggingface_hub import HfApi

    names: list[str] = _call(repo, "", lambda: HfApi().list_repo_files(repo))
    if found := _choose(names, quantisation):
        return found
    ggufs = [n for n in names if n.endswith(".gguf")]
    if not ggufs and not quantisation:
        return None
    has = ", ".join(sorted(ggufs)[:8]) or "no GGUF file"
    raise UnknownModelError(f"{repo} has no file of {quantisation or 'a supported quantisation'}; it has: {has}")


def _model_files(names: list[str]) -> list[str]:
    """Those that are GGUF models: neither the later parts of a split one nor a vision projector."""
    return [n for n in names if n.endswith(".gguf") and not re.search(r"-(?!00001)\d{5}-of-\d{5}\.|mmproj", n)]


def _choose(names: list[str], quantisation: str | None) -> str | None:
    models = _model_files(names)
    for wanted in [quantisation] if quantisation else PREFERRED:
        pattern = re.compile(rf"(^|[-._/]){re.escape(str(wanted))}([-._/]|$)", re.IGNORECASE)
        if found := sorted((n for n in models if pattern.search(n)), key=len):
            return found[0]
    return None


def _verify(path: Path, name: str) -> None:
    """Large files lie in the cache under their SHA-256; one whose bytes do not match is removed."""
    blob = path.resolve()
    if not re.fullmatch(r"[0-9a-f]{64}", blob.name):
        return
    digest = hashlib.sha256()
    with blob.open("rb") as file:
        while block := file.read(4 << 20):
            digest.update(block)
    if digest.hexdigest() != blob.name:
        blob.unlink()
        path.unlink(missing_ok=True)
        raise DownloadError(
            f"{name}: its SHA-256 is {digest.hexdigest()}, the hub says {blob.name}; it was removed, download it again"
        )


def progress_bar() -> Any:
    """The hub's own, drawn where lines can be drawn over."""
    from huggingface_hub.utils import tqdm  # type: ignore[attr-defined]

    class Bar(tqdm):
        def __init__(self, *args: Any, **options: object) -> None:
            options["desc"] = visible(str(options.get("desc") or ""))
            super().__init__(*args, **options, file=underlying(sys.stderr))  # type: ignore[no-untyped-call]

    return Bar


def _call(repo: str, file: str, call: Callable[[], Any]) -> Any:
    """What a call of the hub's client gives. Raises DownloadError or UnknownModelError for whatever it raises."""
    from huggingface_hub import constants
    from huggingface_hub.errors import (
        EntryNotFoundError,
        GatedRepoError,
        HfHubHTTPError,
        HFValidationError,
        LocalEntryNotFoundError,
        OfflineModeIsEnabled,
        RepositoryNotFoundError,
    )
    from huggingface_hub.utils import disable_progress_bars  # type: ignore[attr-defined]

    what = f"{repo}/{file}" if file else repo
    if not constants.HF_HUB_OFFLINE and not is_reachable():  # the client itself would try for half a minute
        raise DownloadError(f"{what} could not be downloaded: the hub at {constants.ENDPOINT} does not answer")
    if not sys.stderr.isatty():
        disable_progress_bars()
    logging.getLogger("huggingface_hub").setLevel(logging.ERROR)  # its retries are not for the user
    try:
        return call()
    except GatedRepoError:
        raise DownloadError(f"{repo} is gated: accept its licence at the hub and set HF_TOKEN") from None
    except RepositoryNotFoundError:
        raise UnknownModelError(f"the hub has no repository {repo} (or it is private: set HF_TOKEN)") from None
    except LocalEntryNotFoundError:
        reason = "HF_HUB_OFFLINE is set" if constants.HF_HUB_OFFLINE else "the hub does not answer"
        raise DownloadError(f"{what} is not in the cache and {reason}") from None
    except OfflineModeIsEnabled:
        raise DownloadError(f"{what} is not in the cache and HF_HUB_OFFLINE is set") from None
    except EntryNotFoundError:
        raise UnknownModelError(f"the repository {repo} has no file {file}") from None
    except HFValidationError as error:
        raise UnknownModelError(f"{repo!r} is not a repository name: {str(error).splitlines()[0]}") from None
    except HfHubHTTPError as error:
        raise DownloadError(f"{what}: the hub answered {' '.join(str(error).split())[:200]}; try again later") from None
    except OSError as error:
        reason = error.strerror or " ".join(str(error).split())[:200] or type(error).__name__
        raise DownloadError(f"{what} could not be downloaded: {reason}; run it again to resume") from None
    except Exception as error:  # the HTTP client's own
        if type(error).__module__.split(".")[0] in ("httpx", "httpx2", "httpcore", "httpcore2", "requests"):
            raise DownloadError(
                f"{what} could not be downloaded: {' '.join(str(error).split())[:200] or type(error).__name__}; "
                "run it again to resume"
            ) from None
        raise


def remove(repo: str, path: Path) -> int:
    """Deletes a model's files from the cache, in every revision that shares them; the bytes freed.

    Other files of the repository, such as other quantisations, stay.
    """
    folders = snapshots(repo)
    home = next(f for f in folders if path.is_relative_to(f))
    if path == home:
        names = [str(p.relative_to(home)) for pattern in SNAPSHOT + OLDER for p in home.rglob(pattern)]
    else:
        names = split_names(str(path.relative_to(home)))
    blobs = {(home / name).resolve() for name in names}
    freed = sum(blob.stat().st_size for blob in blobs if blob.exists())
    for link in [p for folder in folders for p in folder.rglob("*") if p.is_symlink() or p.is_file()]:
        if link.resolve() in blobs:
            link.unlink()
    for blob in blobs:
        blob.unlink(missing_ok=True)
    return freed
