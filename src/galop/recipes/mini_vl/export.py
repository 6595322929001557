"""A checkpoint as it is shipped: a folder that galop and transformers load, and the recipe goes on from, its weights in
bfloat16.

python -m galop.recipes.mini_vl.export STAGE FOLDER     # STAGE is a folder such as .../mini-vl/vl-0/refine
"""

from __future__ import annotations

import sys
from pathlib import Path

import torch

from galop.recipes.mini_vl.model import load_model, save_model
from galop.recipes.mini_vl.recipe import last_of


def export(stage: Path, folder: Path) -> None:
    """Writes the last checkpoint of the stage kept in `stage`, finished or not, to `folder`. Raises GalopError."""
    save_model(load_model(last_of(stage)), folder, torch.bfloat16)


if __name__ == "__main__":
    export(Path(sys.argv[1]), Path(sys.argv[2]))
