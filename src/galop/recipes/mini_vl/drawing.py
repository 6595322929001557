"""Backgrounds, sprites, text and shapes on a canvas, and what cameras and screens do to pictures."""

from __future__ import annotations

import io
import math
from functools import lru_cache
from itertools import pairwise
from random import Random

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter, ImageFont

Pixels = NDArray[np.uint8]
Colour = tuple[int, int, int]
Photos = list[Pixels]


def luminance(colour: Colour) -> float:
    """From 0 to 255."""
    return 0.299 * colour[0] + 0.587 * colour[1] + 0.114 * colour[2]


def any_colour(random: Random) -> Colour:
    return random.randrange(256), random.randrange(256), random.randrange(256)


def light(random: Random) -> Colour:
    base = random.randrange(205, 256)
    return tuple(min(255, base + random.randrange(-12, 13)) for _ in range(3))  # type: ignore[return-value]


def background(random: Random, size: tuple[int, int], photos: Photos, busy: float = 0.4) -> Image.Image:
    """White or light, of any one colour, a gradient, or a piece of a photograph; `busy` is the share of these two."""
    kind = random.random()
    if kind > busy:
        if random.random() < 0.3:
            return Image.new("RGB", size, (255, 255, 255))
        return Image.new("RGB", size, light(random) if random.random() < 0.6 else any_colour(random))
    if kind > 0.55 * busy:
        ends = np.array([any_colour(random), any_colour(random)], np.float32)
        angle = random.random() * 2 * math.pi
        x = np.linspace(-0.7, 0.7, size[0], dtype=np.float32)
        y = np.linspace(-0.7, 0.7, size[1], dtype=np.float32)
        share = np.clip(0.5 + math.cos(angle) * x[None] + math.sin(angle) * y[:, None], 0, 1)[..., None]
        return Image.fromarray((ends[0] * share + ends[1] * (1 - share)).astype(np.uint8))
    photo = random.choice(photos)
    side = random.randrange(48, 300)
    at = random.randrange(photo.shape[0] - side), random.randrange(photo.shape[1] - side)
    piece = Image.fromarray(photo[at[0] : at[0] + side, at[1] : at[1] + side]).resize(size, Image.Resampling.BILINEAR)
    if random.random() < 0.7:  # paler or darker, so that what lies on it can be seen
        piece = Image.blend(piece, Image.new("RGB", size, light(random)), random.uniform(0.2, 0.75))
    return piece


def middle(canvas: Image.Image) -> Colour:
    """The mean colour."""
    return canvas.resize((1, 1), Image.Resampling.BOX).getpixel((0, 0))  # type: ignore[return-value]


def ink(random: Random, behind: Colour) -> Colour:
    """A colour that can be told from the one behind it."""
    if random.random() < 0.35:
        return (0, 0, 0) if luminance(behind) > 120 else (255, 255, 255)
    for _ in range(20):
        found = any_colour(random)
        if abs(luminance(found) - luminance(behind)) > 85:
            return found
    return (0, 0, 0) if luminance(behind) > 120 else (255, 255, 255)


def paste(canvas: Image.Image, sprite: Image.Image, x: float, y: float, size: float, angle: float = 0.0) -> None:
    """An RGBA sprite of `size` pixels, its middle at (x, y), turned by so many degrees."""
    side = max(4, round(size))
    fitted = sprite.resize((side, side), Image.Resampling.BILINEAR, reducing_gap=2.0)
    if angle:
        fitted = fitted.rotate(angle, Image.Resampling.BILINEAR, expand=True)
    canvas.paste(fitted, (round(x - fitted.width / 2), round(y - fitted.height / 2)), fitted)


