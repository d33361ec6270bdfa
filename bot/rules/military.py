"""How units are called in Russian, Ukrainian and English: their nouns, abbreviations and attributes."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from bot.rules.numbers import ORDINAL_SUFFIXES

# What may stand between a unit's number and its noun: гвардейская, отдельная, мотострелковая ...
_ATTRIBUTE_STEMS = tuple(
    "гвард отдельн общевойсков мотострелк мотострелков танков артиллер ракет зенит инженер десант штурм воздуш горн морск "
    "механиз механіз окрем стрілец стрелк стрелков територ тероборон повітр загальновійськ аеромоб аэромоб мотопіх мотопех "
    "парашют піхот пехот единої добровол резерв бронетанк бронекав разведыв розвід специальн спеціальн армейск армійськ "
    "берегов радиоэлектр радіоелектр понтон мостов егерськ єгерськ президентськ национальн національн казач козац "
    "самоходн самохідн гаубич реактивн тактическ тактичн краснознам орден сводн учебн навчальн ударн важк тяжел легк "
    "combined guard separate motor rifle tank mech infantry marine naval airborne assault artillery special mountain "
    "territorial air rocket missile engineer army reconnaissance recon armored armoured".split()
)
_ATTRIBUTES = frozenset(
    "гв отд оз им имени ім імені arms defense defence purpose сил ссо рф зсу всу вдв vdv ова".split()
)
# Псковская, Кантемировская, Київська: the city that a unit is called after.
_OF_A_CITY = tuple(
    first + end for first in ("ск", "цк", "ськ", "цьк") for end in "ая ой ую ий ого ому им ом о их а ої ій у".split()
)
_HONOURS = tuple("кутузов суворов ленин невск жуков нахимов ушаков хмельницк витяз знамен".split())

# Branches, by the stems of their adjectives and the letters that stand for them in abbreviations (4-я танковая: 4 тд, гтд).
BRANCHES: tuple[tuple[tuple[str, ...], tuple[str, ...]], ...] = (
    (("танков", "tank", "бронетанк"), ("т", "t")),
    (("мотострел", "мотопехот", "мотопіхот", "motor", "rifle"), ("мс", "мп", "mr")),
    (("механ", "mech"), ("м", "m")),
    (("десант", "воздуш", "airborne"), ("дш", "вд", "овд", "пд", "ab", "a")),
    (("штурм", "assault"), ("ш", "дш", "a")),
    (("морск", "naval", "marine"), ("мп", "n")),
    (("артиллер", "артилер", "гаубич", "artillery"), ("а", "са", "a")),
    (("ракет", "missile", "rocket"), ("р", "зр")),
    (("инженер", "інженер", "engineer"), ("инж",)),
    (("специальн", "спеціальн", "special"), ("спн", "сп", "с")),
    (("развед", "розвід", "recon"), ("р", "рп")),
    (("общевойск", "загальновійськ", "combined"), ("о", "ов", "ca")),
    (("армейск", "армійськ"), ("а",)),
    (("стрелков", "стрілец"), ("с",)),
)
# An abbreviation: separate, guards; the branch; the size; a branch that stands last (обрмп, обрспн).
_ABBREVIATION = {
    name: re.compile(rf"{first}(?P<core>.*?)(?:{size})(?P<tail>мп|спн|тро|бо|о)?")
    for name, first, size in (
        ("army", "(?:гв?|g)?", "а|a"), ("corps", "(?:гв?)?", "к|c"), ("division", "(?:о?гв?|g)?", "д|d"),
        ("brigade", "(?:ог|о|г|g)?", "бр|b"), ("regiment", "(?:гв|о|г|g)?", "п|r"), ("battalion", "о?", "б|b"),
        ("company", "", "р"), ("squadron", "о?", "дн"), ("detachment", "о?", "н"),
    )
}  # fmt: skip


# Abbreviations that mean something else in small letters: hectares, the Ukrainian `and`, thousands of roubles.
_ALSO_WORDS = frozenset("та га тр рр тб бат ска".split())


@dataclass(frozen=True, slots=True)
class Echelon:
    """A size of unit. `singular` and `plural`: its forms in three languages."""

    name: str
    singular: frozenset[str]
    plural: frozenset[str]
    short: frozenset[str]


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


ECHELONS = (
    Echelon(
        "army",
        _words("армия армии армию армией армиею армія армії армію армією army"),
        _words("армии армий армиям армиями армиях армій арміям арміями арміях armies"),
        _words("оа ова зва гоа гова та гта caa gcaa ta gta ga"),
    ),
    Echelon(
        "corps",
        _words("корпус корпуса корпусу корпусом корпусе корпусі корпусові corps"),
        _words("корпуса корпусов корпусам корпусами корпусах корпуси корпусів"),
        _words("ак гак тк ск кмп ac"),
    ),
    Echelon(
        "division",
        _words("дивизия дивизии дивизию дивизией дивізія дивізії дивізію дивізією division"),
        _words("дивизий дивизиям дивизиями дивизиях дивізій дивізіям дивізіями дивізіях divisions"),
        _words("мсд гмсд тд гтд вдд дшд гдшд пд мд втд дсп mrd gmrd td gtd abd aad vdd"),
    ),
    Echelon(
        "brigade",
        _words("бригада бригады бригаде бригаду бригадой бригадою бригади бригаді brigade bde"),
        _words("бригады бригад бригадам бригадами бригадах бригади brigades"),
        _words(
            "омсбр мсбр гомсбр гмсбр отбр обрмп брмп обрбо одшбр дшбр гдшбр овдбр обрспн брспн абр габр рбр "
            "зрбр инжбр омбр мбр омпбр оабр оаембр обртро бртро тро "
            "ошбр шбр обр бр мпбр єбр оєбр оптбр осбр отбр орбр smrb mrb gmrb nib sb ntb"
        ),
    ),
    Echelon(
        "regiment",
        _words("полк полка полку полком полке полці полкові regiment"),
        _words("полки полков полкам полками полках полків regiments"),
        _words(
            "мсп гмсп гвмсп омсп шмсп тп гтп пдп гпдп дшп гдшп вдп ап сап зрп птап шп ошп одшп mrr gmrr tr gtr ar aar gaar"
        ),
    ),
    Echelon(
        "battalion",
        _words(
            "батальон батальона батальону батальоном батальоне "
            "батальйон батальйону батальйоном батальйоні батальйонові battalion bn"
        ),
        _words("батальоны батальонов батальонам батальонами батальонах батальйони батальйонів battalions"),
        _words("омсб мсб тб отб орб обмп дшб одшб пдб омпб шб обтро ошб бат mrb"),
    ),
    Echelon(
        "company",
        _words("рота роты роте роту ротой ротою роти роті company"),
        _words("роты рот ротам ротами ротах роти companies"),
        _words("мср тр рр дшр"),
    ),
    Echelon(
        "squadron",
        _words("дивизион дивизиона дивизиону дивизионом дивизионе дивізіон дивізіону дивізіоном дивізіоні"),
        _words("дивизионы дивизионов дивізіони дивізіонів"),
        _words("оадн реадн адн зрдн сдн"),
    ),
    Echelon(
        "detachment",
        _words("отряд отряда отряду отрядом отряде загін загону загоном загоні detachment"),
        _words("отряды отрядов отрядам загони загонів detachments"),
        _words("оспн осн"),
    ),
)


@lru_cache(20_000)
def is_attribute(word: str) -> bool:
    """Whether a word may stand between a unit's number and its noun."""
    return (
        word in _ATTRIBUTES
        or word.startswith(_ATTRIBUTE_STEMS)
        or word.startswith(_HONOURS)
        or (len(word) > 6 and word.endswith(_OF_A_CITY))
    )


