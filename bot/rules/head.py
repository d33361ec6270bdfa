"""A file read as YAML: as a whole, or in pieces, where only pieces that are new are read."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace

from bot.rules import shape
from bot.rules.pieces import Pieces, cut, read_frame, read_pieces
from bot.rules.place import Place
from bot.rules.yaml_lines import Table, Value, load

_FILE = ("watchlist", "defaults", "terms", "rules")


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """A file read as YAML; its parts are still to be understood."""

    text: str
    place: Place
    entries: Mapping[str, Value]
    lists: Table | None
    # Where it is read in pieces: the frame that `entries` are read from, the pieces, and the values of new ones, by number.
    frame: str | None = None
    pieces: Pieces | None = None
    values: Mapping[int, Value] = field(default_factory=dict)

    @property
    def shared(self) -> bool:
        """Whether it is a list file, whose lists every file may use."""
        return "rules" not in self.entries

    def settled(self) -> "Head":
        """Without what is not asked for once rules are made of it."""
        return replace(self, values={}) if self.values else self


def read_head(place: Place, text: str, before: Head | None, made: Collection[str]) -> Head:
    """Read a file; `made`: texts of pieces that are known, of the file as it was `before`. Raises `RuleError`."""
    if before is not None and before.text == text:
        return before
    return _in_pieces(place, text, before, made) or whole(place, text)


def whole(place: Place, text: str) -> Head:
    """Read a file as a whole. Raises `RuleError`."""
    return _head(place, text, load(place.file, text))


def _in_pieces(place: Place, text: str, before: Head | None, made: Collection[str]) -> Head | None:
    parts = cut(text)
    if parts is None:
        return None
    same = before is not None and before.frame == parts.frame
    if before is not None and same:
        entries, lists = before.entries, before.lists
    else:
        frame = read_frame(place.file, parts)
        if frame is None:
            return None
        head = _head(place, text, frame)
        entries, lists = head.entries, head.lists
    new = [number for number, one in enumerate(parts.pieces.texts) if one not in made]
    values = read_pieces(place.file, parts.pieces, new)
    if values is None:
        return None
    return Head(
        text=text,
        place=place,
        entries=entries,
        lists=lists,
        frame=parts.frame,
        pieces=parts.pieces,
        values=values,
    )


def _head(place: Place, text: str, root: Value) -> Head:
    entries = shape.table(root, "a rule file", _FILE, place).entries
    lists = shape.table(entries["terms"], "terms", None, place) if "terms" in entries else None
    if "rules" not in entries and set(entries) != {"terms"}:
        raise place.error(
            "the file has no `rules:`; it needs a list of rules, each with `id` and `match` "
            "(or `terms:` alone: then it is a list file, and every file may use its lists)."
        )
    return Head(text=text, place=place, entries=entries, lists=lists)
