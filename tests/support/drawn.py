"""Pictures and documents made up for tests."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from PIL import Image, ImageDraw


def noise(height: int, width: int, seed: int = 0) -> Image.Image:
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8))


def gradient(height: int, width: int) -> Image.Image:
    y, x = np.mgrid[0:height, 0:width]
    channels = [x * 255 // max(width - 1, 1), y * 255 // max(height - 1, 1), (x + y) * 7 % 256]
    return Image.fromarray(np.stack(channels, -1).astype(np.uint8))


def written(text: str, size: tuple[int, int] = (320, 80)) -> Image.Image:
    image = Image.new("RGB", size, "white")
    ImageDraw.Draw(image).text((10, 20), text, fill="black", font_size=32)
    return image


def number(digits: str) -> Image.Image:
    """A number as `qwen3-mini-vl` reads it."""
    image = Image.new("RGB", (256, 256), "white")
    ImageDraw.Draw(image).text((128, 128), digits, fill="black", font_size=120, anchor="mm")
    return image


def encoded(image: Image.Image, format: str = "PNG", **options: Any) -> bytes:
    out = io.BytesIO()
    image.save(out, format, **options)
    return out.getvalue()


def pdf(texts: list[str], scans: int = 0, written_on: tuple[str, ...] = ()) -> bytes:
    """A PDF of pages with these texts, then of so many that are pictures of text; with annotations on the first, among
    them fields of a form."""
    listed = " ".join(f"<< /Type /Annot /Rect [40 600 400 640] /F 4 {one} >>" for one in written_on).encode("latin-1")
    objects: list[bytes] = [
        b"<< /Type /Catalog /Pages 2 0 R /AcroForm << /Fields [] >> >>"
        if listed
        else b"<< /Type /Catalog /Pages 2 0 R >>",
        b"",
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    kids = []
    for text in texts:
        shown = text.replace("\\", "\\\\").replace("(", r"\(").replace(")", r"\)")
        stream = f"BT /F1 18 Tf 40 700 Td ({shown}) Tj ET".encode("latin-1")
        objects.append(b"<< /Length %d >>\nstream\n%s\nendstream" % (len(stream), stream))
        objects.append(
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents %d 0 R "
            b"/Resources << /Font << /F1 3 0 R >> >> /Annots [%s] >>" % (len(objects), b"" if kids else listed)
        )
        kids.append(len(objects))
    for i in range(scans):
        jpeg = encoded(written(f"scan {i + 1}"), "JPEG")
        objects.append(
            b"<< /Type /XObject /Subtype /Image /Width 320 /Height 80 /ColorSpace /DeviceRGB /BitsPerComponent 8 "
            b"/Filter /DCTDecode /Length %d >>\nstream\n%s\nendstream" % (len(jpeg), jpeg)
        )
        stream = b"q 320 0 0 80 40 700 cm /Im Do Q"
        objects.append(b"<< /Length %d >>\nstream\n%s\nendstream" % (len(stream), stream))
        objects.append(
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents %d 0 R "
            b"/Resources << /XObject << /Im %d 0 R >> >> >>" % (len(objects), len(objects) - 1)
        )
        kids.append(len(objects))
    objects[1] = b"<< /Type /Pages /Count %d /Kids [%s] >>" % (len(kids), b" ".join(b"%d 0 R" % k for k in kids))
    out, places = b"%PDF-1.4\n", []
    for number, content in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    return out + b"xref\n0 %d\n0000000000 65535 f \n%strailer << /Root 1 0 R /Size %d >>\nstartxref\n%d\n%%%%EOF" % (
        len(objects) + 1, table, len(objects) + 1, len(out),
    )  # fmt: skip
