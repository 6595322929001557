"""Pictures where none belong, pictures that are none, and clients that go while theirs are looked at."""

from __future__ import annotations

import base64
import io
import re
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from drawn import encoded, gradient, noise
from PIL import Image
from serving import Running, serving
from tiny_eyes import write_eyes
from waiting import wait_for

GRADIENT = gradient(60, 90)
MANY = 90  # pictures of 100 tokens


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    files = write_eyes(tmp_path_factory.mktemp("model") / "eyes", max_position_embeddings=16384)
    with serving(str(files), "--context", "16384", home=tmp_path_factory.mktemp("home")) as running:
        yield running


def url(data: bytes) -> str:
    return f"data:image/png;base64,{base64.b64encode(data).decode()}"


def shown(*files: bytes) -> list[dict[str, Any]]:
    parts: list[dict[str, Any]] = [{"type": "image_url", "image_url": {"url": url(data)}} for data in files]
    return [{"role": "user", "content": [*parts, {"type": "text", "text": "What?"}]}]


def metric(server: Running, name: str) -> float:
    found = re.search(rf"{name}(?:_total)?{{[^}}]*}} ([\d.e+-]+)", server.client().get("/metrics").text)
    return float(found[1]) if found else 0.0


def png(width: int, height: int, rows: bytes = b"") -> bytes:
    """Of that size in its header, whatever its rows are."""
    out = b"\x89PNG\r\n\x1a\n"
    for kind, data in (
        (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)),
        (b"IDAT", zlib.compress(rows, 1)),
        (b"IEND", b""),
    ):
        out += struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    return out


def turned() -> bytes:
    image = GRADIENT.copy()
    image.getexif()[0x0112] = 6
    return encoded(image, "JPEG", exif=image.getexif())


