"""Validation of requests: pydantic's complaints as one error, and an end at the first wrong item."""

from __future__ import annotations

from typing import Any

from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel
from pydantic_core import SchemaValidator

from galop.server.errors import ApiError


def validation_error(error: RequestValidationError) -> ApiError:
    """The first thing that is wrong, by its path in the request."""
    errors = error.errors()
    if errors[0]["loc"] == ("body",):
        return ApiError(400, "invalid_json", "the request body has to be a JSON object")
    if errors[0]["loc"][0] != "body":
        wrong = errors[0]
        param = ".".join(str(part) for part in wrong["loc"][1:])
        return ApiError(400, "invalid_value", f"{param}: {wrong['msg']}"[:500], param or None)
    found = _most_telling([Complaint(e["loc"][1:], error.body, e["type"], e["msg"]) for e in errors], 0)
    param = ""
    for part in found.path:
        param += f"[{part}]" if isinstance(part, int) else f".{part}" if param else part
    kind = found.kind if found.kind == "media_not_allowed" else "invalid_type" if found.mistyped else "invalid_value"
    what = f"{param}: {found.message}" if param else found.message
    return ApiError(400, kind, what[:500], param or None)


class Complaint:
    """One complaint of pydantic's: its location has, beside the path in the request, a tag for each union on the way,
    which says as what the value was tried."""

    def __init__(self, loc: tuple[int | str, ...], body: Any, kind: str, message: str) -> None:
        self.loc, self.kind = loc, kind
        self.message = message.replace("valid dictionary", "valid object").replace(" after validation", "")
        self.path: list[int | str] = []
        self.tags: list[int] = []  # where in the location
        here = body
        for i, part in enumerate(loc):
            if isinstance(part, int) and isinstance(here, (list, tuple)):
                here = here[part] if part < len(here) else None
            elif (
                isinstance(part, str)
                and isinstance(here, dict)
                and (part in here or (kind == "missing" and i == len(loc) - 1))
            ):
                here = here.get(part)
            else:
                self.tags.append(i)
                continue
            self.path.append(part)

    @property
    def mistyped(self) -> bool:
        """Whether the value is of another type than it may be."""
        return self.kind.endswith("_type")


def _most_telling(complaints: list[Complaint], start: int) -> Complaint:
    """The first complaint; of a union's, that of the branch which the value came closest to: where the fault lies
    deepest, is not its type, is in one place only, or comes last."""
    first = complaints[0]
    tag = next((i for i in first.tags if i >= start), None)
    if tag is None:
        return first
    branches: dict[int | str, list[Complaint]] = {}
    for complaint in complaints:
        if complaint.loc[:tag] == first.loc[:tag] and len(complaint.loc) > tag:
            branches.setdefault(complaint.loc[tag], []).append(complaint)

    def closeness(wrong: Complaint) -> tuple[int, bool, int, list[int]]:
        places = {tuple(complaint.path) for complaint in branches[wrong.loc[tag]]}  # a union at one place has several
        return len(wrong.path), not wrong.mistyped, -len(places), [p for p in wrong.path if isinstance(p, int)]

    candidates = [_most_telling(branch, tag + 1) for branch in branches.values()]
    best = max(candidates, key=closeness)
    if best.mistyped and len(best.path) == len(first.path):  # of none of the types it may have
        best.message = " or ".join(dict.fromkeys(w.message for w in candidates)).replace("or Input should be", "or")
    return best


def fail_fast(model: type[BaseModel], seen: set[type[BaseModel]] | None = None) -> None:
    """From now on the validation of a model, and of those within it, tells of the first wrong item of a list and no
    more: an error for each of half a million takes seconds, in which nobody else is answered."""
    seen = set() if seen is None else seen
    if model in seen:
        return
    seen.add(model)

    def hasty(schema: Any) -> Any:
        if isinstance(schema, (list, tuple)):
            return type(schema)(hasty(part) for part in schema)
        if not isinstance(schema, dict):
            return schema
        if schema.get("type") == "model" and schema["cls"] is not model:
            fail_fast(schema["cls"], seen)
        made = {key: part if key in ("cls", "metadata", "function") else hasty(part) for key, part in schema.items()}
        return made | ({"fail_fast": True} if schema.get("type") in ("list", "dict") else {})

    if not isinstance(model.__pydantic_core_schema__, dict):  # pydantic puts that off for some
        model.model_rebuild(force=True)
    model.__pydantic_core_schema__ = hasty(model.__pydantic_core_schema__)
    model.__pydantic_complete__ = False  # or its old validator would be taken for this one
    model.__pydantic_validator__ = SchemaValidator(model.__pydantic_core_schema__)
    model.__pydantic_complete__ = True
