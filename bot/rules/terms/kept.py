"""Terms whose forms are known. Making forms is what takes long when rules are compiled: a millisecond or two for a term.

They are kept while the process runs, and can be written to a file (`packed`) for the next one (`unpack`).
"""

import hashlib
import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import astuple
from functools import cache
from importlib.metadata import version
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any

from bot.rules.slots import Compiled, Dropped, Form, Guard, Path, Reason, Skip, Slot
from bot.rules.tree import Term

_MOST = 50_000
_DICTIONARIES = ("pymorphy3", "pymorphy3-dicts-ru", "pymorphy3-dicts-uk")

_known: dict[str, Term] = {}
# Of hundreds of thousands of forms most came about in one of a few ways: they share what says so.
_ways: dict[Form, Form] = {}


def known(text: str) -> Term | None:
    """The term that was kept under what is written in a query."""
    return _known.get(text)


def keep(text: str, term: Term) -> None:
    """Know a term from now on; the oldest is forgotten when there are too many."""
    if len(_known) >= _MOST:
        _known.pop(next(iter(_known)), None)
    for path in term.paths if isinstance(term, Compiled) else ():
        for slot in path.slots:
            _share_ways(slot.forms)
    _known[text] = term


def _share_ways(forms: Mapping[str, Form]) -> None:
    if isinstance(forms, dict):
        forms.update([(form, _ways.setdefault(way, way)) for form, way in forms.items() if not way.lemmas])


def packed(texts: Collection[str]) -> bytes:
    """The terms of these texts that are known, as the bytes of a file: for this engine and these dictionaries alone."""
    kinds: dict[Form, int] = {}
    kept = [(text, term) for text, term in _known.items() if isinstance(term, Compiled) and term.text in texts]
    body = json.dumps([[text, *_pack(term, kinds)] for text, term in kept], ensure_ascii=False, separators=(",", ":"))
    head = json.dumps([astuple(form) for form in kinds], ensure_ascii=False, separators=(",", ":"))
    data = f"{head}\n{body}".encode()
    return f"{engine()} {hashlib.sha256(data).hexdigest()}\n".encode() + data


def unpack(content: bytes) -> frozenset[str]:
    """Keep what `packed` wrote, and say of which texts. ValueError for a file of another engine, or a spoilt one."""
    head, _, data = content.partition(b"\n")
    if head != f"{engine()} {hashlib.sha256(data).hexdigest()}".encode():
        raise ValueError("written by another version, or spoilt")
    first, _, second = data.decode().partition("\n")
    kinds = [Form(Reason(reason), Guard(guard), tuple(lemmas)) for reason, guard, lemmas in json.loads(first)]
    terms = {text: _unpack(packed, kinds) for text, *packed in json.loads(second)}
    for text, term in terms.items():
        keep(text, term)
    return frozenset(term.text for term in terms.values())


@cache
def engine() -> str:
    """What forms depend on besides the term: the source of this room and the versions of the dictionaries."""
    digest = hashlib.sha256()
    for source in _sources(files("bot.rules")):
        digest.update(source)
    for name in _DICTIONARIES:
        digest.update(f"{name} {version(name)}\n".encode())
    return digest.hexdigest()


def _sources(folder: Traversable) -> Iterator[bytes]:
    for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if entry.is_dir():
            yield from _sources(entry)
        elif entry.name.endswith(".py"):
            yield entry.read_bytes()


def _pack(term: Compiled, kinds: dict[Form, int]) -> list[Any]:
    paths = [[_pack_slot(slot, kinds) for slot in path.slots] for path in term.paths]
    return [term.text, paths, [astuple(one) for one in term.dropped]]


def _pack_slot(slot: Slot, kinds: dict[Form, int]) -> list[Any]:
    numbers = [kinds.setdefault(form, len(kinds)) for form in slot.forms.values()]
    rest = [slot.prefix, slot.gap, slot.skip, slot.tight, slot.fuzzy, slot.without]
    return [" ".join(slot.forms), numbers, *rest]


def _unpack(packed: list[Any], kinds: list[Form]) -> Compiled:
    text, paths, dropped = packed
    return Compiled(
        text,
        tuple(Path(tuple(_unpack_slot(slot, kinds) for slot in slots)) for slots in paths),
        tuple(Dropped(*one) for one in dropped),
    )


def _unpack_slot(packed: list[Any], kinds: list[Form]) -> Slot:
    words, numbers, prefix, gap, skip, tight, fuzzy, without = packed
    forms = dict(zip(words.split(), map(kinds.__getitem__, numbers), strict=True))
    return Slot(forms, prefix, gap, Skip(skip), tight, fuzzy, tuple(without))
