"""Pictures from bytes: every kind there is, and all that only looks like one."""

from __future__ import annotations

import base64
import os
import random
import re
import signal
import sys
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import quote

import numpy as np
import pytest
from drawn import encoded, gradient, noise, pdf
from PIL import Image
from waiting import wait_for

from galop.errors import BusyError, PictureError
from galop.pictures import file_kinds, picture
from galop.pictures.document import open_document
from galop.pictures.file_kinds import looks_like_picture
from galop.pictures.picture import Picture, check_count, open_picture, parse_data, portable_url


def refusal(data: bytes, name: str = "cat.png") -> str:
    with pytest.raises(PictureError) as refused:
        open_picture(data, name)
    said = str(refused.value)
    assert "\n" not in said and len(said) < 300
    return said


@pytest.mark.parametrize("format", ["PNG", "WEBP", "GIF", "BMP", "TIFF", "JPEG", "AVIF"])
def test_every_format_is_read(format: str) -> None:
    image = noise(40, 60)
    options = {"lossless": True} if format == "WEBP" else {}
    opened = open_picture(encoded(image, format, **options))
    assert opened.size == (40, 60) and opened.media_type == f"image/{format.lower()}"
    if format not in ("JPEG", "GIF", "AVIF"):
        assert np.array_equal(opened.pixels(), np.array(image))


def test_what_shows_the_same_has_the_same_digest() -> None:
    image = noise(30, 50)
    png, bmp = open_picture(encoded(image)), open_picture(encoded(image, "BMP"))
    assert png.digest == bmp.digest and png.data != bmp.data
    other = Image.fromarray(np.array(image).reshape(50, 30, 3))
    assert open_picture(encoded(other)).digest != png.digest


def test_exif_says_which_way_is_up() -> None:
    image = gradient(20, 40)
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by 90 degrees
    turned = open_picture(encoded(image, "TIFF", exif=exif))
    assert turned.size == (40, 20)
    assert np.array_equal(turned.pixels(), np.rot90(np.array(image), -1))


def test_modes_become_rgb() -> None:
    image = noise(16, 16)
    assert np.array_equal(
        open_picture(encoded(image.convert("P"))).pixels(), np.array(image.convert("P").convert("RGB"))
    )
    assert open_picture(encoded(image.convert("CMYK"), "JPEG")).size == (16, 16)
    assert np.array_equal(open_picture(encoded(image.convert("L"))).pixels()[..., 1], np.array(image.convert("L")))
    black = open_picture(encoded(image.convert("1"))).pixels()
    assert set(np.unique(black)) <= {0, 255}
    clear = Image.new("RGBA", (4, 4), (255, 0, 0, 0))
    assert (open_picture(encoded(clear)).pixels() == 255).all()
    half = Image.new("RGBA", (4, 4), (0, 0, 0, 128))
    assert abs(int(open_picture(encoded(half)).pixels()[0, 0, 0]) - 127) <= 1
    keyed = Image.new("P", (4, 4), 0)
    keyed.putpalette([10, 20, 30])
    assert (open_picture(encoded(keyed, transparency=0)).pixels() == 255).all()


@pytest.mark.parametrize("format", ["PNG", "TIFF"])
def test_sixteen_bits_become_eight(format: str) -> None:
    wide = np.linspace(0, 65535, 256, dtype=np.uint16).reshape(16, 16)
    shown = open_picture(encoded(Image.fromarray(wide), format)).pixels()[..., 0]
    assert abs(shown.astype(int) - wide // 257).max() <= 1


def test_of_an_animation_the_first_frame_is_read() -> None:
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "green", "blue")]
    for format in ("GIF", "WEBP", "TIFF"):
        options = {"lossless": True} if format == "WEBP" else {}
        animated = encoded(frames[0], format, save_all=True, append_images=frames[1:], **options)
        assert tuple(open_picture(animated).pixels()[0, 0]) == (255, 0, 0), format


