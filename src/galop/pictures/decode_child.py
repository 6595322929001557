"""Decodes pictures and documents in a child process: `python -m galop.pictures.decode_child`.

A request with `do` "picture" is answered with `media_type`, `height`, `width` and the RGB bytes, one with "thumbnail"
with a small JPEG, one with "portable" with a file that shows the same everywhere, one with "document" as
`read_document` has it, and each with an `error` that follows the name of the file where that cannot be read.
"""

from __future__ import annotations

import io
import warnings
from typing import Any

from galop.child import answer_lines
from galop.pictures.file_kinds import is_avif, looks_like_picture
from galop.pictures.read_document import read_document

SECONDS = 15.0  # of computing, for one picture or document
MEMORY_LIMIT = 1 << 30
MOST_PIXELS = 120_000_000  # of a file, before it is scaled down
MOST_ASPECT = 200  # of the longer side to the shorter
ORIENTATION = 0x0112  # of EXIF
FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "AVIF")


def read_picture(data: bytes, most: int) -> dict[str, Any]:
    """A file's first frame as RGB, of at most `most` pixels."""
    opened = open_rgb(data, most)
    if isinstance(opened, str):
        return {"error": opened}
    media_type, rgb = opened
    return {"media_type": media_type, "height": rgb.height, "width": rgb.width, "data": rgb.tobytes()}


def shrink_picture(data: bytes, most: int, side: int) -> dict[str, Any]:
    """A JPEG of at most `side` pixels a side."""
    opened = open_rgb(data, most)
    if isinstance(opened, str):
        return {"error": opened}
    opened[1].thumbnail((side, side))
    out = io.BytesIO()
    opened[1].save(out, "JPEG", quality=82, exif=b"")
    return {"data": out.getvalue()}


def convert_picture(data: bytes, most: int) -> dict[str, Any]:
    """An upright PNG or JPEG of 8 bits of what `read_picture` shows; without data where the file is one already."""
    from PIL import Image

    with Image.open(io.BytesIO(data), formats=FORMATS) as image:
        plain = image.format in ("PNG", "JPEG") and image.mode in ("RGB", "L", "P", "1", "RGBA", "LA")
        turned = image.getexif().get(ORIENTATION, 1) != 1
        if plain and not turned and image.width * image.height <= most and getattr(image, "n_frames", 1) == 1:
            return {"media_type": Image.MIME[str(image.format)]}
    opened = open_rgb(data, most)
    if isinstance(opened, str):
        return {"error": opened}
    as_jpeg = opened[0] in ("image/jpeg", "image/webp", "image/avif")
    out = io.BytesIO()
    opened[1].save(out, "JPEG" if as_jpeg else "PNG", exif=b"", **({"quality": 95} if as_jpeg else {}))
    return {"media_type": "image/jpeg" if as_jpeg else "image/png", "data": out.getvalue()}


def open_rgb(data: bytes, most: int) -> tuple[str, Any] | str:
    """The media type of a file and its first frame as RGB, of at most `most` pixels; or what is wrong with it."""
    from PIL import Image, ImageFile, ImageOps, UnidentifiedImageError, features

    ImageFile.LOAD_TRUNCATED_IMAGES = False
    Image.MAX_IMAGE_PIXELS = None  # what is too large is refused below, by its size
    try:
        image = Image.open(io.BytesIO(data), formats=FORMATS)
    except UnidentifiedImageError:
        if is_avif(data) and not features.check("avif"):
            return "is AVIF, which Pillow was built without here; save it as JPEG or PNG first"
        if looks_like_picture(data):
            return "is damaged and cannot be decoded"
        return "is no picture that can be read: PNG, JPEG, WebP, GIF, BMP, TIFF and AVIF are"
    media_type = Image.MIME.get(image.format or "", "image/jpeg" if image.format == "MPO" else "image/png")
    width, height = image.size
    if not width or not height:
        return "has no pixels"
    if width * height > MOST_PIXELS:
        said = f"{width} x {height} pixels are too many: {MOST_PIXELS // 1_000_000} million may be decoded"
        return f"is too large, {said}; scale it down first"
    if max(width, height) > MOST_ASPECT * min(width, height):
        return f"is {width} x {height} pixels, which is too narrow to be seen; cut it to {MOST_ASPECT}:1"
    if width * height > most and image.format in ("JPEG", "MPO"):  # which decodes at an eighth, a quarter or half
        share = (most / 2 / (width * height)) ** 0.5  # half of what is kept, at least
        image.draft("RGB", (max(1, int(width * share)), max(1, int(height * share))))
    rgb = flatten(image)
    ImageOps.exif_transpose(rgb, in_place=True)
    width, height = rgb.size
    if width * height > most:
        share = (most / (width * height)) ** 0.5
        size = (max(1, int(width * share)), max(1, int(height * share)))
        rgb = rgb.resize(size, Image.Resampling.BICUBIC, reducing_gap=2.0)
    return media_type, rgb


def flatten(image: Any) -> Any:
    """In RGB, in front of white where it is transparent; its EXIF data stay with it."""
    from PIL import Image

    image.load()
    exif = image.getexif()
    if image.mode.startswith("I"):  # 16 bits a pixel, and the same in 32; `convert` would cut off what is above 255
        wide = image.convert("I")
        image = wide.point(lambda value: value * (1 / 257)).convert("L") if wide.getextrema()[1] > 255 else wide
    elif image.mode == "F":
        low, high = image.getextrema()
        scale = 255 / (high - low) if high > low else 1.0
        image = image.point(lambda value: value * scale - low * scale)
    if image.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in image.info:
        front = image.convert("RGBA")
        behind = Image.new("RGB", front.size, "white")
        behind.paste(front, mask=front.getchannel("A"))
        image = behind
    rgb = image if image.mode == "RGB" else image.convert("RGB")  # a copy of 100 megapixels takes 400 MB
    rgb.info["exif"] = exif.tobytes() if exif else b""
    return rgb


def answer(request: dict[str, Any]) -> dict[str, Any]:
    """What is asked for, or {"error": what is wrong with it}."""
    data = request.get("data", b"")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if request["do"] == "picture":
                return read_picture(data, request["most"])
            if request["do"] == "portable":
                return convert_picture(data, request["most"])
            if request["do"] == "thumbnail":
                return shrink_picture(data, request["most"], request["side"])
            return read_document(data, request["most_pages"], request["sees"], request["most"])
    except MemoryError:
        return {"error": "needs too much memory to be decoded; make it smaller first"}
    except Exception as error:  # whatever a stranger's file does to a decoder
        said = " ".join(str(error).split())[:120] or type(error).__name__
        return {"error": f"is damaged and cannot be decoded ({said})"}


def main() -> None:
    """The child's loop."""
    answer_lines(answer, MEMORY_LIMIT, SECONDS)


if __name__ == "__main__":
    main()
