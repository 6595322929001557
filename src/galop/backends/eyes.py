"""The eyes of a model in memory: its vision tower with what makes patches of pictures, loaded from its files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from galop.engine.tower import Tower
from galop.models.vision import BY_NAME, VisionFamily, trace_tower
from galop.models.vision.from_file import find_mmproj, open_tower, require_fit
from galop.ops.plan import Array, Plan
from galop.weights import pack as packs
from galop.weights.files import report_os_errors, source_files
from galop.weights.pack import Pack, Progress


class Eyes:
    """Looks at pictures for a text model."""

    def __init__(self, family: VisionFamily, tower: Tower, pack: Pack, plan: Plan) -> None:
        self.family = family
        self.plan = plan
        self.tower = tower
        self.pack = pack

    def look(self, pictures: Sequence[Array]) -> list[Array]:
        """The embeddings of the soft tokens of each, float32 [tokens, width], from uint8 RGB [height, width, 3]; the
        same bytes alone and beside others. Raises PictureError for one that cannot be looked at."""
        prepared = [self.family.prepare(pixels) for pixels in pictures]
        found = iter(self.tower.look([patches for one in prepared for patches in one]))
        return [np.concatenate([next(found) for _ in one]) for one in prepared]


@dataclass(frozen=True)
class TowerPack:
    """A vision tower as its files say it: it can tell how pictures stand in prompts, and sees once it is loaded."""

    family: VisionFamily
    plan: Plan
    pack: Pack

    def load(self, threads: int, isa: str = "") -> Eyes:
        """The tower in memory."""
        pack, _ = packs.load_resident(self.pack, threads, lambda: None)
        return Eyes(self.family, Tower(self.plan, pack, self.family.merged, threads, isa), pack, self.plan)


def open_tower_pack(
    path: Path,
    text: Pack,
    threads: int,
    cache: Path | None = None,
    mmproj: Path | None = None,
    progress: Progress | None = None,
) -> TowerPack | None:
    """The tower of the model at `path`, whose text is `text`, from `mmproj` where that is given; None where there is
    none, or one of a family that is not known. Its pack is kept in `cache`. Raises ModelFileError."""
    mmproj = mmproj or (find_mmproj(path) if path.is_file() else None)
    with report_os_errors(path):
        files = source_files(mmproj or path)
        target = packs.pack_path(cache, files, "vision tower of single frames") if cache else None
    try:
        pack = packs.load(target) if target else None
    except packs.DamagedPack:
        pack = None
    if pack is None:
        with report_os_errors(path):
            checkpoint = open_tower(path, text.card.config, mmproj)
            if checkpoint is None:
                return None
            family = _family(checkpoint.config, checkpoint.path.name)
            plan = trace_tower(family, checkpoint.shapes())
            pack = packs.build(checkpoint, plan, files, target, threads, progress)
    else:
        family = _family(pack.card.config, path.name)
        shapes = {name: (m.rows, m.cols) for name, m in pack.matrices.items()}
        plan = trace_tower(family, {**shapes, **{name: v.shape for name, v in pack.vectors.items()}})
        require_fit(family, plan, (mmproj or path).name, text.card.config, path.name)
    return TowerPack(family, plan, pack)


def _family(config: dict[str, object], file: str) -> VisionFamily:
    family = BY_NAME[str(config["family"])]
    return family(family.config_class.parse({k: v for k, v in config.items() if k != "family"}, file))
