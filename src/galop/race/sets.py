"""Sets of questions: the technical bank, `reasoning`, a JSONL or CSV of one's own; and whether an answer is right."""

from __future__ import annotations

import csv
import io
import json
import math
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import count
from pathlib import Path
from typing import Any, Literal

from galop.errors import GalopError
from galop.race import reasoning
from galop.science.answers import answer_line, plain_words

LONGEST_LINE = 1 << 20  # bytes of one question in a file
MOST = 100_000  # questions of a file
SIZES = {"science": 74, "reasoning": 64}
"""Questions of a set of ours where no number is asked for."""
FORM = {
    "en": "End with a line ANSWER: and the answer alone.",
    "fr": "Terminez par une ligne ANSWER: suivie de la réponse seule.",
}
Language = Literal["en", "fr", "both"]


class SetError(GalopError):
    """A set of questions that cannot be used."""

    exit_code = 2


@dataclass(frozen=True)
class Question:
    """A question and how its answer is judged: by `rules`, as a number in a `unit`, or by its words."""

    id: str
    kind: str  # questions of one kind resemble each other
    text: str
    answer: float | str | None = None  # None where it cannot be determined
    unit: str | None = None
    tolerance: float = 0.0  # relative
    rules: tuple[tuple[str, Any], ...] = ()
    part: str = ""
    language: str = "en"
    source: str = ""

    @classmethod
    def read(cls, data: dict[str, Any]) -> Question:
        return cls(**{**data, "rules": tuple((name, value) for name, value in data["rules"])})

    def written(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class Judgement:
    """Whether an answer is right; what was read in it; if it is wrong, what the slip looks like."""

    right: bool
    value: float | str | None
    slip: str = ""


def questions(name: str, limit: int = 0, seed: int = 0, language: Language = "en") -> list[Question]:
    """Those of a set: science, reasoning, a file's or a task's of inspect-ai. Raises SetError."""
    if name == "science":
        return science(limit or SIZES[name], seed, language)
    if name == "reasoning":
        if language != "en":
            raise SetError("the set reasoning is in English only; leave out --lang")
        drawn = reasoning.questions(limit or SIZES[name], seed)
        return [
            Question(f"{d.kind}-{i}", d.kind, d.text if d.rules else f"{d.text}\n{FORM['en']}", d.answer,
                     rules=d.rules, part=d.part)
            for i, d in enumerate(drawn)
        ]  # fmt: skip
    if name.startswith("inspect:"):
        try:
            from galop.race import inspect_model
        except ImportError as error:
            raise SetError(f"this needs {error.name}; install it with: pip install 'galop[race]'") from None
        return inspect_model.questions(name, limit)
    path = Path(name)
    if path.suffix.lower() not in (".jsonl", ".csv"):
        raise SetError(f"there is no set {name!r}; there are: science, reasoning, a .jsonl or .csv file, inspect:TASK")
    found = list(from_file(path))
    return found[:limit] if limit else found


def science(wanted: int, seed: int, language: Language) -> list[Question]:
    """Of the technical bank; `both` languages take turns over the same numbers."""
    from galop.science import bank, formulas

    formulas()  # tells what to install
    drawn = {tongue: bank.questions(wanted, seed, tongue) for tongue in ("en", "fr") if language in (tongue, "both")}
    found = []
    for i in range(wanted):
        tongue = language if language != "both" else ("en", "fr")[i % 2]
        q = drawn[tongue][i]
        found.append(
            Question(q.id, q.kind, q.text, q.answer, q.unit, q.tolerance, (), q.stratum, tongue, q.source)
        )  # fmt: skip
    return found


def from_file(path: Path) -> Iterator[Question]:
    """One question a line, with `question` and `answer`, and, if wanted, `id`, `kind`, `unit`, `tolerance` and `lang`.

    Raises SetError for what is missing, twice there or no text, with its line.
    """
    seen: dict[str, int] = {}
    try:
        for line, row in rows(path):
            where = f"{path}, line {line}"
            columns = ", ".join(row)
            row = {name: cell for name, cell in row.items() if cell not in (None, "")}
            question = valid(str(row.get("question", ""))).strip()
            if not question:
                raise SetError(f"{where} has no question; columns wanted: question, answer; there: {columns}")
            if "answer" not in row:
                raise SetError(f"{where} has no answer to judge by; fill in its column answer")
            language = str(row.get("lang", "en"))
            if language not in FORM:
                raise SetError(f"{where}: lang has to be en or fr, not {language!r}")
            unit = str(row["unit"]) if "unit" in row else None
            answer = value(row["answer"], unit, where)
            name = valid(str(row.get("id", line)))
            if name in seen:
                raise SetError(f"{where}: the id {name!r} is that of line {seen[name]} too")
            seen[name] = line
            if len(seen) > MOST:
                raise SetError(f"{path} has more than {MOST} questions")
            if "ANSWER:" not in question:
                unit_asked = f" Its unit is {unit}." if unit else ""
                question += f"\n{FORM[language]}{unit_asked}"
            yield Question(name, valid(str(row.get("kind", name))), question, answer, unit,
                           number_of(row.get("tolerance", 0.01 if unit else 0), f"{where}, tolerance"),
                           language=language, source=valid(str(row.get("source", ""))))  # fmt: skip
    except OSError as error:
        raise SetError(f"{path} cannot be read: {error.strerror or error}") from None
    except UnicodeDecodeError as error:
        raise SetError(f"{path} is not UTF-8 at byte {error.start}") from None
    if not seen:
        raise SetError(f"{path} has no questions")


def rows(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Each line's number and columns."""
    if path.suffix.lower() == ".csv":
        lines = (text for _, text in bounded(path))
        reader = csv.DictReader(lines, strict=True)
        try:
            for row in reader:
                if None in row or None in row.values():
                    raise SetError(f"{path}, line {reader.line_num} has not as many columns as its first line")
                yield reader.line_num, {str(k).strip().lower(): v for k, v in row.items()}
        except csv.Error as error:
            raise SetError(f"{path}, line {reader.line_num} is no CSV: {error}") from None
        return
    for number, text in bounded(path):
        if not text.strip():
            continue
        try:
            row = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise SetError(f"{path}, line {number} is no JSON: {str(error)[:100]}") from None
        if not isinstance(row, dict):
            raise SetError(f"{path}, line {number} is no JSON object with question and answer")
        yield number, row


def bounded(path: Path) -> Iterator[tuple[int, str]]:
    """Lines and their numbers, none of which is read further than it may be long."""
    with path.open("rb") as file:
        for number in count(1):
            line = file.readline(LONGEST_LINE + 1)
            if not line:
                return
            if len(line) > LONGEST_LINE:
                raise SetError(f"{path}, line {number} is longer than {LONGEST_LINE >> 20} MiB")
            yield number, line.decode("utf-8-sig" if number == 1 else "utf-8")


def valid(text: str) -> str:
    """Without halves of characters, which JSON can write and UTF-8 cannot."""
    return text.encode("utf-8", "replace").decode()


def value(answer: Any, unit: str | None, where: str) -> float | str:
    """The answer as a number where it has a unit, else as it stands. Raises SetError."""
    if unit is None:
        if isinstance(answer, (str, int, float)):
            return f"{answer:.15g}" if isinstance(answer, float) else valid(str(answer))
        raise SetError(f"{where}: the answer has to be a text or a number")
    from galop.science.card import registry, unit_text

    try:
        registry().parse_units(unit_text(unit))
    except Exception:  # pint raises what its parser stumbles on
        raise SetError(f"{where}: {unit!r} is not a unit that is known") from None
    return number_of(answer, f"{where}, answer")


def number_of(text: Any, where: str) -> float:
    try:
        number = float(text)
    except (TypeError, ValueError):
        number = math.nan
    if not math.isfinite(number):
        raise SetError(f"{where}: {str(text)[:60]!r} is not a number")
    return number


def judge(question: Question, reply: str) -> Judgement:
    """Whether a whole reply answers a question rightly."""
    if question.rules:
        broken = [name for name, wanted in question.rules if not reasoning.RULES[name](reply, wanted)]
        return Judgement(not broken, None, ", ".join(broken))
    if question.unit is not None:
        from galop.science import bank, score

        assert not isinstance(question.answer, str)
        asked = bank.Question(question.id, question.kind, question.part, question.text, question.answer,
                              question.unit, question.tolerance, question.source)  # fmt: skip
        found = score.verdict(asked, reply)
        return Judgement(found.right, found.value, found.slip)
    line = answer_line(reply)
    said = line if line is not None else next((x for x in reversed(reply.splitlines()) if x.strip()), "")
    wanted = str(question.answer)
    if plain_words(said) == plain_words(wanted) or near(said, wanted, question.tolerance):
        return Judgement(True, said[:200])
    return Judgement(False, said[:200], "wrong" if line is not None else "no answer line")


def near(said: str, wanted: str, tolerance: float) -> bool:
    """Whether both are one number each, and the same; what is said may have a word or a currency with it."""
    a, b = plain_number(re.sub(r"[€£]|(?<=\d)\s*[^\W\d_]{2,}\.?$", "", said.strip())), plain_number(wanted)
    return a is not None and b is not None and abs(a - b) <= max(tolerance * abs(b), 1e-9 * abs(b))


def plain_number(text: str) -> float | None:
    """Of a text that is nothing else, but for markup. A comma before three digits parts thousands, else decimals."""
    text = re.sub(r"\\[,;!]|[\s_$*%]", "", text).replace("−", "-").rstrip(".")
    if re.fullmatch(r"[-+]?\d{1,3}(?:,\d{3})+(?:\.\d*)?", text):
        text = text.replace(",", "")
    elif text.count(",") == 1 and "." not in text:
        text = text.replace(",", ".")
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def csv_text(lines: list[dict[str, Any]]) -> str:
    """A table; the first line's keys are its columns."""
    out = io.StringIO()
    writer = csv.DictWriter(out, lines[0].keys() if lines else [], lineterminator="\n")
    writer.writeheader()
    writer.writerows(lines)
    return out.getvalue()