def test_a_large_picture_is_scaled_down_as_it_is_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(picture, "LARGEST", 10_000)
    for format in ("JPEG", "PNG"):
        opened = open_picture(encoded(gradient(300, 600), format))
        assert opened.width * opened.height <= 10_000 and abs(opened.width / opened.height - 2) < 0.05


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize("format", ["JPEG", "PNG"])
def test_twelve_megapixels_take_less_than_200_mb(format: str) -> None:
    def peak(pid: int | str) -> int:
        return int(re.findall(r"VmHWM:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())[0]) << 10

    data = encoded(gradient(3000, 4000), format)
    picture._DECODER.close()
    base = peak("self")
    height, width = open_picture(data).size
    assert height * width <= picture.LARGEST and abs(width / height - 4 / 3) < 0.01
    child = picture._DECODER.idle[0].start().pid
    assert peak("self") - base + peak(child) < 200e6


PNG = encoded(noise(20, 20))
JPEG = encoded(noise(200, 200), "JPEG")


def png_of(width: int, height: int) -> bytes:
    """A PNG that says it is so large, of zeros that compress a thousandfold."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return len(content).to_bytes(4, "big") + kind + content + zlib.crc32(kind + content).to_bytes(4, "big")

    header = width.to_bytes(4, "big") + height.to_bytes(4, "big") + bytes([8, 2, 0, 0, 0])
    return PNG[:8] + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(1 << 20))) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "is empty"),
        (b"plain words" * 20, "is no picture that can be read"),
        (PNG[:8], "is no picture|is damaged"),
        (PNG[:300], "is damaged"),
        (JPEG[: len(JPEG) // 2], "is damaged"),
        (PNG[:8] + b"x" * 100, "is damaged|is no picture"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>", "SVG"),
        (b"\xef\xbb\xbf <?xml version='1.0'?><svg/>", "XML"),
        (b"<!DOCTYPE html><p>hi", "HTML"),
        (b"%PDF-1.7 ...", "a PDF"),
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "HEIC.*JPEG"),
        (b"\0\0\0\x18ftypavif\0\0\0\0mif1", "is damaged"),
        (b"\0\0\0\x18ftypisom\0\0\0\0mp42", "video"),
        (png_of(60_000, 60_000), "too large.*60000 x 60000"),
        (png_of(10_000, 10_000), "is damaged"),
        (png_of(0, 10), "is damaged|no pixels|is no picture"),
        (encoded(Image.new("RGB", (10_000, 1))), "10000 x 1 pixels.*too narrow"),
        (encoded(Image.new("RGB", (1, 10_000))), "1 x 10000 pixels.*too narrow"),
    ],
)  # fmt: skip
def test_what_is_no_picture_is_refused_in_a_sentence(data: bytes, said: str) -> None:
    assert re.search(said, refusal(data)) and refusal(data).startswith("cat.png ")


def test_a_polyglot_is_its_pixels_and_nothing_else() -> None:
    page = b"<html><script>alert(1)</script>"
    assert open_picture(PNG + page).digest == open_picture(PNG).digest
    assert open_picture(PNG + page).media_type == "image/png"
    assert "HTML" in refusal(page + PNG)


def test_a_file_that_is_too_long_is_not_sent_anywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file_kinds, "MOST_BYTES", 1 << 20)
    assert "a picture may have 1" in refusal(PNG + bytes(2 << 20))


@pytest.mark.parametrize("data", [PNG, JPEG[:4000], encoded(noise(30, 30), "GIF"), encoded(noise(30, 30), "TIFF"),
                                  encoded(noise(30, 30), "WEBP"), encoded(noise(30, 30), "BMP"), encoded(noise(30, 30), "AVIF")])  # fmt: skip
def test_damage_anywhere_is_a_picture_or_a_sentence(data: bytes) -> None:
    draw = random.Random(1)
    for _ in range(40):
        damaged = bytearray(data)
        for _ in range(draw.randint(1, 8)):
            damaged[draw.randrange(len(damaged))] = draw.randrange(256)
        try:
            opened = open_picture(bytes(damaged))
            assert opened.pixels().shape == (*opened.size, 3)
        except PictureError as error:
            assert len(str(error)) < 300
    assert open_picture(PNG).size == (20, 20)


def test_data_urls() -> None:
    text = base64.b64encode(PNG).decode()
    for given in (
        f"data:image/png;base64,{text}",
        f"data:image/jpeg;charset=utf-8;base64,{text}",
        text,
        f"\n{text[:40]}\n{text[40:]}",
        f" data:image/png;base64,{text}",
        f"data:;base64,{text}",
        f"data:image/*;base64,{text}",
        f"data:null;base64,{text}",
        f'data:image/png;name="a;b, c.png";base64,{text}',
        f"data:image/png; base64,{text}",
        f"data:image/png;base64,{quote(text, safe='')}",
        base64.urlsafe_b64encode(PNG).decode(),
        text.rstrip("="),
    ):
        assert parse_data(given).size == (20, 20)
    assert parse_data(f"data:image/jpeg;base64,{text}").media_type == "image/png"
    assert parse_data(open_picture(PNG).data_url()).data == PNG


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("https://example.com/cat.png", "is a URL .https:.*fetches none"),
        ("HTTP://169.254.169.254/latest/meta-data", "fetches none"),
        ("file:///etc/passwd", "is a URL .file:"),
        ("data:image/png,%89PNG", "without base64"),
        ("data:image/png;base64,@@@@", "not valid base64"),
        ("data:image/png;base64,abc", "no picture"),
        ("data:image/png;base64,abcde", "not valid base64"),
        ("/home/me/cat.png", "not valid base64|no picture"),
        ("data:image/png;base64,", "is empty"),
        ("", "is empty"),
    ],
)  # fmt: skip
def test_other_urls_and_wrong_base64_are_refused(given: str, said: str) -> None:
    with pytest.raises(PictureError, match=said):
        parse_data(given)


def test_a_thousand_pictures_are_too_many() -> None:
    with pytest.raises(PictureError, match="1000 pictures are too many"):
        check_count([None] * 1000)


def test_what_one_owner_sent_is_new_from_another(monkeypatch: pytest.MonkeyPatch) -> None:
    photo, page = encoded(noise(40, 41, seed=12)), pdf(["Sent before."])
    first, document = open_picture(photo, owner="ann"), open_document(page, "a.pdf", False, "ann")
    picture._DECODER.close()
    monkeypatch.setattr(picture._DECODER, "seconds", 0.0)  # nothing can be decoded
    assert open_picture(photo, owner="ann").digest == first.digest and first.pixels().shape == (40, 41, 3)
    assert open_document(page, "a.pdf", False, "ann") is document
    for owner in ("bob", ""):
        with pytest.raises(BusyError):
            open_picture(photo, owner=owner)
        with pytest.raises(BusyError):
            open_document(page, "a.pdf", False, owner)


def test_a_decoder_that_dies_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    picture._DECODER.close()  # so that it has to begin first
    monkeypatch.setattr(picture._DECODER, "seconds", 0.0)
    with pytest.raises(BusyError):
        open_picture(encoded(noise(50, 50, seed=9)))
    monkeypatch.undo()
    assert isinstance(open_picture(encoded(noise(50, 50, seed=9))), Picture)


@pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="stops a process")
def test_a_file_that_takes_long_holds_up_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(picture._DECODER, "seconds", 600.0)
    stopped = picture._DECODER.idle[0].start().pid
    os.kill(stopped, signal.SIGSTOP)
    with ThreadPoolExecutor(1) as beside:
        slow = beside.submit(open_picture, encoded(noise(30, 31, seed=10)))
        wait_for(lambda: not picture._DECODER.idle, "the first is being decoded")
        assert open_picture(encoded(noise(32, 33, seed=11))).size == (32, 33)
        assert not slow.done()
        os.kill(stopped, signal.SIGCONT)
        assert slow.result().size == (30, 31)
    assert len(picture._DECODER.idle) == 1


def test_what_a_file_is_shows_in_its_beginning() -> None:
    assert all(
        looks_like_picture(encoded(noise(8, 8), f)) for f in ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "AVIF")
    )
    assert not looks_like_picture(b"What is this?") and not looks_like_picture(b"")


def test_other_programs_are_sent_what_all_of_them_show_alike() -> None:
    plain = encoded(noise(30, 40)), encoded(gradient(30, 40), "JPEG")
    for data in plain:
        assert portable_url(open_picture(data)).endswith(base64.b64encode(data).decode())
    turned = gradient(30, 40)
    turned.getexif()[0x0112] = 6
    frames = [noise(30, 40, seed) for seed in (1, 2)]
    others = [
        encoded(turned, "JPEG", exif=turned.getexif(), quality=95),
        encoded(frames[0], "GIF", save_all=True, append_images=frames[1:]),
        encoded(frames[0], "PNG", save_all=True, append_images=frames[1:]),
        *(encoded(gradient(30, 40), kind) for kind in ("WEBP", "BMP", "TIFF", "AVIF")),
        encoded(gradient(30, 40).convert("CMYK"), "JPEG", quality=95),
    ]
    for data in others:
        shown = open_picture(data)
        sent = parse_data(portable_url(shown))
        assert sent.data != data and sent.media_type in ("image/png", "image/jpeg") and sent.size == shown.size
        assert np.abs(sent.pixels().astype(int) - shown.pixels()).mean() < 4
        assert b"Exif" not in sent.data
