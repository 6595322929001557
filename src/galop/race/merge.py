"""One lane of several records: each question's answer once, after what the lane was when it gave it."""

from __future__ import annotations

from collections.abc import Sequence

from galop.race.record import Line, Record, RecordError, is_other_model


def merge_lanes(records: Sequence[Record], name: str) -> list[Line]:
    """The lines of a lane that several records may have, all of it or for some questions each. The record that is
    furthest on is first, and of two answers to a question the earlier counts, unless it is an error.

    Raises RecordError where the lane is another model in one of them.
    """
    parts = [lane for record in records for lane in record.contenders if lane.name == name and lane.answers]
    parts.sort(key=lambda lane: -len(lane.answers))
    lines: list[Line] = []
    answered = set[str]()
    setups: dict[str, Line] = {}  # as whoever reads these lines has them, by node
    for lane in parts:
        if is_other_model(parts[0].about, lane.about):
            raise RecordError(f"{name} is another model in one of these races than in another; leave that one out")
        for question, line in lane.answers.items():
            if question in answered:
                continue
            setup, node = lane.origins[question], line.get("node", "")
            if setup and setups.get(node) is not setup:
                setups[node] = setup
                lines.append({"setup": setup})
            lines.append(line)
            if not line.get("error"):
                answered.add(question)
    return lines
