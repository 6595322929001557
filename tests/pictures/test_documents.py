"""PDFs: the text of their pages, and pictures of those that have none."""

from __future__ import annotations

import random

import pytest
from drawn import encoded, noise, pdf

from galop.errors import PictureError
from galop.pictures import document
from galop.pictures.document import open_document
from galop.pictures.file_kinds import is_document


def test_the_text_of_each_page_is_read() -> None:
    data = pdf(["The first page says hello", "The second (page) says no"])
    opened = open_document(data, "paper.pdf", sees=False)
    assert is_document(data) and not is_document(encoded(noise(4, 4)))
    assert opened.parts == ("[page 1]\nThe first page says hello", "[page 2]\nThe second (page) says no")
    assert opened.pages == 2 and not opened.note


def test_what_was_written_into_a_form_and_on_a_page_is_read() -> None:
    written = (
        "/Subtype /Widget /FT /Tx /T (f1) /TU (Full name) /V (Ada Lovelace)", "/Subtype /Widget /FT /Tx /T (empty)",
        "/Subtype /Widget /FT /Btn /T (member) /V /Yes /AS /Yes", "/Subtype /Widget /FT /Btn /T (guest) /AS /Off",
        "/Subtype /Widget /FT /Ch /T (city) /Ff 131072 /Opt [(Paris) (London)] /V (London)",
        "/Subtype /FreeText /Contents (Checked on Monday.)",
    )  # fmt: skip
    [text] = open_document(pdf(["Application"], written_on=written), "form.pdf", False).parts
    assert text == (
        "[page 1]\nApplication\nFull name: Ada Lovelace\nmember: yes\nguest: no\ncity: London\nChecked on Monday."
    )


def test_a_page_without_text_is_a_picture_for_who_sees() -> None:
    data = pdf(["The first page has a text"], scans=2)
    seen = open_document(data, "paper.pdf", sees=True)
    assert [p.media_type for p in seen.pictures] == ["image/jpeg"] * 2 and not seen.note
    assert (seen.pictures[0].pixels() < 100).any()  # something is written there
    blind = open_document(data, "paper.pdf", sees=False)
    assert len(blind.parts) == 1
    assert blind.note == "paper.pdf: 2 pages without text are left out, since this model sees no pictures"


def test_what_nothing_can_be_read_of_is_refused() -> None:
    with pytest.raises(
        PictureError, match="1 page without text is left out, since this model sees no pictures; take a model that sees"
    ):
        open_document(pdf([], scans=1), "scan.pdf", sees=False)
    for data in (b"%PDF-1.4 and nothing", pdf(["a text"])[:80], b""):
        with pytest.raises(PictureError, match=r"^paper.pdf (is damaged|has no text)"):
            open_document(data, "paper.pdf", sees=True)


def test_limits_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(document, "MOST_PAGES", 2)
    opened = open_document(pdf(["A page with some text"] * 5), "long.pdf", sees=False)
    assert len(opened.parts) == 2 and opened.note == "long.pdf: of 5 pages the first 2 were read"


def test_damage_anywhere_is_a_document_or_a_sentence() -> None:
    data, draw = pdf(["The first page says hello"], scans=1), random.Random(2)
    for _ in range(40):
        damaged = bytearray(data)
        for _ in range(draw.randint(1, 20)):
            damaged[draw.randrange(len(damaged))] = draw.randrange(256)
        try:
            open_document(bytes(damaged), "paper.pdf", sees=True)
        except PictureError as error:
            assert len(str(error)) < 300
