"""What a term becomes once it is compiled: paths of slots, each slot a set of surface forms.

    "Ореховское направление"  ->  [ореховское, ореховского, ...] [направление, направления, ...]
    unit:"58-я армия"         ->  [58] (up to 4 military adjectives) [армия, армии, ...]   or   [58] [оа, ова, ...]

A slot is met by a symbol of the text's lattice: a word as it stands, or another reading of it (see `lattice`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntFlag, StrEnum, auto


class Reason(StrEnum):
    """Why a piece of text counts as a term; from the plainest to the boldest."""

    EXACT = "exact"
    INFLECTED = "inflected"
    TRANSLITERATED = "transliterated"
    PREFIX = "prefix"
    REGEX = "regex"
    NUMBER_WORDS = "number-words"
    LOOK_ALIKE = "look-alike"
    GLUED = "glued"
    FUZZY = "fuzzy"


BOLDNESS = {reason: boldness for boldness, reason in enumerate(Reason)}


class Guard(IntFlag):
    """What the text around a form must show before the form counts."""

    NONE = 0
    # Also an everyday word (попов: of priests): needs a capital letter, or a rank before it.
    CAPITAL = auto()
    # Also the name of a woman (Герасимова): not after a woman's first name.
    MASCULINE = auto()
    # Also another everyday word (рот: of companies, or a mouth): the words around it decide.
    CONTEXT = auto()
    # Also an abbreviation of a measure (5 мин.): not after digits.
    NOT_MEASURE = auto()
    # Plural (армий): only after an ordinal (35-й и 58-й армий).
    AFTER_ORDINAL = auto()
    # Must be written in capitals (ОА, ВСУ), as its small letters are an everyday word.
    UPPER = auto()
    # Must not: F-16s are many, T-90S is another tank.
    LOWER = auto()
    # Also a man's name in the genitive (Захарова): not after a man's rank or first name in that case.
    FEMININE = auto()
    # Not before another size: the 3rd Army Corps is no army.
    LAST_SIZE = auto()


@dataclass(frozen=True, slots=True)
class Form:
    """How a surface form came about, and what it needs."""

    reason: Reason = Reason.EXACT
    guard: Guard = Guard.NONE
    # With Guard.CONTEXT: the dictionary forms of the word that the analyst means.
    lemmas: tuple[str, ...] = ()


class Skip(StrEnum):
    """Which words may stand between a slot and the one before it."""

    NONE = "none"
    ANY = "any"
    # Adjectives and abbreviations that military units have: отдельная, гвардейская, гв., мотострелковая.
    MILITARY = "military"
    # A patronymic or an initial.
    PATRONYMIC = "patronymic"


@dataclass(frozen=True, slots=True)
class Slot:
    """One place in a path."""

    # Folded form -> how it came about.
    forms: Mapping[str, Form]
    # Words that begin so, whatever follows; empty for none.
    prefix: str = ""
    # Up to `gap` words of kind `skip` may stand before it.
    gap: int = 0
    skip: Skip = Skip.NONE
    # Written together with the slot before it, at most a hyphen between: Т-90М.
    tight: bool = False
    # A form at edit distance 1 will do, where no dictionary knows the word.
    fuzzy: bool = False
    # Of the words that may stand before it, none that begins so: a tank regiment is no motor rifle regiment.
    without: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Path:
    """Slots to be met one after the other."""

    slots: tuple[Slot, ...]


@dataclass(frozen=True, slots=True)
class Dropped:
    """A form that was not taken, and why: for `earshot rules explain`."""

    form: str
    reason: str


@dataclass(frozen=True, slots=True)
class Compiled:
    """A term as an analyst wrote it, and the paths that stand for it. Two terms are one when their texts are."""

    text: str
    paths: tuple[Path, ...] = field(compare=False, hash=False, repr=False)
    dropped: tuple[Dropped, ...] = field(compare=False, hash=False, repr=False, default=())

    def __hash__(self) -> int:
        return hash(self.text)  # Asked for every hit, and a string remembers its own.

    def __str__(self) -> str:
        return self.text