def echelon_of(words: Sequence[str]) -> Echelon | None:
    """The size that folded words name, in full or else abbreviated; of several the last (3rd Army Corps: a corps)."""
    # In `36-та` the suffix is not a tank army.
    called = [word for word in reversed(words) if word == words[-1] or word not in ORDINAL_SUFFIXES]
    full = (echelon for word in called for echelon in ECHELONS if word in echelon.singular | echelon.plural)
    return next(full, None) or next((echelon for word in called for echelon in ECHELONS if word in echelon.short), None)


def _branches(words: Iterable[str]) -> list[tuple[tuple[str, ...], tuple[str, ...]]]:
    return [branch for branch in BRANCHES if any(word.startswith(branch[0]) for word in words)]


def contradicting(words: Sequence[str]) -> tuple[str, ...]:
    """Stems of the branches that a unit so called is not of; none where the words name no branch."""
    named = _branches(words)
    return tuple(stem for branch in BRANCHES if branch not in named for stem in branch[0]) if named else ()


def short_names(echelon: Echelon, words: Sequence[str]) -> frozenset[str]:
    """The abbreviations that may stand for a unit so called: of its branch, where the words name one."""
    given = echelon.short.intersection(words)
    cores = {core for _, some in _branches(words) for core in some} | {_core(echelon, one) for one in given}
    if not cores:
        return echelon.short
    return given | {one for one in echelon.short if _core(echelon, one) in cores}


def _core(echelon: Echelon, short: str) -> str:
    """The letters of an abbreviation that stand for the branch."""
    found = _ABBREVIATION[echelon.name].fullmatch(short)
    return found["core"] or found["tail"] or "" if found else short


def needs_capitals(short: str) -> bool:
    """Whether an abbreviation is a word, or may be one, in small letters."""
    return short in _ALSO_WORDS or (len(short) < 3 and short.isascii())


def is_size(word: str) -> bool:
    """Whether it is the noun of a size."""
    return any(word in echelon.singular for echelon in ECHELONS)
