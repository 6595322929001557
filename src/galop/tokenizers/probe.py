"""Tries a tokenizer out in a process of its own: `python -m galop.tokenizers.probe` answers a JSON line in one.

A panic, an abort, memory or time without end is then the child's, and the parent says so in one sentence.
"""

from __future__ import annotations

from galop.child import BUSY, Child, answer_lines, end_after
from galop.errors import ModelFileError

SECONDS = 20.0  # of computing
MEMORY_LIMIT = 4 << 30
LENGTH = 16_384  # characters of each text that is tried
LONGEST = 1.0  # seconds of computing that one may take; a hundredth of it is usual


def try_out(description: str, pattern: str = "") -> None:
    """Raises ModelFileError if a tokenizer with this regular expression fails or takes too long on plain texts."""
    child = Child("galop.tokenizers.probe", BUSY * SECONDS)
    answer = child.ask({"description": description, "pattern": pattern})
    child.close()
    if answer is None:
        raise ModelFileError("tokenizer.json: tried out on plain texts it crashed, ran out of memory or took too long")
    if answer["error"]:
        raise ModelFileError(f"tokenizer.json: it fails on a plain text: {answer['error']}")


def texts(pattern: str) -> list[str]:
    """Texts that backtracking is slow on: long runs of every character that a regular expression tells from others,
    which end in all that it could still be looking for, though not at once."""
    runs = {*" \n\ta0Z.,'<é漢\u0301\u200d🙂", *(c for c in pattern if c.isprintable())}
    sought = "".join(f"\x7f{c}" for c in sorted(runs)) + "\x7f" + pattern
    mixed = "It's 3.14, não? Ελληνικά 漢字かな交じり文 👩‍👧 \r\n\t<|x|> don't {}[]_-"
    return [mixed, *(c * LENGTH + sought for c in sorted(runs)[:48])]


def trial(description: str, pattern: str) -> str | None:
    """What goes wrong with the texts of this regular expression, if anything does."""
    from tokenizers import Tokenizer

    try:
        tokenizer = Tokenizer.from_str(description)
        for text in texts(pattern):
            end_after(LONGEST)
            ids = tokenizer.encode(text, add_special_tokens=False).ids
            tokenizer.decode(ids[:256], skip_special_tokens=False)
            end_after(SECONDS)
    except BaseException as error:  # a Rust panic is no Exception
        return " ".join(str(error).split())[:120]
    return None


def main() -> None:
    """Answers each line on standard input, as the child."""
    answer_lines(lambda asked: {"error": trial(asked["description"], asked["pattern"])}, MEMORY_LIMIT, SECONDS)


if __name__ == "__main__":
    main()
