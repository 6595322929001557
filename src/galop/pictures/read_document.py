"""Reads a PDF with PDFium, in the child process: the text of its pages, and pictures of those that have none."""

from __future__ import annotations

import ctypes
import io
from collections.abc import Iterator
from typing import Any

DPI = 144
LEAST_TEXT = 16  # letters and digits of a page that has a text
MOST_TEXT = 2_000_000  # characters of a document
MOST_SCANS = 32  # pages that are drawn
LONGEST_SIDE = 16_000  # pixels of one, which a JPEG has room for
MOST_FIELDS = 1000  # of a page
BOX, WRITTEN = 2, (4, 5, 6)  # types of fields: a box to be checked; a choice or text


def read_document(data: bytes, most_pages: int, sees: bool, most_pixels: int) -> dict[str, Any]:
    """`pages`, how many there are; `texts`, of each that was read; `scans`, which of these are pictures instead and how
    many bytes of `data` each takes, a JPEG; `left_out`, how many pages without text could have been pictures, or were
    too many."""
    import pypdfium2 as pdfium

    try:
        document = pdfium.PdfDocument(data)
    except pdfium.PdfiumError as error:
        protected = "password" in str(error).lower()
        if protected:
            return {"error": "is protected by a password; save it without one first"}
        return {"error": "is damaged or no PDF, and cannot be read"}
    if document.get_formtype():
        document.init_forms()
    texts: list[str] = []
    scans: list[tuple[int, int]] = []
    drawn: list[bytes] = []
    left_out = length = 0
    for at in range(min(len(document), most_pages)):
        page = document[at]
        found = page.get_textpage().get_text_bounded().replace("\r\n", "\n").replace("\x00", "").strip()
        shown = sum(c.isalnum() for c in found)
        found = "\n".join(filter(None, [found, *written_on(document, page)]))
        text = "".join(c for c in found if c.isprintable() or c in "\n\t")[: MOST_TEXT - length]
        length += len(text)
        texts.append(text)
        if is_scan(page, shown):
            if sees and len(drawn) < MOST_SCANS:
                drawn.append(draw(page, most_pixels))
                scans.append((at, len(drawn[-1])))
            else:
                left_out += 1
        page.close()
    return {
        "pages": len(document), "texts": texts, "scans": scans, "left_out": left_out, "data": b"".join(drawn),
        "cut": length >= MOST_TEXT,
    }  # fmt: skip


def written_on(document: Any, page: Any) -> Iterator[str]:
    """What was written into the fields of a form and beside the page's own text, a line each."""
    import pypdfium2.raw as pdfium

    def string(get: Any, *args: Any) -> str:
        size = get(*args, None, 0)
        buffer = ctypes.create_string_buffer(max(size, 2))
        get(*args, ctypes.cast(buffer, ctypes.POINTER(pdfium.FPDF_WCHAR)), size)
        return " ".join(buffer.raw[: size - 2].decode("utf-16-le", "replace").split())

    for number in range(min(pdfium.FPDFPage_GetAnnotCount(page), MOST_FIELDS)):
        annotation = pdfium.FPDFPage_GetAnnot(page, number)
        if pdfium.FPDFAnnot_GetSubtype(annotation) == pdfium.FPDF_ANNOT_FREETEXT:
            yield string(pdfium.FPDFAnnot_GetStringValue, annotation, b"Contents")
        elif document.formenv:
            field = (document.formenv, annotation)
            kind, checked = pdfium.FPDFAnnot_GetFormFieldType(*field), pdfium.FPDFAnnot_IsChecked(*field)
            value = string(pdfium.FPDFAnnot_GetFormFieldValue, *field) if kind in WRITTEN or checked else ""
            if kind == BOX:
                value = "yes" if checked else "no"
            if value:
                label = string(pdfium.FPDFAnnot_GetFormFieldAlternateName, *field)
                yield f"{label or string(pdfium.FPDFAnnot_GetFormFieldName, *field)}: {value}"
        pdfium.FPDFPage_CloseAnnot(annotation)


def is_scan(page: Any, letters: int) -> bool:
    """Whether a page with so many letters is a picture: it has one and hardly a word, or lines and no word at all."""
    image = 3  # FPDF_PAGEOBJ_IMAGE
    kinds = {found.type for found in page.get_objects(max_depth=3)} if letters < LEAST_TEXT else set()
    return image in kinds or (bool(kinds) and not letters)


def draw(page: Any, most_pixels: int) -> bytes:
    """A page as a JPEG of at most so many pixels."""
    width, height = page.get_size()
    scale = min(DPI / 72, (most_pixels / max(width * height, 1.0)) ** 0.5, LONGEST_SIDE / max(width, height, 1.0))
    image = page.render(scale=scale).to_pil().convert("RGB")
    out = io.BytesIO()
    image.save(out, "JPEG", quality=92)
    return out.getvalue()
