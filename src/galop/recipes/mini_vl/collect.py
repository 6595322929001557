"""The material that pictures are made of, from packages: emoji and flags of npm's icon sets, fonts of npm, digits and
photographs of scikit-learn; rendered once and kept.

Icon sets: Twemoji and EmojiOne (CC BY 4.0), Noto and Noto v1 (Apache 2.0), Fluent (MIT), FxEmoji (Apache 2.0), flags by
lipis and HatScripts (MIT). Fonts: SIL Open Font License, Apache 2.0, DejaVu's own.
"""

from __future__ import annotations

import hashlib
import io
import json
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock
from numpy.typing import NDArray
from PIL import Image, ImageFont

from galop.errors import GalopError
from galop.recipes.mini_vl.names import EMOJI, FLAGS

Pixels = NDArray[np.uint8]
SPRITE = 96  # pixels that emoji and flags are rendered at
SETS = {
    "twemoji": "1.2.5", "noto": "1.2.9", "emojione": "1.2.3", "fluent-emoji-flat": "1.2.6", "fluent-emoji": "1.2.7",
    "fxemoji": "1.2.2", "noto-v1": "1.2.5",
}  # fmt: skip
HELD_SET = "noto-v1"  # whose drawings are never trained on
FLAG_SETS = {"flag": "1.2.12", "circle-flags": "1.2.11"}
FONTS = (
    "roboto open-sans lato montserrat merriweather playfair-display roboto-mono roboto-slab oswald raleway ubuntu "
    "pt-serif noto-serif source-code-pro arimo eb-garamond bitter nunito barlow inconsolata libre-baskerville "
    "work-sans fira-sans crimson-text comic-neue quicksand titillium-web ibm-plex-serif courier-prime zilla-slab cabin "
    "karla archivo kalam josefin-sans lora dm-sans exo-2 special-elite noto-sans pt-sans roboto-condensed"
).split()
HELD_FONTS = (
    "inter poppins ibm-plex-mono source-serif-4 rubik domine overpass spectral mulish cairo space-mono patrick-hand"
).split()
WEIGHTS = ("400Regular", "700Bold")
# Names that a set has for what others call by the usual one.
OTHER_NAMES = {
    "hot-beverage": ("hotbeverage", "coffee"), "automobile": ("car",), "soccer-ball": ("soccer",),
    "hamburger": ("burger",), "skull": ("skull",), "red-heart": ("heart",),
}  # fmt: skip


@dataclass(frozen=True)
class Material:
    """What is drawn with. Sprites are RGBA [SPRITE, SPRITE, 4]; those of one thing are alternatives."""

    emoji: dict[str, list[Pixels]]
    held_emoji: dict[str, list[Pixels]]
    flags: dict[str, list[Pixels]]
    digits: list[list[Pixels]]  # of each digit, 8-bit grey [8, 8], to train with
    held_digits: list[list[Pixels]]
    photos: list[Pixels]
    fonts: list[bytes]
    held_fonts: list[bytes]


def collect(folder: Path, note: Callable[[str], None] = lambda text: None) -> Material:
    """The material in `folder`, fetched and rendered where it is not there yet. Raises GalopError."""
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / "lock"):
        if not (folder / "material.npz").exists():
            note("fetching icon sets and fonts with npm (150 MB, once)")
            make(folder, note)
    return read(folder)


def make(folder: Path, note: Callable[[str], None]) -> None:
    """Fetches, renders and writes the material. Raises GalopError."""
    sprites: dict[str, Pixels] = {}
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        where = Path(scratch)
        names = [f"@iconify-json/{name}@{version}" for name, version in {**SETS, **FLAG_SETS}.items()]
        names += [f"@expo-google-fonts/{name}@0.4" for name in [*FONTS, *HELD_FONTS]] + ["dejavu-fonts-ttf@2.37.3"]
        with ThreadPoolExecutor(6) as pool:
            files = dict(zip(names, pool.map(lambda name: fetch(name, where), names), strict=True))
        for name, file in files.items():
            if name.startswith("@iconify"):
                note(f"rendering {name}")
                sprites |= render_set(name.split("/")[1].split("@")[0], file)
        fonts = folder / "fonts"
        for name, file in files.items():
            if not name.startswith("@iconify"):
                unpack_fonts(name.split("/")[-1].split("@")[0], file, fonts)
    part = folder / "incomplete.npz"
    np.savez_compressed(part, allow_pickle=False, **sprites)
    part.rename(folder / "material.npz")


def fetch(package: str, folder: Path) -> Path:
    """The tarball of a package, by npm, which checks it against the registry's digest. Raises GalopError."""
    npm = shutil.which("npm")
    if npm is None:
        raise GalopError("icon sets and fonts come from npm, which is not installed; install Node.js first")
    into = folder / hashlib.sha256(package.encode()).hexdigest()[:12]
    into.mkdir()
    made = subprocess.run(
        [npm, "pack", package, "--silent", "--pack-destination", str(into)], capture_output=True, text=True, check=False
    )
    found = list(into.glob("*.tgz"))
    if made.returncode or not found:
        said = (made.stderr.strip().splitlines() or ["it gave no file"])[0]
        raise GalopError(f"{package} could not be fetched with npm ({said[:200]}); check the network, then try again")
    return found[0]


