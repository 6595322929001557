"""Pictures on the page: by file, pasted, dropped and from a phone's camera; shown, kept, and sent to the model."""

from __future__ import annotations

import base64
import os
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from drawn import encoded, noise, number, pdf
from PIL import Image, ImageDraw
from playwright.sync_api import Browser, Page, expect
from serving import Running, serving
from tiny_eyes import write_eyes

from galop.web.conversations import Conversations, StoredPicture

SHOTS = os.environ.get("GALOP_SCREENSHOTS")  # the folder that pictures of the page go into
SEEING = os.environ.get("GALOP_SEEING_MODEL")  # a model for them, in the place of a made-up one
expect.set_options(timeout=60_000)  # a model may have to be loaded first
DESKTOP, PHONE = {"width": 1200, "height": 780}, {"width": 390, "height": 780}
GIVE = """([kind, content, name, type]) => {
  const bytes = Uint8Array.from(atob(content), c => c.charCodeAt(0));
  const data = new DataTransfer();
  data.items.add(new File([bytes], name, {type}));
  const box = document.querySelector("footer textarea");
  box.dispatchEvent(kind === "paste" ? new ClipboardEvent("paste", {clipboardData: data, bubbles: true, cancelable: true})
    : new DragEvent("drop", {dataTransfer: data, bubbles: true, cancelable: true}));
}"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, smollm_path: Path) -> Iterator[Running]:
    files = write_eyes(tmp_path_factory.mktemp("model") / "eyes")
    with serving(SEEING or str(files), "smollm2:135m", home=tmp_path_factory.mktemp("page")) as running:
        yield running


@pytest.fixture
def visit(browser: Browser, server: Running) -> Iterator[Callable[..., Page]]:
    wrong: list[str] = []
    contexts = []

    def open_(size: Any = DESKTOP) -> Page:
        context = browser.new_context(viewport=size)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(60_000)
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on(
            "request",
            lambda r: wrong.append(r.url) if not re.match(r"\w+://127\.0\.0\.1:|data:|blob:", r.url) else None,
        )
        page.goto(server.url)
        page.wait_for_selector("textarea")
        page.wait_for_function("window.socket?.connected")
        take(page, SEEING or "eyes")
        return page

    yield open_
    for context in contexts:
        context.close()
    assert not wrong


def sign() -> Image.Image:
    """A house number of 300 x 200 pixels."""
    image = Image.new("RGB", (300, 200), (24, 60, 120))
    draw = ImageDraw.Draw(image)
    draw.rounded_rectangle((14, 14, 286, 186), 16, outline="white", width=5)
    draw.text((150, 100), "482", fill="white", font_size=120, anchor="mm")
    return image


def take(page: Page, model: str) -> None:
    """Chooses a model, and waits until the menu has gone and given the focus back, or keys would be the chooser's."""
    page.locator(".lane .model").click()
    page.locator(".q-menu").get_by_text(model).first.click()
    expect(page.locator(".q-menu")).to_have_count(0)
    expect(page.locator(".lane .model")).to_contain_text(model)
    expect(page.locator(".lane .model [role=combobox]")).to_be_focused()


def ask(page: Page, question: str) -> None:
    page.fill("footer textarea", question)
    page.locator("footer textarea").press("Enter")


def answered(page: Page, count: int = 1) -> None:
    page.wait_for_function(
        "n => [...document.querySelectorAll('.status')].filter(e => /tok.s/.test(e.innerText)).length >= n", arg=count
    )


def shot(page: Page, name: str) -> None:
    if SHOTS:
        page.evaluate("document.querySelector('article.user')?.scrollIntoView()")
        time.sleep(0.6)
        page.screenshot(path=Path(SHOTS) / name)


def test_a_picture_is_shown_asked_about_and_kept(visit: Callable[..., Page], tmp_path: Path, server: Running) -> None:
    (tmp_path / "photo.png").write_bytes(encoded(sign()))
    page = visit()
    page.set_input_files(".galop-upload input[type=file]", tmp_path / "photo.png")
    expect(page.locator(".files img")).to_have_count(1)
    page.fill("footer textarea", "What number is this?")
    shot(page, "page-attached.png")
    ask(page, "What number is this?")
    answered(page)
    expect(page.locator("article.user img")).to_have_attribute("alt", "photo.png")
    assert page.evaluate("document.querySelector('article.user img').naturalWidth") == 300
    expect(page.locator(".files img")).to_have_count(0)
    ask(page, "Is it even or odd?")  # which the random model may have left no room for
    page.wait_for_function("[...document.querySelectorAll('.status')].filter(e => e.innerText).length >= 2")
    shot(page, "page-picture.png")
    page.reload()
    page.wait_for_function("window.socket?.connected")
    page.get_by_text("What number is this?").first.click()
    expect(page.locator("article.user img")).to_have_count(1)
    assert 'galop:pictures_seen_total{model_name="' in server.client().get("/metrics").text