PICTURES = {
    "16 bits": encoded(Image.fromarray((np.arange(6000).reshape(60, 100) * 10).astype(np.uint16))),
    "CMYK": encoded(GRADIENT.convert("CMYK"), "JPEG"), "palette": encoded(GRADIENT.quantize(16)),
    "one bit": encoded(GRADIENT.convert("1")), "grey with alpha": encoded(GRADIENT.convert("LA")),
    "floats": encoded(GRADIENT.convert("F"), "TIFF"), "WebP": encoded(GRADIENT, "WEBP"), "AVIF": encoded(GRADIENT, "AVIF"), "EXIF": turned(),
    "animated GIF": encoded(GRADIENT, "GIF", save_all=True, append_images=[noise(60, 90)]),
    "animated PNG": encoded(GRADIENT, "PNG", save_all=True, append_images=[noise(60, 90)]),
    "polyglot": encoded(GRADIENT) + b"<html><script>alert(1)</script>", "1 x 1": encoded(noise(1, 1)),
    "1 x 200": encoded(noise(200, 1)),
}  # fmt: skip
NONE = {
    "0 bytes": (b"", "is empty"), "truncated PNG": (encoded(GRADIENT)[:200], "is damaged"),
    "truncated JPEG": (encoded(GRADIENT, "JPEG")[:-200], "is damaged"),
    "bomb": (png(20_000, 20_000, bytes(1000)), "20000 x 20000 pixels are too many"),
    "1 x 10,000": (encoded(noise(10_000, 1)), "too narrow to be seen"),
    "GIF bomb": (b"GIF89a" + struct.pack("<HH", 65535, 65535) + b"\x80\x00\x00" + bytes(6) + b"," + bytes(4) + b"\xff" * 4 + b"\x00\x02\x02\x4c\x01\x00;", "too many|damaged"),
    "SVG": (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "is an SVG drawing"),
    "SVG in XML": (b"\xef\xbb\xbf<?xml version='1.0'?><svg/>", "is an XML text"),
    "HTML": (b"<!DOCTYPE html><p>", "is a page of HTML"), "PDF": (b"%PDF-1.7", "is a PDF, which is no picture"),
    "AVIF": (b"\x00\x00\x00\x1cftypavif\x00\x00\x00\x00avifmif1", "is damaged"),
    "HEIC": (b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic", "is HEIC, which is not decoded here"),
    "JPEG XL": (b"\xff\x0a\x00\x00", "is JPEG XL"), "video": (b"\x00\x00\x00\x18ftypisom\x00\x00\x00\x00isommp42", "is a video"),
    "archive": (b"PK\x03\x04aaaa", "is no picture that can be read"), "text": (b"hello", "is no picture that can be read"),
}  # fmt: skip


@pytest.mark.parametrize("kind", PICTURES)
def test_every_kind_of_picture_is_looked_at(server: Running, kind: str) -> None:
    reply = server.post("/v1/chat/completions", {"messages": shown(PICTURES[kind]), "max_tokens": 1})
    assert reply.status_code == 200 and reply.json()["usage"]["prompt_tokens"] > 25, reply.text


@pytest.mark.parametrize("kind", NONE)
def test_every_kind_of_nothing_is_told_in_a_sentence(server: Running, kind: str) -> None:
    data, said = NONE[kind]
    reply = server.post("/v1/chat/completions", {"messages": shown(encoded(GRADIENT), data)})
    error = reply.json()["error"]
    assert reply.status_code == 400 and error["code"] == "invalid_image" and error["param"] == "messages"
    assert re.match(rf"picture 2 of the request .*(?:{said})", error["message"]) and "\n" not in error["message"]
    claude = {
        "type": "image",
        "source": {"type": "base64", "media_type": "image/png", "data": base64.b64encode(data).decode()},
    }
    result = [{"type": "tool_result", "tool_use_id": "t", "content": [claude]}]
    call = {"type": "tool_use", "id": "t", "name": "look", "input": {}}
    turns = [
        {"role": "user", "content": "Look"},
        {"role": "assistant", "content": [call]},
        {"role": "user", "content": result},
    ]
    told = server.post("/v1/messages", {"max_tokens": 1, "messages": turns})
    assert told.status_code == 200, told.text  # an agent's conversation has to go on
    usage = told.json()["usage"]
    assert usage["input_tokens"] + (usage["cache_read_input_tokens"] or 0) > len(error["message"])


@pytest.mark.parametrize(
    ("path", "body", "param"),
    [
        ("/v1/completions", {"prompt": [{"type": "image_url"}]}, "prompt"), ("/v1/completions", {"prompt": "x", "images": ["x"]}, "images"),
        ("/v1/embeddings", {"input": [{"type": "image_url"}]}, "input"), ("/v1/embeddings", {"input": {"image": "x"}}, "input"),
        ("/v1/embeddings", {"input": "x", "images": ["x"]}, "images"), ("/v1/rerank", {"query": "x", "documents": ["y"], "image": "x"}, "image"),
        ("/v1/chat/completions", {"messages": shown(encoded(GRADIENT)), "prompt_logprobs": 1}, "prompt_logprobs"),
        ("/v1/chat/completions", {"messages": [{"role": "user", "content": [{"type": "image", "image": "x"}]}]}, "messages[0].content[0]"),
    ],
)  # fmt: skip
def test_where_no_picture_belongs(server: Running, path: str, body: dict[str, Any], param: str) -> None:
    reply = server.post(path, body)
    error = reply.json()["error"]
    assert reply.status_code == 400 and error["param"] == param, reply.text
    assert error["code"] in ("media_not_allowed", "unsupported_parameter")
    assert "valid integer" not in error["message"] and "\n" not in error["message"]


def test_ollama_embeds_no_pictures(server: Running) -> None:
    for path, body in (
        ("/api/embed", {"input": "x", "images": ["x"]}),
        ("/api/embed", {"input": [{"image": "x"}]}),
        ("/api/embeddings", {"prompt": "x", "images": ["x"]}),
    ):
        reply = server.post(path, body)
        assert reply.status_code == 400 and "picture" in reply.json()["error"]


def test_likely_tokens_are_told_of_an_answer_about_a_picture(server: Running) -> None:
    asked = {
        "messages": shown(encoded(GRADIENT)),
        "max_tokens": 3,
        "logprobs": True,
        "top_logprobs": 2,
        "n": 2,
        "temperature": 0,
    }
    choices = server.post("/v1/chat/completions", asked).json()["choices"]
    told = [[token["logprob"] for token in choice["logprobs"]["content"]] for choice in choices]
    assert told[0] == told[1] and len(told[0]) == 3 and all(value <= 0 for value in told[0])


def test_a_client_that_goes_has_no_more_looked_at(server: Running) -> None:
    """The tower stops between two pictures, and whoever comes next is answered."""
    before = metric(server, "galop:pictures_seen")
    files = [encoded(noise(20, 20, seed).resize((320, 320))) for seed in range(MANY)]
    body = {"messages": shown(*files), "max_tokens": 1, "stream": True, "return_progress": True}
    with server.client() as client, client.stream("POST", "/v1/chat/completions", json=body, timeout=120) as reply:
        assert "prompt_progress" in next(line for line in reply.iter_lines() if "progress" in line)
    wait_for(lambda: metric(server, "galop:num_requests_running") == 0, "the request to end", 60)
    seen = metric(server, "galop:pictures_seen") - before
    assert seen < MANY, seen
    assert server.post("/v1/chat/completions", {"messages": shown(files[0]), "max_tokens": 1}).status_code == 200


def test_a_large_picture_takes_no_memory_of_the_server(server: Running) -> None:
    """100 megapixels are decoded elsewhere, and scaled down there."""
    row = b"\x00" + bytes(range(256)) * 118
    row = row[: 1 + 3 * 10_000]
    out = io.BytesIO()
    compress = zlib.compressobj(1)
    for _ in range(10_000):
        out.write(compress.compress(row))
    out.write(compress.flush())
    data = png(10_000, 10_000)
    at = data.index(b"IDAT") - 4
    packed = out.getvalue()
    chunk = struct.pack(">I", len(packed)) + b"IDAT" + packed + struct.pack(">I", zlib.crc32(b"IDAT" + packed))
    whole = data[:at] + chunk + struct.pack(">I", 0) + b"IEND" + struct.pack(">I", zlib.crc32(b"IEND"))
    before = resident(server)
    reply = server.post("/v1/chat/completions", {"messages": shown(whole), "max_tokens": 1})
    assert reply.status_code == 200, reply.text
    assert resident(server) - before < 300 << 20


def resident(server: Running) -> int:
    """Bytes of the server's own process at their highest."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{server.process.pid}/status").read_text())
    assert found
    return int(found[1]) << 10
