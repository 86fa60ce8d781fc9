"""What is different between two JSON values, and how is one made from the other? Plain data.

A path is a tuple of keys and list positions. People read it dotted (`lines[2].price`); patches are
the four operations of RFC 6902 that a correction needs (test, add, replace, remove), their paths
JSON pointers (RFC 6901).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, Final

Path = tuple[str | int, ...]
OPERATIONS = frozenset({"test", "add", "replace", "remove"})

_STEP = re.compile(r"([^.\[\]]+)|\[(\d{1,6})\]")


class _Missing:
    def __repr__(self) -> str:
        return "nothing"


MISSING: Final[Any] = _Missing()


class PatchFails(ValueError):
    """The document has not the shape that the patch was made for."""


@dataclass(frozen=True)
class Change:
    """One place that differs; `MISSING` where it is not there."""

    path: Path
    before: Any
    after: Any

    @property
    def where(self) -> str:
        """The path as people read it."""
        return dotted(self.path)


def changes(before: Any, after: Any, path: Path = ()) -> Iterator[Change]:
    """Every innermost place that differs, in reading order. Lists are compared by position."""
    if isinstance(before, dict) and isinstance(after, dict):
        for key in [*before, *(key for key in after if key not in before)]:
            yield from changes(before.get(key, MISSING), after.get(key, MISSING), (*path, key))
    elif isinstance(before, list) and isinstance(after, list):
        for at in range(max(len(before), len(after))):
            old = before[at] if at < len(before) else MISSING
            new = after[at] if at < len(after) else MISSING
            yield from changes(old, new, (*path, at))
    elif type(before) is not type(after) or before != after:
        yield Change(path, before, after)


def dotted(path: Path) -> str:
    """`lines[2].price`."""
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return text.removeprefix(".")


def parsed(text: str) -> Path:
    """The path in dotted text."""
    return tuple(int(at) if at else key for key, at in _STEP.findall(text))


def value_at(document: Any, path: Path) -> Any:
    """What stands there, or `MISSING`."""
    for step in path:
        if not _has(document, step):
            return MISSING
        document = document[step]
    return document


def _has(place: Any, step: str | int) -> bool:
    if isinstance(place, list):
        return isinstance(step, int) and 0 <= step < len(place)
    return isinstance(place, dict) and step in place


def patch_of(differences: Sequence[Change]) -> list[dict[str, Any]]:
    """The operations that make these changes. Places taken from a list go last first."""
    made = [_operation(one) for one in differences if one.after is not MISSING]
    gone = [one for one in differences if one.after is MISSING]
    return made + [{"op": "remove", "path": pointer(one.path)} for one in reversed(gone)]


def _operation(one: Change) -> dict[str, Any]:
    op = "add" if one.before is MISSING else "replace"
    return {"op": op, "path": pointer(one.path), "value": one.after}


def pointer(path: Path) -> str:
    """The JSON pointer of a path."""
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in path)


def patched(document: Any, patch: Sequence[Mapping[str, Any]]) -> Any:
    """A changed copy of `document`. Raises `PatchFails` when it has not the shape for it."""
    document = deepcopy(document)
    for step in patch:
        document = _apply(document, step)
    return document


def _apply(document: Any, step: Mapping[str, Any]) -> Any:
    keys = [key.replace("~1", "/").replace("~0", "~") for key in step["path"].split("/")[1:]]
    if not keys:
        raise PatchFails("A patch may not replace the whole document.")
    place = document
    for key in keys[:-1]:
        place = _inside(place, key)
    _change(place, keys[-1], step)
    return document


def _inside(place: Any, key: str) -> Any:
    if isinstance(place, dict) and key in place:
        return place[key]
    if isinstance(place, list) and key.isascii() and key.isdigit() and int(key) < len(place):
        return place[int(key)]
    raise PatchFails(f"There is no {key[:60]} in it.")


def _change(place: Any, key: str, step: Mapping[str, Any]) -> None:
    op = step["op"]
    if op == "add" and isinstance(place, dict):
        place[key] = deepcopy(step["value"])
        return
    if op == "add" and isinstance(place, list):
        at = len(place) if key == "-" or not key.isdigit() else int(key)
        place.insert(min(at, len(place)), deepcopy(step["value"]))
        return
    found = _inside(place, key)
    at_key: Any = int(key) if isinstance(place, list) else key
    if op == "replace":
        place[at_key] = deepcopy(step["value"])
    elif op == "remove":
        del place[at_key]
    elif op != "test" or found != step["value"]:
        raise PatchFails(f"{key[:60]} is not what the patch expects.")