@pytest.mark.parametrize("kind", ["paste", "drop"])
def test_a_picture_is_pasted_or_dropped(kind: str, visit: Callable[..., Page]) -> None:
    page = visit()
    content = base64.b64encode(encoded(noise(60, 80))).decode()
    page.evaluate(GIVE, [kind, content, "shot.png", "image/png"])
    expect(page.locator(".files img")).to_have_count(1)
    page.evaluate(GIVE, [kind, base64.b64encode(b"<svg onload=alert(1)>").decode(), "evil.png", "image/png"])
    expect(page.get_by_text("evil.png is an SVG drawing")).to_be_visible()
    page.evaluate(GIVE, [kind, base64.b64encode(encoded(noise(60, 80))[:300]).decode(), "half.png", "image/png"])
    expect(page.get_by_text("half.png is damaged")).to_be_visible()
    page.get_by_role("button", name="Remove shot.png").press("Enter")
    expect(page.locator(".files img")).to_have_count(0)


def test_a_phone_has_its_camera(visit: Callable[..., Page], tmp_path: Path) -> None:
    (tmp_path / "photo.jpg").write_bytes(encoded(sign(), "JPEG"))
    page = visit(PHONE)
    expect(page.get_by_role("button", name="Take a photo")).to_be_visible()
    camera = page.locator("input[type=file][capture]")
    expect(camera).to_have_attribute("accept", "image/*")
    camera.set_input_files(tmp_path / "photo.jpg")
    expect(page.locator(".files img")).to_have_count(1)
    page.fill("footer textarea", "What number is this?")
    shot(page, "page-attached-phone.png")
    ask(page, "What number is this?")
    answered(page)
    shot(page, "page-picture-phone.png")
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


def test_pictures_stay_with_a_question_that_is_edited_and_go_with_an_export(
    visit: Callable[..., Page], tmp_path: Path
) -> None:
    given = {f"{digits}.png": encoded(number(digits)) for digits in ("36", "58")}
    for name, data in given.items():
        (tmp_path / name).write_bytes(data)
    page = visit(PHONE)
    page.set_input_files(".galop-upload input[type=file]", [tmp_path / name for name in given])
    pasted = base64.b64encode(encoded(number("91"))).decode()
    page.evaluate(GIVE, ["paste", pasted, "a [b].png", "image/png"])
    expect(page.locator(".files img")).to_have_count(3)
    ask(page, "What are these?")
    answered(page)
    page.get_by_role("button", name="Edit").click()
    page.locator(".editing textarea").fill("What is the first?")
    page.locator("article").get_by_role("button", name="Send").click()
    expect(page.get_by_text("2/2")).to_be_visible()
    answered(page)
    expect(page.locator("article.user img")).to_have_count(3)
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    page.reload()
    page.wait_for_function("window.socket?.connected")
    page.locator("header").get_by_role("button", name="Conversations").click()
    page.locator(".item .name").first.click()
    expect(page.locator("article.user")).to_contain_text("What is the first?")
    expect(page.locator("article.user img")).to_have_count(3)
    page.locator(".item.here .more").click()
    with page.expect_download() as download:
        page.get_by_text("Export as Markdown").click()
    content = Path(download.value.path()).read_text()
    for name, data in given.items():
        assert f"![{name}](data:image/png;base64,{base64.b64encode(data).decode()})" in content
    assert r"![a \[b\].png](data:image/png;base64," + pasted in content and "What is the first?" in content


def test_a_model_without_eyes_says_so(visit: Callable[..., Page], tmp_path: Path) -> None:
    (tmp_path / "photo.png").write_bytes(encoded(noise(40, 40)))
    page = visit()
    take(page, "smollm2:135m")
    page.set_input_files(".galop-upload input[type=file]", tmp_path / "photo.png")
    expect(page.locator(".files img")).to_have_count(1)
    ask(page, "What number is this?")
    expect(page.get_by_text("smollm2:135m reads text alone and sees no pictures")).to_be_visible()
    expect(page.get_by_text("eyes, which is here, can see")).to_be_visible()


def test_a_document_is_text_and_pictures(visit: Callable[..., Page], tmp_path: Path) -> None:
    (tmp_path / "paper.pdf").write_bytes(pdf(["The first page says a lot of things"], scans=1))
    page = visit()
    page.set_input_files(".galop-upload input[type=file]", tmp_path / "paper.pdf")
    expect(page.locator(".files img")).to_have_count(1)
    ask(page, "What does it say?")
    answered(page)
    expect(page.locator("article.user")).to_contain_text("The first page says a lot of things")
    expect(page.locator("article.user img")).to_have_count(1)
    expect(page.locator(".item.here .name")).to_have_text("What does it say?")


def test_pictures_belong_to_their_conversation(tmp_path: Path) -> None:
    store = Conversations(tmp_path / "c.db")
    mine = store.begin("me", "A cat")
    kept = StoredPicture("cat.png", "image/png", b"bytes", b"small")
    digest = store.keep_picture("me", mine, kept)
    assert store.keep_picture("me", mine, kept) == digest and store.picture("me", mine, digest) == kept
    assert store.picture("you", mine, digest) is None and store.picture("me", "other", digest) is None
    with pytest.raises(KeyError):
        store.keep_picture("you", mine, kept)
    store.delete("me", mine)
    assert store.picture("me", mine, digest) is None
    assert store._rows("SELECT count(*) FROM picture") == [(0,)]
    store.close()
