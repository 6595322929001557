"""Pictures as arrays: resized as Pillow does, normalised, and cut into patches in the order of the tokens they become.

transformers' processors with Pillow do the same; those with torchvision differ by one step of 255 in some values.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum

import numpy as np
from PIL import Image

from galop.ops.plan import Array


class Filter(IntEnum):
    """How pixels between pixels are made, by the numbers that processors' configs have."""

    LANCZOS = 1
    BILINEAR = 2
    BICUBIC = 3


def resize(pixels: Array, height: int, width: int, by: Filter) -> Array:
    """uint8 RGB [height, width, 3] of uint8 RGB pixels [h, w, 3]."""
    if pixels.shape[:2] == (height, width):
        return pixels
    resized = Image.fromarray(np.ascontiguousarray(pixels)).resize((width, height), Image.Resampling(int(by)))
    return np.asarray(resized)


def normalise(pixels: Array, mean: Sequence[float], std: Sequence[float]) -> Array:
    """float32 [h, w, 3]: (pixels / 255 - mean) / std."""
    scale = 1 / (255 * np.asarray(std))
    shift = np.asarray(mean) / np.asarray(std)
    normed: Array = pixels * scale.astype(np.float32) - shift.astype(np.float32)
    return normed


def cut(pixels: Array, patch: int, merge: int, channels_last: bool = False) -> Array:
    """Patches [n, 3 * patch * patch], each [channel, row, column] (or [row, column, channel]), of float32 pixels
    [h, w, 3]: block by block of merge * merge neighbours, which become one token."""
    rows, columns = (side // (merge * patch) for side in pixels.shape[:2])
    blocks = pixels.reshape(rows, merge, patch, columns, merge, patch, 3)
    order = (0, 3, 1, 4, 2, 5, 6) if channels_last else (0, 3, 1, 4, 6, 2, 5)
    return blocks.transpose(order).reshape(rows * columns * merge * merge, -1)


def grid(rows: int, columns: int, merge: int) -> Array:
    """int32 [2, rows * columns]: row and column of each patch, in the order of `cut`."""
    at = np.indices((rows, columns), np.int32)
    blocks = at.reshape(2, rows // merge, merge, columns // merge, merge)
    return np.ascontiguousarray(blocks.transpose(0, 1, 3, 2, 4).reshape(2, -1))


def pad(patches: Array, width: int) -> Array:
    """The same patches with zeros behind each, up to `width` values."""
    return patches if patches.shape[1] == width else np.pad(patches, ((0, 0), (0, width - patches.shape[1])))


def padded(width: int) -> int:
    """The width that a matrix of 8 bits can take, of one for `width` values."""
    return -(-width // 32) * 32
