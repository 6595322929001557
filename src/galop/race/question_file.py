"""Questions of one's own, from a JSONL or CSV file."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

from galop.race.pictures import find_pictures
from galop.race.question import Question, QuestionSetError

LONGEST_LINE = 1 << 20  # bytes of one question in a file
MOST = 100_000  # questions of a file
FORM = {
    "en": (
        "End with a line ANSWER: and the answer alone.",
        " Its unit is {}.",
        " If it cannot be determined, write ANSWER: unknown.",
    ),
    "fr": (
        "Terminez par une ligne ANSWER: suivie de la réponse seule.",
        " Son unité est {}.",
        " Si cela ne peut être déterminé, écrivez ANSWER: unknown.",
    ),
}
"""What a question ends with where it does not say itself how to answer: always, where there is a unit, and where some
question of its file cannot be answered."""
PURE = ("1", "-", "pure", "pure number", "dimensionless")
"""Units that say that a number has none."""
UNANSWERABLE = ("unknown", "inconnu", "inconnue")


def read_questions(path: Path) -> Iterator[Question]:
    """One question a line, with `question` and `answer`, and, if wanted, `id`, `kind`, `unit`, `tolerance`, `lang`,
    `form` and `image`, paths beside the file.

    A number has a unit, "1" if it is pure; a number without one is pure where it has a tolerance. The answer `unknown`
    (null in JSON) of a question with a unit means that there is none. Raises QuestionSetError for what is missing,
    twice there or no text, with its line.
    """
    found = list(read_drafts(path))
    some_unanswerable = any(question.answer is None for question in found)
    for question in found:
        yield replace(question, text=add_form(question, some_unanswerable))


def add_form(question: Question, some_unanswerable: bool) -> str:
    """The question's text, with how it is to be answered."""
    if question.bare or "ANSWER:" in question.text:
        return question.text
    form, unit, unknown = FORM[question.language]
    number = question.unit is not None
    return (
        f"{question.text}\n{form}{unit.format(question.unit) if question.unit else ''}"
        f"{unknown if some_unanswerable and number else ''}"
    )


def read_drafts(path: Path) -> Iterator[Question]:
    """The questions as they stand in a file. Raises QuestionSetError."""
    seen: dict[str, int] = {}
    try:
        for line, row in read_rows(path):
            where = f"{path}, line {line}"
            columns = ", ".join(row)
            unanswerable = "answer" in row and row["answer"] is None and path.suffix.lower() != ".csv"
            row = {name: cell for name, cell in row.items() if cell not in (None, "")}
            text = replace_surrogates(str(row.get("question", ""))).strip()
            if not text:
                raise QuestionSetError(f"{where} has no question; columns wanted: question, answer; there: {columns}")
            if "answer" not in row and not unanswerable:
                raise QuestionSetError(f"{where} has no answer to judge by; fill in its column answer")
            language = str(row.get("lang", "en"))
            if language not in FORM:
                raise QuestionSetError(f"{where}: lang has to be en or fr, not {language!r}")
            bare = is_bare(row, unanswerable, where)
            unit = None if bare else find_unit(row, unanswerable)
            answer = None if unanswerable else parse_answer(row["answer"], unit, where)
            name = replace_surrogates(str(row.get("id", line)))
            if name in seen:
                raise QuestionSetError(f"{where}: the id {name!r} is that of line {seen[name]} too")
            seen[name] = line
            if len(seen) > MOST:
                raise QuestionSetError(f"{path} has more than {MOST} questions")
            tolerance = parse_number(row.get("tolerance", 0 if unit is None else 0.01), f"{where}, tolerance")
            yield Question(name, replace_surrogates(str(row.get("kind", name))), text, answer, unit, tolerance,
                           language=language, source=replace_surrogates(str(row.get("source", ""))),
                           images=find_pictures(row, path.parent, where), bare=bare)  # fmt: skip
    except OSError as error:
        raise QuestionSetError(f"{path} cannot be read: {error.strerror or error}") from None
    except UnicodeDecodeError as error:
        raise QuestionSetError(f"{path} is not UTF-8 at byte {error.start}") from None
    if not seen:
        raise QuestionSetError(f"{path} has no questions")


