"""JSON schemas in the keywords that grammars know: rewritten, closed, and refused by keyword and place.

Draft 2020-12 (https://json-schema.org/draft/2020-12), and what drafts 4 to 7 and OpenAPI 3.0 write otherwise."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import unquote

from galop.errors import ConstraintError

DEEPEST = 64  # levels of a schema
STEPS = 100_000  # parts that `close_objects` looks at in all
STRING_FORMATS = {"date-time", "time", "date", "duration", "email", "hostname", "ipv4", "ipv6", "uuid", "uri"}
"""Those that can be enforced; others only say what a string is for (2020-12, validation, 7.2.1)."""
TYPES = {"null", "boolean", "number", "integer", "string", "array", "object"}
DRAFTS = re.compile(r"https?://json-schema\.org/draft(-0[467]|/2019-09|/2020-12)/schema#?")
ONE_SCHEMA = ("additionalProperties", "additionalItems", "items", "contains", "not", "if", "then", "else",
              "propertyNames", "unevaluatedItems", "unevaluatedProperties")  # fmt: skip
SCHEMA_LISTS = ("allOf", "anyOf", "oneOf", "prefixItems", "items")
SCHEMA_MAPS = ("properties", "patternProperties", "$defs", "definitions", "dependentSchemas")
ANNOTATIONS = ("title", "description", "default", "x-guidance")  # of no meaning here
IN_PLACE = ("allOf", "anyOf", "oneOf", "$ref", "if", "then", "else", "dependentSchemas", "$dynamicRef")
COUNTS = ("minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties")
NUMBERS = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf")
UNSUPPORTED = ("not", "if", "then", "else", "contains", "dependentRequired", "dependentSchemas", "dependencies",
               "propertyNames", "unevaluatedItems", "unevaluatedProperties", "uniqueItems", "$dynamicRef",
               "$recursiveRef")  # fmt: skip
"""Keywords that no grammar here says, but in the cases that `_rewrite` knows."""
# What no automaton does, or none here: looking around or back, and the borders of words.
UNWRITABLE = re.compile(r"[\x00-\x07\x0b\x0e-\x1f]")  # since JSON would need an escape with u
BEYOND_REGEX = re.compile(r"(?:^|[^\\])(?:\\\\)*(?:\(\?<?[=!]|\\[1-9bBkGZ])")


def depth(value: object) -> int:
    """Levels of a JSON value, DEEPEST + 1 at most."""
    level, here = 0, [value]
    while here and level <= DEEPEST:
        level += 1
        inside = [v.values() if isinstance(v, dict) else v for v in here if isinstance(v, (dict, list))]
        here = [v for values in inside for v in values]
    return level


def map_subschemas(schema: Any, change: Callable[[Any, str], Any], where: str = "#") -> Any:
    """A schema with each one right within it replaced by what `change` makes of it and of its place, a JSON pointer
    that begins with `where`. Names of properties are no keywords, and what stands under `const`, `enum`, `default` or
    `examples` is no schema."""
    if not isinstance(schema, dict):
        return schema
    new: dict[str, Any] = {}
    for key, value in schema.items():
        here = f"{where}/{_escape(key)}"
        if key in SCHEMA_MAPS and isinstance(value, dict):
            new[key] = {name: change(part, f"{here}/{_escape(name)}") for name, part in value.items()}
        elif key in SCHEMA_LISTS and isinstance(value, list):
            new[key] = [change(part, f"{here}/{i}") for i, part in enumerate(value)]
        elif key in ONE_SCHEMA and isinstance(value, (dict, bool)):
            new[key] = change(value, here)
        else:
            new[key] = value
    return new


def _escape(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")


def resolve(root: Any, pointer: str) -> Any:
    """What a reference of the form #/a/b points to; None if there is nothing."""
    here = root
    for part in [unquote(p).replace("~1", "/").replace("~0", "~") for p in pointer.split("/")[1:]]:
        if isinstance(here, list) and part.isdecimal() and len(part) < 9 and int(part) < len(here):
            here = here[int(part)]
        elif isinstance(here, dict) and part in here:
            here = here[part]
        else:
            return None
    return here


