"""How units are called in Russian, Ukrainian and English: their nouns, abbreviations and attributes."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

# What may stand between a unit's number and its noun: гвардейская, отдельная, мотострелковая ...
_ATTRIBUTE_STEMS = tuple(
    "гвард отдельн общевойсков мотострелк мотострелков танков артиллер ракет зенит инженер десант штурм воздуш горн морск "
    "механиз механіз окрем стрілец стрелк стрелков територ тероборон повітр загальновійськ аеромоб аэромоб мотопіх мотопех "
    "піхот пехот единої добровол резерв бронетанк бронекав разведыв розвід специальн спеціальн армейск армійськ береговой "
    "берегов радиоэлектр радіоелектр понтон мостов егерськ єгерськ президентськ национальн національн казач козац "
    "самоходн самохідн гаубич реактивн тактическ тактичн краснознам орден сводн учебн навчальн ударн важк тяжел легк "
    "combined guard separate motor rifle tank mech infantry marine naval airborne assault artillery special mountain "
    "territorial air rocket missile engineer army reconnaissance recon armored armoured".split()
)
_ATTRIBUTES = frozenset("гв отд оз им в и та the of arms defense defence purpose сил ссо рф зсу всу".split())

# Abbreviations that are also words, or parts of words, in small letters.
_ALSO_WORDS = frozenset("та тк ак ап пд тд тп тб мд оа бр ск ac ta td ar tr aa".split())


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
        _words("оа ова гоа гова та гта гв.оа caa gcaa ta gta ga"),
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
            "омсбр мсбр гомсбр гмсбр отбр обрмп брмп обрбо одшбр дшбр гдшбр овдбр обрспн брспн абр габр рбр зрбр инжбр омбр мбр омпбр оабр "
            "оаембр обртро бртро тро ошбр шбр одшбр обр бр мпбр єбр оєбр оптбр осбр отбр орбр smrb mrb gmrb nib sb ntb"
        ),
    ),
    Echelon(
        "regiment",
        _words("полк полка полку полком полке полці полкові regiment"),
        _words("полки полков полкам полками полках полків regiments"),
        _words("мсп гмсп гвмсп омсп шмсп тп гтп пдп гпдп дшп гдшп вдп ап сап зрп птап шп mrr gmrr tr gtr ar aar gaar"),
    ),
    Echelon(
        "battalion",
        _words(
            "батальон батальона батальону батальоном батальоне батальйон батальйону батальйоном батальйоні батальйонові battalion bn"
        ),
        _words("батальоны батальонов батальонам батальонами батальонах батальйони батальйонів battalions"),
        _words("омсб мсб тб отб орб обмп бмп дшб одшб пдб омпб шб обтро бат mrb"),
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
    return word in _ATTRIBUTES or word.startswith(_ATTRIBUTE_STEMS)


def echelon_of(words: Iterable[str]) -> Echelon | None:
    """The size that one of these folded words names, in full or abbreviated."""
    for word in words:
        for echelon in ECHELONS:
            if word in echelon.singular or word in echelon.plural or word in echelon.short:
                return echelon
    return None


def needs_capitals(short: str) -> bool:
    """Whether an abbreviation is a word, or may be one, in small letters."""
    return short in _ALSO_WORDS or len(short) < 3