def is_bare(row: dict[str, Any], unanswerable: bool, where: str) -> bool:
    """Whether a row's question is put as it stands, by `form` "none".

    Raises QuestionSetError where that is anything else, or the answer has a unit, which needs a line ANSWER:.
    """
    form = str(row.get("form", "")).strip().casefold()
    if form not in ("", "none"):
        raise QuestionSetError(f"{where}: form has to be none, or empty, not {form[:60]!r}")
    if form and ("unit" in row or unanswerable):
        raise QuestionSetError(f"{where}: a question of the form none is answered in words, or by a plain number; "
                               "leave out its unit, or its form")  # fmt: skip
    return bool(form)


def find_unit(row: dict[str, Any], unanswerable: bool) -> str | None:
    """The unit of a row's answer: "" for a pure number, None for words."""
    if "unit" in row:
        unit = str(row["unit"]).strip()
        return "" if unit.casefold() in PURE else unit
    if unanswerable:
        return ""
    with suppress(QuestionSetError):
        if parse_number(row.get("tolerance", 0), "") and math.isfinite(parse_number(row["answer"], "")):
            return ""
    return None


def read_rows(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Each line's number and columns. Raises QuestionSetError for a line that is no row of a CSV, or no JSON object."""
    if path.suffix.lower() == ".csv":
        lines = (text for _, text in read_lines(path))
        reader = csv.DictReader(lines, strict=True)
        try:
            for row in reader:
                if None in row or None in row.values():
                    raise QuestionSetError(f"{path}, line {reader.line_num} has not as many columns as its first line")
                yield reader.line_num, {str(k).strip().lower(): v for k, v in row.items()}
        except csv.Error as error:
            raise QuestionSetError(f"{path}, line {reader.line_num} is no CSV: {error}") from None
        return
    for number, text in read_lines(path):
        if not text.strip():
            continue
        try:
            row = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise QuestionSetError(f"{path}, line {number} is no JSON: {str(error)[:100]}") from None
        if not isinstance(row, dict):
            raise QuestionSetError(f"{path}, line {number} is no JSON object with question and answer")
        yield number, row


def read_lines(path: Path) -> Iterator[tuple[int, str]]:
    """Lines and their numbers. Raises QuestionSetError for one that is too long, of which no more is read."""
    with path.open("rb") as file:
        for number in count(1):
            line = file.readline(LONGEST_LINE + 1)
            if not line:
                return
            if len(line) > LONGEST_LINE:
                raise QuestionSetError(f"{path}, line {number} is longer than {LONGEST_LINE >> 20} MiB")
            yield number, line.decode("utf-8-sig" if number == 1 else "utf-8")


def replace_surrogates(text: str) -> str:
    """Without halves of characters, which JSON can write and UTF-8 cannot."""
    return text.encode("utf-8", "replace").decode()


def parse_answer(answer: Any, unit: str | None, where: str) -> float | str | None:
    """The answer as a number where it has a unit, None where it is unknown, else as it stands.

    Raises QuestionSetError.
    """
    if unit is None:
        if isinstance(answer, (str, int, float)):
            return f"{answer:.15g}" if isinstance(answer, float) else replace_surrogates(str(answer))
        raise QuestionSetError(f"{where}: the answer has to be a text or a number")
    from galop.science.units import normalise_unit, unit_registry

    try:
        unit_registry().parse_units(normalise_unit(unit))
    except Exception:  # pint raises what its parser stumbles on
        raise QuestionSetError(f"{where}: {unit!r} is not a unit that is known") from None
    if str(answer).strip().casefold() in UNANSWERABLE:
        return None
    return parse_number(answer, f"{where}, answer")


def parse_number(text: Any, where: str) -> float:
    """A finite number. Raises QuestionSetError."""
    try:
        number = float(text)
    except (TypeError, ValueError):
        number = math.nan
    if not math.isfinite(number):
        raise QuestionSetError(f"{where}: {str(text)[:60]!r} is not a number")
    return number