def members(file: Path) -> Iterator[tuple[str, bytes]]:
    """The files of a tarball, by name."""
    with tarfile.open(file) as archive:
        for member in archive:
            if member.isfile() and (stream := archive.extractfile(member)):
                yield member.name, stream.read()


def render_set(name: str, file: Path) -> dict[str, Pixels]:
    """Sprites of a set's icons that have a name here, by "emoji/SET/KEY" or "flag/SET/KEY"."""
    icons: dict[str, Any] = next(json.loads(data) for path, data in members(file) if path.endswith("/icons.json"))
    found: dict[str, Pixels] = {}
    for key in [row.key for row in FLAGS] if name in FLAG_SETS else [row.key for row in EMOJI]:
        wanted = [f"{key}-4x3", key] if name in FLAG_SETS else [key, *OTHER_NAMES.get(key, ()), key.replace("-", "")]
        for one in wanted:
            one = icons.get("aliases", {}).get(one, {}).get("parent", one)
            if one in icons["icons"]:
                found[f"{'flag' if name in FLAG_SETS else 'emoji'}/{name}/{key}"] = render(icons, one)
                break
    return found


def render(icons: dict[str, Any], name: str) -> Pixels:
    """An icon, RGBA [SPRITE, SPRITE, 4], in the middle where it is not square."""
    import resvg_py

    icon = icons["icons"][name]
    size = [icon.get(side, icons.get(side, 16)) for side in ("width", "height")]
    at = [icon.get(side, 0) for side in ("left", "top")]
    body = icon["body"].replace("currentColor", "#222")
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
        f'viewBox="{at[0]} {at[1]} {size[0]} {size[1]}" width="{size[0]}" height="{size[1]}">{body}</svg>'
    )
    scale = SPRITE / max(size)
    png = resvg_py.svg_to_bytes(
        svg_string=svg, width=round(size[0] * scale), height=round(size[1] * scale), skip_system_fonts=True
    )
    drawn = Image.open(io.BytesIO(bytes(png))).convert("RGBA")
    whole = Image.new("RGBA", (SPRITE, SPRITE))
    whole.paste(drawn, ((SPRITE - drawn.width) // 2, (SPRITE - drawn.height) // 2))
    return np.asarray(whole)


def unpack_fonts(name: str, file: Path, folder: Path) -> None:
    """Writes the regular and the bold weight of a font into `folder`."""
    folder.mkdir(exist_ok=True)
    for path, data in members(file):
        if path.endswith(".ttf") and (
            any(f"/{weight}/" in path for weight in WEIGHTS)
            or path.endswith(("/DejaVuSans.ttf", "/DejaVuSans-Bold.ttf", "/DejaVuSerif.ttf", "/DejaVuSansMono.ttf"))
        ):
            (folder / f"{name}.{Path(path).name}").write_bytes(data)


def read(folder: Path) -> Material:
    """The material that `make` wrote, with scikit-learn's digits and photographs."""
    from sklearn.datasets import load_digits, load_sample_images

    emoji: dict[str, list[Pixels]] = {row.key: [] for row in EMOJI}
    held: dict[str, list[Pixels]] = {row.key: [] for row in EMOJI}
    flags: dict[str, list[Pixels]] = {row.key: [] for row in FLAGS}
    with np.load(folder / "material.npz") as kept:
        for name in sorted(kept.files):
            kind, made_by, key = name.split("/")
            if kind == "flag" and key in flags:
                flags[key].append(kept[name])
            elif kind == "emoji" and key in emoji:
                (held if made_by == HELD_SET else emoji)[key].append(kept[name])
    digits: list[list[Pixels]] = [[] for _ in range(10)]
    held_digits: list[list[Pixels]] = [[] for _ in range(10)]
    found = load_digits()
    for i, (image, label) in enumerate(zip(found.images, found.target, strict=True)):
        (held_digits if i % 5 == 0 else digits)[int(label)].append(np.minimum(image * 16, 255).astype(np.uint8))
    files = sorted((folder / "fonts").glob("*.ttf"))
    is_held = {file: file.name.split(".")[0] in HELD_FONTS for file in files}
    usable = [file for file in files if can_write(file.read_bytes())]
    return Material(
        emoji, held, flags, digits, held_digits, [np.asarray(photo) for photo in load_sample_images().images],
        [file.read_bytes() for file in usable if not is_held[file]],
        [file.read_bytes() for file in usable if is_held[file]],
    )  # fmt: skip


def can_write(font: bytes) -> bool:
    """Whether a font file has digits and accented letters that FreeType can draw."""
    try:
        box = ImageFont.truetype(io.BytesIO(font), 20).getbbox("8é")
    except OSError:
        return False
    return box[2] - box[0] > 8
