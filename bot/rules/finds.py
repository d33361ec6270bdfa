"""What the terms find in the fields of one post, each looked for when it is first asked for.

A hostile text holds the words of all rules, and most rules are refused by the first words that they do not want: the
others of theirs are never looked for.
"""

from collections.abc import Iterator, Mapping

from bot.rules.scene import Scene
from bot.rules.slots import Path
from bot.rules.tree import Found, Hits


class Finds:
    """Hits, by the texts of the terms."""

    def __init__(self) -> None:
        # Of each term the paths that are still to be walked, scene by scene, those of one field side by side.
        self._waiting: dict[str, list[tuple[Scene, list[Path]]]] = {}
        self._found: dict[str, list[Found]] = {}

    def await_paths(self, scene: Scene, paths: Mapping[str, list[Path]]) -> None:
        """Take paths that may be walked in a scene, by the texts of their terms."""
        for text, some in paths.items():
            self._waiting.setdefault(text, []).append((scene, some))

    def add(self, text: str, found: Found) -> None:
        """Take a hit."""
        self._found.setdefault(text, []).append(found)

    def texts(self) -> Iterator[str]:
        """The terms that may have hits."""
        yield from self._found.keys() | self._waiting.keys()

    def __getitem__(self, text: str) -> Hits:
        """The hits of a term, field by field; none for one that is not there."""
        if text in self._waiting:
            self._found[text] = _walked(self._waiting.pop(text))
        return self._found.get(text, ())


def _walked(waiting: list[tuple[Scene, list[Path]]]) -> list[Found]:
    every: list[Found] = []
    field, found = -1, every
    for scene, paths in waiting:
        if scene.field != field:
            every = [*every, *found] if every else found
            field, found = scene.field, []
        found = _added(found, scene.found(paths))
    return [*every, *found] if every else found


def _added(known: list[Found], more: list[Found]) -> list[Found]:
    """What another reading finds besides; what both find is told once."""
    if not known:
        return more
    seen = {found[1:3] for found in known}
    return [*known, *(found for found in more if found[1:3] not in seen)]