def normalise(schema: Any, leave_out: bool = False) -> dict[str, Any]:
    """A schema that allows nothing which the given one forbids, in keywords that grammars know: without annotations,
    and with what says the same in other keywords rewritten. Raises ConstraintError for what cannot be followed, by
    keyword and place; with `leave_out` that is dropped instead, and the rest followed."""
    if depth(schema) > DEEPEST:
        raise ConstraintError(f"the schema is nested deeper than {DEEPEST} levels")
    return _Normaliser(schema, leave_out).root()


class _Normaliser:
    """One run over a schema; places are JSON pointers."""

    def __init__(self, given: Any, leave_out: bool) -> None:
        self._given = given
        self._leave_out = leave_out
        self._seen: set[str] = set()  # places that were rewritten
        self._references: list[str] = []
        parts = [p for p in _parts(given) if isinstance(p, dict)]
        # Whether parts have names of their own, which references may mean.
        self._identified = any(isinstance(p.get("$id"), str) for p in parts)
        whole = [given] if isinstance(given, dict) else []
        self._named = any(isinstance(p.get(k), str) for p in [*parts, *whole] for k in ("$id", "id"))
        self._anchors = {p[k] for p in parts for k in ("$anchor", "$dynamicAnchor") if isinstance(p.get(k), str)}
        draft = given.get("$schema") if isinstance(given, dict) else None
        self._old = isinstance(draft, str) and bool(re.search("draft-0[467]/", draft))

    def root(self) -> dict[str, Any]:
        new = self.one(self._given, "#")
        if new is False:
            raise ConstraintError("the schema is false, which nothing satisfies")
        new = {} if new is True else new
        while self._references:  # some stand where no schema is looked for, as in OpenAPI's components
            place = self._references.pop()
            if place in self._seen or self._identified or not place.startswith("#/"):
                continue
            if (target := resolve(self._given, place)) is None:
                continue
            *path, last = place.split("/")
            holder, key = resolve(new, "/".join(path)), unquote(last).replace("~1", "/").replace("~0", "~")
            if isinstance(holder, dict):
                holder[key] = self.one(target, place)
            elif isinstance(holder, list):
                holder[int(key)] = self.one(target, place)
        return new

    def _refuse(self, keyword: str, where: str, why: str = "cannot be followed") -> None:
        if not self._leave_out:
            raise ConstraintError(f"{keyword} at {where} of the schema {why}; leave it out or say it otherwise")

    def one(self, schema: Any, where: str) -> Any:
        self._seen.add(where)
        if isinstance(schema, bool):
            return schema
        if not isinstance(schema, dict):
            self._refuse(where.rpartition("/")[2], where, "is no schema (an object or a boolean)")
            return True
        new = {}
        for key, value in self._rewrite(schema).items():
            if key in UNSUPPORTED:
                self._refuse(key, where)
            elif self._well_formed(key, value, where):
                new[key] = value
        if new.get("minProperties", 0) > len(set(new.get("required", ()))) + 1:
            self._refuse("minProperties", where)  # the same property could be written twice
            del new["minProperties"]
        return map_subschemas(new, self.one, where)

    def _rewrite(self, schema: dict[str, Any]) -> dict[str, Any]:
        """Without annotations, and without those of UNSUPPORTED that say nothing or what another keyword can say."""
        new = {k: v for k, v in schema.items() if k not in ANNOTATIONS}
        alone = not any(key in new for key in IN_PLACE)
        if new.get("uniqueItems") is False or _at_most(new.get("maxItems"), 1):
            new.pop("uniqueItems", None)
        if new.get("not") is False:
            del new["not"]
        if "if" not in new or not ("then" in new or "else" in new):
            for key in ("if", "then", "else"):
                new.pop(key, None)
        if new.get("contains") is not None and new.get("minContains") == 0 and "maxContains" not in new:
            del new["contains"]
        for key in ("minContains", "maxContains", "$vocabulary", "$recursiveAnchor"):
            new.pop(key, None)
        if isinstance(anchor := new.pop("$dynamicAnchor", None), str):
            new.setdefault("$anchor", anchor)
        for key in ("dependentRequired", "dependentSchemas", "dependencies"):
            if new.get(key) == {}:
                del new[key]
        for key, same in (("unevaluatedProperties", "additionalProperties"), ("unevaluatedItems", "items")):
            if new.get(key) in (True, {}) or (key in new and alone and isinstance(new.get(same), (dict, bool))):
                del new[key]  # everything is allowed, or has been looked at
            elif key in new and alone and same not in new and "contains" not in new:
                new[same] = new.pop(key)
        for bound, beyond in (("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum")):
            if isinstance(excluded := new.get(beyond), bool):  # as draft 4 and OpenAPI 3.0 say it
                del new[beyond]
                if excluded and bound in new:
                    new[beyond] = new.pop(bound)
        for key in COUNTS:
            if isinstance(count := new.get(key), float) and count.is_integer():
                new[key] = int(count)
        if self._old and "$ref" in new:
            new.pop("$id", None)  # what stands beside a reference was ignored
        names = new.get("propertyNames")
        if names in (True, {}) or (isinstance(names, dict) and set(names) == {"type"} and names["type"] == "string"):
            del new["propertyNames"]
        elif isinstance(names, dict) and set(names) <= {"type", "enum"} and not _names(new):
            rest = new.pop("additionalProperties", True)
            new["properties"] = {n: rest for n in names.get("enum", ()) if isinstance(n, str)}
            new["additionalProperties"] = False
            del new["propertyNames"]
        elif isinstance(names, dict) and set(names) <= {"type", "pattern"} and not _names(new):
            new["patternProperties"] = {str(names.get("pattern")): new.pop("additionalProperties", True)}
            new["additionalProperties"] = False
            del new["propertyNames"]
        if not isinstance(form := new.get("format"), str) or form not in STRING_FORMATS:
            new.pop("format", None)
        if not (isinstance(draft := new.get("$schema"), str) and DRAFTS.fullmatch(draft)):
            new.pop("$schema", None)
        if isinstance(options := new.get("oneOf"), list) and not self._identified:
            # Whether options exclude each other is seen in what they are, not in what they refer to.
            new["oneOf"] = [self._resolve_option(option) for option in options]
        return new

    def _resolve_option(self, option: Any) -> Any:
        if isinstance(option, dict) and set(option) == {"$ref"} and isinstance(option["$ref"], str):
            target = resolve(self._given, option["$ref"]) if option["$ref"].startswith("#/") else None
            return target if isinstance(target, dict) else option
        return option

    def _well_formed(self, key: str, value: Any, where: str) -> bool:
        """Whether a keyword has a value of its kind, that can be followed."""
        kind, fits = next((rule for keys, rule in VALUES.items() if key in keys), ("", lambda _: True))
        if key == "items" and isinstance(value, (dict, bool)):
            fits = _is_schema
        patterns = [value] if key == "pattern" else value if key == "patternProperties" else ()
        texts = value if key in ("properties", "required") else _parts([value]) if key in ("const", "enum") else ()
        if not fits(value):
            self._refuse(key, where, f"has to be {kind}")
        elif any(BEYOND_REGEX.search(pattern) for pattern in patterns):
            self._refuse(key, where, "looks around or back, which cannot be followed")
        elif any(isinstance(text, str) and UNWRITABLE.search(text) for text in texts):
            self._refuse(key, where, "holds a control character, which is not written")
        elif key == "$ref" and not self._is_resolvable(value):
            self._refuse(key, where, f"points to {value[:80]}, which is not in the schema")
        else:
            return True
        return False

    def _is_resolvable(self, reference: str) -> bool:
        self._references.append(reference)
        if self._named or reference == "#":
            return True
        if reference.startswith("#/"):
            return resolve(self._given, reference) is not None
        return reference[:1] == "#" and unquote(reference[1:]) in self._anchors