@lru_cache(maxsize=4096)
def font_of(data: bytes, size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(io.BytesIO(data), size)


def text_mask(text: str, font: bytes, width: float, height: float) -> Image.Image:
    """8-bit grey: a text as large as fits."""
    box = font_of(font, 40).getbbox(text)
    scale = min(width / max(1, box[2] - box[0]), height / max(1, box[3] - box[1]))
    size = max(7, int(40 * scale))
    size -= size % 3 if size > 16 else 0  # fewer sizes are kept
    letters = font_of(font, size)
    box = letters.getbbox(text)
    mask = Image.new("L", (int(box[2] - box[0]) + 2, int(box[3] - box[1]) + 2))
    ImageDraw.Draw(mask).text((1 - box[0], 1 - box[1]), text, 255, letters)
    return mask


def write(
    random: Random, canvas: Image.Image, text: str, font: bytes, box: tuple[float, float, float, float], lean: float
) -> list[tuple[float, float]]:
    """A text within a box (left, top, right, bottom), turned by up to `lean` degrees, on a plate now and then; gives
    the middle of each of its letters."""
    width, height = box[2] - box[0], box[3] - box[1]
    angle = random.gauss(0, lean / 2) if random.random() < 0.6 else 0.0
    share = random.uniform(0.78 if len(text) > 3 else 0.62, 0.98)
    mask = text_mask(text, font, width * share, height * random.uniform(0.55, 0.98))
    flat = mask.size
    if angle:
        mask = mask.rotate(angle, Image.Resampling.BILINEAR, expand=True)
    wide = mask.size
    if mask.width > width or mask.height > height:
        fit = min(width / mask.width, height / mask.height)
        mask = mask.resize((max(1, int(mask.width * fit)), max(1, int(mask.height * fit))), Image.Resampling.BILINEAR)
    left = box[0] + random.random() * (width - mask.width)
    top = box[1] + random.random() * (height - mask.height)
    here = (int(left), int(top), int(left) + mask.width, int(top) + mask.height)
    piece = canvas.crop(here)
    behind = middle(piece)
    rough = np.asarray(piece.convert("L"), np.float32).std() > 28
    if rough or random.random() < 0.1:
        behind = any_colour(random)
        edge = random.randrange(2, 8)
        ImageDraw.Draw(canvas).rectangle((here[0] - edge, here[1] - edge, here[2] + edge, here[3] + edge), behind)
    canvas.paste(ink(random, behind), here, mask)
    letters = font_of(font, 40)
    ends = [letters.getlength(text[:i]) for i in range(len(text) + 1)]
    scale, turn = mask.width / wide[0], math.radians(angle)
    along = [((a + b) / 2 / ends[-1] - 0.5) * flat[0] * scale for a, b in pairwise(ends)]
    middle_x, middle_y = here[0] + mask.width / 2, here[1] + mask.height / 2
    return [(middle_x + x * math.cos(turn), middle_y - x * math.sin(turn)) for x in along]


def polygon(shape: str, x: float, y: float, r: float, angle: float) -> list[tuple[float, float]]:
    """The corners of a shape around (x, y)."""

    def around(turns: list[float], radii: list[float]) -> list[tuple[float, float]]:
        return [(x + r * s * math.cos(t + angle), y + r * s * math.sin(t + angle))
                for t, s in zip(turns, radii, strict=True)]  # fmt: skip

    up, full = -math.pi / 2, 2 * math.pi
    if shape == "triangle":
        return around([up + full * i / 3 for i in range(3)], [1.1] * 3)
    if shape == "square":
        return around([up + full * (i + 0.5) / 4 for i in range(4)], [1.15] * 4)
    if shape == "diamond":
        return around([up + full * i / 4 for i in range(4)], [1.15, 0.75] * 2)
    if shape == "hexagon":
        return around([full * i / 6 for i in range(6)], [1.0] * 6)
    if shape == "star":
        return around([up + full * i / 10 for i in range(10)], [1.15, 0.48] * 5)
    a = 0.3
    corners = [
        (-a, -1),
        (a, -1),
        (a, -a),
        (1, -a),
        (1, a),
        (a, a),
        (a, 1),
        (-a, 1),
        (-a, a),
        (-1, a),
        (-1, -a),
        (-a, -a),
    ]
    cos, sin = math.cos(angle), math.sin(angle)
    return [(x + r * (u * cos - v * sin), y + r * (u * sin + v * cos)) for u, v in corners]


def draw_shape(
    canvas: Image.Image, shape: str, colour: Colour, x: float, y: float, r: float, angle: float = 0.0,
    edge: Colour | None = None,
) -> None:  # fmt: skip
    """A filled shape of radius `r`, with an edge where a colour is given for it."""
    pen = ImageDraw.Draw(canvas)
    width = max(1, round(r * 0.08))
    if shape in ("circle", "ring"):
        box = (x - r, y - r, x + r, y + r)
        if shape == "ring":
            pen.ellipse(box, outline=colour, width=max(2, round(r * 0.34)))
        else:
            pen.ellipse(box, fill=colour, outline=edge, width=width)
        return
    pen.polygon(polygon(shape, x, y, r, angle), fill=colour, outline=edge, width=width)


def distort(random: Random, canvas: Image.Image, colours: bool = True) -> Image.Image:
    """Blur, noise, another exposure, fewer colours: each now and then; `colours` says that they may change."""
    if random.random() < 0.2:
        canvas = canvas.filter(ImageFilter.GaussianBlur(random.uniform(0.3, 0.8) * canvas.height / 64))
    values = None
    if random.random() < 0.4:
        values = np.asarray(canvas, np.float32)
        values = (values - 128) * random.uniform(0.65, 1.2) + 128 + random.uniform(-28, 28)
    if colours and random.random() < 0.15:
        values = np.asarray(canvas, np.float32) if values is None else values
        if random.random() < 0.35:
            values = np.repeat(values.mean(2, keepdims=True), 3, 2)
        else:
            values = values * np.array([random.uniform(0.75, 1.2) for _ in range(3)], np.float32)
    if random.random() < 0.3:
        values = np.asarray(canvas, np.float32) if values is None else values
        noise = np.random.default_rng(random.getrandbits(32)).standard_normal(values.shape, np.float32)
        values = values + noise * random.uniform(2, 18)
    return canvas if values is None else Image.fromarray(np.clip(values, 0, 255).astype(np.uint8))