def _number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _is_schema(value: Any) -> bool:
    return isinstance(value, (dict, bool))


VALUES: Mapping[tuple[str, ...], tuple[str, Callable[[Any], bool]]] = {
    ("type",): (
        "one or more of JSON's types",
        lambda v: bool(v) and all(isinstance(t, str) and t in TYPES for t in (v if isinstance(v, list) else [v])),
    ),
    COUNTS: ("a count", lambda v: isinstance(v, int) and not isinstance(v, bool) and v >= 0),
    ("multipleOf",): ("a number above 0", lambda v: _number(v) and v > 0),
    NUMBERS: ("a number", lambda v: _number(v)),
    ("prefixItems", "items"): ("a list", lambda v: isinstance(v, list)),
    ("enum", *SCHEMA_LISTS): ("a list that is not empty", lambda v: isinstance(v, list) and bool(v)),
    ONE_SCHEMA: ("a schema", _is_schema),
    SCHEMA_MAPS: ("an object", lambda v: isinstance(v, dict)),
    ("required",): ("a list of names", lambda v: isinstance(v, list) and all(isinstance(n, str) for n in v)),
    ("pattern", "$ref"): ("a text", lambda v: isinstance(v, str)),
}
"""What keywords hold."""


def _parts(value: Any) -> Iterator[Any]:
    """Whatever stands within a JSON value."""
    here = [value]
    while here:
        inside = [v.values() if isinstance(v, dict) else v for v in here if isinstance(v, (dict, list))]
        here = [v for values in inside for v in values]
        yield from here


def _at_most(value: Any, most: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value <= most


def _names(schema: Mapping[str, Any]) -> bool:
    return any(key in schema for key in ("properties", "patternProperties", *IN_PLACE))


def close_objects(schema: Any) -> Any:
    """A schema whose objects hold no properties that it does not name, unless it says otherwise
    (`additionalProperties`): what llama.cpp and Ollama take a schema for. Objects of which it names no property may
    hold any."""
    if depth(schema) > DEEPEST:
        return schema
    together = _find_joint_places(schema)
    steps = iter(range(STEPS))

    def close(part: Any, place: str, with_others: bool = False) -> Any:
        if not isinstance(part, dict):
            return part
        with_others = with_others or place in together

        def within(child: Any, there: str) -> Any:
            keyword = there[len(place) + 1 :].partition("/")[0]
            if keyword == "not":
                return child
            return close(child, there, keyword in IN_PLACE and (with_others or _joins(part)))

        new: dict[str, Any] = map_subschemas(part, within, place)
        if with_others or not (_joins(part) or "properties" in part):
            return new
        names, more = _find_properties(part, schema, steps)
        if (names or "properties" in part) and not more and isinstance(new.get("properties", {}), dict):
            new["properties"] = {**dict.fromkeys(names, True), **new.get("properties", {})}
            new["additionalProperties"] = False
        return new

    return close(schema, "#")


def _joins(part: Mapping[str, Any]) -> bool:
    """Whether a schema is several at once, none of which knows all properties."""
    kinds = [k for k in ("properties", "patternProperties", "additionalProperties", *IN_PLACE) if k in part]
    return len(kinds) > 1 or (kinds == ["allOf"] and isinstance(part["allOf"], list) and len(part["allOf"]) > 1)


def _find_joint_places(root: Any) -> set[str]:
    """Places that references mean in one of several schemas that hold at once."""
    found: set[str] = set()
    left: list[tuple[Any, str, bool]] = [(root, "#", False)]
    while left:
        part, place, with_others = left.pop()
        if not isinstance(part, dict):
            continue
        joined = with_others or _joins(part)
        if joined and isinstance(reference := part.get("$ref"), str) and unquote(reference) not in found:
            found.add(unquote(reference))
            left.append((resolve(root, reference), reference, True))

        def later(child: Any, there: str, start: int = len(place) + 1, joined: bool = joined) -> Any:
            left.append((child, there, joined and there[start:].partition("/")[0] in IN_PLACE))
            return child

        map_subschemas(part, later, place)
    return found


def _find_properties(part: Any, root: Any, steps: Iterator[int]) -> tuple[list[str], bool]:
    """The properties that a schema names, in all that holds in its place, and whether it lets there be more, as far as
    can be told in these steps."""
    names: dict[str, None] = {}
    more, left, seen = False, [part], set()
    while left:
        one = left.pop(0)
        if not isinstance(one, dict) or id(one) in seen:
            continue
        seen.add(id(one))
        if next(steps, None) is None:
            return [], True
        if isinstance(own := one.get("properties"), dict):
            names |= dict.fromkeys(own)
        if isinstance(required := one.get("required"), list):
            names |= dict.fromkeys(name for name in required if isinstance(name, str))
        more = more or any(one.get(k, False) is not False for k in ("additionalProperties", "unevaluatedProperties"))
        for key in IN_PLACE:
            inside = one.get(key)
            if key == "$ref" and isinstance(inside, str):
                left.append(resolve(root, inside) if inside.startswith("#/") else None)
            else:
                left += (
                    list(inside.values())
                    if key == "dependentSchemas" and isinstance(inside, dict)
                    else (inside if isinstance(inside, list) else [inside])
                )
    return list(names), more
